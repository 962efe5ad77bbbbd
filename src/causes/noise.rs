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
/// Noise is what more than one amount in so many shows.
const RARE: usize = 50;

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
/// percentile of those that nearly tie out, or as the middle one of those that are off at all, where noise is rare but
/// large. `sorted` counts parts per million; 0 where they tie out to the last step, or are too few.
pub fn of(sorted: &[i128]) -> i128 {
    let count = sorted.len();
    let off = &sorted[sorted.partition_point(|parts| *parts == 0)..];
    // One amount in fifty may be off for a reason of its own.
    if count < ENOUGH || off.len() * RARE <= count {
        return 0;
    }
    let most = sorted[count * 9 / 10].max(off[off.len() / 2]);
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
    Ok(of(&nearly))
}

/// A share of an amount, in parts per million.
pub const fn share(floor: i128, amount: i128) -> i128 {
    amount / 1_000_000 * floor
}
