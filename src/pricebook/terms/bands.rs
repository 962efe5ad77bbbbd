//! Volume bands: `bands = [{ above = "1000000000", percent_off = "10" }]`.

use toml::de::DeValue;

use super::entry::Entry;
use super::read::{AMOUNT, PERCENT, QUANTITY};
use super::usage::{PRICE, per};
use super::{Band, BandPrice, Kind, Measure};
use crate::money::Ratio;

pub fn read(entry: &mut Entry, has_meters: bool) -> Option<Kind> {
    let of = entry.choice("of", &[("quantity", Measure::Quantity), ("spend", Measure::Spend)]);
    let whole = entry.choice("mode", &[("incremental", false), ("whole", true)]);
    if of == Some(Measure::Quantity) && !has_meters && !entry.has("applies_to") && !entry.has("meter") {
        let message = "a band of quantity needs to know what is counted".to_owned();
        entry.report("contract-term", entry.place("kind"), message, "write `applies_to = [\"tokens\"]`");
    }
    let per = per(entry)?;
    let Some(value) = entry.value("bands") else {
        entry.missing("bands", "write bands = [{ above = \"1000000\", percent_off = \"10\" }]");
        return None;
    };
    let items = value.get_ref().as_array().filter(|items| !items.is_empty());
    let Some(items) = items else {
        let message = "`bands` is no list of bands".to_owned();
        let help = "write bands = [{ above = \"1000000\", percent_off = \"10\" }]";
        entry.report("contract-value", value.span(), message, help);
        return None;
    };
    let of = of?;
    let mut bands: Vec<Band> = Vec::new();
    for item in items.iter() {
        let DeValue::Table(table) = item.get_ref() else {
            let message = "a band is a table".to_owned();
            entry.report(
                "contract-value",
                item.span(),
                message,
                "write { above = \"0\", percent_off = \"5\" }",
            );
            continue;
        };
        let mut cells = Entry::new(entry.text, entry.problems, table, item.span());
        let band = band(&mut cells, of, per);
        cells.finish("band of a volume_band");
        if let (Some(band), Some(last)) = (band, bands.last())
            && band.above <= last.above
        {
            let message = "the bands do not rise".to_owned();
            entry.report("contract-value", item.span(), message, "sort the bands by `above`");
        }
        bands.extend(band);
    }
    (bands.len() == items.len()).then_some(Kind::VolumeBand { of, whole: whole?, bands })
}

fn band(entry: &mut Entry, of: Measure, per: Ratio) -> Option<Band> {
    let above = match of {
        Measure::Quantity => entry.needed("above", &QUANTITY),
        Measure::Spend => entry.needed("above", &AMOUNT).map(|amount| amount.pico()),
    };
    let factor = entry.cell("percent_off", &PERCENT).map(BandPrice::Factor);
    let unit = entry.cell("price", &PRICE).and_then(|price| price.checked_mul(per)).map(BandPrice::Unit);
    if entry.has("percent_off") == entry.has("price") || (of == Measure::Spend && entry.has("price")) {
        let message = "a band has either a percentage or, where quantity is counted, a price".to_owned();
        entry.report("contract-value", entry.span.clone(), message, "write percent_off = \"10\"");
        return None;
    }
    Some(Band { above: above?, price: factor.or(unit)? })
}
