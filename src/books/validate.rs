//! What a schema cannot say about the books: references that must exist, names that must differ, files that must not
//! be counted twice.

use std::collections::BTreeMap;

use super::Books;
use super::allocation::{BucketKind, BucketPolicy};
use super::file::File;
use super::glob;
use super::inputs::{Account, InvoiceKind, Role};
use crate::diagnostic::nearest;
use crate::money::Ratio;

pub fn check(books: &Books, file: &mut File) {
    if books.book.name.is_empty() {
        let help = Some("start the file with `[book]` and `name = \"…\"`".to_owned());
        file.report("no-name", &["book", "name"], "the books have no name", help);
    }
    paths(books, file);
    unique(books, file);
    people(books, file);
    accounts(books, file);
    sources(books, file);
    invoices(books, file);
    allocation(books, file);
    super::traffic::check(&books.traffic, file);
}

/// Every path stays inside the books.
fn paths(books: &Books, file: &mut File) {
    let mut path = |place: &[&str], pattern: &str| {
        if let Some(problem) = glob::problem(pattern) {
            let help =
                "name files by their path below the folder of llmfin.toml: `logs/{month}/**`".to_owned();
            file.report("path-outside", place, problem, Some(help));
        }
    };
    for (index, source) in books.sources.iter().enumerate() {
        for (at, pattern) in source.files.iter().enumerate() {
            path(&["source", &index.to_string(), "files", &at.to_string()], pattern);
        }
    }
    for (index, invoice) in books.invoices.iter().enumerate() {
        for (at, pattern) in invoice.files.iter().enumerate() {
            path(&["invoice", &index.to_string(), "files", &at.to_string()], pattern);
        }
    }
    for (at, contract) in books.book.contracts.iter().enumerate() {
        path(&["book", "contracts", &at.to_string()], contract);
    }
    for (place, text) in [
        (["book", "pricebook"], &books.book.pricebook),
        (["fx", "file"], &books.fx.file),
        (["ledger", "trial_balance"], &books.ledger.trial_balance),
    ] {
        if let Some(text) = text {
            path(&place, text);
        }
    }
}

fn unique(books: &Books, file: &mut File) {
    let lists: [(&str, &str, Vec<String>); 6] = [
        ("source", "name", books.sources.iter().map(|source| source.name.clone()).collect()),
        (
            "account",
            "id",
            books.accounts.iter().map(|account| format!("{}/{}", account.provider.0, account.id)).collect(),
        ),
        (
            "model",
            "logged",
            books
                .models
                .iter()
                .map(|model| match model.from {
                    Some(from) => format!("{} from {from}", model.logged),
                    None => model.logged.clone(),
                })
                .collect(),
        ),
        ("rule", "name", books.rules.iter().map(|rule| rule.name.clone()).collect()),
        ("bucket", "name", books.buckets.iter().map(|bucket| bucket.name.clone()).collect()),
        (
            "budget",
            "name",
            books.budgets.iter().map(|budget| format!("{} from {}", budget.name, budget.from)).collect(),
        ),
    ];
    for (table, key, names) in lists {
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                let message = format!("a second [[{table}]] is named `{name}`");
                file.report("duplicate-name", &[table, &index.to_string(), key], message, None);
            }
        }
    }
}

/// Everyone who is named is in `[people]`.
fn people(books: &Books, file: &mut File) {
    let mut person = |place: &[&str], name: &str| {
        if !books.people.contains_key(name) {
            let help = match nearest(name, books.people.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add `[people.{name}]` with their name"),
            };
            file.report("unknown-person", place, format!("`{name}` is not in [people]"), Some(help));
        }
    };
    let owners = &books.owners;
    for (key, owner) in
        [("finance", &owners.finance), ("platform", &owners.platform), ("sponsor", &owners.sponsor)]
    {
        if let Some(owner) = owner {
            person(&["owners", key], owner);
        }
    }
    for (group, owners) in [("teams", &owners.teams), ("workloads", &owners.workloads)] {
        for (key, owner) in owners {
            person(&["owners", group, key], owner);
        }
    }
    for (index, bucket) in books.buckets.iter().enumerate() {
        person(&["bucket", &index.to_string(), "owner"], &bucket.owner);
    }
    for (index, budget) in books.budgets.iter().enumerate() {
        if let Some(approver) = &budget.approver {
            person(&["budget", &index.to_string(), "approver"], approver);
        }
    }
}

