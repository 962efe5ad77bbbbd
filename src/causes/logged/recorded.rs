//! Mistakes whose occasion the record itself shows: a class that has a count, a tier, region or model that has a name.
//! They have no free number, so one row that they reproduce to the last step is enough.

use super::choices::Known;
use super::decide::Decided;
use super::figure::Figure;
use crate::rate::{DayUsage, Rater};
use crate::vocabulary::{Meter, Tier};

/// A mistake a gateway is known to make.
pub(super) struct Mistake {
    pub cause: &'static str,
    pub what: &'static str,
    /// What it would have multiplied; `None` where the row gives no occasion for it.
    pub figure: fn(&DayUsage) -> Option<Figure>,
}

/// Said of rows whose fees the gateway left out.
pub(super) const NO_FEES: &str = "the gateway priced tokens only, without per-call fees";

pub(super) static MISTAKES: &[Mistake] = &[
    Mistake {
        cause: "cls.reasoning_dropped",
        what: "the gateway priced the answer without its reasoning tokens",
        figure: |row| dropped(row, |meter| meter == Meter::OutputReasoning),
    },
    Mistake {
        cause: "cls.reasoning_only",
        what: "the gateway priced the reasoning tokens as if they were the whole answer",
        figure: |row| {
            has(row, |meter| meter == Meter::OutputReasoning)?;
            dropped(row, |meter| meter == Meter::Output)
        },
    },
    Mistake {
        cause: "cls.reasoning_double",
        what: "the gateway added the reasoning tokens to an output that contains them",
        figure: |row| again(row, |meter| (meter == Meter::OutputReasoning).then_some(meter)),
    },
    Mistake {
        cause: "cls.cache_double",
        what: "the gateway priced cache tokens a second time as input",
        figure: |row| {
            again(row, |meter| (meter.is_cache_read() || meter.is_cache_write()).then_some(Meter::Input))
        },
    },
    Mistake {
        cause: "cls.cache_double",
        what: "the gateway priced cache reads a second time as input",
        figure: |row| again(row, |meter| meter.is_cache_read().then_some(Meter::Input)),
    },
    Mistake {
        cause: "cls.cache_double",
        what: "the gateway priced cache writes a second time as input",
        figure: |row| again(row, |meter| meter.is_cache_write().then_some(Meter::Input)),
    },
    Mistake {
        cause: "cls.cache_read_as_input",
        what: "the gateway priced cache reads at the input rate",
        figure: |row| renamed(row, |meter| meter.is_cache_read().then(|| uncached(meter))),
    },
    Mistake {
        cause: "cls.cache_read_as_input",
        what: "the gateway priced the whole prompt at the input rate, cached or not",
        figure: |row| {
            has(row, Meter::is_cache_read)?;
            has(row, Meter::is_cache_write)?;
            renamed(row, |meter| (meter.is_cache_read() || meter.is_cache_write()).then(|| uncached(meter)))
        },
    },
    Mistake {
        cause: "cls.cache_write_lost",
        what: "the gateway priced no cache writes",
        figure: |row| dropped(row, Meter::is_cache_write),
    },
    Mistake {
        cause: "cls.cache_write_lost",
        what: "the gateway priced cache writes at the input rate",
        figure: |row| renamed(row, |meter| meter.is_cache_write().then_some(Meter::Input)),
    },
    Mistake {
        cause: "rate.cache_ttl",
        what: "the gateway priced long-lived cache writes at the short-lived rate",
        figure: |row| renamed(row, |meter| (meter == Meter::CacheWrite1h).then_some(Meter::CacheWrite5m)),
    },
    Mistake {
        cause: "rate.cache_ttl",
        what: "the gateway priced short-lived cache writes at the long-lived rate",
        figure: |row| renamed(row, |meter| (meter == Meter::CacheWrite5m).then_some(Meter::CacheWrite1h)),
    },
    Mistake {
        cause: "rate.missing_class",
        what: "the gateway priced no cache reads",
        figure: |row| dropped(row, Meter::is_cache_read),
    },
    Mistake {
        cause: "rate.missing_class",
        what: "the gateway priced no input",
        figure: |row| dropped(row, |meter| meter == Meter::Input),
    },
    Mistake {
        cause: "rate.missing_class",
        what: "the gateway priced no output",
        figure: |row| dropped(row, |meter| matches!(meter, Meter::Output | Meter::OutputReasoning)),
    },
    Mistake {
        cause: "cls.modality",
        what: "the gateway priced audio, image and video tokens as text",
        figure: |row| renamed(row, text),
    },
    Mistake {
        cause: "cls.modality",
        what: "the gateway priced audio, image and video tokens of the prompt as text",
        figure: |row| renamed(row, |meter| text(meter).filter(|_| meter.is_prompt())),
    },
    Mistake {
        cause: "cls.modality",
        what: "the gateway priced audio and image tokens of the answer as text",
        figure: |row| renamed(row, |meter| text(meter).filter(|_| !meter.is_prompt())),
    },
    Mistake {
        cause: "cls.modality",
        what: "the gateway priced no audio, image and video tokens",
        figure: |row| dropped(row, |meter| text(meter).is_some()),
    },
    Mistake { cause: "cls.tool_fee", what: NO_FEES, figure: |row| dropped(row, |meter| !meter.is_token()) },
    Mistake {
        cause: "rate.service_tier",
        what: "the gateway priced the standard tier although the record names another",
        figure: |row| standard(row, &[Tier::Flex, Tier::Priority]),
    },
    Mistake {
        cause: "rate.batch",
        what: "the gateway priced batch work at the standard rate",
        figure: |row| standard(row, &[Tier::Batch]),
    },
    Mistake {
        cause: "rate.speed_premium",
        what: "the gateway priced accelerated calls at the standard rate",
        figure: |row| standard(row, &[Tier::Fast, Tier::Ultrafast]),
    },
    Mistake {
        cause: "terms.reserved_capacity",
        what: "the gateway priced tokens that reserved capacity served",
        figure: |row| standard(row, &[Tier::Provisioned]),
    },
    Mistake {
        cause: "rate.region_uplift",
        what: "the gateway priced without the region that the record names",
        figure: |row| {
            let named = !row.region.is_empty() && &*row.region != "global";
            named.then(|| Figure::of(row).at(|leaf| leaf.region = "global".into()))
        },
    },
    Mistake {
        cause: "rate.context_band",
        what: "the gateway priced long prompts at the rate of short ones",
        figure: |row| (row.prompt > 0).then(|| Figure::of(row).at(|leaf| leaf.prompt = 0)),
    },
];

