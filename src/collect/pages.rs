//! Pages of an answer that are in none of the files: what they hold was used, and the log does not have it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Origin};

/// Missing pages that are named.
const NAMED: usize = 5;

/// Sources with their files that are one page of so many.
pub(super) fn missing(pages: &[(Arc<str>, Origin, (u64, u64))]) -> Vec<Diagnostic> {
    let mut answers: BTreeMap<(&Arc<str>, u64), (&Origin, BTreeSet<u64>)> = BTreeMap::new();
    for (source, origin, (page, all)) in pages {
        answers.entry((source, *all)).or_insert((origin, BTreeSet::new())).1.insert(*page);
    }
    let mut told = Vec::new();
    for ((_, all), (origin, there)) in answers {
        let lacking: Vec<u64> = (1..=all).filter(|page| !there.contains(page)).take(NAMED + 1).collect();
        if lacking.is_empty() {
            continue;
        }
        let mut names: Vec<String> = lacking.iter().take(NAMED).map(ToString::to_string).collect();
        names.extend((lacking.len() > NAMED).then(|| "others".to_owned()));
        let (names, is, word) = match lacking.len() {
            1 => (names.join(", "), "is", "page"),
            _ => (names.join(", "), "are", "pages"),
        };
        let message = format!("one of {all} pages, of which {word} {names} {is} not given");
        told.push(Diagnostic::warning("more-pages", origin.clone(), message).help(format!(
            "save {word} {names} of the same days (`page={}`) and give all pages",
            lacking[0]
        )));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pages: &[(&str, u64, u64)]) -> Vec<String> {
        let page = |(file, page, all): &(&str, u64, u64)| ("log".into(), Origin::file(*file), (*page, *all));
        missing(&pages.iter().map(page).collect::<Vec<_>>()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_page_is_missing_where_no_file_is_it() {
        assert!(told(&[("a", 1, 1), ("b", 2, 2), ("c", 1, 2)]).is_empty());
        assert_eq!(told(&[("a", 1, 2)]), ["warning: a: one of 2 pages, of which page 2 is not given"]);
        assert_eq!(
            told(&[("a", 3, 900_000_000_000)]),
            ["warning: a: one of 900000000000 pages, of which pages 1, 2, 4, 5, 6, others are not given"]
        );
    }
}