/// No gateway key is paid by two accounts of a seller.
pub(super) fn keys(accounts: &[Account], file: &mut File) {
    let mut owners: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for (index, account) in accounts.iter().enumerate() {
        for (at, key) in account.keys.iter().enumerate() {
            if let Some(other) = owners.insert((account.provider.0, key), &account.id) {
                let message = format!("key `{key}` is paid by account `{other}` already");
                let place = ["account", &index.to_string(), "keys", &at.to_string()];
                file.report("two-payers", &place, message, None);
            }
        }
    }
}

/// No log traffic is paid by two accounts, and every account that is named exists.
fn accounts(books: &Books, file: &mut File) {
    let mut payers: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for (index, account) in books.accounts.iter().enumerate() {
        let index = index.to_string();
        for (at, name) in account.sources.iter().enumerate() {
            let place = ["account", &index, "sources", &at.to_string()];
            let sources = books.sources.iter().map(|source| source.name.as_str());
            if !sources.clone().any(|source| source == name) {
                let help = nearest(name, sources).map(|near| format!("did you mean `{near}`?"));
                file.report("unknown-source", &place, format!("no [[source]] is named `{name}`"), help);
            }
            // With keys, two accounts can share a source; without, all its calls would be paid twice.
            if account.keys.is_empty()
                && let Some(other) = payers.insert((account.provider.0, name), &account.id)
            {
                let message =
                    format!("accounts `{other}` and `{}` both pay for all of source `{name}`", account.id);
                let help = "say which gateway `keys` each account pays for".to_owned();
                file.report("two-payers", &place, message, Some(help));
            }
        }
    }
    keys(&books.accounts, file);
    let named = books
        .sources
        .iter()
        .enumerate()
        .filter_map(|(at, source)| Some(("source", at, source.account.as_ref()?, None)));
    let billed =
        books.invoices.iter().enumerate().filter_map(|(at, invoice)| {
            Some(("invoice", at, invoice.account.as_ref()?, Some(invoice.provider)))
        });
    for (table, index, name, provider) in named.chain(billed) {
        // Books that declare no account of a provider leave it to the bill to name them.
        let known: Vec<&str> = books
            .accounts
            .iter()
            .filter(|account| provider.is_none_or(|provider| provider == account.provider))
            .map(|account| account.id.as_str())
            .collect();
        let found = books
            .account(name)
            .filter(|account| provider.is_none_or(|provider| provider == account.provider));
        if found.is_none() && !known.is_empty() {
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add an [[account]] with `id = \"{name}\"`"),
            };
            let message = format!("no [[account]] has the id `{name}`");
            file.report("unknown-account", &[table, &index.to_string(), "account"], message, Some(help));
        }
    }
}

/// Where several sources may have seen the same calls, one is counted and the others are witnesses.
fn sources(books: &Books, file: &mut File) {
    for (index, source) in books.sources.iter().enumerate() {
        let place = index.to_string();
        for other in &books.sources[..index] {
            let same_account = source.account.is_some() && source.account == other.account;
            let same_files = overlaps(&source.files, &other.files);
            let (left, right) = (&other.name, &source.name);
            if let Some((first, second)) = same_files {
                let message = format!(
                    "`{first}` of source `{left}` and `{second}` of source `{right}` hold the same files"
                );
                let help = "give each source files of its own".to_owned();
                file.report("overlap", &["source", &place, "files"], message, Some(help));
            } else if same_account && source.role == Some(Role::Primary) && other.role == Some(Role::Primary)
            {
                let message = format!("sources `{left}` and `{right}` are both primary for one account");
                let help = "make one of them `role = \"witness\"`".to_owned();
                file.report("two-primaries", &["source", &place, "role"], message, Some(help));
            } else if same_account && (source.role.is_none() || other.role.is_none()) {
                let message = format!("sources `{left}` and `{right}` may have seen the same calls");
                let help = "give one `role = \"primary\"` and the other `role = \"witness\"`".to_owned();
                file.report("no-primary", &["source", &place, "account"], message, Some(help));
            }
        }
    }
}

