//! What may have been different about a slice: another tier, region, model or price version, or tokens counted under
//! another meter. Each is one row here and says which cause it would prove.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::confusion::{CONFUSIONS, Confusion, Held};
use super::slice::{Attribute, Slice};
use crate::money::Ratio;
use crate::pricebook::Layer;
use crate::rate::{Account, Leaf};
use crate::reconcile::State;
use crate::vocabulary::{CallType, Meter, Outcome, Tier};

/// One changed assumption about every leaf of a slice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// The model's prices as the book has them at another instant.
    Version(i64),
    /// The prices of the shipped book, where rows of the user's own replace them.
    Shipped,
    /// The prices of some meters at one ratio to the book's, whatever the tier or the band.
    Scaled(Part, Ratio),
    /// List prices, where a contract has others.
    List,
    Tier(Tier),
    /// Another tier, which sellers may not offer for long prompts: these stay where they are.
    ShortTier(Tier),
    Region(Arc<str>),
    /// Long prompts at the price of short ones, or the reverse.
    Prompt(u64),
    /// The same on lines that say how long prompts were: the usage stays there.
    BandPrice(u64),
    /// The prices of a faster mode on lines of another tier: bills that name the tier need not name the speed.
    SpeedPrice(Tier),
    /// Tokens of one meter charged as another.
    Meter(&'static Confusion),
    Served(Arc<str>),
    /// Served by another model, under what was told of all of that model's own usage.
    ServedUnder(Arc<str>, Box<Change>),
    /// Billed under its own name at the price of another model, or of the same model at another seller.
    Priced {
        seller: Arc<str>,
        model: Arc<str>,
    },
    /// On the log and not on the bill.
    NotBilled,
    /// So many times on the log and once on the bill.
    Times(i128),
    /// Input that holds the row's cache tokens, which are counted beside it too.
    Overlap(Held),
}

/// Meters of a model whose prices change together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    All,
    /// Whatever is sent, cached or not.
    Prompt,
    /// Whatever is answered.
    Answer,
    One(Meter),
}

impl Part {
    pub fn has(self, meter: Meter) -> bool {
        match self {
            Part::All => meter.is_token(),
            Part::Prompt => meter.is_prompt(),
            Part::Answer => meter.is_token() && !meter.is_prompt(),
            Part::One(one) => meter == one,
        }
    }

    fn words(self) -> String {
        match self {
            Part::All => "every meter".to_owned(),
            Part::Prompt => "every meter of the prompt".to_owned(),
            Part::Answer => "every meter of the answer".to_owned(),
            Part::One(meter) => meter.to_string(),
        }
    }
}

/// Tiers that sellers may refuse to long prompts, which are then served as standard.
const SHORT_TIERS: [Tier; 2] = [Tier::Priority, Tier::Fast];

/// Modes that a bill may leave out beside the tier.
const SPEEDS: [Tier; 2] = [Tier::Fast, Tier::Ultrafast];

