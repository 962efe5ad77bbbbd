//! From books or named files to everything a close works on. The only place that joins readers with the close.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::global::{Global, Span};
use super::inputs::{Input, InvoiceInput};
use super::patch_dir::PatchDir;
use super::ui::Ui;
use super::{documents, gate, memos, remarks, rules};
use crate::books::inputs::{Role, UsageSource};
use crate::books::rules::Rules;
use crate::books::{Books, allocation};
use crate::close::inputs::{AccountDocument, CloseInputs, LogFile, SourceCubes};
use crate::collect::{self, LogInput, Usage};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::invoice::DocumentKind;
use crate::parallel;
use crate::period::{Day, Month, Period};
use crate::pricebook::files::{self, BookFile};
use crate::pricebook::{Pricebook, Reading};
use crate::read::source::Source;
use crate::read::{TagSources, UsageOptions};
use crate::review::memo::Memo;
use crate::usage::cube::Cubes;
use crate::vocabulary::Outcome;

/// Everything read, before it is put together.
pub struct Gathered {
    pub span: Span,
    pub book: Pricebook,
    usage: Usage,
    documents: Vec<AccountDocument>,
    later: Vec<AccountDocument>,
    books: Option<Books>,
    /// Rules beside those of the books.
    pub rules: Option<Rules>,
    /// What fixes are made from, and where they are written, if they are.
    pub patches: Option<PatchDir>,
    /// The finding that is asked for, if it is one.
    pub asked: Option<String>,
    /// What is known since about the prices of earlier closes.
    memos: Vec<Memo>,
    diagnostics: Vec<Diagnostic>,
}

/// Reads the books' month.
pub fn books(global: &Global, ui: &Ui) -> Result<Gathered> {
    let books = Books::load(&global.dir)?;
    let span = global.span()?;
    let (book, accepted) = gate::pricebook(global, Some(&books), span.period().last)?;
    let mut diagnostics = Vec::from_iter(accepted);
    let mut logs = Vec::new();
    for source in &books.sources {
        let found = files(&books, &source.files, span, &source.name, &mut diagnostics)?;
        logs.extend(declared_logs(&books, source, found));
    }
    let (mut documents, mut problems) = (Vec::new(), Problems::default());
    let mut bills = Vec::new();
    for invoice in &books.invoices {
        let found = files(&books, &invoice.files, span, invoice.provider.0, &mut diagnostics)?;
        bills.extend(found.into_iter().map(|(name, path)| (invoice, Source::file(path, name))));
    }
    for document in
        parallel::map(&bills, |(invoice, source)| documents::declared_document(&books, invoice, source))
    {
        documents.extend(problems.keep(document)?);
    }
    describe(&documents, ui);
    problems.keep(documents::one_authority(&documents))?;
    let later = problems.keep(later(&books, span.period(), &documents))?.unwrap_or_default();
    describe(&later, ui);
    let cache = cache(&books, &mut diagnostics);
    let usage = problems.keep(usage(&logs, &tags(&books.tags), &book, cache, ui))?;
    let usage = problems.none_or(usage)?;
    let month = span.period().first.month();
    let (memos, said) = memos::earlier(global, &books, &book, month, ui)?;
    diagnostics.extend(said);
    Ok(Gathered {
        span,
        book,
        usage,
        documents,
        later,
        books: Some(books),
        rules: None,
        patches: None,
        asked: None,
        memos,
        diagnostics,
    })
}

