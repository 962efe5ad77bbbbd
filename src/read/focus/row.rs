//! One FOCUS row into one bill line. The charge keeps its own words; what the words do not prove stays open.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::header::Header;
use super::quantity::{self, Unit};
use super::scope::{self, Publisher};
use super::{google, meter, model, tools};
use crate::diagnostic::Origin;
use crate::invoice::{BillLine, ModelScope, Reject};
use crate::money::{Money, ONE, ReadMoney};
use crate::period::{Day, Period, read_instant};
use crate::read::cell::is_absent;
use crate::vocabulary::{ChargeCategory, Meter, Seller};

/// The cells of one row by column name.
pub struct Cells<'a> {
    pub header: &'a Header,
    pub cells: &'a [&'a str],
}

impl Cells<'_> {
    /// The trimmed cell, where there is something in it.
    pub fn get(&self, column: &str) -> Option<&str> {
        let cell = self.cells.get(self.header.position(column)?)?.trim();
        (!is_absent(cell)).then_some(cell)
    }

    pub fn knows(&self, column: &str) -> bool {
        self.header.position(column).is_some()
    }

    /// The `SkuPriceDetails` object; empty where there is none.
    pub fn price_details(&self) -> BTreeMap<String, serde_json::Value> {
        let details = self.get("SkuPriceDetails").and_then(|text| serde_json::from_str(text).ok());
        details.unwrap_or_default()
    }

    /// A text value of the `SkuPriceDetails` object.
    pub fn price_detail(&self, key: &str) -> Option<String> {
        self.price_details().get(key)?.as_str().filter(|value| !value.is_empty()).map(str::to_owned)
    }
}

/// A hundredth of the currency.
const CENT: Money = Money::from_pico(ONE / 100);

/// A row as understood, with what a person should know about it: `(code, sentence)`.
pub struct Charge {
    pub line: BillLine,
    pub in_scope: bool,
    pub rounded: bool,
    pub seller: Option<&'static str>,
    pub correction: bool,
    pub remarks: Vec<(&'static str, &'static str)>,
}

pub fn read(cells: &Cells, origin: Origin) -> Result<Charge, Reject> {
    let refuse = |code, reason: String, amount| Reject { origin: origin.clone(), code, reason, amount };
    let billed = cells
        .get("BilledCost")
        .ok_or_else(|| refuse("missing-amount", "BilledCost is empty".to_owned(), None))?;
    let billed: ReadMoney =
        Money::read(billed).map_err(|error| refuse("bad-amount", format!("BilledCost {error}"), None))?;
    let mut category = category(cells.get("ChargeCategory").unwrap_or("")).ok_or_else(|| {
        refuse("unknown-category", unreadable(cells, "ChargeCategory"), Some(billed.amount))
    })?;
    let (period, zoned) = period(cells)
        .map_err(|column| refuse("bad-period", unreadable(cells, column), Some(billed.amount)))?;

    let publisher = Publisher::of(cells);
    let seller = scope::seller(cells, publisher);
    let named = cells.get("ChargeDescription").or(cells.get("SkuMeter")).or(cells.get("ServiceName"));
    let rounds = is_rounding(cells, publisher, category, named, billed.amount);
    if rounds {
        category = ChargeCategory::Adjustment;
    }
    let text = if rounds { "Rounding adjustment" } else { named.unwrap_or(category.id()) };
    let mut line = BillLine::new(origin.clone(), text, period);
    let mut remarks = Vec::new();
    if !zoned {
        remarks.push(("time-without-zone", "times name no zone and are read as UTC"));
    }
    line.category = category;
    line.amount = Some(billed.amount);
    line.rounding_bound = if billed.rounded { Money::STEP } else { Money::ZERO };
    line.list_amount = list_amount(cells, billed.amount);
    line.account = cells.get("BillingAccountId").map(Arc::from);
    line.apart = apart(cells);
    line.project = cells.knows("SubAccountId").then(|| cells.get("SubAccountId").unwrap_or("").into());
    if category == ChargeCategory::Usage {
        describe(cells, publisher, seller, &mut line, &mut remarks);
    }
    Ok(Charge {
        in_scope: scope::is_in_scope(cells, category),
        line,
        rounded: billed.rounded,
        seller,
        correction: cells.get("ChargeClass").is_some_and(|class| class.eq_ignore_ascii_case("Correction")),
        remarks,
    })
}

fn unreadable(cells: &Cells, column: &str) -> String {
    let cell: String = cells.get(column).unwrap_or("").chars().take(40).collect();
    format!("`{cell}` is not a {column}")
}

fn category(text: &str) -> Option<ChargeCategory> {
    ChargeCategory::ALL.iter().copied().find(|category| category.id().eq_ignore_ascii_case(text))
}

/// The row that makes the lines of an invoice sum to what is payable: Google calls its own so, Microsoft's is an
/// adjustment of less than a cent without a service, a meter or words.
fn is_rounding(
    cells: &Cells,
    publisher: Publisher,
    category: ChargeCategory,
    named: Option<&str>,
    amount: Money,
) -> bool {
    let says = cells.get("x_CostType").is_some_and(|kind| kind.eq_ignore_ascii_case("rounding_error"));
    let nameless =
        publisher == Publisher::Microsoft && category == ChargeCategory::Adjustment && named.is_none();
    says || (nameless && amount.abs() < CENT)
}

