//! What goes wrong, each with the cause it should be found under, and what must not alarm.

use llmfin::vocabulary::{CallType, Meter, Outcome, Tier};

use crate::month::{Bill, KEYS, Row, Tokens, World, day};
use crate::prices;
use crate::random::Random;

pub struct Fault {
    pub cause: &'static str,
    pub inject: fn(&mut World, &mut Random),
    /// The bill it can happen on.
    pub bill: Bill,
}

/// Faults that the catalogue detects.
pub static FAULTS: &[Fault] = &[
    Fault { cause: "rate.stale", inject: old_price, bill: Bill::Exact },
    Fault { cause: "rate.stale", inject: new_price, bill: Bill::Exact },
    Fault { cause: "rate.stale", inject: new_price, bill: Bill::Cents },
    Fault { cause: "cls.cache_read_as_input", inject: reads_logged_as_input, bill: Bill::Exact },
    Fault { cause: "cls.cache_read_as_input", inject: reads_logged_as_input, bill: Bill::Cents },
    Fault { cause: "cls.cache_read_as_input", inject: input_logged_as_reads, bill: Bill::Exact },
    Fault { cause: "map.alias_repointed", inject: alias_repointed, bill: Bill::Exact },
    Fault { cause: "map.alias_repointed", inject: alias_repointed, bill: Bill::Cents },
    Fault { cause: "map.fallback", inject: fallback, bill: Bill::Exact },
    Fault { cause: "rate.service_tier", inject: flex, bill: Bill::Exact },
    Fault { cause: "rate.batch", inject: batch, bill: Bill::Exact },
    Fault { cause: "rate.batch", inject: batch, bill: Bill::Cents },
    Fault { cause: "rate.region_uplift", inject: region_of_a_key, bill: Bill::Cents },
    Fault { cause: "rate.region_uplift", inject: region_of_a_model, bill: Bill::CentsWithoutRegion },
    Fault { cause: "rate.context_band", inject: context_band, bill: Bill::Exact },
    Fault { cause: "rate.missing_model", inject: missing_model, bill: Bill::Exact },
    Fault { cause: "rate.missing_class", inject: missing_class, bill: Bill::Exact },
    Fault { cause: "qty.stream_no_usage", inject: streams_without_usage, bill: Bill::Exact },
    Fault { cause: "qty.stream_no_usage", inject: streams_without_usage, bill: Bill::Cents },
    Fault { cause: "qty.failed_priced", inject: failed, bill: Bill::Exact },
    Fault { cause: "qty.failed_priced", inject: failed, bill: Bill::Cents },
    Fault { cause: "qty.poll_duplicate", inject: polled, bill: Bill::Exact },
    Fault { cause: "cov.bypass", inject: declared_bypass, bill: Bill::Exact },
    Fault { cause: "cov.bypass", inject: undeclared_bypass, bill: Bill::Exact },
];

/// Faults that show as one factor on a whole bill, on bills with one amount a model and day.
pub static WHOLE: &[Fault] = &[Fault { cause: "terms.discount", inject: discounted, bill: Bill::ModelDay }];

/// Faults of [`FAULTS`] that one amount a model and day is enough to find.
pub static AT_MODEL_DAY: &[&str] = &[
    "rate.stale",
    "map.alias_repointed",
    "map.fallback",
    "rate.service_tier",
    "rate.batch",
    "rate.context_band",
    "rate.missing_model",
    "qty.failed_priced",
    "qty.poll_duplicate",
];

/// Faults that no cause of the catalogue describes, and rows lost everywhere, of which hardly any model loses enough to show it:
/// their dollars must stay unexplained, or be named as what they are.
pub static STRANGE: &[Fault] = &[
    Fault { cause: "lost rows", inject: lost_rows, bill: Bill::Exact },
    Fault { cause: "lost rows", inject: lost_rows, bill: Bill::Cents },
    Fault { cause: "extra amount", inject: extra_amount, bill: Bill::Exact },
    Fault { cause: "extra amount", inject: extra_amount, bill: Bill::Cents },
    Fault { cause: "inflated", inject: inflated, bill: Bill::Exact },
    Fault { cause: "inflated", inject: inflated, bill: Bill::Cents },
    Fault { cause: "two models off", inject: two_models_off, bill: Bill::Exact },
    Fault { cause: "two models off", inject: two_models_off, bill: Bill::Cents },
    Fault { cause: "silent model", inject: silent_model, bill: Bill::Exact },
];

