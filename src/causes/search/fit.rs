//! On which days does the bill agree with a story, and is that enough to tell it?

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{Node, Problem, Side};
use super::score::{DIGIT, Digits, best_runs, digits, log2};
use super::touch::Touch;
use crate::causes::noise::share;
use crate::period::Day;
use crate::reconcile::CellKey;
use crate::vocabulary::Meter;

/// Days that must tie out with the story, to the last step or to the noise of the log.
const TESTS: usize = 3;
const TESTS_IN_NOISE: usize = 4;
/// Digits that chance would have to match.
const SURE: Digits = 24 * DIGIT;
/// A run of days below this is chance.
const RUN: Digits = 5 * DIGIT;
/// One day counts for at most this much: days of one series are not independent to the last digit.
const MOST_OF_A_DAY: Digits = 16 * DIGIT;
/// At least this share of the dollars a story moves must end in sides that tie out: 4 of 5. Where days enough are met to the
/// last step, a half is enough, and the rest of the 4 of 5 must vanish but for a fifth, which may be noise or another story; or
/// a third, and the rest of 9 of 10.
const CLOSURE: (i128, i128) = (4, 5);
const CLOSED_EXACTLY: [((i128, i128), (i128, i128)); 2] = [((1, 2), CLOSURE), ((1, 3), (9, 10))];
/// Where so many days show it, with four times the digits, less is enough: other stories are in the way of the rest, and
/// whether they are found is seen when all are told.
const CLEAR: [((i128, i128), (i128, i128)); 2] = [((1, 3), (1, 2)), ((1, 10), (9, 10))];
const CLEAR_TESTS: usize = 5;
const WHOLE: (i128, i128) = (19, 20);
/// Or so many of the days entirely: the others have something else besides.
const ENTIRE: (usize, usize) = (2, 3);

/// A story comes and goes where one day in so many ties out without it.
const SCATTERED: usize = 4;
/// One in so many of the dollars.
const ON_BILL: i128 = 5;

/// How well a story fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// To the last step of the bill.
    Exact,
    /// To the measured noise of the log.
    Noise,
}

/// The days on which a story holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    pub days: Vec<Day>,
    /// Digits saved, before the story itself is paid for.
    pub gain: Digits,
    pub runs: usize,
    pub grade: Option<Grade>,
    /// Days that test it: it moves something there, and what it touches ties out.
    pub tests: usize,
    /// Once it holds, it holds on nearly every day on which it could be seen: 4 of 5.
    pub lasting: bool,
    /// Days between the first and the last on which something ties out without it.
    pub interrupted: usize,
    /// It holds from the first day on which it could be seen.
    pub from_the_start: bool,
    /// Gross difference that vanishes, in 10^-12.
    pub closed: i128,
    /// Hardly anything it moves does not tie out to the last step.
    pub whole: bool,
}

impl Fit {
    pub fn holds(&self, day: Day) -> bool {
        self.days.binary_search(&day).is_ok()
    }
}

/// What one day says.
#[derive(Debug, Clone, Copy, Default)]
struct Verdict {
    gain: Digits,
    /// It moves enough to be seen beyond rounding, and beyond noise.
    seen: bool,
    seen_in_noise: bool,
    /// Something that can be seen in noise ties out without it.
    refuted: bool,
    /// Of what can be seen, something ties out to the last step.
    met: bool,
    /// What of it does not tie out to the last step nearly vanishes.
    exact: bool,
    /// All of it that can be seen ties out to the last step.
    entire: bool,
    /// Everything it moves ties out to the noise.
    within_noise: bool,
    /// Digits, beyond rounding, of what it moves and ties out to the last step.
    told: Digits,
    /// The same of the model of which the least ties out, whatever else is open.
    shown: Digits,
    moved: i128,
    moved_exact: i128,
    moved_within_noise: i128,
    /// What it moves on sides that tie out to the noise or keep no more than a fifth of it.
    moved_nearly: i128,
    closed: i128,
}

/// The difference of one side, split where the count is known: what the count explains, and what is left to the rate.
fn differences(side: &Side, priced: i128, logged: i128) -> (i128, i128) {
    let difference = side.billed - priced;
    match side.counted {
        Some(counted) if counted != logged => {
            let gap = counted - logged;
            let (amount, units) = if logged > 0 { (priced, logged) } else { (side.billed, counted) };
            let by_count = amount.checked_mul(gap).map_or(difference, |product| product / units.max(1));
            (by_count, difference - by_count)
        }
        _ => (0, difference),
    }
}

