//! Invented months with known faults: is the right cause named, and never a wrong one?
//!
//! The bill is made by integer arithmetic over prices typed in by hand, so an error of the price book or of the
//! pricing code shows as a difference here.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its world should stop there")]

mod faults;
mod fixes;
mod judge;
mod month;
mod prices;
mod random;

use std::sync::LazyLock;

use faults::{AT_MODEL_DAY, DECOYS, FAULTS, Fault, STRANGE, WHOLE};
use judge::{Verdict, judge};
use llmfin::pricebook::Pricebook;
use month::{Bill, World};
use random::Random;

static BOOK: LazyLock<Pricebook> = LazyLock::new(|| Pricebook::shipped().unwrap());

/// Sums over the worlds of one line of the table.
#[derive(Default)]
struct Score {
    worlds: usize,
    faulty: usize,
    found: usize,
    ambiguous: usize,
    wrong: Vec<String>,
    missed: Vec<String>,
}

impl Score {
    fn add(&mut self, seed: u64, verdict: Verdict) {
        self.worlds += 1;
        self.faulty += verdict.faulty;
        self.found += verdict.found;
        self.ambiguous += verdict.ambiguous;
        self.wrong.extend(verdict.wrong.into_iter().map(|text| format!("seed {seed}: {text}")));
        self.missed.extend(verdict.missed.into_iter().map(|text| format!("seed {seed}: {text}")));
    }

    /// One line of the table, shown by `cargo test --test worlds -- --nocapture`.
    #[expect(clippy::print_stderr, reason = "the table is for the reader of the test")]
    fn show(&self, suite: &str, what: &str) {
        eprintln!(
            "{suite:<16} {what:<44} worlds {:>4}  faulty cells {:>5}  found {:>5}  ambiguous {:>4}  wrong {:>3}",
            self.worlds,
            self.faulty,
            self.found,
            self.ambiguous,
            self.wrong.len()
        );
    }
}

fn run(fault: &Fault, bill: Bill, witness: bool, seeds: std::ops::Range<u64>) -> Score {
    let mut score = Score::default();
    for seed in seeds {
        let random = &mut Random::new(seed);
        let mut world = World::clean(random, bill, witness);
        (fault.inject)(&mut world, random);
        score.add(seed, judge(&world, &BOOK).0);
    }
    score
}

fn first(list: &[String]) -> String {
    list.iter().take(12).cloned().collect::<Vec<_>>().join("\n")
}

#[test]
fn a_single_fault_is_found_with_a_usage_report() {
    let mut bad = String::new();
    for fault in FAULTS {
        let score = run(fault, fault.bill, true, 0..12);
        score.show("single", &format!("{} {:?}", fault.cause, fault.bill));
        if !score.wrong.is_empty() || score.found != score.faulty || score.faulty == 0 {
            bad += &format!(
                "{} {:?}: faulty {}\nwrong {}\nmissed {}\n",
                fault.cause,
                fault.bill,
                score.faulty,
                first(&score.wrong),
                first(&score.missed)
            );
        }
    }
    assert!(bad.is_empty(), "{bad}");
}

#[test]
fn nothing_wrong_is_named_without_a_usage_report() {
    let mut bad = String::new();
    for fault in FAULTS.iter().chain(STRANGE) {
        let score = run(fault, fault.bill, false, 0..12);
        score.show("no report", &format!("{} {:?}", fault.cause, fault.bill));
        if !score.wrong.is_empty() {
            bad += &format!("{} {:?}: {}\n", fault.cause, fault.bill, first(&score.wrong));
        }
    }
    assert!(bad.is_empty(), "{bad}");
}

#[test]
fn what_no_cause_describes_stays_unexplained() {
    let mut bad = String::new();
    for fault in STRANGE {
        let score = run(fault, fault.bill, true, 0..12);
        score.show("open", &format!("{} {:?}", fault.cause, fault.bill));
        if !score.wrong.is_empty() {
            bad += &format!("{} {:?}: {}\n", fault.cause, fault.bill, first(&score.wrong));
        }
    }
    assert!(bad.is_empty(), "{bad}");
}

#[test]
fn what_is_right_does_not_alarm() {
    for decoy in DECOYS {
        for witness in [true, false] {
            let mut score = Score::default();
            for seed in 0..12 {
                let random = &mut Random::new(seed);
                let mut world = World::clean(random, decoy.bill, witness);
                (decoy.inject)(&mut world, random);
                let (verdict, document) = judge(&world, &BOOK);
                assert!(verdict.unexplained.is_zero(), "{} {seed}: {:?}", decoy.cause, document.totals);
                score.add(seed, verdict);
            }
            score.show("decoy", decoy.cause);
            assert!(score.wrong.is_empty(), "{}: {}", decoy.cause, first(&score.wrong));
        }
    }
}

#[test]
fn two_faults_at_once_never_make_a_wrong_claim() {
    let mut score = Score::default();
    for seed in 0..160 {
        let random = &mut Random::new(1000 + seed);
        let one = random.range(0, FAULTS.len() as u64 - 1) as usize;
        let same: Vec<&Fault> =
            FAULTS.iter().chain(STRANGE).filter(|fault| fault.bill == FAULTS[one].bill).collect();
        let two = random.pick(&same);
        let mut world = World::clean(random, FAULTS[one].bill, random_witness(seed));
        (FAULTS[one].inject)(&mut world, random);
        (two.inject)(&mut world, random);
        let (mut verdict, _) = judge(&world, &BOOK);
        let names = format!("{} + {}: ", FAULTS[one].cause, two.cause);
        verdict.wrong.iter_mut().for_each(|text| text.insert_str(0, &names));
        verdict.missed.iter_mut().for_each(|text| text.insert_str(0, &names));
        score.add(seed, verdict);
    }
    score.show("two faults", "");
    assert!(score.wrong.is_empty(), "{}", first(&score.wrong));
}

fn random_witness(seed: u64) -> bool {
    !seed.is_multiple_of(4)
}

#[test]
fn a_coarse_bill_never_makes_a_wrong_claim() {
    for bill in [Bill::ModelDay, Bill::Day, Bill::Month] {
        for fault in FAULTS.iter().chain(STRANGE).filter(|fault| fault.bill == Bill::Exact) {
            let score = run(fault, bill, false, 0..4);
            score.show(&format!("{bill:?}"), fault.cause);
            assert!(score.wrong.is_empty(), "{bill:?} {}: {}", fault.cause, first(&score.wrong));
            if bill == Bill::ModelDay && AT_MODEL_DAY.contains(&fault.cause) {
                assert_eq!(score.found, score.faulty, "{}: {}", fault.cause, first(&score.missed));
            }
        }
    }
    for fault in WHOLE {
        let score = run(fault, fault.bill, false, 0..8);
        score.show("ModelDay", fault.cause);
        assert!(score.wrong.is_empty(), "{}: {}", fault.cause, first(&score.wrong));
        assert!(score.faulty > 0 && score.found == score.faulty, "{}", first(&score.missed));
    }
}
