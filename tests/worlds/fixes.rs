//! Fixes of invented months, applied: the cause is gone, the estimate moved by the finding's amount, all else stands.

use std::collections::{BTreeMap, BTreeSet};

use llmfin::books::rules::Rules;
use llmfin::causes::Status;
use llmfin::cli::rules;
use llmfin::close::assemble::assemble;
use llmfin::close::document::{Bridge, Finding, Reconciliation};
use llmfin::close::inputs::CloseInputs;
use llmfin::diagnostic::Level;
use llmfin::fixes;
use llmfin::money::Money;
use llmfin::pricebook::files::BookFile;
use llmfin::pricebook::{Layer, Pricebook, Reading};
use llmfin::review::check;

use crate::BOOK;
use crate::faults::{AT_MODEL_DAY, FAULTS, Fault, WHOLE};
use crate::month::{Bill, World};
use crate::random::Random;

const SEEDS: u64 = 2;

/// What became of the findings of one cause.
#[derive(Default)]
struct Tally {
    findings: usize,
    fixed: usize,
    /// Findings whose files were applied and did not do what they say.
    broken: Vec<String>,
}

/// The files written for one finding.
fn files(document: &Reconciliation, inputs: &CloseInputs, finding: &Finding) -> BTreeMap<String, String> {
    let mut alone = document.clone();
    alone.findings.retain(|other| other.id == finding.id);
    let written = fixes::files(&fixes::Context::new(&alone, inputs, &[], None)).unwrap();
    written.into_iter().map(|file| (file.path, file.content)).collect()
}

fn book_files(files: &BTreeMap<String, String>, folder: &str) -> Vec<BookFile> {
    let inside = files.iter().filter_map(|(path, content)| Some((path.split_once(folder)?.1, content)));
    inside
        .map(|(name, content)| BookFile {
            layer: Layer::Overlay,
            name: name.to_owned(),
            shown: format!("own/{name}"),
            content: content.clone().into(),
        })
        .collect()
}

/// Applies the files as their page says, and compares. What is wrong with the result, or `None`.
fn apply(world: &World, before: &Reconciliation, finding: &Finding) -> Option<Vec<String>> {
    let inputs = world.inputs(&BOOK);
    let files = files(before, &inputs, finding);
    let own = book_files(&files, "pricebook/");
    let agreed = book_files(&files, "contracts/");
    let said = files.iter().find(|(path, _)| path.ends_with("rules.toml"));
    if own.is_empty() && agreed.is_empty() && said.is_none() {
        return None;
    }
    let mut wrong = Vec::new();
    let book = if own.is_empty() && agreed.is_empty() {
        BOOK.clone()
    } else {
        let Reading { book, problems } = Pricebook::read(own.clone(), agreed, None);
        let as_of = "2026-11-01".parse().unwrap();
        let report = check::run(&check::Context::new(&own, &book, as_of), problems, &check::rules());
        let errors = report.findings.iter().filter(|found| found.level == Level::Error);
        wrong.extend(errors.map(|found| format!("pricebook check: {found}")));
        book
    };
    let mut inputs = world.inputs(&book);
    if let Some((path, text)) = said {
        let said = Rules::parse(path, text).unwrap();
        rules::declare(&said.accounts, &said.models, &said.traffic, &mut inputs);
    }
    let after = assemble(&inputs).unwrap();
    let moved = after.totals.priced - before.totals.priced;
    // A declaration names what bypasses the gateway; it moves no estimate and the traffic still bypasses it.
    if finding.cause == "cov.bypass" {
        let settled = |finding: &&Finding| finding.cause == "cov.bypass" && finding.status == Status::Proven;
        let amount: Money = after.findings.iter().filter(settled).map(|finding| finding.amount).sum();
        let was: Money = before
            .findings
            .iter()
            .filter(|finding| finding.cause == "cov.bypass")
            .map(|finding| finding.amount)
            .sum();
        if amount != was {
            wrong.push(format!("declared bypass is {amount}, was {was}"));
        }
        return Some(wrong);
    }
    if (moved - finding.amount).abs() > before.totals.rounding_bound {
        wrong.push(format!("moved {moved}, not {}", finding.amount));
    }
    let about = |other: &Finding| (other.cause.clone(), other.scope.models.clone(), other.amount);
    let all = |document: &Reconciliation| -> BTreeSet<_> {
        let second = document.findings.iter().filter(|other| other.bridge == Bridge::PricedBilled);
        second.filter(|other| other.cause != "round.line").map(about).collect()
    };
    let mut expected = all(before);
    expected.remove(&about(finding));
    if all(&after) != expected {
        wrong.push(format!("findings are {:?}, not {expected:?}", all(&after)));
    }
    Some(wrong)
}

fn tally(fault: &Fault, bill: Bill, tallies: &mut BTreeMap<String, Tally>) {
    for seed in 0..SEEDS {
        let random = &mut Random::new(seed);
        let mut world = World::clean(random, bill, bill == fault.bill);
        (fault.inject)(&mut world, random);
        let document = assemble(&world.inputs(&BOOK)).unwrap();
        for finding in document.findings.iter().filter(|finding| finding.bridge == Bridge::PricedBilled) {
            let tally = tallies.entry(finding.cause.clone()).or_default();
            tally.findings += 1;
            if let Some(wrong) = apply(&world, &document, finding) {
                tally.fixed += usize::from(wrong.is_empty());
                let place = |text| format!("{} {bill:?} seed {seed} {}: {text}", finding.cause, finding.id);
                tally.broken.extend(wrong.into_iter().map(place));
            }
        }
    }
}

#[test]
fn an_applied_fix_takes_its_finding_and_nothing_else() {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for fault in FAULTS.iter().chain(WHOLE) {
        tally(fault, fault.bill, &mut tallies);
    }
    for fault in
        FAULTS.iter().filter(|fault| fault.bill == Bill::Exact && AT_MODEL_DAY.contains(&fault.cause))
    {
        tally(fault, Bill::ModelDay, &mut tallies);
    }
    let mut broken = Vec::new();
    for (cause, tally) in tallies {
        eprintln!("{cause:<24} findings {:>3}  with files that hold {:>3}", tally.findings, tally.fixed);
        broken.extend(tally.broken);
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
