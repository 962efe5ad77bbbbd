//! Lines of a bill may say how long prompts were where that changes no price: then long and short ones are one place to
//! compare, for a log need not say it either.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::grain::{GLOBAL, Grain};
use super::regions::prices;
use crate::period::Period;
use crate::rate::{Account, Rater};

/// Lets long and short prompts meet where the book prices them alike, on the first day and on the last.
pub fn meet(grains: &mut BTreeMap<Account, Grain>, rater: &Rater, period: Period) {
    for (account, grain) in grains {
        let banded: Vec<Arc<str>> = grain.banded().cloned().collect();
        for model in banded {
            if alike(rater, account, &model, period) {
                grain.join_bands(&model);
            }
        }
    }
}

/// True where the book has prices of the model and none of them is one of long prompts.
fn alike(rater: &Rater, account: &Account, model: &Arc<str>, period: Period) -> bool {
    let of = |prompt| prices(rater, account, model, (&GLOBAL.into(), prompt), period);
    let short = of(0);
    let mut long = (1..=rater.book.bands().len() as u8).map(|band| of(rater.book.band_prompt(band)));
    short.iter().any(Option::is_some) && long.all(|prices| prices == short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricebook::Pricebook;

    #[test]
    fn long_prompts_are_told_apart_where_they_have_a_price() {
        let book = Pricebook::shipped().unwrap();
        let rater = Rater::new(&book);
        let period = "2026-10".parse::<crate::period::Month>().unwrap().period();
        let alike = |seller: &str, model: &str| {
            let account = Account { provider: seller.into(), id: None };
            super::alike(&rater, &account, &model.into(), period)
        };
        // Gemini 2.5 Pro costs 2.50 above 200,000 tokens and 1.25 below; Gemini 2.5 Flash has one price.
        assert!(!alike("google-vertex", "gemini-2.5-pro"));
        assert!(alike("google-vertex", "gemini-2.5-flash"));
        // Of what is not in the book nothing is known.
        assert!(!alike("google-vertex", "gemini-99"));
    }
}
