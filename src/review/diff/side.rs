//! One of the two books that are compared, as the command line names it.
//!
//! ```text
//! pricebooks                  a folder
//! shipped                     the book inside the program
//! origin/main                 the other side's folder at a git revision
//! v1.2:pricebooks             a folder at a git revision
//! pricebooks@2026-11-03       any of them as known on a day; `@2026-11-03` alone is the other side's
//! ```

use std::path::{Path, PathBuf};

use super::rules::Rules;
use crate::diagnostic::{Diagnostic, Level, Origin};
use crate::error::{Error, Result};
use crate::period::Day;
use crate::pricebook::files::{self, BookFile};
use crate::pricebook::{Pricebook, Reading, layers};

/// A book to compare, with its rules and what was wrong with its files.
pub struct Side {
    pub label: String,
    pub book: Pricebook,
    pub rules: Rules,
    pub problems: Vec<Diagnostic>,
}

/// What an operand names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    place: Place,
    known_at: Option<Day>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// Only a day was given.
    Other,
    Shipped,
    Folder(PathBuf),
    /// A revision, and the folder where one was named.
    Revision(String, Option<PathBuf>),
}

fn named(text: &str) -> Named {
    let day = text.rsplit_once('@').and_then(|(place, day)| Some((place, day.parse::<Day>().ok()?)));
    let (place, known_at) = day.map_or((text, None), |(place, day)| (place, Some(day)));
    let place = match place {
        "" => Place::Other,
        "shipped" => Place::Shipped,
        place if Path::new(place).is_dir() => Place::Folder(place.into()),
        place => match place.split_once(':') {
            Some((revision, folder)) => Place::Revision(revision.to_owned(), Some(folder.into())),
            None => Place::Revision(place.to_owned(), None),
        },
    };
    Named { place, known_at }
}

/// Reads both sides. `own` is the folder of prices in use, for sides that name none; `contracts` apply to both, and
/// `known_at` where a side names no day of its own.
pub fn both(
    texts: [&str; 2],
    own: Option<&Path>,
    contracts: &[BookFile],
    known_at: Option<Day>,
) -> Result<[Side; 2]> {
    let named = texts.map(named);
    let mut read_files = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        read_files.push(read(text, &named[index].place, &named[1 - index].place, own)?);
    }
    let mut sides = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let mut files = read_files[index].clone();
        if files.is_empty() {
            files = files::nothing_of(&read_files[1 - index]);
        }
        let Reading { book, problems } =
            Pricebook::read(files.clone(), contracts.to_vec(), named[index].known_at.or(known_at));
        sides.push(Side { label: (*text).to_owned(), book, rules: Rules::of(&layers(files)), problems });
    }
    let errors: Vec<Diagnostic> =
        sides[1].problems.iter().filter(|problem| problem.level == Level::Error).cloned().collect();
    let sides: Option<[Side; 2]> = sides.try_into().ok();
    match sides {
        Some(sides) if errors.is_empty() => Ok(sides),
        _ => Err(Error::Input(errors)),
    }
}

fn read(text: &str, place: &Place, other: &Place, own: Option<&Path>) -> Result<Vec<BookFile>> {
    let folder_of = |place: &Place| match place {
        Place::Folder(folder) | Place::Revision(_, Some(folder)) => Some(folder.clone()),
        _ => own.map(Path::to_owned),
    };
    match place {
        Place::Shipped => Ok(files::shipped()),
        Place::Folder(folder) => files::folder(folder),
        Place::Revision(revision, Some(folder)) => at_revision(text, folder, revision),
        Place::Revision(revision, None) => match folder_of(other) {
            Some(folder) => at_revision(text, &folder, revision),
            None => Err(Diagnostic::error(
                "pricebook-operand",
                Origin::file(text),
                "is neither a folder nor `shipped`, and nothing says which folder's revision it is",
            )
            .help(format!("name the folder: `{text}:pricebooks`"))
            .into()),
        },
        Place::Other => match other {
            Place::Other => own.map_or_else(|| Ok(files::shipped()), files::folder),
            place => read(text, place, &Place::Other, own),
        },
    }
}

fn at_revision(text: &str, folder: &Path, revision: &str) -> Result<Vec<BookFile>> {
    files::at_revision(folder, revision).map_err(|error| match error {
        Error::Input(problems) => {
            let why = problems.first().map_or("", |problem| &problem.message);
            let why = why.rsplit_once("read: ").map_or(why, |(_, said)| said);
            let message = format!("is neither a folder nor a revision of {}: {why}", folder.display());
            Diagnostic::error("pricebook-operand", Origin::file(text), message)
                .help("name a folder, `shipped`, or a commit, tag or branch: `origin/main`")
                .into()
        }
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_say_what_they_name() {
        let day = |text: &str| Some(text.parse().unwrap());
        let revision =
            |name: &str, folder: Option<&str>| Place::Revision(name.into(), folder.map(Into::into));
        for (text, place, known_at) in [
            ("src", Place::Folder("src".into()), None),
            ("src@2026-11-03", Place::Folder("src".into()), day("2026-11-03")),
            ("shipped", Place::Shipped, None),
            ("shipped@2026-11-03", Place::Shipped, day("2026-11-03")),
            ("@2026-11-03", Place::Other, day("2026-11-03")),
            ("origin/main", revision("origin/main", None), None),
            ("v1:pricebooks", revision("v1", Some("pricebooks")), None),
            ("v1:pricebooks@2026-11-03", revision("v1", Some("pricebooks")), day("2026-11-03")),
            ("HEAD@{1}", revision("HEAD@{1}", None), None),
        ] {
            assert_eq!(named(text), Named { place, known_at }, "{text}");
        }
    }
}
