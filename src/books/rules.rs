//! A file with the rules of books and nothing else, for comparisons without books: `--rules FILE`.

use std::path::Path;

use schemars::JsonSchema;
use serde_json::Value;

use super::file::File;
use super::inputs::{Account, ModelAlias};
use super::traffic::{self, Traffic};
use super::validate;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};

/// The tables of `llmfin.toml` that say what the names and the traffic of a log mean.
#[derive(Debug, Clone, Default, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "rules for reconcile")]
pub struct Rules {
    #[serde(rename = "account", default)]
    pub accounts: Vec<Account>,
    #[serde(rename = "model", default)]
    pub models: Vec<ModelAlias>,
    #[serde(rename = "traffic", default)]
    pub traffic: Vec<Traffic>,
}

impl Rules {
    pub fn load(path: &Path) -> Result<Rules> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Diagnostic::error("no-file", Origin::file(shown.as_str()), "there is no such file")
                    .help("name a TOML file with [[traffic]], [[model]] or [[account]] tables")
                    .into()
            }
            std::io::ErrorKind::InvalidData => {
                Diagnostic::error("not-text", Origin::file(shown.as_str()), "the file is not UTF-8 text")
                    .help("save it as UTF-8")
                    .into()
            }
            _ => Error::io(shown.as_str(), error),
        })?;
        Rules::parse(&shown, &text)
    }

    pub fn parse(name: &str, text: &str) -> Result<Rules> {
        let schema = Rules::schema();
        let mut file = File::parse(name, text, &schema);
        let rules = Rules {
            accounts: file.many("account"),
            models: file.many("model"),
            traffic: file.many("traffic"),
        };
        if file.problems.is_empty() {
            traffic::check(&rules.traffic, &mut file);
            validate::keys(&rules.accounts, &mut file);
        }
        if file.problems.is_empty() { Ok(rules) } else { Err(Error::Input(file.problems)) }
    }

    /// JSON Schema of the file, without references.
    pub fn schema() -> Value {
        super::schema_of::<Rules>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Meter, Tier};

    fn problems(text: &str) -> Vec<String> {
        let Err(Error::Input(problems)) = Rules::parse("rules.toml", text) else {
            panic!("accepted: {text}")
        };
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_rule_says_which_traffic_and_what_holds_for_it() {
        let rules = Rules::parse(
            "rules.toml",
            "[[traffic]]\nname = \"a\"\nseller = \"azure\"\nfrom = 2026-10-12\nuntil = \"2026-10-20\"\n\
             filter = { key = [\"k\"], outcome = [\"failed_with_usage\"], stream = true }\n\
             set = { region = \"geo:us\", tier = \"batch\", ctx = \">272000\", billed = false, \
             meters = { \"cache_write.5m\" = \"cache_write.1h\" } }\n",
        )
        .unwrap();
        let rule = &rules.traffic[0];
        assert_eq!((rule.seller.0, rule.set.tier), ("azure-openai", Some(Tier::Batch)));
        assert_eq!(rule.set.meters[&Meter::CacheWrite5m], Meter::CacheWrite1h);
        assert_eq!(rule.set.ctx.unwrap().0.unwrap().tokens, 272_000);
        assert_eq!((rule.until.unwrap().to_string(), rule.filter.stream), ("2026-10-20".into(), Some(true)));
    }

    #[test]
    fn a_key_is_paid_by_one_account_of_a_seller() {
        let account = |seller: &str, id: &str| {
            format!("{{ provider = \"{seller}\", id = \"{id}\", keys = [\"app\"] }}")
        };
        let of = |accounts: [String; 2]| format!("account = [{}]\n", accounts.join(", "));
        let two = of([account("openai", "a"), account("anthropic", "a")]);
        assert_eq!(Rules::parse("rules.toml", &two).unwrap().accounts.len(), 2);
        assert_eq!(
            problems(&of([account("openai", "a"), account("openai", "b")])),
            ["error: rules.toml:1:104: key `app` is paid by account `a` already"]
        );
    }

    #[test]
    fn what_cannot_be_meant_is_named_in_its_place() {
        let rule = "[[traffic]]\nname = \"a\"\nseller = \"openai\"\nfrom = 2026-10-12\n";
        assert_eq!(
            problems(&format!("{rule}until = 2026-10-01\nset = {{}}\n{rule}set = {{ tier = \"batch\" }}\n")),
            [
                "error: rules.toml:5:9: the rule ends before it begins",
                "error: rules.toml:6:7: the rule sets nothing",
                "error: rules.toml:8:8: a second [[traffic]] is named `a`",
            ]
        );
        assert_eq!(
            problems(&format!("{rule}set = {{ ctx = \"272000\" }}\n[book]\nname = \"b\"\n")),
            [
                "error: rules.toml:6:2: unknown key `book`",
                "error: rules.toml:5:15: `272000` is not a context boundary such as `>272000`",
            ]
        );
    }
}