/// Whole UTC days from an instant to another, the end exclusive; no charge of the standard spans ten years.
fn period(cells: &Cells) -> Result<(Period, bool), &'static str> {
    let instant = |column: &'static str| cells.get(column).and_then(read_instant).ok_or(column);
    let (start, zoned) = instant("ChargePeriodStart")?;
    let first = Day::of_instant(start);
    let last = match cells.get("ChargePeriodEnd") {
        None => first,
        Some(_) => {
            let (end, _) = instant("ChargePeriodEnd")?;
            if end <= start || end - start > 3660 * crate::period::SECONDS_PER_DAY {
                return Err("ChargePeriodEnd");
            }
            Day::of_instant(end - 1)
        }
    };
    Ok((Period { first, last }, zoned))
}

/// The hour, where the charge is not of whole days, and the resource: two charges of one day may be alike in all else.
fn apart(cells: &Cells) -> Option<Arc<str>> {
    let start = cells.get("ChargePeriodStart").filter(|start| {
        read_instant(start).is_some_and(|(at, _)| at.rem_euclid(crate::period::SECONDS_PER_DAY) != 0)
    });
    let (start, resource) = (start.unwrap_or(""), cells.get("ResourceId").unwrap_or(""));
    (!start.is_empty() || !resource.is_empty()).then(|| format!("{start} {resource}").into())
}

/// List cost is documented as zero where the publisher does not know it (marketplace rows): unknown, not free.
fn list_amount(cells: &Cells, billed: Money) -> Option<Money> {
    let list = Money::read(cells.get("ListCost")?).ok()?.amount;
    (!list.is_zero() || billed.is_zero()).then_some(list)
}

fn describe(
    cells: &Cells,
    publisher: Publisher,
    seller: Option<&'static str>,
    line: &mut BillLine,
    remarks: &mut Vec<(&'static str, &'static str)>,
) {
    let unit = cells.get("ConsumedUnit").and_then(Unit::read);
    let model = model::read(cells, publisher);
    let bare_write = bare_write(publisher, seller, model.as_deref());
    let (words, mut sku) = sku(cells, publisher, bare_write, unit);
    let own = cells.get("SkuMeter").and_then(Meter::parse);
    if let Some(own) = own {
        sku.meter = Some(own);
    } else if let Some(direction) = cells.price_detail("TokenDirection") {
        // The standard's own keys beat words; an input without cache action mixes cached and uncached tokens.
        sku.meter = match (direction.as_str(), cells.price_detail("TokenCacheAction").as_deref()) {
            ("Input", Some("Uncached")) => {
                sku.meter.filter(|meter| !meter.is_cache_write()).or(Some(Meter::Input))
            }
            ("Input", Some("Read")) => Some(Meter::CacheRead),
            ("Input", Some("Write")) => sku.meter.filter(|meter| meter.is_cache_write()).or(Some(bare_write)),
            ("Output", _) => sku.meter.or(Some(Meter::Output)),
            ("Input", None) => {
                remarks.push(("mixed-cache-meter", "input meters without TokenCacheAction mix cached and uncached tokens, so they keep no meter"));
                None
            }
            _ => None,
        };
    }
    if sku.meter.is_none() && unit.is_some_and(|unit| unit.counts("Token-Hours")) {
        sku.meter = Some(Meter::CacheStorageTokenHour);
    }
    line.meter = sku.meter;
    if sku.meter.is_some_and(Meter::is_token) {
        let details = cells.price_details();
        let details = details.values().filter_map(serde_json::Value::as_str);
        let others = ["ChargeDescription", "SkuPriceId"].iter().filter_map(|column| cells.get(column));
        // Who writes meters in our words need not write tiers as the seller does.
        let wrote = if own.is_some() { Publisher::Other } else { publisher };
        line.tier = meter::tier(&words, others.chain(details), wrote);
    }
    line.long_context = sku.long_context;
    line.region = match (sku.scope, cells.get("RegionId")) {
        // One meter name has another price in another zone, and the region tells which.
        (Some("datazone"), Some(region)) => Some(format!("datazone:{region}").into()),
        (scope, region) => scope.filter(|scope| *scope != "regional").or(region).map(Arc::from),
    };
    line.model = match model {
        Some(_) if sku.meter.is_none() && meter::is_beside_usage(&words) => ModelScope::None,
        Some(model) => ModelScope::One(model.into()),
        // A tool is charged for whatever model called it.
        None if sku.meter.is_some_and(|meter| !meter.is_token()) => ModelScope::All,
        None => ModelScope::None,
    };
    if let (Some(meter), Some(_)) = (sku.meter, cells.get("ConsumedQuantity")) {
        line.quantity = count(cells, publisher, meter, unit, remarks);
    }
}

