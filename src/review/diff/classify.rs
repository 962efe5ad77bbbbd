//! Of what kind is a difference? Decided by the rows that hold in the two books, never by the size of the move.

use super::super::steps::Ladder;
use crate::pricebook::PriceRow;
use crate::vocabulary::PriceStatus;

macro_rules! classes {
    ($($(#[$doc:meta])* $variant:ident = $id:literal),+ $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Class { $($(#[$doc])* $variant),+ }
        impl Class {
            pub const ALL: &'static [Class] = &[$(Class::$variant),+];
            pub const fn id(self) -> &'static str {
                match self { $(Class::$variant => $id),+ }
            }
        }
    };
}

classes! {
    /// The first price of a model that the older book does not sell.
    NewModel = "new model",
    /// A price for a meter, tier, context, region or window that a known model had none for.
    NewPrice = "new price",
    /// Another price from some instant on.
    PriceChange = "price change",
    /// Another price for the same start: the older book was wrong.
    Correction = "correction",
    /// A price with a stated end.
    Promotion = "promotion",
    /// A price that ends, or an announcement that was cancelled.
    Withdrawal = "withdrawal",
    /// A name that means another model.
    AliasMove = "alias move",
    Retirement = "retirement",
    Modifier = "modifier",
    Schedule = "schedule",
    Region = "region",
    Name = "name",
    /// The price is the same; what is said about it is not.
    Metadata = "metadata",
}

pub(super) fn class(
    old: Option<&PriceRow>,
    new: Option<&PriceRow>,
    after: &Ladder,
    is_new_model: bool,
) -> Class {
    let Some(new) = new.filter(|row| row.unit.is_some()) else { return Class::Withdrawal };
    let promo = new.status == PriceStatus::Promo;
    match old {
        None if is_new_model => Class::NewModel,
        None if new.rev > 1 => Class::Correction,
        None if promo => Class::Promotion,
        None => Class::NewPrice,
        Some(old) if old.from == new.from => Class::Correction,
        Some(old) if cancelled(old, after) => Class::Withdrawal,
        Some(_) if promo => Class::Promotion,
        Some(_) if new.rev > 1 => Class::Correction,
        Some(_) => Class::PriceChange,
    }
}

fn cancelled(old: &PriceRow, after: &Ladder) -> bool {
    after.decides(old.from).is_none_or(|row| row.status == PriceStatus::Withdrawn)
}

/// Columns in which two rows of one price differ.
pub(super) fn columns(old: Option<&PriceRow>, new: Option<&PriceRow>) -> Vec<&'static str> {
    let (Some(old), Some(new)) = (old, new) else { return Vec::new() };
    let differs = [
        ("price", old.price != new.price),
        ("per", old.per != new.per),
        ("from", old.from != new.from),
        ("status", old.status != new.status),
        ("basis", old.basis != new.basis),
        ("until", old.until != new.until),
        ("ack", old.ack != new.ack),
        ("free", old.free != new.free),
        ("waiver", old.waiver != new.waiver),
        ("source", old.source != new.source),
        ("confirmed", old.confirmed != new.confirmed),
        ("note", old.note != new.note),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(column, _)| column).collect()
}
