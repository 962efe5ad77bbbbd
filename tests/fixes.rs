//! The fixes of Acme and of every story, written by the real program and applied as their page says: each cause is gone,
//! the estimate moved by exactly its amount, and every other finding stands as it was.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its books should stop there")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use llmfin::money::Money;
use serde_json::Value;

const STORIES: &str = "fixtures/stories";
/// Causes that files can end; the others are reported, disputed or booked.
const FIXABLE: [&str; 7] =
    ["rate.", "map.", "cov.", "qty.failed", "qty.poll", "terms.discount", "cls.cache_read"];

/// A run of the program in a folder.
fn run(folder: &Path, arguments: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llmfin"));
    let output = command.args(arguments).current_dir(folder).env_remove("LLMFIN_DIR").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?}: {errors}");
    output
}

fn words(command: &str) -> Vec<String> {
    command.split_whitespace().map(ToOwned::to_owned).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            drop(fs::copy(entry.path(), target))
        }
    }
}

/// A document's findings between priced and billed, by what they say. Rounding moves with every price.
type Findings = BTreeMap<String, (String, Money)>;

struct Document {
    findings: Findings,
    priced: Money,
    bound: Money,
}

fn money(value: &Value) -> Money {
    value.as_str().unwrap().parse().unwrap()
}

fn document(bytes: &[u8]) -> Document {
    let value: Value = serde_json::from_slice(bytes).unwrap();
    let second = value["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["bridge"] == "priced-billed" && finding["cause"] != "round.line");
    let about = |finding: &Value| {
        let text = format!("{} {} {}", finding["cause"], finding["scope"]["models"], finding["amount"]);
        (finding["id"].as_str().unwrap().to_owned(), (text, money(&finding["amount"])))
    };
    Document {
        findings: second.map(about).collect(),
        priced: money(&value["totals"]["priced"]),
        bound: money(&value["totals"]["rounding_bound"]),
    }
}

/// `  rules.toml  F1 F6` of the list that the program prints.
fn listed(output: &Output) -> BTreeMap<String, BTreeSet<String>> {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = text.lines().filter_map(|line| line.strip_prefix("  ")?.split_once("  "));
    lines.map(|(path, ids)| (path.to_owned(), ids.split(' ').map(ToOwned::to_owned).collect())).collect()
}

/// The command with everything under `fixes/<part>` applied, and the findings that should then be gone.
fn applied(
    command: &[String],
    fixes: &Path,
    part: &str,
    listed: &BTreeMap<String, BTreeSet<String>>,
) -> (Vec<String>, BTreeSet<String>) {
    let (mut command, mut gone) = (command.to_vec(), BTreeSet::new());
    for (path, ids) in listed {
        let Some(rest) = path.strip_prefix(part) else { continue };
        let full = fixes.join(path).display().to_string();
        let option = match rest {
            "pricebook/book.toml" => {
                if let Some(at) = command.iter().position(|word| word == "--pricebook") {
                    command.drain(at..at + 2);
                }
                // What the bill shows is known from the end of its month on.
                if let Some(at) = command.iter().position(|word| word == "--known-at") {
                    command[at + 1] = "2026-10-31".to_owned();
                }
                vec!["--pricebook".to_owned(), full.trim_end_matches("/book.toml").to_owned()]
            }
            "rules.toml" => vec!["--rules".to_owned(), full],
            _ if rest.starts_with("contracts/") => vec!["--contract".to_owned(), full],
            _ => continue,
        };
        command.extend(option);
        gone.extend(ids.iter().cloned());
    }
    (command, gone)
}

/// Errors that the rules of price books find in the rows that were added. A folder that broke rules before still does.
fn errors(folder: &Path) -> usize {
    let command = format!("pricebook check {} --as-of 2026-11-01 -O json", folder.display());
    let checked: Value = serde_json::from_slice(&run(Path::new("."), &words(&command)).stdout).unwrap();
    let added = |found: &&Value| {
        let text = fs::read_to_string(found["file"].as_str().unwrap()).unwrap();
        let line = found["line"].as_u64().and_then(|line| text.lines().nth(line as usize - 1));
        found["level"] == "error"
            && found["waived"] == false
            && line.is_none_or(|line| line.contains("implied by the bill"))
    };
    checked["findings"].as_array().unwrap().iter().filter(added).count()
}

/// What one folder's fixes did not do.
#[derive(Default)]
struct Judge {
    wrong: Vec<String>,
    /// Findings that were applied, by cause.
    applied: BTreeMap<String, usize>,
    disputes: usize,
    /// Requests that reports name with file and line.
    requests: usize,
}

/// File, line and id of the requests with an id in all gateway reports.
fn requests(fixes: &Path) -> Vec<(String, usize, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(fixes.join("gateway")).into_iter().flatten() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let Some((_, part)) = text.split_once("## One by one\n") else { continue };
        let rows = part.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| `"));
        for row in rows {
            let cells: Vec<&str> = row.split('`').collect();
            let (place, id) = (cells[cells.len() - 2], cells[1]);
            if let Some((path, line)) = place.rsplit_once(':').filter(|_| cells.len() > 7) {
                found.push((path.to_owned(), line.parse().unwrap(), id.to_owned()));
            }
        }
    }
    found
}

