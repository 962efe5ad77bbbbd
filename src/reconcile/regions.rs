//! Both sides name the place that served, and not always by the same name: a log says `geo:us`, the profile that was called,
//! and the bill `us-east-1`, from where it was called. Regions that the seller prices alike are one place to compare,
//! where one side uses a name that the other has not. No price depends on it, so nothing is lost but the name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::grain::Grain;
use crate::money::Ratio;
use crate::period::Period;
use crate::rate::{Account, DayUsage, Leaf, Rater};
use crate::vocabulary::{Meter, Tier};

/// Meters by which prices are told apart.
const METERS: [Meter; 4] = [Meter::Input, Meter::CacheRead, Meter::CacheWrite5m, Meter::Output];

/// Prices of a model at one place, on the first day and on the last.
pub(super) type Prices = Vec<Option<Ratio>>;

/// Lets each bill's regions and those of the log meet.
pub fn meet(grains: &mut BTreeMap<Account, Grain>, usage: &[DayUsage], rater: &Rater, period: Period) {
    for (account, grain) in grains {
        let rows = usage.iter().filter(|row| row.account == *account && row.outcome.is_billable());
        let logged: BTreeSet<Arc<str>> = rows.map(|row| row.region.clone()).collect();
        let joined: Vec<_> = grain
            .regions()
            .filter(|(_, billed)| !logged.is_subset(billed))
            .map(|(model, billed)| {
                let prices = |region: &Arc<str>| prices(rater, account, model, (region, 0), period);
                (model.clone(), alike(billed, &logged, prices))
            })
            .collect();
        for (model, meets) in joined {
            grain.join(&model, meets);
        }
    }
}

/// Each region that has the prices of one on the bill, with the first of those on the bill.
fn alike(
    billed: &BTreeSet<Arc<str>>,
    logged: &BTreeSet<Arc<str>>,
    prices: impl Fn(&Arc<str>) -> Prices,
) -> BTreeMap<Arc<str>, Arc<str>> {
    // Without a price, nothing says that two regions cost the same.
    let priced = |region: &Arc<str>| Some(prices(region)).filter(|prices| prices.iter().any(Option::is_some));
    let mut first: Vec<(Prices, &Arc<str>)> = Vec::new();
    let mut meets = BTreeMap::new();
    for region in billed.iter().chain(logged.difference(billed)) {
        let Some(prices) = priced(region) else { continue };
        match first.iter().find(|(known, _)| *known == prices) {
            Some((_, place)) => {
                meets.insert(region.clone(), (*place).clone());
            }
            None if billed.contains(region) => first.push((prices, region)),
            None => {}
        }
    }
    meets
}

/// `region` and `prompt` say the place.
pub(super) fn prices(
    rater: &Rater,
    account: &Account,
    model: &Arc<str>,
    (region, prompt): (&Arc<str>, u64),
    period: Period,
) -> Prices {
    let days = [period.first, period.last].into_iter();
    let price = |day: crate::period::Day, meter| {
        rater.ratio(&Leaf {
            account: account.clone(),
            model: model.clone(),
            day,
            meter,
            tier: Tier::Standard,
            region: region.clone(),
            prompt,
            at: day.start(),
            whole_day: false,
        })
    };
    days.flat_map(|day| METERS.map(|meter| price(day, meter))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Origin;
    use crate::invoice::{BillLine, ModelScope};
    use crate::pricebook::Pricebook;
    use crate::reconcile::Line;

    /// Where usage of Claude Sonnet 4.5 on Bedrock, and a bill line of it, are compared: 3.30 in the United States,
    /// whatever the name, and 3.00 by the global profile.
    fn places(billed: &[&str], logged: &[&str]) -> (Vec<String>, Vec<String>) {
        let book = Pricebook::shipped().unwrap();
        let rater = Rater::new(&book);
        let account = Account { provider: "aws-bedrock".into(), id: None };
        let model: Arc<str> = "anthropic.claude-sonnet-4-5-20250929-v1:0".into();
        let period = "2026-10".parse::<crate::period::Month>().unwrap().period();
        let day = Period { first: period.first, last: period.first };
        let lines: Vec<BillLine> = billed
            .iter()
            .map(|region| {
                let mut line = BillLine::new(Origin::default(), "", day);
                line.model = ModelScope::One(model.clone());
                line.meter = Some(Meter::Input);
                line.region = Some((*region).into());
                line
            })
            .collect();
        let lines: Vec<Line> = lines
            .iter()
            .map(|line| Line { line, account: account.clone(), model: Some(model.clone()) })
            .collect();
        let prices = |region: &Arc<str>| prices(&rater, &account, &model, (region, 0), period);
        let mut grain = Grain::of(&lines.iter().collect::<Vec<_>>());
        let regions =
            |texts: &[&str]| texts.iter().map(|text| Arc::from(*text)).collect::<BTreeSet<Arc<str>>>();
        let meets = alike(&regions(billed), &regions(logged), prices);
        grain.join(&model, meets);
        let leaf = |region: &str| Leaf {
            account: account.clone(),
            model: model.clone(),
            day: period.first,
            meter: Meter::Input,
            tier: Tier::Standard,
            region: region.into(),
            prompt: 0,
            at: period.first.start(),
            whole_day: false,
        };
        let text = |key: crate::reconcile::BillKey| key.region.unwrap().to_string();
        (
            lines.iter().map(|line| text(grain.of_line(line))).collect(),
            logged.iter().map(|region| text(grain.of_leaf(&leaf(region), false))).collect(),
        )
    }

    #[test]
    fn a_profile_meets_the_regions_it_was_called_from() {
        let same = |count| vec!["us-east-1".to_owned(); count];
        assert_eq!(places(&["us-east-1"], &["geo:us"]), (same(1), same(1)));
        assert_eq!(places(&["us-east-1", "us-west-2"], &["geo:us", "us-west-2"]), (same(2), same(2)));
        // A log that names none is priced as the region the seller is billed in by default.
        assert_eq!(places(&["us-east-1"], &[""]), (same(1), same(1)));
    }

    #[test]
    fn another_price_is_another_place() {
        let (bill, log) = places(&["us-east-1"], &["global", "us-gov-west-1"]);
        assert_eq!((bill, log), (vec!["us-east-1".into()], vec!["global".into(), "us-gov-west-1".into()]));
    }
}
