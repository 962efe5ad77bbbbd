//! Meter moves: the total is right, the split is not. What one meter has too much, the other has too little.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::search::score::{DIGIT, Digits, digits};
use super::{Fact, Fix, Patch, Scope, Status, of_all};
use crate::error::Result;
use crate::rate::Account;
use crate::reconcile::quantity::{self, Gap, Gaps};
use crate::reconcile::{BillKey, CellKey, Edit, Part, State};
use crate::vocabulary::{CountSource, Meter};

/// Meters that a known mistake confuses: what is logged as one is billed as others.
struct Confusion {
    logged: Meter,
    billed: &'static [Meter],
    cause: &'static str,
    what: &'static str,
    fix: &'static str,
}

static CONFUSIONS: &[Confusion] = &[
    Confusion {
        logged: Meter::Input,
        billed: &[Meter::CacheRead],
        cause: "cls.cache_read_as_input",
        what: "the log counts cache reads as input",
        fix: "make the gateway keep `cached_tokens` on this route (streaming calls lose it first), then read the log again",
    },
    Confusion {
        logged: Meter::CacheRead,
        billed: &[Meter::Input],
        cause: "cls.cache_read_as_input",
        what: "the bill charges as input what the log counts as cache reads",
        fix: "check the provider's minimum cacheable prompt and cache lifetime for these calls; the reads did not happen as billed",
    },
    Confusion {
        logged: Meter::Input,
        billed: &[
            Meter::CacheWrite5m,
            Meter::CacheWrite30m,
            Meter::CacheWrite1h,
            Meter::CacheWrite12h,
            Meter::CacheWriteOther,
        ],
        cause: "cls.cache_write_lost",
        what: "the log counts cache writes as input",
        fix: "make the gateway keep the cache creation counts of this route, then read the log again",
    },
    Confusion {
        logged: Meter::CacheWrite5m,
        billed: &[Meter::CacheWrite1h],
        cause: "rate.cache_ttl",
        what: "the log counts 1-hour cache writes as 5-minute ones",
        fix: "make the gateway keep the lifetime split of cache writes (`cache_creation`)",
    },
    Confusion {
        logged: Meter::CacheWriteOther,
        billed: &[Meter::CacheWrite1h],
        cause: "rate.cache_ttl",
        what: "the log does not say that these cache writes live for an hour",
        fix: "make the gateway keep the lifetime split of cache writes (`cache_creation`)",
    },
    Confusion {
        logged: Meter::CacheWrite1h,
        billed: &[Meter::CacheWrite5m],
        cause: "rate.cache_ttl",
        what: "the log counts 5-minute cache writes as 1-hour ones",
        fix: "make the gateway keep the lifetime split of cache writes (`cache_creation`)",
    },
    Confusion {
        logged: Meter::Input,
        billed: &[Meter::InputAudio, Meter::InputImage],
        cause: "cls.modality",
        what: "the log counts audio or image input as text",
        fix: "make the gateway keep the token details by modality, then read the log again",
    },
    Confusion {
        logged: Meter::Output,
        billed: &[Meter::OutputAudio, Meter::OutputImage],
        cause: "cls.modality",
        what: "the log counts audio or image output as text",
        fix: "make the gateway keep the token details by modality, then read the log again",
    },
];

impl Confusion {
    /// Which of them a move is.
    fn of(edit: &Edit) -> Option<usize> {
        let Edit::Move { from, to, .. } = edit else { return None };
        let (logged, billed) = (from.meter?, to.meter?);
        CONFUSIONS
            .iter()
            .position(|confusion| confusion.logged == logged && confusion.billed.contains(&billed))
    }
}

