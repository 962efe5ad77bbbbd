//! Golden vectors: months small enough to be computed by hand, with the computation beside them.
//!
//! The book: model `big` at 2.00 a million input and 10.00 a million output, model `mini` at 1.00 a million input, web
//! searches at 0.01.

use super::*;
use crate::pricebook::files::BookFile;
use crate::pricebook::{Layer, Pricebook};
use crate::vocabulary::{Meter, Tier};

pub(super) fn book(terms: &str) -> Pricebook {
    const PRICES: &str = "\
model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source
big,input,standard,0,global,*,2,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big,output,standard,0,global,*,10,1000000,USD,2026-01-01,2026-01-01,1,listed,s
mini,input,standard,0,global,*,1,1000000,USD,2026-01-01,2026-01-01,1,listed,s
*,web_search,*,0,*,*,0.01,1,USD,2026-01-01,2026-01-01,1,listed,s
";
    let file = |name: &str, content: String| BookFile {
        layer: Layer::Overlay,
        name: name.into(),
        shown: name.into(),
        content: content.into(),
    };
    let own = vec![
        file("book.toml", "name = \"test\"\nbase = \"none\"\n".into()),
        file(
            "models.toml",
            "[[model]]\nid = \"big\"\nseller = \"openai\"\n[[model]]\nid = \"mini\"\nseller = \"openai\"\n"
                .into(),
        ),
        file("prices/openai.csv", PRICES.into()),
    ];
    let reading = Pricebook::read(own, vec![file("c.toml", terms.to_owned())], None);
    let found: Vec<String> = reading.problems.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{found:#?}");
    reading.book
}

/// A term of the test account's seller since July; `rest` names kind and keys.
pub(super) fn term(rest: &str) -> String {
    format!("[[term]]\nseller = \"openai\"\nfrom = 2026-07-01\n{rest}\n")
}

pub(super) fn account() -> Account {
    Account { provider: "openai".into(), id: Some("org".into()) }
}

pub(super) fn leaf(model: &str, meter: Meter, day: u32) -> Leaf {
    let day = crate::period::Day::from_ymd(2026, 10, day).unwrap();
    Leaf {
        account: account(),
        model: model.into(),
        day,
        meter,
        tier: Tier::Standard,
        region: "".into(),
        prompt: 0,
        at: day.start(),
        whole_day: false,
    }
}

pub(super) fn october(book: &Pricebook, leaves: &[(Leaf, i128)]) -> Result<Contract> {
    let period = "2026-10".parse::<crate::period::Month>().unwrap().period();
    let leaves = leaves.iter().cloned().collect();
    statements(&Rater::new(book), &leaves, &BTreeSet::from([account()]), period, true)
}

/// The one statement, and what each effect came to: kind and amount.
fn month(terms: &str, leaves: &[(Leaf, i128)]) -> (Statement, Vec<(String, String)>, Contract) {
    let book = book(terms);
    let contract = october(&book, leaves).unwrap();
    let statement = contract.statements.first().unwrap().clone();
    let effects = statement.effects.iter();
    let effects = effects.map(|effect| (effect.kind.to_owned(), effect.amount.to_string())).collect();
    (statement, effects, contract)
}

fn effects(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(kind, amount)| ((*kind).to_owned(), (*amount).to_owned())).collect()
}

fn steps(effect: &Effect) -> Vec<String> {
    effect.steps.iter().map(|step| format!("{}: {}", step.name, step.value)).collect()
}

