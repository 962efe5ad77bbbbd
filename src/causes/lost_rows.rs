//! Rows that the log lost, where no report counts requests: on some days the bill counts more of every meter than the log, about
//! as much of each, and on the others just as much. One day is enough where several models and keys lack rows on it.
//!
//! It is said of counts only, so no price explains it. One factor on every meter is no loss of rows: rows differ. Who made the
//! calls is not seen: a retry that was not logged, or another one's calls of the same model, look the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::slice;
use std::sync::Arc;

use super::record::{Suspect, patch};
use super::{Fact, Patch, Status, uncounted};
use crate::error::Result;
use crate::money::Ratio;
use crate::period::Day;
use crate::rate::{self, Account, Leaf, Owner};
use crate::reconcile::quantity::{self, Gaps};
use crate::reconcile::sides::by_owner;
use crate::reconcile::{CellKey, Edit, Sides, State};
use crate::vocabulary::Meter;

/// Days that must lack rows, one more in a noisy log, and days that must not. Where a day has few rows, none may be lost.
const DAYS: usize = 3;
const CONTROL: usize = 3;
/// Models and keys that all lack rows on one day, where it is one day only; models of other accounts count as well.
const PARTS: usize = 4;
/// Days on which such a model of another account may be open.
const FEW: usize = 2;
/// Of all days, one in so many may say something else.
const ASTRAY: usize = 5;
/// A loss is at least one token in so many, and beyond so many times the noise of the log.
const PART: i128 = 20;
const NOISIER: i128 = 4;
/// Meters that lack the same share but for one part in so many lack one factor.
const ALIKE: i128 = 1_000;

static LOST: Suspect = Suspect {
    what: "the bill counts more of every meter than the log on some days, and as much on the others",
    ..uncounted::LOST
};

/// One owner's part of a model's usage.
type Part = (Account, Arc<str>, Owner);

/// What one of them says on one day.
enum Said {
    /// The counts are those of the bill.
    Ties,
    /// With what the log would have to hold besides.
    Lacks(Gaps, Vec<Edit>),
    /// The same, where it is too little or has nothing of some meter to tell by itself.
    MayLack(i128, Vec<Edit>),
    /// The log lacks counts, and the bill charges them at prices that what was logged does not have.
    AtOtherPrices,
    Else,
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    // Counts of these rows are open for a reason of their own.
    let known = |row: &&crate::rate::DayUsage| uncounted::KINDS.iter().any(|kind| (kind.rows.is)(row));
    let open: BTreeSet<(&Account, &Arc<str>, Day)> =
        state.usage.iter().filter(known).map(|row| (&row.account, &row.model, row.day)).collect();
    let mut days: BTreeMap<Part, BTreeMap<Day, Said>> = BTreeMap::new();
    let suspects: BTreeSet<(&Account, Option<&Arc<str>>)> =
        state.open.iter().map(|cell| (&cell.account, cell.model.as_ref())).collect();
    // What a model lacks on a day on which another has too much may have been that one's.
    let mut too_much: BTreeSet<(Account, Day)> = BTreeSet::new();
    for cell in super::cells(state).into_iter().filter(|cell| cell.first == cell.last) {
        let Some(model) =
            cell.model.as_ref().filter(|_| suspects.contains(&(&cell.account, cell.model.as_ref())))
        else {
            continue;
        };
        let known = open.contains(&(&cell.account, model, cell.first));
        for (owner, gaps) in quantity::by_owner(quantity::gaps(state, &cell)) {
            let less =
                gaps.values().any(|gap| -gap.difference() > NOISIER * quantity::slack(state, gap.logged));
            if less {
                too_much.insert((cell.account.clone(), cell.first));
            }
            let said = if known { Said::Else } else { said(state, &cell, owner, gaps) };
            let name = (cell.account.clone(), model.clone(), owner);
            days.entry(name).or_default().insert(cell.first, said);
        }
    }
    let mut found: BTreeMap<&Part, Vec<Edit>> = BTreeMap::new();
    let mut lossy: BTreeMap<&Account, BTreeSet<Day>> = BTreeMap::new();
    for ((account, _, _), days) in &mut days {
        for day in days.iter_mut().filter(|(day, _)| too_much.contains(&(account.clone(), **day))) {
            *day.1 = Said::Else;
        }
    }
    for (part, days) in &days {
        if let Some(edits) = lost(state, days) {
            found.insert(part, edits);
            lossy.entry(&part.0).or_default().extend(lacks(days).map(|(day, ..)| *day));
        }
    }
    for (account, day) in outages(state, &days) {
        lossy.entry(account).or_default().insert(day);
    }
    // What stops a log stops it for everybody: other models and keys that lack rows on these days only lost them there too.
    for (part, days) in days.iter().filter(|(part, _)| !found.contains_key(part)).collect::<Vec<_>>() {
        if let Some(edits) = lossy.get(&part.0).and_then(|lossy| lost_with(days, lossy)) {
            found.insert(part, edits);
        }
    }
    let mut models: BTreeMap<(&Account, &Arc<str>), Vec<Lost>> = BTreeMap::new();
    for (part, edits) in found {
        models.entry((&part.0, &part.1)).or_default().push(Lost { owner: part.2, days: &days[part], edits });
    }
    let mut patches = Vec::new();
    for ((account, model), parts) in models {
        let all = told(account, model, "everybody", &parts);
        if state.rejected.contains(&all.name) && parts.len() > 1 {
            patches.extend(parts.iter().map(|part| told(account, model, part.owner, slice::from_ref(part))));
        } else {
            patches.push(all);
        }
    }
    patches.retain(|patch| !state.rejected.contains(&patch.name));
    Ok(patches)
}

