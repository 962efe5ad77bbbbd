//! A finding beside the earlier closes: in which months it stood, what it came to in all of them, who is asked to end
//! it, and by which day.

use std::collections::BTreeMap;

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
    /// The same cause at the same account, as far as both name one: books may learn an account's name after a close, and
    /// some findings are of several accounts. About the same keys where both name any, else about the same models.
    pub fn is_like(&self, other: &PastFinding) -> bool {
        let (own, scope) = (&self.scope, &other.scope);
        let (mine, theirs) = if own.keys.is_empty() || scope.keys.is_empty() {
            (&own.models, &scope.models)
        } else {
            (&own.keys, &scope.keys)
        };
        self.bridge == other.bridge
            && self.cause == other.cause
            && agree(own.provider.as_deref(), scope.provider.as_deref())
            && agree(own.account.as_deref(), scope.account.as_deref())
            && (mine.iter().any(|name| theirs.contains(name)) || (mine.is_empty() && theirs.is_empty()))
    }

    /// True where there is something to mend. Tax, credits and fees come back every month and are only booked.
    pub fn is_fixable(&self) -> bool {
        self.fix.as_ref().is_some_and(|fix| fix.kind != BOOKING)
    }
}

/// False where both name one and they differ.
pub fn agree(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
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

/// What a close had of a finding: the sum of all that are like it.
pub fn stood_in(close: &PastClose, finding: &PastFinding) -> Option<Money> {
    let mut same = close.findings.iter().filter(|found| found.is_like(finding)).peekable();
    same.peek()?;
    Some(same.map(|found| found.amount).sum())
}

/// The earlier months in which a finding stood.
#[derive(Debug, Default)]
pub struct Past {
    /// What it came to in each, without what another finding of now counts.
    pub months: BTreeMap<Month, Money>,
    /// The finding that counts the rest.
    pub with: Option<String>,
}

/// The past of each finding of a month. Where an earlier finding is like several of them, the largest counts its amount:
/// no dollar of an earlier month is told twice.
pub fn pasts(closes: &[PastClose], findings: &[PastFinding]) -> Vec<Past> {
    let mut pasts: Vec<Past> = findings.iter().map(|_| Past::default()).collect();
    for close in closes {
        for earlier in &close.findings {
            let like = || (0..findings.len()).filter(|index| earlier.is_like(&findings[*index]));
            // Of those of one size, the first.
            let Some(counts) = like().rev().max_by_key(|index| findings[*index].amount.abs()) else {
                continue;
            };
            for index in like() {
                let sum = pasts[index].months.entry(close.month).or_default();
                if index == counts {
                    *sum += earlier.amount;
                } else {
                    pasts[index].with = Some(findings[counts].id.clone());
                }
            }
        }
    }
    pasts
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

/// Says of each finding since when it stands, what it came to in all months, who is asked and by when.
pub fn follow_up(document: &mut Reconciliation, month: Month, closes: &[PastClose], duties: &Duties) {
    let now: Vec<PastFinding> = document.findings.iter().map(PastFinding::from).collect();
    for (finding, past) in document.findings.iter_mut().zip(pasts(closes, &now)) {
        let since = past.months.keys().next().copied().unwrap_or(month).min(month);
        if let Some(fix) = &finding.fix {
            finding.owner = duties.owner(&fix.kind);
            let first = Some(since).filter(|_| fix.kind != BOOKING);
            finding.due = first.zip(duties.days).map(|(first, days)| after(first.last(), days));
        }
        finding.recurs = Recurrence {
            months: 1 + past.months.len() as u32,
            amount: finding.amount + past.months.into_values().sum(),
            since: Some(since),
            with: past.with,
        };
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
        let of = |account: &str| PastFinding {
            scope: PastScope { account: Some(account.into()), ..scope(&["a"], &[]) },
            ..like.clone()
        };
        for other in [
            PastFinding { bridge: Bridge::LoggedPriced, ..like.clone() },
            PastFinding { cause: "rate.batch".into(), ..like.clone() },
        ] {
            assert!(!like.is_like(&other), "{other:?}");
        }
        // An account that was not named when the month was closed is the same account.
        assert!(like.is_like(&of("x")) && of("x").is_like(&like) && of("x").is_like(&of("x")));
        assert!(!of("x").is_like(&of("y")));
    }

    #[test]
    fn an_earlier_amount_counts_once() {
        let sized = |id: &str, models: &[&str], pico: i128| PastFinding {
            id: id.into(),
            amount: Money::from_pico(pico),
            ..past(models, &[])
        };
        let close = |month: u32, findings: Vec<PastFinding>| PastClose {
            month: Month::new(2026, month).unwrap(),
            findings,
            inputs: Vec::new(),
        };
        let closes =
            [close(8, vec![sized("F1", &["a", "b"], 30)]), close(9, vec![sized("F1", &["a", "b"], 32)])];
        let now = [sized("F3", &["a"], 21), sized("F4", &["b"], -3), sized("F5", &["c"], 9)];
        let pasts = pasts(&closes, &now);
        let told =
            pasts.iter().map(|past| (past.months.len(), past.months.values().copied().sum(), &past.with));
        let told: Vec<(usize, Money, Option<&str>)> =
            told.map(|(months, sum, with)| (months, sum, with.as_deref())).collect();
        let money = Money::from_pico;
        assert_eq!(told, [(2, money(62), None), (2, money(0), Some("F3")), (0, money(0), None)]);
    }

    #[test]
    fn due_days_are_counted_from_the_end_of_the_first_month() {
        let first = Month::new(2026, 9).unwrap();
        assert_eq!(after(first.last(), 30).to_string(), "2026-10-30");
        assert_eq!(after(first.last(), 0).to_string(), "2026-09-30");
    }
}
