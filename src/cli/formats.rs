//! `llmfin formats`: what can be read, from the two registries.

use anyhow::Context;

use super::global::Global;
use super::{pages, ui::Ui};
use crate::diagnostic::{Diagnostic, Origin, nearest};
use crate::error::{EXIT_CLEAN, Error};
use crate::read::{DOCUMENT_FORMATS, USAGE_FORMATS};
use crate::report::sheet::{Cell, Column, Kind, Sheet};

/// List the formats that can be read, or show the page of one or of a family
///
/// Formats are recognised by content, never by name. Where two could be meant, name one: `--usage FORMAT:PATH`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin formats
  llmfin formats -O json
  llmfin formats litellm-payload
  llmfin formats normalised    # the usage table that any warehouse can write
  llmfin formats mapped        # bills whose columns you name")]
pub struct Args {
    /// Format or family whose page to show
    pub name: Option<String>,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    match &args.name {
        None => global.write(ui, &[sheet()])?,
        Some(name) => ui.page(global.output(), page(name)?)?,
    }
    Ok(EXIT_CLEAN)
}

fn sheet() -> Sheet {
    let columns = vec![
        Column::new("format", "Format", Kind::Text),
        Column::new("of", "Of", Kind::Text),
        Column::new("kind", "Kind", Kind::Text),
        Column::new("about", "About", Kind::Text),
    ];
    let mut sheet = Sheet::new("formats", "", columns);
    let row = |id: &str, family: &str, kind: &str, about: &str| -> Vec<Cell> {
        [id, family, kind, about].map(Cell::from).into()
    };
    let logs = USAGE_FORMATS.iter().map(|format| row(format.id, format.family, "log", format.about));
    let documents =
        DOCUMENT_FORMATS.iter().map(|format| row(format.id, format.family, format.kind.id(), format.about));
    sheet.rows = logs.chain(documents).collect();
    sheet
}

fn page(name: &str) -> anyhow::Result<&'static str> {
    if let Some(page) = pages::family(name) {
        return Ok(page);
    }
    let usage = USAGE_FORMATS.iter().map(|format| format.id);
    let ids: Vec<&str> = usage.chain(DOCUMENT_FORMATS.iter().map(|format| format.id)).collect();
    if !ids.contains(&name) {
        let help = match nearest(name, ids.iter().copied().chain(pages::families())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`llmfin formats` lists them".to_owned(),
        };
        let origin = Origin::file("formats");
        return Err(Error::from(
            Diagnostic::error("unknown-format", origin, format!("no format is named `{name}`")).help(help),
        )
        .into());
    }
    pages::format(name).with_context(|| format!("format `{name}` has no page"))
}