#[test]
fn percentages_and_prices_lie_inside_unit_prices() {
    let terms = term("kind = \"percent_off_list\"\nvalue = \"10\"\napplies_to = [\"tokens\"]")
        + &term("kind = \"percent_off_list\"\nvalue = \"10\"\nmeter = \"output\"\norder = 21")
        + &term("kind = \"price\"\nmodel = \"mini\"\nmeter = \"input\"\nvalue = \"0.70\"");
    let leaves = [
        (leaf("big", Meter::Input, 1), 1_000_000),
        (leaf("big", Meter::Output, 1), 1_000_000),
        (leaf("mini", Meter::Input, 2), 1_000_000),
        (leaf("big", Meter::WebSearch, 2), 100),
    ];
    let (statement, found, contract) = month(&terms, &leaves);
    // List 2 + 10 + 1 + 1. The price takes 0.30 off `mini` and is final; the first tenth takes 0.20 and 1.00 off `big`; the
    // second tenth takes 0.90 off what the first left of the output.
    assert_eq!(statement.list.to_string(), "14.00");
    assert_eq!(
        found,
        effects(&[("price", "-0.30"), ("percent_off_list", "-1.20"), ("percent_off_list", "-0.90")])
    );
    assert_eq!(statement.contracted.to_string(), "11.60");
    assert_eq!(
        statement.models["big"],
        ModelCost { list: "13".parse().ok(), contracted: "10.9".parse().ok() }
    );
    assert!(contract.prices.is_empty(), "unit prices have it inside");
}

#[test]
fn incremental_bands_price_each_unit_by_its_band_in_time_order() {
    let terms = term(
        "kind = \"volume_band\"\nmeter = \"input\"\nbands = [{ above = \"1000000\", percent_off = \"10\" }, { above = \"3000000\", price = \"0.5\" }]",
    );
    let leaves = [
        (leaf("big", Meter::Input, 1), 1_000_000),
        (leaf("big", Meter::Input, 2), 1_500_000),
        (leaf("mini", Meter::Input, 2), 500_000),
        (leaf("big", Meter::Input, 3), 2_000_000),
    ];
    let (statement, found, contract) = month(&terms, &leaves);
    // Day 1 fills the first million at list. Day 2 lies between 1 and 3 million: a tenth off 3.00 and 0.50. Day 3 lies
    // above: 2 million at 0.50 a million are 1.00 instead of 4.00. −0.30 − 0.05 − 3.00 = −3.35.
    assert_eq!(statement.list.to_string(), "9.50");
    assert_eq!(found, effects(&[("volume_band", "-3.35")]));
    assert_eq!(statement.contracted.to_string(), "6.15");
    let units: Vec<String> = contract.prices.values().map(|priced| priced.unit.per_million()).collect();
    assert_eq!(units, ["1.8", "0.5", "0.9"]);
    assert_eq!(
        steps(&statement.effects[0]),
        [
            "units of the month: 5000000",
            "in a band: 1000000 above 0 × 1",
            "in a band: 2000000 above 1000000 × 0.9",
            "in a band: 2000000 above 3000000 at 0.5 per million"
        ]
    );
}

#[test]
fn a_boundary_inside_a_day_is_spread_over_the_day_by_quantity() {
    let terms = term(
        "kind = \"volume_band\"\nmeter = \"input\"\nbands = [{ above = \"1000000\", percent_off = \"50\" }]",
    );
    // 3 million on one day, two thirds of them above the boundary: half off two thirds of 2 × 2.00 and of 1 × 1.00.
    let leaves = [(leaf("big", Meter::Input, 1), 2_000_000), (leaf("mini", Meter::Input, 1), 1_000_000)];
    let (statement, _, _) = month(&terms, &leaves);
    // 1,333,333 of `big` and 666,667 of `mini` (the larger remainder) are above: 1.333333 and 0.3333335 come off.
    assert_eq!(statement.models["big"].contracted.unwrap().to_string(), "2.666667");
    assert_eq!(statement.models["mini"].contracted.unwrap().to_string(), "0.6666665");
}

