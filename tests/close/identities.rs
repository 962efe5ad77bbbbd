//! The promises of the document over random months: everything foots, and order never matters.

use std::sync::LazyLock;

use crate::world::{Calls, cubes, document, inputs, line};
use llmfin::close::assemble::assemble;
use llmfin::close::check;
use llmfin::close::document::Reconciliation;
use llmfin::invoice::{BillLine, DocumentKind, ModelScope};
use llmfin::money::Money;
use llmfin::pricebook::files::BookFile;
use llmfin::pricebook::{Layer, Pricebook, Reading};
use llmfin::vocabulary::{ChargeCategory, Meter, Outcome, Tier};
use proptest::prelude::*;

const MODELS: [&str; 4] = ["gpt-5-mini", "gpt-5.5", "gpt-5.6-luna", "no-such-model"];
const METERS: [Meter; 4] = [Meter::Input, Meter::CacheRead, Meter::Output, Meter::WebSearch];
const OUTCOMES: [Outcome; 5] = [
    Outcome::Success,
    Outcome::Duplicate,
    Outcome::FailedWithUsage,
    Outcome::StreamWithoutUsage,
    Outcome::CacheHit,
];
const TIERS: [Option<Tier>; 4] = [None, Some(Tier::Standard), Some(Tier::Batch), Some(Tier::Flex)];