/// The lines of a log, which may be compressed.
fn lines(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let mut text = String::new();
    match bytes.starts_with(&[0x1f, 0x8b]) {
        true => drop(flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap()),
        false => text = String::from_utf8(bytes).unwrap(),
    }
    text.lines().map(ToOwned::to_owned).collect()
}

impl Judge {
    fn folder(&mut self, name: &str, source: &Path, before: &[String], command: &[String]) {
        let place = tempfile::tempdir().unwrap();
        let (books, fixes) = (place.path().join("books"), place.path().join("fixes"));
        copy(source, &books);
        before.iter().for_each(|command| drop(run(&books, &words(command))));
        let mut command = command.to_vec();
        command.extend(["-O".to_owned(), "json".to_owned()]);
        let mut first = command.clone();
        first.extend(["--patch-dir".to_owned(), fixes.display().to_string()]);
        let output = run(&books, &first);
        let listed = listed(&output);
        let was = document(&output.stdout);
        let parts: BTreeSet<String> = listed
            .keys()
            .map(|path| match path.strip_prefix("undecided/").and_then(|rest| rest.split_once('/')) {
                Some((finding, _)) => format!("undecided/{finding}/"),
                None => String::new(),
            })
            .collect();
        for part in parts {
            let (command, gone) = applied(&command, &fixes, &part, &listed);
            if gone.is_empty() {
                continue;
            }
            // What bypasses the gateway still does when the books say so.
            let gone: BTreeSet<&String> =
                gone.iter().filter(|id| !was.findings[*id].0.contains("cov.bypass")).collect();
            for id in &gone {
                let cause = was.findings[*id].0.split('"').nth(1).unwrap_or_default().to_owned();
                *self.applied.entry(cause).or_default() += 1;
            }
            let now = document(&run(&books, &command).stdout);
            let said = |document: &Document, without: &BTreeSet<&String>| -> BTreeSet<String> {
                let left = document.findings.iter().filter(|(id, _)| !without.contains(id));
                left.map(|(_, (text, _))| text.clone()).collect()
            };
            let (wanted, found) = (said(&was, &gone), said(&now, &BTreeSet::new()));
            if wanted != found {
                self.wrong.push(format!("{name} {part}: left {found:?}, not {wanted:?}"));
            }
            let amount: Money = gone.iter().map(|id| was.findings[*id].1).sum();
            if (now.priced - was.priced - amount).abs() > was.bound + now.bound {
                self.wrong.push(format!("{name} {part}: moved {}, not {amount}", now.priced - was.priced));
            }
            let folder = fixes.join(&part).join("pricebook");
            if folder.is_dir() && errors(&folder) > 0 {
                self.wrong.push(format!("{name} {part}: the price book breaks rules"));
            }
        }
        self.disputes(name, &fixes, &was);
        self.requests(name, &books, &fixes);
    }

