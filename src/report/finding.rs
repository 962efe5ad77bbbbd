//! One finding with everything it rests on: where it holds and who is asked, its evidence, its cells day by day, the
//! largest of them worked out, what else would fit, and what to do.

use super::lines;
use super::sheet::{Cell as Shown, Column, Kind, Sheet, grouped};
use crate::causes::catalogue::Cause;
use crate::close::document::{Bridge, Cell, CellFinding, CellMeter, Finding, Reconciliation, Verdict};
use crate::money::{Money, Ratio};
use crate::vocabulary::Tier;

pub fn build(document: &Reconciliation, finding: &Finding) -> Vec<Sheet> {
    let mut sheets = vec![about(document, finding), evidence(finding), cells(document, finding)];
    sheets.extend(arithmetic(document, finding));
    sheets.extend(requests(finding));
    sheets.extend(rivals(finding));
    sheets.extend(backtests(finding));
    sheets
}

/// The finding's part of a cell.
fn part<'d>(cell: &'d Cell, finding: &Finding) -> Option<&'d CellFinding> {
    let parts = match finding.bridge {
        Bridge::PricedBilled => &cell.findings,
        Bridge::LoggedPriced => &cell.logged_findings,
    };
    parts.iter().find(|part| part.id == finding.id)
}

fn about(document: &Reconciliation, finding: &Finding) -> Sheet {
    let title = format!(
        "{}: {} {}, {}: {}",
        finding.id,
        finding.amount.grouped(6),
        document.currency,
        finding.status.id(),
        lines::title(&finding.cause)
    );
    let columns = vec![Column::new("name", "About", Kind::Text), Column::new("value", "Value", Kind::Text)];
    let mut sheet = Sheet::new("finding", title, columns);
    let scope = &finding.scope;
    let list = |words: Vec<String>| (!words.is_empty()).then(|| words.join(", "));
    let bridge = match finding.bridge {
        Bridge::PricedBilled => "priced to billed",
        Bridge::LoggedPriced => "logged to priced",
    };
    let known = [
        ("cause", Some(finding.cause.clone())),
        ("bridge", Some(bridge.to_owned())),
        ("account", scope.provider.as_deref().map(|name| lines::account(name, scope.account.as_deref()))),
        ("models", list(scope.models.clone())),
        ("meters", list(scope.meters.iter().map(ToString::to_string).collect())),
        ("tiers", list(scope.tiers.iter().map(ToString::to_string).collect())),
        ("regions", list(scope.regions.clone())),
        ("keys", list(scope.keys.clone())),
        ("days", scope.from.zip(scope.to).map(|(from, to)| lines::days(from, to))),
        ("seen", lines::recurrence(finding)),
        ("asked", lines::asked(finding.owner.as_deref(), finding.due, lines::end(document))),
        ("what to do", finding.fix.as_ref().map(|fix| fix.text.clone())),
    ];
    for (name, value) in known {
        sheet.rows.extend(value.map(|value| vec![name.into(), value.into()]));
    }
    if let Some(patch) = finding.fix.as_ref().and_then(|fix| fix.patch.as_ref()) {
        sheet.notes.push("to add:".to_owned());
        sheet.code = Some(patch.clone());
    }
    sheet
}

fn evidence(finding: &Finding) -> Sheet {
    let columns = vec![
        Column::new("name", "Evidence", Kind::Text),
        Column::new("value", "Value", Kind::Text),
        Column::new("origin", "Where", Kind::Text),
    ];
    let mut sheet = Sheet::new("evidence", "Evidence", columns);
    for fact in &finding.evidence {
        sheet.rows.push(vec![
            fact.name.as_str().into(),
            fact.shown().into_owned().into(),
            Shown::from(fact.origin.clone()),
        ]);
    }
    sheet
}

