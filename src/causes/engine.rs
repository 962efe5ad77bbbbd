//! Applies the families in order and keeps what stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::search::score::{DIGIT, Digits, digits};
use super::{Claim, FAMILIES, Patch, Status, everywhere, noise, search, shares};
use crate::error::Result;
use crate::money::Money;
use crate::parallel;
use crate::period::Day;
use crate::rate::Account;
use crate::reconcile::owners::NOBODY;
use crate::reconcile::sides::by_owner;
use crate::reconcile::{BillKey, CellKey, Edit, Owners, Part, Sides, State, quantity};

/// At least this share of the dollars a patch moves must end in cells that tie out: 4 of 5.
const CLOSURE: (i128, i128) = (4, 5);

/// What is left of one cell after all claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Residual {
    /// `billed − priced` under all accepted assumptions.
    pub amount: Money,
    pub bound: Money,
    billed: Money,
    /// What the noise of the log leaves open in such a cell, as measured on the account's other cells.
    pub noise: Money,
    /// Where the bill or a report counts every key: what remains of the difference if its counts are taken.
    rate: Option<Money>,
}

impl Residual {
    pub fn ties(self) -> bool {
        self.amount.abs() <= self.bound
    }

    /// What is left is no larger than the noise of the log.
    fn nearly_ties(self) -> bool {
        self.amount.abs() <= self.bound + self.noise
    }

    /// The prices agree, whatever was counted.
    fn rate_ties(self) -> bool {
        self.rate.is_some_and(|rate| rate <= self.bound)
    }
}

/// The explained state: claims in canonical order and what no claim explains.
#[derive(Default)]
pub struct Explained {
    pub claims: Vec<Claim>,
    pub residuals: BTreeMap<CellKey, Residual>,
    /// Keys of the log that are known on the bill, by account.
    pub owners: BTreeMap<Account, Arc<Owners>>,
    /// What is left of each owner's part of a cell.
    parts: BTreeMap<Part, Residual>,
    /// Bill keys that do not tie out, not to the noise either.
    open_keys: BTreeSet<BillKey>,
    /// Those of which the bill or a report counts what the log counts.
    counted_keys: BTreeSet<BillKey>,
    /// Models whose difference is open and was not searched in full, because there was too much to try.
    pub left_out: Vec<(Account, Arc<str>)>,
}

/// Explains account by account, on every core: no edit reaches from one to another. The order of the result is that
/// of the accounts, whoever explained them.
pub fn explain(state: &State) -> Result<Explained> {
    // Where nothing differs there is nothing to explain.
    let accounts: BTreeSet<&Account> = state.open.iter().map(|cell| &cell.account).collect();
    let accounts: Vec<&Account> = accounts.into_iter().collect();
    let mut all = Explained::default();
    for explained in parallel::map(&accounts, |name| explain_account(name, state.of_account(name))) {
        let explained = explained?;
        all.claims.extend(explained.claims);
        all.residuals.extend(explained.residuals);
        all.owners.extend(explained.owners);
        all.left_out.extend(explained.left_out);
    }
    Ok(all)
}

/// Accounts without a bill explain nothing.
fn explain_account(name: &Account, part: State) -> Result<Explained> {
    if part.grains.contains_key(name) {
        account(name, part)
    } else {
        Ok(Explained { residuals: residuals(&part, 0)?.0, ..Explained::default() })
    }
}

/// Claims about everything of an account that are left out or told otherwise in turn, to see whether less stays open.
const ALTERNATIVES: usize = 6;

/// Explains an account with its claims about everything, with others of them and without; the account that is shortest to
/// write down, claims and what is left, is kept.
fn account(name: &Account, base: State) -> Result<Explained> {
    let mut state = told_apart(name, &base, Owners::learn(&base, name)?)?;
    let mut told = vec![settle(name, &base, state.clone())?];
    while told.len() < ALTERNATIVES {
        let claim = told.last().and_then(|last| last.claims.iter().find(|claim| everywhere::is(claim)));
        let Some(claim) = claim else { break };
        state.rejected.insert(claim.patch.name.clone());
        told.push(settle(name, &base, state.clone())?);
    }
    let shortest = told.into_iter().min_by_key(Explained::length);
    Ok(shortest.unwrap_or_default())
}

