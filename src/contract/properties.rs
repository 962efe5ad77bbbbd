//! What holds for every contract and month: the effects add up, the order of rows does not matter, and bands and
//! allowances never charge or free a unit twice.

use proptest::prelude::*;

use super::vectors::{book, leaf, october, term};
use super::*;
use crate::vocabulary::Meter;

/// Terms of every kind that can stand beside each other, as the months draw them.
const TERMS: [&str; 10] = [
    "kind = \"percent_off_list\"\nvalue = \"12.5\"\napplies_to = [\"tokens\"]",
    "kind = \"price\"\nmodel = \"mini\"\nmeter = \"input\"\nvalue = \"0.7\"",
    "kind = \"free_allowance\"\napplies_to = [\"tokens\"]\nquantity = \"700\"\neach = \"day\"",
    "kind = \"capacity\"\nmodels = [\"mini\"]\nunits = \"3\"\nrate = \"0.001\"\nto = 2026-10-09",
    "kind = \"volume_band\"\nmeter = \"input\"\nbands = [{ above = \"900\", percent_off = \"10\" }, { above = \"2500\", price = \"0.3\" }]",
    "kind = \"volume_band\"\nof = \"spend\"\norder = 51\nbands = [{ above = \"0.001\", percent_off = \"33.33\" }]",
    "kind = \"marketplace_unit\"\nvalue = \"7\"\nunit_price = \"0.01\"",
    "kind = \"credit\"\namount = \"0.004\"\nused = { \"2026-07\" = \"0\", \"2026-08\" = \"0\", \"2026-09\" = \"0.001\" }",
    "kind = \"minimum\"\namount = \"0.02\"",
    "kind = \"commitment\"\namount = \"1\"\nto = 2026-11-01\nused = { \"2026-07\" = \"0.3\", \"2026-08\" = \"0\", \"2026-09\" = \"0.1\" }",
];

fn months() -> impl Strategy<Value = Vec<(Leaf, i128)>> {
    let row = (prop::bool::ANY, 0usize..3, 1u32..12).prop_map(|(first, meter, day)| {
        let meter = [Meter::Input, Meter::Output, Meter::WebSearch][meter];
        leaf(if first || meter == Meter::Output { "big" } else { "mini" }, meter, day)
    });
    prop::collection::btree_map(row, 0i128..3000, 0..14).prop_map(|leaves| leaves.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn effects_add_up_and_prices_give_the_usage_lines(
        leaves in months(),
        chosen in prop::sample::subsequence((0..TERMS.len()).collect::<Vec<_>>(), 0..TERMS.len()),
    ) {
        let book = book(&chosen.iter().map(|index| term(TERMS[*index])).collect::<String>());
        let contract = october(&book, &leaves).unwrap();
        for statement in &contract.statements {
            let effects: Money = statement.effects.iter().map(|effect| effect.amount).sum();
            prop_assert_eq!(statement.list + effects, statement.contracted);
            for effect in statement.effects.iter().filter(|effect| !effect.models.is_empty()) {
                prop_assert_eq!(effect.models.values().sum::<Money>(), effect.amount);
            }
            // No term makes usage cost less than nothing, and credits never pay more than there is.
            prop_assert!(statement.models.values().all(|cost| cost.contracted >= Some(Money::ZERO)));
            prop_assert!(statement.contracted >= Money::ZERO);
            // Re-priced leaf by leaf, the usage lines come to the contracted usage: no term here is a discount line.
            let rater = Rater::new(&book).contracted(contract.prices.clone());
            let lines = leaves.iter().filter_map(|(leaf, quantity)| Some(crate::rate::amount(rater.ratio(leaf)?, *quantity)));
            prop_assert_eq!(lines.collect::<Result<Vec<Money>>>().unwrap().iter().sum::<Money>(), statement.usage);
        }
    }

    #[test]
    fn bands_charge_each_unit_once_however_the_month_is_cut(
        quantities in prop::collection::vec(0i128..3000, 1..9),
        first in 1u64..4000,
        second in 1u64..4000,
    ) {
        // All bands off by everything above a boundary: what is left is the price of exactly the units below it.
        let bands = format!(
            "kind = \"volume_band\"\nmeter = \"input\"\nbands = [{{ above = \"{first}\", price = \"1\" }}, {{ above = \"{}\", percent_off = \"100\" }}]",
            first + second
        );
        let book = book(&term(&bands));
        let leaves: Vec<(Leaf, i128)> =
            quantities.iter().zip(1..).map(|(quantity, day)| (leaf("big", Meter::Input, day), *quantity)).collect();
        let total: i128 = quantities.iter().sum();
        let (first, second) = (i128::from(first), i128::from(second));
        // 2 millionths each below the first boundary, 1 millionth up to the second, nothing above.
        let expected = 2 * total.min(first) + (total - first).clamp(0, second);
        let statement = october(&book, &leaves).unwrap().statements.remove(0);
        prop_assert_eq!(statement.contracted, Money::from_pico(expected * 1_000_000));
    }

    #[test]
    fn an_allowance_frees_exactly_what_it_grants(
        quantities in prop::collection::vec((0i128..3000, 0i128..3000), 1..9),
        free in 1i128..9000,
    ) {
        let book = book(&term(&format!("kind = \"free_allowance\"\nmeter = \"web_search\"\nquantity = \"{free}\"")));
        let mut leaves = Vec::new();
        for ((one, two), day) in quantities.iter().zip(1..) {
            leaves.push((leaf("big", Meter::WebSearch, day), *one));
            leaves.push((leaf("mini", Meter::WebSearch, day), *two));
        }
        let total: i128 = leaves.iter().map(|(_, quantity)| quantity).sum();
        let statement = october(&book, &leaves).unwrap().statements.remove(0);
        prop_assert_eq!(statement.contracted, Money::from_pico((total - free).max(0) * 10_000_000_000));
    }
}