/// Reads only the files that are named.
pub fn named(
    global: &Global,
    usage_inputs: &[Input],
    invoices: &[InvoiceInput],
    ui: &Ui,
) -> Result<Gathered> {
    let span = global.span()?;
    let (book, accepted) = gate::pricebook(global, None, span.period().last)?;
    let (mut documents, mut problems) = (Vec::new(), Problems::default());
    let given = usage_inputs.iter().chain(invoices.iter().map(|invoice| &invoice.input));
    if given.filter(|input| input.path.is_none()).count() > 1 {
        let message = "standard input can be only one of the files";
        let diagnostic = Diagnostic::error("stdin-twice", Origin::file("-"), message);
        return Err(diagnostic.help("save one of them to a file and name that").into());
    }
    let logs = problems.keep(log_inputs(usage_inputs))?.unwrap_or_default();
    for invoice in invoices {
        for source in problems.keep(invoice.input.sources())?.unwrap_or_default() {
            documents.extend(problems.keep(documents::named_document(invoice, &source))?);
        }
    }
    describe(&documents, ui);
    problems.keep(documents::one_authority(&documents))?;
    let usage = problems.keep(usage(&logs, &TagSources::default(), &book, None, ui))?;
    let usage = problems.none_or(usage)?;
    Ok(Gathered {
        span,
        book,
        usage,
        documents,
        later: Vec::new(),
        books: None,
        rules: None,
        patches: None,
        asked: None,
        memos: Vec::new(),
        diagnostics: Vec::from_iter(accepted),
    })
}

/// Cost exports of the month after the period that have lines dated in it.
fn later(books: &Books, period: Period, documents: &[AccountDocument]) -> Result<Vec<AccountDocument>> {
    let mut later = Vec::new();
    let read: BTreeSet<&str> = documents.iter().map(|document| &*document.path).collect();
    for invoice in &books.invoices {
        for (name, path) in books.files(&invoice.files, period.last.month().next())?.files {
            if read.contains(&*name) {
                continue;
            }
            let document = documents::declared_document(books, invoice, &Source::file(path, name))?;
            let lines = &document.document.lines;
            if document.kind == DocumentKind::Cost
                && lines.iter().any(|line| period.contains(line.period.last))
            {
                later.push(document);
            }
        }
    }
    Ok(later)
}

/// How each document was read, for those who ask.
fn describe(documents: &[AccountDocument], ui: &Ui) {
    for document in documents {
        let (read, kind) = (&document.document, document.kind.id());
        ui.detail(&format!(
            "{}: {} rows as {}, {kind} of {}",
            document.path, read.rows, read.format, document.account.provider
        ));
    }
}

/// What is wrong with all files together: each of them is looked at before a run ends.
#[derive(Default)]
struct Problems(Vec<Diagnostic>);

impl Problems {
    fn keep<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Error::Input(mut problems)) => {
                self.0.append(&mut problems);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn none_or<T>(self, value: Option<T>) -> Result<T> {
        value.filter(|_| self.0.is_empty()).ok_or(Error::Input(self.0))
    }
}

/// The files of a source with what the books say about them.
pub(super) fn declared_logs(
    books: &Books,
    source: &UsageSource,
    found: Vec<(String, PathBuf)>,
) -> Vec<LogInput> {
    let account = source.account.as_deref().or_else(|| {
        // An account that lists the source pays for it, if it is the only one.
        let mut paying = books.accounts.iter().filter(|account| account.sources.contains(&source.name));
        paying.next().filter(|_| paying.next().is_none()).map(|account| account.id.as_str())
    });
    let log = |(name, path)| LogInput {
        source: Source::file(path, name),
        format: source.format.clone(),
        source_name: source.name.as_str().into(),
        account: account.map(|account| account.rsplit('/').next().unwrap_or(account).into()),
        primary: source.role != Some(Role::Witness),
    };
    found.into_iter().map(log).collect()
}

/// Log files named on the command line.
pub fn log_inputs(inputs: &[Input]) -> Result<Vec<LogInput>> {
    let mut logs = Vec::new();
    for input in inputs {
        for source in input.sources()? {
            logs.push(LogInput {
                source,
                format: input.format.clone(),
                source_name: "usage".into(),
                account: None,
                primary: true,
            });
        }
    }
    Ok(logs)
}

/// The folder of prices that flags and books ask for.
pub fn overlay(global: &Global, books: Option<&Books>) -> Option<PathBuf> {
    let declared = || books.and_then(|books| Some(books.dir.join(books.book.pricebook.as_ref()?)));
    global.pricebook.clone().or_else(declared)
}

