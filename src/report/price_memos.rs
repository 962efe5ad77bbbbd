//! What is known since about the prices of earlier closes: told here, and in no figure of theirs or of this month.

use super::sheet::{Cell, Column, Kind, Sheet};
use crate::close::document::Reconciliation;
use crate::money::Money;

pub fn build(document: &Reconciliation) -> Sheet {
    let mut sheet = Sheet::new(
        "price-memos",
        format!("Price memos {}", document.month),
        vec![
            Column::new("month", "Month", Kind::Text),
            Column::new("class", "Class", Kind::Text),
            Column::new("provider", "Provider", Kind::Text),
            Column::new("model", "Model", Kind::Text),
            Column::new("meter", "Meter", Kind::Text),
            Column::new("tier", "Tier", Kind::Text).optional(),
            Column::new("context", "Context", Kind::Text).optional(),
            Column::new("region", "Region", Kind::Text).optional(),
            Column::new("window", "Window", Kind::Text).optional(),
            Column::new("old", "Closed at", Kind::Money),
            Column::new("new", "Known now", Kind::Money),
            Column::new("per", "Per", Kind::Integer),
            Column::new("from", "From", Kind::Date),
            Column::new("amount", "Would move", Kind::Money),
            Column::new("unpriced", "Units without a price", Kind::Integer).optional(),
            Column::new("known_at", "Closed as known at", Kind::Date).optional(),
            Column::new("recorded", "Recorded", Kind::Date),
            Column::new("row", "Row", Kind::Text).optional(),
        ],
    );
    let units = |text: &Option<String>| {
        text.as_ref().and_then(|text| text.parse().ok()).map_or(Cell::Empty, Cell::Integer)
    };
    let price = |text: &Option<String>| text.clone().map_or(Cell::Empty, Cell::Ratio);
    for memo in &document.memos {
        sheet.rows.push(vec![
            memo.month.to_string().into(),
            memo.class.as_str().into(),
            memo.provider.as_str().into(),
            memo.model.as_str().into(),
            memo.meter.id().into(),
            memo.tier.map(|tier| tier.id()).into(),
            memo.context.as_str().into(),
            memo.region.as_str().into(),
            memo.window.as_str().into(),
            price(&memo.old),
            price(&memo.new),
            memo.per.into(),
            memo.from.into(),
            memo.amount.into(),
            units(&memo.unpriced),
            memo.known_at.into(),
            memo.recorded.into(),
            memo.row.as_str().into(),
        ]);
    }
    let mut total = vec![Cell::Empty; sheet.columns.len()];
    total[0] = "Total".into();
    total[13] = document.memos.iter().map(|memo| memo.amount).sum::<Option<Money>>().into();
    sheet.total = Some(total);
    sheet
}
