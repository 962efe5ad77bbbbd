//! Small worlds for tests: cubes and bills without files.

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

/// One group of equal calls in a world.
#[derive(Debug, Clone)]
pub struct Calls<'a> {
    pub provider: &'a str,
    pub model: &'a str,
    pub alias: &'a str,
    pub key: &'a str,
    pub day: Day,
    /// 15-minute slot of the day.
    pub slot: u32,
    pub tier: Tier,
    pub outcome: Outcome,
    pub reading: Reading,
    pub source: CountSource,
    pub requests: u64,
    pub meters: &'a [(Meter, u64)],
    pub logged: Option<&'a str>,
}

impl Calls<'_> {
    pub fn of<'a>(provider: &'a str, model: &'a str, day: &str, meters: &'a [(Meter, u64)]) -> Calls<'a> {
        Calls {
            provider,
            model,
            alias: "",
            key: "",
            day: day.parse().unwrap(),
            slot: 40,
            tier: Tier::Standard,
            outcome: Outcome::Success,
            reading: Reading::Inclusive,
            source: CountSource::Provider,
            requests: 1,
            meters,
            logged: None,
        }
    }
}

pub fn cubes(calls: &[Calls]) -> Cubes {
    let mut cubes = Cubes::default();
    for call in calls {
        let mut meters = Meters::default();
        for (meter, count) in call.meters {
            meters.set(*meter, *count);
        }
        let names = &mut cubes.names;
        let key = RatingKey {
            slot: (call.day.start() / SECONDS_PER_SLOT) as u32 + call.slot,
            provider: names.intern(call.provider),
            key: names.intern(call.key),
            requested: names.intern(call.alias),
            routed: names.intern(call.alias),
            served: names.intern(call.model),
            region: 0,
            tier: call.tier,
            band: 0,
            outcome: call.outcome,
            call_type: CallType::Generation,
            source: call.source,
            reading: call.reading,
            stream: false,
            whole_day: false,
        };
        let sums = Sums {
            requests: call.requests,
            meters,
            logged: call.logged.map_or(Money::ZERO, |text| text.parse().unwrap()),
            logged_rows: u64::from(call.logged.is_some()) * call.requests,
        };
        cubes.rating.entry(key).or_default().add(&sums);
    }
    cubes
}

/// A bill line of one model, day and meter.
pub fn line(model: &str, day: &str, meter: Meter, quantity: Option<i128>, amount: &str) -> BillLine {
    let day: Day = day.parse().unwrap();
    let mut line = BillLine::new(
        Origin::new("bill.csv", 2, 0),
        format!("{model}, {meter}"),
        Period { first: day, last: day },
    );
    line.model = ModelScope::One(model.into());
    line.meter = Some(meter);
    line.quantity = quantity;
    line.amount = Some(amount.parse().unwrap());
    line
}

pub fn document(provider: &str, kind: DocumentKind, lines: Vec<BillLine>) -> AccountDocument {
    let mut document = Document::new("test", kind, None);
    document.rows = lines.len() as u64;
    document.lines = lines;
    AccountDocument {
        path: "bill.csv".into(),
        account: Account { provider: provider.into(), id: None },
        kind,
        document,
        number: None,
        stated_total: None,
        sha256: String::new(),
        bytes: 0,
    }
}

pub fn inputs<'a>(
    book: &'a Pricebook,
    month: &str,
    cubes: Cubes,
    documents: Vec<AccountDocument>,
) -> CloseInputs<'a> {
    let month: Month = month.parse().unwrap();
    CloseInputs {
        label: month.to_string(),
        provisional: false,
        period: month.period(),
        currency: "USD".to_owned(),
        timezone: "UTC".to_owned(),
        book,
        sources: vec![SourceCubes { name: "log".into(), account: None, primary: true, cubes }],
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
    }
}
