//! `llmfin schema`: the JSON Schemas of what is read and written.

use serde_json::Value;

use super::{global::Global, ui::Ui};
use crate::books::Books;
use crate::books::rules::Rules;
use crate::close::document::Reconciliation;
use crate::diagnostic::{Diagnostic, Origin, nearest};
use crate::error::{EXIT_CLEAN, Error};
use crate::report::sheet::{Column, Kind, Sheet};
use crate::review::check::document::CheckDocument;

/// A schema that can be printed.
pub struct Schema {
    pub name: &'static str,
    pub about: &'static str,
    pub build: fn() -> Value,
}

pub static SCHEMAS: &[Schema] = &[
    Schema { name: "books", about: "llmfin.toml, for editors and checks", build: Books::schema },
    Schema {
        name: "pricebook-check",
        about: "the document of pricebook check -O json",
        build: || schemars::schema_for!(CheckDocument).to_value(),
    },
    Schema {
        name: "reconciliation",
        about: "the document of reconcile -O json and of the pack",
        build: || schemars::schema_for!(Reconciliation).to_value(),
    },
    Schema { name: "rules", about: "the file of reconcile --rules", build: Rules::schema },
];

/// Print a JSON Schema, or list those there are
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin schema
  llmfin schema books > llmfin.schema.json")]
pub struct Args {
    /// Schema to print
    pub name: Option<String>,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    let Some(name) = &args.name else {
        global.write(ui, &[sheet()])?;
        return Ok(EXIT_CLEAN);
    };
    let names = SCHEMAS.iter().map(|schema| schema.name);
    let schema = SCHEMAS.iter().find(|schema| schema.name == name).ok_or_else(|| {
        let help = match nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`llmfin schema` lists them".to_owned(),
        };
        let message = format!("no schema is named `{name}`");
        Error::from(Diagnostic::error("unknown-schema", Origin::file("schema"), message).help(help))
    })?;
    let mut text = serde_json::to_string_pretty(&(schema.build)())?;
    text.push('\n');
    ui.output(global.output(), &text)?;
    Ok(EXIT_CLEAN)
}

fn sheet() -> Sheet {
    let columns =
        vec![Column::new("schema", "Schema", Kind::Text), Column::new("about", "About", Kind::Text)];
    let mut sheet = Sheet::new("schemas", "", columns);
    sheet.rows = SCHEMAS.iter().map(|schema| vec![schema.name.into(), schema.about.into()]).collect();
    sheet
}
