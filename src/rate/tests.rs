//! Which price a row of the log meets: names, segments of a day, whole days.

use super::*;
use crate::period::read_instant;
use crate::pricebook::{Layer, NoPrice, files::BookFile};

/// Twice the price from 06:00 to 10:00 on the weekdays of Shanghai.
fn book() -> Pricebook {
    let files = [
        ("book.toml", "name = \"t\"\nbase = \"none\"\n"),
        ("models.toml", "[[model]]\nid = \"m\"\nseller = \"deepseek\"\n"),
        (
            "schedules.toml",
            "[[schedule]]\nid = \"peak\"\n[[schedule.version]]\nfrom = 2026-01-01\nzone = \"UTC\"\n\
             weekday_zone = \"Asia/Shanghai\"\nwindows = [{ hours = \"06:00-10:00\", days = \"Mon-Fri\" }]\n",
        ),
        (
            "prices/deepseek.csv",
            "model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source\n\
             m,input,standard,0,global,*,1,1,USD,2026-01-01,2026-01-01,1,listed,s\n\
             m,input,standard,0,global,peak,2,1,USD,2026-01-01,2026-01-01,1,listed,s\n",
        ),
    ];
    let files = files.map(|(name, content)| BookFile {
        layer: Layer::Overlay,
        name: name.into(),
        shown: name.into(),
        content: content.into(),
    });
    let reading = Pricebook::read(files.into(), Vec::new(), None);
    assert_eq!(reading.problems, []);
    reading.book
}

/// A plain call of nobody on the first of October.
fn first_key() -> RatingKey {
    RatingKey {
        slot: (read_instant("2026-10-01T00:00:00Z").unwrap().0 / crate::period::SECONDS_PER_SLOT) as u32,
        provider: 0,
        key: 0,
        requested: 0,
        routed: 0,
        served: 0,
        region: 0,
        tier: Tier::Standard,
        band: 0,
        outcome: Outcome::Success,
        call_type: CallType::Generation,
        source: CountSource::Provider,
        reading: Reading::Inclusive,
        stream: false,
        whole_day: false,
    }
}

fn rows(calls: &[(&str, bool)]) -> Vec<DayUsage> {
    let mut cubes = Cubes::default();
    let (provider, served) = (cubes.names.intern("deepseek"), cubes.names.intern("m"));
    for (at, whole_day) in calls {
        let slot = (read_instant(at).unwrap().0 / crate::period::SECONDS_PER_SLOT) as u32;
        let key = RatingKey { slot, provider, served, whole_day: *whole_day, ..first_key() };
        let mut sums = Sums { requests: 1, ..Sums::default() };
        sums.meters.set(Meter::Input, 1);
        cubes.rating.entry(key).or_default().add(&sums);
    }
    let accounts = Accounts { known: Vec::new(), keys: BTreeMap::new() };
    let period = "2026-10".parse::<crate::period::Month>().unwrap().period();
    let meanings = Meanings { accounts: &accounts, mappings: &[], traffic: &[], book: &book() };
    day_rows(&cubes, None, period, meanings)
}

#[test]
fn a_day_is_cut_where_a_window_opens_and_closes() {
    // A Monday.
    let calls = ["00:00", "05:45", "06:00", "09:45", "10:00"].map(|hour| format!("2026-10-05T{hour}:00Z"));
    let calls: Vec<(&str, bool)> = calls.iter().map(|at| (at.as_str(), false)).collect();
    let (book, rows) = (book(), rows(&calls));
    let rater = Rater::new(&book);
    let total = rows
        .iter()
        .flat_map(DayUsage::leaves)
        .map(|(leaf, count)| amount(rater.ratio(&leaf).unwrap(), count).unwrap());
    assert_eq!(rows.len(), 3);
    // Three calls at one dollar, two at two.
    assert_eq!(total.sum::<Money>().plain(), "7.00");
}