/// Months that look unusual and are right.
pub static DECOYS: &[Fault] = &[
    Fault { cause: "clean", inject: |_, _| (), bill: Bill::Exact },
    Fault { cause: "rounding only", inject: |_, _| (), bill: Bill::Cents },
    Fault { cause: "launch", inject: launch, bill: Bill::Exact },
    Fault { cause: "doubled traffic", inject: doubled, bill: Bill::Cents },
    Fault { cause: "mix shift", inject: mix_shift, bill: Bill::Exact },
    Fault { cause: "weekend gap", inject: weekend_gap, bill: Bill::Cents },
    Fault { cause: "billed failures", inject: billed_failures, bill: Bill::Exact },
    Fault { cause: "priced streams", inject: empty_streams, bill: Bill::Exact },
];

/// A (key, model) that has traffic, the model being one that `select` takes.
fn stream_of(
    world: &World,
    random: &mut Random,
    select: impl Fn(&str) -> bool,
) -> (&'static str, &'static str) {
    let mut pairs: Vec<(&str, &str)> = world.rows.iter().map(|row| (row.key, row.model)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.retain(|(_, model)| select(model));
    random.pick(&pairs)
}

fn ensure(world: &mut World, random: &mut Random, model: &'static str) {
    if world.rows.iter().any(|row| row.model == model) {
        return;
    }
    let (key, alias, project) = KEYS[0];
    for at in world.first..=world.last {
        let known = prices::OPENAI.contains(&model) || prices::ANTHROPIC.contains(&model);
        let tokens = world.tokens(random, if known { model } else { world.models[0] });
        world.rows.push(row(key, alias, project, at, model, tokens));
    }
    if !world.models.contains(&model) {
        world.models.push(model);
    }
}

fn row(
    key: &'static str,
    alias: &'static str,
    project: &'static str,
    day: u32,
    model: &'static str,
    tokens: Tokens,
) -> Row {
    Row {
        key,
        alias,
        project,
        day,
        model,
        billed_as: model,
        billed_tier: Tier::Standard,
        billed_region: "global",
        billed_long: false,
        outcome: Outcome::Success,
        call_type: CallType::Generation,
        logged: Some(tokens.clone()),
        billed: Some(tokens),
    }
}

/// Rows of one stream on the days that `on` takes, changed by `change`, with the blame.
fn change(
    world: &mut World,
    cause: &'static str,
    select: impl Fn(&Row) -> bool,
    mut change: impl FnMut(&mut Row),
) {
    let mut blamed = Vec::new();
    for row in world.rows.iter_mut().filter(|row| select(row)) {
        change(row);
        blamed.push((row.model, row.day));
        blamed.push((row.billed_as, row.day));
    }
    assert!(!blamed.is_empty(), "a fault without rows");
    for (model, day) in blamed {
        world.blame(cause, model, day);
    }
}

fn onset(world: &World, random: &mut Random) -> u32 {
    random.range(u64::from(world.first), u64::from(world.last - 6)) as u32
}

fn rate(world: &mut World, model: &'static str, meter: Meter, from: u32, unit: i128) {
    world.rates.entry((model, meter)).or_default().push((from, unit));
    let days: Vec<u32> = world
        .rows
        .iter()
        .filter(|row| row.day >= from && row.billed_as == model)
        .filter(|row| row.billed.as_ref().is_some_and(|tokens| tokens.contains_key(&meter)))
        .map(|row| row.day)
        .collect();
    for day in days {
        world.blame("rate.stale", model, day);
    }
}

fn old_price(world: &mut World, random: &mut Random) {
    let model = random.pick(&["gpt-5.6-luna", "gpt-5.6-sol"]);
    ensure(world, random, model);
    let from = onset(world, random);
    for meter in [Meter::Input, Meter::CacheRead, Meter::CacheWrite30m, Meter::Output] {
        rate(world, model, meter, from, prices::before(model, meter).unwrap());
    }
}

fn new_price(world: &mut World, random: &mut Random) {
    let (_, model) = stream_of(world, random, |_| true);
    let from = onset(world, random);
    let meters = if random.chance(50) {
        vec![Meter::Input, Meter::CacheRead, Meter::Output]
    } else {
        vec![random.pick(&[Meter::Input, Meter::Output])]
    };
    let percent = random.pick(&[70i128, 80, 120, 125, 150]);
    for meter in meters {
        let list = prices::unit(model, meter, Tier::Standard, "global", false);
        rate(world, model, meter, from, list * percent / 100);
    }
}

/// Twelve percent off everything, from one day on.
fn discounted(world: &mut World, random: &mut Random) {
    let from = onset(world, random);
    for model in world.models.clone() {
        for meter in [Meter::Input, Meter::CacheRead, Meter::CacheWrite30m, Meter::Output] {
            let list = prices::unit(model, meter, Tier::Standard, "global", false);
            world.rates.entry((model, meter)).or_default().push((from, list * 88 / 100));
        }
        for day in from..=world.last {
            world.blame("terms.discount", model, day);
        }
    }
}

fn reads_logged_as_input(world: &mut World, random: &mut Random) {
    let (key, model) = stream_of(world, random, |_| true);
    let from = onset(world, random);
    change(
        world,
        "cls.cache_read_as_input",
        |row| row.key == key && row.model == model && row.day >= from,
        |row| {
            let logged = row.logged.as_mut().unwrap();
            let reads = logged.remove(&Meter::CacheRead).unwrap_or(0);
            *logged.entry(Meter::Input).or_default() += reads;
        },
    );
}

fn input_logged_as_reads(world: &mut World, random: &mut Random) {
    let (key, model) = stream_of(world, random, |_| true);
    let from = onset(world, random);
    change(
        world,
        "cls.cache_read_as_input",
        |row| row.key == key && row.model == model && row.day >= from,
        |row| {
            let logged = row.logged.as_mut().unwrap();
            let part = logged[&Meter::Input] / 3;
            *logged.get_mut(&Meter::Input).unwrap() -= part;
            *logged.entry(Meter::CacheRead).or_default() += part;
        },
    );
}

fn served_by_another(world: &mut World, random: &mut Random, cause: &'static str, on: impl Fn(u32) -> bool) {
    let (key, model) = stream_of(world, random, |_| true);
    let others: Vec<&str> = world.models.iter().copied().filter(|other| *other != model).collect();
    let other = if others.is_empty() { "gpt-5.6-sol" } else { random.pick(&others) };
    let write = prices::cache_write(world.provider);
    change(
        world,
        cause,
        |row| row.key == key && row.model == model && on(row.day),
        |row| {
            row.billed_as = other;
            // OpenAI's older models sell no cache writes: what is written is input.
            if prices::unit(other, write, Tier::Standard, "", false) == 0
                && let Some(billed) = &mut row.billed
                && let Some(count) = billed.remove(&write)
            {
                *billed.entry(Meter::Input).or_default() += count;
            }
        },
    );
}

fn alias_repointed(world: &mut World, random: &mut Random) {
    let from = onset(world, random);
    served_by_another(world, random, "map.alias_repointed", |day| day >= from);
}

fn fallback(world: &mut World, random: &mut Random) {
    let from = onset(world, random);
    served_by_another(world, random, "map.fallback", |day| day == from || day == from + 1 || day == from + 4);
}

fn tier(world: &mut World, random: &mut Random, cause: &'static str, tier: Tier) {
    let sold = |model: &str| model == "gpt-5-mini" || model == "gpt-5.5" || model.starts_with("claude");
    if !world.models.iter().any(|model| sold(model)) {
        ensure(world, random, "gpt-5.5");
    }
    let (key, model) = stream_of(world, random, sold);
    let from = onset(world, random);
    change(
        world,
        cause,
        |row| row.key == key && row.model == model && row.day >= from,
        |row| row.billed_tier = tier,
    );
}

fn flex(world: &mut World, random: &mut Random) {
    tier(world, random, "rate.service_tier", Tier::Flex);
}

fn batch(world: &mut World, random: &mut Random) {
    tier(world, random, "rate.batch", Tier::Batch);
}

fn regional(model: &str) -> bool {
    model != "claude-haiku-4-5-20251001"
}

fn region_of_a_key(world: &mut World, random: &mut Random) {
    if !world.rows.iter().any(|row| regional(row.model)) {
        ensure(world, random, "claude-sonnet-5");
    }
    let (key, model) = stream_of(world, random, regional);
    let from = onset(world, random);
    change(
        world,
        "rate.region_uplift",
        |row| row.key == key && row.model == model && row.day >= from,
        |row| row.billed_region = "geo:us",
    );
}

fn region_of_a_model(world: &mut World, random: &mut Random) {
    if !world.rows.iter().any(|row| regional(row.model)) {
        ensure(world, random, "claude-sonnet-5");
    }
    let (_, model) = stream_of(world, random, regional);
    let from = onset(world, random);
    change(
        world,
        "rate.region_uplift",
        |row| row.model == model && row.day >= from,
        |row| row.billed_region = "geo:us",
    );
}

fn context_band(world: &mut World, random: &mut Random) {
    world.bands = true;
    let sold = |model: &str| ["gpt-5.5", "gpt-5.6-luna", "gpt-5.6-sol"].contains(&model);
    if !world.rows.iter().any(|row| sold(row.model)) {
        ensure(world, random, "gpt-5.5");
    }
    let (key, model) = stream_of(world, random, sold);
    let from = onset(world, random);
    change(
        world,
        "rate.context_band",
        |row| row.key == key && row.model == model && row.day >= from,
        |row| row.billed_long = true,
    );
}

fn missing_model(world: &mut World, random: &mut Random) {
    let model = "gpt-9-preview";
    for (meter, unit) in [
        (Meter::Input, 700_000),
        (Meter::CacheRead, 70_000),
        (Meter::CacheWrite30m, 900_000),
        (Meter::Output, 4_100_000),
    ] {
        world.rates.insert((model, meter), vec![(1, unit)]);
    }
    ensure(world, random, model);
    change(world, "rate.missing_model", |row| row.model == model, |_| ());
}

fn missing_class(world: &mut World, random: &mut Random) {
    let model = "gpt-5.6-sol";
    ensure(world, random, model);
    world.rates.insert((model, Meter::CacheWrite12h), vec![(1, 8_000_000)]);
    let from = onset(world, random);
    change(
        world,
        "rate.missing_class",
        |row| row.model == model && row.day >= from,
        |row| {
            row.logged.as_mut().unwrap().insert(Meter::CacheWrite12h, 60_000);
            row.billed.as_mut().unwrap().insert(Meter::CacheWrite12h, 60_000);
        },
    );
}

fn streams_without_usage(world: &mut World, random: &mut Random) {
    let (key, model) = stream_of(world, random, |_| true);
    let at = random.range(u64::from(world.first), u64::from(world.last)) as u32;
    change(
        world,
        "qty.stream_no_usage",
        |row| row.key == key && row.model == model && (row.day == at || row.day == at + 1),
        |row| {
            row.outcome = Outcome::StreamWithoutUsage;
            row.logged = Some(Tokens::new());
        },
    );
}

/// Rows beside a stream's own, not billed.
fn beside(world: &mut World, random: &mut Random, cause: &'static str, change: fn(&mut Row)) {
    let (key, model) = stream_of(world, random, |_| true);
    let from = onset(world, random);
    let mut more: Vec<Row> = world
        .rows
        .iter()
        .filter(|row| row.key == key && row.model == model && row.day >= from && row.day <= from + 5)
        .cloned()
        .collect();
    for row in &mut more {
        row.billed = None;
        change(row);
        world.blame(cause, row.model, row.day);
    }
    world.rows.extend(more);
}

fn failed(world: &mut World, random: &mut Random) {
    beside(world, random, "qty.failed_priced", |row| {
        row.outcome = Outcome::FailedWithUsage;
        let half = row.logged.iter().flatten().map(|(meter, count)| (*meter, count / 2 + 1)).collect();
        row.logged = Some(half);
    });
}

fn polled(world: &mut World, random: &mut Random) {
    beside(world, random, "qty.poll_duplicate", |row| row.call_type = CallType::Poll);
}

fn bypass(world: &mut World, random: &mut Random) {
    world.projects = true;
    let (_, model) = stream_of(world, random, |_| true);
    for at in (world.first..=world.last).filter(|at| at % 2 == 0) {
        let known = prices::OPENAI.contains(&model) || prices::ANTHROPIC.contains(&model);
        let tokens = world.tokens(random, if known { model } else { world.models[0] });
        let mut row = row("", "", "proj_notebooks", at, model, tokens);
        row.logged = None;
        world.rows.push(row);
        world.blame("cov.bypass", model, at);
    }
}

fn declared_bypass(world: &mut World, random: &mut Random) {
    world.declared = true;
    bypass(world, random);
}

fn undeclared_bypass(world: &mut World, random: &mut Random) {
    bypass(world, random);
}

fn lost_rows(world: &mut World, random: &mut Random) {
    let mut lost = Vec::new();
    for row in &mut world.rows {
        if random.chance(3) {
            row.logged = None;
            lost.push((row.model, row.day));
        }
    }
    lost.into_iter().for_each(|(model, day)| world.blame("qty.dropped_rows", model, day));
}

fn extra_amount(world: &mut World, random: &mut Random) {
    let (_, model) = stream_of(world, random, |_| true);
    let at = random.range(u64::from(world.first), u64::from(world.last)) as u32;
    world.extra.insert((model, at, Meter::Output), i128::from(random.range(2, 700)) * 10_000_000_000);
}

fn inflated(world: &mut World, random: &mut Random) {
    let (_, model) = stream_of(world, random, |_| true);
    let percent = random.pick(&[103u64, 107, 113, 131]);
    for row in world.rows.iter_mut().filter(|row| row.model == model) {
        for count in row.logged.iter_mut().flatten().map(|(_, count)| count) {
            *count = *count * percent / 100;
        }
    }
}

fn two_models_off(world: &mut World, random: &mut Random) {
    let mut models = world.models.clone();
    models.retain(|model| world.rows.iter().any(|row| row.model == *model));
    let (more, less) = (models[0], models[models.len() - 1]);
    for row in &mut world.rows {
        let part = random.range(1, 9);
        for count in row.logged.iter_mut().flatten().map(|(_, count)| count) {
            if row.model == more {
                *count += *count * part / 97 + 13;
            } else if row.model == less {
                *count -= *count * part / 101;
            }
        }
    }
}

/// The bill has a model that the log never saw.
fn silent_model(world: &mut World, _: &mut Random) {
    let model = *world.models.last().unwrap();
    for row in world.rows.iter_mut().filter(|row| row.model == model) {
        row.logged = None;
    }
}

fn launch(world: &mut World, random: &mut Random) {
    let model = world.models[0];
    let from = onset(world, random);
    world.rows.retain(|row| row.model != model || row.day >= from);
}

fn doubled(world: &mut World, random: &mut Random) {
    let from = onset(world, random);
    for row in world.rows.iter_mut().filter(|row| row.day >= from) {
        for tokens in [&mut row.logged, &mut row.billed].into_iter().flatten() {
            tokens.values_mut().for_each(|count| *count *= 2);
        }
    }
}

fn mix_shift(world: &mut World, random: &mut Random) {
    let from = onset(world, random);
    for row in world.rows.iter_mut().filter(|row| row.day >= from) {
        for tokens in [&mut row.logged, &mut row.billed].into_iter().flatten() {
            let moved = tokens[&Meter::Input] / 2;
            *tokens.get_mut(&Meter::Input).unwrap() -= moved;
            *tokens.entry(Meter::CacheRead).or_default() += moved;
        }
    }
}

fn weekend_gap(world: &mut World, _: &mut Random) {
    // 2026-10-03 and -04 are a Saturday and a Sunday.
    world.rows.retain(|row| (day(row.day).days() - day(3).days()).rem_euclid(7) > 1);
}

fn billed_failures(world: &mut World, random: &mut Random) {
    beside(world, random, "", |row| {
        row.outcome = Outcome::FailedWithUsage;
        row.billed = row.logged.clone();
    });
    world.truth.clear();
}

fn empty_streams(world: &mut World, random: &mut Random) {
    beside(world, random, "", |row| {
        row.outcome = Outcome::StreamWithoutUsage;
        row.logged = Some(Tokens::new());
    });
    world.truth.clear();
}
