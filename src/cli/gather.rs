//! From books or named files to everything a close works on. The only place that joins readers with the close.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::global::{Global, Span};
use super::inputs::{Input, InvoiceInput};
use super::ui::Ui;
use crate::books::inputs::{InvoiceSource, Role};
use crate::books::{Books, allocation};
use crate::close::inputs::{AccountDocument, CloseInputs, LogFile, SourceCubes};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::invoice::{Document, DocumentKind};
use crate::money::{Money, Ratio};
use crate::period::{Day, Month, Period};
use crate::pricebook::Pricebook;
use crate::rate::{Account, ModelMapping};
use crate::read::source::Source;
use crate::read::{TagSources, UsageOptions, detect, mapped};
use crate::usage::collect::{self, LogInput, Usage};
use crate::vocabulary::Outcome;

/// Everything read, before it is put together.
pub struct Gathered {
    pub span: Span,
    pub book: Pricebook,
    usage: Usage,
    documents: Vec<AccountDocument>,
    books: Option<Books>,
    diagnostics: Vec<Diagnostic>,
}

/// Reads the books' month.
pub fn books(global: &Global, ui: &Ui) -> Result<Gathered> {
    let books = Books::load(&global.dir)?;
    let span = global.span()?;
    let book = pricebook(global, Some(&books))?;
    let mut diagnostics = Vec::new();
    let mut logs = Vec::new();
    for source in &books.sources {
        let account = source.account.as_deref().or_else(|| {
            // An account that lists the source pays for it, if it is the only one.
            let mut paying = books.accounts.iter().filter(|account| account.sources.contains(&source.name));
            paying.next().filter(|_| paying.next().is_none()).map(|account| account.id.as_str())
        });
        for (name, path) in files(&books, &source.files, span, &source.name, &mut diagnostics)? {
            logs.push(LogInput {
                source: Source::file(path, name),
                format: source.format.clone(),
                source_name: source.name.as_str().into(),
                account: account.map(|account| account.rsplit('/').next().unwrap_or(account).into()),
                primary: source.role != Some(Role::Witness),
            });
        }
    }
    let mut documents = Vec::new();
    for invoice in &books.invoices {
        for (name, path) in files(&books, &invoice.files, span, invoice.provider.0, &mut diagnostics)? {
            documents.push(declared_document(&books, invoice, &Source::file(path, name))?);
        }
    }
    one_authority(&documents)?;
    let cache = books.dir.join(".llmfin").join("cubes");
    let usage = usage(&logs, &tags(&books.tags), &book, Some(cache), ui)?;
    Ok(Gathered { span, book, usage, documents, books: Some(books), diagnostics })
}

/// Reads only the files that are named.
pub fn named(
    global: &Global,
    usage_inputs: &[Input],
    invoices: &[InvoiceInput],
    ui: &Ui,
) -> Result<Gathered> {
    let span = global.span()?;
    let book = pricebook(global, None)?;
    let logs = log_inputs(usage_inputs)?;
    let mut documents = Vec::new();
    for invoice in invoices {
        for source in invoice.input.sources()? {
            let format = detect::document(&source, invoice.input.format.as_deref())?;
            let account =
                Account { provider: invoice.provider.into(), id: invoice.account.as_deref().map(Into::into) };
            let document = (format.read)(&source)?;
            documents.push(account_document(&source, account, format.kind, document, None, None)?);
        }
    }
    one_authority(&documents)?;
    let usage = usage(&logs, &TagSources::default(), &book, None, ui)?;
    Ok(Gathered { span, book, usage, documents, books: None, diagnostics: Vec::new() })
}

