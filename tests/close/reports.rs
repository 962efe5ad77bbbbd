//! What reports promise over random months: every slice, every finding and the waterfall add up to the document.

use crate::identities::{BOOKS, billed, call, close};
use llmfin::close::document::{Bridge, Reconciliation};
use llmfin::money::Money;
use llmfin::report::sheet::{Cell, Kind, Sheet};
use llmfin::report::slice::{self, DIMENSIONS, Dimension};
use llmfin::report::{finding, story};
use proptest::prelude::*;

/// The column `name` summed over the rows, and its total.
fn sum(sheet: &Sheet, name: &str) -> Option<(Money, Money)> {
    let at = sheet.columns.iter().position(|column| column.name == name)?;
    assert_eq!(sheet.columns[at].kind, Kind::Money);
    let amount = |cell: &Cell| if let Cell::Money(amount) = cell { *amount } else { Money::ZERO };
    let rows = sheet.rows.iter().map(|row| amount(&row[at])).sum();
    Some((rows, amount(&sheet.total.as_ref()?[at])))
}

fn foots(sheet: &Sheet, name: &str, wanted: Money) -> Result<(), TestCaseError> {
    if let Some((rows, total)) = sum(sheet, name) {
        prop_assert_eq!((rows, total), (wanted, wanted), "{} of {}", name, sheet.title);
    }
    Ok(())
}

fn slices(document: &Reconciliation, dimensions: &[Dimension]) -> Result<(), TestCaseError> {
    let totals = &document.totals;
    let sheet = slice::build(document, dimensions);
    let has = |name: &str| sheet.columns.iter().any(|column| column.name == name);
    prop_assert!(has("amount") != has("delta"));
    for (name, wanted) in [
        ("amount", totals.delta),
        ("delta", totals.delta),
        ("priced", totals.priced),
        ("billed", totals.billed),
        ("explained", totals.explained),
        ("unexplained", totals.unexplained),
    ] {
        foots(&sheet, name, wanted)?;
    }
    let names: Vec<_> = sheet.rows.iter().map(|row| format!("{:?}", &row[..dimensions.len()])).collect();
    let mut once = names.clone();
    once.sort();
    once.dedup();
    prop_assert_eq!(once.len(), names.len(), "a combination has two rows");
    Ok(())
}

fn dimensions() -> impl Strategy<Value = Vec<Dimension>> {
    let all: Vec<Dimension> = DIMENSIONS.iter().map(|(.., dimension)| *dimension).collect();
    prop::sample::subsequence(all, 1..=DIMENSIONS.len()).prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_slice_and_every_finding_foots(
        book in prop::sample::select(BOOKS.iter().collect::<Vec<_>>()),
        calls in prop::collection::vec(call(), 0..24),
        bills in prop::collection::vec(billed(), 0..24),
        some in prop::collection::vec(dimensions(), 4),
    ) {
        let document = close(book, &calls, &bills);
        for (.., dimension) in DIMENSIONS {
            slices(&document, &[*dimension])?;
        }
        for dimensions in &some {
            slices(&document, dimensions)?;
        }
        for found in &document.findings {
            let sheet = finding::cells(&document, found);
            foots(&sheet, "amount", found.amount)?;
            let (difference, _) = sum(&sheet, "difference").unwrap();
            let (others, _) = sum(&sheet, "others").unwrap();
            let (left, _) = sum(&sheet, "left").unwrap();
            prop_assert_eq!(difference, found.amount + others + left);
        }
        // The first amount of the story and every step below it lead to the last.
        for (sheet, bridge) in story::whole(&document).iter().zip([Bridge::PricedBilled, Bridge::LoggedPriced]) {
            let amount = |row: &Vec<Cell>| match row[0] { Cell::Money(amount) => Some(amount), _ => None };
            // A log without any cost has no such bridge.
            let Some(last) = sheet.total.as_ref().and_then(amount) else {
                prop_assert_eq!(document.totals.logged, Money::ZERO, "{:?}", bridge);
                continue;
            };
            prop_assert_eq!(last, sheet.rows.iter().filter_map(amount).sum::<Money>(), "{:?}", bridge);
        }
    }
}
