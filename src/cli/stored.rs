//! Usage that is stored, for the prices of any month: logs of the books, or files that are named, without any bill.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::gather;
use super::global::Global;
use super::inputs::Input;
use super::remarks;
use super::rules;
use super::ui::Ui;
use crate::books::{Books, glob};
use crate::collect::{LogInput, Usage};
use crate::error::Result;
use crate::period::Month;
use crate::pricebook::Pricebook;
use crate::rate::{Accounts, ModelMapping, TrafficRule};
use crate::read::TagSources;
use crate::review::volume::Volume;

/// Where stored usage is, and what the books say about it. Reading it takes a book, whose context boundaries cut it.
pub struct Store {
    logs: Vec<LogInput>,
    tags: TagSources,
    cache: Option<PathBuf>,
    accounts: Accounts,
    mappings: Vec<ModelMapping>,
    traffic: Vec<TrafficRule>,
}

impl Store {
    /// The files named, or without any the logs of the books: those of one month, or all of them.
    pub fn open(global: &Global, named: &[Input], month: Option<Month>) -> Result<Store> {
        if named.is_empty() {
            return Store::of_books(&Books::load(&global.dir)?, month);
        }
        Ok(Store {
            logs: gather::log_inputs(named)?,
            tags: TagSources::default(),
            cache: None,
            accounts: Accounts { known: Vec::new(), keys: BTreeMap::new() },
            mappings: Vec::new(),
            traffic: Vec::new(),
        })
    }

    pub fn of_books(books: &Books, month: Option<Month>) -> Result<Store> {
        let mut logs = Vec::new();
        for source in &books.sources {
            let found = match month {
                Some(month) => books.files(&source.files, month)?,
                None => {
                    let any = source.files.iter().map(|pattern| pattern.replace("{month}", "????-??"));
                    glob::find(&books.dir, &any.collect::<Vec<_>>(), None)?
                }
            };
            logs.extend(gather::declared_logs(books, source, found.files));
        }
        Ok(Store {
            logs,
            tags: gather::tags(&books.tags),
            cache: gather::cache(books, &mut Vec::new()),
            accounts: Accounts {
                known: books.accounts.iter().map(rules::account).collect(),
                keys: rules::keys(&books.accounts),
            },
            mappings: rules::mappings(&books.models),
            traffic: rules::traffic(&books.traffic),
        })
    }

    /// Reads the usage as one book cuts it.
    pub fn read(&self, book: &Pricebook, ui: &Ui) -> Result<Usage> {
        let usage = gather::usage(&self.logs, &self.tags, book, self.cache.clone(), ui)?;
        ui.diagnostics(&remarks::rows(&usage));
        Ok(usage)
    }

    pub fn volume<'s>(&'s self, usage: &'s Usage) -> Volume<'s> {
        let (mappings, traffic) = (&self.mappings, &self.traffic);
        Volume { sources: &usage.sources, accounts: &self.accounts, mappings, traffic }
    }
}
