//! How noisy is the log? Lost rows and estimates leave small differences nearly everywhere. Their size is measured on the
//! sides that nearly tie out, never assumed.

use crate::money::Money;
use crate::rate::Account;
use crate::reconcile::State;

/// Sides further off than this are not noise but something to explain, in parts per million.
const NEARLY: i128 = 20_000;
/// No log is called noisier than this.
const MOST: i128 = 10_000;
/// Sides that must nearly tie out before their noise is measured.
const ENOUGH: usize = 8;

/// Relative differences within which a side counts as tied out but for noise: half as much again as the 90th percentile
/// of the sides that nearly tie out, in parts per million; 0 where they tie out to the last step.
pub fn floor(state: &State, account: &Account) -> crate::error::Result<i128> {
    let mut nearly: Vec<i128> = Vec::new();
    for key in state.billed.keys().filter(|key| key.cell.account == *account) {
        let (bill, priced) = (state.bill(key), state.priced(key)?);
        let larger = bill.amount.max(priced);
        let leaves = state.logged.get(key).map_or(0, |leaves| leaves.len());
        if leaves == 0 || bill.lines == 0 || larger <= Money::ZERO || state.accepted.contains(key) {
            continue;
        }
        let off = (bill.amount - priced).abs();
        let off = if off <= bill.bound + Money::from_pico(leaves as i128 + 1) { Money::ZERO } else { off };
        let parts = off.pico() / (larger.pico() / 1_000_000).max(1);
        if parts < NEARLY {
            nearly.push(parts);
        }
    }
    if nearly.len() < ENOUGH {
        return Ok(0);
    }
    nearly.sort_unstable();
    let most = nearly[nearly.len() * 9 / 10];
    Ok((most * 3 / 2).min(MOST))
}

/// A share of an amount, in parts per million.
pub const fn share(floor: i128, amount: i128) -> i128 {
    amount / 1_000_000 * floor
}
