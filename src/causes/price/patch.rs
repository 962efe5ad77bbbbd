//! What runs of one price come to: the cause, what else it may be, and what to do.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Quantities, Reason, Run, earlier, later, less_or_equal};
use crate::causes::missing_price::draft_row;
use crate::causes::{Fact, Fix, Patch, Scope, Status, TWICE, modifiers};
use crate::money::{Ratio, div_half_even};
use crate::period::Day;
use crate::rate::Account;
use crate::reconcile::{Edit, State};
use crate::vocabulary::Tier;

/// One finding of an account's model from a day on. `alike`: other models have the same ratio to the book.
pub(super) fn told(
    state: &State,
    account: &Account,
    model: &Arc<str>,
    from: Day,
    runs: &[Run],
    alike: bool,
) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    let (mut edits, mut facts, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for run in runs {
        scope.meters.insert(run.series.meter);
        scope.tiers.extend(run.series.tier);
        for point in &run.days {
            scope.cover(&point.key.cell);
            edits.push(Edit::Price { key: point.key.clone(), unit: run.unit });
        }
        let first = &run.days[0];
        let origin = state.bill(&first.key).origin;
        let meter = run.series.meter;
        facts.push(Fact::new(format!("{meter}: price in the book, per million"), first.unit.per_million()));
        facts.push(
            Fact::new(format!("{meter}: price on the bill, per million"), run.unit.per_million()).at(origin),
        );
        if let Some(ratio) = run.ratio() {
            facts.push(Fact::new(format!("{meter}: rate ratio"), ratio));
        }
        facts.push(Fact::new(format!("{meter}: days at this price to the last step"), run.exact));
        for reason in &run.reasons {
            if let Reason::Row(origin) = reason {
                facts
                    .push(Fact::new(format!("{meter}: a row of the book has this price"), origin).at(origin));
            }
        }
        rows.push(draft_row(&first.leaf, run.unit, from));
    }
    let off = percent_off_list(state, runs);
    facts.extend(off.map(|percent| Fact::new("billed at so many percent off list", percent)));
    let Verdict { cause, status, rivals, decides } = verdict(state, account, runs, off, alike);
    let text = match cause {
        "rate.stale" => confirm(model, from),
        "terms.discount" if off.is_some() => format!(
            "the bill takes another share off {model} from {from} than the contract: claim its share, or correct the term"
        ),
        "terms.discount" => format!(
            "the bill charges list for {model} from {from}: claim the contract's price, or end the term there"
        ),
        "rate.context_band" => {
            "check how the gateway counts the prompt and where the seller's boundary lies, or dispute the charge"
                .to_owned()
        }
        _ => "record the served tier and region of these calls in the gateway log".to_owned(),
    };
    Patch {
        name: format!("{NAME}{account:?} {model} {from} {} {:?}", runs[0].series.meter, runs[0].reasons),
        cause,
        status,
        scope,
        edits,
        facts,
        rivals,
        decides,
        fix: Some(Fix {
            kind: if cause == "terms.discount" { "contract" } else { "pricebook-row" },
            text,
            patch: if cause == "rate.stale" { rows.concat() } else { String::new() },
        }),
    }
}

struct Verdict {
    cause: &'static str,
    status: Status,
    rivals: Vec<String>,
    decides: Option<String>,
}

