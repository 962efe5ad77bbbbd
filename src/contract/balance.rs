//! What is paid beside the usage: credits that are used up, minimums, and commitments at their end.

use std::collections::BTreeMap;

use super::rows::{Rows, effect};
use super::{Effect, Step};
use crate::diagnostic::Diagnostic;
use crate::money::Money;
use crate::period::{Day, Month, Period};
use crate::pricebook::terms::{Shown, Term};

/// Draws the credit on usage that no credit before it covers. Without the earlier months its balance is not known, and
/// nothing is drawn.
pub(super) fn credit(
    term: &Term,
    rows: &mut Rows,
    granted: Money,
    used: &BTreeMap<Month, Money>,
    period: Period,
    problems: &mut Vec<Diagnostic>,
) -> Option<Effect> {
    let before = match before(term, used, period) {
        Ok(before) => before,
        Err(months) => {
            problems.push(unknown(term, "the credit's balance", &months));
            return None;
        }
    };
    let opening = (granted - before).max(Money::ZERO);
    let ours = rows.of(term);
    let open: Vec<Money> =
        ours.iter().map(|index| rows.rows[*index].amount - rows.rows[*index].drawn).collect();
    let eligible: Money = open.iter().sum();
    let drawn = opening.min(eligible);
    // What the prices known cover already is certain, whatever the others are.
    if drawn < opening && unpriced(term, rows, "what the credit covers", problems) {
        return None;
    }
    let weights: Vec<u128> = open.iter().map(|amount| amount.pico().unsigned_abs()).collect();
    for (index, part) in ours.into_iter().zip(drawn.split(&weights)) {
        rows.rows[index].drawn += part;
    }
    let mut steps = vec![
        Step::new("granted", granted),
        Step::new("used before", before),
        Step::new("eligible usage", eligible),
        Step::new("used", drawn),
    ];
    let left = opening - drawn;
    let ends = term.to.is_some_and(|to| to <= period.last.next().start());
    steps.push(Step::new(if ends { "expires" } else { "left" }, left));
    Some(effect(term, Shown::Line, -drawn, BTreeMap::new(), steps))
}

pub(super) fn minimum(
    term: &Term,
    rows: &Rows,
    least: Money,
    problems: &mut Vec<Diagnostic>,
) -> Option<Effect> {
    let counted = rows.counted(term);
    let shortfall = (least - counted).max(Money::ZERO);
    if !shortfall.is_zero() && unpriced(term, rows, "the shortfall", problems) {
        return None;
    }
    let steps = vec![Step::new("minimum", least), Step::new("counted", counted)];
    Some(effect(term, Shown::Line, shortfall, BTreeMap::new(), steps))
}

/// What the whole term lacks is due in its last month.
pub(super) fn commitment(
    term: &Term,
    rows: &Rows,
    least: Money,
    used: &BTreeMap<Month, Money>,
    period: Period,
    problems: &mut Vec<Diagnostic>,
) -> Option<Effect> {
    let counted = rows.counted(term);
    let ends = term.to.is_some_and(|to| to <= period.last.next().start());
    let mut steps = vec![Step::new("committed", least), Step::new("counted this month", counted)];
    let mut due = Money::ZERO;
    match before(term, used, period) {
        Ok(before) => {
            let left = (least - before - counted).max(Money::ZERO);
            let what = if ends { "the shortfall" } else { "what is left to spend" };
            if !left.is_zero() && unpriced(term, rows, what, problems) {
                return None;
            }
            steps.push(Step::new("counted before", before));
            steps.push(Step::new(if ends { "shortfall" } else { "left to spend" }, left));
            due = if ends { left } else { Money::ZERO };
        }
        Err(months) if ends => problems.push(unknown(term, "the shortfall", &months)),
        Err(months) => steps.push(Step::new("earlier months not stated", months.len())),
    }
    Some(effect(term, Shown::Line, due, BTreeMap::new(), steps))
}

/// What the months of the term before the period took, or the months that the contract does not state.
fn before(term: &Term, used: &BTreeMap<Month, Money>, period: Period) -> Result<Money, Vec<String>> {
    let (mut sum, mut missing) = (Money::ZERO, Vec::new());
    let mut month = Day::of_instant(term.from).month();
    while month < period.first.month() {
        match used.get(&month) {
            Some(amount) => sum += *amount,
            None => missing.push(month.to_string()),
        }
        month = month.next();
    }
    if missing.is_empty() { Ok(sum) } else { Err(missing) }
}

fn unknown(term: &Term, what: &str, months: &[String]) -> Diagnostic {
    let more = months.len().checked_sub(3).filter(|more| *more > 0);
    let more = more.map_or_else(String::new, |more| format!(" and {more} more"));
    let first: Vec<&str> = months.iter().take(3).map(String::as_str).collect();
    let message = format!("{what} is not known: `used` does not state {}{more}", first.join(", "));
    let example: Vec<String> = months.iter().take(1).map(|month| format!("\"{month}\" = \"0.00\"")).collect();
    Diagnostic::warning("contract-history", term.origin.clone(), message)
        .help(format!("add what each month took, zero included: used = {{ {} }}", example.join(", ")))
}

/// True, with a warning, where usage that counts has no price: what depends on it is not known then.
pub(super) fn unpriced(term: &Term, rows: &Rows, what: &str, problems: &mut Vec<Diagnostic>) -> bool {
    let units = rows.unpriced(term);
    if units.is_empty() {
        return false;
    }
    let models: Vec<String> = units.iter().map(|(model, units)| format!("{model} ({units} units)")).collect();
    let message = format!(
        "the {} of {}: {what} is not known, because usage that counts has no price: {}",
        term.name,
        term.seller,
        models.join(", ")
    );
    problems.push(Diagnostic::warning("contract-unpriced", term.origin.clone(), message).help(
        "add the prices to the book, or a `price` term; `unpriced` in reconciliation.json lists the meters",
    ));
    true
}
