//! Cut-outs of real lists (`fixtures/pricebook-import/`) against a book small enough to know by heart.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::*;
use crate::pricebook::files::BookFile;
use crate::pricebook::{Layer, Reading};
use crate::review::format::canonical;

const HEAD: &str = "model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source\n";

/// The book: what is missing, wrong or derived in it is what the tests are about.
fn small() -> Vec<(String, String)> {
    let row = |row: &str| {
        let [model, meter, ctx, price, from] = row.split(' ').collect::<Vec<_>>().try_into().unwrap();
        format!("{model},{meter},standard,{ctx},global,*,{price},1000000,USD,{from},{from},1,listed,page\n")
    };
    let ledger = |rows: &[&str]| format!("{HEAD}{}", rows.iter().copied().map(row).collect::<String>());
    let models = [
        ("openai", "gpt-5.6-luna"),
        ("openai", "gpt-5.6-sol"),
        ("openai", "o3"),
        ("xai", "grok-4.20-0309-reasoning"),
    ];
    let models = models.map(|(seller, id)| format!("[[model]]\nid = \"{id}\"\nseller = \"{seller}\"\n"));
    let batch = "[[modifier]]\nid = \"half\"\nseller = \"openai\"\nfactor = \"0.5\"\ntier = \"batch\"\n\
                 applies_to = [\"input\", \"output\"]\norder = 10\nsource = \"page\"\n";
    let openai = ledger(&[
        "o3 input 0 10 2025-04-16",
        "o3 output 0 40 2025-04-16",
        "o3 input 0 2 2025-06-10",
        "o3 output 0 8 2025-06-10",
        "gpt-5.6-sol input 0 5 2026-07-09",
        "gpt-5.6-luna input 0 0.20 2026-07-30",
        "gpt-5.6-luna cache_read 0 0.02 2026-07-30",
        // Ten times too much.
        "gpt-5.6-luna output 0 12 2026-07-30",
        "gpt-5.6-sol input 0 4 2026-08-21",
    ]);
    let xai = ledger(&[
        "grok-4.20-0309-reasoning input 0 1.25 2026-04-30",
        "grok-4.20-0309-reasoning input >=200000 2.50 2026-04-30",
        "grok-4.20-0309-reasoning output 0 2.50 2026-04-30",
    ]);
    [
        ("book.toml", "name = \"small\"\nbase = \"none\"\n".to_owned()),
        ("models.toml", models.join("")),
        ("modifiers.toml", batch.to_owned()),
        ("prices/openai.csv", openai),
        ("prices/xai.csv", xai),
        (
            "sources.toml",
            "[[source]]\nid = \"page\"\nurl = \"https://a.example\"\nretrieved = 2026-11-23\n".to_owned(),
        ),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .to_vec()
}

fn book(files: impl IntoIterator<Item = (String, String)>) -> Pricebook {
    let files = files.into_iter().map(|(name, content)| BookFile {
        layer: Layer::Overlay,
        shown: name.clone(),
        name,
        content: Cow::Owned(content),
    });
    let Reading { book, problems } = Pricebook::read(files.collect(), Vec::new(), None);
    assert_eq!(problems, []);
    book
}

fn import(book: &Pricebook, file: &str, retrieved: &str) -> (&'static Format, Listing, Outcome) {
    let text = std::fs::read_to_string(format!("fixtures/pricebook-import/{file}")).unwrap();
    let context = Context { book, retrieved: retrieved.parse().unwrap(), sellers: &[] };
    let (format, mut listing) = read(file, &text, None, &context).unwrap();
    let outcome = compare(&mut listing, &context);
    (format, listing, outcome)
}

/// Agreed, conflicting, proposed, inexpressible, out of scope; they must add up to what was met.
fn account(listing: &Listing, outcome: &Outcome) -> [u64; 5] {
    let places = [
        outcome.agreed,
        outcome.conflicts.len() as u64,
        outcome.proposed_prices,
        listing.inexpressible.values().map(|seen| seen.count).sum(),
        listing.out_of_scope.values().sum(),
    ];
    assert_eq!(places.iter().sum::<u64>(), listing.prices);
    places
}

fn conflicts(outcome: &Outcome) -> Vec<String> {
    let line = |conflict: &Conflict| {
        let ratio = conflict.ratio().map_or_else(String::new, |ratio| ratio.decimal_text(4));
        format!("{} {} {ratio} {}", conflict.quote.name, conflict.quote.key, conflict.remarks.join("; "))
    };
    outcome.conflicts.iter().map(line).collect()
}

#[test]
fn a_litellm_map_is_accounted_for_to_the_last_price() {
    let book = book(small());
    let (format, listing, outcome) = import(&book, "litellm-1.109.1.json", "2026-11-23");
    assert_eq!(format.id, "litellm");
    // Counted in the file: 11 keys of the sample, 43, 9, 20, 13, 1, 1 and 7 of the models.
    assert_eq!(listing.prices, 105);
    // Agreed: Luna's input, its cache read, its batch input by the factor; Grok's input, its long input (the boundary
    // is read as this seller means it) and its output. Beyond a row: two uplifts, Haiku's factor, a picture by size.
    assert_eq!(account(&listing, &outcome), [6, 2, 75, 4, 11 + 7]);
    assert_eq!(
        conflicts(&outcome),
        [
            "gpt-5.6-luna output_cost_per_token 0.1 a 10-fold slip (PB007)",
            "gpt-5.6-luna output_cost_per_token_batches 0.1 by half; a 10-fold slip (PB007)",
        ]
    );
    // 0.0002833333333333333 a second.
    assert_eq!(outcome.rounded, 1);
    let whisper = outcome.proposed.iter().find(|quote| quote.meter == Meter::SecondAudio).unwrap();
    assert_eq!((&*whisper.price, whisper.per, whisper.seller), ("1.02", 3600, "azure-openai"));
}

#[test]
fn a_proposal_is_a_canonical_overlay_and_is_complete() {
    for (file, day) in [
        ("litellm-1.109.1.json", "2026-11-23"),
        ("genai-prices-0.2.3.json", "2026-11-23"),
        ("genai-prices-v2-47df840.json", "2026-08-21"),
        ("models.dev-f3fc692.json", "2026-07-02"),
    ] {
        let before = book(small());
        let (format, _, outcome) = import(&before, file, day);
        let context = Context { book: &before, retrieved: day.parse().unwrap(), sellers: &[] };
        let made = files(&outcome.proposed, &Source { id: "list", format }, &context).unwrap();
        for (name, text) in made.iter().filter(|(name, _)| name.starts_with("prices/")) {
            assert_eq!(canonical(name, text).as_ref(), Ok(text), "{name}");
        }
        let rows: usize = made
            .iter()
            .filter(|(name, _)| name.starts_with("prices/"))
            .map(|(_, text)| text.lines().count() - 1)
            .sum();
        assert_eq!(rows, outcome.proposed.len());
        // Laid over the book, nothing is left to propose, and no old row says anything else.
        let mut all: BTreeMap<String, String> = made;
        for (name, text) in small() {
            let rest =
                if name.starts_with("prices/") { text.strip_prefix(HEAD).unwrap().to_owned() } else { text };
            let widened = rest.lines().map(|line| widen(&name, line)).collect::<String>();
            let joined = all.entry(name.clone()).or_default();
            if joined.is_empty() && name.starts_with("prices/") {
                *joined = format!("{}\n", crate::pricebook::COLUMNS.join(","));
            }
            match name.as_str() {
                "book.toml" => *joined = widened,
                _ => joined.push_str(&widened),
            }
        }
        let (_, _, again) = import(&book(all), file, day);
        assert_eq!(again.proposed, [], "{file}");
        assert_eq!(conflicts(&again), conflicts(&outcome), "{file}");
    }
}

/// A line of the small book with the columns that it leaves out.
fn widen(name: &str, line: &str) -> String {
    match line.strip_suffix(",page") {
        Some(start) if name.starts_with("prices/") => format!("{start},,,,,,page,,\n"),
        _ => format!("{line}\n"),
    }
}

#[test]
fn genai_prices_dates_history_and_conditions() {
    let book = book(small());
    let (format, listing, outcome) = import(&book, "genai-prices-0.2.3.json", "2026-11-23");
    assert_eq!(format.id, "genai-prices");
    account(&listing, &outcome);
    // o3's 10/40 before the cut and 2/8 from it agree; its cached price of the time before is the list's error.
    let o3: Vec<String> = conflicts(&outcome).into_iter().filter(|line| line.starts_with("o3 ")).collect();
    assert_eq!(o3, Vec::<String>::new());
    let past = listing.inexpressible.get(&("cache_read_mtok".to_owned(), "an old price without a start"));
    assert_eq!(past.map(|seen| &*seen.example), Some("o3"));
    let priority =
        outcome.proposed.iter().find(|quote| quote.model == "o3" && quote.tier == Tier::Priority).unwrap();
    let day = priority.from.map(|from| Day::of_instant(from).to_string());
    assert_eq!(day.as_deref(), Some("2026-10-12"));
    // The window of DeepSeek is no row, GitHub no seller of the book, and 199,999 means 200,000 included.
    assert!(listing.inexpressible.keys().any(|(_, why)| why.starts_with("hours of the day")));
    assert_eq!(listing.out_of_scope, [("github-copilot".to_owned(), 8)].into());
    let long =
        outcome.proposed.iter().find(|quote| quote.model.starts_with("grok") && quote.ctx.is_some()).unwrap();
    assert_eq!(long.ctx, Some(Band { tokens: 200_000, inclusive: true }));
}

#[test]
fn a_stale_list_is_recognised_by_the_old_price() {
    let book = book(small());
    let (_, listing, outcome) = import(&book, "genai-prices-v2-47df840.json", "2026-08-21");
    account(&listing, &outcome);
    assert_eq!(conflicts(&outcome), ["gpt-5.6-sol input_mtok 1.25 stale: the book's price of 2026-07-09"]);
}

#[test]
fn models_dev_has_modes_and_tiers_and_no_page_of_the_seller() {
    let book = book(small());
    let (format, listing, outcome) = import(&book, "models.dev-f3fc692.json", "2026-07-02");
    assert_eq!(format.id, "models.dev");
    // 4 and 4 of Opus in fast mode; 3, 3 and 3 of GPT-5.4; an embedding's input. Its zero for output says nothing.
    assert_eq!(account(&listing, &outcome), [0, 0, 18, 1, 2]);
    let tiers = |tier| outcome.proposed.iter().filter(|quote| quote.tier == tier).count();
    assert_eq!((tiers(Tier::Fast), tiers(Tier::Priority), tiers(Tier::Standard)), (4, 3, 11));
    let context = Context { book: &book, retrieved: "2026-07-02".parse().unwrap(), sellers: &[] };
    let made = files(&outcome.proposed, &Source { id: "list", format }, &context).unwrap();
    assert!(made["prices/openai.csv"].lines().skip(1).all(|line| line.contains(",estimated,observed,")));
}

#[test]
fn a_list_is_refused_with_its_place_and_hostile_ones_are_harmless() {
    let book = book(small());
    let context = Context { book: &book, retrieved: "2026-11-23".parse().unwrap(), sellers: &[] };
    for (text, wanted) in [
        ("{\"a\": {\n\"litellm_provider\": }", "x.json:2:21: no JSON: expected value at line 2 column 21"),
        ("[]", "x.json: no known price list"),
        ("{\"a\": 1}", "x.json: no known price list"),
        ("", "x.json:1: no JSON: EOF while parsing a value at line 1 column 0"),
    ] {
        assert_eq!(read("x.json", text, None, &context).unwrap_err().placed(), wanted);
    }
    let odd = "{\"\": {\"litellm_provider\": \"openai\", \"input_cost_per_token\": 1e-06}, \
               \"a\\\"\\n,b\": {\"litellm_provider\": \"openai\", \"input_cost_per_token\": 1e-06, \
               \"output_cost_per_token\": -1, \"input_cost_per_token_batches\": \"x\", \"cost\": [1]}, \"z\": 3}";
    let (format, mut listing) = read("x.json", odd, None, &context).unwrap();
    let outcome = compare(&mut listing, &context);
    assert_eq!(account(&listing, &outcome), [0, 0, 1, 4, 0]);
    let made = files(&outcome.proposed, &Source { id: "l\"\n", format }, &context).unwrap();
    let mut all = made.clone();
    all.insert("book.toml".to_owned(), "name = \"x\"\nbase = \"none\"\n".to_owned());
    assert_eq!(book_rows(all), 1);
}

fn book_rows(files: BTreeMap<String, String>) -> usize {
    book(files).ledger("openai").count()
}
