//! PB032: what a public list says otherwise.

use std::collections::BTreeMap;

use super::numbers::{near, what};
use super::{Context, Findings, Rule};
use crate::diagnostic::Level;
use crate::period::Day;
use crate::pricebook::PriceRow;
use crate::review::import::{self, Conflict};
use crate::review::steps::{per, per_text, price_text};

pub const RULES: &[Rule] = &[Rule {
    id: "PB032",
    level: Level::Note,
    title: "a public list has another price, by more than half a percent",
    why: "Of 300 conflicts between public lists half were a stale copy and one a ten-fold slip: a difference is a reason to read \
          the source again, and no proof.",
    remedy: "Read the seller's page. If the list is right, append a row; if the book is, leave it.",
    waivable: true,
    check: other_prices,
}];

/// A public list, held against the book.
pub struct Cross {
    /// `litellm`
    pub list: &'static str,
    pub retrieved: Day,
    pub conflicts: Vec<Conflict>,
}

impl Cross {
    /// Reads a list of any format that can be imported.
    pub fn read(
        name: &str,
        text: &str,
        context: &import::Context,
    ) -> Result<Cross, Box<crate::diagnostic::Diagnostic>> {
        let (format, mut listing) = import::read(name, text, None, context)?;
        let conflicts = import::compare(&mut listing, context).conflicts;
        Ok(Cross { list: format.id, retrieved: context.retrieved, conflicts })
    }
}

fn other_prices(context: &Context, findings: &mut Findings) {
    let Some(cross) = context.cross else { return };
    let rows: BTreeMap<_, &PriceRow> =
        context.ladders.values().flat_map(|ladder| &ladder.rows).map(|row| (&row.origin, *row)).collect();
    let age = context.as_of.days() - cross.retrieved.days();
    let age = if age == 1 { "1 day old".to_owned() } else { format!("{age} days old") };
    for conflict in &cross.conflicts {
        let (Some(ours), Some(row)) = (conflict.ours, rows.get(&conflict.row)) else { continue };
        let quote = &conflict.quote;
        if near(quote.unit, ours, 5) {
            continue;
        }
        let remarks = conflict.remarks.join("; ");
        let remarks = if remarks.is_empty() { remarks } else { format!(": {remarks}") };
        let (theirs, ours) = (price_text(quote.unit, per(row)), price_text(ours, per(row)));
        let message = format!(
            "{} costs {ours} per {}, and {theirs} for `{}` in {} of {}, {age}{remarks}",
            what(row),
            per_text(per(row)),
            quote.name,
            cross.list,
            cross.retrieved
        );
        findings.row(row, "price", message, "read the seller's page: append a row if the list is right");
    }
}
