//! What could not be tested with the files given, and which export would settle it.

use super::sheet::{Column, Kind, Sheet};
use crate::close::document::Reconciliation;

pub fn build(document: &Reconciliation) -> Sheet {
    let mut sheet = Sheet::new(
        "limits",
        "What could not be tested",
        vec![
            Column::new("account", "Account", Kind::Text),
            Column::new("what", "What could not be tested", Kind::Text),
            Column::new("settles", "What would settle it", Kind::Text),
            Column::new("causes", "Causes it hides", Kind::Text).optional(),
        ],
    );
    for limit in &document.limits {
        sheet.rows.push(vec![
            super::lines::account(&limit.provider, limit.account.as_deref()).into(),
            limit.what.as_str().into(),
            limit.settles.as_str().into(),
            limit.causes.join(", ").into(),
        ]);
    }
    sheet
}
