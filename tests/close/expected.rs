//! Charges that a contract expects: which of the bill's they are, and what is left of them.

use llmfin::close::assemble::assemble;
use llmfin::close::document::{Charge, Reconciliation};
use llmfin::invoice::{BillLine, DocumentKind, ModelScope};
use llmfin::pricebook::files::BookFile;
use llmfin::pricebook::{Layer, Pricebook};
use llmfin::vocabulary::{ChargeCategory, Meter};

use crate::world::{Calls, cubes, document, inputs, line};

fn charge(text: &str, category: ChargeCategory, amount: &str) -> BillLine {
    let mut made = line("x", "2026-10-31", Meter::Input, None, amount);
    (made.model, made.meter, made.text, made.category) = (ModelScope::None, None, text.into(), category);
    made
}

/// A month with one million input tokens of gpt-5-mini (0.25) under terms of openai since October, and these charges.
fn close(terms: &str, charges: Vec<BillLine>) -> Reconciliation {
    let content = terms.replace("[[term]]", "[[term]]\nseller = \"openai\"\nfrom = 2026-10-01");
    let terms = BookFile {
        layer: Layer::Overlay,
        name: "contracts/c.toml".into(),
        shown: "c.toml".into(),
        content: content.into(),
    };
    let reading = Pricebook::read(Vec::new(), vec![terms], None);
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    let usage = cubes(&[Calls::of("openai", "gpt-5-mini", "2026-10-05", &[(Meter::Input, 1_000_000)])]);
    let mut lines = vec![line("gpt-5-mini", "2026-10-05", Meter::Input, Some(1_000_000), "0.25")];
    lines.extend(charges);
    let documents = vec![document("openai", DocumentKind::Cost, lines)];
    assemble(&inputs(&reading.book, "2026-10", usage, documents)).unwrap()
}

/// Text, expected amount, unexplained amount, and the cause of its finding.
fn rows(document: &Reconciliation) -> Vec<(String, Option<String>, String, Option<String>)> {
    let row = |charge: &Charge| {
        let found = document.findings.iter().find(|finding| Some(&finding.id) == charge.finding.as_ref());
        (
            charge.text.clone(),
            charge.expected.map(|amount| amount.to_string()),
            charge.unexplained.to_string(),
            found.map(|finding| finding.cause.clone()),
        )
    };
    document.charges.iter().map(row).collect()
}

fn expect(
    text: &str,
    expected: Option<&str>,
    unexplained: &str,
    cause: Option<&str>,
) -> (String, Option<String>, String, Option<String>) {
    (text.into(), expected.map(Into::into), unexplained.into(), cause.map(Into::into))
}

const MINIMUM: &str = "[[term]]\nkind = \"minimum\"\namount = \"10.003\"\n";

#[test]
fn without_words_the_amount_to_the_cent_tells() {
    use ChargeCategory::{Adjustment, Purchase, Tax};
    // 10.003 − 0.25 = 9.753, which a bill prints as 9.75; tax of the same amount is not it.
    let document = close(
        MINIMUM,
        vec![
            charge("VAT", Tax, "9.75"),
            charge("Top-up", Purchase, "9.75"),
            charge("Other", Adjustment, "9.76"),
        ],
    );
    assert_eq!(
        rows(&document),
        [
            expect("Top-up", Some("9.753"), "0", Some("terms.commit_shortfall")),
            expect("VAT", None, "0", Some("terms.tax")),
            expect("Other", None, "9.76", None),
        ]
    );
}

#[test]
fn with_words_every_line_that_has_them_is_the_terms() {
    use ChargeCategory::{Adjustment, Purchase};
    let terms = MINIMUM.replace("amount", "line = \"minimum FEE\"\namount");
    // Two lines come to 10.00; 0.247 of it is more than rounding, and nobody's.
    let document = close(
        &terms,
        vec![
            charge("Minimum fee, part 1", Purchase, "4.00"),
            charge("Minimum fee, part 2", Adjustment, "6.00"),
        ],
    );
    assert_eq!(
        rows(&document),
        [
            expect("Minimum fee, part 1", Some("9.753"), "0.247", Some("terms.commit_shortfall")),
            expect("Minimum fee, part 2", Some("9.753"), "0", Some("terms.commit_shortfall")),
        ]
    );
}

#[test]
fn equal_amounts_go_to_one_term_each_and_what_is_missing_is_listed() {
    let credit = "[[term]]\nkind = \"credit\"\namount = \"0.05\"\n";
    let terms =
        format!("{credit}[[term]]\nkind = \"credit\"\norder = 71\nname = \"second\"\namount = \"0.05\"\n");
    let document = close(&terms, vec![charge("Grant", ChargeCategory::Credit, "-0.05")]);
    assert_eq!(
        rows(&document),
        [
            expect("Grant", Some("-0.05"), "0", Some("terms.credit_refund")),
            expect("not on the bill: second", Some("-0.05"), "0", None),
        ]
    );
    let warning = document.diagnostics.iter().find(|note| note.code == "expected-charge").unwrap();
    assert_eq!(warning.message, "the second of openai comes to -0.05 and no document shows it");
    assert_eq!(document.totals.delta.to_string(), "-0.05");
}

#[test]
fn a_charge_of_another_kind_is_not_the_shortfall_whatever_its_amount() {
    use ChargeCategory::{Credit, Purchase};
    let document = close(
        &MINIMUM.replace("10.003", "500.25"),
        vec![charge("Support plan", Purchase, "500.00"), charge("Correction", Credit, "500.00")],
    );
    assert!(document.charges.iter().all(|charge| charge.expected.is_none() || charge.amount.is_zero()));
    assert!(document.diagnostics.iter().any(|note| note.message.ends_with("no document shows it")));
    // A purchase of what a credit comes to is no credit.
    let document = close(
        "[[term]]\nkind = \"credit\"\namount = \"0.05\"\n",
        vec![charge("Refund of a top-up", Purchase, "-0.05")],
    );
    assert_eq!(document.charges.iter().filter(|charge| charge.expected.is_some()).count(), 1);
    assert!(document.diagnostics.iter().any(|note| note.message.ends_with("no document shows it")));
}

#[test]
fn of_two_charges_with_the_amount_neither_is_claimed() {
    use ChargeCategory::{Adjustment, Purchase};
    let document =
        close(MINIMUM, vec![charge("True-up", Purchase, "9.75"), charge("Other", Adjustment, "9.75")]);
    assert_eq!(rows(&document), [expect("True-up", None, "9.75", None), expect("Other", None, "9.75", None)]);
    let warning = document.diagnostics.iter().find(|note| note.code == "expected-charge").unwrap();
    assert_eq!(
        warning.message,
        "the minimum of openai comes to 9.75 and several charges may be it: `True-up`, `Other`"
    );
    assert!(warning.help.as_deref().unwrap().contains("line = "));
}