/// What a row would have been multiplied by a mistake that was decided; `None` where it is none of these.
pub(super) fn figure(row: &DayUsage, decided: &Decided) -> Option<Figure> {
    let same = |mistake: &&Mistake| {
        mistake.cause == decided.cause && decided.whats.iter().any(|what| what == mistake.what)
    };
    (MISTAKES.iter().find(same)?.figure)(row)
}

/// Mistakes for which the book has to be asked as well: what it says about the row's names and prompt size.
pub(super) fn looked_up(rater: &Rater, row: &DayUsage, known: &Known) -> Vec<(&'static str, String, Figure)> {
    let mut found = Vec::new();
    if let Some(boundary) = boundary(rater, row) {
        let (calls, below) = (i128::from(row.sums.requests), i128::from(boundary));
        let prompt_only = |meter: Meter| if meter.is_prompt() { calls * below } else { 0 };
        let what = "the gateway priced only what is over the boundary at the long-context rate";
        found.push(("rate.context_band", what.to_owned(), Figure::of(row).banded(prompt_only, 0)));
        let answer_too = |meter: Meter| if meter.is_prompt() { calls * below } else { i128::MAX };
        found.push(("rate.context_band", what.to_owned(), Figure::of(row).banded(answer_too, 0)));
    }
    for name in [&row.requested, &row.routed] {
        let meant = rater.book.resolve(&row.account.provider, name, row.at);
        if let Some(meant) = meant.filter(|meant| **meant != *row.model) {
            let cause = if known.answers(row, meant) { "map.fallback" } else { "map.alias_repointed" };
            let what =
                format!("the gateway priced what was asked for, {meant}, although another model answered");
            found.push((cause, what, Figure::of(row).at(|leaf| leaf.model = meant.into())));
        }
    }
    if let Some(base) =
        tuned_base(row).and_then(|base| rater.book.resolve(&row.account.provider, base, row.at))
        && *base != *row.model
    {
        let what = format!("the gateway priced the fine-tune at its base, {base}");
        found.push(("map.finetune_base", what, Figure::of(row).at(|leaf| leaf.model = base.into())));
    }
    found
}

/// The prompt size from which the row's price holds, where that is not every size.
fn boundary(rater: &Rater, row: &DayUsage) -> Option<u64> {
    if row.prompt == 0 {
        return None;
    }
    let leaf = row.leaf(Meter::Input);
    rater.book.select(&leaf.query()).ok()?.row.ctx.map(|band| band.tokens)
}

/// `gpt-4.1-mini` of `ft:gpt-4.1-mini-2025-04-14:acme::B1x`.
fn tuned_base(row: &DayUsage) -> Option<&str> {
    let rest = |name: &'_ str| -> Option<usize> {
        ["ft:", "ft-"].iter().find(|prefix| name.starts_with(**prefix)).map(|prefix| prefix.len())
    };
    [&row.model, &row.served, &row.routed].into_iter().find_map(|name| {
        let base = name.get(rest(name)?..)?;
        base.split(':').next()
    })
}

fn has(row: &DayUsage, which: impl Fn(Meter) -> bool) -> Option<()> {
    row.sums.meters.iter().any(|(meter, _)| which(meter)).then_some(())
}

fn dropped(row: &DayUsage, which: impl Fn(Meter) -> bool) -> Option<Figure> {
    has(row, &which)?;
    Some(Figure::of(row).count(|meter| (!which(meter)).then_some(meter)))
}

fn renamed(row: &DayUsage, other: impl Fn(Meter) -> Option<Meter>) -> Option<Figure> {
    has(row, |meter| other(meter).is_some())?;
    Some(Figure::of(row).count(|meter| Some(other(meter).unwrap_or(meter))))
}

fn again(row: &DayUsage, other: impl Fn(Meter) -> Option<Meter>) -> Option<Figure> {
    has(row, |meter| other(meter).is_some())?;
    Some(Figure::of(row).again(other))
}

fn standard(row: &DayUsage, tiers: &[Tier]) -> Option<Figure> {
    tiers.contains(&row.tier).then(|| Figure::of(row).at(|leaf| leaf.tier = Tier::Standard))
}

fn uncached(meter: Meter) -> Meter {
    if meter == Meter::CacheReadAudio { Meter::InputAudio } else { Meter::Input }
}

/// The text class beside a class of another modality.
fn text(meter: Meter) -> Option<Meter> {
    match meter {
        Meter::InputAudio | Meter::InputImage | Meter::InputVideo => Some(Meter::Input),
        Meter::CacheReadAudio => Some(Meter::CacheRead),
        Meter::OutputAudio | Meter::OutputImage => Some(Meter::Output),
        _ => None,
    }
}