/// Runs the families until every claim stands. Where a claim about everything shows other owners, what is theirs is told
/// apart anew, and the families begin again.
fn settle<'a>(name: &Account, base: &State<'a>, mut state: State<'a>) -> Result<Explained> {
    let (mut searched, mut again) = (None, 0);
    loop {
        let (mut explained, edited) = match round(&state, name, &mut searched, again < RELEARNED)? {
            Round::Told(told) => *told,
            Round::Owners(owners) => {
                let (rejected, limited) =
                    (std::mem::take(&mut state.rejected), std::mem::take(&mut state.limited));
                state = told_apart(name, base, owners)?;
                (state.rejected, state.limited) = (rejected, limited);
                (searched, again) = (None, again + 1);
                continue;
            }
        };
        let mut fallen = fallen(&explained, state.apart);
        if fallen.is_empty() {
            fallen = everywhere::undone(&edited, &explained.claims);
        }
        // Each round rejects at least one name of a finite list.
        if fallen.is_empty() {
            let mut claims = std::mem::take(&mut explained.claims);
            for claim in &mut claims {
                let enough = |(closed, moved): (i128, i128)| closed * CLOSURE.1 >= moved * CLOSURE.0;
                let closes = enough(by_cell(claim, &explained).dollars(claim, &explained, false))
                    || enough(by_part(claim, &explained).dollars(claim, &explained, false));
                // What closes only to the noise of the log is no proof.
                if !closes && matches!(claim.patch.status, Status::Proven | Status::Exact) {
                    claim.patch.status = Status::Probable;
                }
            }
            explained.claims = claims;
            shares::split(&state, &mut explained.claims)?;
            let models = search::left_out(&edited, name)?;
            explained.left_out = models.into_iter().map(|model| (name.clone(), model)).collect();
            explained.owners.insert(name.clone(), state.owners);
            return Ok(explained);
        }
        for name in fallen {
            let claim = explained.claims.iter().find(|claim| claim.patch.name == name);
            match claim.and_then(|claim| where_it_holds(claim, &explained)) {
                Some(cells) if !state.limited.contains_key(&name) => {
                    state.limited.insert(name, cells);
                }
                _ => {
                    state.rejected.insert(name);
                }
            }
        }
    }
}

/// Days on which a claim must hold to be kept for these alone.
const HOLDS: usize = 3;

/// The cells of a claim in which it closes, where counts of the log and the bill show it day by day and something else is in the
/// way on other days.
fn where_it_holds(claim: &Claim, explained: &Explained) -> Option<BTreeSet<CellKey>> {
    let ties = |cell: &&CellKey| explained.residuals.get(*cell).is_none_or(|left| left.ties());
    let cells: BTreeSet<CellKey> = claim.cells.keys().filter(ties).cloned().collect();
    let inside = |edit: &Edit| matches!(edit, Edit::Move { from, to, .. } if from.cell == to.cell);
    (claim.patch.edits.iter().all(inside) && cells.len() >= HOLDS).then_some(cells)
}

/// Counts that went from one key to another: log and bill show both.
fn moves_only(claim: &Claim) -> bool {
    claim.patch.edits.iter().all(|edit| matches!(edit, Edit::Move { .. }))
}

/// So often other owners may be learned.
const RELEARNED: usize = 2;

fn told_apart<'a>(name: &Account, base: &State<'a>, owners: Owners) -> Result<State<'a>> {
    let mut state = base.told_apart(Arc::new(owners));
    state.noise = noise::floor(&state, name)?;
    Ok(state)
}

impl Explained {
    /// Digits it takes to write down what is left, and each claim.
    fn length(&self) -> Digits {
        // The same step for all: noise is measured on what nearly ties out, and that differs from one to another.
        let step = |left: &Residual| left.bound.pico() + noise::share(STEP, left.billed.pico());
        let left = self.residuals.values().map(|left| digits(left.amount.pico(), step(left)));
        left.sum::<Digits>() + CLAIM * self.claims.len() as Digits
    }
}

