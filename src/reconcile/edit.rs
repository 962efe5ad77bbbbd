//! The edits of a comparison: each changes one assumption, and re-pricing says what it explains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::billed::Identity;
use super::grain::{BillKey, CellKey, Part};
use super::new_price::NewPrice;
use super::repeated::Repeat;
use super::state::State;
use crate::error::Result;
use crate::money::{Money, Ratio};
use crate::period::Period;
use crate::rate::clock::Clock;
use crate::rate::{Account, DayUsage, Leaf};

/// One change of one assumption.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    /// Bill lines of an identity are not the gateway's traffic.
    Exclude { account: Account, identity: Identity },
    /// The account's days begin by another clock.
    Rebucket { account: Account, clock: Clock },
    /// Usage logged under one key is billed under another: model, meter, tier, region or band.
    Move { from: BillKey, to: BillKey, quantity: i128 },
    /// Usage that was logged but not billed, or (negative) billed but not counted in the log.
    Drop { from: BillKey, quantity: i128 },
    /// The same quantity under another leaf: `less` loses it, `more` gains it. One of them may be missing: usage that
    /// was not billed, or that was billed beside what the log counts.
    Restate { less: Option<(BillKey, Leaf)>, more: Option<(BillKey, Leaf)>, quantity: i128 },
    /// One factor on everything that the account is charged for usage of some days.
    Factor { account: Account, factor: Ratio, days: Period },
    /// Another price of a model than the book's, whoever used it and how.
    NewPrice(NewPrice),
    /// Another unit price.
    Price { key: BillKey, unit: Ratio },
    /// Another unit price for one leaf of a key.
    Reprice { key: BillKey, leaf: Leaf, unit: Ratio },
    /// A line that is on the bill twice counts once.
    Withdraw { key: BillKey, repeat: Repeat },
    /// No price is known: the bill is taken as it stands.
    Accept { key: BillKey },
}

