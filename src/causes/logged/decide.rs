//! Which mistakes explain the rows of an account: the fewest that reproduce them, each on enough days.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::causes::Status;
use crate::money::Ratio;
use crate::period::Day;

/// What speaks for a story beside the arithmetic. Of two that reproduce the same rows, the better founded one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ground {
    /// A field of the record gives the occasion.
    Recorded,
    /// Some other price of the book fits.
    Book,
    /// One plain number fits.
    Number,
}

/// A story, in the words that are the same on every row it explains.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Story {
    pub ground: Ground,
    /// False where the gateway priced at list, which the contract does not.
    pub contract: bool,
    pub cause: &'static str,
    pub what: String,
    /// The number that was fitted, if one was.
    pub factor: Option<Ratio>,
}

/// A row whose cost differs from ours, with the stories that reproduce it.
pub(super) struct Open {
    pub day: Day,
    pub model: Arc<str>,
    pub stories: Vec<Story>,
    /// Other rows of its key and day count as much of everything: it may be a parent that repeats them.
    pub may_be_sum: bool,
}

/// The cause of a long prompt at the price of short ones.
pub(super) const LONG: &str = "rate.context_band";

/// What was decided for a group of rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decided {
    pub cause: &'static str,
    /// Every wording of the cause that fits the same rows.
    pub whats: Vec<String>,
    pub contract: bool,
    pub status: Status,
    pub rivals: Vec<&'static str>,
    pub factor: Option<Ratio>,
}

/// Days on which a story with a choice has to hold: no number is fitted, and three are tests of it.
const DAYS_CHOSEN: usize = 3;
/// And one on which a number was fitted: its own day is spent.
const DAYS_FITTED: usize = 4;

/// Causes that multiply every class by one number, or may.
const FACTORS: [&str; 6] = [
    "rate.region_uplift",
    "rate.service_tier",
    "rate.batch",
    "rate.speed_premium",
    "rate.platform_twin",
    "map.fuzzy_match",
];

/// The decision for each row, by index. The story that reproduces most rows comes first; a row is explained once.
pub(super) fn decide(rows: &[Open]) -> BTreeMap<usize, Decided> {
    let mut covers: BTreeMap<&Story, BTreeSet<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        for story in &row.stories {
            covers.entry(story).or_default().insert(index);
        }
    }
    let mut decided: BTreeMap<usize, Decided> = BTreeMap::new();
    let mut open: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
    for row in rows {
        *open.entry(&row.model).or_default() += 1;
    }
    loop {
        covers.retain(|_, rows_of| !rows_of.is_empty());
        // The map is in the order of grounds: of equal covers, the best founded is met first.
        let Some((most, best)) = covers
            .iter()
            .filter(|(story, rows_of)| holds(story, rows_of, rows, &open))
            .map(|(story, rows_of)| (rows_of.len(), *story))
            .max_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        else {
            return decided;
        };
        let rows_of = covers.remove(best).unwrap_or_default();
        let models: BTreeSet<&Arc<str>> = rows_of.iter().map(|index| &rows[*index].model).collect();
        // A factor that no record names is a setting like any other factor; a price of the book's is better founded,
        // unless it would be one for several models at once.
        let factor = models.len() > 1 || FACTORS.contains(&best.cause);
        let equals = covers.iter().filter(|(story, other)| {
            let comparable = story.ground == best.ground
                || (factor && (best.ground, story.ground) == (Ground::Book, Ground::Number));
            comparable && other.len() == most && **other == rows_of
        });
        let (same, rivals): (Vec<&Story>, Vec<&Story>) =
            equals.map(|(story, _)| *story).partition(|story| story.cause == best.cause);
        let mut rivals: BTreeSet<&'static str> = rivals.into_iter().map(|story| story.cause).collect();
        // One factor on one model is a price as well as a mark-up.
        if best.ground == Ground::Number && models.len() < 2 {
            rivals.insert("rate.stale");
        }
        // What a parent repeats is longer than any of its calls, and costs what they cost.
        if best.cause == LONG && rows_of.iter().all(|index| rows[*index].may_be_sum) {
            rivals.insert("qty.rollup_duplicate");
        }
        let decision = Decided {
            cause: best.cause,
            whats: [best].into_iter().chain(same).map(|story| story.what.clone()).collect(),
            contract: best.contract,
            status: if rivals.is_empty() { Status::Exact } else { Status::Ambiguous },
            rivals: rivals.into_iter().collect(),
            factor: best.factor,
        };
        for index in &rows_of {
            open.entry(&rows[*index].model).and_modify(|count| *count -= 1);
        }
        decided.extend(rows_of.iter().map(|index| (*index, decision.clone())));
        covers.values_mut().for_each(|other| other.retain(|index| !rows_of.contains(index)));
    }
}

/// `open` counts the undecided rows of each model.
fn holds(story: &Story, rows_of: &BTreeSet<usize>, rows: &[Open], open: &BTreeMap<&Arc<str>, usize>) -> bool {
    let days: BTreeSet<Day> = rows_of.iter().map(|index| rows[*index].day).collect();
    match story.ground {
        // Round numbers meet by chance: on a single day, nothing else of the model may be left open.
        Ground::Recorded if days.len() == 1 => {
            let models: BTreeSet<&Arc<str>> = rows_of.iter().map(|index| &rows[*index].model).collect();
            models.iter().filter_map(|model| open.get(model)).sum::<usize>() == rows_of.len()
        }
        Ground::Recorded => true,
        Ground::Book => days.len() >= DAYS_CHOSEN,
        Ground::Number => days.len() >= DAYS_FITTED,
    }
}