/// What is open on a side, in digits.
fn open(side: &Side, priced: i128, logged: i128, bound: i128) -> Digits {
    let (by_count, by_rate) = differences(side, priced, logged);
    digits(by_count, bound) + digits(by_rate, bound)
}

/// What is open on all sides that the bill speaks of, in digits.
pub fn length(problem: &Problem, node: &Node) -> Digits {
    let sides = problem.sides.iter().zip(node.priced.iter().zip(&node.logged));
    let covered = sides.filter(|(side, _)| side.covered);
    covered.map(|(side, (priced, logged))| open(side, *priced, *logged, side.bound)).sum()
}

/// What a touched side looks like afterwards.
pub struct After {
    pub ties: bool,
    pub within_noise: bool,
}

pub fn after(side: &Side, priced: i128, logged: i128, bound: i128, floor: i128) -> After {
    let (by_count, by_rate) = differences(side, priced, logged);
    let noise = bound + share(floor, priced.max(side.billed));
    After {
        ties: by_count == 0 && by_rate.abs() <= bound,
        within_noise: (by_count + by_rate).abs() <= noise && by_rate.abs() <= noise,
    }
}

/// True where the stated count at the new price is what was billed, and at the old price was not: the price is right to the
/// last step, whatever the log has lost.
fn repriced(side: &Side, touch: &Touch, (priced, logged): (i128, i128), bound: i128) -> bool {
    let rate = |priced| differences(side, priced, logged).1.abs();
    touch.count == 0
        && side.counted.is_some()
        && rate(priced + touch.money) <= bound
        && rate(priced) > 2 * bound
}

/// True where the stated count is what is logged once the story is told, and was not before: where usage went is right to the
/// last unit, whatever it costs there.
fn recounted(side: &Side, touch: &Touch, logged: i128) -> bool {
    touch.count != 0 && side.counted == Some(logged + touch.count)
}