/// Every change that could hold for a slice. `models` are those the account was billed or logged for; `banded`: its prompts
/// are of more than one length.
pub fn changes(
    state: &State,
    account: &Account,
    slice: &Slice,
    meters: &BTreeSet<Meter>,
    banded: bool,
    models: &BTreeSet<Arc<str>>,
) -> Vec<Change> {
    let mut found = Vec::new();
    if let (Attribute::Whole, Some(model)) = (&slice.attribute, &slice.model) {
        found.extend(versions(state, account, model, meters));
        found.extend(lookalikes(state, account, model));
    }
    if slice.attribute == Attribute::Whole && !state.rater.book.terms().is_empty() {
        found.push(Change::List);
    }
    found.extend(Tier::ALL.iter().copied().map(Change::Tier));
    found.extend(SHORT_TIERS.into_iter().filter(|_| banded).map(Change::ShortTier));
    let of = slice.model.as_ref().map_or_else(|| models.iter().collect(), |model| BTreeSet::from([model]));
    let regions = of.into_iter().flat_map(|model| {
        crate::causes::regions(state.rater.book, &account.provider, model, meters.iter().copied())
    });
    let regions: BTreeSet<&str> = regions.collect();
    found.extend(regions.into_iter().map(|region| Change::Region(region.into())));
    let bands = 0..=state.rater.book.bands().len() as u8;
    let bands: Vec<u64> = bands.map(|band| state.rater.book.band_prompt(band)).collect();
    found.extend(bands.iter().copied().map(Change::Prompt));
    let tells_bands = |model: &Arc<str>| state.grain(account).banded().any(|told| told == model);
    if slice.model.as_ref().is_some_and(tells_bands) {
        found.extend(bands.into_iter().map(Change::BandPrice));
    }
    if slice.model.as_ref().is_some_and(|model| state.grain(account).tells_tiers(model)) {
        found.extend(SPEEDS.map(Change::SpeedPrice));
    }
    found.extend(CONFUSIONS.iter().filter(|confusion| meters.contains(&confusion.logged)).map(Change::Meter));
    let served = slice.model.as_ref();
    if let Some(model) =
        served.filter(|_| !matches!(slice.attribute, Attribute::Outcome(_) | Attribute::Stream))
    {
        found.extend(models.iter().filter(|other| *other != model).cloned().map(Change::Served));
    }
    let may_be_free = match slice.attribute {
        Attribute::Outcome(outcome) => outcome == Outcome::FailedWithUsage,
        Attribute::CallType(call) => call == CallType::Poll,
        Attribute::Key(_) => true,
        _ => false,
    };
    found.extend([2, 3].map(Change::Times));
    let held = Held::ALL.into_iter().filter(|held| meters.iter().any(|meter| held.holds(*meter)));
    found.extend(held.map(Change::Overlap));
    if may_be_free {
        found.push(Change::NotBilled);
    }
    found
}

/// Instants at which a price of the model began. Prices by the hour have a version for each hour; only steps from day to
/// day are versions here.
fn versions(state: &State, account: &Account, model: &str, meters: &BTreeSet<Meter>) -> Vec<Change> {
    let book = state.rater.book;
    let rows = meters.iter().flat_map(|meter| book.rows(&account.provider, model, *meter));
    let rows: Vec<_> = rows.filter(|row| row.from <= state.period.last.next().start()).collect();
    if rows.iter().any(|row| &*row.window != "*") {
        return Vec::new();
    }
    let instants: BTreeSet<i64> = rows.iter().map(|row| row.from).collect();
    let replaced =
        [Layer::Shipped, Layer::Overlay].iter().all(|layer| rows.iter().any(|row| row.layer == *layer));
    let shipped = replaced.then_some(Change::Shipped);
    instants.into_iter().map(Change::Version).chain(shipped).collect()
}

/// Other models whose prices could have been taken by mistake: siblings of one family at the same seller, and the same
/// model at another one.
fn lookalikes(state: &State, account: &Account, model: &str) -> Vec<Change> {
    let book = state.rater.book;
    let seller = &account.provider;
    let at = state.period.first.start();
    let family = |name: &str| name.split(['-', '.', '/']).next().map(str::to_owned);
    let siblings =
        book.models(seller).filter(|other| *other.id != *model && family(&other.id) == family(model));
    let mut found: Vec<Change> =
        siblings.map(|other| Change::Priced { seller: seller.clone(), model: (&*other.id).into() }).collect();
    let bare = model.rsplit('/').next().unwrap_or(model);
    let bare = bare.strip_prefix("anthropic.").unwrap_or(bare);
    for other in book.sellers().filter(|other| *other != &**seller) {
        let spellings = [bare.to_owned(), format!("{seller}/{bare}"), format!("{seller}.{bare}")];
        let named = spellings.iter().find_map(|name| book.resolve(other, name, at));
        found.extend(named.map(|named| Change::Priced { seller: other.into(), model: named.into() }));
    }
    found
}

/// What becomes of a leaf.
pub enum Became {
    Same,
    Leaf(Leaf),
    Price(Ratio),
    Nothing,
    Times(i128),
    /// It loses what the row counts under the held meters.
    Less,
    /// The change is no story for this leaf: the book has no such price.
    Impossible,
}