/// What the words of the SKU say; the words are those that name a meter, if any do.
fn sku(
    cells: &Cells,
    publisher: Publisher,
    bare_write: Meter,
    unit: Option<Unit>,
) -> (meter::Words, meter::Sku) {
    let in_tokens = unit.is_some_and(|unit| unit.counts("Tokens"))
        || (publisher == Publisher::Google && unit.is_some_and(|unit| unit.counts("Count")));
    let read = |text: &str| {
        let words = meter::Words::of(text);
        let sku = meter::read(&words, publisher, bare_write, in_tokens && publisher == Publisher::Google);
        (words, sku)
    };
    let own = ["x_UsageType", "SkuMeter", "x_SkuMeterName"].iter().find_map(|column| cells.get(column));
    let described = cells.get("ChargeDescription").unwrap_or("");
    if publisher != Publisher::Google {
        return read(own.unwrap_or(described));
    }
    // Google names its SKUs in the description; a column for them came later.
    let rest = google::split(described).map_or(described.to_owned(), |(_, rest)| rest);
    own.map(read).filter(|(_, sku)| sku.meter.is_some()).unwrap_or_else(|| read(&rest))
}

/// The meter of a cache write whose lifetime the SKU does not name: AWS names none for five minutes of Claude, nor for
/// other makers' models, whose caches live as long as their makers say.
fn bare_write(publisher: Publisher, seller: Option<&'static str>, model: Option<&str>) -> Meter {
    let default =
        seller.and_then(Seller::find).map_or(Meter::CacheWriteOther, |seller| seller.default_cache_write);
    let other = publisher == Publisher::Aws
        && model.is_some_and(|model| !model.to_ascii_lowercase().contains("claude"));
    if other { Meter::CacheWriteOther } else { default }
}

/// The whole count of a meter, if unit and quantity prove one.
fn count(
    cells: &Cells,
    publisher: Publisher,
    meter: Meter,
    unit: Option<Unit>,
    remarks: &mut Vec<(&'static str, &'static str)>,
) -> Option<i128> {
    let unknown = ("quantity-unit", "quantities whose unit does not say what one unit is are left out");
    let Some(unit) = unit else {
        remarks.push(unknown);
        return None;
    };
    let google = publisher == Publisher::Google && meter.is_token();
    let size = if unit.counts(meter.unit())
        || (google && unit.counts("Count"))
        || tools::counts(publisher, meter, |noun| unit.counts(noun))
        || (unit.noun == quantity::BARE && publisher == Publisher::Microsoft)
    {
        Some(unit.size)
    } else if unit.counts("Units") && (meter.is_token() || publisher == Publisher::Microsoft) {
        hidden_size(cells, publisher, remarks)
    } else {
        None
    };
    let Some(size) = size else {
        remarks.push(unknown);
        return None;
    };
    let quantity = quantity::whole(cells.get("ConsumedQuantity")?, size);
    if quantity.is_none() {
        remarks.push((
            "quantity-not-whole",
            "quantities that are no whole count are left out; the amounts are kept",
        ));
    }
    quantity
}

/// The size behind the unit word `Units`: a word of the description at AWS, a block size at Microsoft.
fn hidden_size(
    cells: &Cells,
    publisher: Publisher,
    remarks: &mut Vec<(&'static str, &'static str)>,
) -> Option<i128> {
    let description = cells.get("ChargeDescription").unwrap_or("").to_ascii_lowercase();
    match publisher {
        Publisher::Aws if description.contains("million ") => Some(1_000_000),
        Publisher::Aws if description.contains("thousand ") => Some(1_000),
        Publisher::Microsoft => {
            // Microsoft's ConsumedQuantity counts blocks; it is believed where the row's own price agrees.
            if !price_agrees(cells, "ConsumedQuantity") {
                return None;
            }
            if cells.get("PricingQuantity").is_some() && !price_agrees(cells, "PricingQuantity") {
                remarks.push(("block-size", "PricingQuantity contradicts BilledCost by the block size; ConsumedQuantity agrees and is used"));
            }
            let named = cells.get("x_PricingBlockSize").and_then(quantity::size_of);
            named.or_else(|| {
                let meter = cells.get("SkuMeter").or(cells.get("ChargeDescription"))?;
                meter.ends_with("Tokens").then_some(if meter.ends_with("1M Tokens") {
                    1_000_000
                } else {
                    1_000
                })
            })
        }
        _ => None,
    }
}

/// True where list or contracted unit price × quantity is the billed cost, within one part in a million.
fn price_agrees(cells: &Cells, quantity: &str) -> bool {
    let pico =
        |column| cells.get(column).and_then(|text| Money::read(text).ok()).map(|read| read.amount.pico());
    ["ListUnitPrice", "ContractedUnitPrice", "x_BilledUnitPrice"].iter().any(|price| {
        let agree = || -> Option<bool> {
            let product = pico(price)?.checked_mul(pico(quantity)?)?;
            let billed = pico("BilledCost")?.checked_mul(ONE)?;
            Some(
                billed != 0
                    && product.checked_sub(billed)?.unsigned_abs() <= billed.unsigned_abs() / 1_000_000,
            )
        };
        agree().unwrap_or(false)
    })
}