    /// Every request that a gateway report names is on the line of the file that it names for it.
    fn requests(&mut self, name: &str, books: &Path, fixes: &Path) {
        for (path, line, id) in requests(fixes) {
            self.requests += 1;
            let text = lines(&books.join(&path));
            if !text.get(line - 1).is_some_and(|text| text.contains(&id)) {
                self.wrong.push(format!("{name}: {id} is not on line {line} of {path}"));
            }
        }
    }

    fn story(&mut self, folder: &Path) {
        let page = fs::read_to_string(folder.join("README.md")).unwrap();
        let block = page.split("```expected\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let said = |name: &str| -> Vec<String> {
            let lines = block.lines().filter_map(|line| line.strip_prefix(name));
            lines.map(|line| line.trim().to_owned()).collect()
        };
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let fixable = |cause: &String| FIXABLE.iter().any(|family| cause.starts_with(family));
        let causes = said("cause:").iter().any(fixable);
        if let Some(command) =
            said("command:").first().filter(|command| causes && command.starts_with("reconcile"))
        {
            self.folder(&name, folder, &said("before:"), &words(command));
        }
    }

    /// The claims of each dispute add up to its finding, to the last decimal.
    fn disputes(&mut self, name: &str, fixes: &Path, was: &Document) {
        let Ok(entries) = fs::read_dir(fixes.join("disputes")) else { return };
        for path in
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().unwrap() == "csv")
        {
            let mut lines = csv::Reader::from_path(&path).unwrap();
            let column = lines.headers().unwrap().iter().position(|name| name == "claimed").unwrap();
            let cells =
                lines.records().map(|line| line.unwrap()[column].to_owned()).filter(|cell| !cell.is_empty());
            let sum: Money = cells.map(|cell| cell.parse::<Money>().unwrap()).sum();
            let id = path.file_stem().unwrap().to_string_lossy().into_owned();
            self.disputes += 1;
            if sum != was.findings[&id].1 {
                self.wrong.push(format!("{name}: dispute {id} claims {sum} of {}", was.findings[&id].1));
            }
        }
    }

    #[expect(clippy::print_stderr, reason = "the table is for the reader of the test")]
    fn done(self) {
        for (cause, count) in &self.applied {
            eprintln!("{cause:<24} applied {count:>3}");
        }
        eprintln!("disputes {}", self.disputes);
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}

#[test]
fn the_fixes_of_the_demo_company_hold() {
    let mut judge = Judge::default();
    judge.folder("acme", Path::new("fixtures/acme"), &[], &words("reconcile --month 2026-10"));
    assert!(judge.applied.values().sum::<usize>() >= 8, "{:?}", judge.applied);
    // The one price that the bill raises; the region and the uncached prompts are billed as its own counts say.
    assert_eq!(judge.disputes, 1);
    // Twelve reports, of which only failed calls are fewer than the twenty that are named.
    assert!(judge.requests >= 200, "{}", judge.requests);
    judge.done();
}