/// Judges the touches of a story against the bill. `floor`: noise of the log in parts per million. `needs_bill`: the
/// story says that something was not charged, which a missing bill line does not show.
pub fn fit(problem: &Problem, node: &Node, touches: &[Touch], floor: i128, needs_bill: bool) -> Option<Fit> {
    let by_day = touches.chunk_by(|a, b| a.day == b.day);
    let listed: Vec<(Day, Verdict)> =
        by_day.map(|touches| (touches[0].day, verdict(problem, node, touches, floor, needs_bill))).collect();
    let gains: Vec<Digits> = listed.iter().map(|(_, verdict)| verdict.gain).collect();
    let (runs, gain) = best_runs(&gains, RUN);
    let inside: Vec<&(Day, Verdict)> =
        runs.iter().flat_map(|(first, last)| &listed[*first..=*last]).collect();
    let onset = inside.first()?.0;
    let sum = |of: fn(&Verdict) -> i128| inside.iter().map(|(_, verdict)| of(verdict)).sum::<i128>();
    let moved = sum(|verdict| verdict.moved);
    let most = |closed: i128, of: (i128, i128)| moved > 0 && closed * of.1 >= moved * of.0;
    let exact_days = inside.iter().filter(|(_, verdict)| verdict.met && verdict.exact);
    let told: Digits = exact_days.clone().map(|(_, verdict)| verdict.told.min(MOST_OF_A_DAY)).sum();
    let tests = exact_days.count();
    let noise_tests =
        inside.iter().filter(|(_, verdict)| verdict.seen_in_noise && verdict.within_noise).count();
    let sure = SURE + choice(listed.len(), inside.len(), runs.len());
    let closes = |(exactly, nearly): &((i128, i128), (i128, i128))| {
        most(sum(|verdict| verdict.moved_exact), *exactly)
            && most(sum(|verdict| verdict.moved_nearly), *nearly)
    };
    let shown = inside.iter().filter(|(_, verdict)| verdict.shown > 0);
    let clearly = shown.clone().count();
    let clear = clearly >= CLEAR_TESTS
        && shown.map(|(_, verdict)| verdict.shown.min(MOST_OF_A_DAY)).sum::<Digits>() >= 4 * SURE
        && CLEAR.iter().any(closes);
    let entire = inside.iter().filter(|(_, verdict)| verdict.met && verdict.entire).count();
    let mostly_entire = entire >= CLEAR_TESTS && entire * ENTIRE.1 >= inside.len() * ENTIRE.0;
    let exact = clear || (tests >= TESTS && told >= sure && CLOSED_EXACTLY.iter().any(closes));
    let noise = floor > 0
        && noise_tests >= TESTS_IN_NOISE
        && gain >= sure
        && most(sum(|verdict| verdict.moved_within_noise), CLOSURE);
    let held: Vec<Day> = inside.iter().map(|(day, _)| *day).collect();
    let seen = |verdict: &Verdict| if exact { verdict.seen } else { verdict.seen_in_noise };
    // A day that is open with it and without it says nothing.
    let against = listed
        .iter()
        .filter(|(day, verdict)| *day > onset && verdict.refuted && held.binary_search(day).is_err());
    let last = held.last().copied();
    let interrupted = against.clone().filter(|(day, _)| Some(*day) < last).count();
    let lasting = against.count() * 4 <= held.len();
    // What comes and goes is told of the days that show it; what lies between two of them need not have it.
    let comes_and_goes = interrupted * SCATTERED > held.len();
    let shows = |verdict: &Verdict| {
        (verdict.met && verdict.exact) || verdict.within_noise || verdict.closed * 2 >= verdict.moved
    };
    let told: Vec<&(Day, Verdict)> =
        inside.iter().filter(|(_, verdict)| !comes_and_goes || shows(verdict)).copied().collect();
    Some(Fit {
        interrupted,
        lasting,
        from_the_start: listed.iter().find(|(_, verdict)| seen(verdict)).is_none_or(|(day, _)| *day >= onset),
        gain,
        runs: runs.len(),
        grade: if exact { Some(Grade::Exact) } else { noise.then_some(Grade::Noise) },
        tests: match exact {
            true if clear => tests.max(clearly),
            true => tests,
            false => noise_tests,
        },
        closed: told.iter().map(|(_, verdict)| verdict.closed).sum(),
        whole: most(sum(|verdict| verdict.moved_exact), WHOLE) || mostly_entire,
        days: told.iter().map(|(day, _)| *day).collect(),
    })
}

/// By meter, the dollars of a story that agree with the bill and those that do not, of what can be seen on its days. `agrees`
/// is asked with priced amount and logged count before the story and what rounding allows, and may say nothing.
fn by_meter(
    problem: &Problem,
    node: &Node,
    touches: &[Touch],
    fit: &Fit,
    agrees: impl Fn(&Side, &Touch, (i128, i128), i128) -> Option<bool>,
) -> BTreeMap<Option<Meter>, (i128, i128)> {
    let mut meters: BTreeMap<Option<Meter>, (i128, i128)> = BTreeMap::new();
    for touch in touches.iter().filter(|touch| fit.holds(touch.day)) {
        let side = &problem.sides[touch.side as usize];
        let before = (node.priced[touch.side as usize], node.logged[touch.side as usize]);
        let bound = side.bound + 2 * touches.len() as i128;
        let money = touch.money.abs();
        match agrees(side, touch, before, bound).filter(|_| money > 2 * bound) {
            Some(true) => meters.entry(side.key.meter).or_default().0 += money,
            Some(false) => meters.entry(side.key.meter).or_default().1 += money,
            None => {}
        }
    }
    meters
}

/// False where the bill counts and most meters are at a price that is not that of the story: one of them may agree by chance.
pub fn coherent(problem: &Problem, node: &Node, touches: &[Touch], fit: &Fit) -> bool {
    let meters = by_meter(problem, node, touches, fit, |side, touch, (priced, logged), bound| {
        let off = || differences(side, priced + touch.money, logged + touch.count).1.abs();
        side.counted.map(|_| recounted(side, touch, logged) || off() <= bound)
    });
    let agree = meters.values().filter(|(at_price, another)| at_price * CLOSURE.1 >= *another).count();
    2 * agree >= meters.len()
}

