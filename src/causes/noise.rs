//! How noisy is the log? Lost rows and estimates leave small differences nearly everywhere. Their size is measured on what
//! nearly ties out, never assumed.

use crate::money::Money;
use crate::rate::Account;
use crate::reconcile::State;

/// What is further off than this is not noise but something to explain, in parts per million.
const NEARLY: i128 = 20_000;
/// No log is called noisier than this, in parts per million: one percent.
pub const MOST: i128 = 10_000;
/// Amounts that must nearly tie out before their noise is measured.
const ENOUGH: usize = 8;

/// How far two amounts are off beyond rounding, in parts per million of the larger; `None` where that is no noise.
pub fn off(billed: i128, priced: i128, bound: i128) -> Option<i128> {
    let larger = billed.max(priced);
    if billed <= 0 || priced <= 0 {
        return None;
    }
    let off = (billed - priced).abs();
    let parts = if off <= bound { 0 } else { off / (larger / 1_000_000).max(1) };
    (parts < NEARLY).then_some(parts)
}

/// Relative differences within which an amount counts as tied out but for noise: half as much again as the 90th
/// percentile of those that nearly tie out. `sorted` counts parts per million; 0 where they tie out to the last step, or
/// are too few.
pub fn of(sorted: impl ExactSizeIterator<Item = i128>) -> i128 {
    let count = sorted.len();
    if count < ENOUGH {
        return 0;
    }
    let mut sorted = sorted;
    let most = sorted.nth(count * 9 / 10).unwrap_or(0);
    (most * 3 / 2).min(MOST)
}

/// The noise of an account's bill keys.
pub fn floor(state: &State, account: &Account) -> crate::error::Result<i128> {
    let mut nearly: Vec<i128> = Vec::new();
    for key in state.billed.keys().filter(|key| key.cell.account == *account) {
        let (bill, priced) = (state.bill(key), state.priced(key)?);
        let leaves = state.logged.get(key).map_or(0, |leaves| leaves.len());
        if leaves == 0 || bill.lines == 0 || state.accepted.contains(key) {
            continue;
        }
        let bound = bill.bound + Money::from_pico(leaves as i128 + 1);
        nearly.extend(off(bill.amount.pico(), priced.pico(), bound.pico()));
    }
    nearly.sort_unstable();
    Ok(of(nearly.into_iter()))
}

/// A share of an amount, in parts per million.
pub const fn share(floor: i128, amount: i128) -> i128 {
    amount / 1_000_000 * floor
}
