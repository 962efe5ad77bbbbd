//! An invented month: what happened, what the gateway logged of it, what the provider bills for it.
//!
//! A [`Row`] is a group of equal calls with both views. They are the same until a fault parts them.

use std::collections::{BTreeMap, BTreeSet};

use llmfin::close::inputs::{AccountDocument, CloseInputs, SourceCubes};
use llmfin::diagnostic::Origin;
use llmfin::invoice::{BillLine, Document, DocumentKind, ModelScope};
use llmfin::money::Money;
use llmfin::period::{Day, Month, Period, SECONDS_PER_SLOT};
use llmfin::pricebook::Pricebook;
use llmfin::rate::Account;
use llmfin::usage::Meters;
use llmfin::usage::cube::{Cubes, RatingKey, Sums};
use llmfin::vocabulary::{CallType, CountSource, Meter, Outcome, Reading, Tier};

use crate::prices;
use crate::random::Random;

pub type Tokens = BTreeMap<Meter, u64>;

/// Calls of one key to one model on one day.
#[derive(Debug, Clone)]
pub struct Row {
    pub key: &'static str,
    pub alias: &'static str,
    pub project: &'static str,
    pub day: u32,
    pub model: &'static str,
    pub billed_as: &'static str,
    pub billed_tier: Tier,
    pub billed_region: &'static str,
    pub billed_long: bool,
    pub outcome: Outcome,
    pub call_type: CallType,
    /// `None`: not in the log.
    pub logged: Option<Tokens>,
    /// `None`: not on the bill.
    pub billed: Option<Tokens>,
}

/// How finely the provider bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bill {
    /// Model, day, meter and tier, exact amounts, like OpenAI's cost export.
    Exact,
    /// Model, day, meter, tier and region, cents a row, like Anthropic's console.
    Cents,
    /// As `Cents`, without the region.
    CentsWithoutRegion,
    ModelDay,
    Day,
    Month,
}

