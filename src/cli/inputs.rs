//! Files named on the command line: `--usage [FORMAT:]PATH` and `--invoice PROVIDER[/ACCOUNT]=[FORMAT:]PATH`.
//! A folder means every file in it, `-` is standard input.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::books::glob;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::read::source::Source;
use crate::vocabulary::{SELLERS, Seller};

/// Where bytes are said to be, and in which format where it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    pub format: Option<String>,
    /// `None`: standard input.
    pub path: Option<PathBuf>,
}

/// A bill, with whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceInput {
    pub provider: &'static str,
    pub account: Option<String>,
    pub input: Input,
}

impl FromStr for Input {
    type Err = String;
    fn from_str(text: &str) -> std::result::Result<Input, String> {
        // A path may hold a colon; a format id is lower case letters, digits and hyphens, and no such file exists.
        let is_format = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        let (format, path) = match text.split_once(':') {
            Some((format, path)) if is_format(format) && !Path::new(text).exists() => {
                (Some(format.to_owned()), path)
            }
            _ => (None, text),
        };
        match path {
            "" => Err("a path is missing".to_owned()),
            "-" => Ok(Input { format, path: None }),
            path => Ok(Input { format, path: Some(path.into()) }),
        }
    }
}

impl FromStr for InvoiceInput {
    type Err = String;
    fn from_str(text: &str) -> std::result::Result<InvoiceInput, String> {
        let (payee, input) = text
            .split_once('=')
            .ok_or("expected PROVIDER[/ACCOUNT]=[FORMAT:]PATH, such as `openai=cost.csv`")?;
        let (provider, account) = match payee.split_once('/') {
            Some((_, "")) => return Err("the account after `/` is missing".to_owned()),
            Some((provider, account)) => (provider, Some(account.to_owned())),
            None => (payee, None),
        };
        let seller = Seller::find(provider).ok_or_else(|| {
            let known: Vec<&str> = SELLERS.iter().map(|seller| seller.id).collect();
            format!("unknown provider `{provider}`; known are {}", known.join(", "))
        })?;
        Ok(InvoiceInput { provider: seller.id, account, input: input.parse()? })
    }
}

impl Input {
    /// The sources meant, in the order of their paths.
    pub fn sources(&self) -> Result<Vec<Source>> {
        let Some(path) = &self.path else { return Ok(vec![Source::stdin()?]) };
        let name = path.display().to_string();
        if !path.exists() {
            return Err(Diagnostic::error("no-file", Origin::file(name), "there is no such file or folder")
                .help("check the path; a pattern such as `logs/*.jsonl` is expanded by the shell")
                .into());
        }
        if !path.is_dir() {
            return Ok(vec![Source::file(path, name)]);
        }
        let found = glob::find(path, &["**".to_owned()], None)?;
        if found.files.is_empty() {
            let diagnostic =
                Diagnostic::error("empty-folder", Origin::file(name), "the folder holds no file");
            return Err(Error::from(diagnostic.help("name the folder the exports were saved to")));
        }
        let prefix = name.trim_end_matches('/').to_owned();
        Ok(found
            .files
            .into_iter()
            .map(|(name, path)| Source::file(path, format!("{prefix}/{name}")))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(text: &str) -> (Option<String>, Option<String>) {
        let input: Input = text.parse().unwrap();
        (input.format, input.path.map(|path| path.display().to_string()))
    }

    #[test]
    fn the_format_is_what_stands_before_the_first_colon() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(input("logs/a.jsonl"), (None, some("logs/a.jsonl")));
        assert_eq!(input("litellm-payload:logs/a.jsonl"), (some("litellm-payload"), some("logs/a.jsonl")));
        assert_eq!(input("logs/12:30.jsonl"), (None, some("logs/12:30.jsonl")));
        assert_eq!(input("litellm-payload:-"), (some("litellm-payload"), None));
        assert_eq!(input("-"), (None, None));
        assert!("".parse::<Input>().is_err() && "litellm:".parse::<Input>().is_err());
    }

    #[test]
    fn an_invoice_names_its_provider() {
        let invoice: InvoiceInput = "azure/sub-1=openai-cost-csv:a=b.csv".parse().unwrap();
        assert_eq!((invoice.provider, invoice.account.as_deref()), ("azure-openai", Some("sub-1")));
        assert_eq!(invoice.input.path, Some("a=b.csv".into()));
        assert_eq!("openai=cost.csv".parse::<InvoiceInput>().unwrap().account, None);
        for bad in ["cost.csv", "opnai=cost.csv", "openai/=cost.csv", "openai="] {
            assert!(bad.parse::<InvoiceInput>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_folder_is_every_file_in_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let empty = Input { format: None, path: Some(folder.path().join("sub")) };
        assert!(empty.sources().is_err());
        for name in ["b.csv", "sub/a.csv", ".hidden"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let input = Input { format: None, path: Some(folder.path().into()) };
        let names: Vec<String> =
            input.sources().unwrap().iter().map(|source| source.name.to_string()).collect();
        assert_eq!(names.len(), 2);
        assert!(names[0].ends_with("/b.csv") && names[1].ends_with("/sub/a.csv"));
        assert!(Input { format: None, path: Some("no/such".into()) }.sources().is_err());
    }
}
