//! The fenced blocks of a story's README: its arithmetic, and what the program must say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use llmfin::money::Money;

/// A cause with its dollars: `rate.stale 2.50 exact`, and after it the rivals of an ambiguous one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub cause: String,
    pub amount: Money,
    /// `any` where the story does not care.
    pub status: String,
    pub rivals: BTreeSet<String>,
}

impl Claim {
    fn parse(text: &str) -> Claim {
        let mut words = text.split_whitespace();
        let mut word = || words.next().unwrap_or_else(|| panic!("`{text}` is not CAUSE DOLLARS STATUS"));
        let (cause, amount, status) = (word().to_owned(), word().parse().unwrap(), word().to_owned());
        Claim { cause, amount, status, rivals: words.map(ToOwned::to_owned).collect() }
    }

    pub fn is_met_by(&self, found: &Claim) -> bool {
        let same = self.cause == found.cause && self.amount == found.amount;
        same && (self.status == "any" || (self.status == found.status && self.rivals == found.rivals))
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.cause, self.amount, self.status)?;
        self.rivals.iter().try_for_each(|rival| write!(out, " {rival}"))
    }
}

pub struct Expected {
    /// Commands that have to run first, such as a close.
    pub before: Vec<String>,
    pub command: String,
    pub arithmetic: Vec<String>,
    /// By their name in the document.
    pub totals: BTreeMap<String, Money>,
    /// By bridge.
    pub claims: BTreeMap<&'static str, Vec<Claim>>,
    /// What later knowledge would move in a closed month.
    pub memos: Vec<Money>,
    /// What a complete engine would find; until then it is part of `unexplained`.
    pub wanted: Vec<Claim>,
    /// Causes that it looks like and that must not be named.
    pub lookalikes: BTreeSet<String>,
}

impl Expected {
    pub fn read(name: &str, readme: &str) -> Expected {
        assert!(readme.starts_with(&format!("# {name}: ")), "{name}: the title is not `# {name}: …`");
        let mut expected = Expected {
            before: Vec::new(),
            command: String::new(),
            arithmetic: block(name, readme, "arithmetic"),
            totals: BTreeMap::new(),
            claims: BTreeMap::new(),
            memos: Vec::new(),
            wanted: Vec::new(),
            lookalikes: BTreeSet::new(),
        };
        for line in block(name, readme, "expected") {
            let (key, value) = line.split_once(": ").unwrap_or_else(|| panic!("{name}: `{line}`"));
            match key {
                "before" => expected.before.push(value.to_owned()),
                "command" => expected.command = value.to_owned(),
                "cause" | "logged-cause" if value == "none" => {}
                "cause" => expected.claims.entry("priced-billed").or_default().push(Claim::parse(value)),
                "logged-cause" => {
                    expected.claims.entry("logged-priced").or_default().push(Claim::parse(value));
                }
                "memo" => expected.memos.push(value.parse().unwrap()),
                "wanted" => expected.wanted.push(Claim::parse(value)),
                "look-alike" => drop(expected.lookalikes.insert(value.to_owned())),
                "logged" | "priced" | "billed" | "unexplained" | "unexplained_gross"
                | "logged_unexplained" => {
                    expected.totals.insert(key.to_owned(), value.parse().unwrap());
                }
                _ => panic!("{name}: `{key}` is nothing that a story can expect"),
            }
        }
        for total in ["priced", "billed", "unexplained"] {
            assert!(expected.totals.contains_key(total), "{name}: `{total}` is missing");
        }
        expected
    }

    /// Every figure but zero.
    pub fn dollars(&self) -> BTreeSet<Money> {
        let claims = self.claims.values().flatten().chain(&self.wanted).map(|claim| claim.amount);
        let all = self.totals.values().chain(&self.memos).copied().chain(claims);
        all.filter(|amount| !amount.is_zero()).collect()
    }
}

fn block(name: &str, readme: &str, kind: &str) -> Vec<String> {
    let start = format!("\n```{kind}\n");
    let (_, rest) = readme.split_once(&start).unwrap_or_else(|| panic!("{name}: no block `{kind}`"));
    let (block, _) = rest.split_once("\n```").unwrap_or_else(|| panic!("{name}: `{kind}` has no end"));
    block.lines().map(ToOwned::to_owned).collect()
}
