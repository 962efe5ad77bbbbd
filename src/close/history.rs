//! A finding beside the earlier closes: in which months it stood, what it came to in all of them, who is asked to end
//! it, and by which day.

use serde::Deserialize;

use super::document::{Bridge, Finding, Input, Reconciliation, Recurrence};
use crate::money::Money;
use crate::period::{Day, Month};

/// What is needed of an earlier close: a part of its `reconciliation.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct PastClose {
    pub month: Month,
    pub findings: Vec<PastFinding>,
    #[serde(default)]
    pub inputs: Vec<PastInput>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PastInput {
    pub path: String,
    pub sha256: String,
}

/// A finding as a pack has it.
#[derive(Debug, Clone, Deserialize)]
pub struct PastFinding {
    pub id: String,
    pub bridge: Bridge,
    pub cause: String,
    pub amount: Money,
    pub scope: PastScope,
    #[serde(default)]
    pub fix: Option<PastFix>,
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default)]
    pub due: Option<Day>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PastScope {
    pub provider: Option<String>,
    pub account: Option<String>,
    pub models: Vec<String>,
    pub keys: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PastFix {
    pub kind: String,
}

impl PastFinding {
    /// The same cause at the same account: about the same keys where both name any, else about the same models.
    pub fn is_like(&self, other: &PastFinding) -> bool {
        let (own, scope) = (&self.scope, &other.scope);
        let (mine, theirs) = if own.keys.is_empty() || scope.keys.is_empty() {
            (&own.models, &scope.models)
        } else {
            (&own.keys, &scope.keys)
        };
        self.bridge == other.bridge
            && self.cause == other.cause
            && own.provider == scope.provider
            && own.account == scope.account
            && (mine.iter().any(|name| theirs.contains(name)) || (mine.is_empty() && theirs.is_empty()))
    }

    /// True where there is something to mend. Tax, credits and fees come back every month and are only booked.
    pub fn is_fixable(&self) -> bool {
        self.fix.as_ref().is_some_and(|fix| fix.kind != BOOKING)
    }
}

/// The kind of fix that mends nothing.
pub const BOOKING: &str = "classify";

impl PastClose {
    /// True where a document was computed from the very files of this close.
    pub fn has_inputs_of(&self, document: &Reconciliation) -> bool {
        let same =
            |(mine, theirs): (&PastInput, &Input)| mine.path == theirs.path && mine.sha256 == theirs.sha256;
        self.inputs.len() == document.inputs.len() && self.inputs.iter().zip(&document.inputs).all(same)
    }
}

impl From<&Finding> for PastFinding {
    fn from(finding: &Finding) -> PastFinding {
        let scope = &finding.scope;
        PastFinding {
            id: finding.id.clone(),
            bridge: finding.bridge,
            cause: finding.cause.clone(),
            amount: finding.amount,
            scope: PastScope {
                provider: scope.provider.clone(),
                account: scope.account.clone(),
                models: scope.models.clone(),
                keys: scope.keys.clone(),
            },
            fix: finding.fix.as_ref().map(|fix| PastFix { kind: fix.kind.clone() }),
            owner: finding.owner.clone(),
            due: finding.due,
        }
    }
}

/// The earlier months in which a finding like this stood, each with the sum of what it came to.
pub fn stood<'p>(
    past: &'p [PastClose],
    finding: &'p PastFinding,
) -> impl Iterator<Item = (Month, Money)> + 'p {
    past.iter().filter_map(move |close| {
        let mut same = close.findings.iter().filter(|found| found.is_like(finding)).peekable();
        same.peek()?;
        Some((close.month, same.map(|found| found.amount).sum()))
    })
}

/// Who is asked for what, and how long it may take.
#[derive(Debug, Clone, Default)]
pub struct Duties {
    /// Prices, contracts, disputes and charges.
    pub finance: Option<String>,
    /// The gateway, its log and its names.
    pub platform: Option<String>,
    /// Days after the end of the first month; none without books.
    pub days: Option<u32>,
}

impl Duties {
    fn owner(&self, kind: &str) -> Option<String> {
        match kind {
            "gateway" | "model-mapping" | "route-or-own" | "calendar" => self.platform.clone(),
            _ => self.finance.clone(),
        }
    }
}

/// Says of each finding since when it stands, what it came to in all months, who is asked and by when. A finding of an
/// earlier month that covers several of now counts with each of them.
pub fn follow_up(document: &mut Reconciliation, month: Month, past: &[PastClose], duties: &Duties) {
    for finding in &mut document.findings {
        let mut recurs = Recurrence { months: 1, amount: finding.amount, since: Some(month) };
        for (earlier, amount) in stood(past, &PastFinding::from(&*finding)) {
            recurs.months += 1;
            recurs.amount += amount;
            recurs.since = recurs.since.min(Some(earlier));
        }
        if let Some(fix) = &finding.fix {
            finding.owner = duties.owner(&fix.kind);
            let first = recurs.since.filter(|_| fix.kind != BOOKING);
            finding.due = first.zip(duties.days).map(|(first, days)| after(first.last(), days));
        }
        finding.recurs = recurs;
    }
}

fn after(day: Day, days: u32) -> Day {
    Day::from_days(day.days().saturating_add(days.min(36_500) as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(models: &[&str], keys: &[&str]) -> PastScope {
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        PastScope { provider: Some("openai".into()), account: None, models: texts(models), keys: texts(keys) }
    }

    fn past(models: &[&str], keys: &[&str]) -> PastFinding {
        PastFinding {
            id: "F1".into(),
            bridge: Bridge::PricedBilled,
            cause: "rate.stale".into(),
            amount: Money::from_pico(1),
            scope: scope(models, keys),
            fix: None,
            owner: None,
            due: None,
        }
    }

    #[test]
    fn keys_decide_where_both_name_them_and_models_elsewhere() {
        let same = |one: &PastFinding, models: &[&str], keys: &[&str]| one.is_like(&past(models, keys));
        assert!(same(&past(&["a", "b"], &[]), &["b", "c"], &[]));
        assert!(!same(&past(&["a"], &[]), &["b"], &[]));
        assert!(same(&past(&["a"], &["k"]), &["b"], &["k", "l"]));
        assert!(!same(&past(&["a"], &["k"]), &["a"], &["l"]));
        assert!(same(&past(&["a"], &["k"]), &["a"], &[]));
        assert!(same(&past(&[], &[]), &[], &[]));
        assert!(!same(&past(&[], &[]), &["a"], &[]));
        let like = past(&["a"], &[]);
        let elsewhere = PastScope { account: Some("x".into()), ..scope(&["a"], &[]) };
        for other in [
            PastFinding { bridge: Bridge::LoggedPriced, ..like.clone() },
            PastFinding { cause: "rate.batch".into(), ..like.clone() },
            PastFinding { scope: elsewhere, ..like.clone() },
        ] {
            assert!(!like.is_like(&other), "{other:?}");
        }
    }

    #[test]
    fn due_days_are_counted_from_the_end_of_the_first_month() {
        let first = Month::new(2026, 9).unwrap();
        assert_eq!(after(first.last(), 30).to_string(), "2026-10-30");
        assert_eq!(after(first.last(), 0).to_string(), "2026-09-30");
    }
}