/// False where some meter's amounts are mostly not those of the story: a price is taken for another model's where all are.
pub fn every_meter(problem: &Problem, node: &Node, touches: &[Touch], fit: &Fit) -> bool {
    let meters = by_meter(problem, node, touches, fit, |side, touch, (priced, logged), bound| {
        let after = after(side, priced + touch.money, logged + touch.count, bound, 0);
        Some(after.ties || repriced(side, touch, (priced, logged), bound))
    });
    meters.values().all(|(at_price, another)| at_price >= another)
}

/// True where some meter never agrees, neither with a story nor without it, and is at one ratio to it day after day: then it has a
/// price of its own, and so have the others, of which one may be that of a tier or a region by chance. Not by chance where the
/// bill names the tier or region, and usage goes from one line to another.
pub fn has_its_own_price(problem: &Problem, node: &Node, touches: &[Touch], fit: &Fit) -> bool {
    // Billed amount, amount by the story and rounding, by meter; and those that agree once.
    let mut meters: BTreeMap<Meter, Vec<(i128, i128, i128)>> = BTreeMap::new();
    let mut agree: BTreeSet<Meter> = BTreeSet::new();
    let held = || touches.iter().filter(|touch| fit.holds(touch.day));
    if held().any(|touch| touch.count != 0) {
        return false;
    }
    for touch in held() {
        let side = &problem.sides[touch.side as usize];
        let bound = side.bound + 2 * touches.len() as i128;
        let now = node.priced[touch.side as usize];
        let then = now + touch.money;
        let Some(meter) = side.key.meter.filter(|_| side.has_line && touch.money.abs() > 2 * bound) else {
            continue;
        };
        if [now, then].iter().any(|priced| (side.billed - priced).abs() <= bound) {
            agree.insert(meter);
        }
        meters.entry(meter).or_default().push((side.billed, then, bound));
    }
    meters.iter().filter(|(meter, _)| !agree.contains(*meter)).any(|(_, days)| {
        let Some((most, whole, step)) = days.iter().max_by_key(|(_, then, _)| *then) else { return false };
        let same = |(billed, then, bound): &&(i128, i128, i128)| {
            let off = billed.saturating_mul(*whole).saturating_sub(most.saturating_mul(*then));
            off.abs() <= bound.saturating_mul(*whole).saturating_add(step.saturating_mul(*most))
        };
        days.len() >= TESTS && days.iter().filter(same).count() * 5 >= days.len() * 4
    })
}

/// Digits it takes to say which days they are: the ends of the runs, or one by one, whichever is shorter.
fn choice(all: usize, chosen: usize, runs: usize) -> Digits {
    let by_ends = 2 * (runs as Digits - 1) * log2(all as u128 + 1);
    let one_by_one = (0..chosen).map(|at| log2((all - at) as u128) - log2(at as u128 + 1)).sum::<Digits>();
    by_ends.min(one_by_one)
}

/// True where one factor on everything the story touches, which is no known cause, would save as many digits: then noise
/// decides between them, and the story is not told. A fitted number costs ten digits, and a story is worth six more.
pub fn one_factor_does(problem: &Problem, node: &Node, touches: &[Touch], gain: Digits) -> bool {
    let sides: BTreeSet<u32> = touches.iter().map(|touch| touch.side).collect();
    let sum = |of: &dyn Fn(usize) -> i128| sides.iter().map(|side| of(*side as usize)).sum::<i128>();
    let priced = sum(&|side| node.priced[side]);
    let factor = sum(&|side| problem.sides[side].billed).saturating_mul(1_000_000) / priced.max(1);
    let saved: Digits = sides
        .iter()
        .map(|side| {
            let (priced, side) = (node.priced[*side as usize], &problem.sides[*side as usize]);
            let scaled = priced / 1_000_000 * factor;
            digits(side.billed - priced, side.bound) - digits(side.billed - scaled, side.bound)
        })
        .sum();
    saved - 16 * DIGIT > gain
}

/// True where what a story moves to another side nearly ties out there.
fn arrives(problem: &Problem, node: &Node, touches: &[Touch], floor: i128) -> bool {
    touches.iter().filter(|touch| touch.count > 0).any(|touch| lands(problem, node, touch, floor))
}

