//! The books: a folder with `llmfin.toml` that says which files are evidence, who owns what, and by which policy.
//!
//! ```toml
//! [book]
//! name = "acme"
//!
//! [[invoice]]
//! provider = "openai"
//! files = ["invoices/{month}/openai-cost*.csv"]
//! ```

pub mod allocation;
mod file;
pub mod glob;
pub mod governance;
pub mod inputs;
pub mod rules;
pub mod traffic;
mod validate;
pub mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde_json::Value;

use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::period::Month;
use allocation::{Bucket, Budget, Rule, Tags};
use governance::{Fx, Ledger, Owners, Person, Policy};
use inputs::{Account, Book, InvoiceSource, ModelAlias, UsageSource};
use traffic::Traffic;

/// The file that makes a folder books.
pub const FILE: &str = "llmfin.toml";

/// Everything `llmfin.toml` says, checked.
#[derive(Debug, Clone, Default, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "llmfin.toml")]
pub struct Books {
    pub book: Book,
    #[serde(rename = "source", default)]
    pub sources: Vec<UsageSource>,
    #[serde(rename = "invoice", default)]
    pub invoices: Vec<InvoiceSource>,
    #[serde(rename = "account", default)]
    pub accounts: Vec<Account>,
    #[serde(rename = "model", default)]
    pub models: Vec<ModelAlias>,
    #[serde(rename = "traffic", default)]
    pub traffic: Vec<Traffic>,
    #[serde(default)]
    pub tags: Tags,
    #[serde(rename = "rule", default)]
    pub rules: Vec<Rule>,
    #[serde(rename = "bucket", default)]
    pub buckets: Vec<Bucket>,
    #[serde(rename = "budget", default)]
    pub budgets: Vec<Budget>,
    #[serde(default)]
    pub people: BTreeMap<String, Person>,
    #[serde(default)]
    pub owners: Owners,
    #[serde(default)]
    pub policy: Policy,
    #[serde(default)]
    pub fx: Fx,
    #[serde(default)]
    pub ledger: Ledger,
    /// The folder.
    #[schemars(skip)]
    pub dir: PathBuf,
    /// The file as written, for its hash.
    #[schemars(skip)]
    pub text: String,
}

impl Books {
    /// Reads and checks the books in `dir`.
    pub fn load(dir: &Path) -> Result<Books> {
        let path = dir.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Diagnostic::error(
                "no-books",
                Origin::file(path.display().to_string()),
                "there are no books here",
            )
            .help("name their folder with `-C DIR`, or give files with `--usage` and `--invoice`")
            .into(),
            std::io::ErrorKind::InvalidData => {
                Diagnostic::error("not-text", Origin::file(FILE), "the file is not UTF-8 text")
                    .help("save it as UTF-8")
                    .into()
            }
            _ => Error::io(path.display().to_string(), error),
        })?;
        let books = Books::parse(&text)?;
        Ok(Books { dir: dir.to_owned(), text, ..books })
    }

    /// Reads and checks the text of an `llmfin.toml`.
    pub fn parse(text: &str) -> Result<Books> {
        let schema = Books::schema();
        let mut file = file::File::parse(FILE, text, &schema);
        let books = Books {
            book: file.one("book"),
            sources: file.many("source"),
            invoices: file.many("invoice"),
            accounts: file.many("account"),
            models: file.many("model"),
            traffic: file.many("traffic"),
            tags: file.one("tags"),
            rules: file.many("rule"),
            buckets: file.many("bucket"),
            budgets: file.many("budget"),
            people: file.one("people"),
            owners: file.one("owners"),
            policy: file.one("policy"),
            fx: file.one("fx"),
            ledger: file.one("ledger"),
            dir: PathBuf::new(),
            text: String::new(),
        };
        // Positions in the lists are those of the file only where every table was read.
        if file.problems.is_empty() {
            validate::check(&books, &mut file);
        }
        if file.problems.is_empty() {
            Ok(books)
        } else {
            file.problems.sort_by(|left, right| left.origin.cmp(&right.origin));
            Err(Error::Input(file.problems))
        }
    }

    /// JSON Schema of `llmfin.toml`, without references.
    pub fn schema() -> Value {
        schema_of::<Books>()
    }

    /// The files that match `patterns`, with `{month}` filled in.
    pub fn files(&self, patterns: &[String], month: Month) -> Result<glob::Found> {
        glob::find(&self.dir, patterns, Some(month))
    }

    /// The declared account that `text` names: `ID` or `PROVIDER/ID`.
    pub fn account(&self, text: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| {
            account.id == text
                || text.strip_prefix(account.provider.0).and_then(|rest| rest.strip_prefix('/'))
                    == Some(&account.id)
        })
    }
}

