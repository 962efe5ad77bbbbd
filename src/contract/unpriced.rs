//! Usage without a price: it counts for nothing that is claimed, and never for zero. The book has none for `mini` output.

use super::vectors::{book, leaf, october, term};
use super::*;
use crate::vocabulary::Meter;

/// One million input of `big`, 2.00, and output of `mini` that nobody knows the price of.
fn leaves() -> [(Leaf, i128); 2] {
    [(leaf("big", Meter::Input, 1), 1_000_000), (leaf("mini", Meter::Output, 2), 700)]
}

/// Kinds and amounts of the effects, and the warnings.
fn month(rest: &str) -> (Vec<(&'static str, String)>, Vec<String>) {
    let contract = october(&book(&term(rest)), &leaves()).unwrap();
    let effects = contract.statements.iter().flat_map(|statement| &statement.effects);
    let effects = effects.map(|effect| (effect.kind, effect.amount.to_string())).collect();
    assert!(contract.problems.iter().all(|problem| problem.code == "contract-unpriced"));
    (effects, contract.problems.into_iter().map(|problem| problem.message).collect())
}

const USED: &str = "used = { \"2026-07\" = \"0\", \"2026-08\" = \"0\", \"2026-09\" = \"0\" }";

#[test]
fn nothing_is_claimed_of_a_sum_that_is_not_known() {
    for (term, name, what) in [
        ("kind = \"minimum\"\namount = \"10\"".to_owned(), "minimum", "the shortfall"),
        (
            format!("kind = \"commitment\"\nto = 2026-11-01\namount = \"10\"\n{USED}"),
            "commitment",
            "the shortfall",
        ),
        (
            format!("kind = \"commitment\"\nto = 2026-12-01\namount = \"10\"\n{USED}"),
            "commitment",
            "what is left to spend",
        ),
        (
            format!("kind = \"credit\"\nname = \"launch\"\namount = \"10\"\n{USED}"),
            "launch",
            "what the credit covers",
        ),
        (
            "kind = \"volume_band\"\nof = \"spend\"\nbands = [{ above = \"1\", percent_off = \"10\" }]"
                .to_owned(),
            "volume_band",
            "the month's spend",
        ),
    ] {
        let (effects, said) = month(&term);
        assert_eq!(effects, [], "{term}");
        let wanted = format!(
            "the {name} of openai: {what} is not known, because usage that counts has no price: mini (700 units)"
        );
        assert_eq!(said, [wanted]);
    }
}

#[test]
fn what_the_known_prices_decide_alone_is_certain() {
    assert_eq!(month("kind = \"minimum\"\namount = \"1.50\""), (vec![("minimum", "0".into())], vec![]));
    let credit = format!("kind = \"credit\"\namount = \"1.50\"\n{USED}");
    assert_eq!(month(&credit), (vec![("credit", "-1.50".into())], vec![]));
    // A term of other models does not count it.
    let other = "kind = \"minimum\"\namount = \"5\"\nmodels = [\"big\"]";
    assert_eq!(month(other), (vec![("minimum", "3.00".into())], vec![]));
}

#[test]
fn a_model_without_a_price_costs_nothing_that_is_known() {
    let contract =
        october(&book(&term("kind = \"percent_off_list\"\nvalue = \"10\"\nmeter = \"input\"")), &leaves())
            .unwrap();
    assert_eq!(contract.statements[0].models["mini"], ModelCost { list: None, contracted: None });
}

#[test]
fn a_term_that_says_the_price_itself_prices_the_usage_lines_too() {
    for (rest, unit) in [
        ("kind = \"volume_band\"\nmeter = \"output\"\nbands = [{ above = \"0\", price = \"4\" }]", "4"),
        (
            "kind = \"volume_band\"\nmeter = \"output\"\nmode = \"whole\"\nbands = [{ above = \"0\", price = \"4\" }]",
            "4",
        ),
        ("kind = \"free_allowance\"\nmeter = \"output\"\nquantity = \"700\"", "0"),
    ] {
        let book = book(&term(rest));
        let contract = october(&book, &leaves()).unwrap();
        let rater = Rater::new(&book).contracted(contract.prices.clone());
        let found = rater.unit(&leaves()[1].0).map(|priced| priced.unit.per_million());
        assert_eq!(found.ok().as_deref(), Some(unit), "{rest}");
        // 700 at 4 a million are 0.0028.
        let contracted = if unit == "4" { "0.0028" } else { "0" };
        let cost = contract.statements[0].models["mini"];
        assert_eq!((cost.list, cost.contracted.unwrap().to_string()), (None, contracted.to_owned()));
    }
    // Where a part of it lies in a band of percentages, nobody knows.
    let rest = "kind = \"volume_band\"\nmeter = \"output\"\nbands = [{ above = \"500\", price = \"4\" }]";
    let contract = october(&book(&term(rest)), &leaves()).unwrap();
    assert!(contract.prices.is_empty());
    assert_eq!(contract.statements[0].models["mini"].contracted, None);
}