/// Every cell of the finding: both sides, its own part, what others explain and what is left. Each row and the total
/// foot: difference = this + others + left.
pub fn cells(document: &Reconciliation, finding: &Finding) -> Sheet {
    let amount = |name, title| Column::new(name, title, Kind::Money);
    let (from, to) = match finding.bridge {
        Bridge::PricedBilled => {
            (amount("priced", "Priced").optional(), amount("billed", "Billed").optional())
        }
        Bridge::LoggedPriced => {
            (amount("logged", "Logged").optional(), amount("priced", "Priced").optional())
        }
    };
    // The heading of a finding names its only model.
    let one_model = finding.scope.models.len() == 1;
    let model = Column { optional: one_model, ..Column::new("model", "Model", Kind::Text) };
    let columns = vec![
        Column::new("days", "Day", Kind::Text),
        model,
        Column::new("group", "Group", Kind::Text).optional(),
        from,
        to,
        amount("difference", "Difference"),
        amount("amount", "This finding"),
        amount("others", "Others"),
        amount("left", "Left"),
    ];
    let mut sheet = Sheet::new("cells", "Day by day", columns);
    sheet.decimals = 6;
    let mut total = [Money::ZERO; 6];
    let mut add = |sheet: &mut Sheet, names: [Shown; 3], amounts: [Money; 6]| {
        total.iter_mut().zip(amounts).for_each(|(sum, amount)| *sum += amount);
        sheet.rows.push(names.into_iter().chain(amounts.map(Shown::from)).collect());
    };
    for cell in &document.cells {
        let Some(part) = part(cell, finding) else { continue };
        let (from, to, left) = match finding.bridge {
            Bridge::PricedBilled => (cell.priced, cell.billed, cell.unexplained),
            Bridge::LoggedPriced => (cell.logged, cell.priced, cell.logged_unexplained),
        };
        let others = to - from - part.amount - left;
        let model = Shown::from(cell.model.clone());
        let names = [lines::days(cell.from, cell.to).into(), model, cell.group.as_str().into()];
        add(&mut sheet, names, [from, to, to - from, part.amount, others, left]);
    }
    for charge in document.charges.iter().filter(|charge| charge.finding.as_ref() == Some(&finding.id)) {
        let explained = charge.amount - charge.unexplained;
        let names = [Shown::Empty, charge.text.as_str().into(), "charge".into()];
        add(
            &mut sheet,
            names,
            [Money::ZERO, charge.amount, charge.amount, explained, Money::ZERO, charge.unexplained],
        );
    }
    let names = ["Total".into(), Shown::Empty, Shown::Empty];
    sheet.total = Some(names.into_iter().chain(total.map(Shown::from)).collect());
    sheet
}

/// The cell that the finding moves most and, where it takes from one model what it gives to another, the other half of it.
/// The first bridge has no bill.
fn arithmetic(document: &Reconciliation, finding: &Finding) -> Vec<Sheet> {
    let moved = |cell: &Cell| part(cell, finding).map(|part| part.amount);
    let largest = |is: &dyn Fn(&Cell, Money) -> bool| {
        let cells =
            document.cells.iter().rev().filter(|cell| moved(cell).is_some_and(|amount| is(cell, amount)));
        cells.max_by_key(|cell| moved(cell).map(Money::abs))
    };
    let Some(cell) = largest(&|_, _| finding.bridge == Bridge::PricedBilled) else { return Vec::new() };
    let amount = moved(cell).unwrap_or_default();
    let other = largest(&|other, moved| {
        let apart = (other.from, other.to) == (cell.from, cell.to) && other.model != cell.model;
        apart && !moved.is_zero() && (moved + amount).abs() < moved.abs().max(amount.abs())
    });
    let first = worked_out("The largest of them worked out", cell);
    std::iter::once(first).chain(other.map(|cell| worked_out("Its other half", cell))).collect()
}

/// One cell, meter by meter as the bill tells them apart.
fn worked_out(text: &str, cell: &Cell) -> Sheet {
    let model = cell.model.as_deref().unwrap_or("all models");
    let columns = vec![
        Column::new("meter", "Meter", Kind::Text),
        Column::new("logged", "Logged", Kind::Integer),
        Column::new("provider", "Provider", Kind::Integer),
        Column::new("priced_at", "Priced /M", Kind::Percent),
        Column::new("billed_at", "Billed /M", Kind::Percent),
        Column::new("priced", "Priced", Kind::Money),
        Column::new("billed", "Billed", Kind::Money),
        Column::new("difference", "Difference", Kind::Money),
    ];
    let title = format!("{text}: {model}, {}", lines::days(cell.from, cell.to));
    let mut sheet = Sheet::new("arithmetic", title, columns);
    sheet.decimals = 6;
    for row in &cell.meters {
        let logged = Some(row.quantity_logged);
        // What the bill prints, else what the usage report counts.
        let provider = row.quantity_billed.or(row.quantity_witness);
        sheet.rows.push(vec![
            meter(row).into(),
            quantity(logged),
            quantity(provider),
            per_million(row.priced, logged),
            per_million(row.billed, provider),
            row.priced.into(),
            row.billed.into(),
            (row.billed - row.priced).into(),
        ]);
    }
    let mut total = vec![Shown::Empty; 5];
    total[0] = "Total".into();
    total.extend([cell.priced, cell.billed, cell.delta].map(Shown::from));
    sheet.total = Some(total);
    sheet.notes.push(parts_of(cell));
    sheet
}