/// A claim is as long as this many digits of what is left.
const CLAIM: Digits = 4 * DIGIT;
/// What is left is written down in steps of so many parts per million of the bill.
const STEP: i128 = 1_000;

/// Days on which everything that a story touches has to tie out, where it does not on others.
const CLEAR_DAYS: usize = 5;

/// Where a claim is judged: on whole cells, or on what is each owner's of them.
struct Judged<'e, K> {
    amounts: &'e BTreeMap<K, Money>,
    left: &'e BTreeMap<K, Residual>,
    place: fn(&BillKey) -> K,
    day: fn(&K) -> Day,
}

fn by_cell<'e>(claim: &'e Claim, explained: &'e Explained) -> Judged<'e, CellKey> {
    Judged {
        amounts: &claim.cells,
        left: &explained.residuals,
        place: |key| key.cell.clone(),
        day: |cell| cell.first,
    }
}

fn by_part<'e>(claim: &'e Claim, explained: &'e Explained) -> Judged<'e, Part> {
    let place = |key: &BillKey| (key.cell.clone(), key.owner);
    Judged { amounts: &claim.parts, left: &explained.parts, place, day: |(cell, _)| cell.first }
}

/// The names of the open claims, the largest first; a smaller one waits where a larger one touched what it does, because
/// what the larger one moved may have kept it open.
fn fallen(explained: &Explained, apart: bool) -> Vec<String> {
    let mut open: Vec<(i128, &Claim)> = explained
        .claims
        .iter()
        // What the search tells of one key it has judged on that key's part of the bill, where that is told apart.
        .filter(|claim| !(apart && search::told(&claim.patch.name) && !claim.patch.scope.keys.is_empty()))
        .filter_map(|claim| {
            let mut open = by_cell(claim, explained).open(claim, explained)?;
            // What is another owner's in the same cell does not speak against it.
            if apart {
                open = by_part(claim, explained).open(claim, explained)?;
            }
            Some((open, claim))
        })
        .collect();
    open.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.patch.name.cmp(&b.1.patch.name)));
    let mut touched: BTreeSet<&Part> = BTreeSet::new();
    let mut names = Vec::new();
    for (_, claim) in open {
        if claim.parts.keys().all(|part| !touched.contains(part)) {
            names.push(claim.patch.name.clone());
        }
        touched.extend(claim.parts.keys());
    }
    names
}

