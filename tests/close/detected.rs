//! Causes that fields of the log or the bill prove, each with dollars worked out by hand and a decoy beside it.

use std::collections::{BTreeMap, BTreeSet};

use crate::world::{Calls, cubes, document, inputs, line};
use llmfin::close::assemble::assemble;
use llmfin::close::check;
use llmfin::close::document::Reconciliation;
use llmfin::close::inputs::AccountDocument;
use llmfin::error::Error;
use llmfin::invoice::{BillLine, DocumentKind, ModelScope};
use llmfin::pricebook::Pricebook;
use llmfin::usage::cube::Cubes;
use llmfin::vocabulary::{CountSource, Meter, Outcome};

const MODEL: &str = "gpt-5-mini";
/// 0.25 a million input, 2 a million output: a million input and 100,000 output are 0.25 + 0.20.
const PLAIN: [(Meter, u64); 2] = [(Meter::Input, 1_000_000), (Meter::Output, 100_000)];

fn close(cubes: Cubes, documents: Vec<AccountDocument>) -> Reconciliation {
    let book = Pricebook::shipped().unwrap();
    let document = assemble(&inputs(&book, "2026-05", cubes, documents)).unwrap();
    check(&document).unwrap();
    document
}

/// Cause, status and amount of every finding on the way from priced to billed, then what is left.
fn found(document: &Reconciliation) -> Vec<String> {
    let priced_billed = document
        .findings
        .iter()
        .filter(|finding| finding.bridge == llmfin::close::document::Bridge::PricedBilled);
    let mut found: Vec<String> = priced_billed
        .map(|finding| format!("{} {} {}", finding.cause, finding.status.id(), finding.amount))
        .collect();
    if !document.totals.unexplained_gross.is_zero() {
        found.push(format!("left {}", document.totals.unexplained));
    }
    found
}

fn day(number: u32) -> String {
    format!("2026-05-{number:02}")
}

/// Both meters of a day, at the book's price.
fn bill(number: u32, input: i128, output: i128) -> [BillLine; 2] {
    // A quarter of a dollar and two dollars a million.
    let amount =
        |count: i128, quarters: i128| llmfin::money::Money::from_pico(count * quarters * 250_000).plain();
    [
        line(MODEL, &day(number), Meter::Input, Some(input), &amount(input, 1)),
        line(MODEL, &day(number), Meter::Output, Some(output), &amount(output, 8)),
    ]
}

fn calls(number: u32, meters: &[(Meter, u64)]) -> Calls<'_> {
    Calls { requests: 10, ..Calls::of("openai", MODEL, &day(number), meters) }
}

fn cost(lines: Vec<BillLine>) -> AccountDocument {
    document("openai", DocumentKind::Cost, lines)
}

#[test]
fn a_line_billed_twice_is_a_dispute() {
    let log: Vec<Calls> = (1..6).map(|number| calls(number, &PLAIN)).collect();
    let mut lines: Vec<BillLine> = (1..6).flat_map(|number| bill(number, 1_000_000, 100_000)).collect();
    let mut again = lines[2].clone();
    again.origin.line = 99;
    lines.push(again);
    let document = close(cubes(&log), vec![cost(lines)]);
    assert_eq!(found(&document), ["inv.duplicate_line proven 0.25"]);
    assert_eq!(document.findings[0].fix.as_ref().unwrap().kind, "dispute");
}

#[test]
fn two_documents_over_the_same_days_count_once() {
    let log: Vec<Calls> = (1..6).map(|number| calls(number, &PLAIN)).collect();
    let of = |days: std::ops::Range<u32>| {
        days.flat_map(|number| bill(number, 1_000_000, 100_000)).collect::<Vec<_>>()
    };
    let mut second = cost(of(3..6));
    second.document.lines.iter_mut().for_each(|line| line.origin.file = "second.csv".into());
    let document = close(cubes(&log), vec![cost(of(1..6)), second]);
    // Three days of 0.45.
    assert_eq!(found(&document), ["inv.duplicate_line proven 1.35"]);
}

