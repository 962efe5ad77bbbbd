//! At which grain does the bill speak? Every usage leaf and every bill line is projected onto the dimensions the
//! bill distinguishes, so that both sides are compared at the bill's own grain and nothing is prorated.
//!
//! A cell is `(account, model, day)`; a coarser bill makes coarser cells. Lines that overlap form one cell: a line
//! for all models swallows the models of its days, a line over several days swallows those days.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::owners::{NOBODY, Owner};
use crate::invoice::{BillLine, ModelScope};
use crate::period::{Day, Period};
use crate::rate::{Account, Leaf, compare};
use crate::vocabulary::{Meter, Seller, Tier};

/// Where money meets usage. `model` is null for lines over all models; `first < last` for lines over several days.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CellKey {
    pub account: Account,
    pub model: Option<Arc<str>>,
    pub first: Day,
    pub last: Day,
}

// The order of the fields; shared text is equal without being read, which is most of the search's work.
impl Ord for CellKey {
    fn cmp(&self, other: &CellKey) -> Ordering {
        self.account
            .cmp(&other.account)
            .then_with(|| compare(self.model.as_ref(), other.model.as_ref()))
            .then_with(|| (self.first, self.last).cmp(&(other.first, other.last)))
    }
}
impl PartialOrd for CellKey {
    fn partial_cmp(&self, other: &CellKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What is one owner's of a cell.
pub type Part = (CellKey, Owner);

/// A part of a cell that the bill distinguishes. `None` in a dimension: the bill does not tell it apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BillKey {
    pub cell: CellKey,
    pub meter: Option<Meter>,
    pub tier: Option<Tier>,
    pub region: Option<Arc<str>>,
    pub long_context: Option<bool>,
    /// Whose it is, where keys of the log are known among the projects and API keys of the bill. It comes last: the
    /// parts of one key are neighbours.
    pub owner: Owner,
}

impl BillKey {
    /// The key that comes before all others of a cell.
    pub fn first_of(cell: &CellKey) -> BillKey {
        BillKey {
            cell: cell.clone(),
            meter: None,
            tier: None,
            region: None,
            long_context: None,
            owner: NOBODY,
        }
    }

    /// The same of everybody together.
    pub fn of_all(&self) -> BillKey {
        BillKey { owner: NOBODY, ..self.clone() }
    }
}

/// A bill or usage-report line with its model resolved to the book's id.
#[derive(Debug, Clone)]
pub struct Line<'d> {
    pub line: &'d BillLine,
    pub account: Account,
    /// `None` for lines over all models.
    pub model: Option<Arc<str>>,
}

/// What lines say beside model, day and meter.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    tier: bool,
    region: bool,
    long_context: bool,
}

/// Dimensions that the lines of one model distinguish.
#[derive(Debug, Clone, Default)]
struct Dimensions {
    meters: BTreeSet<Meter>,
    without_meter: bool,
    /// What lines of one meter tell apart, and what lines of all meters do.
    by_meter: Told,
    whole: Told,
    /// Regions as the lines name them.
    regions: BTreeSet<Arc<str>>,
    /// Names of regions that are compared as another one: see [`super::regions`].
    meets: BTreeMap<Arc<str>, Arc<str>>,
    /// How long the seller keeps what is written to a cache without a word about it.
    default_write: Option<Meter>,
}

/// What a line or usage without a region is compared as.
pub(super) const GLOBAL: &str = "global";

impl Dimensions {
    fn learn(&mut self, line: &BillLine) {
        let told = match line.meter {
            Some(meter) => {
                self.meters.insert(meter);
                &mut self.by_meter
            }
            None => {
                self.without_meter = true;
                &mut self.whole
            }
        };
        told.tier |= line.tier.is_some();
        told.region |= line.region.is_some();
        told.long_context |= line.long_context.is_some();
        self.regions.insert(line.region.clone().unwrap_or_else(|| GLOBAL.into()));
    }

    /// What all lines tell apart: one of all meters that does not say the tier is of every tier, where others say it.
    fn told(&self) -> Told {
        if self.without_meter { self.whole } else { self.by_meter }
    }