impl<K: Ord> Judged<'_, K> {
    /// The dollars that do not end where it ties out; `None` where enough of them do.
    fn open(&self, claim: &Claim, explained: &Explained) -> Option<i128> {
        let (closed, moved) = self.dollars(claim, explained, true);
        let (part, of) = if everywhere::is(claim) { everywhere::CLOSURE } else { CLOSURE };
        let stands = closed * of >= moved * part
            || self.mostly_closed(claim, &explained.open_keys, closed, moved)
            || self.is_clear(claim, closed, moved)
            || everywhere::seen_widely(claim, explained);
        (!stands).then_some(moved - closed)
    }

    /// True for a story of which half ends where it ties out, and days enough entirely: on the others something else is in the way.
    fn is_clear(&self, claim: &Claim, closed: i128, moved: i128) -> bool {
        if !search::told(&claim.patch.name) || 2 * closed < moved {
            return false;
        }
        let mut days: BTreeMap<Day, bool> = BTreeMap::new();
        for place in self.amounts.keys() {
            let ties = self.left.get(place).is_none_or(|left| left.ties());
            *days.entry((self.day)(place)).or_insert(true) &= ties;
        }
        days.values().filter(|entire| **entire).count() >= CLEAR_DAYS
    }

    /// The places of a claim, and whether what is asked holds for each key that it names there.
    fn whole(&self, claim: &Claim, holds: impl Fn(&BillKey) -> bool) -> BTreeMap<K, bool> {
        let mut places: BTreeMap<K, bool> = BTreeMap::new();
        for key in claim.patch.edits.iter().flat_map(Edit::keys) {
            *places.entry((self.place)(key)).or_insert(true) &= holds(key);
        }
        places
    }

    /// True where half of the dollars a claim moves end in cells that tie out, and the rest of the 4 of 5 in keys that do, or
    /// in cells that keep no more than a fifth of them: noise, or another story, is larger there than elsewhere.
    fn mostly_closed(&self, claim: &Claim, open: &BTreeSet<BillKey>, closed: i128, moved: i128) -> bool {
        // A patch that gives each key the count of the bill ties it out whatever is true; one that re-prices is tested by it.
        let tested = search::told(&claim.patch.name) || prices_only(claim);
        let keys = if tested { self.whole(claim, |key| !open.contains(key)) } else { BTreeMap::new() };
        let nearly: i128 = self
            .amounts
            .iter()
            .filter(|(place, amount)| {
                let left = self.left.get(place);
                keys.get(place).is_some_and(|tie| *tie)
                    || left.is_none_or(|left| {
                        left.nearly_ties() || left.amount.abs().pico() * 5 <= amount.abs().pico()
                    })
            })
            .map(|(_, amount)| amount.pico().abs())
            .sum();
        let tied = self.amounts.iter().filter(|(place, _)| keys.get(place).is_some_and(|tie| *tie));
        let tied: i128 = tied.map(|(_, amount)| amount.pico().abs()).sum();
        2 * closed.max(tied) >= moved && nearly * CLOSURE.1 >= moved * CLOSURE.0
    }

    /// The dollars a claim moves: those that end where it ties out, and all. Prices are judged by the billed counts where there
    /// are any: how much was logged is no part of them. `nearly`: noise may be left, and a tenth of what fields of the log or
    /// the bill show by themselves.
    fn dollars(&self, claim: &Claim, explained: &Explained, nearly: bool) -> (i128, i128) {
        let prices_only = prices_only(claim);
        let shown = claim.patch.status == Status::Proven;
        // What moves counts is tested by counts; that their price is another is another story.
        let counted = if moves_only(claim) {
            self.whole(claim, |key| explained.counted_keys.contains(key))
        } else {
            BTreeMap::new()
        };
        let (mut closed, mut moved) = (0i128, 0i128);
        for (place, amount) in self.amounts {
            let dollars = amount.pico().abs();
            moved += dollars;
            let closes = |residual: &Residual| {
                // What is no larger than noise is not closed by it.
                residual.ties()
                    || (nearly && residual.nearly_ties() && dollars > 2 * residual.noise.pico())
                    || (nearly
                        && shown
                        && !residual.noise.is_zero()
                        && residual.amount.pico().abs() * 10 <= dollars)
                    || (prices_only && residual.rate_ties())
            };
            if self.left.get(place).is_none_or(closes) || counted.get(place) == Some(&true) {
                closed += dollars;
            }
        }
        (closed, moved)
    }
}

/// The family that takes most of the time; where nothing before it has changed, it is not asked again.
const SEARCH: &str = "search";

/// What it said, and what it was asked: the claims before it, and which of its own were taken back.
struct Searched {
    before: Vec<Patch>,
    rejected: BTreeSet<String>,
    patches: Vec<Patch>,
}