impl Change {
    pub fn of(&self, state: &State, leaf: &Leaf) -> Became {
        let other = match self {
            Change::Version(at) => {
                let then = state.list(&Leaf { at: *at, ..leaf.clone() });
                return version(state, leaf, then, Some(*at));
            }
            Change::Shipped => return version(state, leaf, state.rater.shipped(leaf), None),
            Change::BandPrice(_) | Change::SpeedPrice(_) if !leaf.meter.is_token() => return Became::Same,
            Change::SpeedPrice(tier) => {
                let there = state.list(&Leaf { tier: *tier, ..leaf.clone() });
                return there.map_or(Became::Impossible, |there| version(state, leaf, Some(there), None));
            }
            Change::BandPrice(prompt) => {
                let there = state.list(&Leaf { prompt: *prompt, ..leaf.clone() });
                return version(state, leaf, there, None);
            }
            Change::Scaled(part, _) if !part.has(leaf.meter) => return Became::Same,
            Change::Scaled(_, ratio) => {
                let unit = state.ratio(leaf).and_then(|unit| unit.checked_mul(*ratio));
                return unit.map_or(Became::Impossible, Became::Price);
            }
            Change::List => {
                return match state.list(leaf) {
                    Some(list) if state.ratio(leaf) == Some(list) => Became::Same,
                    Some(list) => Became::Price(list),
                    None => Became::Impossible,
                };
            }
            Change::ShortTier(_) if is_long(state, leaf) => return Became::Same,
            Change::Tier(tier) | Change::ShortTier(tier) => Leaf { tier: *tier, ..leaf.clone() },
            Change::Region(region) => Leaf { region: region.clone(), ..leaf.clone() },
            Change::Prompt(prompt) => Leaf { prompt: *prompt, ..leaf.clone() },
            Change::Meter(confusion) if confusion.logged != leaf.meter => return Became::Same,
            Change::Meter(confusion) => match confusion.charged {
                Some(meter) => Leaf { meter, ..leaf.clone() },
                None => return Became::Nothing,
            },
            Change::Served(model) => state.served_by(model, leaf),
            Change::ServedUnder(model, told) => {
                return match Change::Served(model.clone()).of(state, leaf) {
                    Became::Leaf(served) => match told.of(state, &served) {
                        Became::Leaf(other) => Became::Leaf(other),
                        Became::Same => Became::Leaf(served),
                        _ => Became::Impossible,
                    },
                    other => other,
                };
            }
            Change::Priced { seller, model } => {
                let account = Account { provider: seller.clone(), id: None };
                let region = if *seller == leaf.account.provider { leaf.region.clone() } else { "".into() };
                let other = Leaf { account, model: model.clone(), region, ..leaf.clone() };
                return match (state.list(&other), state.ratio(leaf)) {
                    _ if !leaf.meter.is_token() => Became::Same,
                    (Some(then), Some(now)) if then == now => Became::Same,
                    (Some(then), _) => Became::Price(then),
                    (None, _) => Became::Impossible,
                };
            }
            Change::NotBilled => return Became::Nothing,
            Change::Times(times) => return Became::Times(*times),
            Change::Overlap(_) if leaf.meter == Meter::Input => return Became::Less,
            Change::Overlap(_) => return Became::Same,
        };
        if !leaf.meter.is_token() && !matches!(self, Change::Served(_)) {
            return Became::Same;
        }
        // Where the list has one price for both, the change is none; a price of the month belongs to its own leaf.
        match (state.list(&other), state.list(leaf)) {
            _ if other == *leaf => Became::Same,
            (Some(then), Some(now)) if then == now && !matches!(self, Change::Served(_)) => Became::Same,
            (Some(_), _) if !state.rater.is_contracted(leaf) => Became::Leaf(other),
            // Lists of a tier often leave cached tokens out: what it costs there is not known, and the rest tests the story.
            (None, _) if self.is_tier() && leaf.meter.is_cached() && sells(state, &other) => Became::Same,
            _ => Became::Impossible,
        }
    }