    /// Where a region is compared, if the lines tell regions apart.
    fn place(&self, region: &Arc<str>) -> Option<Arc<str>> {
        self.told().region.then(|| match self.meets.get(region) {
            Some(place) => place.clone(),
            None if region.is_empty() => GLOBAL.into(),
            None => region.clone(),
        })
    }

    /// The meter under which the bill shows `meter`; `None` when its lines cover all meters.
    fn project(&self, meter: Meter) -> Option<Meter> {
        if self.without_meter {
            return None;
        }
        // A bill that says "cache writes" without a lifetime means all of them.
        if meter.is_cache_write()
            && self.meters.contains(&Meter::CacheWriteOther)
            && !self.meters.iter().any(|known| known.is_cache_write() && *known != Meter::CacheWriteOther)
        {
            return Some(Meter::CacheWriteOther);
        }
        // And a log that does not say the lifetime means the seller's own, where the bill has no other.
        let lifetimes = || self.meters.iter().copied().filter(|known| known.is_cache_write());
        if meter == Meter::CacheWriteOther
            && lifetimes().next().is_some()
            && lifetimes().map(Some).all(|known| known == self.default_write)
        {
            return self.default_write;
        }
        // A billed parent is compared with itself plus its unbilled children.
        match meter.parent() {
            Some(parent) if !self.meters.contains(&meter) => Some(parent),
            _ => Some(meter),
        }
    }
}

/// The grain of one account's bill.
#[derive(Debug, Clone, Default)]
pub struct Grain {
    models: BTreeMap<Arc<str>, Dimensions>,
    account: Dimensions,
    /// Windows in which a line covers every model and every meter.
    collapsed: Vec<Period>,
    /// Windows in which a line covers one meter of every model.
    shared_meters: BTreeMap<Meter, Vec<Period>>,
    /// Windows longer than a day, by model.
    long_windows: BTreeMap<Arc<str>, Vec<Period>>,
}

impl Grain {
    pub fn of(lines: &[&Line]) -> Grain {
        let seller = lines.first().map(|line| &*line.account.provider);
        let default_write = seller.map(|seller| Seller::with_lifetime(seller, Meter::CacheWriteOther));
        let fresh = || Dimensions { default_write, ..Dimensions::default() };
        let mut grain = Grain { account: fresh(), ..Grain::default() };
        let mut windows: BTreeMap<Arc<str>, Vec<Period>> = BTreeMap::new();
        for Line { line, model, .. } in lines {
            match (&line.model, model, line.meter) {
                (ModelScope::One(_), Some(model), _) => {
                    grain.models.entry(model.clone()).or_insert_with(fresh).learn(line);
                    grain.account.learn(line);
                    windows.entry(model.clone()).or_default().push(line.period);
                }
                (_, _, Some(meter)) => grain.shared_meters.entry(meter).or_default().push(line.period),
                (_, _, None) => grain.collapsed.push(line.period),
            }
        }
        grain.collapsed = union(grain.collapsed);
        grain.shared_meters.values_mut().for_each(|windows| *windows = union(std::mem::take(windows)));
        for (model, periods) in windows {
            let long: Vec<Period> =
                union(periods).into_iter().filter(|window| window.first < window.last).collect();
            // Adjacent days do not overlap; only a window that some line spans is kept.
            if !long.is_empty() {
                grain.long_windows.insert(model, long);
            }
        }
        grain
    }

    /// The models whose lines tell regions apart, with these regions.
    pub(super) fn regions(&self) -> impl Iterator<Item = (&Arc<str>, &BTreeSet<Arc<str>>)> {
        let told = self.models.iter().filter(|(_, dimensions)| dimensions.told().region);
        told.map(|(model, dimensions)| (model, &dimensions.regions))
    }

    /// Models whose lines say how long prompts were.
    pub fn banded(&self) -> impl Iterator<Item = &Arc<str>> {
        self.models.iter().filter(|(_, dimensions)| dimensions.told().long_context).map(|(model, _)| model)
    }

    /// True where a model's lines say of which tier they are.
    pub fn tells_tiers(&self, model: &Arc<str>) -> bool {
        self.models.get(model).is_some_and(|dimensions| dimensions.told().tier)
    }