/// What one pass of all families comes to.
enum Round<'a> {
    /// The claims, with the state that they left.
    Told(Box<(Explained, State<'a>)>),
    /// Other owners than those that were told apart.
    Owners(Owners),
}

/// One pass of all families.
fn round<'a>(
    state: &State<'a>,
    account: &Account,
    searched: &mut Option<Searched>,
    learns: bool,
) -> Result<Round<'a>> {
    let mut state = state.clone();
    let mut claims: Vec<Claim> = Vec::new();
    let mut together: Option<State> = None;
    for family in FAMILIES {
        let patches = if family.name == SEARCH {
            let told = |patch: &&String| search::told(patch);
            let rejected: BTreeSet<String> = state.rejected.iter().filter(told).cloned().collect();
            let before: Vec<&Patch> = claims.iter().map(|claim| &claim.patch).collect();
            match searched.take() {
                Some(known)
                    if known.rejected == rejected && known.before.iter().eq(before.iter().copied()) =>
                {
                    searched.insert(known).patches.clone()
                }
                _ => {
                    let patches = (family.propose)(&state)?;
                    let before = before.into_iter().cloned().collect();
                    searched.insert(Searched { before, rejected, patches }).patches.clone()
                }
            }
        } else if family.apart || !state.apart {
            (family.propose)(&state)?
        } else {
            let together = match &mut together {
                Some(known) => known,
                None => together.insert(everybody(&state, account)?),
            };
            let patches = (family.propose)(together)?.into_iter();
            let of_each = |edits: Vec<Edit>| edits.into_iter().flat_map(|edit| state.of_each(edit)).collect();
            patches.map(|patch| Patch { edits: of_each(patch.edits), ..patch }).collect()
        };
        for patch in patches {
            if state.rejected.contains(&patch.name) {
                continue;
            }
            let parts = state.apply(&patch.edits)?;
            let claim = Claim::new(patch, parts);
            together = None;
            if !claim.cells.is_empty() {
                // What it hid was not seen to nearly tie out.
                if everywhere::is(&claim) {
                    let owners = Owners::learn(&state, account)?;
                    if learns && owners != *state.owners {
                        return Ok(Round::Owners(owners));
                    }
                    state.noise = noise::floor(&state, account)?;
                }
                claims.push(claim);
            }
        }
    }
    let floor = noise::floor(&state, account)?;
    let (residuals, parts) = residuals(&state, floor)?;
    let open_keys = open_keys(&state, floor)?;
    let counted_keys = counted_keys(&state, claims.iter().filter(|claim| moves_only(claim)));
    let explained = Explained { claims, residuals, parts, open_keys, counted_keys, ..Explained::default() };
    Ok(Round::Told(Box::new((explained, state))))
}

/// Everybody together, whose noise is another: that of many rows.
fn everybody<'a>(state: &State<'a>, account: &Account) -> Result<State<'a>> {
    let mut together = state.together();
    together.noise = noise::floor(&together, account)?;
    Ok(together)
}

fn prices_only(claim: &Claim) -> bool {
    claim.patch.edits.iter().all(Edit::reprices)
}

/// Keys that the claims name and whose counts agree, as far as the bill or a report counts.
fn counted_keys<'c>(state: &State, claims: impl Iterator<Item = &'c Claim>) -> BTreeSet<BillKey> {
    let keys = claims.flat_map(|claim| &claim.patch.edits).flat_map(Edit::keys);
    let agrees = |key: &&BillKey| {
        quantity::billed(state, key).is_some_and(|(count, known)| {
            (known.is_counted() || known == quantity::Known::Absent) && count == state.logged_quantity(key)
        })
    };
    keys.filter(agrees).cloned().collect()
}

fn open_keys(state: &State, floor: i128) -> Result<BTreeSet<BillKey>> {
    let mut open = BTreeSet::new();
    for key in state.open.iter().flat_map(|cell| state.keys_of(cell)) {
        let bill = state.bill(&key);
        let leaves = state.logged.get(&key).map_or(0, |leaves| leaves.len());
        let bound = bill.bound.pico() + leaves as i128 + 1 + noise::share(floor, bill.amount.pico());
        if (bill.amount - state.priced(&key)?).pico().abs() > bound {
            open.insert(key);
        }
    }
    Ok(open)
}

type Residuals = (BTreeMap<CellKey, Residual>, BTreeMap<Part, Residual>);

/// What is left of every cell, and of each owner's part of it.
fn residuals(state: &State, floor: i128) -> Result<Residuals> {
    let (mut cells, mut parts) = Residuals::default();
    for cell in &state.open {
        let sides = state.sides_of(cell);
        let whole = residual(state, floor, &sides)?;
        cells.insert(cell.clone(), whole);
        if state.apart {
            for (owner, sides) in by_owner(sides) {
                parts.insert((cell.clone(), owner), residual(state, floor, &sides)?);
            }
        } else {
            parts.insert((cell.clone(), NOBODY), whole);
        }
    }
    Ok((cells, parts))
}

fn residual(state: &State, floor: i128, sides: &[Sides]) -> Result<Residual> {
    let (amount, billed) = (state.delta_of(sides)?, state.billed_of(sides));
    let noise = Money::from_pico(noise::share(floor, billed.pico()));
    let rate = if amount.is_zero() { None } else { quantity::rate_effect(state, sides) };
    Ok(Residual { amount, billed, bound: state.bound_of(sides), noise, rate })
}
