//! Every example of `docs/concepts/contracts.md` is computed: a term in TOML, then usage, list, effects, contracted.

use super::vectors::{book, leaf, october};
use crate::money::Money;
use crate::vocabulary::Meter;

const PAGE: &str = include_str!("../../docs/concepts/contracts.md");

#[test]
fn the_examples_of_the_page_are_right() {
    let mut kinds = Vec::new();
    for example in PAGE.split("```toml\n").skip(1) {
        let (term, rest) = example.split_once("```").unwrap();
        let figures = rest.split_once("```text\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
        let (mut leaves, mut list, mut effects, mut contracted) = (Vec::new(), None, Vec::new(), None);
        let money = |text: &str| text.parse::<Money>().unwrap();
        for line in figures.lines() {
            match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["list", amount] => list = Some(money(amount)),
                ["contracted", amount] => contracted = Some(money(amount)),
                [day, model, meter, quantity] => {
                    let day = day.strip_prefix("2026-10-").unwrap().parse().unwrap();
                    leaves.push((leaf(model, Meter::parse(meter).unwrap(), day), quantity.parse().unwrap()));
                }
                [amount, kind] => effects.push((money(amount), (*kind).to_owned())),
                _ => panic!("{line}"),
            }
        }
        let book = book(term);
        let statement = october(&book, &leaves).unwrap().statements.remove(0);
        let found: Vec<(Money, String)> =
            statement.effects.iter().map(|effect| (effect.amount, effect.kind.to_owned())).collect();
        assert_eq!((Some(statement.list), Some(statement.contracted)), (list, contracted), "{term}");
        assert_eq!(found, effects, "{term}");
        kinds.extend(effects.pop().map(|(_, kind)| kind));
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), 9, "an example for every kind: {kinds:?}");
}
