//! The two sides of the comparison at the bill's grain, and the edits that change one assumption at a time.
//!
//! An edit never states an amount: it changes quantities, prices or membership, and the difference of the re-priced
//! totals before and after is what the edit explains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::billed::{Billed, Export, Identity, identity};
use super::few::Few;
use super::grain::{BillKey, CellKey, Grain, Line};
use super::new_price::NewPrice;
use super::owners::{NOBODY, Owners};
use super::passed::{Open, Passed};
use super::repeated::{Repeat, repeats};
use crate::error::Result;
use crate::money::{Money, Ratio};
use crate::period::{Day, Period};
use crate::rate::clock::Clock;
use crate::rate::log::Log;
use crate::rate::{self, Account, DayUsage, Leaf, Rater};
use crate::vocabulary::{Meter, Seller, Tier};

/// Both sides, edited step by step. A copy shares them until it is edited.
#[derive(Clone)]
pub struct State<'a> {
    pub rater: &'a Rater<'a>,
    pub grains: &'a BTreeMap<Account, Grain>,
    pub period: Period,
    /// The log as best counted, at day grain.
    pub usage: &'a [DayUsage],
    /// The same log before it was cut into days; `None` where nothing can be cut anew.
    pub log: Option<&'a Log<'a>>,
    /// By which its usage is cut into days.
    pub clock: Clock,
    /// What the account's bill says about its own completeness.
    pub exports: BTreeMap<Account, Export>,
    /// Usage that went from one account of the comparison to another.
    pub passed: Arc<Vec<Passed>>,
    /// What is open of other accounts.
    pub beside: Arc<Open>,
    /// Lines of the period on bills of the months after it.
    pub later: Arc<BTreeMap<BillKey, Few<Identity, Billed>>>,
    /// Billable quantities by the key they are compared under.
    pub logged: Arc<BTreeMap<BillKey, Few<Leaf, i128>>>,
    pub billed: Arc<BTreeMap<BillKey, Few<Identity, Billed>>>,
    /// Lines that the bill has again.
    pub repeats: Arc<BTreeMap<BillKey, Vec<Repeat>>>,
    pub witness: Arc<BTreeMap<BillKey, Few<Identity, i128>>>,
    /// Meters that the account's usage reports speak of at all.
    pub witnessed: BTreeMap<Account, BTreeSet<Meter>>,
    /// Projects, workspaces and API keys of an account that the books say are the gateway's.
    pub gateway: &'a BTreeMap<Account, BTreeSet<Arc<str>>>,
    /// How far a line of the account may be rounded at least: an amount below it need not be on the bill at all.
    pub rounding: BTreeMap<Account, Money>,
    /// Days of the account's bill lines.
    pub billed_days: BTreeMap<Account, BTreeSet<Period>>,
    pub excluded: BTreeSet<(Account, Identity)>,
    pub prices: BTreeMap<BillKey, Ratio>,
    pub leaf_prices: BTreeMap<BillKey, BTreeMap<Leaf, Ratio>>,
    /// Which projects and keys of the bill are which keys of the log, as far as it is known.
    pub owners: Arc<Owners>,
    /// Each owner's part of a key is a key of its own.
    pub apart: bool,
    /// What everything an account is charged for usage of some days is multiplied by. A state that is edited is that of
    /// one account.
    pub factors: Vec<(Period, Ratio)>,
    /// Cells that no factor reaches: nothing is charged there.
    pub spared: BTreeSet<CellKey>,
    /// Prices that are told in place of the book's.
    pub new_prices: Vec<NewPrice>,
    /// Such prices that are tried before anything else of their models is told.
    pub supposed: Vec<NewPrice>,
    pub accepted: BTreeSet<BillKey>,
    /// Keys from which logged usage was dropped.
    pub dropped: BTreeSet<BillKey>,
    /// Cells with a key whose two amounts are not equal to the last step, or that an edit touched; the others have
    /// nothing to explain.
    pub open: BTreeSet<CellKey>,
    /// How noisy the log is, in parts per million of an amount: counts that differ by no more agree.
    pub noise: i128,
    /// Names of patches that were tried and did not close; nothing is built on them again.
    pub rejected: BTreeSet<String>,
    /// Patches that hold in some cells only.
    pub limited: BTreeMap<String, BTreeSet<CellKey>>,
}

/// A grain for accounts without any bill: everything is told apart.
static NO_BILL: std::sync::LazyLock<Grain> = std::sync::LazyLock::new(Grain::default);