#[test]
fn whole_volume_bands_price_all_units_by_the_band_reached() {
    let bands = "kind = \"volume_band\"\nmeter = \"input\"\nmode = \"whole\"\nbands = [{ above = \"1000000\", percent_off = \"10\" }, { above = \"3000000\", percent_off = \"20\" }]";
    let of =
        |quantity| month(&term(bands), &[(leaf("big", Meter::Input, 1), quantity)]).0.contracted.to_string();
    // At the boundary itself the band is not reached; one token more reprices the month.
    assert_eq!(of(1_000_000), "2.00");
    assert_eq!(of(2_000_000), "3.60");
    assert_eq!(of(3_000_000), "5.40");
    assert_eq!(of(4_000_000), "6.40");
}

#[test]
fn bands_of_spend_count_money() {
    let bands = "of = \"spend\"\nkind = \"volume_band\"\nbands = [{ above = \"3.00\", percent_off = \"10\" }, { above = \"10.00\", percent_off = \"20\" }]";
    let leaves = [
        (leaf("big", Meter::Input, 1), 1_000_000),
        (leaf("mini", Meter::Input, 2), 3_000_000),
        (leaf("big", Meter::Output, 3), 1_000_000),
    ];
    // 2 + 3 + 10 = 15.00: a tenth off the 7.00 between 3 and 10, a fifth off the 5.00 above.
    let (statement, found, _) = month(&term(bands), &leaves);
    assert_eq!(found, effects(&[("volume_band", "-1.70")]));
    // Day 2 lies from 2 to 5, 2.00 of it above 3: 0.20 off `mini`. Day 3: 5.00 at a tenth, 5.00 at a fifth: 1.50 off.
    assert_eq!(statement.models["mini"].contracted.unwrap().to_string(), "2.80");
    assert_eq!(statement.models["big"].contracted.unwrap().to_string(), "10.50");
    let whole = bands.replace("kind", "mode = \"whole\"\nkind");
    assert_eq!(month(&term(&whole), &leaves).0.contracted.to_string(), "12.00");
}

#[test]
fn an_allowance_is_pooled_and_starts_again_each_day() {
    let free = "kind = \"free_allowance\"\nmeter = \"web_search\"\nquantity = \"1500\"\neach = \"day\"";
    let leaves = [
        (leaf("big", Meter::WebSearch, 1), 1_000),
        (leaf("mini", Meter::WebSearch, 1), 1_000),
        (leaf("big", Meter::WebSearch, 2), 1_200),
    ];
    // Day 1: 1,500 of 2,000 free, 750 of each model. Day 2: all free. Paid: 500 searches at 0.01.
    let (statement, found, contract) = month(&term(free), &leaves);
    assert_eq!(
        (statement.list.to_string(), statement.contracted.to_string()),
        ("32.00".into(), "5.00".into())
    );
    assert_eq!(found, effects(&[("free_allowance", "-27.00")]));
    assert_eq!(statement.models["big"].contracted.unwrap().to_string(), "2.50");
    assert_eq!(contract.prices[&leaf("big", Meter::WebSearch, 2)].unit, Ratio::ZERO);
    // In a month: the first 1,500 are used up on day 1.
    let (statement, ..) = month(&term(&free.replace("day", "month")), &leaves);
    assert_eq!(statement.contracted.to_string(), "17.00");
    // What is free is not counted by a band after it: 500 paid searches on day 1 stay below 600.
    let bands = term(
        "kind = \"volume_band\"\nmeter = \"web_search\"\nbands = [{ above = \"600\", percent_off = \"50\" }]",
    );
    assert_eq!(month(&(term(free) + &bands), &leaves).1[1].1, "0");
}