/// The files of negotiated terms that flags and books ask for.
pub fn contracts(global: &Global, books: Option<&Books>) -> Result<Vec<BookFile>> {
    let mut contracts = Vec::new();
    for path in &global.contract {
        contracts.extend(files::contracts(path)?);
    }
    if let Some(books) = books.filter(|books| !books.book.contracts.is_empty()) {
        for (inside, path) in crate::books::glob::find(&books.dir, &books.book.contracts, None)?.files {
            // A pack names the term by its place in the books, wherever those lie.
            let files = files::contracts(&path)?.into_iter();
            contracts.extend(files.map(|file| BookFile { shown: inside.clone(), ..file }));
        }
    }
    Ok(contracts)
}

/// The price book that flags and books ask for.
pub fn pricebook(global: &Global, books: Option<&Books>) -> Result<Pricebook> {
    let own = overlay(global, books).as_deref().map(files::folder).transpose()?.unwrap_or_default();
    let Reading { book, problems } = Pricebook::read(own, contracts(global, books)?, global.known_at);
    if problems.is_empty() { Ok(book) } else { Err(Error::Input(problems)) }
}

/// The books, where their folder holds any: questions about prices have answers without books too.
pub fn books_if_any(global: &Global) -> Result<Option<Books>> {
    global.dir.join(crate::books::FILE).is_file().then(|| Books::load(&global.dir)).transpose()
}

/// Reads logs into cubes with a progress bar.
pub fn usage(
    logs: &[LogInput],
    tags: &TagSources,
    book: &Pricebook,
    cache: Option<PathBuf>,
    ui: &Ui,
) -> Result<Usage> {
    let total = logs.iter().filter_map(|log| log.source.bytes().ok()).sum();
    let progress = ui.progress(total);
    let options = UsageOptions { bands: book.bands(), tags: tags.clone(), ..UsageOptions::default() };
    let counted = options.progress.clone();
    let usage =
        progress.while_counting(&counted, || collect::collect(logs, &options, cache.as_deref(), &progress));
    progress.done();
    let usage = usage?;
    for file in &usage.inputs {
        let from = if file.cached { ", from the cache" } else { "" };
        ui.detail(&format!("{}: {} rows as {}{from}", file.source.name, file.rows, file.format));
    }
    Ok(usage)
}

/// The folder of the cache; books that cannot be written to are read without one.
pub(super) fn cache(books: &Books, diagnostics: &mut Vec<Diagnostic>) -> Option<PathBuf> {
    let folder = books.dir.join(".llmfin").join("cubes");
    match std::fs::create_dir_all(&folder).and_then(|()| tempfile::tempfile_in(&folder)) {
        Ok(_) => Some(folder),
        Err(error) => {
            let message =
                format!("nothing is cached, because the folder cannot be written: {}", error.kind());
            let note = Diagnostic::note("no-cache", Origin::file(".llmfin"), message);
            diagnostics.push(note.help("make the folder writable to close again in less time"));
            None
        }
    }
}

