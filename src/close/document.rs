//! The reconciliation document: computed once, rendered many times. Field order and list order are part of it.
//!
//! Money and quantities are strings of plain decimals. `totals.delta = Σ cells.delta + Σ charges.amount`, and in every
//! cell, charge and total `difference = Σ findings + unexplained`, exactly.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::requests::Requests;
use crate::causes::Status;
use crate::causes::remedy::Remedy;
use crate::money::Money;
use crate::period::{Day, Month};
use crate::vocabulary::{ChargeCategory, Meter, Tier};

/// Version of the document's shape.
pub const SCHEMA: &str = "llmfin/reconciliation/1";
/// A limit: what was logged is not known, which is not zero.
pub const NO_COST: &str = "no cost in the log: the gateway's own figure cannot be checked";

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Reconciliation {
    /// Always `llmfin/reconciliation/1`.
    pub schema: &'static str,
    /// The month, or `FIRST..LAST` for other periods.
    pub month: String,
    /// True for periods other than a whole month: figures may still change.
    pub provisional: bool,
    pub currency: String,
    pub timezone: String,
    pub pricebook: BookReference,
    pub totals: Totals,
    pub findings: Vec<Finding>,
    pub cells: Vec<Cell>,
    pub charges: Vec<Charge>,
    /// List, contracted and billed cost by account, and what each contract term did.
    pub contract: Vec<ContractAccount>,
    /// Usage that the book cannot price, with what the bill shows for it.
    pub unpriced: Vec<Unpriced>,
    /// What is known since about the prices of earlier closes. Their figures stay; nothing of it is in this document's.
    pub memos: Vec<PriceMemo>,
    /// What could not be tested with the files given, and what would settle it.
    pub limits: Vec<Limit>,
    pub invoices: Vec<InvoiceTie>,
    pub inputs: Vec<Input>,
    /// Rows that could not be used, the first thousand of each file.
    pub rejects: Vec<Rejected>,
    pub diagnostics: Vec<Note>,
}

/// A price of a closed month that is known better since, with what it would move there.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PriceMemo {
    /// The closed month.
    pub month: Month,
    /// Day up to which its close knew prices.
    pub known_at: Day,
    /// `correction`, `price change`, …
    pub class: String,
    pub provider: String,
    /// `*` where the price is the seller's for every model.
    pub model: String,
    pub meter: Meter,
    /// Null where the price does not depend on it.
    pub tier: Option<Tier>,
    /// `0`, `>272000` or `>=200000`, as in the ledger.
    pub context: String,
    pub region: String,
    pub window: String,
    /// The price the close used, for `per` units; null where it had none.
    pub old: Option<String>,
    /// The price known now.
    pub new: Option<String>,
    pub per: u64,
    /// First day of the difference.
    pub from: Day,
    /// How much more the month's stored usage would cost; null where there is no price, then or now, for some of it.
    pub amount: Option<Money>,
    /// Units of that usage without a price then or now; null where there are none.
    pub unpriced: Option<String>,
    /// Day on which the row was recorded.
    pub recorded: Day,
    /// `prices/openai.csv:214`
    pub row: String,
}

/// Something that the files of one account do not let be tested.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Limit {
    pub provider: String,
    pub account: Option<String>,
    /// What could not be tested, in words.
    pub what: String,
    /// The export or setting that would change it.
    pub settles: String,
    /// Causes that stay untested, or cannot be told apart, for it.
    pub causes: Vec<String>,
}

/// A row set aside, with its place and reason.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Rejected {
    /// `file:line`
    pub origin: String,
    pub code: String,
    pub reason: String,
    pub amount: Option<Money>,
}

