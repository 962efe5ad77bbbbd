//! Looking ahead, worked out by hand.

use std::collections::BTreeMap;

use super::upcoming::{About, Kind, Outlook, Stake, events};
use crate::collect::SourceUsage;
use crate::money::Money;
use crate::period::{SECONDS_PER_SLOT, read_instant};
use crate::pricebook::files::BookFile;
use crate::pricebook::{Layer, Pricebook};
use crate::rate::Accounts;
use crate::review::diff::rules::Rules;
use crate::review::steps::ladders;
use crate::review::volume::Volume;
use crate::usage::cube::{Cubes, RatingKey, Sums};
use crate::vocabulary::{CallType, CountSource, Meter, Outcome, Reading, Tier};

fn at(text: &str) -> i64 {
    read_instant(text).unwrap().0
}

/// A price that rises, a promotion that ends, a model that retires, a name that moves, and twice the price at night
/// from a day on.
fn files() -> Vec<BookFile> {
    let header =
        "model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,until,source\n";
    let row = |text: &str| {
        let cells: Vec<&str> = text.split(',').collect();
        let [model, meter, window, price, from, status, until] = cells[..] else { panic!("{text}") };
        format!(
            "{model},{meter},standard,0,global,{window},{price},1000000,USD,{from},2026-01-01,1,{status},{until},s\n"
        )
    };
    let ledger: String = [
        "a,input,*,1,2026-01-01,listed,",
        "a,input,*,1.5,2026-12-01,scheduled,",
        "a,output,*,2,2026-01-01,promo,2026-11-30",
        "b,input,*,4,2026-01-01,listed,",
        "b,output,*,6,2026-01-01,promo,>=2026-10-31",
        "c,input,*,10,2026-01-01,listed,",
        "c,input,night,20,2026-12-07,scheduled,",
    ]
    .map(row)
    .concat();
    let models = r#"
[[model]]
id = "a"
seller = "openai"
[[model]]
id = "b"
seller = "openai"
retired = 2027-01-15
[[model]]
id = "c"
seller = "openai"
[[alias]]
seller = "openai"
name = "best"
target = "a"
from = 2026-01-01
[[alias]]
seller = "openai"
name = "best"
target = "b"
from = 2026-12-24
"#;
    let schedules = "[[schedule]]\nid = \"night\"\n[[schedule.version]]\nfrom = 2026-01-01\nzone = \"UTC\"\nwindows = [{ hours = \"00:00-06:00\" }]\n";
    [
        ("book.toml", "name = \"t\"\nbase = \"none\"\n".to_owned()),
        ("models.toml", models.to_owned()),
        ("schedules.toml", schedules.to_owned()),
        ("prices/openai.csv", format!("{header}{ledger}")),
    ]
    .map(|(name, content)| BookFile {
        layer: Layer::Overlay,
        name: name.into(),
        shown: name.into(),
        content: content.into(),
    })
    .into()
}

fn usage(calls: &[(&str, &str, Meter, u64)]) -> Vec<SourceUsage> {
    let mut cubes = Cubes::default();
    for (when, served, meter, quantity) in calls {
        let key = RatingKey {
            slot: (at(when) / SECONDS_PER_SLOT) as u32,
            provider: cubes.names.intern("openai"),
            key: 0,
            requested: 0,
            routed: 0,
            served: cubes.names.intern(served),
            region: 0,
            tier: Tier::Standard,
            band: 0,
            outcome: Outcome::Success,
            call_type: CallType::Generation,
            source: CountSource::Provider,
            reading: Reading::Inclusive,
            stream: false,
            whole_day: false,
        };
        let mut sums = Sums { requests: 1, ..Sums::default() };
        sums.meters.set(*meter, *quantity);
        cubes.rating.entry(key).or_default().add(&sums);
    }
    vec![SourceUsage { name: "g".into(), account: None, primary: true, cubes }]
}

#[test]
fn what_comes_is_listed_with_the_dollars_it_moves() {
    let reading = Pricebook::read(files(), Vec::new(), None);
    assert_eq!(reading.problems, []);
    let book = reading.book;
    let ladders = ladders(&book);
    let coming = events(&book, &ladders, &Rules::of(&files()), at("2026-11-25"), at("2027-11-25"));

    let million = 1_000_000;
    let usage = usage(&[
        ("2026-10-05T12:00Z", "a", Meter::Input, 3 * million),
        ("2026-10-05T12:00Z", "a", Meter::Output, 5 * million),
        ("2026-10-06T12:00Z", "best", Meter::Input, 2 * million),
        ("2026-10-07T12:00Z", "b", Meter::Input, million),
        // Half of it at night.
        ("2026-10-08T03:00Z", "c", Meter::Input, million),
        ("2026-10-08T15:00Z", "c", Meter::Input, million),
    ]);
    let accounts = Accounts { known: Vec::new(), keys: BTreeMap::new() };
    let volume = Volume { sources: &usage, accounts: &accounts, mappings: &[], traffic: &[] };
    let outlook = Outlook::new(&book, &ladders, &volume, "2026-10".parse().unwrap());

    let of = |about: &About| match about {
        About::Key(key) => key.to_string(),
        About::Model { model, .. } => model.clone(),
        About::Name { name, .. } => name.clone(),
        About::Rule { id, .. } => id.clone(),
    };
    let found: Vec<(i64, Kind, String, Stake)> = coming
        .iter()
        .map(|event| (event.at, event.kind, of(&event.about), outlook.stake(event).unwrap()))
        .collect();
    let stake = |spend: &str, moves: Option<&str>| Stake {
        spend: spend.parse::<Money>().unwrap(),
        moves: moves.map(|moves| moves.parse().unwrap()),
    };
    assert_eq!(
        found,
        [
            // It was promised until October, still holds, and nobody used it.
            (at("2026-11-26"), Kind::PromotionEnds, "openai/b output".into(), stake("0", Some("0"))),
            // 5 million tokens of `a` and of `best`, which is `a` then: from 5 to 7.50.
            (at("2026-12-01"), Kind::Price, "openai/a input".into(), stake("5", Some("2.5"))),
            // What follows the promotion is not announced: 5 million tokens at 2 are at stake.
            (at("2026-12-01"), Kind::PromotionEnds, "openai/a output".into(), stake("10", None)),
            // The million at night goes from 10 to 20.
            (at("2026-12-07"), Kind::Price, "openai/c input night".into(), stake("10", Some("10"))),
            // 2 million tokens of `best`: from 1.50 at `a` to 4 at `b`.
            (at("2026-12-24"), Kind::AliasMove, "best".into(), stake("3", Some("5"))),
            // A million tokens of `b` and, by then, the 2 million of `best`.
            (at("2027-01-15"), Kind::Retirement, "b".into(), stake("12", None)),
        ]
    );
}
