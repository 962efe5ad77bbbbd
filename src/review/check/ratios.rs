//! PB009 to PB014: what the meters of one model cost beside each other.

use super::numbers::{Meeting, against, compare, meetings, near, price, sibling, what};
use super::{Context, Findings, Rule};
use crate::diagnostic::Level;
use crate::money::Ratio;
use crate::review::steps::{Key, Ladder};
use crate::vocabulary::{Meter, Tier};

pub const RULES: &[Rule] = &[
    Rule {
        id: "PB009",
        level: Level::Error,
        title: "a cache read costs more than fresh input",
        why: "Nobody would cache: such a row is a swapped or shifted cell.",
        remedy: "Compare both rows with the source; cache reads cost 0.1 to 0.5 of the input.",
        waivable: true,
        check: dear_reads,
    },
    Rule {
        id: "PB010",
        level: Level::Warning,
        title: "a cache read costs less than 0.02 or more than 0.55 of the input",
        why: "A public list gave Claude 3.5 Haiku 0.80 for cached and for fresh input for 39 days.",
        remedy: "Compare the row with the source; write PB010 under `waiver` where the seller really asks that.",
        waivable: true,
        check: odd_reads,
    },
    Rule {
        id: "PB011",
        level: Level::Warning,
        title: "a cache write costs less than the input, an hour less than 5 minutes, or Claude's hour not 1.6 times its 5 minutes",
        why: "A public list gave Claude 3.5 Haiku the one-hour write of Sonnet, 6.00 for 1.60.",
        remedy: "Compare the row with the source; Anthropic asks 1.25 times the input for 5 minutes and twice for an hour.",
        waivable: true,
        check: odd_writes,
    },
    Rule {
        id: "PB012",
        level: Level::Error,
        title: "a cache read costs more than a cache write: the two look swapped",
        why: "One list had Claude 3.7 on Bedrock with 3.75 for reads and 0.30 for writes; another swapped Sonnet 4 for six days.",
        remedy: "Exchange the two prices in rows of the next `rev`.",
        waivable: true,
        check: swapped_cache,
    },
    Rule {
        id: "PB013",
        level: Level::Warning,
        title: "output costs less than input",
        why: "A public list had input and output of command-r7b swapped for 17 months.",
        remedy: "Compare both rows with the source; write PB013 under `waiver` where it is so.",
        waivable: true,
        check: cheap_output,
    },
    Rule {
        id: "PB014",
        level: Level::Warning,
        title: "a model costs what another size of its family costs, or its output what its input costs while its siblings differ",
        why: "A public list gave the 8b model of a seller the price of the 70b model for 75 days.",
        remedy: "Compare the rows with the source; write PB014 under `waiver` where two sizes cost the same.",
        waivable: true,
        check: other_size,
    },
];

const READS: [(Meter, Meter); 2] =
    [(Meter::CacheRead, Meter::Input), (Meter::CacheReadAudio, Meter::InputAudio)];
const WRITES: [Meter; 5] = [
    Meter::CacheWrite5m,
    Meter::CacheWrite30m,
    Meter::CacheWrite1h,
    Meter::CacheWrite12h,
    Meter::CacheWriteOther,
];

/// Meetings of the rows of one meter with those of another of the same model, tier, context, region and window.
/// Zeros are gifts and compare with nothing.
fn met<'b>(context: &Context<'b>, meter: Meter, other: Meter) -> Vec<Meeting<'b>> {
    let of_meter = context.ladders.iter().filter(|(key, _)| key.meter == meter);
    of_meter
        .filter_map(|(key, ladder)| Some(meetings(ladder, sibling(&context.ladders, key, other)?)))
        .flatten()
        .filter(|met| !met.a.is_zero() && !met.b.is_zero())
        .collect()
}

/// `gpt-5 cache_read costs 2 per 1M, 1.6 of input at 1.25 per 1M`
fn share_of(met: &Meeting) -> String {
    let share = met.share().map_or_else(String::new, |share| share.decimal_text(4));
    let (left, right) = (met.left, met.right);
    format!("{} costs {}, {share} of {} at {}", what(left), price(left), right.meter, price(right))
}

fn dear_reads(context: &Context, findings: &mut Findings) {
    for met in READS.iter().flat_map(|(read, input)| met(context, *read, *input)) {
        if compare(met.a, met.b).is_gt() {
            findings.pair(met.left, met.right, share_of(&met), "compare both rows with the source");
        }
    }
}

fn odd_reads(context: &Context, findings: &mut Findings) {
    for met in READS.iter().flat_map(|(read, input)| met(context, *read, *input)) {
        let Some(share) = met.share() else { continue };
        // Half a percent for prices that a seller rounds after a regional uplift.
        let odd = against(share, 553).is_gt() || against(share, 20).is_lt();
        if odd && against(share, 1000).is_le() {
            findings.pair(met.left, met.right, share_of(&met), "compare it with the source, or waive PB010");
        }
    }
}