#[test]
fn equal_lines_that_the_log_supports_are_no_duplicates() {
    let twice = [(Meter::Input, 2_000_000), (Meter::Output, 200_000)];
    let log: Vec<Calls> = (1..6).map(|number| calls(number, &twice)).collect();
    let lines: Vec<BillLine> = (1..6)
        .flat_map(|number| [bill(number, 1_000_000, 100_000), bill(number, 1_000_000, 100_000)].concat())
        .collect();
    assert_eq!(found(&close(cubes(&log), vec![cost(lines)])), [""; 0]);
}

/// Five days; on the second and third, rows of another kind beside or instead of the plain ones.
fn two_odd_days<'a>(odd: &[Calls<'a>]) -> Vec<Calls<'a>> {
    let mut log: Vec<Calls> = (1..6).map(|number| calls(number, &PLAIN)).collect();
    log.extend(odd.iter().cloned());
    log
}

/// What the bill has more on the second and third day.
fn more(input: i128, output: i128) -> Vec<BillLine> {
    (1..6)
        .flat_map(|number| {
            let odd = matches!(number, 2 | 3);
            let (input, output) = if odd { (input, output) } else { (0, 0) };
            bill(number, 1_000_000 + input, 100_000 + output)
        })
        .collect()
}

#[test]
fn prompts_of_clients_that_went_away() {
    let output = [(Meter::Output, 1_000)];
    let odd = |number| Calls { source: CountSource::OutputOnly, ..calls(number, &output) };
    let log = two_odd_days(&[odd(2), odd(3)]);
    // 40,000 tokens of prompt on each of two days at 0.25 a million: 0.02. The output is counted.
    let document = close(cubes(&log), vec![cost(more(40_000, 1_000))]);
    assert_eq!(found(&document), ["qty.output_only_on_disconnect proven 0.02"]);
    // More output as well: not these rows.
    let document = close(cubes(&log), vec![cost(more(40_000, 5_000))]);
    assert!(!found(&document).iter().any(|finding| finding.starts_with("qty.output_only")));
}

#[test]
fn the_first_snapshot_of_a_stream_is_not_its_answer() {
    let later = [(Meter::Input, 100_000), (Meter::Output, 60_000)];
    let odd = |number| Calls { outcome: Outcome::Restated, ..calls(number, &later) };
    let log = two_odd_days(&[odd(2), odd(3)]);
    // 50,000 tokens of output on each of two days at 2 a million: 0.20.
    let document = close(cubes(&log), vec![cost(more(0, 50_000))]);
    assert_eq!(found(&document), ["qty.partial_snapshot probable 0.20"]);
    // More than all later snapshots count, or input as well: something else.
    for lines in [more(0, 70_000), more(200_000, 50_000)] {
        let document = close(cubes(&log), vec![cost(lines)]);
        assert!(
            !found(&document).iter().any(|finding| finding.starts_with("qty.partial")),
            "{:?}",
            found(&document)
        );
    }
}

#[test]
fn counts_that_the_gateway_made_itself() {
    let own = [(Meter::Input, 500_000), (Meter::Output, 50_000)];
    let odd = |number| Calls { source: CountSource::Estimated, ..calls(number, &own) };
    let log = two_odd_days(&[odd(2), odd(3)]);
    // The provider counted 620,000 and 45,000: 120,000 × 0.25 − 5,000 × 2 a million = 0.03 − 0.01, on two days.
    let document = close(cubes(&log), vec![cost(more(620_000, 45_000))]);
    assert_eq!(found(&document), ["qty.local_estimate probable 0.04"]);
    // Days without such rows are off too: no proof.
    let mut lines = more(620_000, 45_000);
    lines[9].quantity = Some(100_777);
    lines[9].amount = Some("0.201554".parse().unwrap());
    let document = close(cubes(&log), vec![cost(lines)]);
    assert!(!found(&document).iter().any(|finding| finding.starts_with("qty.local")));
}

/// A usage report's count of requests.
fn requests(number: u32, count: i128) -> BillLine {
    let mut line = line(MODEL, &day(number), Meter::Request, Some(count), "0");
    line.amount = None;
    line
}

