//! Comparisons worked out by hand, and the comparison held against the engine's own answers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::rules::Rules;
use super::*;
use crate::period::read_instant;
use crate::pricebook::files::BookFile;
use crate::pricebook::{COLUMNS, Layer, PriceQuery, Reading};
use crate::vocabulary::{Meter, PriceStatus, Tier};

fn file(layer: Layer, name: &str, content: String) -> BookFile {
    BookFile { layer, name: name.into(), shown: name.into(), content: Cow::Owned(content) }
}

fn files(lower: &str, upper: &str) -> Vec<BookFile> {
    let header = COLUMNS.join(",");
    let models: String =
        ["a", "b"].map(|id| format!("[[model]]\nid = \"{id}\"\nseller = \"openai\"\n")).concat();
    vec![
        file(Layer::Shipped, "book.toml", "name = \"test\"\nbase = \"none\"\n".into()),
        file(Layer::Shipped, "models.toml", models),
        file(Layer::Shipped, "prices/openai.csv", format!("{header}\n{lower}")),
        BookFile {
            shown: "upper/prices/openai.csv".into(),
            ..file(Layer::Overlay, "prices/openai.csv", format!("{header}\n{upper}"))
        },
    ]
}

pub(in crate::review) fn book(lower: &str, upper: &str) -> Pricebook {
    let Reading { book, problems } = Pricebook::read(files(lower, upper), Vec::new(), None);
    assert_eq!(problems, []);
    book
}

fn at(text: &str) -> i64 {
    read_instant(text).unwrap().0
}

/// `model,meter,price,from,rev,status` and the rest of a row as in most of them.
fn row(text: &str) -> String {
    let cells: Vec<&str> = text.split(',').collect();
    let [model, meter, price, from, rev, status] = cells[..] else { panic!("{text}") };
    format!(
        "{model},{meter},standard,0,global,*,{price},1000000,USD,{from},2026-01-01,{rev},{status},,,,,,s,,\n"
    )
}

fn rows(list: &[&str]) -> Pricebook {
    book(&list.iter().map(|text| row(text)).collect::<String>(), "")
}

/// `class key: old > new, from .. to`
fn shown(old: &[&str], new: &[&str]) -> Vec<String> {
    let (old, new) = (rows(old), rows(new));
    let price = |row: Option<&PriceRow>| match row.map(|row| row.unit) {
        None => "none".to_owned(),
        Some(None) => "ended".to_owned(),
        Some(Some(unit)) => unit.per_million(),
    };
    let shown = |change: Change| {
        format!(
            "{} {}: {} > {}, {}..{}",
            change.class.id(),
            change.key,
            price(change.old),
            price(change.new),
            Day::of_instant(change.from),
            change.to.map_or_else(String::new, |to| Day::of_instant(to).to_string()),
        )
    };
    prices(&old, &new).into_iter().map(shown).collect()
}

#[test]
fn a_new_row_is_a_change_from_its_start_on() {
    let old = ["a,input,1,2026-07-09,1,listed"];
    let new = [old[0], "a,input,0.2,2026-07-30,1,listed"];
    assert_eq!(shown(&old, &new), ["price change openai/a input: 1 > 0.2, 2026-07-30.."]);
    assert_eq!(shown(&new, &old), ["withdrawal openai/a input: 0.2 > 1, 2026-07-30.."]);
    assert_eq!(shown(&new, &new), [""; 0]);
}

#[test]
fn a_cancelled_announcement_is_a_withdrawal_and_the_promotion_goes_on() {
    let old = ["a,input,2,2026-06-30,1,promo", "a,input,3,2026-09-01,1,scheduled"];
    let new = [old[0], old[1], "a,input,,2026-09-01,2,withdrawn"];
    assert_eq!(shown(&old, &new), ["withdrawal openai/a input: 3 > 2, 2026-09-01.."]);
}

#[test]
fn each_difference_has_its_kind() {
    let old = ["a,input,1,2026-07-09,1,listed", "a,input,2,2026-08-01,1,listed"];
    let new = [
        old[0],
        old[1],
        "a,input,3,2026-08-01,2,listed",
        "a,input,,2026-09-01,1,ended",
        "a,output,8,2026-08-01,1,listed",
        "a,cache_read,0.1,2026-08-01,1,promo",
        "b,input,5,2026-08-15,1,listed",
    ];
    assert_eq!(
        shown(&old, &new),
        [
            "correction openai/a input: 2 > 3, 2026-08-01..2026-09-01",
            "withdrawal openai/a input: 2 > ended, 2026-09-01..",
            "promotion openai/a cache_read: none > 0.1, 2026-08-01..",
            "new price openai/a output: none > 8, 2026-08-01..",
            "new model openai/b input: none > 5, 2026-08-15..",
        ]
    );
}

