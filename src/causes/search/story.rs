//! A story that was believed, as a patch: its words, its edits, its rivals and what to do.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Part};
use super::fit::{Fit, Grade};
use super::problem::{Moved, Place, Problem, Standing};
use super::score::{DIGIT, Digits};
use super::slice::{Attribute, Slice};
use crate::causes::modifier::NO_BATCH;
use crate::causes::price::less_or_equal;
use crate::causes::{Fact, Fix, Patch, Scope, Status};
use crate::causes::{TWICE, modifiers};
use crate::money::Ratio;
use crate::rate::{Account, Leaf};
use crate::reconcile::{BillKey, Edit};

/// How the names of patches begin.
pub const NAME: &str = "restate ";
/// Stories within this many digits of the best tell it as well.
const RIVAL: Digits = 6 * DIGIT;

/// A model that answers for another on more days in a row need not be a fallback; one that did so on no more, all there are, may
/// be one.
const FEW: usize = 3;

/// A slice and a change that the bill agrees with.
#[derive(Debug, Clone)]
pub struct Story<'l> {
    pub slice: &'l Slice,
    pub change: Change,
    pub cause: &'static str,
    pub fit: Fit,
    /// Digits saved, less those it takes to tell.
    pub score: Digits,
}

impl Story<'_> {
    pub fn name(&self, account: &Account) -> String {
        let model = self.slice.model.as_deref().unwrap_or("every model");
        format!("{NAME}{account:?} {model} {:?} {:?}", self.slice.attribute, self.change)
    }

    /// True where this story tells as well what `best` tells, by something else: another cause, region or model, or other
    /// traffic.
    pub fn rivals(&self, best: &Story) -> bool {
        let elsewhere =
            self.change.served().is_some() || matches!(self.change, Change::Region(_) | Change::Meter(_));
        let same_traffic = self.slice.atoms == best.slice.atoms;
        let other = self.cause != best.cause
            || (self.change != best.change && elsewhere)
            || (self.change == best.change && !same_traffic && !self.part_of(best));
        let shared = best.fit.days.iter().filter(|day| self.fit.days.binary_search(day).is_ok()).count();
        other && shared * 10 >= best.fit.days.len() * 9 && self.score + RIVAL >= best.score
    }

    /// The same told of fewer or more models.
    fn part_of(&self, other: &Story) -> bool {
        self.slice.attribute == other.slice.attribute
            && self.slice.model.is_some() != other.slice.model.is_some()
    }

    pub fn words(&self) -> String {
        let model = self.slice.model.as_deref().unwrap_or("every model");
        format!("{} of {model}: {}", self.slice.attribute.words(), self.change.words())
    }

    /// The patch; `None` where a price would hold for a part of a leaf only.
    pub fn patch(
        &self,
        problem: &Problem,
        moved: &[Moved],
        account: &Account,
        rivals: &[&Story],
        floor: i128,
    ) -> Option<Patch> {
        let edits = edits(problem, moved)?;
        let mut scope = Scope::of(account);
        self.slice.attribute.narrow(&mut scope);
        match &self.change {
            Change::Tier(tier) | Change::ShortTier(tier) | Change::SpeedPrice(tier) => {
                scope.tiers = [*tier].into();
            }
            Change::Region(region) => scope.regions = [region.clone()].into(),
            Change::Served(model) | Change::ServedUnder(model, _) => scope.models.extend([model.clone()]),
            Change::Meter(confusion) => scope.meters.extend([confusion.logged]),
            _ => {}
        }
        let mut first_line = None;
        for Moved { atom, before, .. } in moved {
            let key = &problem.sides[before.side as usize].key;
            scope.days(key.cell.first, key.cell.last);
            scope
                .models
                .insert(problem.state.usage[problem.atoms[*atom as usize].row as usize].model.clone());
            if problem.sides[before.side as usize].has_line {
                first_line = first_line.filter(|known| *known <= before.side).or(Some(before.side));
            }
        }
        let origin = first_line.map(|side| problem.state.bill(&problem.sides[side as usize].key).origin);
        let tests = match self.fit.grade {
            Some(Grade::Noise) => "days on which the billed amount is met within the noise of the log",
            _ => "days on which the billed amount is met with it",
        };
        let fitted = matches!(self.change, Change::Scaled(..));
        let mut facts = vec![
            Fact::new("what", self.words()).at(origin.unwrap_or_default()),
            Fact::new(tests, self.fit.tests),
            Fact::new("numbers fitted", usize::from(fitted)),
        ];
        if self.fit.grade == Some(Grade::Noise) {
            facts.push(Fact::new("noise of the log, in parts per million of an amount", floor));
        }
        facts.extend(rivals.iter().take(8).map(|rival| Fact::new("meets them as well", rival.words())));
        let mut causes: BTreeSet<&str> =
            rivals.iter().map(|rival| rival.cause).filter(|cause| *cause != self.cause).collect();
        // A name of the gateway's own that never meant what the log says may always have been read wrongly.
        if self.cause == "map.alias_repointed" && self.slice.opaque && self.fit.from_the_start {
            causes.insert("map.deployment_name");
        }
        // What holds for one whole model may hold for all of the seller's, of which the others are open for something else too.
        if self.cause == "cls.cache_double" && self.slice.attribute == Attribute::Whole {
            causes.insert("cls.convention_flip");
        }
        if self.cause == "map.alias_repointed" && self.fit.days.len() <= FEW {
            causes.insert("map.fallback");
        }
        // On amounts alone, one factor on a whole model is also a price that no row of the book has.
        let factor = matches!(
            self.change,
            Change::Tier(_)
                | Change::ShortTier(_)
                | Change::Region(_)
                | Change::Times(_)
                | Change::SpeedPrice(_)
                | Change::Scaled(Part::All, _)
        );
        let counted = |moved: &Moved| problem.sides[moved.before.side as usize].counted.is_some();
        if factor && self.slice.attribute == Attribute::Whole && !moved.iter().any(counted) {
            causes.insert("rate.stale");
            // More than the log has of everything is also what a log lacks that lost rows.
            let dearer = |Moved { before, after, .. }: &Moved| {
                less_or_equal(before.unit, after.unit) && before.unit != after.unit
            };
            if moved.iter().any(dearer) {
                causes.insert("qty.dropped_rows");
            }
            // And half of everything is what a log counts twice.
            let halved = |Moved { before, after, .. }: &Moved| {
                Ratio::new(2, 1).and_then(|two| after.unit.checked_mul(two)) == Some(before.unit)
            };
            if moved.iter().all(halved) {
                causes.extend(TWICE);
            }
        }
        // One ratio on a whole model is also a region's or a tier's, or a discount.
        if let Change::Scaled(Part::All, ratio) = &self.change {
            causes.extend(modifiers(problem.state.rater.book, &account.provider, *ratio));
            if less_or_equal(*ratio, Ratio::ONE) {
                causes.insert("terms.discount");
            }
        }
        // Without an id in common, a call that is logged twice and a parent that repeats its calls look alike.
        if matches!(self.change, Change::Times(_)) {
            causes.extend(TWICE);
            causes.insert("qty.line_fanout");
        }
        // Another model whose prices are all the same share of this one's also looks like a new price, a discount, or lost rows.
        let shares: BTreeSet<Option<Ratio>> = moved
            .iter()
            .filter(|moved| moved.before.unit != moved.after.unit)
            .map(|moved| moved.after.unit.over(moved.before.unit))
            .collect();
        if let (Change::Priced { .. }, [Some(share)]) =
            (&self.change, shares.iter().collect::<Vec<_>>().as_slice())
        {
            let within = |low: Option<Ratio>, high: Option<Ratio>| {
                low.zip(high)
                    .is_some_and(|(low, high)| less_or_equal(low, *share) && less_or_equal(*share, high))
            };
            if within(Ratio::new(2, 5), Some(Ratio::ONE)) {
                causes.extend(["rate.stale", "terms.discount"]);
            } else if within(Some(Ratio::ONE), Ratio::new(5, 2)) {
                causes.insert("rate.stale");
                causes.extend((!moved.iter().any(counted)).then_some("qty.dropped_rows"));
            }
        }
        // A name that is read wrongly is so from the start; a price that begins later is a new one more often.
        if matches!(self.change, Change::Priced { .. }) && !self.fit.from_the_start {
            causes.insert("rate.stale");
        }
        // Some days in a row may be an outage, or a name that pointed elsewhere for a while.
        if self.cause == "map.fallback" && self.fit.runs == 1 && self.fit.tests > FEW {
            causes.insert("map.alias_repointed");
        }
        causes.remove(self.cause);
        let ambiguous = !rivals.is_empty() || !causes.is_empty();
        let exact = self.fit.grade == Some(Grade::Exact) && !fitted;
        let sure = if exact { Status::Exact } else { Status::Probable };
        Some(Patch {
            name: self.name(account),
            cause: self.cause,
            status: if ambiguous { Status::Ambiguous } else { sure },
            scope,
            edits,
            facts,
            rivals: causes.into_iter().map(ToOwned::to_owned).collect(),
            decides: ambiguous.then(|| self.change.decides().to_owned()),
            fix: Some(self.fix()),
        })
    }

    fn fix(&self) -> Fix {
        let text = match &self.change {
            Change::Version(_) => {
                "price this usage from the row of the book that the bill follows, or dispute it"
            }
            Change::Scaled(..) => {
                "confirm the price with the seller's price page or contract, then add it to the book"
            }
            Change::Shipped => {
                "take these rows out of your price folder, or end them on the day from which they no longer hold"
            }
            Change::List => "claim the difference from the provider, or give the term its `to` if it ended",
            Change::Tier(_) if self.slice.batch => NO_BATCH,
            Change::Tier(_) | Change::ShortTier(_) | Change::SpeedPrice(_) | Change::Region(_) => {
                "record the served tier and region of these calls in the gateway log"
            }
            Change::Prompt(_) => {
                "check how the gateway counts the prompt (cache reads and writes belong to it) and where the seller's boundary lies"
            }
            Change::BandPrice(_) => {
                "check on the seller's price page since when these prompts have the price on the bill; date the book's row, or ask"
            }
            Change::Meter(_) => {
                "dispute the charge with the tokens the log counts, or correct how the gateway counts them"
            }
            Change::Served(_) | Change::ServedUnder(..) => {
                "keep the model that answered in the log, and date the alias"
            }
            Change::Priced { .. } => {
                "map the logged name to the model whose price it has, or dispute the charge"
            }
            Change::NotBilled => "leave these rows out of the estimate: the provider does not charge them",
            Change::Overlap(_) => {
                "count cache tokens once: take them out of the logged input, or leave them out beside it"
            }
            Change::Times(_) => {
                "log each call once: a parent span or a second hook repeats what its children report"
            }
        };
        Fix { kind: "gateway", text: text.to_owned(), patch: String::new() }
    }
}