#[derive(Debug, Clone)]
pub struct LoggedCall {
    model: usize,
    key: usize,
    day: u32,
    outcome: usize,
    meters: Vec<(usize, u64)>,
    logged: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct Billed {
    /// Beyond the list: no model; further beyond: all models.
    model: usize,
    day: u32,
    days: u32,
    meter: Option<usize>,
    tier: usize,
    project: Option<usize>,
    quantity: Option<u32>,
    amount: i64,
    category: ChargeCategory,
    bound: i64,
}

pub fn call() -> impl Strategy<Value = LoggedCall> {
    (
        0..4usize,
        0..3usize,
        1..6u32,
        0..5usize,
        prop::collection::vec((0..4usize, 0..2_000_000u64), 1..4),
        prop::option::of(-5_000_000_000i64..5_000_000_000_000),
    )
        .prop_map(|(model, key, day, outcome, meters, logged)| LoggedCall {
            model,
            key,
            day,
            outcome,
            meters,
            logged,
        })
}

pub fn billed() -> impl Strategy<Value = Billed> {
    let category = prop::sample::select(vec![
        ChargeCategory::Usage,
        ChargeCategory::Usage,
        ChargeCategory::Usage,
        ChargeCategory::Tax,
        ChargeCategory::Credit,
    ]);
    (
        (
            0..6usize,
            1..6u32,
            prop::sample::select(vec![0u32, 0, 0, 3]),
            prop::option::of(0..4usize),
            0..4usize,
        ),
        (
            prop::option::of(0..2usize),
            prop::option::of(0..2_000_000u32),
            -1_000_000_000i64..9_000_000_000_000,
            category,
            prop::sample::select(vec![0i64, 1, 5_000_000_000]),
        ),
    )
        .prop_map(|((model, day, days, meter, tier), (project, quantity, amount, category, bound))| {
            Billed { model, day, days, meter, tier, project, quantity, amount, category, bound }
        })
}

fn bill_line(billed: &Billed) -> BillLine {
    let day = format!("2026-10-{:02}", billed.day);
    let mut made = line("x", &day, Meter::Input, billed.quantity.map(i128::from), "0");
    made.model = match MODELS.get(billed.model) {
        Some(model) => ModelScope::One((*model).into()),
        None if billed.model == MODELS.len() => ModelScope::None,
        None => ModelScope::All,
    };
    made.period.last = llmfin::period::Day::from_days(made.period.first.days() + billed.days as i32);
    made.meter = billed.meter.map(|meter| METERS[meter]);
    made.tier = TIERS[billed.tier];
    made.project = billed.project.map(|project| format!("p{project}").into());
    made.amount = Some(Money::from_pico(billed.amount.into()));
    made.category = billed.category;
    made.rounding_bound = Money::from_pico(billed.bound.into());
    made
}

pub fn close(book: &Pricebook, calls: &[LoggedCall], bills: &[Billed]) -> Reconciliation {
    let meters: Vec<Vec<(Meter, u64)>> = calls
        .iter()
        .map(|call| call.meters.iter().map(|(meter, count)| (METERS[*meter], *count)).collect())
        .collect();
    let costs: Vec<Option<String>> =
        calls.iter().map(|call| call.logged.map(|pico| Money::from_pico(pico.into()).plain())).collect();
    let rows: Vec<Calls> = calls
        .iter()
        .enumerate()
        .map(|(index, call)| Calls {
            alias: ["", "smart", "fast"][call.key],
            key: ["k0", "k1", "k2"][call.key],
            outcome: OUTCOMES[call.outcome],
            logged: costs[index].as_deref(),
            ..Calls::of("openai", MODELS[call.model], &format!("2026-10-{:02}", call.day), &meters[index])
        })
        .collect();
    let documents = vec![document("openai", DocumentKind::Cost, bills.iter().map(bill_line).collect())];
    assemble(&inputs(book, "2026-10", cubes(&rows), documents)).unwrap()
}

/// Terms that change usage, and charges that some of the random bills happen to have.
const CONTRACT: &str = r#"
term = [
  { seller = "openai", from = 2026-01-01, kind = "percent_off_list", value = "12.34", applies_to = ["tokens"] },
  { seller = "openai", from = 2026-10-02, kind = "price", model = "gpt-5-mini", meter = "input", value = "0.111" },
  { seller = "openai", from = 2026-01-01, kind = "free_allowance", meter = "web_search", quantity = "300000", each = "day" },
  { seller = "openai", from = 2026-01-01, to = 2026-10-03, kind = "capacity", models = ["gpt-5.6-luna"], units = "3", rate = "0.77" },
  { seller = "openai", from = 2026-01-01, kind = "volume_band", applies_to = ["tokens"], bands = [{ above = "2000000", percent_off = "7" }] },
  { seller = "openai", from = 2026-10-01, kind = "credit", amount = "3", line = "x, output" },
  { seller = "openai", from = 2026-01-01, kind = "minimum", amount = "40", line = "x, input" },
]
"#;

pub static BOOKS: LazyLock<[Pricebook; 2]> = LazyLock::new(|| {
    let terms = BookFile {
        layer: Layer::Overlay,
        name: "contracts/all.toml".into(),
        shown: "all.toml".into(),
        content: CONTRACT.into(),
    };
    [Vec::new(), vec![terms]].map(|contracts| {
        let Reading { book, problems } = Pricebook::read(Vec::new(), contracts, None);
        assert!(problems.is_empty(), "{problems:?}");
        book
    })
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_cell_charge_and_total_foots(book in prop::sample::select(BOOKS.iter().collect::<Vec<_>>()), calls in prop::collection::vec(call(), 0..24), bills in prop::collection::vec(billed(), 0..24)) {
        let document = close(book, &calls, &bills);
        prop_assert!(check(&document).is_ok());
        let billed: Money = bills.iter().map(|bill| Money::from_pico(bill.amount.into())).sum();
        prop_assert_eq!(document.totals.billed, billed);
        let logged: Money = calls.iter().filter_map(|call| call.logged).map(|pico| Money::from_pico(pico.into())).sum();
        prop_assert_eq!(document.totals.logged, logged);
        let gross: Money = document.cells.iter().map(|cell| cell.unexplained.abs()).chain(document.charges.iter().map(|charge| charge.unexplained.abs())).sum();
        prop_assert_eq!(document.totals.unexplained_gross, gross);
        for account in &document.contract {
            let effects: Money = account.effects.iter().map(|effect| effect.amount).sum();
            prop_assert_eq!(account.list_cost + effects, account.contracted_cost);
        }
        let billed: Money = document.contract.iter().map(|account| account.billed_cost).sum();
        prop_assert_eq!(document.totals.billed, billed);
    }

    #[test]
    fn the_order_of_lines_never_matters(book in prop::sample::select(BOOKS.iter().collect::<Vec<_>>()), calls in prop::collection::vec(call(), 0..12), mut bills in prop::collection::vec(billed(), 0..12)) {
        let forward = serde_json::to_string(&close(book, &calls, &bills)).unwrap();
        bills.reverse();
        let reversed: Vec<LoggedCall> = calls.into_iter().rev().collect();
        prop_assert_eq!(forward, serde_json::to_string(&close(book, &reversed, &bills)).unwrap());
    }
}
