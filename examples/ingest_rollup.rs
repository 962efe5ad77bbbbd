//! Reads log files into both cubes and prints one line: what `benches/ingest.py` measures.

use std::io::Write;
use std::sync::Arc;

use llmfin::read::UsageOptions;
use llmfin::read::source::Source;
use llmfin::usage::collect::{LogInput, collect};
use llmfin::vocabulary::Outcome;

fn main() {
    let inputs: Vec<LogInput> = std::env::args()
        .skip(1)
        .map(|path| LogInput {
            source: Source::file(&path, path.as_str()),
            format: None,
            source_name: Arc::from("bench"),
            account: None,
            primary: true,
        })
        .collect();
    let usage = match collect(&inputs, &UsageOptions::default(), None, &()) {
        Ok(usage) => usage,
        Err(error) => {
            // Without a terminal there is no one to tell.
            let _ = writeln!(std::io::stderr(), "{error}");
            std::process::exit(2);
        }
    };
    let cells = || usage.sources.iter().flat_map(|source| &source.cubes.rating);
    let tokens: u64 = cells()
        .filter(|(key, _)| key.outcome == Outcome::Success)
        .map(|(_, sums)| sums.meters.tokens())
        .sum();
    let rows: u64 = usage.inputs.iter().map(|input| input.rows).sum();
    let logged: llmfin::money::Money = cells().map(|(_, sums)| sums.logged).sum();
    let _ =
        writeln!(std::io::stdout(), "rows {rows} cells {} tokens {tokens} logged {logged}", cells().count());
    // Freeing the cubes is no part of reading.
    std::process::exit(0);
}
