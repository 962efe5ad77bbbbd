//! `models.toml`: the models a seller bills, every spelling of them, and which model a moving alias meant when.
//!
//! ```toml
//! [[model]]
//! id = "gpt-5.5"
//! seller = "openai"
//! snapshots = "date"           # gpt-5.5-2026-04-23 is the same model
//! released = 2026-04-23
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::forms::{self, Form};
use super::text::{Text, suggest};
use crate::diagnostic::Diagnostic;
use crate::period::{Day, read_instant};
use crate::vocabulary::{PriceBasis, SELLERS, Tier};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelsFile {
    #[serde(default)]
    seller: Vec<SellerEntry>,
    #[serde(default)]
    model: Vec<ModelEntry>,
    #[serde(default)]
    alias: Vec<AliasEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SellerEntry {
    id: Spanned<String>,
    /// What gateways put before this seller's ids, `openai/`; nothing else is ever cut off.
    #[serde(default)]
    prefixes: Vec<String>,
    /// What the seller's own names say of region and tier around an id.
    #[serde(default)]
    forms: Vec<forms::Entry>,
    #[serde(default)]
    regions: RegionRule,
    /// Where usage is priced that names no region; such a price is unverified.
    default_region: Option<Spanned<String>>,
}

/// Whether a region without a row of its own is priced as `global`.
#[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "lowercase")]
pub(super) enum RegionRule {
    /// The seller's price is the same everywhere unless a row or rule says otherwise.
    #[default]
    Global,
    /// Only where a declared parent or a modifier of the region says so.
    Exact,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelEntry {
    id: Spanned<String>,
    seller: Spanned<String>,
    /// The name the seller's own console prints.
    display: Option<Spanned<String>>,
    /// Other exact spellings.
    #[serde(default, rename = "match")]
    matches: Vec<Spanned<String>>,
    /// `date`: the id followed by `-YYYY-MM-DD`, `-YYYYMMDD` or `@YYYYMMDD` is the same model, unless that id has an
    /// entry of its own.
    snapshots: Option<SnapshotRule>,
    released: Option<Spanned<Datetime>>,
    /// How the release day is known, where it is not the launch announcement.
    released_basis: Option<PriceBasis>,
    retired: Option<Spanned<Datetime>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum SnapshotRule {
    Date,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AliasEntry {
    seller: Spanned<String>,
    name: Spanned<String>,
    target: Spanned<String>,
    from: Spanned<Datetime>,
    /// Id in `sources.toml`.
    #[serde(rename = "source")]
    _source: Option<String>,
    /// What a move to another target does to the price; `pricebook check` asks for it.
    #[serde(rename = "note")]
    _note: Option<String>,
}

/// A model a seller bills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub id: Box<str>,
    /// The name the seller's own console prints.
    pub display: Option<Box<str>>,
    pub released: Option<Day>,
    /// How the release day is known, where it is not the launch announcement.
    pub released_basis: Option<PriceBasis>,
    pub retired: Option<Day>,
    snapshots: Option<SnapshotRule>,
}

impl std::fmt::Debug for SnapshotRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("date")
    }
}

/// The names of one seller. Spellings are compared in lower case.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pub models: BTreeMap<Box<str>, Model>,
    pub regions: RegionRule,
    /// For usage that names no region; `global` where there is none.
    pub default_region: Option<Box<str>>,
    prefixes: Vec<Box<str>>,
    forms: Vec<Form>,
    spellings: BTreeMap<Box<str>, Box<str>>,
    /// By name, the targets by the instant they start.
    aliases: BTreeMap<Box<str>, Vec<(i64, Box<str>)>>,
}

