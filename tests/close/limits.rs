//! What the report says it could not test, for bills of every grain: read off the files by hand, not off the program.

use crate::world::{Calls, cubes, document, inputs, line};
use llmfin::close::assemble::assemble;
use llmfin::invoice::{BillLine, DocumentKind, ModelScope};
use llmfin::period::Day;
use llmfin::pricebook::Pricebook;
use llmfin::vocabulary::{Meter, Tier};

const METERS: &[(Meter, u64)] = &[(Meter::Input, 1_000_000), (Meter::Output, 100_000)];

/// What could not be tested with this bill and report beside a log of one call of gpt-5-mini.
fn said(bill: Vec<BillLine>, report: Option<Vec<BillLine>>, change: impl Fn(&mut Calls)) -> Vec<String> {
    let mut call = Calls { logged: Some("0.45"), ..Calls::of("openai", "gpt-5-mini", "2026-10-05", METERS) };
    change(&mut call);
    let mut documents = vec![document("openai", DocumentKind::Cost, bill)];
    documents.extend(report.map(|lines| document("openai", DocumentKind::Usage, lines)));
    // An invoice that says nothing new.
    documents.push(document("openai", DocumentKind::Invoice, Vec::new()));
    let book = Pricebook::shipped().unwrap();
    let found = assemble(&inputs(&book, "2026-10", cubes(&[call]), documents)).unwrap();
    found.limits.into_iter().map(|limit| limit.what).collect()
}

/// A line that tells project, tier and region apart.
fn told(mut line: BillLine) -> BillLine {
    line.project = Some("proj_a".into());
    line.tier = Some(Tier::Standard);
    line.region = Some("global".into());
    line
}

fn by_meter(quantity: bool) -> Vec<BillLine> {
    let count = |count: i128| quantity.then_some(count);
    vec![
        told(line("gpt-5-mini", "2026-10-05", Meter::Input, count(1_000_000), "0.25")),
        told(line("gpt-5-mini", "2026-10-05", Meter::Output, count(100_000), "0.2")),
    ]
}

const UNDECLARED: &str = "the books do not say whose the projects and keys of the bill are";

const ONE_DAY: &str =
    "a bill of one day only: that is too little to tell a new price or a factor from chance";

#[test]
fn a_bill_by_meter_with_quantities_leaves_only_the_declaration() {
    assert_eq!(said(by_meter(true), None, |_| ()), [ONE_DAY, UNDECLARED]);
}

#[test]
fn a_usage_report_stands_in_for_quantities() {
    let report = by_meter(true).into_iter().map(|line| BillLine { amount: None, ..line }).collect();
    assert_eq!(said(by_meter(false), Some(report), |_| ()), [ONE_DAY, UNDECLARED]);
    let lost = "no quantity of the provider's: lost rows and a price change by the same factor look alike";
    assert_eq!(said(by_meter(false), None, |_| ()), [ONE_DAY, lost, UNDECLARED]);
}

#[test]
fn some_models_without_quantities_are_named() {
    let mut bill = by_meter(true);
    bill.push(told(line("gpt-5.5", "2026-10-06", Meter::Input, None, "5")));
    let lost = "no quantity of the provider's for gpt-5.5: lost rows and a price change by the same factor look alike";
    let days = "a bill of two days only: that is too little to tell a new price or a factor from chance";
    assert_eq!(said(bill.clone(), None, |_| ()), [days, lost, UNDECLARED]);
    bill.push(told(line("gpt-5.5", "2026-10-07", Meter::Input, None, "5")));
    assert_eq!(said(bill, None, |_| ()), [lost, UNDECLARED]);
}

#[test]
fn one_amount_a_month_supports_one_cause_and_no_onset() {
    let mut month = line("gpt-5-mini", "2026-10-01", Meter::Input, None, "0.45");
    month.meter = None;
    month.period.last = "2026-10-31".parse::<Day>().unwrap();
    assert_eq!(
        said(vec![month], None, |_| ()),
        [
            "one amount over several days: one cause a model at most, and no day on which it began",
            "one amount for all meters: causes of one meter show only through the mix of the days",
            "no quantity of the provider's: lost rows and a price change by the same factor look alike",
            "no project or key on the bill: traffic past the gateway looks like lost rows",
            "neither side says the service tier: flex and batch halve a price alike",
            "neither side says the region: an uplift of 10 % looks like a price rise",
        ]
    );
}

#[test]
fn one_total_supports_nothing() {
    let mut total = told(line("", "2026-10-01", Meter::Input, None, "0.45"));
    total.model = ModelScope::All;
    total.meter = None;
    total.period.last = "2026-10-31".parse::<Day>().unwrap();
    assert_eq!(
        said(vec![total], None, |_| ()),
        ["one amount for all models: no cause can be told from another", UNDECLARED]
    );
}

#[test]
fn what_either_side_says_is_known() {
    let mut bill = by_meter(true);
    bill.iter_mut().for_each(|line| (line.tier, line.region) = (None, None));
    let said = said(bill, None, |call| (call.tier, call.logged) = (Tier::Flex, None));
    assert_eq!(
        said,
        [
            ONE_DAY,
            UNDECLARED,
            "neither side says the region: an uplift of 10 % looks like a price rise",
            "no cost in the log: the gateway's own figure cannot be checked"
        ]
    );
}

#[test]
fn a_printed_cent_hides_what_is_smaller() {
    let cents =
        by_meter(true).into_iter().map(|line| BillLine { rounding_bound: "0.005".parse().unwrap(), ..line });
    let cent = "the bill prints steps of 0.01 a line: what is smaller cannot be told from rounding";
    assert_eq!(said(cents.collect(), None, |_| ()), [ONE_DAY, UNDECLARED, cent]);
}
