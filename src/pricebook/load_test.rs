//! Folders, contracts and broken files: what they change, and how exactly they are complained about.

use super::*;
use crate::error::Error;
use crate::period::read_instant;

const HEADER: &str =
    "model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source,note\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("prices")).unwrap();
    for (name, content) in files {
        std::fs::write(dir.path().join(name), content).unwrap();
    }
    dir
}

fn price(book: &Pricebook, model: &str, meter: Meter, when: &str) -> std::result::Result<Priced, NoPrice> {
    let at = read_instant(when).unwrap().0;
    let seller = if model.starts_with("claude") { "anthropic" } else { "openai" };
    book.price(&PriceQuery { seller, model, meter, tier: Tier::Standard, region: "", prompt: 0, at })
}

fn per_million(book: &Pricebook, model: &str, meter: Meter, when: &str) -> String {
    price(book, model, meter, when).unwrap().unit.per_million()
}

fn problems(error: Error) -> Vec<String> {
    let Error::Input(problems) = error else { panic!("{error}") };
    assert!(problems.iter().all(|problem| problem.help.is_some()));
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn an_overlay_decides_from_its_start_and_shipped_rows_stay_in_sight() {
    let rows =
        "gpt-5-mini,input,standard,0,global,*,0.30,1000000,USD,2026-10-05,2026-10-06,1,listed,mine,\r\n";
    let dir = folder(&[("prices/openai.csv", &format!("\u{feff}{}{rows}", HEADER.replace('\n', "\r\n")))]);
    let book = Pricebook::load(Some(dir.path()), &[], None).unwrap();
    assert_eq!(per_million(&book, "gpt-5-mini", Meter::Input, "2026-10-04"), "0.25");
    assert_eq!(per_million(&book, "gpt-5-mini", Meter::Input, "2026-10-05"), "0.3");
    let row = price(&book, "gpt-5-mini", Meter::Input, "2026-10-05").unwrap().row.to_string();
    assert!(row.ends_with("prices/openai.csv:2"), "{row}");
    let layers: Vec<Layer> = book
        .rows("openai", "gpt-5-mini", Meter::Input)
        .iter()
        .filter(|row| row.tier == Some(Tier::Standard))
        .map(|row| row.layer)
        .collect();
    assert_eq!(layers, [Layer::Shipped, Layer::Overlay]);
    assert_ne!(book.sha256(), Pricebook::shipped().unwrap().sha256());
    // The same files elsewhere are the same book.
    let copy = folder(&[("prices/openai.csv", &format!("\u{feff}{}{rows}", HEADER.replace('\n', "\r\n")))]);
    assert_eq!(book.sha256(), Pricebook::load(Some(copy.path()), &[], None).unwrap().sha256());
}

#[test]
fn an_overlay_may_bring_its_own_models_and_names() {
    let dir = folder(&[
        ("book.toml", "name = \"acme\"\n"),
        ("models.toml", "[[model]]\nid = \"house-1\"\nseller = \"openai\"\nmatch = [\"house\"]\n"),
        (
            "prices/openai.csv",
            &format!(
                "{HEADER}house-1,output,standard,0,*,*,0.011,1000,USD,2026-01-01,2026-01-01,1,listed,mine,\n"
            ),
        ),
    ]);
    let book = Pricebook::load(Some(dir.path()), &[], None).unwrap();
    assert_eq!(book.name(), "list + acme");
    assert_eq!(book.resolve("openai", "HOUSE", 0), Some("house-1"));
    assert_eq!(per_million(&book, "house-1", Meter::Output, "2026-10-05"), "11");
}

#[test]
fn a_row_under_a_name_that_points_holds_for_the_model_it_means() {
    let row = |model: &str, price: &str, from: &str| {
        format!("{model},input,standard,0,global,*,{price},1000000,USD,{from},2026-10-06,1,listed,mine,\n")
    };
    let load = |rows: &str| {
        let dir = folder(&[("prices/openai.csv", &format!("{HEADER}{rows}"))]);
        Pricebook::load(Some(dir.path()), &[], None)
    };
    let book = load(&row("gpt-4o", "2.4", "2026-10-05")).unwrap();
    assert_eq!(
        book.resolve("openai", "gpt-4o", read_instant("2026-10-05").unwrap().0),
        Some("gpt-4o-2024-08-06")
    );
    assert_eq!(per_million(&book, "gpt-4o-2024-08-06", Meter::Input, "2026-10-04"), "2.5");
    assert_eq!(per_million(&book, "gpt-4o-2024-08-06", Meter::Input, "2026-10-05"), "2.4");
    // The name moved on 2 October 2024: a row from before ends there, or says nothing certain.
    let found = problems(load(&row("gpt-4o", "4", "2024-09-01")).unwrap_err());
    let wanted = "openai.csv:2: `gpt-4o` means `gpt-4o-2024-05-13`, and `gpt-4o-2024-08-06` from 2024-10-02 on: \
                  the row can hold for neither";
    assert!(found[0].ends_with(wanted), "{found:?}");
    let book = load(&(row("gpt-4o", "4", "2024-09-01") + &row("gpt-4o", "2.4", "2024-10-02"))).unwrap();
    assert_eq!(per_million(&book, "gpt-4o-2024-05-13", Meter::Input, "2024-09-01"), "4");
    assert_eq!(per_million(&book, "gpt-4o-2024-08-06", Meter::Input, "2024-10-02"), "2.4");
}

#[test]
fn every_bad_cell_is_reported_where_it_is() {
    let dir = folder(&[(
        "prices/openai.csv",
        &format!(
            "{HEADER}\
                 gpt-5-mni,inptu,standrd,0,global,*,0.25,1000000,USD,2026-01-01,2026-01-01,1,listed,mine,\n\
                 gpt-5,input,standard,272000,Global,*,1E-7,0,EUR,01/02/2026,today,0,lsted,,\n\
                 gpt-5,input,standard,0,global,night,0,1000000,USD,2026-01-01,2026-01-01,1,listed,mine,\n\
                 gpt-5,input,standard,0,global,*,3,1000000,USD,2026-01-01,2026-01-01,1,ended,mine,\"a, b\"\n\
                 gpt-5,input,standard\n\
                 gpt-5,input,standard,0,global,*,3,1000000,USD,2026-01-01,2026-01-01,1,listed,mine,\n\
                 gpt-5,input,standard,0,global,*,4,1000000,USD,2026-01-01,2026-01-01,1,listed,mine,\n"
        ),
    )]);
    let found = problems(Pricebook::load(Some(dir.path()), &[], None).unwrap_err());
    let root = format!("error: {}/prices/openai.csv:", dir.path().display());
    let found: Vec<&str> = found.iter().map(|line| line.strip_prefix(&root).unwrap()).collect();
    let duplicate =
        format!("8: the same key, `from` and `rev` as {}/prices/openai.csv:7", dir.path().display());
    let expected = [
        "2:1: model `gpt-5-mni` is not in `models.toml`",
        "2:11: meter `inptu` is not known",
        "2:17: tier `standrd` is not known",
        "3:22: ctx `272000` is no context boundary",
        "3:29: region `Global` is no region",
        "3:38: price `1E-7` is no plain decimal",
        "3:43: per `0` is no quantity",
        "3:45: currency `EUR` is not the book's currency",
        "3:49: from `01/02/2026` is no instant",
        "3:60: recorded `today` is no date",
        "3:66: rev `0` is no revision",
        "3:68: status `lsted` is not known",
        "3:74: source `` is empty",
        "4:31: window `night` is no schedule of `schedules.toml`",
        "4:37: price `0` is not marked free",
        "5:33: price `3` on a row that ends a price",
        "6:1: the row has 3 cells, the header 15",
        &duplicate,
    ];
    assert_eq!(found, expected);
}

#[test]
fn contracts_apply_last() {
    let dir = folder(&[(
        "terms.toml",
        r#"
[[term]]
seller = "anthropic"
from = 2026-07-01
to = 2027-07-01
kind = "percent_off_list"
value = "12"
applies_to = ["tokens"]
excludes = ["claude-fable-5-1"]
[[term]]
seller = "openai"
from = 2026-09-01
kind = "price"
model = "gpt-5-mini"
meter = "input"
value = "0.20"
"#,
    )]);
    let path = dir.path().join("terms.toml");
    let book = Pricebook::load(None, std::slice::from_ref(&path), None).unwrap();
    // 12 percent off 2.00 is 1.76; not before July, not for the excluded model, not for fees.
    let sonnet = price(&book, "claude-sonnet-5", Meter::Input, "2026-07-01").unwrap();
    assert_eq!(sonnet.unit.per_million(), "1.76");
    assert!(sonnet.factors[0].0.ends_with("terms.toml:6"), "{:?}", sonnet.factors);
    assert_eq!(per_million(&book, "claude-sonnet-5", Meter::Input, "2026-06-30"), "2");
    assert_eq!(per_million(&book, "claude-sonnet-5", Meter::WebSearch, "2026-08-01"), "10000");
    assert_eq!(per_million(&book, "claude-fable-5-1", Meter::Input, "2026-10-01"), "10");
    assert_eq!(per_million(&book, "gpt-5-mini", Meter::Input, "2026-08-31"), "0.25");
    let own = price(&book, "gpt-5-mini", Meter::Input, "2026-09-01").unwrap();
    assert_eq!(own.unit.per_million(), "0.2");
    assert!(own.row.to_string().ends_with("terms.toml:13"), "{}", own.row);
    let july = read_instant("2026-07-01").unwrap().0;
    assert_eq!(book.price_changes("anthropic", "claude-opus-4-5-20251101", july - 1, july), [july]);
}

#[test]
fn a_folder_without_a_book_and_a_ledger_without_a_seller_are_errors() {
    let empty = folder(&[]);
    assert!(
        problems(Pricebook::load(Some(empty.path()), &[], None).unwrap_err())[0]
            .ends_with("holds no price book")
    );
    let wrong = folder(&[("prices/opnai.csv", HEADER)]);
    assert!(
        problems(Pricebook::load(Some(wrong.path()), &[], None).unwrap_err())[0]
            .ends_with("`opnai` is no seller")
    );
    let wrong = folder(&[("modifiers.toml", "[[modifer]]\n"), ("prices/openai.csv", "model,prize\n")]);
    let found = problems(Pricebook::load(Some(wrong.path()), &[], None).unwrap_err());
    assert!(found[0].contains("modifiers.toml:1:3: unknown field `modifer`"), "{found:?}");
    assert!(
        found.iter().any(|line| line.contains("prices/openai.csv:1:7: unknown column `prize`")),
        "{found:?}"
    );
}

#[test]
fn a_last_line_with_too_few_cells_no_end_and_no_ascii_is_reported() {
    for (line, cells) in [("é", 1), ("é,input", 2)] {
        let dir = folder(&[("prices/openai.csv", &format!("{HEADER}{line}"))]);
        let found = problems(Pricebook::load(Some(dir.path()), &[], None).unwrap_err());
        let wanted = format!("openai.csv:2:1: the row has {cells} cells, the header 15");
        assert!(found.iter().any(|problem| problem.ends_with(&wanted)), "{found:?}");
    }
}