#[test]
fn an_earlier_start_learned_later_touches_only_the_days_between() {
    let old = ["a,input,1,2026-07-09,1,listed", "a,input,2,2026-08-15,1,listed"];
    let new = [old[0], old[1], "a,input,2,2026-08-10,1,listed"];
    assert_eq!(shown(&old, &new), ["price change openai/a input: 1 > 2, 2026-08-10..2026-08-15",]);
}

#[test]
fn what_is_said_of_a_price_is_metadata() {
    let old = rows(&["a,input,1,2026-07-09,1,listed"]);
    let new = rows(&["a,input,1.0,2026-07-09,1,estimated"]);
    let changes = prices(&old, &new);
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].class, &changes[0].columns[..]), (Class::Metadata, &["price", "status"][..]));
}

#[test]
fn closed_months_are_those_with_a_pack_and_all_up_to_one() {
    let month = |text: &str| text.parse::<Month>().unwrap();
    let closed =
        Closed { months: [month("2026-05"), month("2026-10")].into(), through: Some(month("2026-08")) };
    let touched = |from, to: Option<&str>| -> Vec<String> {
        closed.touched(at(from), to.map(at)).iter().map(ToString::to_string).collect()
    };
    assert_eq!(touched("2026-07-15", None), ["2026-07", "2026-08", "2026-10"]);
    assert_eq!(touched("2026-05-31", Some("2026-06-01")), ["2026-05"]);
    assert_eq!(touched("2026-09-01", Some("2026-10-01")), [""; 0]);
    assert_eq!(touched("2026-11-01", None), [""; 0]);
}

fn rules(toml: &str) -> Rules {
    Rules::of(&[file(Layer::Overlay, "rules.toml", toml.into())])
}

#[test]
fn rules_are_compared_field_by_field_and_aliases_as_steps() {
    let old = rules(
        r#"
        [[model]]
        id = "a"
        seller = "openai"
        [[alias]]
        seller = "openai"
        name = "Latest"
        target = "a"
        from = 2026-01-01
        [[modifier]]
        id = "eu"
        seller = "openai"
        factor = "1.1"
        from = 2026-03-05
        [[schedule]]
        id = "night"
        version = [{ from = 2026-08-16T16:00:00Z, hours = ["01:00-04:00"] }]
        "#,
    );
    let new = rules(
        r#"
        [[model]]
        id = "a"
        seller = "openai"
        retired = 2026-12-31
        [[alias]]
        seller = "openai"
        name = "latest"
        target = "a"
        from = 2026-01-01
        [[alias]]
        seller = "openai"
        name = "latest"
        target = "b"
        from = 2026-02-01
        [[modifier]]
        id = "eu"
        seller = "openai"
        factor = "1.2"
        from = 2026-03-05
        [[schedule]]
        id = "night"
        version = [{ from = 2026-08-16T16:00:00Z, hours = ["01:00-05:00"] }]
        "#,
    );
    let shown: Vec<String> = super::rules::compare(&old, &new)
        .into_iter()
        .map(|change| {
            let from = change.from.map_or_else(String::new, |from| Day::of_instant(from).to_string());
            format!("{} {}: {} > {} from {from}", change.class.id(), change.subject, change.old, change.new)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "alias move alias latest: a > b from 2026-02-01",
            "retirement model a:  > retired 2026-12-31 from 2026-12-31",
            "modifier modifier eu: factor 1.1 > factor 1.2 from 2026-03-05",
            "schedule schedule night: version.0.hours 01:00-04:00 > version.0.hours 01:00-05:00 from ",
        ]
    );
    assert_eq!(super::rules::compare(&new, &new), []);
}

