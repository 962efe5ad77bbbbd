//! Usage the bill has and the log did not count, or guessed: kinds of rows that say so themselves, and rows that are
//! missing altogether, which the provider's count of requests shows.
//!
//! The counts are taken from the bill day by day. What tests them is that only days with such rows are off, only in the
//! meters such rows leave open, and no further than such rows can be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::record::{ByModel, Suspect, patch};
use super::{Fact, Patch, Status};
use crate::error::Result;
use crate::period::Day;
use crate::rate::{Account, NOBODY, Owner};
use crate::reconcile::quantity::Gap;
use crate::reconcile::{BillKey, CellKey, Edit, State, quantity};
use crate::vocabulary::{CountSource, Meter, Outcome};

/// A kind of row whose counts are open.
pub(super) struct Kind {
    pub rows: Suspect,
    /// Meters in which log and bill may part because of such rows.
    pub open: fn(Meter) -> bool,
    /// How far, by the counts such rows have in the meter: at most this much less and more on the bill.
    pub range: fn(i128) -> (i128, i128),
    /// The prompt of such rows was counted as a whole, whatever a cache held of it.
    whole_prompt: bool,
    status: Status,
}

pub(super) static KINDS: &[Kind] = &[
    Kind {
        rows: Suspect {
            cause: "qty.stream_no_usage",
            what: "streams logged with zero tokens",
            is: |row| row.outcome == Outcome::StreamWithoutUsage,
            fix: "ask for usage in streams (`stream_options.include_usage`) and count broken streams from the provider's report",
        },
        open: |_| true,
        range: |_| (0, i128::MAX),
        whole_prompt: false,
        status: Status::Proven,
    },
    Kind {
        rows: Suspect {
            cause: "qty.output_only_on_disconnect",
            what: "answers logged with output and no prompt",
            is: |row| row.outcome.is_billable() && row.source == CountSource::OutputOnly,
            fix: "count the prompt when the request is sent: it is billed although the client went away",
        },
        open: Meter::is_prompt,
        range: |_| (0, i128::MAX),
        whole_prompt: false,
        status: Status::Proven,
    },
    Kind {
        rows: Suspect {
            cause: "qty.partial_snapshot",
            what: "answers logged more than once under one id, with growing counts; the first was counted",
            is: |row| row.outcome == Outcome::Restated,
            fix: "log a streamed answer once, when it has ended, or keep the last of its snapshots",
        },
        open: |meter| !meter.is_prompt(),
        // The later snapshots hold the first: what the first lacks is less than they count.
        range: |counted| (0, counted),
        whole_prompt: false,
        status: Status::Probable,
    },
    Kind {
        rows: Suspect {
            cause: "qty.local_estimate",
            what: "rows whose tokens the gateway counted itself",
            is: |row| row.outcome.is_billable() && row.source == CountSource::Estimated,
            fix: "take the counts of the provider's answer; an own tokenizer is off by 10 to 30 percent, and more where tools and images count",
        },
        open: |_| true,
        // Other tokenizers are off by a third, counts of the text alone by three times.
        range: |counted| (counted / 2, counted * 2),
        whole_prompt: true,
        status: Status::Probable,
    },
];

/// Rows of one model by their kind.
#[derive(Default)]
pub(super) struct Rows {
    pub requests: u64,
    pub keys: BTreeSet<Arc<str>>,
    pub days: BTreeSet<Day>,
    /// The same by owner.
    at: BTreeSet<(Owner, Day)>,
    counted: BTreeMap<BillKey, i128>,
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut patches = Vec::new();
    let mut taken: BTreeSet<CellKey> = BTreeSet::new();
    for kind in KINDS {
        for ((account, model), rows) in rows_of(state, kind) {
            let edits = edits(state, kind, &account, &model, &rows, &taken);
            if edits.is_empty() || !control_days_tie(state, &account, &model, &rows) {
                continue;
            }
            let mut found = patch(&kind.rows, &account, &model, edits, rows.keys, rows.requests);
            found.status = kind.status;
            found.facts.push(Fact::new("days without such rows tie out in quantity", "yes"));
            if !state.rejected.contains(&found.name) {
                taken.extend(found.edits.iter().flat_map(|edit| state.touched(edit)));
            }
            patches.push(found);
        }
    }
    patches.extend(lost(state, &taken));
    Ok(patches)
}

