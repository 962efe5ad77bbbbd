//! What would make a finding's assumption true the next time, read from its edits: a price, a rule about traffic, a
//! term, or whose projects the bill names. Families propose edits; nothing here knows which family did.
//!
//! A remedy is given only where it moves exactly what the edits moved: the whole of some traffic, every day of it.

mod new_price;
mod price;
mod text;
mod traffic;
mod version;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::engine::Explained;
use super::{Patch, between};
use crate::money::Ratio;
use crate::parallel;
use crate::period::Day;
use crate::rate::{Account, NOBODY, TrafficFilter, TrafficRule};
use crate::reconcile::{BillKey, Edit, Identity, State};
use crate::usage::cube::Band;
use crate::vocabulary::{Meter, Tier};

/// One fact that the books lack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    Price(PriceStep),
    Traffic(TrafficRule),
    Discount(Discount),
    /// Projects, workspaces or keys of the account's bill that are the gateway's; all others bypass it.
    Gateway {
        account: Account,
        projects: BTreeSet<Arc<str>>,
    },
}

/// A price of one ledger key from one day on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PriceStep {
    pub seller: Arc<str>,
    pub model: Arc<str>,
    pub meter: Meter,
    /// `None` is `*`.
    pub tier: Option<Tier>,
    pub ctx: Option<Band>,
    pub region: Arc<str>,
    pub from: Day,
    pub unit: Ratio,
    /// The book does not know the model.
    pub new_model: bool,
    /// No price of the bill: the book's own again, where the other one ended.
    pub restored: bool,
}

/// A percentage off everything that an account uses, or off some models.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Discount {
    pub account: Account,
    pub from: Day,
    /// Of a hundred, with at most two decimals.
    pub percent: Ratio,
    /// Empty: all of them.
    pub models: BTreeSet<Arc<str>>,
    /// Empty: all tokens.
    pub meters: BTreeSet<Meter>,
}

impl Remedy {
    /// The same from an earlier day on, where it began on `first`: what holds from the first day that was looked at may
    /// have held before.
    pub fn since(&self, first: Day, earlier: Day) -> Remedy {
        let mut remedy = self.clone();
        match &mut remedy {
            Remedy::Price(PriceStep { from, .. })
            | Remedy::Traffic(TrafficRule { from, .. })
            | Remedy::Discount(Discount { from, .. })
                if *from <= first =>
            {
                *from = earlier;
            }
            _ => {}
        }
        remedy
    }
}

/// The remedies of each claim, read against the state before any edit.
pub fn of(state: &State, explained: &Explained) -> Vec<Vec<Remedy>> {
    let claims = &explained.claims;
    let known = explained.owners.iter().filter(|(_, owners)| !owners.is_empty());
    let apart: BTreeMap<&Account, State> = known
        .map(|(account, owners)| (account, state.of_account(account).told_apart(owners.clone())))
        .collect();
    let outside: BTreeSet<(&Account, &Identity)> = claims
        .iter()
        .flat_map(|claim| &claim.patch.edits)
        .filter_map(|edit| match edit {
            Edit::Exclude { account, identity } => Some((account, identity)),
            _ => None,
        })
        .collect();
    parallel::map(claims, |claim| {
        let edits = &claim.patch.edits;
        let account = claim.patch.scope.account.as_ref();
        let everybody = state;
        let state = account.and_then(|account| apart.get(account)).unwrap_or(everybody);
        match claim.patch.cause {
            // What another account answered is no mistake of these books.
            _ if between::told(&claim.patch.name) => Vec::new(),
            "terms.discount" => price::discount(state, edits).map(Remedy::Discount).into_iter().collect(),
            "cov.bypass" => {
                account.and_then(|account| gateway(state, account, &outside)).into_iter().collect()
            }
            // Another unit or currency of the whole bill is no price.
            cause if cause.starts_with("unit.") || cause.starts_with("fx.") => Vec::new(),
            _ => {
                let rows = || match together(edits) {
                    Some(accepted) => price::steps(everybody, &accepted),
                    None => price::steps(state, edits),
                };
                let prices = new_price::steps(state, edits, claims).unwrap_or_else(rows);
                let prices = prices.into_iter().map(Remedy::Price);
                let rules = traffic::rules(state, edits, &named(&claim.patch));
                prices.chain(rules.into_iter().map(Remedy::Traffic)).collect()
            }
        }
    })
}

/// The key or alias that a finding about served models speaks of. Another one may send the same model tomorrow, and nothing
/// is known of that one.
fn named(patch: &Patch) -> TrafficFilter {
    if !patch.cause.starts_with("map.") {
        return TrafficFilter::default();
    }
    let aliases = patch.facts.iter().filter(|fact| fact.name == "alias");
    TrafficFilter {
        key: patch.scope.keys.clone(),
        requested: aliases.map(|fact| fact.value.as_str().into()).collect(),
        ..TrafficFilter::default()
    }
}

/// Where the bill is taken as it stands: what a unit cost is told by what all owners used and paid.
fn together(edits: &[Edit]) -> Option<Vec<Edit>> {
    let whole = |edit: &Edit| match edit {
        Edit::Accept { key } => Some(Edit::Accept { key: BillKey { owner: NOBODY, ..key.clone() } }),
        _ => None,
    };
    let whole: Option<BTreeSet<Edit>> = edits.iter().map(whole).collect();
    whole.map(|edits| edits.into_iter().collect())
}

/// Every project or key of the account's bill that no bypassing line shares. `None` where some of the gateway's own
/// lines could not be told apart by it.
fn gateway(state: &State, account: &Account, outside: &BTreeSet<(&Account, &Identity)>) -> Option<Remedy> {
    if state.gateway.get(account).is_some_and(|declared| !declared.is_empty()) {
        return None;
    }
    let texts = |identity: &Identity| -> Vec<Arc<str>> {
        [&identity.project, &identity.key].into_iter().flatten().cloned().collect()
    };
    let (theirs, ours): (Vec<&Identity>, Vec<&Identity>) =
        state.identities(account).into_iter().partition(|identity| outside.contains(&(account, *identity)));
    let theirs: BTreeSet<Arc<str>> = theirs.into_iter().flat_map(texts).collect();
    let mut projects = BTreeSet::new();
    for identity in ours.into_iter().filter(|identity| **identity != Identity::default()) {
        projects.insert(texts(identity).into_iter().find(|text| !theirs.contains(text))?);
    }
    (!projects.is_empty()).then(|| Remedy::Gateway { account: account.clone(), projects })
}
