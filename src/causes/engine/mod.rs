//! Applies the families in order and keeps what stands.

mod judge;
mod residual;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use residual::Residual;
use residual::{counted_keys, open_keys, residuals};

use super::price::supposed;
use super::search::score::{DIGIT, Digits, digits};
use super::{Claim, FAMILIES, Patch, Status, between, everywhere, noise, search, shares};
use crate::error::Result;
use crate::parallel;
use crate::rate::Account;
use crate::reconcile::{BillKey, CellKey, Edit, Owners, Part, State};

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

/// Explains account by account, on every core: no edit reaches from one to another, but what went from one to another is
/// known to both. The order of the result is that of the accounts, whoever explained them.
pub fn explain(state: &State) -> Result<Explained> {
    let passed = Arc::new(between::find(state)?);
    // Where nothing differs there is nothing to explain.
    let accounts: BTreeSet<&Account> = state.open.iter().map(|cell| &cell.account).collect();
    let accounts: Vec<&Account> = accounts.into_iter().collect();
    let beside = Arc::new(between::open(state)?);
    let of_account =
        |name| State { passed: passed.clone(), beside: beside.clone(), ..state.of_account(name) };
    let mut all = Explained::default();
    for explained in parallel::map(&accounts, |name| explain_account(name, of_account(name))) {
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
    let mut told = vec![(BTreeSet::new(), settle(name, &base, state.clone())?)];
    while told.len() < ALTERNATIVES {
        let claim = told.last().and_then(|(_, last)| last.claims.iter().find(|claim| everywhere::is(claim)));
        let Some(claim) = claim else { break };
        state.rejected.insert(claim.patch.name.clone());
        told.push((state.rejected.clone(), settle(name, &base, state.clone())?));
    }
    let shortest = told.into_iter().min_by_key(|(_, told)| told.length());
    let (rejected, shortest) = shortest.unwrap_or_default();
    with_new_prices(name, &base, rejected, shortest)
}

/// The account with new prices told before all else of their models, where that is shorter.
fn with_new_prices(
    name: &Account,
    base: &State,
    rejected: BTreeSet<String>,
    mut shortest: Explained,
) -> Result<Explained> {
    let (true, Some(owners)) = (shortest.is_open(), shortest.owners.get(name)) else { return Ok(shortest) };
    let state = State { rejected, ..told_apart(name, base, Owners::clone(owners))? };
    for supposed in supposed::suppositions(&state, name, &shortest.claims)? {
        let told = settle(name, base, State { supposed, ..state.clone() })?;
        if told.length() < shortest.length() {
            shortest = told;
        }
    }
    Ok(shortest)
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
        let mut fallen = judge::fallen(&explained, state.apart);
        if fallen.is_empty() {
            fallen = everywhere::undone(&edited, &explained.claims);
        }
        // Each round rejects at least one name of a finite list, or spares a cell.
        if fallen.is_empty() {
            let spared = everywhere::spared(&edited, &explained.claims);
            if !spared.is_empty() {
                state.spared.extend(spared);
                continue;
            }
        }
        if fallen.is_empty() {
            let mut claims = std::mem::take(&mut explained.claims);
            for claim in &mut claims {
                let closes = judge::closes(claim, &explained);
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
            match claim.and_then(|claim| judge::where_it_holds(claim, &explained)) {
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

/// So often other owners may be learned.
const RELEARNED: usize = 2;

fn told_apart<'a>(name: &Account, base: &State<'a>, owners: Owners) -> Result<State<'a>> {
    let mut state = base.told_apart(Arc::new(owners));
    state.noise = noise::floor(&state, name)?;
    Ok(state)
}

impl Explained {
    /// Something is left beyond the noise of the log.
    fn is_open(&self) -> bool {
        self.residuals.values().any(|left| !left.nearly_ties())
    }

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
    let counted_keys = counted_keys(&state, claims.iter().filter(|claim| judge::counts_only(claim)));
    let explained = Explained { claims, residuals, parts, open_keys, counted_keys, ..Explained::default() };
    Ok(Round::Told(Box::new((explained, state))))
}

/// Everybody together, whose noise is another: that of many rows.
fn everybody<'a>(state: &State<'a>, account: &Account) -> Result<State<'a>> {
    let mut together = state.together();
    together.noise = noise::floor(&together, account)?;
    Ok(together)
}