pub(super) fn rows_of(state: &State, kind: &Kind) -> BTreeMap<(Account, Arc<str>), Rows> {
    let mut found: BTreeMap<(Account, Arc<str>), Rows> = BTreeMap::new();
    for row in state.usage.iter().filter(|row| (kind.rows.is)(row)) {
        let rows = found.entry((row.account.clone(), row.model.clone())).or_default();
        rows.requests += row.sums.requests;
        rows.keys.insert(row.key.clone());
        rows.days.insert(row.day);
        rows.at.insert((state.owner_of(&row.key), row.day));
        for (key, _, count) in state.places(row) {
            *rows.counted.entry(key).or_default() += count;
        }
    }
    found
}

fn edits(
    state: &State,
    kind: &Kind,
    account: &Account,
    model: &Arc<str>,
    rows: &Rows,
    taken: &BTreeSet<CellKey>,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    for cell in
        state.open.iter().filter(|cell| cell.account == *account && cell.model.as_ref() == Some(model))
    {
        if cell.first != cell.last || !rows.days.contains(&cell.first) || taken.contains(cell) {
            continue;
        }
        let is_open = |key: &BillKey| key.meter.is_some_and(kind.open);
        let possible = |key: &BillKey, gap: &quantity::Gap| {
            let (less, more) = (kind.range)(rows.counted.get(key).copied().unwrap_or(0));
            quantity::quiet(state, gap, 1) || (is_open(key) && (-less..=more).contains(&gap.difference()))
        };
        let parts = quantity::by_owner(quantity::gaps(state, cell)).into_iter();
        for (_, gaps) in parts.filter(|(owner, _)| rows.at.contains(&(*owner, cell.first))) {
            // One meter that such rows cannot explain means that something else happened too.
            let possible = if kind.whole_prompt {
                possible_in_sum(state, kind, rows, &gaps)
            } else {
                gaps.iter().all(|(key, gap)| possible(key, gap))
            };
            if possible && gaps.iter().any(|(key, gap)| is_open(key) && !quantity::quiet(state, gap, 1)) {
                // What such rows lack is on the bill; less than they count is noise.
                let may_be_less = (kind.range)(2).0 > 0;
                let off = gaps.into_iter().filter(|(key, gap)| {
                    is_open(key) && (gap.difference() > 0 || (may_be_less && gap.difference() != 0))
                });
                edits.extend(off.map(|(key, gap)| Edit::Drop { quantity: -gap.difference(), from: key }));
            }
        }
    }
    edits
}

/// True where the prompts in sum, and the answers, are off by no more than such rows can be.
fn possible_in_sum(state: &State, kind: &Kind, rows: &Rows, gaps: &quantity::Gaps) -> bool {
    let tokens = |key: &BillKey| key.meter.is_some_and(Meter::is_token);
    let quiet = |(key, gap): (&BillKey, &Gap)| tokens(key) || quantity::quiet(state, gap, 1);
    gaps.iter().all(quiet)
        && [true, false].into_iter().all(|prompt| {
            let of = gaps
                .iter()
                .filter(|(key, _)| tokens(key) && key.meter.is_some_and(|meter| meter.is_prompt() == prompt));
            let sums = of.map(|(key, gap)| {
                let counted = rows.counted.get(key).copied().unwrap_or(0);
                (gap.difference(), counted, quantity::slack(state, gap.billed))
            });
            let (off, counted, slack) = sums
                .fold((0, 0, 0), |sum, (off, counted, slack)| (sum.0 + off, sum.1 + counted, sum.2 + slack));
            let (less, more) = (kind.range)(counted);
            (-less - slack..=more + slack).contains(&off)
        })
}

/// A day with few rows may be so many times as noisy as the account, and one control day in so many even noisier.
const NOISIER: i128 = 4;
const NOISIEST: usize = 5;