#[derive(Debug, Clone)]
pub struct World {
    pub provider: &'static str,
    pub models: Vec<&'static str>,
    pub first: u32,
    pub last: u32,
    pub rows: Vec<Row>,
    pub bill: Bill,
    pub witness: bool,
    /// Projects on the bill, and those the books call the gateway's.
    pub projects: bool,
    pub declared: bool,
    /// The bill tells the context band.
    pub bands: bool,
    /// Unit prices the provider charges instead of its list, from a day on.
    pub rates: BTreeMap<(&'static str, Meter), Vec<(u32, i128)>>,
    /// Amounts nobody can explain.
    pub extra: BTreeMap<(&'static str, u32, Meter), i128>,
    /// The causes at work in each model-day.
    pub truth: BTreeMap<(&'static str, u32), BTreeSet<&'static str>>,
}

pub const KEYS: [(&str, &str, &str); 4] = [
    ("team-search", "smart", "proj_search"),
    ("team-support", "fast", "proj_support"),
    ("team-data", "bulk", "proj_data"),
    ("team-docs", "writer", "proj_docs"),
];

impl World {
    /// A month without any fault.
    pub fn clean(random: &mut Random, bill: Bill, witness: bool) -> World {
        let provider = match bill {
            Bill::Cents | Bill::CentsWithoutRegion => "anthropic",
            _ => "openai",
        };
        let all: &[&'static str] = if provider == "openai" { &prices::OPENAI } else { &prices::ANTHROPIC };
        let wanted = random.range(3, all.len() as u64) as usize;
        let mut models = all.to_vec();
        while models.len() > wanted {
            models.remove(random.range(0, models.len() as u64 - 1) as usize);
        }
        // October from the 4th on: every tier of every model has its own row by then.
        let first = 4;
        let last = first + random.range(13, 27) as u32;
        let mut world = World {
            provider,
            models: models.clone(),
            first,
            last,
            rows: Vec::new(),
            bill,
            witness,
            projects: false,
            declared: false,
            bands: false,
            rates: BTreeMap::new(),
            extra: BTreeMap::new(),
            truth: BTreeMap::new(),
        };
        for (key, alias, project) in KEYS {
            for model in &models {
                if !random.chance(70) {
                    continue;
                }
                for day in first..=last {
                    for _ in 0..random.range(1, 2) {
                        let tokens = world.tokens(random, model);
                        world.rows.push(Row {
                            key,
                            alias,
                            project,
                            day,
                            model,
                            billed_as: model,
                            billed_tier: Tier::Standard,
                            billed_region: "global",
                            billed_long: false,
                            outcome: Outcome::Success,
                            call_type: CallType::Generation,
                            logged: Some(tokens.clone()),
                            billed: Some(tokens),
                        });
                    }
                }
            }
        }
        world
    }

    /// A random mix of meters.
    pub fn tokens(&self, random: &mut Random, model: &str) -> Tokens {
        let mut tokens = Tokens::from([
            (Meter::Input, random.range(20_000, 900_000)),
            (Meter::Output, random.range(2_000, 90_000)),
        ]);
        if random.chance(80) {
            tokens.insert(Meter::CacheRead, random.range(10_000, 600_000));
        }
        let write = prices::cache_write(self.provider);
        if random.chance(60) && prices::unit(model, write, Tier::Standard, "", false) > 0 {
            tokens.insert(write, random.range(5_000, 200_000));
        }
        tokens
    }

    pub fn blame(&mut self, cause: &'static str, model: &'static str, day: u32) {
        self.truth.entry((model, day)).or_default().insert(cause);
    }

    fn unit(&self, row: &Row, meter: Meter) -> i128 {
        let changed = self.rates.get(&(row.billed_as, meter)).into_iter().flatten();
        match changed.filter(|(from, _)| *from <= row.day).max_by_key(|(from, _)| *from) {
            Some((_, unit)) => *unit,
            None => prices::unit(row.billed_as, meter, row.billed_tier, row.billed_region, row.billed_long),
        }
    }

    fn lines(&self) -> (Vec<BillLine>, Vec<BillLine>) {
        type Key<'a> = (Option<u32>, Option<&'a str>, Option<Meter>, Option<Tier>, &'a str, bool, &'a str);
        let key = |day: u32, model, meter, tier, region, long, project| -> Key {
            let project = if self.projects { project } else { "" };
            match self.bill {
                Bill::Exact => (Some(day), Some(model), Some(meter), Some(tier), "", long, project),
                Bill::Cents => (Some(day), Some(model), Some(meter), Some(tier), region, false, project),
                Bill::CentsWithoutRegion => {
                    (Some(day), Some(model), Some(meter), Some(tier), "", false, project)
                }
                Bill::ModelDay => (Some(day), Some(model), None, None, "", false, ""),
                Bill::Day => (Some(day), None, None, None, "", false, ""),
                Bill::Month => (None, None, None, None, "", false, ""),
            }
        };
        let mut amounts: BTreeMap<Key, i128> = BTreeMap::new();
        let mut counts: BTreeMap<Key, i128> = BTreeMap::new();
        for row in &self.rows {
            for (meter, count) in row.billed.iter().flatten() {
                let key = key(
                    row.day,
                    row.billed_as,
                    *meter,
                    row.billed_tier,
                    row.billed_region,
                    row.billed_long,
                    row.project,
                );
                *amounts.entry(key).or_default() += i128::from(*count) * self.unit(row, *meter);
                *counts.entry(key).or_default() += i128::from(*count);
            }
        }
        for ((model, day, meter), pico) in &self.extra {
            let key = key(*day, model, *meter, Tier::Standard, "global", false, KEYS[0].2);
            *amounts.entry(key).or_default() += pico;
        }
        let cents = matches!(self.bill, Bill::Cents | Bill::CentsWithoutRegion);
        const CENT: i128 = 10_000_000_000;
        let base = |key: &Key| {
            let (first, last) = key.0.map_or((1, 31), |day| (day, day));
            let mut line = BillLine::new(
                Origin::new("bill.csv", 2, 0),
                format!("{} {}", key.1.unwrap_or("all models"), key.2.map_or("all meters", Meter::id)),
                Period { first: day(first), last: day(last) },
            );
            line.model = key.1.map_or(ModelScope::All, |model| ModelScope::One(model.into()));
            (line.meter, line.tier) = (key.2, key.3);
            line.region = (!key.4.is_empty()).then(|| key.4.into());
            line.long_context = (self.bands && self.bill == Bill::Exact).then_some(key.5);
            line.project = (!key.6.is_empty()).then(|| key.6.into());
            line
        };
        let bill = amounts
            .iter()
            .filter(|(_, pico)| **pico != 0)
            .map(|(key, pico)| {
                let mut line = base(key);
                let printed = if cents { (pico + CENT / 2).div_euclid(CENT) * CENT } else { *pico };
                line.amount = Some(Money::from_pico(printed));
                line.rounding_bound = Money::from_pico(if cents { CENT / 2 } else { 0 });
                line
            })
            .collect();
        let report = counts
            .iter()
            .map(|(key, count)| {
                let mut line = base(key);
                line.quantity = Some(*count);
                line
            })
            .collect();
        (bill, report)
    }

    fn cubes(&self) -> Cubes {
        let mut cubes = Cubes::default();
        for row in &self.rows {
            let Some(tokens) = &row.logged else { continue };
            let mut meters = Meters::default();
            for (meter, count) in tokens {
                meters.set(*meter, *count);
            }
            let names = &mut cubes.names;
            let key = RatingKey {
                slot: (day(row.day).start() / SECONDS_PER_SLOT) as u32 + 40,
                provider: names.intern(self.provider),
                key: names.intern(row.key),
                requested: names.intern(row.alias),
                routed: names.intern(row.alias),
                served: names.intern(row.model),
                region: 0,
                tier: Tier::Standard,
                band: 0,
                outcome: row.outcome,
                call_type: row.call_type,
                source: CountSource::Provider,
                reading: Reading::Inclusive,
                stream: row.outcome == Outcome::StreamWithoutUsage,
                whole_day: false,
            };
            let sums = Sums { requests: 1, meters, logged: Money::ZERO, logged_rows: 0 };
            cubes.rating.entry(key).or_default().add(&sums);
        }
        cubes
    }

    pub fn inputs<'a>(&self, book: &'a Pricebook) -> CloseInputs<'a> {
        let month: Month = "2026-10".parse().unwrap();
        let account = Account { provider: self.provider.into(), id: Some("org".into()) };
        let (bill, report) = self.lines();
        let mut documents = vec![document(&account, DocumentKind::Cost, bill)];
        if self.witness {
            documents.push(document(&account, DocumentKind::Usage, report));
        }
        let ours = KEYS.iter().map(|(_, _, project)| (*project).into()).collect();
        CloseInputs {
            label: month.to_string(),
            provisional: false,
            period: month.period(),
            currency: "USD".to_owned(),
            timezone: "UTC".to_owned(),
            book,
            sources: vec![SourceCubes {
                name: "log".into(),
                account: None,
                primary: true,
                cubes: self.cubes(),
            }],
            files: Vec::new(),
            documents,
            later: Vec::new(),
            accounts: Vec::new(),
            keys: Default::default(),
            gateway: if self.declared { [(account, ours)].into() } else { BTreeMap::new() },
            mappings: Vec::new(),
            traffic: Vec::new(),
            rejects: Vec::new(),
            memos: Vec::new(),
            diagnostics: Vec::new(),
        }
    }
}

pub fn day(number: u32) -> Day {
    format!("2026-10-{number:02}").parse().unwrap()
}

fn document(account: &Account, kind: DocumentKind, lines: Vec<BillLine>) -> AccountDocument {
    let mut document = Document::new("test", kind, None);
    document.rows = lines.len() as u64;
    document.lines = lines;
    AccountDocument {
        path: "bill.csv".into(),
        account: account.clone(),
        kind,
        document,
        number: None,
        stated_total: None,
        sha256: String::new(),
        bytes: 0,
    }
}