/// JSON Schema of a file, without references.
fn schema_of<T: schemars::JsonSchema>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    settings
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = include_str!("../../fixtures/books/full/llmfin.toml");

    /// Position, code, message and help of everything wrong with `text`.
    fn problems(text: &str) -> Vec<String> {
        let Err(Error::Input(problems)) = Books::parse(text) else { panic!("accepted: {text}") };
        problems
            .iter()
            .map(|problem| {
                let (line, column) = (problem.origin.line, problem.origin.column);
                let help = problem.help.as_deref().unwrap_or("-");
                format!("{line}:{column} {} | {} | {help}", problem.code, problem.message)
            })
            .collect()
    }

    #[test]
    fn every_table_is_read() {
        let books = Books::parse(FULL).unwrap();
        assert_eq!(books.book.timezone.0.name(), "America/New_York");
        assert_eq!(books.invoices[1].total.unwrap().0.plain(), "18342.17");
        assert_eq!(books.invoices[1].date.unwrap().to_string(), "2026-11-01");
        assert_eq!(books.models[0].seller.0, "azure-openai");
        assert_eq!(books.account("openai/org-acme"), books.account("org-acme"));
        assert_eq!(books.account("anthropic/org-acme"), None);
        assert_eq!(books.people["ann"].limits.accept.unwrap().0.plain(), "100.00");
        assert_eq!((books.rules.len(), books.buckets.len(), books.budgets.len()), (2, 3, 1));
        assert!(books.invoices[2].mapping.as_ref().unwrap().contains_key("columns"));
    }

    #[test]
    fn several_mistakes_are_reported_at_once_each_in_its_place() {
        let text = "[book]\nname = \"acme\"\ncurency = \"USD\"\ntimezone = \"Europe/Berln\"\n\n[[invoice]]\n\
                    provider = \"opnai\"\nfiles = [\"a.csv\"]\ntotal = 412.10\n\n[[budget]]\nname = \"b\"\n\
                    from = \"2026-13\"\nmonth = 10\n\n[bugdet]\n";
        assert_eq!(
            problems(text),
            [
                "3:1 unknown-key | unknown key `curency` | did you mean `currency`?",
                "4:12 invalid-value | unknown time zone `Europe/Berln` | did you mean `Europe/Berlin`?",
                "7:12 invalid-value | unknown provider `opnai` | did you mean `openai`?",
                "9:9 binary-float | `412.10` would be read as a binary float | write it in quotes: total = \"412.10\"",
                "13:8 invalid-value | `2026-13` is not a month of the form 2026-10 | -",
                "16:2 unknown-key | unknown key `bugdet` | did you mean `budget`?",
            ]
        );
    }

    #[test]
    fn the_excerpt_marks_the_word() {
        let Err(Error::Input(problems)) = Books::parse("[book]\nname = \"a\"\ncurency = \"USD\"\n") else {
            panic!()
        };
        assert_eq!(problems[0].excerpt.as_deref(), Some("curency = \"USD\""));
        assert_eq!(problems[0].span, Some((0, 7)));
        assert_eq!(problems[0].to_string(), "error: llmfin.toml:3:1: unknown key `curency`");
    }

    #[test]
    fn broken_toml_is_located_and_long_lines_are_cut() {
        let text = format!("[book]\nname = \"{}\" x\n", "é".repeat(400));
        let Err(Error::Input(found)) = Books::parse(&text) else { panic!() };
        assert_eq!((found[0].code, found[0].origin.line), ("invalid-toml", 2));
        let excerpt = found[0].excerpt.as_deref().unwrap();
        assert!(excerpt.chars().count() <= 200);
        assert!(found[0].span.unwrap().1 <= excerpt.chars().count());
        assert_eq!(
            problems("")[0],
            "1:1 no-name | the books have no name | start the file with `[book]` and `name = \"…\"`"
        );
    }

    #[test]
    fn references_must_exist() {
        let text = FULL
            .replace("finance = \"ann\"", "finance = \"anne\"")
            .replace("sources = [\"gateway\"]", "sources = [\"gatway\"]")
            .replace("bucket = \"evaluation\"", "bucket = \"evaluations\"");
        let found = problems(&text).join("\n");
        for part in [
            "unknown-source | no [[source]] is named `gatway` | did you mean `gateway`?",
            "unknown-bucket | no [[bucket]] is named `evaluations` | did you mean `evaluation`?",
            "unknown-person | `anne` is not in [people] | did you mean `ann`?",
        ] {
            assert!(found.contains(part), "{found}");
        }
    }

    #[test]
    fn nothing_is_counted_twice() {
        let book = "[book]\nname = \"a\"\n";
        let cost = "[[invoice]]\nprovider = \"openai\"\nfiles = [\"invoices/{month}/*.csv\"]\n";
        let same = "[[invoice]]\nprovider = \"openai\"\nfiles = [\"invoices/*/cost.csv\"]\n";
        assert!(problems(&format!("{book}{cost}{same}"))[0].contains(
            "overlap | `invoices/{month}/*.csv` and `invoices/*/cost.csv` hold the same cost of openai"
        ));
        assert!(Books::parse(&format!("{book}{cost}{same}kind = \"invoice\"\n")).is_ok());
        assert!(Books::parse(&format!("{book}{cost}{}", same.replace("openai", "anthropic"))).is_ok());
        let source = |name: &str, rest: &str| {
            format!("[[source]]\nname = \"{name}\"\nfiles = [\"{name}/*\"]\n{rest}\n")
        };
        let two = |left: &str, right: &str| format!("{book}{}{}", source("x", left), source("y", right));
        let primary = "account = \"org\"\nrole = \"primary\"";
        assert!(
            problems(&two(primary, primary))[0]
                .contains("sources `x` and `y` are both primary for one account")
        );
        assert!(problems(&two(primary, "account = \"org\""))[0].contains("may have seen the same calls"));
        assert!(Books::parse(&two(primary, "account = \"org\"\nrole = \"witness\"")).is_ok());
        assert!(Books::parse(&two(primary, "account = \"other\"")).is_ok());
    }

    #[test]
    fn files_cannot_leave_the_books() {
        for path in ["/etc/passwd", "../x.csv", "a/../../x"] {
            let text =
                format!("[book]\nname = \"a\"\n[[source]]\nname = \"s\"\nfiles = [\"ok\", \"{path}\"]\n");
            assert!(problems(&text)[0].starts_with("5:16 path-outside"), "{path}");
        }
    }

    #[test]
    fn the_schema_accepts_what_the_reader_accepts() {
        let value: Value = serde_json::to_value(toml::from_str::<toml::Table>(FULL).unwrap()).unwrap();
        let mut value = value;
        // TOML dates are accepted bare; JSON has only text.
        value["invoice"][1]["date"] = "2026-11-01".into();
        let schema = Books::schema();
        jsonschema::validate(&schema, &value).unwrap();
        value["book"]["curency"] = "USD".into();
        assert!(!jsonschema::is_valid(&schema, &value));
    }

    #[test]
    fn damaged_files_are_answered_not_crashed_on() {
        for cut in (0..FULL.len()).step_by(29).filter(|cut| FULL.is_char_boundary(*cut)) {
            for text in [
                FULL[..cut].to_owned(),
                FULL[cut..].to_owned(),
                format!("{}é\u{1b}\t{}", &FULL[..cut], &FULL[cut..]),
            ] {
                if let Err(error) = Books::parse(&text) {
                    let Error::Input(found) = error else { panic!("{error}") };
                    assert!(found.iter().all(|problem| problem.origin.line > 0), "{found:?}");
                }
            }
        }
    }
}