impl Names {
    /// The model a name means at an instant, and what else it says. An alias in force outranks a model of the same id,
    /// because the id then only points; a snapshot with an entry of its own outranks the snapshot rule; a known name
    /// outranks one that is known without its prefix, and that one outranks a form. Nothing is guessed.
    pub fn resolve(&self, name: &str, at: i64) -> Option<Named<'_>> {
        self.resolve_within(&name.trim().to_ascii_lowercase(), at, DEEPEST)
    }

    fn resolve_within(&self, lower: &str, at: i64, depth: u32) -> Option<Named<'_>> {
        if let Some(model) = self.exact(lower, at) {
            return Some(Named { model, region: None, tier: None });
        }
        let depth = depth.checked_sub(1)?;
        let bare = self.prefixes.iter().filter_map(|prefix| lower.strip_prefix(&**prefix));
        bare.filter_map(|bare| self.resolve_within(bare, at, depth)).next().or_else(|| {
            let said = self.forms.iter().filter_map(|form| form.read(lower));
            said.filter_map(|said| {
                // The inner name is closer to the model: `us.` inside an ARN of us-east-1 is priced as `us.`.
                let inner = self.resolve_within(&said.name, at, depth)?;
                Some(Named {
                    model: inner.model,
                    region: inner.region.or(said.region),
                    tier: inner.tier.or(said.tier),
                })
            })
            .next()
        })
    }

    /// The model a whole name in lower case means at an instant.
    pub fn exact(&self, lower: &str, at: i64) -> Option<&str> {
        if let Some(targets) = self.aliases.get(lower)
            && let Some((_, target)) = targets.iter().rev().find(|(from, _)| *from <= at)
        {
            return Some(target);
        }
        if let Some(id) = self.spellings.get(lower) {
            return Some(id);
        }
        let id = self.spellings.get(strip_date(lower)?)?;
        let model = self.models.get(id)?;
        (model.snapshots == Some(SnapshotRule::Date)).then_some(&*model.id)
    }

    /// When an alias next means another model than at an instant, and which.
    pub fn next_target(&self, alias: &str, at: i64) -> Option<(i64, &str)> {
        let targets = self.aliases.get(&*alias.to_ascii_lowercase())?;
        let now = targets.iter().rev().find(|(from, _)| *from <= at)?;
        let next = targets.iter().find(|(from, target)| *from > at && *target != now.1)?;
        Some((next.0, &next.1))
    }

    /// The whole names that mean the model at an instant.
    pub fn of<'n>(&'n self, model: &'n str, at: i64) -> impl Iterator<Item = &'n str> {
        let spellings = self.spellings.iter().filter(move |(_, id)| ***id == *model).map(|(name, _)| &**name);
        let aliases = self.aliases.keys().map(|name| &**name);
        spellings.chain(aliases).filter(move |name| self.exact(name, at) == Some(model))
    }

    /// Instants at which a name of the model starts to mean something else.
    pub fn moves(&self, model: &str) -> impl Iterator<Item = i64> {
        self.aliases
            .iter()
            .filter(move |(name, targets)| {
                name.eq_ignore_ascii_case(model) || targets.iter().any(|(_, target)| **target == *model)
            })
            .flat_map(|(_, targets)| targets.iter().map(|(from, _)| *from))
    }

    /// Every exact name, in lower case.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.spellings.keys().chain(self.aliases.keys()).map(|name| &**name)
    }

    /// Instants at which some name gets another target.
    pub fn targets(&self) -> impl Iterator<Item = i64> {
        self.aliases.values().flatten().map(|(from, _)| *from)
    }

    /// Adds a spelling; where another model has it already, that one keeps it.
    fn spell(&mut self, text: &Text, spelling: &Spanned<String>, id: &str) -> Option<Diagnostic> {
        let owner = self.spellings.entry(spelling.get_ref().to_ascii_lowercase().into()).or_insert(id.into());
        (**owner != *id).then(|| {
            let message = format!("`{}` is already a name of `{owner}`", spelling.get_ref());
            text.error("PB023", spelling.span(), message)
                .help("a name means one model; leave it with one, or write a dated [[alias]]")
        })
    }
}

/// Prefixes and forms around one name: `bedrock/`, an ARN, `us.`.
const DEEPEST: u32 = 4;

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<'a> {
    /// The book's id of the model.
    pub model: &'a str,
    /// The region the name itself says: `us.` in front is `geo:us`.
    pub region: Option<Box<str>>,
    pub tier: Option<Tier>,
}