impl<'a> State<'a> {
    /// Both sides of some cells only.
    pub fn part(&self, cells: &BTreeSet<CellKey>) -> State<'a> {
        fn pick<V: Clone>(
            side: &BTreeMap<BillKey, V>,
            cells: &BTreeSet<CellKey>,
        ) -> Arc<BTreeMap<BillKey, V>> {
            let of =
                |cell| side.range(BillKey::first_of(cell)..).take_while(move |(key, _)| key.cell == *cell);
            Arc::new(cells.iter().flat_map(of).map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        State {
            later: pick(&self.later, cells),
            logged: pick(&self.logged, cells),
            billed: pick(&self.billed, cells),
            repeats: pick(&self.repeats, cells),
            witness: pick(&self.witness, cells),
            open: cells.clone(),
            rejected: BTreeSet::new(),
            limited: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// False for an edit of a patch that was found not to hold there.
    pub fn keeps(&self, patch: &str, edit: &Edit) -> bool {
        self.limited.get(patch).is_none_or(|cells| edit.keys().all(|key| cells.contains(&key.cell)))
    }
}

impl Edit {
    /// The bill keys it names.
    pub fn keys(&self) -> impl Iterator<Item = &BillKey> {
        let (one, other) = match self {
            Edit::Exclude { .. } | Edit::Rebucket { .. } | Edit::Factor { .. } | Edit::NewPrice(_) => {
                (None, None)
            }
            Edit::Move { from, to, .. } => (Some(from), Some(to)),
            Edit::Restate { less, more, .. } => {
                (less.as_ref().map(|(key, _)| key), more.as_ref().map(|(key, _)| key))
            }
            Edit::Drop { from: key, .. }
            | Edit::Withdraw { key, .. }
            | Edit::Price { key, .. }
            | Edit::Reprice { key, .. }
            | Edit::Accept { key } => (Some(key), None),
        };
        one.into_iter().chain(other)
    }

    /// True where it says what something costs, and not where or how much of it there is.
    pub fn reprices(&self) -> bool {
        match self {
            Edit::Price { .. } | Edit::Reprice { .. } | Edit::NewPrice(_) => true,
            Edit::Restate { less: Some((from, _)), more: Some((to, _)), .. } => from == to,
            _ => false,
        }
    }
}

impl State<'_> {
    /// Cells an edit can change.
    pub fn touched(&self, edit: &Edit) -> BTreeSet<CellKey> {
        match edit {
            Edit::Exclude { account, identity } => self
                .billed
                .iter()
                .filter(|(key, lines)| key.cell.account == *account && lines.contains_key(identity))
                .map(|(key, _)| key.cell.clone())
                .collect(),
            Edit::Rebucket { account, clock } => {
                let rows = self.usage.iter().filter(|row| row.account == *account);
                let rows = rows.chain(self.log.into_iter().flat_map(|log| log.rows_by(clock, account)));
                self.billable(rows).map(|(key, _, _)| key.cell).collect()
            }
            Edit::Factor { account, days, .. } => {
                let cells = self.logged.keys().map(|key| &key.cell);
                cells.filter(|cell| is_within(cell, account, *days)).cloned().collect()
            }
            Edit::NewPrice(price) => {
                let of_model = |cell: &&CellKey| {
                    is_within(cell, &price.account, price.days)
                        && cell.model.as_ref().is_none_or(|model| *model == price.model)
                };
                let keys = self.logged.keys().chain(self.billed.keys());
                keys.map(|key| &key.cell).filter(of_model).cloned().collect()
            }
            Edit::Move { from, to, .. } => [from.cell.clone(), to.cell.clone()].into(),
            Edit::Restate { less, more, .. } => {
                [less, more].into_iter().flatten().map(|(key, _)| key.cell.clone()).collect()
            }
            Edit::Drop { from: key, .. }
            | Edit::Withdraw { key, .. }
            | Edit::Price { key, .. }
            | Edit::Reprice { key, .. }
            | Edit::Accept { key } => [key.cell.clone()].into(),
        }
    }

    /// Applies the edits and returns what they explain, by cell and owner: the fall of `billed − priced`.
    pub fn apply(&mut self, edits: &[Edit]) -> Result<BTreeMap<Part, Money>> {
        let cells: BTreeSet<CellKey> = edits.iter().flat_map(|edit| self.touched(edit)).collect();
        let mut explained: BTreeMap<Part, Money> = BTreeMap::new();
        for cell in &cells {
            for (owner, before) in self.deltas(cell)? {
                explained.insert((cell.clone(), owner), before);
            }
        }
        for edit in edits {
            self.change(edit);
        }
        for cell in &cells {
            for (owner, after) in self.deltas(cell)? {
                *explained.entry((cell.clone(), owner)).or_default() -= after;
            }
        }
        explained.retain(|_, amount| !amount.is_zero());
        self.open.extend(cells);
        Ok(explained)
    }

    /// Makes an edit true.
    pub fn change(&mut self, edit: &Edit) {
        match edit {
            Edit::Exclude { account, identity } => {
                self.excluded.insert((account.clone(), identity.clone()));
            }
            Edit::Rebucket { account, clock } => self.rebucket(account, clock),
            Edit::Move { from, to, quantity } => {
                for (leaf, moved) in self.take(from, *quantity) {
                    let leaf = self.translate(leaf, from, to);
                    self.count(to.clone(), leaf, moved);
                }
            }
            Edit::Drop { from, quantity } if *quantity < 0 => {
                if let Some(leaf) = self.model_leaf(from) {
                    self.count(from.clone(), leaf, -quantity);
                }
            }
            Edit::Drop { from, quantity } => {
                self.dropped.insert(from.clone());
                self.take(from, *quantity);
            }
            Edit::Restate { less, more, quantity } => {
                if let Some((key, leaf)) = less
                    && let Some(leaves) = Arc::make_mut(&mut self.logged).get_mut(key)
                {
                    *leaves.or_default(leaf.clone()) -= quantity;
                    leaves.retain(|_, have| *have != 0);
                }
                if let Some((key, leaf)) = more {
                    self.count(key.clone(), leaf.clone(), *quantity);
                }
            }
            Edit::Factor { factor, days, .. } => self.factors.push((*days, *factor)),
            Edit::NewPrice(price) => self.new_prices.push(price.clone()),
            Edit::Price { key, unit } => {
                self.prices.insert(key.clone(), *unit);
            }
            Edit::Reprice { key, leaf, unit } => {
                self.leaf_prices.entry(key.clone()).or_default().insert(leaf.clone(), *unit);
            }
            Edit::Withdraw { key, repeat } => {
                let lines = Arc::make_mut(&mut self.billed).get_mut(key);
                if let Some(billed) = lines.and_then(|lines| lines.get_mut(&repeat.identity)) {
                    billed.withdraw(repeat);
                }
            }
            Edit::Accept { key } => {
                self.accepted.insert(key.clone());
            }
        }
    }

    /// Takes the account's rows out and puts them back by the days of another clock; what edits changed before stays.
    fn rebucket(&mut self, account: &Account, clock: &Clock) {
        let Some(log) = self.log else { return };
        let rows = log.rows_by(clock, account);
        let mut moved: Vec<(BillKey, Leaf, i128)> = self
            .billable(self.usage.iter().filter(|row| row.account == *account))
            .map(|(key, leaf, quantity)| (key, leaf, -quantity))
            .collect();
        moved.extend(self.billable(rows.iter()));
        for (key, leaf, quantity) in moved {
            self.count(key, leaf, quantity);
        }
        Arc::make_mut(&mut self.logged).retain(|key, leaves| {
            if key.cell.account == *account {
                leaves.retain(|_, have| *have != 0);
            }
            !leaves.is_empty()
        });
        // A state that is explained holds the usage of one account.
        self.usage = rows;
        self.clock = clock.clone();
    }

    /// Where the usage of rows meets the bill.
    fn billable<'r>(
        &'r self,
        rows: impl Iterator<Item = &'r DayUsage>,
    ) -> impl Iterator<Item = (BillKey, Leaf, i128)> {
        rows.filter(|row| row.outcome.is_billable()).flat_map(|row| self.places(row))
    }

    /// Removes a quantity from a key, leaf by leaf in order.
    fn take(&mut self, key: &BillKey, mut quantity: i128) -> Vec<(Leaf, i128)> {
        let mut taken = Vec::new();
        if let Some(leaves) = Arc::make_mut(&mut self.logged).get_mut(key) {
            for (leaf, have) in leaves.iter_mut() {
                let part = quantity.min(*have);
                if part > 0 {
                    *have -= part;
                    quantity -= part;
                    taken.push((leaf.clone(), part));
                }
            }
            leaves.retain(|_, have| *have > 0);
        }
        taken
    }

    /// The leaf as it would have been had it been logged where it was billed.
    fn translate(&self, mut leaf: Leaf, from: &BillKey, to: &BillKey) -> Leaf {
        if let Some(model) = &to.cell.model {
            leaf.model = model.clone();
        }
        if from.meter != to.meter
            && let Some(target) = self.model_leaf(to)
        {
            leaf.meter = target.meter;
        }
        if let Some(tier) = to.tier.filter(|_| from.tier != to.tier) {
            leaf.tier = tier;
        }
        if let Some(region) = to.region.clone().filter(|_| from.region != to.region) {
            leaf.region = region;
        }
        if from.long_context != to.long_context
            && let Some(target) = self.model_leaf(to)
        {
            leaf.prompt = target.prompt;
        }
        leaf
    }
}

/// An account's cell that has one of the days.
fn is_within(cell: &CellKey, account: &Account, days: Period) -> bool {
    cell.account == *account && cell.first <= days.last && days.first <= cell.last
}