fn lands(problem: &Problem, node: &Node, touch: &Touch, floor: i128) -> bool {
    let side = &problem.sides[touch.side as usize];
    let (priced, logged) = (node.priced[touch.side as usize], node.logged[touch.side as usize]);
    let then = priced + touch.money;
    let after = after(side, then, logged + touch.count, side.bound, floor);
    let closed = (side.billed - priced).abs() - (side.billed - then).abs();
    let counts = recounted(side, touch, logged);
    after.ties || after.within_noise || counts || closed * CLOSURE.1 >= touch.money.abs() * CLOSURE.0
}

/// Half of what a story moves to other sides must be met there: next to an expensive model a cheap one weighs
/// nothing, and served by it would look like not billed at all.
const LANDS: usize = 2;

/// True where what a story moves to other sides is on the bill there.
pub fn landed(problem: &Problem, node: &Node, touches: &[Touch], fit: &Fit, floor: i128) -> bool {
    let seen = |touch: &&Touch| {
        touch.count > 0 && touch.money > 2 * problem.sides[touch.side as usize].bound && fit.holds(touch.day)
    };
    let (mut all, mut met) = (0, 0);
    for touch in touches.iter().filter(seen) {
        all += 1;
        met += usize::from(lands(problem, node, touch, floor));
    }
    met * LANDS >= all
}

fn verdict(problem: &Problem, node: &Node, touches: &[Touch], floor: i128, needs_bill: bool) -> Verdict {
    let mut verdict = Verdict { exact: true, entire: true, within_noise: true, ..Verdict::default() };
    let mut shown: BTreeMap<&CellKey, Digits> = BTreeMap::new();
    let mut on_bill = 0;
    for touch in touches {
        let side = &problem.sides[touch.side as usize];
        let (priced, logged) = (node.priced[touch.side as usize], node.logged[touch.side as usize]);
        let bound = side.bound + 2 * touches.len() as i128;
        if !side.covered {
            // No bill, no test.
            return Verdict::default();
        }
        // Nor for this part of the usage; what the bill does speak of on that day is one.
        if needs_bill && !side.spoken_of {
            continue;
        }
        let (then_priced, then_logged) = (priced + touch.money, logged + touch.count);
        let after = after(side, then_priced, then_logged, bound, floor);
        let counts = recounted(side, touch, logged);
        let ties = after.ties || counts || repriced(side, touch, (priced, logged), bound);
        let (money, noise) = (touch.money.abs(), share(floor, priced.max(side.billed)));
        let (open_before, open_after) = ((side.billed - priced).abs(), (side.billed - then_priced).abs());
        on_bill += (side.billed - then_priced - bound - noise).max(0);
        // What tied out before and does not any more is no noise.
        let vanishes = (after.within_noise && open_before > bound)
            || counts
            || (open_before - open_after) * CLOSURE.1 >= money * CLOSURE.0;
        verdict.gain += open(side, priced, logged, bound) - open(side, then_priced, then_logged, bound);
        verdict.closed += open_before - open_after;
        // Where nothing was billed and all of it goes elsewhere, that is a test only if it arrives there.
        if !needs_bill && !side.has_line && then_priced == 0 && !arrives(problem, node, touches, floor) {
            continue;
        }
        verdict.seen |= money > 2 * bound;
        verdict.met |= money > 2 * bound && ties;
        verdict.seen_in_noise |= money > 2 * (bound + noise);
        verdict.refuted |= money > 2 * (bound + noise) && open_before <= bound + noise;
        verdict.exact &= ties || vanishes;
        verdict.entire &= ties || money <= 2 * bound;
        verdict.within_noise &= after.within_noise;
        let told = if ties { digits(touch.money, bound) } else { 0 };
        verdict.told += told;
        *shown.entry(&side.key.cell).or_default() += told;
        verdict.moved += money;
        verdict.moved_exact += if ties { money } else { 0 };
        verdict.moved_within_noise += if after.within_noise { money } else { 0 };
        verdict.moved_nearly += if vanishes { money } else { 0 };
    }
    // The bill has what is said not to be on it.
    if needs_bill && on_bill * ON_BILL > verdict.moved {
        return Verdict { gain: -SURE, ..Verdict::default() };
    }
    verdict.shown = shown.into_values().min().unwrap_or(0);
    verdict
}