/// Cuts `-YYYY-MM-DD`, `-YYYYMMDD` or `@YYYYMMDD` off the end.
fn strip_date(name: &str) -> Option<&str> {
    let dashed = |cut: usize| name.split_at_checked(name.len().checked_sub(cut)?);
    if let Some((id, date)) = dashed(11)
        && date.strip_prefix('-').is_some_and(|date| date.parse::<Day>().is_ok())
    {
        return Some(id);
    }
    let (id, date) = dashed(9)?;
    let digits =
        date.strip_prefix(['-', '@']).filter(|date| date.bytes().all(|byte| byte.is_ascii_digit()))?;
    let day = format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]);
    day.parse::<Day>().is_ok().then_some(id)
}

/// The names of every seller, by seller id.
pub(super) type AllNames = BTreeMap<&'static str, Names>;

/// Adds one `models.toml`. A later file may redefine a model of an earlier one.
pub(super) fn read(text: &Text, names: &mut AllNames, problems: &mut Vec<Diagnostic>) {
    let Some(file) = text.toml::<ModelsFile>(problems) else { return };
    for entry in file.seller {
        if let Some(id) = read_seller(text, &entry.id, problems) {
            let prefixes = entry.prefixes.iter().map(|prefix| prefix.to_ascii_lowercase().into());
            let names = names.entry(id).or_default();
            names.prefixes.extend(prefixes);
            names.forms.extend(entry.forms.iter().filter_map(|form| forms::read(text, form, problems)));
            if entry.regions == RegionRule::Exact {
                names.regions = RegionRule::Exact;
            }
            if let Some(region) = entry.default_region {
                names.default_region = forms::read_region(text, &region, problems);
            }
        }
    }
    for entry in file.model {
        let Some(seller) = read_seller(text, &entry.seller, problems) else { continue };
        let names = names.entry(seller).or_default();
        let id: &str = entry.id.get_ref();
        let spellings = [&entry.id].into_iter().chain(&entry.display).chain(&entry.matches);
        problems.extend(spellings.filter_map(|spelling| names.spell(text, spelling, id)));
        let model = Model {
            id: id.into(),
            display: entry.display.as_ref().map(|display| display.get_ref().as_str().into()),
            released: entry.released.as_ref().and_then(|day| read_day(text, day, problems)),
            released_basis: entry.released_basis,
            retired: entry.retired.as_ref().and_then(|day| read_day(text, day, problems)),
            snapshots: entry.snapshots,
        };
        names.models.insert(id.into(), model);
    }
    for entry in file.alias {
        let Some(seller) = read_seller(text, &entry.seller, problems) else { continue };
        let names = names.entry(seller).or_default();
        let (name, target) = (entry.name.get_ref().to_ascii_lowercase(), entry.target.get_ref());
        if !names.models.contains_key(target.as_str()) {
            let help = suggest(target, names.models.keys().map(|id| &**id));
            let message = format!("alias target `{target}` is no model of {seller}");
            problems.push(text.error("PB022", entry.target.span(), message).help(help));
            continue;
        }
        // An alias may be named like a model that it then stands for, but not like another model's spelling.
        if let Some(owner) = names.spellings.get(&*name).filter(|owner| !owner.eq_ignore_ascii_case(&name)) {
            let message = format!("`{name}` is already a name of `{owner}`");
            problems.push(
                text.error("PB022", entry.name.span(), message)
                    .help("drop the name from the model's `match`"),
            );
        }
        let Some(from) = read_from(text, &entry.from, problems) else { continue };
        let targets = names.aliases.entry(name.into()).or_default();
        if targets.iter().any(|(other, _)| *other == from) {
            let message = format!("`{}` has two targets from the same instant", entry.name.get_ref());
            problems.push(text.error("PB022", entry.from.span(), message).help("keep one of the two"));
        }
        targets.push((from, target.as_str().into()));
        targets.sort_by_key(|(from, _)| *from);
    }
}

pub(super) fn read_seller(
    text: &Text,
    seller: &Spanned<String>,
    problems: &mut Vec<Diagnostic>,
) -> Option<&'static str> {
    let found = SELLERS.iter().find(|known| known.id == seller.get_ref()).map(|known| known.id);
    if found.is_none() {
        let help = suggest(seller.get_ref(), SELLERS.iter().map(|known| known.id));
        let message = format!("unknown seller `{}`", seller.get_ref());
        problems.push(text.error("PB001", seller.span(), message).help(help));
    }
    found
}