fn files(
    books: &Books,
    patterns: &[String],
    span: Span,
    what: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Vec<(String, PathBuf)>> {
    let mut all = BTreeMap::new();
    let months = months(span.period());
    for month in &months {
        let found = books.files(patterns, *month)?;
        all.extend(found.files);
        for name in found.ignored {
            diagnostics.push(Diagnostic::note(
                "ignored-file",
                Origin::file(name),
                "hidden, a backup or a link out of the books: not read",
            ));
        }
    }
    if all.is_empty() {
        let months: Vec<String> = months.iter().map(ToString::to_string).collect();
        diagnostics.push(
            Diagnostic::warning(
                "no-files",
                Origin::file(crate::books::FILE),
                format!("{what}: no file matches {} in {}", patterns.join(", "), months.join(", ")),
            )
            .help(
                "save the export there, or correct `files`; until then this side of the comparison is empty",
            ),
        );
    }
    Ok(all.into_iter().collect())
}

fn months(period: Period) -> Vec<Month> {
    let mut months = vec![period.first.month()];
    while let Some(last) = months.last().copied().filter(|month| *month < period.last.month()) {
        months.push(last.next());
    }
    months
}

pub(super) fn tags(tags: &allocation::Tags) -> TagSources {
    TagSources {
        team: tags.team.clone(),
        feature: tags.feature.clone(),
        environment: tags.environment.clone(),
        customer: tags.customer.clone(),
        deploy: tags.deploy.clone(),
    }
}

impl Gathered {
    /// The books, where there are books.
    pub fn books(&self) -> Option<&Books> {
        self.books.as_ref()
    }

    /// The logs as read.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// What the cache remembers of earlier runs is said, not recorded: the same inputs give the same document.
    pub fn late(&self) -> Vec<Diagnostic> {
        self.usage.diagnostics.iter().filter(|diagnostic| is_late(diagnostic)).cloned().collect()
    }

    /// Everything put together for the close.
    pub fn inputs(&mut self) -> Result<CloseInputs<'_>> {
        let usage = std::mem::take(&mut self.usage);
        let books = self.books.as_ref();
        let period = self.span.period();
        let remarks = remarks::logs(&usage, period);
        let mut inputs = CloseInputs {
            label: match self.span {
                Span::Month(month) => month.to_string(),
                Span::Provisional(period) => format!("{}..{}", period.first, period.last),
            },
            provisional: matches!(self.span, Span::Provisional(_)),
            period,
            currency: books.map_or_else(
                || documents::CURRENCY.to_owned(),
                |books| books.book.currency.code().to_owned(),
            ),
            timezone: books.map_or_else(|| "UTC".to_owned(), |books| books.book.timezone.0.name().to_owned()),
            book: &self.book,
            files: usage.inputs.iter().map(|file| log_file(file, period)).collect::<Result<_>>()?,
            sources: usage
                .sources
                .into_iter()
                .map(|source| SourceCubes {
                    name: source.name,
                    account: source.account,
                    primary: source.primary,
                    // Who the usage was for is no part of a comparison.
                    cubes: Cubes { attribution: BTreeMap::new(), ..source.cubes },
                })
                .collect(),
            documents: std::mem::take(&mut self.documents),
            later: std::mem::take(&mut self.later),
            accounts: Vec::new(),
            keys: BTreeMap::new(),
            gateway: BTreeMap::new(),
            mappings: Vec::new(),
            traffic: Vec::new(),
            rejects: usage.rejects,
            memos: std::mem::take(&mut self.memos),
            diagnostics: std::mem::take(&mut self.diagnostics),
        };
        inputs.diagnostics.extend(usage.diagnostics.into_iter().filter(|diagnostic| !is_late(diagnostic)));
        inputs.diagnostics.extend(remarks);
        let all = &inputs.documents;
        let noted: Vec<Diagnostic> =
            all.iter().flat_map(|document| remarks::document(document, all, period)).collect();
        inputs.diagnostics.extend(noted);
        if let Some(books) = books {
            rules::declare(&books.accounts, &books.models, &books.traffic, &mut inputs);
        }
        if let Some(own) = &self.rules {
            rules::declare(&own.accounts, &own.models, &own.traffic, &mut inputs);
        }
        Ok(inputs)
    }
}

fn is_late(diagnostic: &Diagnostic) -> bool {
    diagnostic.code == "late-records"
}

/// A row is set aside for the first of these that holds: duplicate, outside the period, no provider call.
fn log_file(file: &collect::InputReport, period: Period) -> Result<LogFile> {
    let count = |wanted: &dyn Fn(Day, Outcome) -> bool| {
        file.outcomes
            .iter()
            .filter(|((day, outcome), _)| wanted(*day, *outcome))
            .map(|(_, count)| *count)
            .sum()
    };
    let first = |outcome: Outcome| !outcome.is_repeat();
    Ok(LogFile {
        path: file.source.name.clone(),
        format: file.format.into(),
        sha256: file.source.sha256()?,
        bytes: file.bytes,
        rows: file.rows,
        rejected: file.rejected,
        duplicates: file.duplicates,
        outside_month: count(&|day, outcome| first(outcome) && !period.contains(day)),
        not_billable: count(&|day, outcome| first(outcome) && period.contains(day) && !outcome.is_billable()),
        outcomes: file.outcomes.clone(),
    })
}