#[test]
fn capacity_is_paid_by_the_hour_and_its_tokens_are_not() {
    let capacity =
        "kind = \"capacity\"\nmodels = [\"big\"]\nunits = \"50\"\nrate = \"1.00\"\nto = 2026-10-16";
    let leaves = [
        (leaf("big", Meter::Input, 1), 1_000_000),
        (leaf("big", Meter::Input, 16), 1_000_000),
        (leaf("mini", Meter::Input, 1), 1_000_000),
    ];
    let (statement, found, contract) = month(&term(capacity), &leaves);
    // 15 days are 360 hours: 50 × 360 × 1.00. The tokens of the first day are served by it, those of the 16th are not.
    assert_eq!(found, effects(&[("capacity", "-2.00"), ("capacity", "18000.00")]));
    assert_eq!(statement.usage.to_string(), "3.00");
    assert_eq!(statement.contracted.to_string(), "18003.00");
    assert_eq!(contract.prices.len(), 1);
    // A tier without a price in the book is served as well.
    let served = Leaf { tier: Tier::Provisioned, ..leaf("big", Meter::Input, 3) };
    let (statement, _, contract) = month(
        &term("kind = \"capacity\"\ntier = \"provisioned\"\nunits = \"0.5\"\nrate = \"2.20\""),
        &[(served.clone(), 7)],
    );
    assert_eq!(statement.contracted.to_string(), "818.40");
    assert!(contract.prices[&served].unit.is_zero());
}

#[test]
fn credits_are_drawn_in_order_and_end() {
    let terms = term(
        "kind = \"credit\"\namount = \"5.00\"\nto = 2026-11-01\nused = { \"2026-07\" = \"1.00\", \"2026-08\" = \"0\", \"2026-09\" = \"0.50\" }",
    ) + "[[term]]\nseller = \"openai\"\nfrom = 2026-10-01\nkind = \"credit\"\nname = \"second\"\namount = \"100\"\norder = 71\n";
    let leaves = [(leaf("big", Meter::Input, 1), 3_000_000)];
    // 3.50 are left of the first, 6.00 are used: the second pays 2.50 and keeps 97.50.
    let (statement, found, _) = month(&terms, &leaves);
    assert_eq!(found, effects(&[("credit", "-3.50"), ("credit", "-2.50")]));
    assert_eq!(statement.usage.to_string(), "6.00");
    assert!(statement.contracted.is_zero());
    assert_eq!(steps(&statement.effects[0])[4], "expires: 0");
    assert_eq!(steps(&statement.effects[1])[4], "left: 97.50");
    // Without the months before, the balance is not known, and not guessed.
    let (statement, found, contract) = month(&term("kind = \"credit\"\namount = \"5.00\""), &leaves);
    assert_eq!((found, statement.contracted.to_string()), (Vec::new(), "6.00".to_owned()));
    assert_eq!(
        contract.problems[0].message,
        "the credit's balance is not known: `used` does not state 2026-07, 2026-08, 2026-09"
    );
}

#[test]
fn minimums_and_commitments_ask_for_what_is_missing() {
    let leaves = [(leaf("big", Meter::Input, 1), 3_000_000)];
    assert_eq!(
        month(&term("kind = \"minimum\"\namount = \"10\""), &leaves).1,
        effects(&[("minimum", "4.00")])
    );
    assert_eq!(month(&term("kind = \"minimum\"\namount = \"6\""), &leaves).1, effects(&[("minimum", "0")]));
    // A month without any usage still costs the minimum.
    assert_eq!(month(&term("kind = \"minimum\"\namount = \"10\""), &[]).0.contracted.to_string(), "10.00");
    let commitment = "kind = \"commitment\"\namount = \"30\"\nused = { \"2026-07\" = \"7\", \"2026-08\" = \"7\", \"2026-09\" = \"7\" }\n";
    // 7 + 7 + 7 + 6 = 27 of 30: 3.00 are due when it ends with October, nothing while it goes on.
    let ends = month(&term(&format!("{commitment}to = 2026-11-01")), &leaves);
    assert_eq!(ends.1, effects(&[("commitment", "3.00")]));
    let goes_on = month(&term(&format!("{commitment}to = 2027-07-01")), &leaves);
    assert_eq!(goes_on.1, effects(&[("commitment", "0")]));
    assert_eq!(steps(&goes_on.0.effects[0])[3], "left to spend: 3.00");
    // Capacity counts towards a minimum of everything: 744 hours of October at 0.01.
    let both = term("kind = \"capacity\"\nmodels = [\"mini\"]\nunits = \"1\"\nrate = \"0.01\"")
        + &term("kind = \"minimum\"\namount = \"20\"");
    assert_eq!(month(&both, &leaves).1[2], ("minimum".to_owned(), "6.56".to_owned()));
}

