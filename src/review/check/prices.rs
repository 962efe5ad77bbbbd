//! PB005 to PB008 and PB028: a price by itself, and beside the one before it.

use super::numbers::{against, named, near, price, quotient, what};
use super::{Context, Findings, Rule};
use crate::diagnostic::Level;
use crate::money::Ratio;
use crate::pricebook::PriceRow;
use crate::review::percent::percent;
use crate::vocabulary::Meter;

pub const RULES: &[Rule] = &[
    Rule {
        id: "PB005",
        level: Level::Error,
        title: "a price is no plain decimal, or a zero that nobody marked `free`",
        why: "A spreadsheet writes `1E-07`; a public list writes 0 for \"does not apply\".",
        remedy: "Write what the page says, such as `0.25`: no sign, exponent, separator or currency, at most 12 decimals. \
                 Write `yes` under `free` for a zero that is meant.",
        waivable: false,
        check: super::on_reading,
    },
    Rule {
        id: "PB006",
        level: Level::Error,
        title: "`per` does not fit the meter, or the price is beyond reason",
        why: "A public list had gemini-2.0-flash at 150 dollars per million tokens for a day. The price was right per \
              million and written per thousand.",
        remedy: "Write `per` as the page does: 1, 1000 or 1000000 tokens. Token prices lie between 0.0001 and 1,000 per million.",
        waivable: true,
        check: per_and_range,
    },
    Rule {
        id: "PB007",
        level: Level::Error,
        title: "a price is ten, a hundred or a thousand times the one before, or such a part of it",
        why: "us.claude-sonnet-4-5 stood at 33 for 3.3 for four days, another list had 37.5 and then 0.0375 for a week.",
        remedy: "Read the source again and correct the point. If the price really moved so far, write PB007 under `waiver`.",
        waivable: true,
        check: tenfold,
    },
    Rule {
        id: "PB008",
        level: Level::Warning,
        title: "a price moves by more than 30 percent and nobody has signed for it",
        why: "The 80 percent cut of GPT-5.6 Luna was real, so this is a question and no error.",
        remedy: "A second reader compares the row with its source and writes their name under `ack`.",
        waivable: true,
        check: large_moves,
    },
    Rule {
        id: "PB028",
        level: Level::Warning,
        title: "a row repeats the price before it",
        why: "A row that changes nothing makes a change out of none in every report.",
        remedy: "Leave the row out before it is committed; a price holds until the next row.",
        waivable: true,
        check: repeated,
    },
];

fn priced<'b>(context: &Context<'b>) -> impl Iterator<Item = (&'b PriceRow, Ratio)> {
    let steps = context.ladders.values().flat_map(|ladder| &ladder.steps);
    steps.map(|(_, row)| *row).filter_map(|row| Some((row, row.unit?))).collect::<Vec<_>>().into_iter()
}

fn per_and_range(context: &Context, findings: &mut Findings) {
    for (row, unit) in priced(context) {
        let allowed = quantities(row.meter);
        if !allowed.contains(&row.per) {
            let allowed = allowed.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
            let message = format!("{} is sold per {}, which no price list does", row.meter, row.per);
            findings.row(row, "per", message, format!("write one of {allowed} and the price for so many"));
        }
        let million = unit.checked_mul(Ratio::new(1_000_000, 1).unwrap_or(Ratio::ONE));
        let Some(million) = million.filter(|_| row.meter.is_token() && !unit.is_zero()) else { continue };
        // 0.0001 per million is a tenth of a thousandth.
        let ten_thousand = Ratio::new(10_000, 1).unwrap_or(Ratio::ONE);
        let small = million.checked_mul(ten_thousand).is_some_and(|share| against(share, 1000).is_lt());
        if small || against(million, 1_000_000).is_gt() {
            let message = format!("{} costs {} per million tokens", what(row), million.decimal_text(12));
            findings.row(row, "price", message, "check `price` and `per` together against the source");
        }
    }
}

/// Quantities that sellers price the meter by.
fn quantities(meter: Meter) -> &'static [u64] {
    match meter {
        _ if meter.is_token() => &[1, 1_000, 1_000_000],
        Meter::CacheStorageTokenHour => &[1, 1_000, 1_000_000],
        Meter::SecondAudio | Meter::SecondVideo => &[1, 60, 3_600],
        Meter::CodeExecHour | Meter::SessionHour | Meter::CapacityHour => &[1],
        _ => &[1, 10, 100, 1_000, 10_000, 1_000_000],
    }
}

/// Each price with the one that held before it on the same key.
fn moves<'b>(context: &Context<'b>) -> Vec<(&'b PriceRow, &'b PriceRow, Ratio)> {
    let mut moves = Vec::new();
    for ladder in context.ladders.values() {
        let priced: Vec<&PriceRow> =
            ladder.steps.iter().map(|(_, row)| *row).filter(|row| row.unit.is_some()).collect();
        for pair in priced.windows(2) {
            let [before, row] = pair else { continue };
            let share = row.unit.zip(before.unit).and_then(|(new, old)| quotient(new, old));
            moves.extend(share.filter(|share| !share.is_zero()).map(|share| (*before, *row, share)));
        }
    }
    moves
}

fn tenfold(context: &Context, findings: &mut Findings) {
    for (before, row, share) in moves(context) {
        let powers = [(10, 1), (100, 1), (1000, 1), (1, 10), (1, 100), (1, 1000)];
        let Some((up, down)) = powers
            .into_iter()
            .find(|(up, down)| Ratio::new(*up, *down).is_some_and(|wanted| near(share, wanted, 20)))
        else {
            continue;
        };
        let times = if down == 1 { format!("{up} times") } else { format!("a {down}th of") };
        let message = format!("{} costs {}, {times} the {} before", what(row), price(row), price(before));
        let help = format!("correct the point, or write PB007 under `waiver` of {}", what(row));
        findings.row(row, "price", message, help);
    }
}

fn large_moves(context: &Context, findings: &mut Findings) {
    for (before, row, share) in moves(context) {
        let large = against(share, 1300).is_gt() || against(share, 700).is_lt();
        if large && row.ack.is_empty() {
            let moved =
                before.unit.zip(row.unit).and_then(|(old, new)| percent(old, new)).unwrap_or_default();
            let message = format!("{} moves by {moved}% from {} to {}", what(row), price(before), price(row));
            findings.row(row, "price", message, "compare it with the source and write who did under `ack`");
        }
    }
}

fn repeated(context: &Context, findings: &mut Findings) {
    for (before, row, share) in moves(context) {
        if share == Ratio::ONE && (before.status, before.until) == (row.status, row.until) {
            let message = format!("{}: nothing changes", named(row));
            findings.row(row, "price", message, format!("leave the row out; {} still holds", before.origin));
        }
    }
}
