//! Who gets the joint part? Where several claims change one cell, what one explains depends on which others are true
//! already. Each gets the mean of what it explains over all orders in which they could be told: shares that add up to the
//! whole, give nothing to what changes nothing, and do not depend on how claims are listed.

use std::collections::{BTreeMap, BTreeSet};

use super::Claim;
use crate::error::Result;
use crate::money::Money;
use crate::reconcile::{CellKey, Edit, State};

/// With more claims on one cell, 2^n re-pricings are too many, and the canonical order decides.
const MOST: usize = 8;

/// Replaces the amounts that claims have in shared cells. `state` is the account before any claim.
pub fn split(state: &State, claims: &mut [Claim]) -> Result<()> {
    let mut by_cell: BTreeMap<&CellKey, Vec<usize>> = BTreeMap::new();
    for (index, claim) in claims.iter().enumerate() {
        for cell in claim.cells.keys() {
            by_cell.entry(cell).or_default().push(index);
        }
    }
    let mut groups: BTreeMap<Vec<usize>, BTreeSet<CellKey>> = BTreeMap::new();
    for (cell, together) in by_cell {
        let whole_account = |index: &usize| {
            claims[*index].patch.edits.iter().any(|edit| matches!(edit, Edit::Rebucket { .. }))
        };
        if (2..=MOST).contains(&together.len()) && !together.iter().any(whole_account) {
            groups.entry(together).or_default().insert(cell.clone());
        }
    }
    for (mut together, cells) in groups {
        // What takes an amount as it stands takes what the others leave.
        let takes =
            |index: &usize| claims[*index].patch.edits.iter().all(|edit| matches!(edit, Edit::Accept { .. }));
        together.sort_by_key(|index| (takes(index), *index));
        let first = together.iter().filter(|index| !takes(index)).count();
        let edits: Vec<Vec<&Edit>> = together
            .iter()
            .map(|index| {
                let edits = claims[*index].patch.edits.iter();
                edits.filter(|edit| !state.touched(edit).is_disjoint(&cells)).collect()
            })
            .collect();
        let values = values(state, &cells, &edits)?;
        for cell in &cells {
            let value = |set: usize| values[set].get(cell).copied().unwrap_or(Money::ZERO).pico();
            let sequential: i128 = together.iter().map(|index| claims[*index].cells[cell].pico()).sum();
            // The whole is what the claims explained one after the other; anything else was changed from outside.
            if value(values.len() - 1) != sequential {
                continue;
            }
            let rest = (first..together.len()).map(|at| value((2 << at) - 1) - value((1 << at) - 1));
            let all = shares(first, value).into_iter().chain(rest);
            for (index, share) in together.iter().zip(all) {
                claims[*index].cells.insert(cell.clone(), Money::from_pico(share));
            }
        }
    }
    for claim in claims {
        claim.cells.retain(|_, amount| !amount.is_zero());
    }
    Ok(())
}

/// What each subset of the claims explains, cell by cell: bit `i` of the index stands for claim `i`.
fn values(
    state: &State,
    cells: &BTreeSet<CellKey>,
    edits: &[Vec<&Edit>],
) -> Result<Vec<BTreeMap<CellKey, Money>>> {
    // A factor or a price reaches many cells and needs none beside those that are looked at.
    let apart =
        edits.iter().flatten().filter(|edit| !matches!(edit, Edit::Factor { .. } | Edit::NewPrice(_)));
    let touched = apart.flat_map(|edit| state.touched(edit));
    let around: BTreeSet<CellKey> = touched.chain(cells.iter().cloned()).collect();
    let part = state.part(&around);
    let mut before: BTreeMap<CellKey, Money> = BTreeMap::new();
    for cell in cells {
        before.insert(cell.clone(), part.delta(cell)?);
    }
    (0..1usize << edits.len())
        .map(|set| {
            let mut told = part.clone();
            for (_, edits) in edits.iter().enumerate().filter(|(index, _)| set >> index & 1 == 1) {
                edits.iter().for_each(|edit| told.change(edit));
            }
            let fall = |(cell, before): (&CellKey, &Money)| Ok((cell.clone(), *before - told.delta(cell)?));
            before.iter().map(fall).collect()
        })
        .collect()
}

/// Shapley's shares of `value(all)`, in whole units; the last units go to the largest remainders, then to the first.
fn shares(count: usize, value: impl Fn(usize) -> i128) -> Vec<i128> {
    let factorial = |n: usize| (1..=n as i128).product::<i128>();
    let all = factorial(count);
    let numerators: Vec<i128> = (0..count)
        .map(|claim| {
            let without = (0..1usize << count).filter(|set| set >> claim & 1 == 0);
            without
                .map(|set| {
                    let size = set.count_ones() as usize;
                    let orders = factorial(size) * factorial(count - size - 1);
                    orders * (value(set | 1 << claim) - value(set))
                })
                .sum()
        })
        .collect();
    let mut shares: Vec<i128> = numerators.iter().map(|numerator| numerator.div_euclid(all)).collect();
    let left = value((1 << count) - 1) - shares.iter().sum::<i128>();
    let mut by_remainder: Vec<usize> = (0..count).collect();
    by_remainder.sort_by_key(|index| std::cmp::Reverse(numerators[*index].rem_euclid(all)));
    for index in by_remainder.into_iter().take(left.max(0) as usize) {
        shares[index] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_discounts_of_ten_percent_share_nineteen_evenly() {
        // 100 → 90 → 81: each alone explains 10, both 19.
        let value = |set: usize| [0, -10, -10, -19][set];
        assert_eq!(shares(2, value), [-9, -10]);
        let finer = |set: usize| [0, -1000, -1000, -1900][set];
        assert_eq!(shares(2, finer), [-950, -950]);
    }

    #[test]
    fn a_price_and_a_move_by_hand() {
        // 10 units at 2 are billed as 10 units at another meter's 5, whose price is wrong by 1: the move alone 30, the price
        // alone 0 (nothing is there yet), both 40.
        let value = |set: usize| [0, 30, 0, 40][set];
        assert_eq!(shares(2, value), [35, 5]);
    }

    proptest! {
        #[test]
        fn shares_add_up_and_nothing_gets_nothing(values in proptest::collection::vec(-10_000i128..10_000, 16)) {
            let whole = |set: usize| if set == 0 { 0 } else { values[set & 0b111] };
            // The fourth claim changes nothing.
            let found = shares(4, |set| whole(set & 0b111));
            prop_assert_eq!(found.iter().sum::<i128>(), whole(0b111));
            prop_assert!(found[3].abs() <= 1);
        }
    }
}