impl Patch {
    /// What is not on the bill may be there as what other models have too much.
    pub(super) fn or_served_by_another(mut self, rival: &str) -> Patch {
        self.status = Status::Ambiguous;
        self.rivals.push(rival.to_owned());
        self.decides = Some("the model that answered these calls, in the log".to_owned());
        self
    }
}

/// Atoms that moved alike are one edit.
pub fn edits(problem: &Problem, moved: &[Moved]) -> Option<Vec<Edit>> {
    type At = (BillKey, Leaf);
    let at =
        |place: &Place| -> At { (problem.sides[place.side as usize].key.clone(), (*place.leaf).clone()) };
    let mut restated: BTreeMap<(At, Option<At>), i128> = BTreeMap::new();
    let mut repriced: BTreeMap<At, (Ratio, i128)> = BTreeMap::new();
    for Moved { atom, before, after } in moved {
        let quantity = problem.atoms[*atom as usize].quantity;
        match after.status {
            Standing::Gone => *restated.entry((at(before), None)).or_default() += quantity,
            Standing::Lessened(left) => *restated.entry((at(before), None)).or_default() += quantity - left,
            Standing::Settled => repriced.entry(at(before)).or_insert((after.unit, 0)).1 += quantity,
            Standing::Free => *restated.entry((at(before), Some(at(after)))).or_default() += quantity,
        }
    }
    // A price holds for the whole leaf, so a part of one cannot have another.
    for ((key, leaf), (_, quantity)) in &repriced {
        let have = problem.state.logged.get(key).and_then(|leaves| leaves.get(leaf)).copied();
        if have != Some(*quantity) {
            return None;
        }
    }
    let restated = restated.into_iter().map(|((less, more), quantity)| Edit::Restate {
        less: Some(less),
        more,
        quantity,
    });
    let repriced = repriced.into_iter().map(|((key, leaf), (unit, _))| Edit::Reprice { key, leaf, unit });
    Some(restated.chain(repriced).collect())
}
