//! Sums rows of the usage table into the cubes.

use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use sha2::{Digest, Sha256};

use super::values::{Cell, Faults};
use crate::columnar::Block;
use crate::diagnostic::{Diagnostic, Origin};
use crate::invoice::Reject;
use crate::money::Money;
use crate::period::{Day, SECONDS_PER_SLOT};
use crate::read::ids::{self, Ledger};
use crate::read::lines::other_calls;
use crate::read::mark::{Mark, Repeat};
use crate::read::onlooker::CountedRow;
use crate::read::{UsageOptions, UsageRead};
use crate::usage::counted_by;
use crate::usage::cube::{AttributionKey, Band, Cubes, Name, Names, RatingKey, Sums};
use crate::usage_table::{Column, Field, Part, columns};
use crate::vocabulary::{CallType, CountSource, Meter, Outcome, Reading, Tier};

type Map<Key> = hashbrown::HashMap<Key, Sums, FixedState>;

const LISTED_REJECTS: usize = 1000;

/// Cubes in the making, of one file or of a share of it.
pub struct Assembler<'o> {
    options: &'o UsageOptions,
    schema: Vec<Column>,
    names: Names,
    rating: Map<RatingKey>,
    attribution: Map<AttributionKey>,
    ledger: Ledger,
    read: UsageRead,
    /// Sums of several requests whose context band is not told.
    unknown_bands: u64,
    rounded: u64,
    /// Keys seen with an account, and those seen with two.
    accounts: BTreeMap<(Name, Name), Name>,
    two_accounts: BTreeMap<(Name, Name), Origin>,
}

