//! Which rows of the log a finding is about: its scope, the rule that would mend them or the alias that its evidence names,
//! and the kind of row that its cause speaks of.

use super::document::{Bridge, Finding};
use super::places;
use crate::causes::remedy::Remedy;
use crate::rate::DayUsage;
use crate::vocabulary::{CallType, CountSource, Outcome};

/// True of a row as the comparison has it.
pub fn is_about(finding: &Finding, row: &DayUsage) -> bool {
    let scope = &finding.scope;
    let named = |texts: &[String], text: &str| texts.is_empty() || texts.iter().any(|known| known == text);
    let outcome = match places::outcomes(&finding.cause) {
        Some(kinds) => kinds.contains(&row.outcome),
        None => row.outcome.is_billable(),
    };
    let kind = kind(&finding.cause).is_none_or(|is| is(row));
    // A repeat that was logged without a cost is in no figure.
    let moves =
        finding.bridge == Bridge::PricedBilled || row.outcome.is_billable() || !row.sums.logged.is_zero();
    let mut rules = Vec::new();
    for remedy in &finding.remedies {
        if let Remedy::Traffic(rule) = remedy {
            rules.push(rule);
        }
    }
    let logged = row.as_logged.as_deref().unwrap_or(row);
    let fact = |name: &str| finding.evidence.iter().find(|fact| fact.name == name).map(|fact| &*fact.value);
    let traffic = if rules.is_empty() {
        fact("alias").is_none_or(|alias| **logged.asked_for() == *alias)
            && fact("logged as").is_none_or(|model| *logged.model == *model)
    } else {
        rules.iter().any(|rule| rule.holds(logged))
    };
    outcome
        && kind
        && moves
        && traffic
        && scope.provider.as_deref().is_none_or(|provider| *row.account.provider == *provider)
        && scope.account.as_deref().is_none_or(|account| row.account.id.as_deref() == Some(account))
        && named(&scope.models, &row.model)
        && named(&scope.keys, &row.key)
        && scope.from.is_none_or(|from| from <= row.day)
        && scope.to.is_none_or(|to| row.day <= to)
}

/// What a row itself says beside how it ended, where a cause is about that.
fn kind(cause: &str) -> Option<fn(&DayUsage) -> bool> {
    Some(match cause {
        "qty.poll_duplicate" => |row| row.call_type == CallType::Poll,
        "qty.output_only_on_disconnect" => |row| row.source == CountSource::OutputOnly,
        "qty.local_estimate" => |row| row.source == CountSource::Estimated,
        "qty.retry_unlogged" => |row| row.outcome == Outcome::FailedWithUsage && row.sums.logged.is_zero(),
        _ => return None,
    })
}

/// True where each row says itself that it is one of those the cause is about.
pub fn are_marked(cause: &str) -> bool {
    places::outcomes(cause).is_some() || kind(cause).is_some()
}

/// True where what the finding speaks of is in no log: calls that were not written, or that the seller made itself.
pub fn are_unlogged(finding: &Finding) -> bool {
    let causes = [
        "qty.dropped_rows",
        "qty.missing_day",
        "qty.retry_unlogged",
        "cls.guardrail_addon",
        "cls.storage_session",
        "cls.sub_inference",
    ];
    // What the gateway gave no cost is in the log.
    finding.bridge == Bridge::PricedBilled && causes.contains(&&*finding.cause)
}
