//! The sellers of the book at a glance.

use super::Question;
use crate::report::sheet::{Cell, Column, Kind, Sheet};
use crate::review::show::doubt;

pub fn build(question: &Question) -> Sheet {
    let book = question.book;
    let mut sheet = Sheet::new(
        "sellers",
        "Sellers",
        vec![
            Column::new("seller", "Seller", Kind::Text),
            Column::new("models", "Models", Kind::Integer),
            Column::new("rows", "Price rows", Kind::Integer),
            Column::new("doubtful", "Doubtful", Kind::Integer),
            Column::new("newest", "Newest price", Kind::Date),
            Column::new("evidence", "Newest evidence", Kind::Date),
        ],
    );
    let mut totals = [0u64; 3];
    for seller in book.sellers().filter(|id| question.args.seller.is_none_or(|wanted| wanted == *id)) {
        let rows: Vec<_> = book.ledger(seller).collect();
        let doubtful = rows.iter().filter(|row| doubt(row).is_some()).count();
        let counts = [book.models(seller).count(), rows.len(), doubtful].map(|count| count as u64);
        totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        let evidence = rows.iter().filter_map(|row| book.evidence(&row.source)).map(|read| read.retrieved);
        let [models, count, doubtful] = counts.map(Cell::from);
        sheet.rows.push(vec![
            seller.into(),
            models,
            count,
            doubtful,
            rows.iter().map(|row| row.recorded).max().into(),
            evidence.max().into(),
        ]);
    }
    let [models, rows, doubtful] = totals.map(Cell::from);
    sheet.total = Some(vec!["Total".into(), models, rows, doubtful, Cell::Empty, Cell::Empty]);
    sheet.notes.push(question.known());
    sheet
}