/// The prices this document used.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BookReference {
    pub name: String,
    pub sha256: String,
    pub known_at: Option<Day>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Totals {
    /// Cost the gateway wrote beside each row, at face value.
    pub logged: Money,
    /// Records as best counted × price book.
    pub priced: Money,
    /// What the provider charges, tax and other charges included.
    pub billed: Money,
    /// `billed − priced`.
    pub delta: Money,
    /// Sum of the findings of the bridge priced → billed.
    pub explained: Money,
    /// Net part of `explained` whose cause is not decided: the `ambiguous` findings.
    pub undecided: Money,
    /// Sum of the absolute values of those findings.
    pub undecided_gross: Money,
    /// Net of what no finding explains; `explained + unexplained = delta`.
    pub unexplained: Money,
    /// Sum of its absolute values, cell by cell and charge by charge.
    pub unexplained_gross: Money,
    /// Of the gross: cells of accounts for which no invoice was given.
    pub no_invoice_gross: Money,
    /// How far the two sides may differ by rounding alone.
    pub rounding_bound: Money,
    /// Sum of the findings of the bridge logged → priced.
    pub logged_explained: Money,
    pub logged_unexplained: Money,
    pub logged_unexplained_gross: Money,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bridge {
    PricedBilled,
    LoggedPriced,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// `F1`, `F2`, … by bridge, then by size.
    pub id: String,
    pub bridge: Bridge,
    /// An id of the cause catalogue; `llmfin explain CAUSE` prints its page.
    pub cause: String,
    pub status: Status,
    pub amount: Money,
    pub scope: FindingScope,
    /// Causes that would fit as well; never empty where the status is `ambiguous`. The finding's own cause, where it fits in
    /// another way too, such as in another region: the evidence `meets them as well` says in which.
    pub rivals: Vec<String>,
    /// The cheapest fact that would decide between them.
    pub decides: Option<String>,
    pub recurs: Recurrence,
    /// The person of the books who is asked: platform for the gateway, finance for prices, contracts and charges.
    pub owner: Option<String>,
    /// Day by which the fix is due, counted from the first month.
    pub due: Option<Day>,
    pub evidence: Vec<Evidence>,
    /// The requests it is about, one by one; left out where nobody asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<Requests>,
    pub fix: Option<FindingFix>,
    /// The fix tried on earlier closed months; empty where that was not asked for.
    pub backtests: Vec<Backtest>,
    /// What the fix writes into files.
    #[serde(skip)]
    pub remedies: Vec<Remedy>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FindingScope {
    pub provider: Option<String>,
    pub account: Option<String>,
    pub models: Vec<String>,
    pub meters: Vec<Meter>,
    pub tiers: Vec<Tier>,
    pub regions: Vec<String>,
    pub keys: Vec<String>,
    pub from: Option<Day>,
    pub to: Option<Day>,
}

/// Months in which the same finding stood, this one included, and their sum.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Recurrence {
    pub months: u32,
    pub amount: Money,
    /// The first of them; null for provisional answers.
    pub since: Option<Month>,
    /// The larger finding of this month that counts the earlier amounts, where both were one finding then.
    pub with: Option<String>,
}

/// What a fix would have done to one earlier month.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Backtest {
    pub month: Month,
    pub verdict: Verdict,
    /// What the same cause came to in that month, without the fix.
    pub amount: Money,
    /// Cells that the fix prices differently.
    pub changed: u64,
    /// Those of them in which less is left to explain, beyond rounding.
    pub mended: u64,
    /// Those of them in which more is left to explain, beyond rounding.
    pub broken: u64,
    /// What needed a cause or had none in the changed cells, by size: without the fix.
    pub open_before: Money,
    /// The same with it.
    pub open_after: Money,
    /// Why it could not be tried.
    pub why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It changes cells and makes none worse.
    Held,
    /// It makes cells worse.
    Broken,
    /// It changes no cell: it begins later, or there was no such traffic.
    NoEffect,
    NotTestable,
}