/// What one part of a model's usage has lost.
struct Lost<'d> {
    owner: Owner,
    days: &'d BTreeMap<Day, Said>,
    edits: Vec<Edit>,
}

fn told(account: &Account, model: &Arc<str>, who: impl Display, parts: &[Lost]) -> Patch {
    let edits = parts.iter().flat_map(|part| &part.edits).cloned().collect();
    let agree: BTreeSet<&Day> = parts.iter().flat_map(|part| part.days.keys()).collect();
    let agree = agree.into_iter().filter(|day| {
        parts.iter().all(|part| part.days.get(day).is_none_or(|said| matches!(said, Said::Ties)))
    });
    let mut found = patch(&LOST, account, model, edits, BTreeSet::new(), 0);
    found.name = format!("lost rows {account:?} {model} {who}");
    found.facts.truncate(1);
    found.facts.push(Fact::new("days on which the counts agree", agree.count()));
    found.status = Status::Ambiguous;
    found.rivals = ["qty.retry_unlogged", "cov.bypass", "cov.account_scope"].map(str::to_owned).into();
    found.decides = Some("the provider's requests by key, beside those of the log".to_owned());
    found
}

fn said(state: &State, cell: &CellKey, owner: Owner, gaps: Gaps) -> Said {
    if gaps.values().all(|gap| quantity::quiet(state, gap, 1)) {
        return Said::Ties;
    }
    let counted = gaps.values().all(|gap| gap.known.is_counted());
    let all = state.keys_of(cell).into_iter().filter(|key| key.owner == owner && key.meter.is_some()).count();
    let short = gaps.values().map(|gap| gap.difference()).sum::<i128>();
    let billed = gaps.values().map(|gap| gap.billed).sum::<i128>();
    let every = gaps.values().all(|gap| gap.logged > 0 && gap.difference() >= 0);
    // Whole hundreds of everything are a bill's own rounding.
    let odd = gaps.values().any(|gap| gap.billed % 100 != 0);
    let beyond_noise = odd && short > NOISIER * quantity::slack(state, billed);
    let beyond = beyond_noise && short * PART >= billed;
    let more = gaps.values().all(|gap| gap.difference() >= 0);
    if !(counted && gaps.len() == all && more && beyond_noise) {
        return Said::Else;
    }
    let mut parts = by_owner(state.sides_of(cell));
    let sides = parts.remove(&owner).unwrap_or_default();
    // With the counts of the bill, its amounts are ours.
    let edits = if quantity::rate_effect(state, &sides).is_some_and(|left| left <= state.bound_of(&sides)) {
        let lacks = gaps.iter().filter(|(_, gap)| gap.difference() > 0);
        Some(lacks.map(|(key, gap)| Edit::Drop { from: key.clone(), quantity: -gap.difference() }).collect())
    } else {
        let more = sides.iter().filter_map(|sides| Some((sides, gaps.get(sides.key)?)));
        more.map(|(sides, gap)| in_bands(state, sides, gap.difference()))
            .collect::<Option<Vec<_>>>()
            .map(|edits| edits.into_iter().flatten().collect())
    };
    match edits {
        Some(edits) if gaps.len() > 1 && every && beyond => Said::Lacks(gaps, edits),
        Some(edits) => Said::MayLack(short, edits),
        None if gaps.len() > 1 && every && beyond => Said::AtOtherPrices,
        None => Said::Else,
    }
}