/// Where other days of the same owners miss tokens too, these may miss them for the same reason.
fn control_days_tie(state: &State, account: &Account, model: &Arc<str>, rows: &Rows) -> bool {
    let owners: BTreeSet<Owner> = rows.at.iter().map(|(owner, _)| *owner).collect();
    let cells = super::cells(state).into_iter();
    let (mut control, mut open) = (0, 0);
    for cell in cells.filter(|cell| cell.account == *account && cell.model.as_ref() == Some(model)) {
        let mut parts = quantity::by_owner(quantity::gaps(state, &cell));
        for owner in owners.iter().filter(|owner| !rows.at.contains(&(**owner, cell.first))) {
            let gaps = parts.remove(owner).unwrap_or_default();
            control += 1;
            open += usize::from(!gaps.values().all(|gap| quantity::quiet(state, gap, NOISIER)));
        }
    }
    nearly_all_tie(state, control, open)
}

/// Whether control days tie out, of which so many are open: all of them, or in a noisy log nearly all.
pub(super) fn nearly_all_tie(state: &State, control: usize, open: usize) -> bool {
    control > 0 && if state.noise == 0 { open == 0 } else { open * NOISIEST <= control }
}

pub(super) static LOST: Suspect = Suspect {
    cause: "qty.dropped_rows",
    what: "requests in the provider's usage report that the log does not have, and their tokens",
    is: |row| row.outcome.is_billable(),
    fix: "look for lost log records on these days: queue overflow, failed callbacks, colliding ids, retention",
};

static RETRIED: Suspect = Suspect {
    cause: "qty.retry_unlogged",
    what: "requests in the provider's usage report that the log does not have, with prompts and hardly an answer",
    is: |row| row.outcome.is_billable(),
    fix: "log every attempt as a row of its own, with its number and the id of the call",
};

/// Requests that the provider's usage report counts and the log does not, with about their share of every meter, or of the
/// prompts alone.
fn lost(state: &State, taken: &BTreeSet<CellKey>) -> Vec<Patch> {
    let counts_requests = |account: &Account| {
        state.witnessed.get(account).is_some_and(|meters| meters.contains(&Meter::Request))
    };
    // A report may count requests without saying whose they are.
    let asked = |model: &Arc<str>, owner: Owner| {
        let shared = owner != NOBODY && state.owners.share(&Some(model.clone()), Some(Meter::Request));
        if shared { NOBODY } else { owner }
    };
    let mut logged: BTreeMap<(&Account, &Arc<str>, Owner, Day), i128> = BTreeMap::new();
    for row in state.usage.iter().filter(|row| (LOST.is)(row) && counts_requests(&row.account)) {
        let name = (&row.account, &row.model, asked(&row.model, state.owner_of(&row.key)), row.day);
        *logged.entry(name).or_default() += i128::from(row.sums.requests);
    }
    let asked_for = state.witness.keys().filter(|key| key.meter == Some(Meter::Request));
    let reported: BTreeSet<(&Account, Day)> =
        asked_for.map(|key| (&key.cell.account, key.cell.first)).collect();
    let mut found: ByModel = BTreeMap::new();
    let mut shares: BTreeMap<(Account, Arc<str>), Shares> = BTreeMap::new();
    for cell in state.open.iter().filter(|cell| counts_requests(&cell.account) && !taken.contains(*cell)) {
        let Some(model) = cell.model.as_ref().filter(|_| cell.first == cell.last) else { continue };
        let mut parts: BTreeMap<Owner, quantity::Gaps> = BTreeMap::new();
        let mut everybody: BTreeMap<Option<Meter>, i128> = BTreeMap::new();
        for (key, gap) in quantity::gaps(state, cell) {
            *everybody.entry(key.meter).or_default() += gap.difference();
            parts.entry(asked(model, key.owner)).or_default().insert(key, gap);
        }
        // What another key or tier has too much was not lost.
        let elsewhere =
            |(key, gap): (&BillKey, &Gap)| gap.difference() > 0 && everybody[&key.meter] < gap.difference();
        for (owner, gaps) in parts {
            let requests = requests(state, cell, owner);
            let ours = logged.get(&(&cell.account, model, owner, cell.first)).copied().unwrap_or(0);
            // A model that the report does not have on a day of which it speaks lacks all of them.
            if requests > 0 || reported.contains(&(&cell.account, cell.first)) {
                shares.entry((cell.account.clone(), model.clone())).or_default().balance += requests - ours;
            }
            if requests <= ours
                || ours == 0
                || gaps.values().any(|gap| gap.difference() < 0)
                || gaps.iter().any(elsewhere)
            {
                continue;
            }
            let name = (cell.account.clone(), model.clone());
            let sums = shares.entry(name.clone()).or_default();
            sums.requests.0 += requests - ours;
            sums.requests.1 += requests;
            for (key, gap) in &gaps {
                let meter = sums.meters.entry(key.meter).or_default();
                meter.0 += gap.difference();
                meter.1 += gap.billed;
            }
            let short = gaps.into_iter().filter(|(_, gap)| gap.difference() > 0);
            found
                .entry(name)
                .or_default()
                .extend(short.map(|(key, gap)| Edit::Drop { quantity: -gap.difference(), from: key }));
        }
    }
    let balances: BTreeMap<(Account, Arc<str>), i128> =
        shares.iter().map(|(name, shares)| (name.clone(), shares.balance)).collect();
    let mut patches = Vec::new();
    for ((account, model), edits) in found {
        let Some(shares) = shares.remove(&(account.clone(), model.clone())) else { continue };
        let Some(suspect) = shares.tell().filter(|_| !edits.is_empty()) else { continue };
        let (missing, all) = shares.requests;
        // What is missing on one day and too much on the next was counted by another clock.
        if shares.balance * 2 < missing {
            continue;
        }
        let mut found = patch(suspect, &account, &model, edits, BTreeSet::new(), 0);
        found.facts.truncate(1);
        found.facts.push(Fact::new("requests in the provider's report on these days", all));
        found.facts.push(Fact::new("of which the log lacks", missing));
        found.status = Status::Probable;
        let others = [LOST.cause, RETRIED.cause, "cov.bypass"].into_iter();
        found.rivals = others.filter(|cause| *cause != suspect.cause).map(str::to_owned).collect();
        // Requests that another model lacks may be these.
        let lacking = |((other, served), balance): (&(Account, Arc<str>), &i128)| {
            *other == account && *served != model && *balance * -2 >= missing
        };
        // They went there: where they came from, mapping or the search finds.
        if balances.iter().any(lacking) {
            continue;
        }
        found.decides = Some(
            "the requests of each key, in the report and in the log, with the retries of each".to_owned(),
        );
        patches.push(found);
    }
    patches
}