    /// The model that served the usage instead.
    pub const fn served(&self) -> Option<&Arc<str>> {
        match self {
            Change::Served(model) | Change::ServedUnder(model, _) => Some(model),
            _ => None,
        }
    }

    /// It changes the price of whatever a model serves: who is told to be served by it later is under it too.
    pub const fn is_of_the_model(&self) -> bool {
        matches!(
            self,
            Change::Version(_)
                | Change::Tier(_)
                | Change::ShortTier(_)
                | Change::Region(_)
                | Change::Prompt(_)
                | Change::Meter(_)
        )
    }

    const fn is_tier(&self) -> bool {
        matches!(self, Change::Tier(_) | Change::ShortTier(_))
    }

    /// Another tier or region of the same model.
    pub const fn is_modifier(&self) -> bool {
        self.is_tier() || matches!(self, Change::Region(_))
    }

    /// Binary digits that a change costs beyond its place in the list: prices of other models agree by chance more often
    /// than those of the model itself.
    pub fn far_fetched(&self, account: &Account) -> i64 {
        match self {
            Change::Priced { seller, .. } if *seller != account.provider => 20,
            Change::Priced { .. } => 10,
            _ => 0,
        }
    }

    /// The cause that the change would prove for a slice. `lasting`: once it began, it went on.
    pub fn cause(&self, account: &Account, slice: &Slice, lasting: bool) -> &'static str {
        match (self, &slice.attribute) {
            (Change::Version(_) | Change::Shipped | Change::Scaled(..), _) => "rate.stale",
            (Change::List, _) => "terms.discount",
            (Change::Tier(Tier::Batch), _) => "rate.batch",
            (Change::Tier(Tier::Standard), _) if slice.batch => "rate.batch",
            (
                Change::Tier(Tier::Fast | Tier::Ultrafast)
                | Change::ShortTier(Tier::Fast)
                | Change::SpeedPrice(_),
                _,
            ) => "rate.speed_premium",
            (Change::Tier(_) | Change::ShortTier(_), _) => "rate.service_tier",
            (Change::Region(_), _) => "rate.region_uplift",
            (Change::Prompt(_) | Change::BandPrice(_), _) => "rate.context_band",
            (Change::Meter(confusion), _) => confusion.cause,
            (Change::Served(_) | Change::ServedUnder(..), _) if lasting => "map.alias_repointed",
            (Change::Served(_) | Change::ServedUnder(..), _) => "map.fallback",
            (Change::Priced { seller, .. }, _) if *seller != account.provider => "rate.platform_twin",
            (Change::Priced { .. }, _) if slice.model.as_deref().is_some_and(is_tuned) => "map.finetune_base",
            (Change::Priced { .. }, _) => "map.fuzzy_match",
            (Change::NotBilled, Attribute::CallType(_)) => "qty.poll_duplicate",
            (Change::NotBilled, Attribute::Outcome(_)) => "qty.failed_priced",
            (Change::NotBilled, _) => "cov.other_payer",
            (Change::Times(2), _) => "qty.rollup_duplicate",
            (Change::Times(_), _) => "qty.line_fanout",
            (Change::Overlap(_), Attribute::Whole) if slice.model.is_none() => "cls.convention_flip",
            (Change::Overlap(_), _) => "cls.cache_double",
        }
    }

    pub fn words(&self) -> String {
        match self {
            Change::Version(at) => {
                let day = crate::period::Day::of_instant(*at);
                format!("charged at the prices of the book's version of {day}")
            }
            Change::Shipped => {
                "charged at the prices of the shipped book, which rows of yours replace".to_owned()
            }
            Change::Scaled(part, ratio) => {
                format!("{} charged at {} times the price of the book", part.words(), ratio.decimal_text(4))
            }
            Change::List => "charged at list, without the contract's terms".to_owned(),
            Change::Tier(tier) => format!("charged at tier {tier}"),
            Change::ShortTier(tier) => format!("charged at tier {tier}, but for long prompts"),
            Change::Region(region) => format!("charged in region {region}"),
            Change::Prompt(0) => "charged at the base rate of short prompts".to_owned(),
            Change::Prompt(prompt) => format!("charged at the rate of prompts from {prompt} tokens on"),
            Change::BandPrice(0) => {
                "charged at the base rate of short prompts, whatever its line says".to_owned()
            }
            Change::BandPrice(prompt) => {
                format!("charged at the rate of prompts from {prompt} tokens on, whatever its line says")
            }
            Change::SpeedPrice(tier) => {
                format!("charged at the prices of tier {tier}, whatever its line says")
            }
            Change::Meter(confusion) => confusion.words.to_owned(),
            Change::Served(model) => format!("charged as {model}"),
            Change::ServedUnder(model, told) => format!("charged as {model}, and that {}", told.words()),
            Change::Priced { seller, model } => format!("charged at the price of {model} at {seller}"),
            Change::NotBilled => "not charged".to_owned(),
            Change::Times(times) => format!("logged {times} times, charged once"),
            Change::Overlap(Held::Reads) => "cache reads logged beside an input that holds them".to_owned(),
            Change::Overlap(Held::Writes) => "cache writes logged beside an input that holds them".to_owned(),
            Change::Overlap(Held::Both) => "cache tokens logged beside an input that holds them".to_owned(),
        }
    }

    /// The input that would tell it from its rivals.
    pub const fn decides(&self) -> &'static str {
        match self {
            Change::Version(_) | Change::Shipped | Change::Scaled(..) => {
                "the seller's price page for these days, or billed quantities by token class"
            }
            Change::List => "the contract: does the term hold for these days",
            Change::Tier(_) | Change::ShortTier(_) | Change::SpeedPrice(_) => {
                "the served tier or batch id of these calls in the log"
            }
            Change::Region(_) => "the endpoint or geography of these calls in the log",
            Change::Prompt(_) => "a cost export that tells the context band",
            Change::BandPrice(_) => {
                "the seller's price page: from which prompt on the other price holds, and since when"
            }
            Change::Meter(_) | Change::Overlap(_) => {
                "billed quantities by token class: the provider's usage report"
            }
            Change::Served(_) | Change::ServedUnder(..) => "the model that answered, in the log",
            Change::Priced { .. } => "the seller's price page for the billed name",
            Change::NotBilled | Change::Times(_) => "the provider's usage report for these days, by key",
        }
    }
}