/// What a key lacks, as short prompts and long ones, where the bill does not tell them apart: so many of each that they cost what
/// is open. `None` where no such split does.
fn in_bands(state: &State, sides: &Sides, lacks: i128) -> Option<Vec<Edit>> {
    let (key, bill) = (sides.key, state.bill_at(sides));
    let open = bill.amount - state.priced_of(sides).ok()?;
    let leaf = state.model_leaf(key)?;
    let in_band = |band: u8| {
        let leaf = Leaf { prompt: state.rater.book.band_prompt(band), ..leaf.clone() };
        Some((state.unit(key, &leaf)?, leaf))
    };
    let short = in_band(0)?;
    let add = |leaf: &Leaf, quantity: i128| {
        let edit = Edit::Restate { less: None, more: Some((key.clone(), leaf.clone())), quantity };
        (quantity > 0).then_some(edit)
    };
    let rest = open - rate::amount(short.0, lacks).ok()?;
    if rest.abs() <= bill.bound {
        return Some(add(&short.1, lacks).into_iter().collect());
    }
    (1..=state.rater.book.bands().len() as u8).filter_map(in_band).find_map(|(unit, long)| {
        let more = dearer(unit, short.0)?;
        let count = more.whole_quantity(rest).or_else(|| quantity::nearest(more, rest, bill.bound, 1))?;
        (0..=lacks)
            .contains(&count)
            .then(|| add(&long, count).into_iter().chain(add(&short.1, lacks - count)).collect())
    })
}

/// How much dearer one unit price is than another.
fn dearer(one: Ratio, other: Ratio) -> Option<Ratio> {
    let (a, b) = (one.numerator(), one.denominator());
    let (c, d) = (other.numerator(), other.denominator());
    let more = a.checked_mul(d)?.checked_sub(c.checked_mul(b)?)?;
    Ratio::new(more, b.checked_mul(d)?).filter(|_| more > 0)
}

fn ties(days: &BTreeMap<Day, Said>) -> usize {
    days.values().filter(|said| matches!(said, Said::Ties)).count()
}

/// Days on which so many parts of an account lack rows, and no part lacks anything else, that one is enough; not the first or the
/// last of the log, where it may have been cut.
fn outages<'d>(state: &State, days: &'d BTreeMap<Part, BTreeMap<Day, Said>>) -> BTreeSet<(&'d Account, Day)> {
    let mut lacking: BTreeMap<(&Account, Day), Vec<&Gaps>> = BTreeMap::new();
    let mut other = BTreeSet::new();
    let mut span: BTreeMap<&Account, (Day, Day)> = BTreeMap::new();
    for ((account, ..), days) in days {
        let steady = ties(days) >= CONTROL;
        for (day, said) in days {
            let (first, last) = span.entry(account).or_insert((*day, *day));
            (*first, *last) = (*day.min(first), *day.max(last));
            match said {
                Said::Lacks(gaps, _) if steady => lacking.entry((account, *day)).or_default().push(gaps),
                Said::Ties | Said::MayLack(..) => {}
                _ => {
                    other.insert((account, *day));
                }
            }
        }
    }
    let enough = |((account, day), short): &((&Account, Day), Vec<&Gaps>)| {
        let uneven = short.iter().filter(|gaps| !is_one_factor(gaps)).count();
        let (first, last) = span[account];
        short.len() + beside(state, account, *day) >= PARTS + usize::from(state.noise > 0)
            && uneven * 2 > short.len()
            && !other.contains(&(*account, *day))
            && (first < *day && *day < last)
            && about_as_much(&by_meter(short.iter().copied()))
    };
    lacking.into_iter().filter(enough).map(|(at, _)| at).collect()
}

/// Models of other accounts that the same outage would have hit: the bill has more of them on that day, and hardly on another.
fn beside(state: &State, own: &Account, day: Day) -> usize {
    let others = state.beside.iter().filter(|((account, _), _)| account != own);
    let hit =
        |days: &BTreeMap<Day, i128>| days.len() <= FEW && days.get(&day).is_some_and(|delta| *delta > 0);
    others.filter(|(_, days)| hit(days)).count()
}

/// What the bill has more of each meter, and all of it.
fn by_meter<'g>(gaps: impl Iterator<Item = &'g Gaps>) -> BTreeMap<Option<Meter>, (i128, i128)> {
    let mut meters: BTreeMap<Option<Meter>, (i128, i128)> = BTreeMap::new();
    for (key, gap) in gaps.flatten() {
        let meter = meters.entry(key.meter).or_default();
        meter.0 += gap.difference();
        meter.1 += gap.billed;
    }
    meters
}

/// The days that lack rows, how many and of what.
fn lacks(days: &BTreeMap<Day, Said>) -> impl Iterator<Item = (&Day, &Gaps, &Vec<Edit>)> {
    days.iter().filter_map(|(day, said)| match said {
        Said::Lacks(gaps, edits) => Some((day, gaps, edits)),
        _ => None,
    })
}