/// What the letters and reports of Acme say of the findings that its README plants.
#[test]
fn the_letters_and_reports_of_the_demo_company_show_what_they_say() {
    let place = tempfile::tempdir().unwrap();
    let (books, fixes) = (place.path().join("books"), place.path().join("fixes"));
    copy(Path::new("fixtures/acme"), &books);
    let mut command = words("reconcile --month 2026-10 -O json");
    command.extend(["--patch-dir".to_owned(), fixes.display().to_string()]);
    let document: Value = serde_json::from_slice(&run(&books, &command).stdout).unwrap();
    let finding = |cause: &str| {
        let findings = document["findings"].as_array().unwrap().iter();
        let id = findings.filter(|finding| finding["cause"] == cause).map(|finding| finding["id"].as_str());
        id.map(|id| id.unwrap().to_owned()).next().unwrap()
    };
    let read = |path: &str| fs::read_to_string(fixes.join(path)).unwrap();

    let stale = finding("rate.stale");
    let (letter, note) =
        (read(&format!("disputes/{stale}.md")), read(&format!("disputes/{stale}.internal.md")));
    // Its export counts 5,785,267 tokens on the 12th; the invoice of the account has 39.31 of tax.
    for said in [
        "- invoice: `ACME-202610`",
        "- customer or account: `org-acme`",
        "`your usage report`",
        "5,785,267",
        "Lines are those of your file `cost_2026-10-01_2026-10-31.csv`",
        "You charged USD 39.31 of tax",
        "| holds from |",
        "0.20 per million",
        "0.25 per million",
        "- date: ____",
    ] {
        assert!(letter.contains(said), "{said}: {letter}");
    }
    for ours in ["rate.stale", "probable", "invoices/", "prices/openai.csv"] {
        assert!(!letter.contains(ours), "{ours}: {letter}");
        assert!(note.contains(ours), "{ours}: {note}");
    }

    // What is told to add is what the folder adds, to the byte.
    let ledger = read("pricebook/prices/openai.csv");
    for cause in ["rate.stale", "rate.missing_class", "rate.missing_model"] {
        let findings = document["findings"].as_array().unwrap();
        let found = findings.iter().find(|found| found["cause"] == cause).unwrap();
        let text = found["fix"]["patch"].as_str().unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("# prices/openai.csv"), "{text}");
        let rows: Vec<&str> = lines.take_while(|line| !line.starts_with('#')).collect();
        assert!(rows.len() > 1 && rows.iter().all(|row| ledger.lines().any(|line| line == *row)), "{text}");
        assert!(text.contains("# sources.toml\n[[source]]"), "{text}");
    }

    // Every table of every report has as many cells in each row as in its header.
    for path in fs::read_dir(fixes.join("gateway")).unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(&path).unwrap();
        let mut width = None;
        for line in text.lines() {
            let cells = line.starts_with('|').then(|| line.matches(" |").count());
            assert!(width.is_none() || cells.is_none() || cells == width, "{}: {line}", path.display());
            width = cells;
        }
        assert!(!text.contains("Counters: –"), "{}", path.display());
    }
    // The requests of a report: the last cell but two of each row is a count of days, the fourth one of requests.
    let requests = |path: &str| -> Vec<(String, String, u64)> {
        let text = read(path);
        let part = text.split("## Which requests").nth(1).unwrap().split("##").next().unwrap();
        let rows = part.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            (cells[1].to_owned(), cells[2].to_owned(), cells[4].replace(',', "").parse().unwrap())
        })
        .collect()
    };
    // 168 repeats were logged with a cost, at two providers.
    let repeats = requests(&format!("gateway/{}.md", finding("qty.duplicate")));
    assert_eq!(repeats.iter().map(|row| row.2).sum::<u64>(), 168, "{repeats:?}");
    assert!(repeats.iter().any(|row| row.0 == "`search-rewrite`"), "{repeats:?}");
    // Two of the five files have repeats; the gateway wrote no cost for some of the 173 rows.
    let report = read(&format!("gateway/{}.md", finding("qty.duplicate")));
    let files: Vec<u64> = report
        .lines()
        .filter(|line| line.contains(".jsonl.gz` |"))
        .map(|line| line.split('|').nth(3).unwrap().trim().parse().unwrap())
        .collect();
    assert_eq!((files.len(), files.iter().sum::<u64>()), (2, 173), "{report}");
    assert!(report.contains("2026-10-20T"), "{report}");
    // Whose cache reads were lost the bill does not say.
    let lost = document["findings"].as_array().unwrap().iter();
    let lost = lost.filter(|found| {
        found["cause"] == "cls.cache_read_as_input" && found["scope"]["models"][0] == "gpt-5-mini"
    });
    let report =
        read(&format!("gateway/{}.md", lost.map(|found| found["id"].as_str().unwrap()).next().unwrap()));
    assert!(report.contains("The keys could not be told apart"), "{report}");
    assert!(
        report.lines().any(|line| line.contains("`data-batch`") && line.contains(&finding("rate.batch"))),
        "{report}"
    );
    // No row of the log is kept: the evidence names file and day where it names no line.
    for cause in
        ["map.alias_repointed", "qty.failed_priced", "round.line", "cls.reasoning_dropped", "qty.duplicate"]
    {
        let found =
            document["findings"].as_array().unwrap().iter().find(|found| found["cause"] == cause).unwrap();
        let places = found["evidence"].as_array().unwrap().iter().filter(|fact| fact["origin"].is_string());
        assert!(places.count() > 0, "{cause}: {found}");
    }
    // The alias that moved, and nobody else.
    let moved = requests(&format!("gateway/{}.md", finding("map.alias_repointed")));
    assert!(moved.iter().all(|row| row.1 == "`smart`") && !moved.is_empty(), "{moved:?}");
}