impl<'o> Assembler<'o> {
    pub fn new(options: &'o UsageOptions) -> Assembler<'o> {
        Assembler {
            options,
            schema: columns(),
            names: Names::default(),
            rating: Map::default(),
            attribution: Map::default(),
            ledger: Ledger::new(options.known_ids.clone()),
            read: UsageRead::default(),
            unknown_bands: 0,
            rounded: 0,
            accounts: BTreeMap::new(),
            two_accounts: BTreeMap::new(),
        }
    }

    pub fn reject(&mut self, origin: Origin, code: &'static str, reason: String, amount: Option<Money>) {
        self.read.rows += 1;
        self.read.rejected += 1;
        if self.read.rejects.len() < LISTED_REJECTS {
            self.read.rejects.push(Reject { origin, code, reason, amount });
        }
    }

    pub fn block(&mut self, block: &Block<'_>, place: &dyn Fn(usize) -> Origin) {
        let schema = std::mem::take(&mut self.schema);
        let cell = |field: Field| {
            let index = schema.iter().position(|column| column.field == field);
            let cells = index.and_then(|index| block.columns.get(index)).and_then(Option::as_ref);
            let name = index.map_or("", |index| schema[index].name.as_str());
            Cell { name, cells, rows: block.rows }
        };
        let mut faults = Faults::new();
        let mut name = |field| cell(field).texts(|text| self.names.intern(text));
        let (provider, key, account) = (name(Field::Provider), name(Field::Key), name(Field::Account));
        let (requested, routed, served) =
            (name(Field::RequestedModel), name(Field::RoutedModel), name(Field::ServedModel));
        let region = name(Field::Region);
        let (team, feature, environment) =
            (name(Field::Team), name(Field::Feature), name(Field::Environment));
        let (customer, deploy) = (name(Field::Customer), name(Field::Deploy));
        let at = cell(Field::PeriodStart).instants(&mut faults);
        let read_tier = |text: &str| Tier::read("", text);
        let tier =
            cell(Field::ServiceTier).words_or(Tier::ALL, Tier::id, read_tier, Tier::Standard, &mut faults);
        let outcome = cell(Field::Outcome).words(Outcome::ALL, Outcome::id, Outcome::Success, &mut faults);
        let call_type =
            cell(Field::CallType).words(CallType::ALL, CallType::id, CallType::Generation, &mut faults);
        let source = cell(Field::CountSource).words(
            CountSource::ALL,
            CountSource::id,
            CountSource::Provider,
            &mut faults,
        );
        let reading = cell(Field::Reading).words(Reading::ALL, Reading::id, Reading::Inclusive, &mut faults);
        let parts = [None, Some(Part::Rating), Some(Part::Attribution)];
        let part_id = |part: Option<Part>| part.map_or("", Part::id);
        let part = cell(Field::Cube).words(&parts, part_id, None, &mut faults);
        let stream = cell(Field::Stream).flags(&mut faults);
        let whole_day = cell(Field::WholeDay).flags(&mut faults);
        let prompt_from = cell(Field::PromptTokensFrom).counts(&mut faults);
        let requests = cell(Field::Requests).counts(&mut faults);
        let logged = cell(Field::LoggedCost).amounts(&mut faults);
        let logged_requests = cell(Field::LoggedRequests).counts(&mut faults);
        let ids = cell(Field::RequestId).texts(|text| Some(text.to_owned()));
        let mut meters: Vec<(Meter, Vec<Option<u64>>)> = Vec::new();
        for meter in Meter::ALL {
            let cell = cell(Field::Meter(*meter));
            if cell.cells.is_some() {
                meters.push((*meter, cell.counts(&mut faults)));
            }
        }
        for row in 0..block.rows {
            let slot = at[row].map(|(at, _)| u32::try_from(at.div_euclid(SECONDS_PER_SLOT)));
            let requests = requests[row].unwrap_or(1);
            let mut sums = Sums { requests, ..Sums::default() };
            for (meter, counts) in &meters {
                if let Some(count) = counts[row] {
                    sums.meters.set(*meter, count);
                }
            }
            // Tables of llmfin's own hold whatever a gateway left out.
            let billed = part[row].is_none() && outcome[row].is_billable();
            let fault = match slot {
                _ if faults.contains_key(&row) => faults.remove(&row),
                None => Some(("bad-instant", "`period_start` is empty".to_owned())),
                Some(Err(_)) => Some(("bad-instant", "`period_start` is before 1970 or too late".to_owned())),
                Some(Ok(_)) if ids[row].is_some() && requests != 1 => {
                    Some(("id-on-a-sum", format!("a row with a `request_id` stands for {requests} requests")))
                }
                Some(Ok(_)) if served[row] == 0 && billed && is_of_a_model(&sums) => {
                    let reason =
                        "`served_model` is empty: write the model, or the alias that `[[model]]` maps";
                    Some(("no-model", reason.to_owned()))
                }
                Some(Ok(_)) => None,
            };
            let (Some(Ok(slot)), None) = (slot, &fault) else {
                let (code, reason) = fault.unwrap_or_default();
                self.reject(place(row), code, reason, logged[row].map(|(amount, _)| amount));
                continue;
            };
            if let Some((amount, rounded)) = logged[row] {
                sums.logged = amount;
                sums.logged_rows = requests;
                self.rounded += u64::from(rounded);
            }
            sums.logged_rows = logged_requests[row].unwrap_or(sums.logged_rows);
            let bands = &self.options.bands;
            let band = match prompt_from[row] {
                Some(prompt) => Band::index(bands, prompt),
                None if requests <= 1 => Band::index(bands, sums.meters.prompt()),
                None => {
                    self.unknown_bands += u64::from(Band::index(bands, sums.meters.prompt()) > 0);
                    0
                }
            };
            let key = match (key[row], account[row]) {
                (0, account) => account,
                (key, 0) => key,
                (key, account) => {
                    let known = *self.accounts.entry((provider[row], key)).or_insert(account);
                    if known != account {
                        self.two_accounts.entry((provider[row], key)).or_insert_with(|| place(row));
                    }
                    key
                }
            };
            let mut outcome = outcome[row];
            if let Some(id) = &ids[row]
                && let at = at[row].unwrap_or_default().0
                && let mark = Mark::of(&sums.meters, self.names.text(served[row]), self.names.text(key), at)
                && let Some(repeat) = self.repeats(id, outcome, at, mark)
            {
                outcome = repeat.outcome();
            }
            let rating = RatingKey {
                slot,
                provider: provider[row],
                key,
                requested: requested[row],
                routed: routed[row],
                served: served[row],
                region: region[row],
                tier: tier[row],
                band,
                outcome,
                call_type: call_type[row],
                source: counted_by(source[row], call_type[row], &sums.meters),
                reading: reading[row],
                stream: stream[row],
                whole_day: whole_day[row] || at[row].is_some_and(|(_, day)| day),
            };
            let attribution = AttributionKey {
                day: Day::of_instant(rating.at()).days(),
                team: team[row],
                feature: feature[row],
                environment: environment[row],
                customer: customer[row],
                deploy: deploy[row],
                provider: provider[row],
                key,
                routed: routed[row],
                served: served[row],
                region: region[row],
                tier: tier[row],
                band,
                outcome,
            };
            if part[row] != Some(Part::Attribution) {
                if let Some(onlooker) = &self.options.onlooker {
                    onlooker.see(&CountedRow {
                        id: ids[row].as_deref().unwrap_or(""),
                        key: &rating,
                        names: &self.names,
                        at: at[row].map_or(rating.at(), |(at, _)| at),
                        requests,
                        origin: place(row),
                    });
                }
                self.read.rows += requests;
                self.rating.entry(rating).or_default().add(&sums);
            }
            if part[row] != Some(Part::Rating) {
                self.attribution.entry(attribution).or_default().add(&sums);
            }
        }
        self.schema = schema;
    }

    /// Was the call counted already? Hashed as for gateway logs: failed attempts share the id of the call they belong to.
    fn repeats(&mut self, id: &str, outcome: Outcome, at: i64, mark: Mark) -> Option<Repeat> {
        let mut hasher = Sha256::new_with_prefix(id.as_bytes());
        if matches!(outcome, Outcome::Failed | Outcome::NotACall) {
            hasher.update([0]);
            hasher.update(at.to_le_bytes());
        }
        self.ledger.repeats(ids::first(&hasher.finalize()), mark)
    }

    /// Adds another share of the same file. Shares have no ids.
    pub fn merge(&mut self, other: Assembler<'_>) {
        let place = |map: &BTreeMap<(Name, Name), Origin>| map.values().next().cloned();
        if let Some(origin) = place(&other.two_accounts) {
            self.two_accounts.entry((0, 0)).or_insert(origin);
        }
        self.unknown_bands += other.unknown_bands;
        self.rounded += other.rounded;
        let cubes = cubes(other.names, other.rating, other.attribution);
        self.read.cubes.merge(&cubes);
        self.read.rows += other.read.rows;
        self.read.rejected += other.read.rejected;
        self.read.rejects.extend(other.read.rejects);
    }

    pub fn finish(self, origin: &Origin, notes: Vec<Diagnostic>) -> UsageRead {
        let mut read = self.read;
        read.cubes.merge(&cubes(self.names, self.rating, self.attribution));
        // The order of names must not depend on how the rows were shared out.
        let mut sorted = Cubes::default();
        let mut texts: Vec<&str> =
            (0..read.cubes.names.len()).map(|name| read.cubes.names.text(name as Name)).collect();
        texts.sort_unstable();
        for text in texts {
            sorted.names.intern(text);
        }
        sorted.merge(&read.cubes);
        read.cubes = sorted;
        read.diagnostics.extend(other_calls(self.ledger.others, origin));
        read.ids = self.ledger.into_ids();
        read.rejects.sort();
        read.rejects.truncate(LISTED_REJECTS);
        read.diagnostics.extend(notes);
        if self.unknown_bands > 0 {
            let message =
                format!("{} sums of several requests do not say their context band", self.unknown_bands);
            read.diagnostics.push(
                Diagnostic::warning("unknown-context-band", origin.clone(), message)
                    .help("group by prompt size as well and fill `prompt_tokens_from`"),
            );
        }
        if self.rounded > 0 {
            let message = format!("{} costs had more than 12 decimals and were rounded", self.rounded);
            read.diagnostics.push(Diagnostic::note("rounded-amounts", origin.clone(), message));
        }
        if let Some(place) = self.two_accounts.into_values().min() {
            read.diagnostics.push(
                Diagnostic::warning(
                    "key-with-two-accounts",
                    place,
                    "one gateway key is paid by two accounts",
                )
                .help("deliver one file per account and name the account in its `[[source]]`"),
            );
        }
        read
    }
}

/// Storage, sessions and tool calls alone are sold without a model.
fn is_of_a_model(sums: &Sums) -> bool {
    sums.meters.tokens() > 0 || sums.meters.is_zero()
}

fn cubes(names: Names, rating: Map<RatingKey>, attribution: Map<AttributionKey>) -> Cubes {
    Cubes { names, rating: rating.into_iter().collect(), attribution: attribution.into_iter().collect() }
}