#[test]
fn requests_that_the_log_lost() {
    let log: Vec<Calls> = (1..6).map(|number| calls(number, &PLAIN)).collect();
    // Two of twelve requests are missing on two days, with a sixth of the tokens or so: 210,000 × 0.25 and 19,000 × 2 a
    // million, 0.0525 + 0.038, twice.
    let lines = more(210_000, 19_000);
    let report = |short: i128| {
        let of = |number| requests(number, if matches!(number, 2 | 3) { 10 + short } else { 10 });
        document("openai", DocumentKind::Usage, (1..6).map(of).collect())
    };
    assert_eq!(
        found(&close(cubes(&log), vec![cost(lines.clone()), report(2)])),
        ["qty.dropped_rows probable 0.181"]
    );
    // The requests agree: tokens are missing, rows are not.
    let document = close(cubes(&log), vec![cost(lines), report(0)]);
    assert!(!found(&document).iter().any(|finding| finding.starts_with("qty.dropped")));
    // Two of 102 requests cannot have had a sixth of the tokens.
    let many = Calls { requests: 90, ..calls(2, &[]) };
    let log: Vec<Calls> =
        log.into_iter().chain([many.clone(), Calls { day: day(3).parse().unwrap(), ..many }]).collect();
    let of = |number| requests(number, if matches!(number, 2 | 3) { 102 } else { 10 });
    let report = document_of_requests((1..6).map(of).collect());
    let document = close(cubes(&log), vec![cost(more(210_000, 19_000)), report]);
    assert!(!found(&document).iter().any(|finding| finding.starts_with("qty.dropped")));
}

fn document_of_requests(lines: Vec<BillLine>) -> AccountDocument {
    document("openai", DocumentKind::Usage, lines)
}

#[test]
fn an_account_that_the_log_does_not_have() {
    let log: Vec<Calls> = (1..6).map(|number| calls(number, &PLAIN)).collect();
    let ours = cost((1..6).flat_map(|number| bill(number, 1_000_000, 100_000)).collect());
    let mut other = cost(vec![line("gpt-5.5", &day(4), Meter::Input, None, "12.34")]);
    other.account.id = Some("research".into());
    let mut keyed = ours;
    keyed.account.id = Some("production".into());
    let book = Pricebook::shipped().unwrap();
    let mut inputs = inputs(&book, "2026-05", cubes(&log), vec![keyed, other]);
    inputs.sources[0].account = Some("production".into());
    assert_eq!(found(&assemble(&inputs).unwrap()), ["cov.account_scope probable 12.34"]);

    // Usage that is nobody's can be of either.
    inputs.sources[0].account = None;
    let Err(Error::Input(problems)) = assemble(&inputs) else { panic!("compared") };
    let told: Vec<(&str, &str)> =
        problems.iter().map(|told| (&*told.message, told.help.as_deref().unwrap_or(""))).collect();
    assert_eq!(
        told,
        [(
            "2 accounts of openai, `production`, `research`, and nothing says which of them pays for key `\"\"` of the log",
            "save `account = [{ provider = \"openai\", id = \"production\", keys = [\"\"] }, { provider = \"openai\", \
             id = \"research\", keys = [\"\"] }]` as `rules.toml`, strike each key where it is not paid, and give \
             `--rules rules.toml`"
        )]
    );
    let production = inputs.documents[0].account.clone();
    let rule = |account| BTreeMap::from([("".into(), BTreeSet::from([account]))]);
    inputs.accounts = vec![production.clone()];
    let Err(Error::Input(problems)) = assemble(&inputs) else { panic!("compared") };
    assert_eq!(
        problems[0].help.as_deref().unwrap(),
        "add to each `[[account]]` of openai the keys that it pays for, of these: `keys = [\"\"]`"
    );
    inputs.keys = rule(production);
    assert_eq!(found(&assemble(&inputs).unwrap()), ["cov.account_scope probable 12.34"]);
    // A report without a name is one more account of nobody.
    inputs.keys.clear();
    inputs.documents.push(document("openai", DocumentKind::Usage, Vec::new()));
    let Err(Error::Input(problems)) = assemble(&inputs) else { panic!("compared") };
    assert_eq!(
        problems[0].help.as_deref().unwrap(),
        "say whose the file is: `--invoice openai/ACCOUNT=bill.csv`, or `account` in its `[[invoice]]`"
    );
}

