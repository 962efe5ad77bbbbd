//! What the gateway logged: one [`Call`] per row, summed into two cubes that are all the later steps ever see.
//!
//! The cubes hold integer counts only; prices come later. Both sum to the same tokens.

pub mod cube;
pub mod identity;

use std::borrow::Cow;

use crate::money::Money;
use crate::vocabulary::{CallType, CountSource, Meter, Outcome, Reading, Tier};

/// Token and unit counts by meter. Disjoint: their sum is everything billable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Meters([u64; Meter::COUNT]);

impl Default for Meters {
    fn default() -> Meters {
        Meters([0; Meter::COUNT])
    }
}

impl Meters {
    pub fn get(&self, meter: Meter) -> u64 {
        self.0[meter.index()]
    }
    pub fn set(&mut self, meter: Meter, count: u64) {
        self.0[meter.index()] = count;
    }
    pub fn add(&mut self, other: &Meters) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(count);
        }
    }
    pub fn iter(&self) -> impl Iterator<Item = (Meter, u64)> + '_ {
        Meter::ALL.iter().map(|meter| (*meter, self.get(*meter))).filter(|(_, count)| *count > 0)
    }
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }
    /// Tokens of the whole prompt: they select the context band.
    pub fn prompt(&self) -> u64 {
        Meter::ALL.iter().filter(|meter| meter.is_prompt()).map(|meter| self.get(*meter)).sum()
    }
    /// All tokens.
    pub fn tokens(&self) -> u64 {
        Meter::ALL.iter().filter(|meter| meter.is_token()).map(|meter| self.get(*meter)).sum()
    }
}

/// Who counted, where the counts themselves may show that the prompt of a generation was left out.
pub fn counted_by(source: CountSource, call_type: CallType, meters: &Meters) -> CountSource {
    let answered = meters.get(Meter::Output) > 0 || meters.get(Meter::OutputReasoning) > 0;
    let counted = matches!(source, CountSource::Provider | CountSource::Estimated);
    if counted && call_type == CallType::Generation && answered && meters.prompt() == 0 {
        CountSource::OutputOnly
    } else {
        source
    }
}

/// One logged row, as best counted from what the row itself proves. Text borrows from the line it was read from.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// Identity for removing duplicates; empty when the row has none.
    pub id: Cow<'a, str>,
    /// Start of the request, seconds since the epoch, UTC.
    pub at: i64,
    /// The upstream as the log names it (`anthropic`, `vertex_ai`).
    pub provider: Cow<'a, str>,
    /// The gateway key: alias where there is one, else the hash.
    pub key: Cow<'a, str>,
    /// The model or alias the client asked for, the alias that served, and the model that answered.
    pub requested: Cow<'a, str>,
    pub routed: Cow<'a, str>,
    pub served: Cow<'a, str>,
    pub tier: Tier,
    /// `global`, `geo:us`, a cloud region, or empty when the row does not say.
    pub region: Cow<'a, str>,
    pub outcome: Outcome,
    pub call_type: CallType,
    pub source: CountSource,
    pub reading: Reading,
    pub stream: bool,
    pub meters: Meters,
    /// What the gateway wrote as cost; `None` when it wrote nothing.
    pub logged: Option<Money>,
    pub attribution: Attribution<'a>,
}

/// Who the call was for. Empty text means the row does not say.
#[derive(Debug, Clone, Default)]
pub struct Attribution<'a> {
    pub team: Cow<'a, str>,
    pub feature: Cow<'a, str>,
    pub environment: Cow<'a, str>,
    pub customer: Cow<'a, str>,
    pub deploy: Cow<'a, str>,
}
