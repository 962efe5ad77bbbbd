//! The promise about bad input, by force: random damage, endless lines and text that would like to be run never end in
//! a panic, an internal error, silence or a live formula.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use proptest::prelude::*;
use proptest::sample::Index;

const BINARY: &str = env!("CARGO_BIN_EXE_llmfin");
/// Lines of a log that are kept, so that a run takes a moment.
const LINES: usize = 60;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).current_dir(folder).stdin(Stdio::null()).output().expect("runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// It ended by its own rules, and where it could not run it says why.
fn orderly(output: &Output, about: &str) {
    let (code, said) = (output.status.code(), said(output));
    assert!(matches!(code, Some(0..=2)), "{about}: {code:?}\n{said}");
    assert!(!said.contains("panicked") && !said.contains("internal:"), "{about}: {said}");
    if code == Some(2) {
        assert!(said.starts_with("error: ") || said.contains("\nerror: "), "{about}: {said}");
    }
}

/// The files of Acme's books by their path in them, logs unpacked and cut to their first lines.
fn acme() -> Vec<(String, Vec<u8>)> {
    let root = Path::new("fixtures/acme");
    let mut files =
        vec![("llmfin.toml".to_owned(), fs::read(root.join("llmfin.toml")).expect("a test file"))];
    for folder in ["logs/2026-10", "invoices/2026-10"] {
        let mut paths: Vec<PathBuf> = fs::read_dir(root.join(folder))
            .expect("a test file")
            .map(|entry| entry.expect("a test file").path())
            .collect();
        paths.sort();
        for path in paths {
            let name =
                format!("{folder}/{}", path.file_name().expect("a test file").to_str().expect("a test file"));
            let mut bytes = fs::read(&path).expect("a test file");
            let mut name = name.as_str();
            if let Some(plain) = name.strip_suffix(".gz") {
                let mut text = Vec::new();
                flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text).expect("a test file");
                bytes = text.split_inclusive(|byte| *byte == b'\n').take(LINES).flatten().copied().collect();
                name = plain;
            }
            files.push((name.to_owned(), bytes));
        }
    }
    files
}

fn books(files: &[(String, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a test file");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a test file")).expect("a test file");
        fs::write(path, bytes).expect("a test file");
    }
    folder
}

/// One way to spoil a file.
#[derive(Debug, Clone)]
enum Damage {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Cut(Index),
    Double,
}

fn damage() -> impl Strategy<Value = Damage> {
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..6),
        prop_oneof![
            Just("\""),
            Just("\n"),
            Just(","),
            Just("\0\0\0\0"),
            Just("\u{feff}"),
            Just("-9"),
            Just("{"),
            Just("]"),
            Just("e999"),
            Just("99999999999999999999999999999999999999999"),
            Just("\u{1b}[2J"),
            Just("=1+1"),
        ]
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        4 => (any::<Index>(), bytes).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        2 => (any::<Index>(), 1usize..40).prop_map(|(at, length)| Damage::Remove(at, length)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => Just(Damage::Double),
    ]
}

fn spoil(bytes: &mut Vec<u8>, damage: &Damage) {
    let place = |at: &Index, length: usize| if length == 0 { 0 } else { at.index(length) };
    match damage {
        Damage::Set(at, byte) if !bytes.is_empty() => {
            let at = place(at, bytes.len());
            bytes[at] = *byte;
        }
        Damage::Set(..) => {}
        Damage::Insert(at, more) => {
            let at = place(at, bytes.len());
            bytes.splice(at..at, more.iter().copied());
        }
        Damage::Remove(at, length) => {
            let at = place(at, bytes.len());
            bytes.drain(at..(at + length).min(bytes.len()));
        }
        Damage::Cut(at) => bytes.truncate(place(at, bytes.len())),
        Damage::Double => bytes.extend_from_within(..),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, max_shrink_iters: 64, ..Default::default() })]

    #[test]
    fn no_damage_to_any_file_ends_in_disorder(
        hits in proptest::collection::vec((any::<Index>(), proptest::collection::vec(damage(), 1..5)), 1..4),
        packed in any::<bool>(),
    ) {
        let mut files = acme();
        if packed {
            let log = files.iter_mut().find(|(name, _)| name.ends_with(".jsonl")).expect("a test file");
            log.1 = {
                let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                std::io::Write::write_all(&mut packer, &log.1).expect("a test file");
                packer.finish().expect("a test file")
            };
        }
        for (which, damages) in &hits {
            let total = files.len();
            let (_, bytes) = &mut files[which.index(total)];
            damages.iter().for_each(|damage| spoil(bytes, damage));
        }
        let folder = books(&files);
        let output = run(folder.path(), &["close", "--month", "2026-10", "-q"]);
        orderly(&output, &format!("{hits:?}"));
    }
}

const ROW: &str = r#"{"id": "ID", "call_type": "acompletion", "status": "success", "custom_llm_provider": "openai", "startTime": 1790812805.0, "endTime": 1790812806.0, "model": "MODEL", "model_group": "mini", "metadata": {"user_api_key_team_alias": "TEAM"}, "response_cost": 0.004, "total_tokens": 30, "prompt_tokens": 20, "completion_tokens": 10, "messages": "PROMPT"}"#;

fn row(id: &str, model: &str, team: &str, prompt: &str) -> String {
    let json = |text: &str| serde_json::to_string(text).expect("a test file").trim_matches('"').to_owned();
    let row = ROW.replace("ID", id).replace("MODEL", &json(model)).replace("TEAM", &json(team));
    row.replace("PROMPT", prompt) + "\n"
}

