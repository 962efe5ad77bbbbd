//! How long does the explanation search take over 100,000 cells?
//!
//! ```text
//! cargo run --release --example explain_cells
//! ```
//!
//! Accounts repeat the models of the shipped book over the days of October until there are enough model-days. One model
//! in ten is billed at another price from the 10th on, one in twenty logs cache reads as input, one alias in twenty is
//! served by the next model, and one model-day in fifty lost rows; the rest ties.

#![expect(clippy::print_stdout, reason = "an example prints its result")]
#![expect(clippy::unwrap_used, reason = "an example stops where its world cannot be built")]

use std::time::Instant;

use llmfin::close::assemble::assemble;
use llmfin::close::inputs::{AccountDocument, CloseInputs, SourceCubes};
use llmfin::diagnostic::Origin;
use llmfin::invoice::{BillLine, Document, DocumentKind, ModelScope};
use llmfin::money::Money;
use llmfin::period::{Day, Month, Period, SECONDS_PER_SLOT};
use llmfin::pricebook::{PriceQuery, Pricebook};
use llmfin::rate::Account;
use llmfin::usage::Meters;
use llmfin::usage::cube::{Cubes, RatingKey, Sums};
use llmfin::vocabulary::{CallType, CountSource, Meter, Outcome, Reading, Tier};

const CELLS: usize = 100_000;
const METERS: [Meter; 3] = [Meter::Input, Meter::CacheRead, Meter::Output];

struct Model {
    id: String,
    /// 10⁻¹² dollars a token.
    units: [i128; 3],
}

fn models(book: &Pricebook) -> Vec<Model> {
    let at = "2026-10-01".parse::<Day>().unwrap().start();
    book.models("openai")
        .filter_map(|model| {
            let id = model.id.to_string();
            let mut units = [0; 3];
            for (unit, meter) in units.iter_mut().zip(METERS) {
                let query = PriceQuery {
                    seller: "openai",
                    model: &id,
                    meter,
                    tier: Tier::Standard,
                    region: "",
                    prompt: 0,
                    at,
                };
                *unit = book.price(&query).ok()?.unit.amount(1).ok()?.0.pico();
            }
            Some(Model { id, units })
        })
        .collect()
}

fn main() {
    let book = Pricebook::shipped().unwrap();
    let month: Month = "2026-10".parse().unwrap();
    let models = models(&book);
    let days: Vec<Day> = (1..=31).map(|day| format!("2026-10-{day:02}").parse().unwrap()).collect();
    let accounts = CELLS.div_ceil(models.len() * days.len());
    let mut sources = Vec::new();
    let mut documents = Vec::new();
    let mut seed = 1u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for number in 0..accounts {
        let name: std::sync::Arc<str> = format!("org-{number:04}").into();
        let account = Account { provider: "openai".into(), id: Some(name.clone()) };
        let mut cubes = Cubes::default();
        let mut bill = std::collections::BTreeMap::new();
        let mut report = std::collections::BTreeMap::new();
        for (index, model) in models.iter().enumerate() {
            for (day_index, day) in days.iter().enumerate() {
                for key in ["batch-jobs", "web"] {
                    let tokens = [1_000 + random(900_000), 1_000 + random(300_000), 100 + random(90_000)];
                    let (mut logged, mut served) = (tokens, index);
                    if index % 20 == 3 && day_index > 8 {
                        logged = [tokens[0] + tokens[1], 0, tokens[2]];
                    }
                    if index % 20 == 7 && key == "web" && day_index > 12 {
                        served = (index + 1) % models.len();
                    }
                    for (meter, count) in tokens.iter().enumerate() {
                        let dear = index % 10 == 1 && served == index && day_index > 9;
                        let unit = models[served].units[meter] * if dear { 5 } else { 4 } / 4;
                        *bill.entry((served, *day, meter)).or_insert(0i128) += i128::from(*count) * unit;
                        *report.entry((served, *day, meter)).or_insert(0i128) += i128::from(*count);
                    }
                    if random(100) == 0 {
                        continue;
                    }
                    let mut meters = Meters::default();
                    for (meter, count) in METERS.iter().zip(logged) {
                        meters.set(*meter, count);
                    }
                    let names = &mut cubes.names;
                    let key = RatingKey {
                        slot: (day.start() / SECONDS_PER_SLOT) as u32 + 40,
                        provider: names.intern("openai"),
                        key: names.intern(key),
                        requested: names.intern(key),
                        routed: names.intern(key),
                        served: names.intern(&model.id),
                        region: 0,
                        tier: Tier::Standard,
                        band: 0,
                        outcome: Outcome::Success,
                        call_type: CallType::Generation,
                        source: CountSource::Provider,
                        reading: Reading::Inclusive,
                        stream: false,
                        whole_day: false,
                    };
                    let sums = Sums { requests: 9, meters, logged: Money::ZERO, logged_rows: 0 };
                    cubes.rating.entry(key).or_default().add(&sums);
                }
            }
        }
        let line = |(model, day, meter): &(usize, Day, usize)| {
            let period = Period { first: *day, last: *day };
            let mut line = BillLine::new(Origin::new("bill.csv", 2, 0), "line", period);
            line.model = ModelScope::One(models[*model].id.as_str().into());
            line.meter = Some(METERS[*meter]);
            line
        };
        let mut cost = Document::new("bench", DocumentKind::Cost, None);
        cost.lines = bill
            .iter()
            .map(|(key, pico)| BillLine { amount: Some(Money::from_pico(*pico)), ..line(key) })
            .collect();
        let mut usage = Document::new("bench", DocumentKind::Usage, None);
        usage.lines =
            report.iter().map(|(key, count)| BillLine { quantity: Some(*count), ..line(key) }).collect();
        for document in [cost, usage] {
            documents.push(AccountDocument {
                path: "bill.csv".into(),
                account: account.clone(),
                kind: document.kind,
                document,
                number: None,
                stated_total: None,
                sha256: String::new(),
                bytes: 0,
            });
        }
        sources.push(SourceCubes { name: "log".into(), account: Some(name), primary: true, cubes });
    }
    let inputs = CloseInputs {
        label: month.to_string(),
        provisional: false,
        period: month.period(),
        currency: "USD".to_owned(),
        timezone: "UTC".to_owned(),
        book: &book,
        sources,
        files: Vec::new(),
        documents,
        later: Vec::new(),
        accounts: Vec::new(),
        keys: Default::default(),
        gateway: Default::default(),
        mappings: Vec::new(),
        traffic: Vec::new(),
        rejects: Vec::new(),
        memos: Vec::new(),
        diagnostics: Vec::new(),
    };
    let start = Instant::now();
    let document = assemble(&inputs).unwrap();
    let time = start.elapsed();
    let open = document.cells.iter().filter(|cell| !cell.unexplained.is_zero()).count();
    println!(
        "{} accounts, {} models, {} cells, {} findings, {open} cells with something unexplained: {} ms",
        accounts,
        models.len(),
        document.cells.len(),
        document.findings.len(),
        time.as_millis()
    );
}