    /// Compares long and short prompts of a model together.
    pub(super) fn join_bands(&mut self, model: &Arc<str>) {
        if let Some(dimensions) = self.models.get_mut(model) {
            (dimensions.by_meter.long_context, dimensions.whole.long_context) = (false, false);
        }
    }

    /// From here on usage and lines of a model in one of these regions are compared as in the other.
    pub(super) fn join(&mut self, model: &Arc<str>, meets: BTreeMap<Arc<str>, Arc<str>>) {
        self.models.entry(model.clone()).or_default().meets = meets;
    }

    fn cell(
        &self,
        account: &Account,
        model: Option<&Arc<str>>,
        meter: Option<Meter>,
        period: Period,
    ) -> CellKey {
        let coarse = |window: &Period| CellKey {
            account: account.clone(),
            model: None,
            first: window.first,
            last: window.last,
        };
        let holding = |windows: &[Period]| windows.iter().find(|window| overlap(**window, period)).copied();
        if let Some(window) = holding(&self.collapsed) {
            return coarse(&window);
        }
        if let Some(window) =
            meter.and_then(|meter| self.shared_meters.get(&meter)).and_then(|windows| holding(windows))
        {
            return coarse(&window);
        }
        let window = model
            .and_then(|model| self.long_windows.get(model))
            .and_then(|windows| holding(windows))
            .unwrap_or(period);
        CellKey { account: account.clone(), model: model.cloned(), first: window.first, last: window.last }
    }

    fn dimensions(&self, model: Option<&Arc<str>>) -> &Dimensions {
        model.and_then(|model| self.models.get(model)).unwrap_or(&self.account)
    }

    /// Where a usage leaf meets the bill.
    pub fn of_leaf(&self, leaf: &Leaf, long_context: bool) -> BillKey {
        let dimensions = self.dimensions(Some(&leaf.model));
        let day = Period { first: leaf.day, last: leaf.day };
        let meter = dimensions.project(leaf.meter);
        let cell = self.cell(&leaf.account, Some(&leaf.model), Some(leaf.meter), day);
        if cell.model.is_none() {
            return self.coarse(cell, leaf.meter);
        }
        BillKey {
            cell,
            meter,
            tier: dimensions.told().tier.then_some(leaf.tier),
            region: dimensions.place(&leaf.region),
            long_context: dimensions.told().long_context.then_some(long_context),
            owner: NOBODY,
        }
    }

    /// Where a bill line or a usage-report line meets it.
    pub fn of_line(&self, line: &Line) -> BillKey {
        let cell = self.cell(&line.account, line.model.as_ref(), line.line.meter, line.line.period);
        if cell.model.is_none() {
            return match line.line.meter {
                Some(meter) => self.coarse(cell, meter),
                None => BillKey::first_of(&cell),
            };
        }
        let dimensions = self.dimensions(line.model.as_ref());
        let region = line.line.region.clone().unwrap_or_else(|| GLOBAL.into());
        BillKey {
            cell,
            meter: line.line.meter.and_then(|meter| dimensions.project(meter)),
            tier: dimensions.told().tier.then(|| line.line.tier.unwrap_or(Tier::Standard)),
            region: dimensions.place(&region),
            long_context: dimensions.told().long_context.then(|| line.line.long_context.unwrap_or(false)),
            owner: NOBODY,
        }
    }

    fn coarse(&self, cell: CellKey, meter: Meter) -> BillKey {
        let collapsed = self
            .collapsed
            .iter()
            .any(|window| overlap(*window, Period { first: cell.first, last: cell.last }));
        BillKey { meter: (!collapsed).then_some(meter), ..BillKey::first_of(&cell) }
    }
}

fn overlap(a: Period, b: Period) -> bool {
    a.first <= b.last && b.first <= a.last
}

