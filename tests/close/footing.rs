//! Documents against their own totals and against each other.

use crate::world::{cubes, document, inputs, line};
use llmfin::close::assemble::assemble;
use llmfin::invoice::DocumentKind;
use llmfin::pricebook::Pricebook;
use llmfin::vocabulary::{ChargeCategory, Meter};

#[test]
fn a_total_beyond_its_lines_is_a_finding_of_its_own() {
    let book = Pricebook::shipped().unwrap();
    let mut bill =
        document("openai", DocumentKind::Cost, vec![line("gpt-5", "2026-10-02", Meter::Input, None, "10")]);
    bill.stated_total = Some("12.50".parse().unwrap());
    let closed = assemble(&inputs(&book, "2026-10", cubes(&[]), vec![bill])).unwrap();
    let footing = closed.findings.iter().find(|finding| finding.cause == "inv.footing").unwrap();
    assert_eq!((footing.amount.plain(), closed.totals.billed.plain()), ("2.50".into(), "12.50".into()));
    assert!(!closed.invoices[0].ties);
}

#[test]
fn an_invoice_beside_an_export_adds_only_what_the_export_never_shows() {
    let book = Pricebook::shipped().unwrap();
    let export = document(
        "openai",
        DocumentKind::Cost,
        vec![line("gpt-5", "2026-10-02", Meter::Input, None, "10.004")],
    );
    let mut tax = line("gpt-5", "2026-10-31", Meter::Input, None, "2");
    tax.category = ChargeCategory::Tax;
    let mut invoice = document(
        "openai",
        DocumentKind::Invoice,
        vec![line("gpt-5", "2026-10-31", Meter::Input, None, "10"), tax],
    );
    invoice.path = "invoice.csv".into();
    invoice.stated_total = Some("12".parse().unwrap());
    let closed = assemble(&inputs(&book, "2026-10", cubes(&[]), vec![export, invoice])).unwrap();
    assert_eq!(closed.totals.billed.plain(), "12.004");
    // 10 on the invoice against 10.004 exported: less than half a cent on one line.
    assert!(closed.invoices.iter().all(|tie| tie.ties));
    assert_eq!(closed.invoices[1].export_difference.unwrap().plain(), "-0.004");
}