#[test]
fn a_name_says_what_the_log_does_not_and_a_mapping_outranks_both() {
    let book = Pricebook::shipped().unwrap();
    let id = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    let at = read_instant("2026-10-01").unwrap().0;
    let mapping = |region: Option<&str>, tier| ModelMapping {
        logged: "prod".into(),
        seller: None,
        model: format!("us.{id}").into(),
        from: None,
        region: region.map(Into::into),
        tier,
    };
    let accounts = Accounts { known: Vec::new(), keys: BTreeMap::new() };
    let meant = |served: &str, routed: &str, mappings: &[ModelMapping], region: &str, tier| {
        let meant = resolve(
            Meanings { accounts: &accounts, mappings, traffic: &[], book: &book },
            "aws-bedrock",
            served,
            routed,
            at,
        );
        assert_eq!(&*meant.model, id);
        (meant.region_of(region.into()).to_string(), meant.tier_of(tier))
    };
    let (profile, standard) = (format!("us.{id}"), Tier::Standard);
    assert_eq!(meant(&profile, "", &[], "", standard), ("geo:us".to_owned(), standard));
    assert_eq!(meant(id, &profile, &[], "", standard), ("geo:us".to_owned(), standard));
    assert_eq!(meant(&profile, "", &[], "eu-west-1", standard), ("eu-west-1".to_owned(), standard));
    for global in [
        format!("global.{id}"),
        format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.{id}"),
    ] {
        assert_eq!(meant(&global, "", &[], "us-east-1", standard), ("global".to_owned(), standard));
        assert_eq!(meant(id, &global, &[], "us-east-1", standard), ("global".to_owned(), standard));
    }
    assert_eq!(meant("prod", "", &[mapping(None, None)], "", standard), ("geo:us".to_owned(), standard));
    let stated = [mapping(Some("global"), Some(Tier::Provisioned))];
    assert_eq!(
        meant("prod", "", &stated, "eu-west-1", Tier::Batch),
        ("global".to_owned(), Tier::Provisioned)
    );
}

#[test]
fn usage_of_a_whole_day_is_not_priced_by_a_guess() {
    let (book, rows) = (book(), rows(&[("2026-10-05", true), ("2026-10-10", true)]));
    let rater = Rater::new(&book);
    let price = |row: &DayUsage| rater.unit(&row.leaf(Meter::Input)).map(|priced| priced.unit.per_million());
    // Monday has two prices; Saturday has one.
    assert_eq!(rows.iter().map(price).collect::<Vec<_>>(), [Err(NoPrice::Hourly), Ok("1000000".into())]);
}

#[test]
fn a_key_pays_at_every_seller_from_the_account_that_has_it_there() {
    let account = |provider: &str| Account { provider: provider.into(), id: Some("production".into()) };
    let accounts = Accounts {
        known: Vec::new(),
        keys: [("app".into(), BTreeSet::from([account("openai"), account("anthropic")]))].into(),
    };
    for seller in ["openai", "anthropic"] {
        assert_eq!(accounts.of(seller, None, "app"), account(seller));
    }
}

/// Writes to the cache of `served` in one call of 200 plain tokens, as they are compared: input and writes.
fn written(served: &str, meter: Meter) -> (u64, u64) {
    let mut cubes = Cubes::default();
    let (provider, served) = (cubes.names.intern("openai"), cubes.names.intern(served));
    let key = RatingKey { provider, served, ..first_key() };
    let mut sums = Sums { requests: 1, ..Sums::default() };
    sums.meters.set(Meter::Input, 200);
    sums.meters.set(meter, 400);
    cubes.rating.entry(key).or_default().add(&sums);
    let accounts = Accounts { known: Vec::new(), keys: BTreeMap::new() };
    let period = "2026-10".parse::<crate::period::Month>().unwrap().period();
    let book = Pricebook::shipped().unwrap();
    let meanings = Meanings { accounts: &accounts, mappings: &[], traffic: &[], book: &book };
    let rows = day_rows(&cubes, None, period, meanings);
    let sum = |is: fn(Meter) -> bool| {
        rows[0].sums.meters.iter().filter(|(meter, _)| is(*meter)).map(|(_, count)| count).sum()
    };
    (sum(|meter| meter == Meter::Input), sum(Meter::is_cache_write))
}

#[test]
fn what_is_written_to_a_free_cache_is_input() {
    // OpenAI: no fee for cache writes before GPT-5.6, whose tokens are input then; 1.25 times the input price since.
    assert_eq!(written("gpt-5.5", Meter::CacheWriteOther), (600, 0));
    assert_eq!(written("gpt-5-mini", Meter::CacheWrite30m), (600, 0));
    assert_eq!(written("gpt-5.6-luna", Meter::CacheWriteOther), (200, 400));
}