#[test]
fn quantities_billed_in_blocks() {
    let counts = [1_000_400u64, 2_000_100, 1_500_900, 1_250_001, 1_750_333];
    let meters: Vec<[(Meter, u64); 1]> = counts.iter().map(|count| [(Meter::Input, *count)]).collect();
    let log: Vec<Calls> = meters.iter().zip(1..).map(|(meters, number)| calls(number, meters)).collect();
    let up = |count: u64| i128::from(count.div_ceil(1_000)) * 1_000;
    let billed = |round: &dyn Fn(u64) -> i128| -> Vec<BillLine> {
        counts.iter().zip(1..).map(|(count, number)| bill(number, round(*count), 0)[0].clone()).collect()
    };
    // 600 + 900 + 100 + 999 + 667 = 3,266 tokens at 0.25 a million.
    assert_eq!(found(&close(cubes(&log), vec![cost(billed(&up))])), ["round.increment exact 0.0008165"]);
    // A thousand too much on one day is no rounding.
    let odd = |count: u64| up(count) + if count == 2_000_100 { 1_000 } else { 0 };
    let document = close(cubes(&log), vec![cost(billed(&odd))]);
    assert!(!found(&document).iter().any(|finding| finding.starts_with("round.increment")));
}

#[test]
fn a_total_in_dollars_over_lines_in_cents() {
    let mut bill =
        document("openai", DocumentKind::Invoice, vec![line(MODEL, &day(4), Meter::Input, None, "1234.50")]);
    bill.document.lines[0].model = ModelScope::None;
    bill.stated_total = Some("12.345".parse().unwrap());
    let document = close(Cubes::default(), vec![bill]);
    assert_eq!(found(&document), ["unit.minor_currency proven -1222.155", "left 1234.50"]);
}

#[test]
fn a_log_without_costs_says_nothing_of_the_gateway() {
    let log: Vec<Calls> = (1..6).map(|number| calls(number, &PLAIN)).collect();
    let document = close(cubes(&log), Vec::new());
    assert!(document.findings.is_empty(), "{:?}", document.findings);
}

/// Searches of a day as OpenAI bills them: for all models at once.
fn searches(number: u32, count: i128, amount: &str) -> BillLine {
    let mut line = line("all", &day(number), Meter::WebSearch, Some(count), amount);
    line.model = ModelScope::All;
    line
}

#[test]
fn searches_that_no_row_counts() {
    let log: Vec<Calls> = (1..6).map(|number| calls(number, &PLAIN)).collect();
    let mut lines: Vec<BillLine> = (1..6).flat_map(|number| bill(number, 1_000_000, 100_000)).collect();
    // Thirty searches at ten dollars a thousand.
    lines.push(searches(2, 30, "0.30"));
    assert_eq!(found(&close(cubes(&log), vec![cost(lines.clone())])), ["cls.tool_fee proven 0.30"]);
    // A log that counts searches is held to its counts.
    let counted = [(Meter::WebSearch, 5)];
    let log: Vec<Calls> = log.into_iter().chain([calls(3, &counted)]).collect();
    let document = close(cubes(&log), vec![cost(lines)]);
    assert!(!found(&document).iter().any(|finding| finding == "cls.tool_fee proven 0.30"));
}

#[test]
fn fees_that_the_gateway_left_out_are_missing_where_they_are_billed() {
    let meters = [(Meter::Input, 1_000_000), (Meter::Output, 100_000), (Meter::WebSearch, 30)];
    // 0.25 and 0.20 of tokens; thirty searches are 0.30, which the gateway did not charge.
    let log = [Calls { logged: Some("0.45"), requests: 1, ..calls(2, &meters) }];
    let mut lines = bill(2, 1_000_000, 100_000).to_vec();
    lines.push(searches(2, 30, "0.30"));
    let document = close(cubes(&log), vec![cost(lines)]);
    let fee = document.findings.iter().find(|finding| finding.cause == "cls.tool_fee").unwrap();
    assert_eq!((fee.amount.plain(), fee.status.id()), ("0.30".to_owned(), "exact"));
    let cell = document.cells.iter().find(|cell| cell.model.is_none()).unwrap();
    assert_eq!((cell.logged.plain(), cell.priced.plain()), ("0".to_owned(), "0.30".to_owned()));
    assert_eq!(cell.logged_findings[0].id, fee.id);
}
