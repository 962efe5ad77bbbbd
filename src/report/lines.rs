//! A finding in one line for the controller (what happened) and in one for the engineer (which cause, where, what to do).

use crate::causes::catalogue::Cause;
use crate::close::document::{Finding, Reconciliation, Verdict};
use crate::money::Money;
use crate::period::{Day, Month};

/// The last day that is compared.
pub fn end(document: &Reconciliation) -> Option<Day> {
    match document.month.split_once("..") {
        Some((_, last)) => last.parse().ok(),
        None => document.month.parse::<Month>().ok().map(Month::last),
    }
}

/// What happened, in the words of the cause's page, and to what. Where causes fit alike, none of them happened for all
/// that is known.
pub fn controller(finding: &Finding) -> String {
    format!("{}: {}", happened(finding), subject(finding))
}

fn happened(finding: &Finding) -> String {
    if !finding.is_undecided() {
        return title(&finding.cause).to_owned();
    }
    let rivals: Vec<&str> = finding.others().map(title).collect();
    match rivals.as_slice() {
        [] => format!("not decided in which way: {}", title(&finding.cause)),
        rivals => format!("not decided: {} or {}", title(&finding.cause), rivals.join(" or ")),
    }
}

pub fn title(cause: &str) -> &str {
    Cause::find(cause).map_or(cause, |cause| cause.title())
}

/// The cause and its rivals, where it holds, who is asked by when, and what to do.
pub fn engineer(finding: &Finding, end: Option<Day>) -> String {
    let mut parts = vec![causes(finding), place(finding)];
    parts.extend(recurrence(finding));
    parts.extend(backtests(finding));
    parts.extend(asked(finding.owner.as_deref(), finding.due, end));
    let head = parts.join(", ");
    match todo(finding) {
        Some(what) => format!("{head}: {what}"),
        None => head,
    }
}

/// `rate.batch or rate.service_tier`, or `rate.region_uplift in one of several ways`.
fn causes(finding: &Finding) -> String {
    let mut all = vec![finding.cause.as_str()];
    all.extend(finding.others());
    let several = all.len() == 1 && finding.is_undecided();
    if several { format!("{} in one of several ways", finding.cause) } else { all.join(" or ") }
}

/// What fits as well: other causes, and the same cause told in another way, such as another region.
pub fn rivals(finding: &Finding) -> Vec<(&str, &str)> {
    let causes = finding.others().map(|cause| (cause, title(cause)));
    causes.chain(finding.also().map(|story| (finding.cause.as_str(), story))).collect()
}

/// What to do: the fix, and first of all the fact that decides, where it is not known which fix.
pub fn todo(finding: &Finding) -> Option<String> {
    let fix = finding.fix.as_ref().map(|fix| fix.text.as_str());
    let decides = finding.decides.as_deref().filter(|_| finding.is_undecided() || fix.is_none());
    let decides = decides.map(|fact| format!("what would decide: {fact}"));
    match (decides, fix) {
        (Some(decides), Some(fix)) => Some(format!("{decides}. Once decided, {fix}")),
        (Some(decides), None) => Some(decides),
        (None, fix) => fix.map(ToOwned::to_owned),
    }
}

/// `3 months since 2026-08, 412.10 together`, or `3 months since 2026-08, 0.02 of it here and the rest with F3`
pub fn recurrence(finding: &Finding) -> Option<String> {
    let recurs = &finding.recurs;
    let since = recurs.since.filter(|_| recurs.months > 1)?;
    Some(together(recurs.months, since, recurs.amount, recurs.with.as_deref()))
}

pub fn together(months: u32, since: Month, amount: Money, with: Option<&str>) -> String {
    let amount = amount.grouped(2);
    match with {
        Some(with) => format!("{months} months since {since}, {amount} of it here and the rest with {with}"),
        None => format!("{months} months since {since}, {amount} together"),
    }
}

/// `the fix would have held in 2026-08, 2026-09 and broken 3 cells of 2026-07`
pub fn backtests(finding: &Finding) -> Option<String> {
    let months = |verdict: Verdict| -> Vec<String> {
        let of = finding.backtests.iter().filter(|test| test.verdict == verdict);
        of.map(|test| match verdict {
            Verdict::Broken => format!("broken {} cells of {}", test.broken, test.month),
            _ => test.month.to_string(),
        })
        .collect()
    };
    let (held, broken) = (months(Verdict::Held), months(Verdict::Broken));
    let mut parts = Vec::new();
    if !held.is_empty() {
        parts.push(format!("held in {}", held.join(", ")));
    }
    parts.extend(broken);
    (!parts.is_empty()).then(|| format!("the fix would have {}", parts.join(" and ")))
}

/// `ilya by 2026-11-30`, and whether that day was over when the month compared ended.
pub fn asked(owner: Option<&str>, due: Option<Day>, end: Option<Day>) -> Option<String> {
    let overdue = due.zip(end).is_some_and(|(due, end)| due <= end);
    let asked = asked_of(owner, due)?;
    Some(if overdue { format!("{asked} (overdue)") } else { asked })
}

fn asked_of(owner: Option<&str>, due: Option<Day>) -> Option<String> {
    match (owner, due) {
        (Some(owner), Some(due)) => Some(format!("{owner} by {due}")),
        (Some(owner), None) => Some(owner.to_owned()),
        (None, Some(due)) => Some(format!("due {due}")),
        (None, None) => None,
    }
}

/// Where and when a finding holds, in a few words.
pub fn place(finding: &Finding) -> String {
    match (finding.scope.from, finding.scope.to) {
        (Some(from), Some(to)) => format!("{}, {}", subject(finding), days(from, to)),
        _ => subject(finding),
    }
}

/// Models, or keys, or the provider.
fn subject(finding: &Finding) -> String {
    let scope = &finding.scope;
    match (scope.models.as_slice(), finding.cause.as_str()) {
        (_, "cov.bypass") => scope.keys.join(", "),
        ([], _) => scope.provider.clone().unwrap_or_default(),
        ([one], _) => one.clone(),
        ([first, second], "map.alias_repointed" | "map.fallback") => format!("{first}, {second}"),
        (many, _) => format!("{} models", many.len()),
    }
}

/// `2026-10-12`, `2026-10-12..31`, or both days in full where they are not of one month.
pub fn days(from: Day, to: Day) -> String {
    match (from == to, from.month() == to.month()) {
        (true, _) => from.to_string(),
        (false, true) => format!("{from}..{}", &to.to_string()[8..]),
        (false, false) => format!("{from}..{to}"),
    }
}

/// `openai/org-acme`
pub fn account(provider: &str, account: Option<&str>) -> String {
    account.map_or_else(|| provider.to_owned(), |account| format!("{provider}/{account}"))
}

/// `1 finding`, `1,204 findings`
pub fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", self::count(count), if count == 1 { "" } else { "s" })
}

/// `1,234,567`
pub fn count(number: usize) -> String {
    super::sheet::grouped(number as i128)
}