/// What one logged meter may have been billed as, in the order it is tried: a single meter; all that one mistake confuses it
/// with; all of several mistakes, as where a route loses every detail of a prompt.
fn routes(logged: Meter) -> Vec<Vec<Meter>> {
    let of = || CONFUSIONS.iter().filter(move |confusion| confusion.logged == logged);
    let single = of().flat_map(|confusion| confusion.billed).map(|meter| vec![*meter]);
    let group = of().map(|confusion| confusion.billed.to_vec());
    let all = of().flat_map(|confusion| confusion.billed).copied().collect();
    let mut routes: Vec<Vec<Meter>> = single.collect();
    for route in group.chain([all]) {
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
    routes
}

/// Days that must agree to the noise of the log before others may be off by some times as much: a day with few rows is
/// noisier than the account.
const DAYS: usize = 3;
const NOISIER: i128 = 4;
/// So many times the noise must each of several meters be short of, to be told by their sum.
const FAR_BEYOND: i128 = 20;
/// Binary digits, beyond rounding, that counts must share where they are reckoned from rounded amounts.
const SURE: Digits = 24 * DIGIT;
/// The same, beyond noise, where fewer days than that agree: on one day in many they do by chance.
const SURE_OF_FEW: Digits = 12 * DIGIT;

/// Moves of one model: those that agree to the noise of the log, those that do and are hardly more than it, those that agree
/// to some times as much, and the digits that counts share.
#[derive(Default)]
struct Moves {
    near: Vec<Edit>,
    faint: Vec<Edit>,
    far: Vec<Edit>,
    shared: Shared,
}

/// Digits that counts share: those that are reckoned from rounded amounts, and those of a noisy log. `None` where there are none.
#[derive(Default, Clone, Copy)]
struct Shared {
    rounded: Option<Digits>,
    noisy: Option<Digits>,
}

impl Shared {
    fn add(&mut self, other: Shared) {
        let sum = |one: Option<Digits>, two: Option<Digits>| two.map(|two| two + one.unwrap_or(0)).or(one);
        *self = Shared { rounded: sum(self.rounded, other.rounded), noisy: sum(self.noisy, other.noisy) };
    }
}

impl Moves {
    /// The same by the mistake that each of them is.
    fn by_confusion(self) -> BTreeMap<usize, Moves> {
        let mut each: BTreeMap<usize, Moves> = BTreeMap::new();
        let shared = self.shared;
        let lists: [(Vec<Edit>, fn(&mut Moves) -> &mut Vec<Edit>); 3] = [
            (self.near, |moves| &mut moves.near),
            (self.faint, |moves| &mut moves.faint),
            (self.far, |moves| &mut moves.far),
        ];
        for (edits, list) in lists {
            for edit in edits {
                if let Some(confusion) = Confusion::of(&edit) {
                    let moves = each.entry(confusion).or_default();
                    list(moves).push(edit);
                    moves.shared = shared;
                }
            }
        }
        each
    }

    fn merge(&mut self, other: Moves) {
        self.near.extend(other.near);
        self.faint.extend(other.faint);
        self.far.extend(other.far);
        self.shared.add(other.shared);
    }

    /// Those that are believed: days that say little by themselves go with those that say it, and lie between them.
    fn told(self) -> Vec<Edit> {
        let Shared { rounded, noisy } = self.shared;
        let too_few = days(&self.near) < DAYS && noisy.is_some_and(|shared| shared < SURE_OF_FEW);
        if too_few || rounded.is_some_and(|shared| shared < SURE) {
            return Vec::new();
        }
        let mut edits = self.near;
        if days(&edits) >= DAYS {
            let day = |edit: &Edit| edit.keys().next().map(|key| key.cell.first);
            let (first, last) = (edits.iter().filter_map(day).min(), edits.iter().filter_map(day).max());
            let far = if days(&edits) >= days(&self.far) { self.far } else { Vec::new() };
            let faint = self.faint.into_iter().filter(|edit| (first..=last).contains(&day(edit)));
            edits.extend(faint.chain(far));
        }
        edits
    }
}

/// What shows only once the search has told at which prices the amounts are to be read as counts.
pub fn at_told_prices(state: &State) -> Result<Vec<Patch>> {
    let again = |patch: Patch| Patch { name: format!("{} at told prices", patch.name), ..patch };
    Ok(propose(state)?.into_iter().map(again).collect())
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let logged: BTreeSet<Meter> = CONFUSIONS.iter().map(|confusion| confusion.logged).collect();
    let routes: Vec<(Meter, Vec<Vec<Meter>>)> =
        logged.into_iter().map(|meter| (meter, routes(meter))).collect();
    // What the gateway guessed says nothing of how it counts.
    let guesses = state.usage.iter().filter(|row| row.source == CountSource::Estimated);
    let guesses = guesses.flat_map(|row| state.places(row));
    let guessed: BTreeSet<Part> = guesses.map(|(key, ..)| (key.cell, key.owner)).collect();
    let mut found: BTreeMap<(usize, Account, Arc<str>), Moves> = BTreeMap::new();
    for cell in &state.open {
        let Some(model) = cell.model.clone() else { continue };
        for moves in
            routes.iter().flat_map(|(logged, routes)| of_cell(state, cell, &guessed, *logged, routes))
        {
            for (confusion, moves) in moves.by_confusion() {
                found.entry((confusion, cell.account.clone(), model.clone())).or_default().merge(moves);
            }
        }
    }
    let mut patches = Vec::new();
    for ((confusion, account, model), found) in found {
        let mut edits = found.told();
        let name = name(&CONFUSIONS[confusion], &account, &model);
        edits.retain(|edit| state.keeps(&name, edit));
        if !edits.is_empty() {
            patches.push(patch(&CONFUSIONS[confusion], &account, &model, edits));
        }
    }
    Ok(patches)
}

/// The moves of one cell, owner by owner; what is too little by itself is looked at together.
fn of_cell(
    state: &State,
    cell: &CellKey,
    guessed: &BTreeSet<Part>,
    logged: Meter,
    routes: &[Vec<Meter>],
) -> Vec<Moves> {
    let sums = quantity::by_meter(state, cell);
    let (mut all, mut rest) = (Vec::new(), Gaps::new());
    for (owner, gaps) in quantity::by_owner(quantity::reckoned(state, cell)) {
        let sum = |meter: Meter| sums.get(&(owner, meter)).copied();
        if guessed.contains(&(cell.clone(), owner)) {
            continue;
        }
        let mut found = moves(state, &gaps, sum, logged, routes, 1);
        if found.near.is_empty() {
            found.far = moves(state, &gaps, sum, logged, routes, NOISIER).near;
            rest.extend(gaps);
        }
        all.push(found);
    }
    let together = quantity::of_all(rest.iter());
    if together.len() < rest.len() {
        let found = moves(state, &together, |_| None, logged, routes, 1);
        let each = |edit: &Edit| match edit {
            Edit::Move { from, to, .. } => quantity::exchanged(&rest, from, to),
            _ => Vec::new(),
        };
        let parts = found.near.iter().flat_map(each);
        let near: Vec<Edit> = parts.map(|(from, to, quantity)| Edit::Move { from, to, quantity }).collect();
        if !near.is_empty() {
            all.retain(|moves| !moves.near.is_empty());
            all.push(Moves { near, shared: found.shared, ..Moves::default() });
        }
    }
    all
}

/// What one key has too much and others of its day too little.
struct Exchange {
    edits: Vec<Edit>,
    /// It is more than noise, by far.
    near: bool,
    shared: Shared,
}

fn exchange(
    state: &State,
    gaps: &Gaps,
    (from, gap): (&BillKey, &Gap),
    route: &[Meter],
    times: i128,
) -> Option<Exchange> {
    let over = (-gap.difference(), gap.within);
    let to: Vec<(BillKey, Gap)> = route
        .iter()
        .map(|meter| BillKey { meter: Some(*meter), ..from.clone() })
        .filter_map(|key| gaps.get(&key).map(|gap| (key, *gap)))
        .filter(|(_, gap)| gap.difference() > 0)
        .collect();
    let total = |count: fn(&Gap) -> i128| to.iter().map(|(_, gap)| count(gap)).sum::<i128>();
    let short = (total(|gap| gap.difference()), total(|gap| gap.within));
    let slack = times * quantity::slack(state, gap.logged + total(|gap| gap.logged));
    let open = slack + over.1 + short.1;
    if short.0 == 0 || (over.0 - short.0).abs() > open {
        return None;
    }
    // A sum of several has more ways to agree but for noise: each of them must be beyond it.
    let beyond = |(_, gap): &(BillKey, Gap)| gap.difference() > FAR_BEYOND * open;
    if to.len() > 1 && (times > 1 || !to.iter().all(beyond)) {
        return None;
    }
    let mut left = quantity::agreed(over, short);
    let mut edits = Vec::new();
    for (at, (key, gap)) in to.iter().enumerate() {
        // The last takes what is left of what both sides agree on.
        let quantity = if at + 1 == to.len() { left } else { gap.difference().min(left) };
        left -= quantity;
        if quantity > 0 {
            edits.push(Edit::Move { from: from.clone(), to: key.clone(), quantity });
        }
    }
    let off = if over.0 == short.0 { 1 } else { open };
    let shared = Shared {
        rounded: (over.1 + short.1 > 0).then(|| digits(short.0, open)),
        noisy: (slack > 0).then(|| digits(short.0, off.max(1))),
    };
    Some(Exchange { edits, near: short.0 > 3 * open, shared })
}

/// The equality is the test: nothing was fitted. In a noisy log it holds but for the noise of all meters, or so many times as
/// much; where counts are reckoned, but for what rounding leaves open. `sum`: billed minus logged by meter.
fn moves(
    state: &State,
    gaps: &Gaps,
    sum: impl Fn(Meter) -> Option<i128>,
    logged: Meter,
    routes: &[Vec<Meter>],
    times: i128,
) -> Moves {
    let mut moves = Moves::default();
    // Within each tier, region and band of its own,
    let lacking = gaps.iter().filter(|(key, gap)| key.meter == Some(logged) && gap.difference() < 0);
    for (from, gap) in lacking.clone() {
        let mut fits: Vec<Exchange> =
            routes.iter().filter_map(|route| exchange(state, gaps, (from, gap), route, times)).collect();
        // What shows beyond doubt goes before what is hardly more than noise.
        fits.sort_by_key(|exchange| !exchange.near);
        let Some(Exchange { edits, near, shared }) = fits.into_iter().next() else { continue };
        if near {
            moves.near.extend(edits)
        } else {
            moves.faint.extend(edits)
        }
        if near {
            moves.shared.add(shared);
        }
    }
    if !moves.near.is_empty() {
        return moves;
    }
    // or, where the bill or the report does not tell those apart, in their sum: from the first that can give it all.
    let Some(less) = sum(logged) else { return moves };
    let counted = gaps.iter().filter(|(key, _)| key.meter == Some(logged)).map(|(_, gap)| gap.logged).sum();
    let open = times * quantity::slack(state, counted);
    for route in routes {
        let to: Vec<(Meter, i128)> = route
            .iter()
            .filter_map(|meter| sum(*meter).map(|short| (*meter, short)))
            .filter(|(_, short)| *short > 0)
            .collect();
        let short: i128 = to.iter().map(|(_, short)| short).sum();
        let mut left = short.min(-less);
        if left <= 0 || (less + short).abs() > open || short <= 3 * open {
            continue;
        }
        if to.len() > 1 && (times > 1 || to.iter().any(|(_, short)| *short <= FAR_BEYOND * open)) {
            continue;
        }
        let from = lacking.clone().find(|(_, gap)| gap.logged >= left && gap.difference() <= -left);
        if let Some((from, _)) = from {
            for (meter, short) in to {
                let quantity = short.min(left);
                left -= quantity;
                if quantity > 0 {
                    let to = BillKey { meter: Some(meter), ..from.clone() };
                    moves.near.push(Edit::Move { from: from.clone(), to, quantity });
                }
            }
            moves.faint.clear();
            break;
        }
    }
    moves
}

/// Each day is a test, and each tier, region and band of its own.
fn days(edits: &[Edit]) -> usize {
    of_all(edits.iter().filter_map(|edit| edit.keys().next()))
}

fn name(confusion: &Confusion, account: &Account, model: &Arc<str>) -> String {
    format!("meter move {account:?} {model} {} {}", confusion.logged, confusion.cause)
}

fn patch(confusion: &Confusion, account: &Account, model: &Arc<str>, edits: Vec<Edit>) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    scope.meters.insert(confusion.logged);
    let mut billed: BTreeMap<Meter, i128> = BTreeMap::new();
    for edit in &edits {
        if let Edit::Move { from, to, quantity } = edit {
            scope.cover(&from.cell);
            scope.tiers.extend(from.tier);
            scope.meters.extend(to.meter);
            if let Some(meter) = to.meter {
                *billed.entry(meter).or_default() += quantity;
            }
        }
    }
    let several = billed.len() > 1;
    let counts = billed.iter().filter(|_| several);
    let counts = counts.map(|(meter, count)| Fact::new(format!("tokens billed as {meter}"), count));
    let names: Vec<String> = billed.keys().map(Meter::to_string).collect();
    Patch {
        name: name(confusion, account, model),
        cause: confusion.cause,
        // Every day is a test of its own: the two meters must miss and exceed by the same count.
        status: if days(&edits) >= 4 { Status::Exact } else { Status::Probable },
        scope,
        facts: [
            Fact::new("what", confusion.what),
            Fact::new("tokens logged as", confusion.logged),
            Fact::new("and billed as", names.join(", ")),
            Fact::new("tokens", billed.values().sum::<i128>()),
        ]
        .into_iter()
        .chain(counts)
        .chain([Fact::new("days on which both meters miss by the same count", days(&edits))])
        .collect(),
        edits,
        rivals: Vec::new(),
        decides: None,
        fix: Some(Fix { kind: "gateway", text: confusion.fix.to_owned(), patch: String::new() }),
    }
}