/// What the log lacks, and all: of requests and of each meter's tokens.
#[derive(Default)]
struct Shares {
    /// Requests that the report has beyond the log, less what the log has beyond the report, on all days.
    balance: i128,
    requests: (i128, i128),
    meters: BTreeMap<Option<Meter>, (i128, i128)>,
}

impl Shares {
    /// Lost calls are like the others: each meter lacks between half and twice the share of the requests. Attempts that timed
    /// out have the prompts of others, all meters of them together, and less than half of the answers.
    fn tell(&self) -> Option<&'static Suspect> {
        let (missing, all) = self.requests;
        let share = |(short, billed): (i128, i128)| {
            let (share, of_requests) = (short.saturating_mul(all), missing.saturating_mul(billed));
            (share.saturating_mul(2) >= of_requests, share <= of_requests.saturating_mul(2))
        };
        let billed = || self.meters.iter().filter(|(_, (_, billed))| *billed > 0);
        if billed().all(|(_, counts)| share(*counts) == (true, true)) {
            return Some(&LOST);
        }
        let sum = |prompt: bool| {
            let of = billed().filter(|(meter, _)| {
                meter.is_some_and(|meter| meter.is_token() && meter.is_prompt() == prompt)
            });
            of.fold((0, 0), |sum, (_, (short, billed))| (sum.0 + short, sum.1 + billed))
        };
        let (prompts, answers) = (sum(true), sum(false));
        (answers.1 > 0 && share(prompts) == (true, true) && !share(answers).0).then_some(&RETRIED)
    }
}

/// Requests that the provider's usage report counts for an owner's part of the cell.
fn requests(state: &State, cell: &CellKey, owner: Owner) -> i128 {
    let own = |(key, _): &(&BillKey, _)| key.owner == owner && key.meter == Some(Meter::Request);
    let first = BillKey::first_of(cell);
    let counts = state.witness.range(first..).take_while(|(key, _)| key.cell == *cell).filter(own);
    counts.flat_map(|(_, by_identity)| by_identity.values()).sum()
}
