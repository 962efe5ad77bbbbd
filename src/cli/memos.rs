//! Earlier closes of the books, and what is known since about the prices they used.

use std::path::Path;

use serde::Deserialize;

use super::closes;
use super::gather;
use super::global::Global;
use super::stored::Store;
use super::ui::Ui;
use crate::books::Books;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::period::{Day, Month};
use crate::pricebook::{Pricebook, files};
use crate::review::memo::{self, Memo};

/// The part of a pack's `reconciliation.json` that says which prices it used.
#[derive(Debug, Deserialize)]
struct Used {
    pricebook: Prices,
}

/// The price book of a close.
#[derive(Debug, Clone, Deserialize)]
pub struct Prices {
    pub sha256: String,
    pub known_at: Option<Day>,
}

/// Of the manifest of a pack: whether it may still be replaced.
#[derive(Debug, Deserialize)]
struct Manifest {
    state: String,
}

/// The books' newest close of a month, where there is one: which prices it used, and whether it is only a draft.
pub fn close_of(books: &Path, month: Month) -> Result<Option<(Prices, bool)>> {
    let used: Option<Used> = closes::read(books, month, "reconciliation.json")?;
    let manifest: Option<Manifest> = closes::read(books, month, "manifest.json")?;
    let draft = manifest.is_none_or(|manifest| manifest.state == "draft");
    Ok(used.map(|used| (used.pricebook, draft)))
}

/// What is known since about the prices of earlier closes, as memos; and closes that the book cannot reproduce any more.
pub fn earlier(
    global: &Global,
    books: &Books,
    now: &Pricebook,
    month: Month,
    ui: &Ui,
) -> Result<(Vec<Memo>, Vec<Diagnostic>)> {
    let (mut memos, mut said) = (Vec::new(), Vec::new());
    for past in closes::months(&books.dir).into_iter().filter(|past| *past < month) {
        let used = match close_of(&books.dir, past) {
            Ok(used) => used,
            Err(error) => {
                said.extend(closes::without(error)?);
                continue;
            }
        };
        let Some((used, _)) = used else { continue };
        let Some(known_at) = used.known_at else {
            said.push(undated(past));
            continue;
        };
        if known_at > now.known_at() {
            continue;
        }
        // The same files as `now`, of which is already said what is wrong with them.
        let own = gather::overlay(global, Some(books)).as_deref().map(files::folder).transpose()?;
        let agreed = gather::contracts(global, Some(books))?;
        let then = Pricebook::read(own.unwrap_or_default(), agreed, Some(known_at)).book;
        if then.sha256() != used.sha256 {
            said.push(edited(past, known_at));
        }
        let changes = memo::changes(&then, now, past);
        if changes.is_empty() {
            continue;
        }
        let store = Store::of_books(books, Some(past))?;
        let after = store.read(now, ui)?;
        let other = if then.bands() == now.bands() { None } else { Some(store.read(&then, ui)?) };
        let before = store.volume(other.as_ref().unwrap_or(&after));
        memos.extend(memo::memos(past, &changes, (&then, &before), (now, &store.volume(&after)))?);
    }
    Ok((memos, said))
}

fn edited(month: Month, known_at: Day) -> Diagnostic {
    let message = format!(
        "the price book is not the one that {month} was closed with, even as known at {known_at}: \
         rows of then or rules were edited"
    );
    Diagnostic::note("book-edited", Origin::file(format!("closes/{month}")), message)
        .help(format!("`llmfin reconcile --month {month} --known-at {known_at}` shows what it gives now"))
}

fn undated(month: Month) -> Diagnostic {
    let message = format!(
        "the close of {month} does not say up to which day it knew prices: what is known since is not told"
    );
    Diagnostic::note("book-undated", Origin::file(format!("closes/{month}")), message)
        .help(format!("`llmfin close --month {month}` writes a pack that says it"))
}
