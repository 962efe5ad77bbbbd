//! Documents against themselves and against each other: stated total, sum of lines, cost export.

use super::sheet::{Cell, Column, Kind, Sheet};
use crate::close::document::Reconciliation;

pub fn build(document: &Reconciliation) -> Sheet {
    let mut sheet = Sheet::new(
        "tie_out",
        format!("Tie-out {}", document.month),
        vec![
            Column::new("path", "Document", Kind::Text),
            Column::new("kind", "Kind", Kind::Text),
            Column::new("provider", "Provider", Kind::Text),
            Column::new("account", "Account", Kind::Text).optional(),
            Column::new("number", "Number", Kind::Text),
            Column::new("lines_total", "Sum of lines", Kind::Money),
            Column::new("stated_total", "Stated total", Kind::Money),
            Column::new("footing_difference", "Footing difference", Kind::Money),
            Column::new("export_difference", "Usage - cost export", Kind::Money),
            Column::new("ties", "Ties", Kind::Flag),
            Column::new("rows", "Rows", Kind::Integer).optional(),
            Column::new("rejected", "Rejected", Kind::Integer).optional(),
            Column::new("sha256", "SHA-256", Kind::Text).optional(),
        ],
    );
    for tie in &document.invoices {
        let input = document.inputs.iter().find(|input| input.path == tie.path);
        sheet.rows.push(vec![
            tie.path.as_str().into(),
            tie.kind.as_str().into(),
            tie.provider.as_str().into(),
            Cell::from(tie.account.clone()),
            Cell::from(tie.number.clone()),
            tie.lines_total.into(),
            tie.stated_total.into(),
            tie.footing_difference.into(),
            tie.export_difference.into(),
            Cell::Flag(tie.ties),
            input.map(|input| input.rows).into(),
            input.map(|input| input.rejected).into(),
            Cell::from(input.map(|input| input.sha256.clone())),
        ]);
    }
    sheet
}