/// Merges overlapping windows (connected components on the time line).
fn union(mut windows: Vec<Period>) -> Vec<Period> {
    windows.sort();
    let mut merged: Vec<Period> = Vec::new();
    for window in windows {
        match merged.last_mut() {
            Some(last) if overlap(*last, window) => last.last = last.last.max(window.last),
            _ => merged.push(window),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Origin;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn account() -> Account {
        Account { provider: "openai".into(), id: None }
    }

    fn line(model: ModelScope, first: &str, last: &str, meter: Option<Meter>) -> Line<'static> {
        let mut line = BillLine::new(Origin::default(), "", Period { first: day(first), last: day(last) });
        let resolved = match &model {
            ModelScope::One(name) => Some(name.clone()),
            _ => None,
        };
        line.model = model;
        line.meter = meter;
        Line { line: Box::leak(Box::new(line)), account: account(), model: resolved }
    }

    fn leaf(model: &str, at: &str, meter: Meter) -> Leaf {
        Leaf {
            account: account(),
            model: model.into(),
            day: day(at),
            meter,
            tier: Tier::Standard,
            region: "".into(),
            prompt: 0,
            at: day(at).start(),
            whole_day: false,
        }
    }

    #[test]
    fn a_model_day_bill_keeps_model_days_apart() {
        let a = line(ModelScope::One("a".into()), "2026-10-01", "2026-10-01", Some(Meter::Input));
        let b = line(ModelScope::One("a".into()), "2026-10-02", "2026-10-02", Some(Meter::Output));
        let grain = Grain::of(&[&a, &b]);
        let key = grain.of_leaf(&leaf("a", "2026-10-02", Meter::OutputReasoning), false);
        assert_eq!(key, grain.of_line(&b));
        assert_ne!(key.cell, grain.of_line(&a).cell);
    }

    #[test]
    fn an_ungrouped_line_swallows_its_day() {
        let all = line(ModelScope::All, "2026-10-01", "2026-10-01", None);
        let one = line(ModelScope::One("a".into()), "2026-10-01", "2026-10-01", Some(Meter::Input));
        let grain = Grain::of(&[&all, &one]);
        assert_eq!(grain.of_line(&all), grain.of_line(&one));
        assert_eq!(grain.of_leaf(&leaf("b", "2026-10-01", Meter::Output), false), grain.of_line(&all));
        assert_eq!(
            grain.of_leaf(&leaf("b", "2026-10-02", Meter::Output), false).cell.model.as_deref(),
            Some("b")
        );
    }

    #[test]
    fn a_tool_fee_without_a_model_takes_only_its_meter() {
        let fee = line(ModelScope::All, "2026-10-01", "2026-10-01", Some(Meter::WebSearch));
        let tokens = line(ModelScope::One("a".into()), "2026-10-01", "2026-10-01", Some(Meter::Input));
        let grain = Grain::of(&[&fee, &tokens]);
        assert_eq!(grain.of_leaf(&leaf("a", "2026-10-01", Meter::WebSearch), false), grain.of_line(&fee));
        assert_eq!(grain.of_leaf(&leaf("a", "2026-10-01", Meter::Input), false), grain.of_line(&tokens));
    }

    #[test]
    fn a_line_of_all_meters_holds_long_prompts_and_short_ones() {
        // The first days by line item, which says how long prompts were, and the others by model and day, which does not.
        let of = |at: &str, meter, long_context, tier| {
            let told = line(ModelScope::One("a".into()), at, at, meter);
            let bill = BillLine { long_context, tier, ..told.line.clone() };
            Line { line: Box::leak(Box::new(bill)), ..told }
        };
        let item = of("2026-10-01", Some(Meter::Input), Some(true), Some(Tier::Batch));
        let whole = of("2026-10-02", None, None, None);
        let mixed = Grain::of(&[&item, &whole]);
        let usage = Leaf { tier: Tier::Batch, ..leaf("a", "2026-10-02", Meter::Input) };
        for long in [true, false] {
            assert_eq!(mixed.of_leaf(&usage, long), mixed.of_line(&whole));
        }
        // Where model-days say it, they are told apart.
        let said = of("2026-10-02", None, Some(true), Some(Tier::Batch));
        let told = Grain::of(&[&item, &said]);
        assert_eq!(told.of_leaf(&usage, true), told.of_line(&said));
        assert_ne!(told.of_leaf(&usage, false), told.of_line(&said));
    }

    #[test]
    fn a_monthly_line_is_one_cell() {
        let month = line(ModelScope::One("a".into()), "2026-10-01", "2026-10-31", None);
        let grain = Grain::of(&[&month]);
        assert_eq!(grain.of_leaf(&leaf("a", "2026-10-17", Meter::Input), false), grain.of_line(&month));
    }
}