/// Those of days on which others of the account have lost rows: this part lacks some on half of them, and on no other day.
fn lost_with(days: &BTreeMap<Day, Said>, lossy: &BTreeSet<Day>) -> Option<Vec<Edit>> {
    let short: BTreeMap<&Day, &Vec<Edit>> = days
        .iter()
        .filter_map(|(day, said)| match said {
            Said::Lacks(_, edits) | Said::MayLack(_, edits) => Some((day, edits)),
            _ => None,
        })
        .collect();
    let here = lossy.iter().filter(|day| days.contains_key(day)).count();
    let others = days.len() - ties(days) - short.len();
    let holds = short.keys().all(|day| lossy.contains(day))
        && short.len() * 2 >= here
        && ties(days) >= CONTROL
        && others * ASTRAY <= days.len();
    (holds && !short.is_empty()).then(|| short.into_values().flatten().cloned().collect())
}

/// The counts that the log lacks, where enough days say so and hardly any another thing.
fn lost(state: &State, days: &BTreeMap<Day, Said>) -> Option<Vec<Edit>> {
    let short: Vec<(&Day, &Gaps, &Vec<Edit>)> = lacks(days).collect();
    let other = days.values().filter(|said| matches!(said, Said::Else | Said::MayLack(..))).count();
    let enough = short.len() >= DAYS + usize::from(state.noise > 0) && ties(days) >= CONTROL;
    if !enough || other * ASTRAY > days.len() {
        return None;
    }
    let meters = by_meter(short.iter().map(|(_, gaps, _)| *gaps));
    let share = |gaps: &Gaps| {
        let sum = |of: fn(&quantity::Gap) -> i128| gaps.values().map(of).sum::<i128>();
        (sum(|gap| gap.difference()), sum(|gap| gap.billed))
    };
    if rises(&short.iter().map(|(_, gaps, _)| share(gaps)).collect::<Vec<_>>()) {
        return None;
    }
    let uneven = short.iter().filter(|(_, gaps, _)| !is_one_factor(gaps)).count();
    let one_loss = meters.len() > 1 && about_as_much(&meters) && uneven * 2 > short.len();
    // Days that do not say it by themselves are of the same loss, as long as they are not the most of it.
    let may = days.values().filter_map(|said| match said {
        Said::MayLack(tokens, edits) => Some((tokens, edits)),
        _ => None,
    });
    let (tokens, more): (Vec<i128>, Vec<&Vec<Edit>>) = may.unzip();
    let told: i128 = meters.values().map(|(short, _)| short).sum();
    let more = if tokens.iter().sum::<i128>() <= told { more } else { Vec::new() };
    one_loss.then(|| short.into_iter().map(|(_, _, edits)| edits).chain(more).flatten().cloned().collect())
}

/// Of so many days, this share of all pairs is one that rises: what is short of more every day drifts, and is not lost.
const RISING_DAYS: usize = 6;
const RISING: (usize, usize) = (4, 5);

/// `shares`: what each day lacks, and all of it.
fn rises(shares: &[(i128, i128)]) -> bool {
    let pairs =
        shares.iter().enumerate().flat_map(|(at, one)| shares[at + 1..].iter().map(move |two| (one, two)));
    let rising = pairs.filter(|(one, two)| one.0.saturating_mul(two.1) < two.0.saturating_mul(one.1)).count();
    let all = shares.len() * shares.len().saturating_sub(1) / 2;
    shares.len() >= RISING_DAYS && rising * RISING.1 >= all * RISING.0
}

/// Lost calls are like the others: no meter lacks more than twice the share that another lacks.
fn about_as_much(meters: &BTreeMap<Option<Meter>, (i128, i128)>) -> bool {
    let shares = || meters.values().filter(|(_, billed)| *billed > 0);
    shares().all(|(short, billed)| {
        shares().all(|(other, of)| other.saturating_mul(*billed) <= 2 * short.saturating_mul(*of))
    })
}

fn is_one_factor(gaps: &Gaps) -> bool {
    let mut shares = gaps.values().map(|gap| (gap.difference(), gap.billed));
    let Some((short, billed)) = shares.next() else { return true };
    shares.all(|(other, of)| {
        let (one, two) = (short.saturating_mul(of), other.saturating_mul(billed));
        (one - two).abs().saturating_mul(ALIKE) <= one.max(two)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_of_more_every_day_drifts() {
        let drift = [(52, 1_000), (66, 1_010), (81, 990), (88, 1_020), (105, 1_000), (119, 1_000)];
        assert!(rises(&drift));
        // Five days rise by chance.
        assert!(!rises(&drift[1..]));
        let lost = [(320, 1_000), (410, 1_010), (150, 990), (330, 1_020), (505, 1_000), (280, 1_000)];
        assert!(!rises(&lost));
    }

    #[test]
    fn lost_calls_lack_about_as_much_of_every_meter() {
        let shares = |input: i128, output: i128| {
            about_as_much(
                &[(Some(Meter::Input), (input, 1_000)), (Some(Meter::Output), (output, 100))].into(),
            )
        };
        assert!(shares(330, 40));
        assert!(shares(200, 40));
        // Three in ten of the input, and one in ten of the output.
        assert!(!shares(300, 10));
    }
}