fn odd_writes(context: &Context, findings: &mut Findings) {
    for met in WRITES.iter().flat_map(|write| met(context, *write, Meter::Input)) {
        if compare(met.a, met.b).is_lt() {
            findings.pair(met.left, met.right, share_of(&met), "compare both rows with the source");
        }
    }
    let claude = Ratio::new(16, 10).unwrap_or(Ratio::ONE);
    for met in met(context, Meter::CacheWrite1h, Meter::CacheWrite5m) {
        let is_claude = met.left.model.contains("claude");
        let odd = met.share().is_some_and(|share| is_claude && !near(share, claude, 5));
        if odd || compare(met.a, met.b).is_lt() {
            let help = if is_claude {
                "an hour costs 1.6 times 5 minutes"
            } else {
                "compare both rows with the source"
            };
            findings.pair(met.left, met.right, share_of(&met), help);
        }
    }
}

fn swapped_cache(context: &Context, findings: &mut Findings) {
    for met in WRITES.iter().flat_map(|write| met(context, Meter::CacheRead, *write)) {
        if compare(met.a, met.b).is_gt() {
            findings.pair(
                met.left,
                met.right,
                share_of(&met),
                "exchange the two prices in rows of the next `rev`",
            );
        }
    }
}

fn cheap_output(context: &Context, findings: &mut Findings) {
    for met in met(context, Meter::Output, Meter::Input) {
        if compare(met.a, met.b).is_lt() {
            findings.pair(
                met.left,
                met.right,
                share_of(&met),
                "compare both rows with the source, or waive PB013",
            );
        }
    }
}

/// Words of a model id that name its size.
const SIZES: &[&str] = &[
    "nano", "mini", "micro", "lite", "small", "medium", "large", "pro", "premier", "max", "ultra", "flash",
    "haiku", "sonnet", "opus", "fable", "luna", "terra", "sol", "astra", "plus", "8x7b", "8x22b",
];

/// The family of a model and its size: `gpt-5` and `mini` of `gpt-5-mini`. Words such as `codex` stay in the family.
fn family(id: &str) -> (String, String) {
    let is_size = |word: &str| {
        let digits =
            word.strip_suffix('b').is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()));
        SIZES.contains(&word) || digits
    };
    // Dates of snapshots tell neither.
    let is_date = |word: &str| word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    let words = || id.split('-').filter(|word| !is_date(word));
    let family = words().filter(|word| !is_size(word)).collect::<Vec<_>>().join("-");
    let size = words().filter(|word| is_size(word)).collect::<Vec<_>>().join("-");
    (family, size)
}

fn other_size(context: &Context, findings: &mut Findings) {
    // Input and output of every model at the standard tier, by family.
    let standard = |key: &Key| {
        key.tier == Some(Tier::Standard)
            && key.ctx.is_none()
            && &*key.window == "*"
            && &*key.region == "global"
    };
    let mut families: std::collections::BTreeMap<_, Vec<(String, &Ladder, &Ladder)>> = Default::default();
    for (key, input) in context.ladders.iter().filter(|(key, _)| key.meter == Meter::Input && standard(key)) {
        let Some(output) = sibling(&context.ladders, key, Meter::Output) else { continue };
        let (family, size) = family(&key.model);
        families.entry((key.seller, family)).or_default().push((size, input, output));
    }
    for members in families.values() {
        for (size, input, output) in members {
            for own in meetings(output, input).iter().filter(|own| !own.a.is_zero()) {
                let others = members.iter().filter(|(other, ..)| other != size);
                let others: Vec<Meeting> = others
                    .filter_map(|(_, input, output)| {
                        let (left, right) = (output.at(own.at)?, input.at(own.at)?);
                        Some(Meeting { at: own.at, left, right, a: left.unit?, b: right.unit? })
                    })
                    .collect();
                // Of two that are the same, the later one is asked about.
                let later = |other: &&Meeting| {
                    (own.left.from, &own.left.model) > (other.left.from, &other.left.model)
                };
                let mut same = others.iter().filter(|other| other.a == own.a && other.b == own.b);
                if let Some(same) = same.find(later) {
                    let message = format!(
                        "{} costs what {} costs: {} in and {} out",
                        own.left.model,
                        same.left.model,
                        price(own.right),
                        price(own.left)
                    );
                    findings.pair(own.left, own.right, message, "compare it with the source, or waive PB014");
                } else if own.a == own.b
                    && !others.is_empty()
                    && others.iter().all(|other| other.a != other.b)
                {
                    let message = format!(
                        "{} costs {} in and out, and no other size of it does",
                        own.left.model,
                        price(own.left)
                    );
                    findings.pair(own.left, own.right, message, "compare it with the source, or waive PB014");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_has_a_family_and_a_size() {
        let pair = |family: &str, size: &str| (family.to_owned(), size.to_owned());
        assert_eq!(family("gpt-5-mini"), pair("gpt-5", "mini"));
        assert_eq!(family("claude-3-5-haiku-20241022"), pair("claude-3-5", "haiku"));
        assert_eq!(family("llama-3.1-70b-versatile"), pair("llama-3.1-versatile", "70b"));
        assert_eq!(family("gpt-5-codex"), pair("gpt-5-codex", ""));
        assert_eq!(family("gpt-4o-2024-11-20"), pair("gpt-4o-11-20", ""));
    }
}