impl Verdict {
    /// The answer to "would it have held?".
    pub const fn words(self) -> &'static str {
        match self {
            Verdict::Held => "yes",
            Verdict::Broken => "no",
            Verdict::NoEffect => "no effect",
            Verdict::NotTestable => "not testable",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Evidence {
    pub name: String,
    pub value: String,
    /// `file:line`, where one line shows it.
    pub origin: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FindingFix {
    pub kind: String,
    pub text: String,
    /// Text to add: a price row or a table of the books.
    pub patch: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CellStatus {
    /// Within computed rounding, nothing to explain.
    Tied,
    Explained,
    Timing,
    Disputed,
    Unexplained,
    NoInvoice,
    NoUsage,
    /// Nothing differs, because no bill line says what the usage costs and the book has no price for it.
    NoPrice,
}

impl CellStatus {
    pub const fn id(self) -> &'static str {
        match self {
            CellStatus::Tied => "tied",
            CellStatus::Explained => "explained",
            CellStatus::Timing => "timing",
            CellStatus::Disputed => "disputed",
            CellStatus::Unexplained => "unexplained",
            CellStatus::NoInvoice => "no-invoice",
            CellStatus::NoUsage => "no-usage",
            CellStatus::NoPrice => "no-price",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cell {
    pub provider: String,
    pub account: Option<String>,
    /// Null where the bill's lines cover several models.
    pub model: Option<String>,
    /// Null where the bill's lines cover several days.
    pub day: Option<Day>,
    pub from: Day,
    pub to: Day,
    /// Lines that cannot be told apart are one group.
    pub group: String,
    pub logged: Money,
    pub priced: Money,
    pub billed: Money,
    pub delta: Money,
    pub rounding_bound: Money,
    /// Part of the delta that is quantity, where the bill side proves quantities; the rest is rate.
    pub quantity_effect: Option<Money>,
    pub findings: Vec<CellFinding>,
    pub unexplained: Money,
    pub logged_findings: Vec<CellFinding>,
    pub logged_unexplained: Money,
    pub status: CellStatus,
    pub meters: Vec<CellMeter>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CellFinding {
    pub id: String,
    pub amount: Money,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CellMeter {
    /// Null where the bill's amount covers all meters.
    pub meter: Option<Meter>,
    pub tier: Option<Tier>,
    pub region: Option<String>,
    pub long_context: Option<bool>,
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "String")]
    pub quantity_logged: i128,
    /// From the provider's usage report.
    #[serde(serialize_with = "as_text_if_any")]
    #[schemars(with = "Option<String>")]
    pub quantity_witness: Option<i128>,
    /// Printed on the bill.
    #[serde(serialize_with = "as_text_if_any")]
    #[schemars(with = "Option<String>")]
    pub quantity_billed: Option<i128>,
    pub priced: Money,
    pub billed: Money,
}

/// Counts are text in JSON, whose readers take large numbers for floats.
fn as_text<S: Serializer>(count: &i128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(count)
}

fn as_text_if_any<S: Serializer>(count: &Option<i128>, serializer: S) -> Result<S::Ok, S::Error> {
    match count {
        Some(count) => serializer.collect_str(count),
        None => serializer.serialize_none(),
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Charge {
    pub provider: String,
    pub account: Option<String>,
    pub category: ChargeCategory,
    pub text: String,
    pub amount: Money,
    /// `file:line` of the first line.
    pub origin: String,
    pub finding: Option<String>,
    /// The contract term that expects the charge: `file:line`.
    pub term: Option<String>,
    /// What that term says it should be. With an amount of zero: no document shows the charge.
    pub expected: Option<Money>,
    /// `amount` less what its finding explains.
    pub unexplained: Money,
}

/// One account at list, under its contract, and on its bill. `contracted_cost = list_cost + Σ effects`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ContractAccount {
    pub provider: String,
    pub account: Option<String>,
    /// Usage at list prices.
    pub list_cost: Money,
    /// Usage under the contract, and the charges that the contract asks for.
    pub contracted_cost: Money,
    /// Everything on the bill, charges included.
    pub billed_cost: Money,
    pub models: Vec<ContractModel>,
    /// In stacking order; empty without a contract, where contracted is list.
    pub effects: Vec<ContractEffect>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ContractModel {
    /// Null where the bill's lines cover several models.
    pub model: Option<String>,
    /// Null where only the bill speaks: its lines cover several models, or the book has no price for the usage.
    pub list_cost: Option<Money>,
    pub contracted_cost: Option<Money>,
    /// Null where the bill does not tell this model apart.
    pub billed_cost: Option<Money>,
}

/// What one term did to the month.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ContractEffect {
    /// `file:line`
    pub term: String,
    pub name: String,
    pub kind: String,
    pub order: u32,
    /// `usage`: the bill's usage lines have it inside. `line`: it is a charge of its own.
    pub billed_as: String,
    pub amount: Money,
    /// The part of each model; empty for charges beside the usage.
    pub models: Vec<ContractPart>,
    /// The arithmetic.
    pub steps: Vec<Evidence>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ContractPart {
    pub model: String,
    pub amount: Money,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Unpriced {
    pub provider: String,
    pub account: Option<String>,
    pub model: String,
    pub meter: Meter,
    pub tier: Tier,
    pub quantity: String,
    /// `unknown-model`, `no-row`, `no-region`, `ended`, or `priced-by-the-hour` where only the day of the usage is known.
    pub reason: String,
    /// What the bill has for it beyond what has a price. Null where it has no line for it, or where usage above in this
    /// list is in the same amounts.
    pub billed: Option<Money>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InvoiceTie {
    pub path: String,
    pub format: String,
    pub kind: String,
    pub provider: String,
    pub account: Option<String>,
    pub number: Option<String>,
    pub stated_total: Option<Money>,
    pub lines_total: Money,
    /// `stated_total − lines_total`.
    pub footing_difference: Option<Money>,
    /// For invoices beside a cost export of the same account: usage on the invoice minus the export's total.
    pub export_difference: Option<Money>,
    /// True where the document adds up, and its usage is the export's within half a cent a line.
    pub ties: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Input {
    pub path: String,
    pub format: String,
    pub sha256: String,
    pub bytes: u64,
    /// Rows read, each counted in exactly one of the following; of a log, its requests: a row may sum several.
    pub rows: u64,
    pub rejected: u64,
    pub duplicates: u64,
    pub outside_month: u64,
    pub not_billable: u64,
    pub out_of_scope: u64,
    /// Rows that say "nothing on this day".
    pub empty: u64,
    /// Rows that ended in cells or charges.
    pub used: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Note {
    pub level: String,
    pub code: String,
    pub message: String,
    pub origin: String,
    pub help: Option<String>,
}