/// Each letter says in words what is wrong with the bill, and shows no column that has nothing in it.
#[test]
fn a_letter_says_what_is_wrong_and_rests_on_no_price_where_none_is_at_stake() {
    let letter = |story: &str, command: &str, path: &str| {
        let place = tempfile::tempdir().unwrap();
        let (books, fixes) = (place.path().join("books"), place.path().join("fixes"));
        copy(&Path::new(STORIES).join(story), &books);
        let mut command = words(command);
        command.extend(["--patch-dir".to_owned(), fixes.display().to_string()]);
        run(&books, &command);
        let text = fs::read_to_string(fixes.join(path)).unwrap();
        assert!(!text.contains("| – |"), "{text}");
        text
    };
    // The list price less 12 %: 2.00 x 0.88 = 1.76, 10.00 x 0.88 = 8.80.
    let command = "reconcile --month 2026-10 --usage llmfin-usage-csv:usage.csv --invoice anthropic=cost_report.json \
                   --invoice anthropic=claude_api_tokens.csv --contract contract.toml";
    let text = letter("terms.discount", command, "disputes/F1.md");
    for said in [
        "at the prices of our contract",
        "12 % off the list price from 2026-07-01 (`contract.toml:",
        "2.00 per million",
        "1.76 per million",
        "10.00 per million",
        "8.80 per million",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("published"), "{text}");

    let command = |story: &str| {
        let page = fs::read_to_string(Path::new(STORIES).join(story).join("README.md")).unwrap();
        page.lines().find_map(|line| line.strip_prefix("command: ").map(ToOwned::to_owned)).unwrap()
    };
    let text = letter("inv.duplicate_line", &command("inv.duplicate_line"), "disputes/F1.md");
    assert!(text.contains("Lines 8–10 of `cost.csv` repeat lines 5–7 of the same file."), "{text}");
    assert!(!text.contains("price"), "{text}");

    let text = letter("inv.footing", &command("inv.footing"), "disputes/F2.md");
    let total =
        "Your document `INV-2610-77` states a total of USD 69.47, and its lines come to USD 66.47: USD 3.00";
    assert!(text.contains(total), "{text}");
    assert!(!text.contains("price"), "{text}");
}

/// The deployment `chat-prod` is the one name that is wrong; another key may call a model that is.
#[test]
fn a_remedy_for_a_key_is_about_that_key() {
    let place = tempfile::tempdir().unwrap();
    let (books, fixes) = (place.path().join("books"), place.path().join("fixes"));
    copy(&Path::new(STORIES).join("map.deployment_name"), &books);
    let mut command = words("reconcile --month 2026-10 -O json");
    command.extend(["--patch-dir".to_owned(), fixes.display().to_string()]);
    let document: Value = serde_json::from_slice(&run(&books, &command).stdout).unwrap();
    let fix = document["findings"][0]["fix"]["text"].as_str().unwrap();
    assert!(fix.starts_with("`chat-prod`, which key `support-chat` calls, is mapped to gpt-5.4"), "{fix}");
    let rules = fs::read_to_string(fixes.join("rules.toml")).unwrap();
    assert!(rules.contains("filter = { key = [\"support-chat\"], model = [\"gpt-5.4\"] }"), "{rules}");
}

#[test]
fn the_fixes_of_every_story_hold() {
    let folders: BTreeSet<PathBuf> = fs::read_dir(STORIES)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    let next = Mutex::new(folders.into_iter());
    let work = || {
        let mut judge = Judge::default();
        while let Some(folder) = { next.lock().unwrap().next() } {
            judge.story(&folder);
        }
        judge
    };
    let judges: Vec<Judge> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut all = Judge::default();
    for judge in judges {
        all.wrong.extend(judge.wrong);
        all.disputes += judge.disputes;
        for (cause, count) in judge.applied {
            *all.applied.entry(cause).or_default() += count;
        }
    }
    all.done();
}
