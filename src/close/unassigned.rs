//! Several accounts of a seller, and a log that does not say which of them pays. Compared all the same, each of their bills would
//! look like one of which the log has nothing; so nothing is compared until a rule says whose the usage is.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::inputs::CloseInputs;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::inert;
use crate::rate::{Account, DayUsage};
use crate::reconcile::Line;

/// Keys that the message and its help name.
const NAMED: usize = 12;

/// Refuses bills of accounts that pay for nothing, where usage of their seller is nobody's. A bill of which the log really has
/// nothing is compared once every key of the seller has its account.
pub(super) fn refuse(inputs: &CloseInputs, usage: &[DayUsage], lines: &[Line]) -> Result<()> {
    let (nobodys, paid): (Vec<&DayUsage>, Vec<&DayUsage>) =
        usage.iter().filter(|row| row.outcome.is_billable()).partition(|row| row.account.is_unassigned());
    let paying: BTreeSet<&Account> = paid.into_iter().map(|row| &row.account).collect();
    let billed: BTreeSet<&Account> = lines.iter().map(|line| &line.account).collect();
    let idle: Vec<&Account> = billed.into_iter().filter(|account| !paying.contains(account)).collect();
    let sellers: BTreeSet<&Arc<str>> = idle.iter().map(|account| &account.provider).collect();
    let mut problems = Vec::new();
    for seller in sellers {
        let keys: BTreeSet<&str> =
            nobodys.iter().filter(|row| row.account.provider == *seller).map(|row| &*row.key).collect();
        if !keys.is_empty() {
            problems.push(problem(inputs, seller, &keys));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Input(problems)) }
}

fn problem(inputs: &CloseInputs, seller: &Arc<str>, keys: &BTreeSet<&str>) -> Diagnostic {
    let accounts: Vec<Account> =
        inputs.accounts().into_iter().filter(|account| account.provider == *seller).collect();
    let named = |account: &Account| match &account.id {
        Some(id) => format!("`{id}`"),
        None => "one without a name".to_owned(),
    };
    let message = format!(
        "{} accounts of {seller}, {}, and nothing says which of them pays for {} of the log",
        accounts.len(),
        accounts.iter().map(named).collect::<Vec<_>>().join(", "),
        shown(keys),
    );
    let of_seller = || inputs.documents.iter().filter(|document| document.account.provider == *seller);
    let nameless = of_seller().find(|document| document.account.id.is_none());
    let path = nameless.or(of_seller().next()).map_or("", |document| &*document.path);
    let help = match nameless {
        Some(document) => format!(
            "say whose the file is: `--invoice {seller}/ACCOUNT={}`, or `account` in its `[[invoice]]`",
            document.path
        ),
        None if inputs.accounts.iter().any(|account| account.provider == *seller) => format!(
            "add to each `[[account]]` of {seller} the keys that it pays for, of these: `keys = {}`",
            list(keys)
        ),
        None => format!(
            "save `account = [{}]` as `rules.toml`, strike each key where it is not paid, and give `--rules rules.toml`",
            accounts.iter().map(|account| table(account, keys)).collect::<Vec<_>>().join(", ")
        ),
    };
    Diagnostic::error("whose-usage", Origin::file(path), message).help(help)
}

/// `keys `a`, `b` and 3 more`
fn shown(keys: &BTreeSet<&str>) -> String {
    let named: Vec<String> = keys
        .iter()
        .take(NAMED)
        .map(|key| if key.is_empty() { "`\"\"`".to_owned() } else { format!("`{key}`") })
        .collect();
    let rest = match keys.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("key{} {}{rest}", if keys.len() == 1 { "" } else { "s" }, named.join(", "))
}

/// An `[[account]]` on one line.
fn table(account: &Account, keys: &BTreeSet<&str>) -> String {
    let id = account.id.as_deref().unwrap_or_default();
    format!(
        "{{ provider = {}, id = {}, keys = {} }}",
        inert::toml(&account.provider),
        inert::toml(id),
        list(keys)
    )
}

fn list(keys: &BTreeSet<&str>) -> String {
    format!("[{}]", keys.iter().take(NAMED).map(|key| inert::toml(key)).collect::<Vec<_>>().join(", "))
}