#[test]
fn marketplace_units_hide_the_discount_in_their_number() {
    let terms = term("kind = \"marketplace_unit\"\nvalue = \"10\"\nunit_price = \"0.01\"");
    // 6.00 at list, 5.40 after a tenth: 540 units of 0.01.
    let (statement, found, _) = month(&terms, &[(leaf("big", Meter::Input, 1), 3_000_000)]);
    assert_eq!(found, effects(&[("marketplace_unit", "-0.60")]));
    assert_eq!(steps(&statement.effects[0])[4], "units: 540");
}

#[test]
fn a_discount_line_leaves_the_usage_lines_at_list() {
    let terms =
        term("kind = \"percent_off_list\"\nvalue = \"10\"\napplies_to = [\"tokens\"]\nbilled_as = \"line\"");
    let (statement, found, contract) = month(&terms, &[(leaf("big", Meter::Input, 1), 3_000_000)]);
    assert_eq!(found, effects(&[("percent_off_list", "-0.60")]));
    assert_eq!(statement.contracted.to_string(), "5.40");
    assert_eq!(statement.effects[0].shown, Shown::Line);
    assert!(contract.prices.is_empty());
}

#[test]
fn a_term_of_one_account_is_not_another_accounts() {
    let terms = term("kind = \"percent_off_list\"\nvalue = \"10\"\nmeter = \"input\"\naccount = \"org\"");
    let other = Leaf {
        account: Account { provider: "openai".into(), id: Some("other".into()) },
        ..leaf("big", Meter::Input, 1)
    };
    let leaves = [(leaf("big", Meter::Input, 1), 1_000_000), (other.clone(), 1_000_000)];
    let book = book(&terms);
    let rater = Rater::new(&book);
    assert_eq!(rater.ratio(&leaves[0].0).unwrap().per_million(), "1.8");
    assert_eq!(rater.ratio(&other).unwrap().per_million(), "2");
    let contract = october(&book, &leaves).unwrap();
    assert_eq!(contract.statements.len(), 1);
    // A balance without an account is nobody's when there are two.
    let book = self::book(&term("kind = \"credit\"\namount = \"10\""));
    let Err(Error::Input(problems)) = october(&book, &leaves) else { panic!("two accounts share a credit") };
    assert_eq!(problems[0].code, "contract-account");
    assert!(problems[0].help.as_ref().unwrap().ends_with("the accounts are org, other"));
}

#[test]
fn a_term_of_an_account_that_nobody_knows_is_reported() {
    let book = book(&term("kind = \"minimum\"\namount = \"10\"\naccount = \"orgg\""));
    let contract = october(&book, &[]).unwrap();
    assert_eq!(contract.problems[0].message, "`orgg` is no account of openai that books, bills or log know");
    assert_eq!(contract.problems[0].help.as_deref(), Some("did you mean `org`?"));
}

#[test]
fn part_of_a_month_has_unit_prices_only() {
    let terms = term("kind = \"percent_off_list\"\nvalue = \"10\"\nmeter = \"input\"")
        + &term("kind = \"minimum\"\namount = \"10\"");
    let book = book(&terms);
    let leaves = BTreeMap::from([(leaf("big", Meter::Input, 1), 1_000_000)]);
    let period = "2026-10".parse::<crate::period::Month>().unwrap().period();
    let contract = statements(&Rater::new(&book), &leaves, &BTreeSet::new(), period, false).unwrap();
    assert_eq!(contract.statements[0].contracted.to_string(), "1.80");
    assert_eq!(contract.problems[0].code, "contract-period");
}