/// `input flex geo:us`
fn meter(row: &CellMeter) -> String {
    let mut words = vec![row.meter.map_or("all meters", |meter| meter.id())];
    words.extend(row.tier.filter(|tier| *tier != Tier::Standard).map(|tier| tier.id()));
    words.extend(row.region.as_deref().filter(|region| *region != "global"));
    words.extend(row.long_context.filter(|long| *long).map(|_| "long context"));
    words.join(" ")
}

fn quantity(count: Option<i128>) -> Shown {
    count.map_or(Shown::Empty, Shown::Integer)
}

/// The price that an amount comes to, for a million units.
fn per_million(amount: Money, count: Option<i128>) -> Shown {
    let rate = count
        .and_then(|count| count.checked_mul(1_000_000))
        .filter(|count| *count != 0)
        .and_then(|count| Ratio::quotient(amount.pico(), count));
    rate.map_or(Shown::Empty, |rate| Shown::Ratio(rate.decimal_text(6)))
}

/// `billed - priced 5.10 = F13 5.23 + F2 -0.13 + unexplained 0`
fn parts_of(cell: &Cell) -> String {
    let parts: Vec<String> =
        cell.findings.iter().map(|part| format!("{} {}", part.id, part.amount)).collect();
    format!("billed - priced {} = {} + unexplained {}", cell.delta, parts.join(" + "), cell.unexplained)
}

/// The rows of the log that it is about, one by one.
fn requests(finding: &Finding) -> Option<Sheet> {
    let requests = finding.requests.as_ref()?;
    let columns = vec![
        Column::new("request", "Request", Kind::Text),
        Column::new("at", "When", Kind::Text),
        Column::new("key", "Key", Kind::Text).optional(),
        Column::new("model", "Model", Kind::Text).optional(),
        Column::new("requests", "Requests", Kind::Integer),
        Column::new("origin", "Where", Kind::Text),
    ];
    let mut sheet = Sheet::new("requests", "Requests in the log", columns);
    for request in &requests.shown {
        sheet.rows.push(vec![
            Shown::from(request.id.clone()),
            request.at.as_str().into(),
            request.key.as_str().into(),
            request.model.as_str().into(),
            request.requests.into(),
            request.origin.as_str().into(),
        ]);
    }
    if requests.more > 0 && !requests.shown.is_empty() {
        sheet.notes.push(format!("{} more are not listed.", grouped(requests.more.into())));
    }
    sheet.notes.extend(requests.note.as_ref().map(|note| format!("Mind that {note}.")));
    Some(sheet)
}

/// Causes that fit as well, and the fact that would decide.
fn rivals(finding: &Finding) -> Option<Sheet> {
    if finding.rivals.is_empty() && finding.decides.is_none() {
        return None;
    }
    let columns = vec![
        Column::new("cause", "Cause", Kind::Text),
        Column::new("what", "What it would mean", Kind::Text),
        Column::new("separated", "What separates it", Kind::Text),
    ];
    let mut sheet = Sheet::new("rivals", "What else would fit", columns);
    for (cause, what) in lines::rivals(finding) {
        let separated = Cause::separates(&finding.cause, cause).filter(|_| cause != finding.cause);
        sheet.rows.push(vec![cause.into(), what.into(), Shown::from(separated)]);
    }
    if !sheet.rows.is_empty() {
        let amount = finding.amount.grouped(6);
        sheet.notes.push(format!("Each of them would explain the same {amount}."));
    }
    sheet.notes.extend(finding.decides.iter().map(|fact| format!("what would decide: {fact}.")));
    Some(sheet)
}

/// The fix tried on earlier closed months.
fn backtests(finding: &Finding) -> Option<Sheet> {
    if finding.backtests.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new("month", "Month", Kind::Text),
        Column::new("verdict", "Held", Kind::Text),
        Column::new("amount", "Same cause", Kind::Money),
        Column::new("changed", "Cells", Kind::Integer),
        Column::new("mended", "Mended", Kind::Integer),
        Column::new("broken", "Broken", Kind::Integer),
        Column::new("open_before", "Open before", Kind::Money),
        Column::new("open_after", "Open after", Kind::Money),
        Column::new("why", "Why", Kind::Text),
    ];
    let mut sheet = Sheet::new("backtest", "Would the fix have held in earlier months?", columns);
    for test in &finding.backtests {
        let tried = matches!(test.verdict, Verdict::Held | Verdict::Broken);
        let only = |cell: Shown| if tried { cell } else { Shown::Empty };
        sheet.rows.push(vec![
            test.month.to_string().into(),
            test.verdict.words().into(),
            test.amount.into(),
            only(test.changed.into()),
            only(test.mended.into()),
            only(test.broken.into()),
            only(test.open_before.into()),
            only(test.open_after.into()),
            Shown::from(test.why.clone()),
        ]);
    }
    Some(sheet)
}