/// One billing authority per account: no file of cost is read twice.
fn invoices(books: &Books, file: &mut File) {
    for (index, invoice) in books.invoices.iter().enumerate() {
        let place = index.to_string();
        if let Some(sha256) = &invoice.sha256
            && !(sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            let message = "a SHA-256 has 64 hexadecimal digits";
            file.report("invalid-value", &["invoice", &place, "sha256"], message, None);
        }
        for other in &books.invoices[..index] {
            let same = invoice.kind == InvoiceKind::Cost
                && other.kind == InvoiceKind::Cost
                && invoice.provider == other.provider
                && invoice.account == other.account;
            if let Some((first, second)) = overlaps(&other.files, &invoice.files).filter(|_| same) {
                let message =
                    format!("`{first}` and `{second}` hold the same cost of {}", invoice.provider.0);
                let help = "keep one of the two [[invoice]] tables, or give each its own files or account"
                    .to_owned();
                file.report("overlap", &["invoice", &place, "files"], message, Some(help));
            }
        }
    }
}

fn overlaps<'a>(left: &'a [String], right: &'a [String]) -> Option<(&'a str, &'a str)> {
    let pairs =
        left.iter().flat_map(|first| right.iter().map(move |second| (first.as_str(), second.as_str())));
    pairs.into_iter().find(|(first, second)| glob::overlap(first, second))
}

fn allocation(books: &Books, file: &mut File) {
    for (index, rule) in books.rules.iter().enumerate() {
        let index = index.to_string();
        if rule.until.is_some_and(|until| until < rule.from) {
            file.report("inverted-dates", &["rule", &index, "until"], "the rule ends before it begins", None);
        }
        if let Some(name) = &rule.bucket
            && !books.buckets.iter().any(|bucket| bucket.name == *name)
        {
            let near = nearest(name, books.buckets.iter().map(|bucket| bucket.name.as_str()));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            file.report(
                "unknown-bucket",
                &["rule", &index, "bucket"],
                format!("no [[bucket]] is named `{name}`"),
                help,
            );
        }
    }
    for (index, budget) in books.budgets.iter().enumerate() {
        if budget.until.is_some_and(|until| until < budget.from) {
            let place = ["budget", &index.to_string(), "until"];
            file.report("inverted-dates", &place, "the budget ends before it begins", None);
        }
    }
    let mut default: Option<&str> = None;
    for (index, bucket) in books.buckets.iter().enumerate() {
        let index = index.to_string();
        if bucket.kind == BucketKind::Default
            && let Some(first) = default.replace(&bucket.name)
        {
            let message = format!("buckets `{first}` and `{}` are both the default", bucket.name);
            file.report("two-defaults", &["bucket", &index, "kind"], message, None);
        }
        if bucket.policy == BucketPolicy::Proportional && bucket.driver.is_none() {
            let help = Some("add `driver = \"cost\"`, `\"tokens\"` or `\"requests\"`".to_owned());
            file.report("no-driver", &["bucket", &index], "a proportional bucket needs a driver", help);
        }
        if bucket.policy == BucketPolicy::Fixed
            && total(bucket.shares.values().map(|share| share.0)) != Some(Ratio::ONE)
        {
            let message = "the shares of a fixed bucket add up to 100%";
            file.report("shares", &["bucket", &index, "shares"], message, None);
        }
    }
}

fn total(shares: impl Iterator<Item = Ratio>) -> Option<Ratio> {
    shares.into_iter().try_fold(Ratio::ZERO, |sum, share| {
        let left = sum.numerator().checked_mul(share.denominator())?;
        let right = share.numerator().checked_mul(sum.denominator())?;
        Ratio::new(left.checked_add(right)?, sum.denominator().checked_mul(share.denominator())?)
    })
}