impl<'a> State<'a> {
    pub fn new(
        rater: &'a Rater<'a>,
        grains: &'a BTreeMap<Account, Grain>,
        gateway: &'a BTreeMap<Account, BTreeSet<Arc<str>>>,
        period: Period,
        usage: &'a [DayUsage],
        bill: &[Line],
        reports: &[Line],
    ) -> Result<State<'a>> {
        let mut state = State {
            rater,
            grains,
            period,
            usage,
            log: None,
            clock: Clock::utc(),
            exports: BTreeMap::new(),
            passed: Arc::default(),
            beside: Arc::default(),
            later: Arc::default(),
            logged: Arc::default(),
            billed: Arc::default(),
            repeats: Arc::new(repeats(bill, |account| grains.get(account).unwrap_or(&NO_BILL))),
            witness: Arc::default(),
            witnessed: BTreeMap::new(),
            gateway,
            rounding: BTreeMap::new(),
            billed_days: BTreeMap::new(),
            excluded: BTreeSet::new(),
            prices: BTreeMap::new(),
            leaf_prices: BTreeMap::new(),
            owners: Arc::default(),
            apart: false,
            factors: Vec::new(),
            spared: BTreeSet::new(),
            new_prices: Vec::new(),
            supposed: Vec::new(),
            accepted: BTreeSet::new(),
            dropped: BTreeSet::new(),
            open: BTreeSet::new(),
            noise: 0,
            rejected: BTreeSet::new(),
            limited: BTreeMap::new(),
        };
        let rows = usage.iter().filter(|row| row.outcome.is_billable());
        let counts = rows.flat_map(DayUsage::leaves);
        let counts = counts.map(|(leaf, quantity)| (state.key_of(&leaf, NOBODY), (leaf, quantity)));
        state.logged = side(counts, |leaves: &mut Few<Leaf, i128>, (leaf, quantity)| {
            *leaves.or_default(leaf) += quantity
        });
        let lines = bill.iter().map(|line| (state.grain(&line.account).of_line(line), line));
        state.billed =
            side(lines, |lines: &mut Few<Identity, Billed>, line| lines.or_default(identity(line)).add(line));
        for line in bill {
            let bound = line.line.rounding_bound;
            let least = state.rounding.entry(line.account.clone()).or_insert(bound);
            *least = bound.min(*least);
            let days = match state.billed_days.get_mut(&line.account) {
                Some(days) => days,
                None => state.billed_days.entry(line.account.clone()).or_default(),
            };
            days.insert(line.line.period);
        }
        for line in reports {
            let (Some(meter), Some(quantity)) = (line.line.meter, line.line.quantity) else { continue };
            state.witnessed.entry(line.account.clone()).or_default().insert(meter);
            let key = state.grain(&line.account).of_line(line);
            let witness = Arc::make_mut(&mut state.witness);
            *witness.entry(key).or_default().or_default(identity(line)) += quantity;
        }
        state.open = state.unequal()?;
        Ok(state)
    }

    /// The same comparison that also knows what later bills say about its days.
    pub fn with_later(mut self, lines: &[Line]) -> State<'a> {
        for line in lines {
            let key = self.grain(&line.account).of_line(line);
            let later = Arc::make_mut(&mut self.later);
            later.entry(key).or_default().or_default(identity(line)).add(line);
        }
        self
    }

    /// Walks both sides once, in their common order.
    fn unequal(&self) -> Result<BTreeSet<CellKey>> {
        let mut open = BTreeSet::new();
        let amount =
            |lines: &Few<Identity, Billed>| -> Money { lines.values().map(|line| line.amount).sum() };
        let mut bills = self.billed.iter().peekable();
        for (key, leaves) in self.logged.iter() {
            while let Some((other, _)) = bills.next_if(|(other, _)| *other < key) {
                open.insert(other.cell.clone());
            }
            let billed =
                bills.next_if(|(other, _)| *other == key).map_or(Money::ZERO, |(_, lines)| amount(lines));
            if self.price(key, leaves)? != billed {
                open.insert(key.cell.clone());
            }
        }
        open.extend(bills.map(|(key, _)| key.cell.clone()));
        Ok(open)
    }

    /// The part of one account. The usage is in the order of accounts.
    pub fn of_account(&self, account: &Account) -> State<'a> {
        fn only<V: Clone>(of: &Account, all: &BTreeMap<Account, V>) -> BTreeMap<Account, V> {
            all.get_key_value(of)
                .map(|(account, value)| (account.clone(), value.clone()))
                .into_iter()
                .collect()
        }
        let first = self.usage.partition_point(|row| row.account < *account);
        let last = self.usage.partition_point(|row| row.account <= *account);
        State {
            rater: self.rater,
            grains: self.grains,
            period: self.period,
            usage: &self.usage[first..last],
            log: self.log,
            clock: self.clock.clone(),
            exports: only(account, &self.exports),
            passed: self.passed.clone(),
            beside: self.beside.clone(),
            later: of_account(&self.later, account),
            logged: of_account(&self.logged, account),
            billed: of_account(&self.billed, account),
            repeats: of_account(&self.repeats, account),
            witness: of_account(&self.witness, account),
            witnessed: only(account, &self.witnessed),
            gateway: self.gateway,
            rounding: only(account, &self.rounding),
            billed_days: only(account, &self.billed_days),
            excluded: self.excluded.clone(),
            prices: BTreeMap::new(),
            leaf_prices: BTreeMap::new(),
            owners: Arc::default(),
            apart: false,
            factors: Vec::new(),
            spared: BTreeSet::new(),
            new_prices: Vec::new(),
            supposed: Vec::new(),
            accepted: BTreeSet::new(),
            dropped: BTreeSet::new(),
            open: self
                .open
                .range(first_cell(account)..)
                .take_while(|cell| cell.account == *account)
                .cloned()
                .collect(),
            noise: 0,
            rejected: BTreeSet::new(),
            limited: BTreeMap::new(),
        }
    }

    /// Counts so much more under a key.
    pub(super) fn count(&mut self, key: BillKey, leaf: Leaf, quantity: i128) {
        *Arc::make_mut(&mut self.logged).entry(key).or_default().or_default(leaf) += quantity;
    }

    pub fn grain(&self, account: &Account) -> &'a Grain {
        self.grains.get(account).unwrap_or(&NO_BILL)
    }

    /// Quantities of the rows that `select` takes, by key.
    pub fn subset(&self, select: impl Fn(&DayUsage) -> bool) -> BTreeMap<BillKey, i128> {
        let mut sums = BTreeMap::new();
        for row in self.usage.iter().filter(|row| select(row)) {
            for (key, _, quantity) in self.places(row) {
                *sums.entry(key).or_default() += quantity;
            }
        }
        sums
    }

    /// True where the account's bill has lines on the cell's days; elsewhere a missing line says nothing.
    pub fn covers(&self, cell: &CellKey) -> bool {
        self.billed_days
            .get(&cell.account)
            .is_some_and(|days| days.iter().any(|days| days.first <= cell.last && cell.first <= days.last))
    }

    /// Every key that either side knows.
    pub fn keys(&self) -> BTreeSet<BillKey> {
        self.logged.keys().chain(self.billed.keys()).cloned().collect()
    }

    pub fn logged_quantity(&self, key: &BillKey) -> i128 {
        self.logged.get(key).map_or(0, |leaves| leaves.values().sum())
    }

    /// Projects and keys that the account's bill names.
    pub fn identities(&self, account: &Account) -> BTreeSet<&Identity> {
        let lines = self.billed.iter().filter(|(key, _)| key.cell.account == *account);
        lines.flat_map(|(_, lines)| lines.keys()).collect()
    }

    fn counts(&self, account: &Account, identity: &Identity) -> bool {
        self.excluded.is_empty() || !self.excluded.contains(&(account.clone(), identity.clone()))
    }

    /// The bill under one key, without excluded identities.
    pub fn bill(&self, key: &BillKey) -> Billed {
        self.sum(key, self.billed.get(key))
    }

    pub fn sum(&self, key: &BillKey, lines: Option<&Few<Identity, Billed>>) -> Billed {
        let mut sum = Billed::default();
        for (identity, billed) in lines.into_iter().flatten() {
            if self.counts(&key.cell.account, identity) {
                sum.merge(billed);
            }
        }
        if sum.lines == 0 {
            sum.bound = self.rounding.get(&key.cell.account).copied().unwrap_or_default();
        }
        sum
    }

    /// What the provider's usage report counted under one key; `None` where no report speaks of the meter.
    pub fn witnessed_quantity(&self, key: &BillKey) -> Option<i128> {
        let meter = key.meter?;
        let known = self.witnessed.get(&key.cell.account)?;
        let speaks = known.contains(&meter)
            || (meter == Meter::CacheWriteOther && known.iter().any(|meter| meter.is_cache_write()));
        // A report without bands cannot say which side of the boundary its tokens were on.
        let banded = key.long_context.is_some() && {
            let other = BillKey { long_context: key.long_context.map(|long| !long), ..key.clone() };
            self.billed.contains_key(&other) || key.long_context == Some(true)
        };
        (speaks && !banded).then(|| {
            self.witness
                .get(key)
                .into_iter()
                .flatten()
                .filter(|(identity, _)| self.counts(&key.cell.account, identity))
                .map(|(_, quantity)| *quantity)
                .sum()
        })
    }

    /// The unit price of a leaf under the assumptions so far.
    pub fn unit(&self, key: &BillKey, leaf: &Leaf) -> Option<Ratio> {
        let unit = self.unit_before_factor(key, leaf)?;
        let factor = self.factor(leaf.day).filter(|_| !self.spared.contains(&key.cell));
        factor.map_or(Some(unit), |factor| unit.checked_mul(factor))
    }

    /// The same without what multiplies everything: the price as a row of the book has it.
    pub fn unit_before_factor(&self, key: &BillKey, leaf: &Leaf) -> Option<Ratio> {
        self.edited_price(key, leaf).or_else(|| self.ratio(leaf))
    }

    /// The unit price that an edit has given a leaf.
    pub(super) fn edited_price(&self, key: &BillKey, leaf: &Leaf) -> Option<Ratio> {
        let edited = self.prices.get(key).or_else(|| self.leaf_prices.get(key)?.get(leaf));
        edited.copied()
    }

    /// What everything of a day is multiplied by; `None` where nothing is.
    pub fn factor(&self, day: Day) -> Option<Ratio> {
        let mut factors =
            self.factors.iter().filter(|(days, _)| days.contains(day)).map(|(_, factor)| *factor);
        let first = factors.next()?;
        factors.try_fold(first, Ratio::checked_mul)
    }

    /// The leaf that stands for a key on which nothing was logged: the key's own dimensions, the defaults elsewhere.
    pub fn model_leaf(&self, key: &BillKey) -> Option<Leaf> {
        if let Some(leaf) = self.logged.get(key).and_then(|leaves| leaves.keys().next()) {
            return Some(leaf.clone());
        }
        let beside: Vec<&Leaf> = self.beside(key).collect();
        // By another clock a day begins at most a day earlier or later; beyond that, an edit has said whose prices hold.
        let (from, to) = (key.cell.first.start() - 86_400, key.cell.last.next().start() + 86_400);
        let version = alike(beside.iter().map(|leaf| leaf.at)).filter(|at| !(from..to).contains(at));
        // What else of the model was logged there says what the bill does not.
        let region = || alike(beside.iter().map(|leaf| leaf.region.clone()));
        let tier = || alike(beside.iter().map(|leaf| leaf.tier));
        let prompt = || alike(beside.iter().map(|leaf| leaf.prompt));
        Some(Leaf {
            account: key.cell.account.clone(),
            model: key.cell.model.clone()?,
            day: key.cell.first,
            meter: Seller::with_lifetime(&key.cell.account.provider, key.meter?),
            tier: key.tier.or_else(tier).unwrap_or(Tier::Standard),
            region: key.region.clone().or_else(region).unwrap_or_else(|| "global".into()),
            prompt: match key.long_context {
                Some(true) => u64::MAX >> 16,
                Some(false) => 0,
                None => prompt().unwrap_or(0),
            },
            at: version.unwrap_or(key.cell.first.start()),
            whole_day: version.is_none(),
        })
    }

    /// Our estimate under one key; usage without a price adds nothing here and is listed elsewhere.
    pub fn priced(&self, key: &BillKey) -> Result<Money> {
        if self.accepted.contains(key) {
            return Ok(self.bill(key).amount);
        }
        self.logged.get(key).map_or(Ok(Money::ZERO), |leaves| self.price(key, leaves))
    }

    pub(super) fn price(&self, key: &BillKey, leaves: &Few<Leaf, i128>) -> Result<Money> {
        let mut total = Money::ZERO;
        for (leaf, quantity) in leaves {
            if let Some(unit) = self.unit(key, leaf) {
                total += rate::amount(unit, *quantity)?;
            }
        }
        Ok(total)
    }
}