#[test]
fn a_line_of_fifty_megabytes_is_a_line() {
    let folder = tempfile::tempdir().expect("a test file");
    let long = "x".repeat(50 << 20);
    let plain = row("a", "gpt-5-mini", "t", "");
    fs::write(folder.path().join("call.jsonl"), row("b", "gpt-5-mini", "t", &long) + &plain)
        .expect("a test file");
    fs::write(folder.path().join("junk.jsonl"), plain + "{" + &long).expect("a test file");
    let output = run(folder.path(), &["ingest", "--usage", "call.jsonl", "junk.jsonl", "-O", "csv"]);
    let table = String::from_utf8(output.stdout.clone()).expect("a test file");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(table.contains("call.jsonl,litellm-payload,2,0,0,"), "{table}");
    assert!(table.contains("junk.jsonl,litellm-payload,2,1,1,"), "{table}");
    assert!(said(&output).len() < 1000, "an error never repeats the line");
}

/// What a model, a team and a line item are called by those who want a spreadsheet or terminal to act.
const EVIL: [&str; 7] = [
    "=HYPERLINK(\"http://a\",\"b\")",
    "+cmd|' /C calc'!A0",
    "\u{1b}]0;owned\u{7}\u{1b}[2J@SUM(A1)",
    "-2+3\n=1+1",
    "<script>alert(1)</script>",
    "|a|`b`|[c](javascript:d)",
    "abc\u{202e}gpj.e\u{feff}xe",
];

/// Control characters, and marks that reorder or hide text.
fn steers(char: char) -> bool {
    (char.is_control() && char != '\n')
        || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn evil_books() -> tempfile::TempDir {
    let toml = "[book]\nname = \"evil\"\n[[source]]\nname = \"g\"\nfiles = [\"log.jsonl\"]\n[[invoice]]\nprovider = \"openai\"\nkind = \"cost\"\nfiles = [\"cost.csv\"]\n";
    let mut log = row("a", "gpt-5-mini", "t", "");
    let mut bill =
        "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item\n".to_owned();
    for (index, evil) in EVIL.iter().enumerate() {
        log += &row(&format!("e{index}"), evil, evil, "");
        let quoted = evil.replace('"', "\"\"");
        bill += &format!("1790812800,1790899200,,,{index}.5,usd,\"{quoted}\"\n");
    }
    bill += "1790812800,1790899200,,,=1+1,usd,\"=1\"\n";
    let files = [("llmfin.toml", toml), ("log.jsonl", &log), ("cost.csv", &bill)];
    books(&files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).expect("a test file").map(|entry| entry.expect("a test file").path()) {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn nothing_in_a_pack_a_fix_or_on_a_screen_is_run() {
    let folder = evil_books();
    let output = run(folder.path(), &["close", "--month", "2026-10", "--patch-dir", "fixes"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    for stream in [&output.stdout, &output.stderr] {
        let text = String::from_utf8(stream.clone()).expect("a test file");
        assert!(!text.contains(steers), "{text:?}");
    }
    let pack = folder.path().join("closes/2026-10/v1");
    let mut cells = 0;
    let mut written = Vec::new();
    files(&pack, &mut written);
    files(&folder.path().join("fixes"), &mut written);
    assert!(written.iter().any(|path| path.starts_with(folder.path().join("fixes/gateway"))), "{written:?}");
    for path in written {
        let text = fs::read_to_string(&path).expect("a test file");
        // Programs read names as they are.
        let json = path.extension().is_some_and(|ending| ending == "json");
        let bad = |char: char| if json { char.is_control() && char != '\n' } else { steers(char) };
        assert!(!text.contains(bad), "{}", path.display());
        if path.extension().is_some_and(|ending| ending == "csv") {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
            for cell in reader
                .records()
                .flat_map(|row| row.expect("a test file").iter().map(str::to_owned).collect::<Vec<_>>())
            {
                let formula = cell.trim_start().starts_with(['=', '+', '-', '@']);
                let number =
                    cell.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
                assert!(!formula || number, "{}: {cell:?}", path.display());
                cells += 1;
            }
        }
    }
    assert!(cells > 100, "{cells} cells looked at");
    let summary = fs::read_to_string(pack.join("00-summary.md")).expect("a test file");
    assert!(!summary.contains("<script>"), "{summary}");
    let page = run(folder.path(), &["reconcile", "--month", "2026-10", "-O", "html", "-q"]);
    assert!(!String::from_utf8(page.stdout).expect("a test file").contains("<script>alert"));
}

#[test]
fn a_killed_close_leaves_the_former_pack_to_be_found() {
    let folder = evil_books();
    let closes = folder.path().join("closes/2026-10");
    run(folder.path(), &["close", "--month", "2026-10", "-q"]);
    let before = fs::read(closes.join("v1/manifest.json")).expect("a test file");
    fs::rename(closes.join("v1"), closes.join(".former-v1")).expect("a test file");
    fs::create_dir(closes.join(".writing-abc")).expect("a test file");
    // Even a run that cannot close brings the former pack back.
    let log = folder.path().join("log.jsonl");
    let good = fs::read(&log).expect("a test file");
    fs::write(&log, "").expect("a test file");
    assert_eq!(run(folder.path(), &["close", "--month", "2026-10", "-q"]).status.code(), Some(2));
    assert_eq!(fs::read(closes.join("v1/manifest.json")).expect("a test file"), before);
    fs::write(&log, good).expect("a test file");
    run(folder.path(), &["close", "--month", "2026-10", "-q"]);
    assert_eq!(fs::read(closes.join("v1/manifest.json")).expect("a test file"), before);
    assert_eq!(fs::read_dir(&closes).expect("a test file").count(), 1);
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = evil_books();
    let mut child = Command::new(BINARY)
        .args(["reconcile", "--month", "2026-10", "-q", "-O", "json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a test file");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("a test file");
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(1), ""));
}
