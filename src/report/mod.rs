//! What does a reader need to see? A report is a pure function from the document to sheets, and one line in [`REPORTS`].

pub mod advice;
pub mod causes;
pub mod contract;
pub mod exceptions;
pub mod finding;
pub mod lead_schedule;
pub mod limits;
pub mod lines;
pub mod price_memos;
pub mod sheet;
pub mod slice;
pub mod story;
pub mod tie_out;
pub mod todo;
pub mod unexplained;
pub mod variance;
pub mod waterfall;

use crate::close::document::Reconciliation;
use sheet::Sheet;

/// A schedule of the close pack.
pub struct Report {
    /// File stem in the pack: `01-lead-schedule`.
    pub name: &'static str,
    pub about: &'static str,
    pub build: fn(&Reconciliation) -> Sheet,
}

/// The schedules of the pack, in the order a reviewer reads them.
pub static REPORTS: &[Report] = &[
    Report {
        name: "01-lead-schedule",
        about: "provider and account: logged, priced, billed, explained, unexplained",
        build: lead_schedule::build,
    },
    Report {
        name: "02-tie-out",
        about: "every document against its own total and against the cost export",
        build: tie_out::build,
    },
    Report {
        name: "03-contract",
        about: "list, contracted and billed by account and model, with the effect of each contract term",
        build: contract::build,
    },
    Report { name: "03-variance", about: "every cell and charge with its findings", build: variance::build },
    Report {
        name: "03-variance-waterfall",
        about: "logged to priced to billed, step by step",
        build: waterfall::build,
    },
    Report {
        name: "03-limits",
        about: "what could not be tested with the files given, and which export would settle it",
        build: limits::build,
    },
    Report {
        name: "08-price-memos",
        about: "what is known since about the prices of earlier closes, with the dollars it would move",
        build: price_memos::build,
    },
    Report {
        name: "13-exceptions",
        about: "rejects, unpriced usage, unexplained amounts, warnings",
        build: exceptions::build,
    },
];