/// One side of the comparison. It is put together in the order of its keys: a tree that grows in any other order is a
/// third larger, and a side is most of what is held in memory.
pub(super) fn side<T, V: Default>(
    parts: impl Iterator<Item = (BillKey, T)>,
    mut add: impl FnMut(&mut V, T),
) -> Arc<BTreeMap<BillKey, V>> {
    let mut parts: Vec<(BillKey, T)> = parts.collect();
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    let mut sums: Vec<(BillKey, V)> = Vec::new();
    for (key, part) in parts {
        if sums.last().is_none_or(|(last, _)| *last != key) {
            sums.push((key, V::default()));
        }
        if let Some((_, sum)) = sums.last_mut() {
            add(sum, part);
        }
    }
    Arc::new(sums.into_iter().collect())
}

/// What all have in common.
fn alike<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// What comes before every cell of an account.
fn first_cell(account: &Account) -> CellKey {
    let day = Day::from_days(i32::MIN);
    CellKey { account: account.clone(), model: None, first: day, last: day }
}

fn of_account<V: Clone>(side: &BTreeMap<BillKey, V>, account: &Account) -> Arc<BTreeMap<BillKey, V>> {
    let keys = side
        .range(BillKey::first_of(&first_cell(account))..)
        .take_while(|(key, _)| key.cell.account == *account);
    Arc::new(keys.map(|(key, value)| (key.clone(), value.clone())).collect())
}