/// True where prompts have a price at a leaf's place in the book.
fn sells(state: &State, leaf: &Leaf) -> bool {
    state.list(&Leaf { meter: Meter::Input, ..leaf.clone() }).is_some()
}

/// True where the length of its prompt has a price of its own.
fn is_long(state: &State, leaf: &Leaf) -> bool {
    leaf.prompt > 0 && state.list(leaf) != state.list(&Leaf { prompt: 0, ..leaf.clone() })
}

/// A fine-tuned model, by its name.
fn is_tuned(model: &str) -> bool {
    model.starts_with("ft:") || model.starts_with("ft-")
}

/// Another list price, with what the contract makes of it today. `at`: where it is that of another instant.
fn version(state: &State, leaf: &Leaf, then: Option<Ratio>, at: Option<i64>) -> Became {
    let now = state.list(leaf);
    match (then, now, state.ratio(leaf)) {
        (Some(then), Some(now), _) if then == now => Became::Same,
        (Some(then), Some(now), Some(unit)) if unit != now => {
            let inverse = Ratio::new(now.denominator(), now.numerator());
            let unit = inverse.and_then(|inverse| unit.checked_mul(inverse)?.checked_mul(then));
            unit.map_or(Became::Impossible, Became::Price)
        }
        (Some(then), ..) => match at {
            // Without a contract, the leaf of that instant has that price, and further changes apply to it.
            Some(at) if state.rater.book.terms().is_empty() => {
                Became::Leaf(Leaf { at, whole_day: false, ..leaf.clone() })
            }
            _ => Became::Price(then),
        },
        // A meter that had no price yet has the one it has.
        (None, ..) => Became::Same,
    }
}