pub(super) fn read_from(
    text: &Text,
    value: &Spanned<Datetime>,
    problems: &mut Vec<Diagnostic>,
) -> Option<i64> {
    let instant = read_instant(&value.get_ref().to_string()).map(|(instant, _)| instant);
    if instant.is_none() {
        let message = format!("`{}` is no instant", value.get_ref());
        problems.push(
            text.error("PB030", value.span(), message).help("write 2026-07-30 or 2026-08-16T16:00:00Z"),
        );
    }
    instant
}

fn read_day(text: &Text, value: &Spanned<Datetime>, problems: &mut Vec<Diagnostic>) -> Option<Day> {
    read_from(text, value, problems).map(Day::of_instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"
[[seller]]
id = "openai"
prefixes = ["openai/"]
[[model]]
id = "gpt-5"
seller = "openai"
snapshots = "date"
[[model]]
id = "gpt-5-2025-08-08"
seller = "openai"
[[model]]
id = "gpt-5-mini"
seller = "openai"
display = "GPT-5 Mini"
[[alias]]
seller = "openai"
name = "latest"
target = "gpt-5"
from = 2026-01-01
[[alias]]
seller = "openai"
name = "latest"
target = "gpt-5-mini"
from = 2026-02-01T12:00:00Z
"#;

    fn read_all(toml: &str) -> (AllNames, Vec<Diagnostic>) {
        let (mut names, mut problems) = (AllNames::new(), Vec::new());
        read(&Text::new("models.toml", toml), &mut names, &mut problems);
        (names, problems)
    }

    fn at(text: &str) -> i64 {
        read_instant(text).unwrap().0
    }

    #[test]
    fn a_name_is_exact_dated_or_a_snapshot_and_never_a_guess() {
        let (names, problems) = read_all(SAMPLE);
        assert_eq!(problems, []);
        let resolve =
            |name: &str, when: &str| names["openai"].resolve(name, at(when)).map(|named| named.model);
        assert_eq!(resolve("gpt-5", "2026-10-01"), Some("gpt-5"));
        assert_eq!(resolve("OpenAI/GPT-5", "2026-10-01"), Some("gpt-5"));
        assert_eq!(resolve("gpt-5 mini", "2026-10-01"), Some("gpt-5-mini"));
        assert_eq!(resolve("gpt-5-2025-08-07", "2026-10-01"), Some("gpt-5"));
        assert_eq!(resolve("gpt-5-2025-08-08", "2026-10-01"), Some("gpt-5-2025-08-08"));
        for unknown in [
            "gpt-5-2025-13-07",
            "gpt-5-mini-2025-08-07",
            "gpt-5-fast",
            "gpt-",
            "gpt-55",
            "azure/gpt-5",
            "",
            "é",
        ] {
            assert_eq!(resolve(unknown, "2026-10-01"), None, "{unknown}");
        }
        assert_eq!(resolve("latest", "2025-12-31"), None);
        assert_eq!(resolve("latest", "2026-02-01T11:59:59Z"), Some("gpt-5"));
        assert_eq!(resolve("latest", "2026-02-01T12:00:00Z"), Some("gpt-5-mini"));
    }

    #[test]
    fn every_wrong_entry_is_found_in_one_go() {
        let (_, problems) = read_all(
            r#"
[[model]]
id = "a"
seller = "openay"
[[model]]
id = "b"
seller = "openai"
[[model]]
id = "c"
seller = "openai"
match = ["B"]
[[alias]]
seller = "openai"
name = "x"
target = "bb"
from = 2026-01-01
"#,
        );
        let shown: Vec<String> =
            problems.iter().map(|p| format!("{p} ({})", p.help.as_deref().unwrap_or(""))).collect();
        assert!(
            shown[0].starts_with("error: models.toml:4:10: unknown seller `openay` (did you mean `openai`?")
        );
        assert!(shown[1].starts_with("error: models.toml:11:10: `B` is already a name of `b`"), "{shown:?}");
        assert!(shown[2].starts_with("error: models.toml:15:10: alias target `bb` is no model of openai"));
        assert_eq!(shown.len(), 3);
    }
}