/// Model, meter, tier, context, region; day, revision, status, price; true for the upper layer.
type Row = (
    (&'static str, &'static str, &'static str, &'static str, &'static str),
    u32,
    u32,
    &'static PriceStatus,
    u32,
    bool,
);

/// Most rows are of few keys, so that they meet.
fn some_rows(size: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Row>> {
    let status = prop::sample::select(PriceStatus::ALL.iter().collect::<Vec<_>>());
    let key = (
        prop::sample::select(&["a", "a", "a", "b", "*"][..]),
        prop::sample::select(&["input", "input", "output", "output.reasoning"][..]),
        prop::sample::select(&["standard", "standard", "batch", "*"][..]),
        prop::sample::select(&["0", "0", "0", ">100", ">=100"][..]),
        prop::sample::select(&["global", "global", "geo:us", "*"][..]),
    );
    prop::collection::vec((key, 1u32..9, 1u32..3, status, 1u32..9, any::<bool>()), size)
}

/// The lines of both layers, no two of one key, start, layer and revision.
fn lines(rows: &[Row]) -> (String, String) {
    let mut lines = BTreeMap::new();
    for ((model, meter, tier, ctx, region), day, rev, status, price, upper) in rows {
        let gone = matches!(status, PriceStatus::Ended | PriceStatus::Withdrawn);
        let price = if gone { String::new() } else { price.to_string() };
        let line = format!(
            "{model},{meter},{tier},{ctx},{region},*,{price},1000000,USD,2026-01-0{day},2026-01-01,{rev},{status},,,,,,s,,\n"
        );
        lines.insert((upper, model, meter, tier, ctx, region, day, rev), line);
    }
    let of = |layer: bool| -> String {
        lines.iter().filter(|(key, _)| *key.0 == layer).map(|(_, line)| line.as_str()).collect()
    };
    (of(false), of(true))
}

pub(in crate::review) fn ledger() -> impl Strategy<Value = (String, String)> {
    some_rows(0..30).prop_map(|rows| lines(&rows))
}

/// A ledger, and the same one with a few rows more or in other words.
fn pair() -> impl Strategy<Value = [(String, String); 2]> {
    (some_rows(0..30), some_rows(0..6)).prop_map(|(rows, more)| [lines(&rows), lines(&[rows, more].concat())])
}

/// The price the engine gives, and the key of the row it took.
fn asked(book: &Pricebook, query: &PriceQuery) -> Option<(Ratio, Key)> {
    let priced = book.price(query).ok()?;
    let row = book.ledger("openai").find(|row| row.origin == priced.row)?;
    Some((priced.unit, Key::of("openai", row)))
}

proptest! {
    #[test]
    fn a_book_does_not_differ_from_itself((lower, upper) in ledger()) {
        let (one, two) = (book(&lower, &upper), book(&lower, &upper));
        prop_assert_eq!(prices(&one, &two).len(), 0);
    }

    #[test]
    fn the_engine_prices_differently_where_the_comparison_says_so_and_nowhere_else(
        [old, new] in pair(), hour in 0i64..24,
    ) {
        let (old, new) = (book(&old.0, &old.1), book(&new.0, &new.1));
        let changes = prices(&old, &new);
        for query in queries(hour) {
            let (before, after) = (asked(&old, &query), asked(&new, &query));
            let of_price = |change: &&Change| change.columns.is_empty() && change.holds(query.at);
            match (&before, &after) {
                // The same key decides in both: its price differs exactly where it is said to.
                (Some((was, key)), Some((is, same))) if key == same => {
                    let said = changes.iter().filter(of_price).any(|change| change.key == *key);
                    prop_assert_eq!(was != is, said);
                }
                // Another key decides, or in one book none: something that it could be read from has changed.
                _ if before != after => {
                    prop_assert!(changes.iter().filter(of_price).any(|change| decides(&change.key, &query)));
                }
                _ => {}
            }
        }
    }
}

/// Every question of a grid that meets all keys, at an hour of every day.
fn queries(hour: i64) -> Vec<PriceQuery<'static>> {
    let start = at("2026-01-01") + hour * 3600;
    let mut queries = Vec::new();
    for model in ["a", "b"] {
        for meter in [Meter::Input, Meter::Output, Meter::OutputReasoning] {
            for tier in [Tier::Standard, Tier::Batch] {
                for region in ["", "geo:us"] {
                    for prompt in 99..102 {
                        queries.extend((0..10).map(|day| PriceQuery {
                            seller: "openai",
                            model,
                            meter,
                            tier,
                            region,
                            prompt,
                            at: start + day * 86_400,
                        }));
                    }
                }
            }
        }
    }
    queries
}

/// True where a row of the key can decide about the question, or keep another one from deciding.
fn decides(key: &Key, query: &PriceQuery) -> bool {
    let parent = if query.meter == Meter::OutputReasoning { Meter::Output } else { query.meter };
    [query.model, "*"].contains(&&*key.model)
        && [query.meter, parent].contains(&key.meter)
        && key.tier.is_none_or(|tier| tier == query.tier || tier == Tier::Standard)
        && ["global", "*", query.region].contains(&&*key.region)
        && key.ctx.is_none_or(|band| band.holds(query.prompt))
}