/// One billing authority per account and day: two cost exports that speak of the same days would count twice.
fn one_authority(documents: &[AccountDocument]) -> Result<()> {
    let mut problems = Vec::new();
    for (index, second) in documents.iter().enumerate() {
        for first in documents[..index]
            .iter()
            .filter(|first| first.account == second.account && first.kind == second.kind)
        {
            let same = first.sha256 == second.sha256;
            let overlap = first
                .document
                .covers
                .zip(second.document.covers)
                .is_some_and(|(a, b)| a.first <= b.last && b.first <= a.last);
            // A cloud delivers one month in parts that share its days; a direct export is one file for a range of days.
            let parts = first.document.format == second.document.format
                && !second.document.format.starts_with(&*second.account.provider);
            if same || (first.kind == DocumentKind::Cost && overlap && !parts) {
                problems.push(
                    Diagnostic::error(
                        "two-authorities",
                        Origin::file(second.path.clone()),
                        format!("bills the same days of {} as `{}`: both together would count twice", second.account.provider, first.path),
                    )
                    .help("give one of the two; an invoice beside a cost export is declared with `kind = \"invoice\"`"),
                );
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Input(problems)) }
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

/// The price book that flags and books ask for.
pub fn pricebook(global: &Global, books: Option<&Books>) -> Result<Pricebook> {
    let overlay = match (&global.pricebook, books) {
        (Some(folder), _) => Some(folder.clone()),
        (None, Some(books)) => books.book.pricebook.as_ref().map(|folder| books.dir.join(folder)),
        (None, None) => None,
    };
    let mut contracts: Vec<PathBuf> = global.contract.clone();
    if let Some(books) = books.filter(|books| !books.book.contracts.is_empty()) {
        let found = crate::books::glob::find(&books.dir, &books.book.contracts, None)?;
        contracts.extend(found.files.into_iter().map(|(_, path)| path));
    }
    Pricebook::load(overlay.as_deref(), &contracts, global.known_at)
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
    let late: Vec<Diagnostic> =
        usage.diagnostics.iter().filter(|diagnostic| diagnostic.code == "late-records").cloned().collect();
    ui.diagnostics(&late);
    Ok(usage)
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

fn declared_document(books: &Books, invoice: &InvoiceSource, source: &Source) -> Result<AccountDocument> {
    let declared: DocumentKind = invoice.kind.into();
    let (kind, mut document) = match &invoice.mapping {
        Some(table) => {
            let mapping: mapped::Mapping = table.clone().try_into().map_err(|error: toml::de::Error| {
                Diagnostic::error(
                    "invalid-mapping",
                    Origin::file(crate::books::FILE),
                    format!("mapping of {}: {}", source.name, error.message()),
                )
                .help("`llmfin schema books` prints what a mapping may hold")
            })?;
            (declared, mapped::read_mapped(source, &mapping)?)
        }
        None => {
            let format = detect::document(source, invoice.format.as_deref())?;
            // A usage report says so itself; an invoice and a cost export can look alike.
            let kind = if format.kind == DocumentKind::Usage { DocumentKind::Usage } else { declared };
            (kind, (format.read)(source)?)
        }
    };
    if kind != declared && declared != DocumentKind::Cost {
        return Err(Diagnostic::error(
            "wrong-kind",
            source.origin(),
            format!("this is a usage report, the books call it `{}`", declared.id()),
        )
        .help("set `kind = \"usage\"` in its `[[invoice]]` table")
        .into());
    }
    convert(books, source, &mut document)?;
    if let Some(wanted) = &invoice.sha256
        && *wanted != source.sha256()?
    {
        return Err(Diagnostic::error(
            "changed-file",
            source.origin(),
            "the file is not the one the books name by its SHA-256",
        )
        .help("restore the document as received, or record the new hash and say why")
        .into());
    }
    let id = invoice.account.as_deref().map(|account| account.rsplit('/').next().unwrap_or(account).into());
    let account = Account {
        provider: invoice.provider.0.into(),
        id: id.or_else(|| only_account(books, invoice.provider.0)),
    };
    let total = match &invoice.total {
        Some(total) => Some(amount(&total.0.to_string(), source)?),
        None => None,
    };
    account_document(source, account, kind, document, invoice.number.clone(), total)
}

fn amount(text: &str, source: &Source) -> Result<Money> {
    text.parse().map_err(|error| {
        Diagnostic::error("bad-total", source.origin(), format!("the books' total: {error}")).into()
    })
}

/// The seller's only declared account.
fn only_account(books: &Books, provider: &str) -> Option<Arc<str>> {
    let mut accounts = books.accounts.iter().filter(|account| account.provider.0 == provider);
    accounts.next().filter(|_| accounts.next().is_none()).map(|account| account.id.as_str().into())
}

fn account_document(
    source: &Source,
    account: Account,
    kind: DocumentKind,
    document: Document,
    number: Option<String>,
    total: Option<Money>,
) -> Result<AccountDocument> {
    Ok(AccountDocument {
        path: source.name.clone(),
        account,
        kind,
        number: number.or_else(|| document.number.clone()),
        stated_total: total.or(document.stated_total),
        sha256: source.sha256()?,
        bytes: source.bytes()?,
        document,
    })
}

/// Amounts in another currency are converted at the books' dated rate, line by line, and never without one.
fn convert(books: &Books, source: &Source, document: &mut Document) -> Result<()> {
    let own = books.book.currency.code().to_owned();
    let Some(currency) = document.currency.clone().filter(|currency| **currency != *own) else {
        return Ok(());
    };
    for line in &mut document.lines {
        let rate = books
            .fx
            .rates
            .iter()
            .filter(|rate| rate.currency.code() == &*currency && rate.from <= line.period.last)
            .max_by_key(|rate| rate.from)
            .map(|rate| rate.rate.0);
        let Some(rate) = rate else {
            return Err(Diagnostic::error(
                "no-exchange-rate",
                line.origin.clone(),
                format!("the amount is in {currency}, the books are in {own}, and there is no rate for {}", line.period.last),
            )
            .help(format!("add `[[fx.rates]]` with `from`, `currency = \"{currency}\"` and `rate = \"…\"` ({own} per {currency})"))
            .into());
        };
        for amount in [&mut line.amount, &mut line.list_amount].into_iter().flatten() {
            *amount = times(rate, *amount, source)?;
        }
        line.rounding_bound = times(rate, line.rounding_bound, source)? + Money::STEP;
    }
    document.currency = Some(own.into());
    Ok(())
}

fn times(rate: Ratio, amount: Money, source: &Source) -> Result<Money> {
    let product = Ratio::new(amount.pico(), 1).and_then(|pico| rate.checked_mul(pico)).ok_or_else(|| {
        Diagnostic::error("overflow", source.origin(), format!("{amount} cannot be converted"))
    })?;
    Ok(Money::from_pico(crate::money::div_half_even(product.numerator(), product.denominator())))
}

fn tags(tags: &allocation::Tags) -> TagSources {
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

    /// Everything put together for the close.
    pub fn inputs(&mut self) -> Result<CloseInputs<'_>> {
        let usage = std::mem::take(&mut self.usage);
        let books = self.books.as_ref();
        let period = self.span.period();
        let mut inputs = CloseInputs {
            label: match self.span {
                Span::Month(month) => month.to_string(),
                Span::Provisional(period) => format!("{}..{}", period.first, period.last),
            },
            provisional: matches!(self.span, Span::Provisional(_)),
            period,
            currency: books.map_or_else(|| "USD".to_owned(), |books| books.book.currency.code().to_owned()),
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
                    cubes: source.cubes,
                })
                .collect(),
            documents: std::mem::take(&mut self.documents),
            accounts: Vec::new(),
            keys: BTreeMap::new(),
            gateway: BTreeMap::new(),
            mappings: Vec::new(),
            rejects: usage.rejects,
            diagnostics: std::mem::take(&mut self.diagnostics),
        };
        // What the cache remembers of earlier runs is said, not recorded: the same inputs give the same document.
        inputs
            .diagnostics
            .extend(usage.diagnostics.into_iter().filter(|diagnostic| diagnostic.code != "late-records"));
        let noted: Vec<Diagnostic> =
            inputs.documents.iter().flat_map(|document| document.document.diagnostics.clone()).collect();
        inputs.diagnostics.extend(noted);
        if let Some(books) = books {
            declare(books, &mut inputs);
        }
        Ok(inputs)
    }
}

/// What the books say about accounts and models.
fn declare(books: &Books, inputs: &mut CloseInputs) {
    for declared in &books.accounts {
        let account = Account { provider: declared.provider.0.into(), id: Some(declared.id.as_str().into()) };
        for key in &declared.keys {
            inputs.keys.insert(key.as_str().into(), account.clone());
        }
        let projects: BTreeSet<Arc<str>> =
            declared.projects.iter().map(|project| project.as_str().into()).collect();
        inputs.gateway.insert(account.clone(), projects);
        inputs.accounts.push(account);
    }
    inputs.mappings = books
        .models
        .iter()
        .map(|model| ModelMapping {
            logged: model.logged.as_str().into(),
            seller: Some(model.seller.0.into()),
            model: model.model.as_str().into(),
            from: model.from,
        })
        .collect();
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
    let first = |outcome: Outcome| outcome != Outcome::Duplicate;
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
    })
}