/// `off`: percents off list, where the contract takes others.
fn verdict(state: &State, account: &Account, runs: &[Run], off: Option<i128>, alike: bool) -> Verdict {
    let causes: BTreeSet<&'static str> = runs[0].reasons.iter().map(cause_of).collect();
    let fitted = runs[0].fitted();
    // So many percent off list where the contract takes another share, of more than one model, is its term with another value.
    let term = alike && off.is_some();
    let cause = if term { "terms.discount" } else { causes.first().copied().unwrap_or("rate.stale") };
    let mut rivals: Vec<&str> = causes.into_iter().skip(1).collect();
    // One ratio below one on more than one meter, or with no other meter that speaks against it, is a discount on the
    // model as well.
    let ratios: BTreeSet<Option<String>> = runs.iter().map(Run::ratio).collect();
    let one_share = ratios.len() == 1 || have_one_share(runs);
    let cheaper = runs.iter().all(|run| less_or_equal(run.unit, run.days[0].unit));
    // Without counts, more than the log comes to is also what a log lacks that lost rows; half of it, one that counts twice.
    let quantities = runs.iter().map(|run| run.quantities).max().unwrap_or(Quantities::Open);
    let open = quantities == Quantities::Open;
    if open && !cheaper {
        rivals.push("qty.dropped_rows");
    } else if open && ratios.iter().all(|ratio| ratio.as_deref() == Some("0.5")) {
        rivals.extend(TWICE);
    }
    let discount = off.is_some() || (cheaper && ((one_share && (runs.len() > 1 || open)) || alike));
    if fitted && discount && !term {
        rivals.push("terms.discount");
    }
    if alike && !term {
        rivals.push("fx.rate");
    }
    // One ratio that a region or a tier has, on meters of which others are open for something else, is theirs as well.
    if fitted && ratios.len() == 1 && runs.len() > 1 {
        let ratio = runs[0].unit.over(runs[0].days[0].unit);
        rivals.extend(
            ratio.into_iter().flat_map(|ratio| modifiers(state.rater.book, &account.provider, ratio)),
        );
    }
    let counts = "the provider's usage report for these days (quantities)";
    let (status, decides) = match () {
        () if open && !rivals.is_empty() => (Status::Ambiguous, Some(counts)),
        () if fitted && !rivals.is_empty() => {
            (Status::Ambiguous, Some("the contract, or the seller's price page"))
        }
        () if !rivals.is_empty() => (
            Status::Ambiguous,
            Some("the served tier, batch id, region or prompt length of these calls in the log"),
        ),
        () if quantities != Quantities::Counted => (Status::Probable, Some(counts)),
        () if fitted => (Status::Probable, None),
        () => (Status::Exact, None),
    };
    let rivals = rivals.into_iter().map(str::to_owned).collect();
    Verdict { cause, status, rivals, decides: decides.map(str::to_owned) }
}

/// A patch of these families.
pub(in crate::causes) fn is_price(patch: &str) -> bool {
    patch.starts_with(NAME)
}

const NAME: &str = "price ";

/// A row that the book does not have, to be confirmed and added.
pub(in crate::causes) fn row_to_confirm(model: &str, from: Day, row: String) -> Fix {
    Fix { kind: "pricebook-row", text: confirm(model, from), patch: row }
}

/// True where one share of the book's prices is within what rounding leaves of every meter's.
fn have_one_share(runs: &[Run]) -> bool {
    let shares: Option<Vec<(Ratio, Ratio)>> = runs.iter().map(Run::shares).collect();
    let common =
        |shares: Vec<(Ratio, Ratio)>| shares.into_iter().reduce(|a, b| (later(a.0, b.0), earlier(a.1, b.1)));
    shares.and_then(common).is_some_and(|(low, high)| less_or_equal(low, high))
}

/// What to do about a price that the book does not have.
fn confirm(model: &str, from: Day) -> String {
    format!(
        "confirm the price of {model} from {from} with the seller's price page or contract, then add the row"
    )
}

fn cause_of(reason: &Reason) -> &'static str {
    match reason {
        Reason::List => "terms.discount",
        Reason::Row(_) | Reason::Fitted => "rate.stale",
        Reason::Region(_) => "rate.region_uplift",
        Reason::Tier(Tier::Batch) => "rate.batch",
        Reason::Tier(Tier::Fast | Tier::Ultrafast) => "rate.speed_premium",
        Reason::Tier(_) => "rate.service_tier",
        Reason::Band(_) => "rate.context_band",
    }
}

/// The percents off list that all runs of a fitted price share; see [`percent_off`].
fn percent_off_list(state: &State, runs: &[Run]) -> Option<i128> {
    let percents: BTreeSet<Option<i128>> = runs.iter().map(|run| percent_off(state, run)).collect();
    percents.first().copied().flatten().filter(|_| runs[0].fitted() && percents.len() == 1)
}

/// Whole percents off the list price, where a contract makes it another price and every day at this one says the same.
fn percent_off(state: &State, run: &Run) -> Option<i128> {
    let first = run.days.first()?;
    let list = state.list(&first.leaf).filter(|list| *list != first.unit)?;
    let share = run.unit.over(list)?.checked_mul(Ratio::new(100, 1)?)?;
    let left = div_half_even(share.numerator(), share.denominator());
    let unit = list.checked_mul(Ratio::new(left, 100)?)?;
    let held = run.days.iter().filter(|day| day.holds(unit)).count();
    ((1..100).contains(&left) && held >= run.exact).then_some(100 - left)
}
