//! The pages of the causes: what they name exists, and the arithmetic of their examples is right to the last digit.

use std::fs;
use std::path::{Path, PathBuf};

use llmfin::causes::catalogue::{CAUSES, Cause, GROUPS};

/// The text under a heading of a page.
fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("## {heading}\n")).expect("heading");
    rest.split("\n## ").next().expect("text")
}

/// Words that look like the id of a cause.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '.' | '_')));
    words.map(|word| word.trim_matches('.')).filter(|word| {
        let group = word.split_once('.').map(|(group, _)| group);
        group.is_some_and(|group| GROUPS.iter().any(|(known, _)| *known == group))
    })
}

#[test]
fn what_a_page_names_exists() {
    for cause in CAUSES {
        for id in ids(cause.page) {
            assert!(Cause::find(id).is_some(), "{} names `{id}`", cause.id);
        }
    }
}

/// Who has the binary alone has the pages and no folder of documents.
#[test]
fn no_page_sends_its_reader_to_a_file_of_the_source() {
    for cause in CAUSES {
        let named =
            cause.page.split_whitespace().find(|word| word.trim_start_matches('(').starts_with("docs/"));
        assert_eq!(named, None, "{}", cause.id);
    }
}

/// The code below a folder, without its tests and without the catalogue.
fn code(folder: &Path) -> String {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()).collect();
    entries.sort();
    let own = |path: &PathBuf| !path.ends_with("catalogue.rs") && !path.ends_with("tests.rs");
    let read = |path: PathBuf| {
        if path.is_dir() {
            return code(&path);
        }
        let text = fs::read_to_string(path).expect("code");
        text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned()
    };
    entries.into_iter().filter(own).map(read).collect()
}

#[test]
fn what_the_code_claims_is_what_the_catalogue_calls_detected() {
    let code =
        ["src/causes", "src/close", "src/pricebook/terms"].map(|folder| code(Path::new(folder))).concat();
    for cause in CAUSES {
        assert_eq!(code.contains(&format!("\"{}\"", cause.id)), cause.is_detected(), "{}", cause.id);
    }
}

/// What the pages say that a test needs, and the line of the code that asks for it.
const NEEDS: &[(&str, &str, &str, &str)] = &[
    ("rate.effective_boundary", "40 binary digits together", "calendar/fit.rs", "BITS: u32 = 40"),
    ("rate.effective_boundary", "one amount gives 24 at most", "calendar/fit.rs", "MOST_BITS: u32 = 24"),
    ("rate.intro_or_promo", "three days next to the change", "calendar/tariff.rs", "KEPT: usize = 3"),
    ("qty.local_estimate", "one day at least without such rows", "uncounted.rs", "control > 0 &&"),
    ("qty.local_estimate", "between half and three times", "uncounted.rs", "(counted / 2, counted * 2)"),
    ("qty.missing_day", "four days at least", "calendar/missing.rs", "DAYS: usize = 4"),
    ("qty.missing_day", "fewer missing days than those", "calendar/missing.rs", "if count < both"),
    ("qty.partial_snapshot", "one day at least without such rows", "uncounted.rs", "control > 0 &&"),
    ("qty.rollup_duplicate", "three days", "search/fit.rs", "TESTS: usize = 3"),
    ("qty.rollup_duplicate", "four in a log with noise", "search/fit.rs", "TESTS_IN_NOISE: usize = 4"),
    ("cls.convention_flip", "three amounts", "search/fit.rs", "TESTS: usize = 3"),
    ("cls.convention_flip", "four in a log with noise", "search/fit.rs", "TESTS_IN_NOISE: usize = 4"),
    ("map.cost_field_misread", "four days", "logged/decide.rs", "DAYS_FITTED: usize = 4"),
    ("map.deployment_name", "three days", "logged/decide.rs", "DAYS_CHOSEN: usize = 3"),
    ("map.finetune_base", "three days", "logged/decide.rs", "DAYS_CHOSEN: usize = 3"),
    ("map.finetune_base", "three days", "search/fit.rs", "TESTS: usize = 3"),
    ("time.export_lag", "four days", "calendar/missing.rs", "DAYS: usize = 4"),
    ("cov.truncated_export", "four days", "calendar/missing.rs", "DAYS: usize = 4"),
    ("terms.internal_margin", "four days", "logged/decide.rs", "DAYS_FITTED: usize = 4"),
    ("round.increment", "four days", "increment.rs", "DAYS: usize = 4"),
];

#[test]
fn what_a_page_needs_is_what_the_code_asks_for() {
    for (id, words, file, line) in NEEDS {
        let page = Cause::find(id).expect("cause").page;
        let text = section(page, "How we prove it").split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, needs) = text.split_once("- Needs ").unwrap_or_else(|| panic!("{id} says no minimum"));
        assert!(needs.contains(words), "{id}: {words}");
        let code = fs::read_to_string(Path::new("src/causes").join(file)).expect("code");
        assert!(code.contains(line), "{id}: {file} has no `{line}`");
    }
}

#[test]
fn the_readme_counts_the_causes_that_are_detected() {
    let detected = CAUSES.iter().filter(|cause| cause.is_detected()).count();
    let readme = fs::read_to_string("README.md").expect("README");
    let text = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&format!("{detected} causes are detected")), "{detected}");
    assert!(text.contains(&format!("has all {} that are known", CAUSES.len())), "{}", CAUSES.len());
    assert!(text.contains("its page says how many days"), "a small month shows fewer");
}

#[test]
fn every_look_alike_is_told_apart() {
    for cause in CAUSES {
        let text = section(cause.page, "Look-alikes");
        let bullets: Vec<&str> = text.split("\n- ").skip(1).collect();
        assert!(!bullets.is_empty(), "{}", cause.id);
        for bullet in bullets {
            assert!(bullet.contains("eparated by"), "{}: {bullet}", cause.id);
            assert!(ids(bullet).all(|id| id != cause.id), "{} looks like itself", cause.id);
        }
        assert!(ids(text).next().is_some(), "{} has no cause beside it", cause.id);
    }
}

#[test]
fn every_example_computes() {
    let mut wrong = Vec::new();
    for cause in CAUSES {
        let lines = section(cause.page, "Example").lines().filter(|line| line.starts_with("    "));
        let mut equations = 0;
        for line in lines {
            match sums::check(line) {
                Ok(found) => equations += found,
                Err(reason) => wrong.push(format!("{}: {reason}: {line}", cause.id)),
            }
        }
        if equations == 0 {
            wrong.push(format!("{}: no line such as `2 x 3.00 + 1.50 = 7.50`", cause.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_check_of_arithmetic_can_fail() {
    assert_eq!(sums::check("    priced (global)  3.00 + 1.50 = 4.50   then 1,000 x 3 / 1,000 = 3"), Ok(2));
    assert_eq!(sums::check("    12,304 x 3.75 = 46,140 millionths = $0.04614"), Ok(2));
    assert_eq!(sums::check("    delta  (4.95 - 4.50) x 10 % = 0.045 = -(-0.045), on 2026-10-31"), Ok(2));
    assert_eq!(sums::check("    2 x 3, no equation here"), Ok(0));
    assert!(sums::check("    3.00 + 1.50 = 4.51").is_err());
    assert!(sums::check("    12,304 x 3.75 = 46,140 millionths = $0.4614").is_err());
    assert!(sums::check("    3 x = 3").is_err());
}

/// Exact arithmetic over the lines of an example: numbers with thousands commas, `+ - x / ( )`, `%`, `millionths`.
mod sums {
    type Value = (i128, i128);

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Token {
        Number(Value),
        Sign(char),
        Percent,
        Millionths,
        /// A word, or two numbers side by side: what follows is another sum.
        Break,
    }

    /// Checks every chain `a = b = c` of a line and counts its equalities.
    pub fn check(line: &str) -> Result<usize, String> {
        let mut equalities = 0;
        for chain in chains(&tokens(line)) {
            let mut sides: Vec<&[Token]> = chain.split(|token| *token == Token::Sign('=')).collect();
            // A chain may go on from the line above, or end in words.
            sides.retain(|side| !side.is_empty());
            if sides.len() < 2 {
                continue;
            }
            let values: Vec<Value> = sides
                .iter()
                .map(|side| Sum { rest: side }.whole().ok_or_else(|| format!("not a sum: {side:?}")))
                .collect::<Result<_, _>>()?;
            if let Some(pair) = values.windows(2).find(|pair| pair[0] != pair[1]) {
                return Err(format!("{:?} is not {:?}", pair[0], pair[1]));
            }
            equalities += sides.len() - 1;
        }
        Ok(equalities)
    }

    fn tokens(line: &str) -> Vec<Token> {
        let mut found = Vec::new();
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let digits = rest.find(|char: char| !(char.is_ascii_digit() || matches!(char, ',' | '.')));
            let number = rest[..digits.unwrap_or(rest.len())].trim_end_matches([',', '.']);
            let after = rest[number.len()..].chars().next().unwrap_or(' ');
            let (token, length) = match first {
                ' ' | '$' => (None, 1),
                'x' if word == 1 => (Some(Token::Sign('x')), 1),
                '-' if rest.starts_with("->") => (Some(Token::Break), 2),
                '+' | '-' | '/' | '(' | ')' | '=' => (Some(Token::Sign(first)), 1),
                '%' => (Some(Token::Percent), 1),
                // A date, or a name such as 5m, is a word.
                '0'..='9' if after.is_alphabetic() || matches!(after, '-' | ':') => {
                    (Some(Token::Break), word)
                }
                '0'..='9' => (Some(value(number).map_or(Token::Break, Token::Number)), number.len()),
                _ if rest.starts_with("millionths") => (Some(Token::Millionths), 10),
                _ if first.is_alphanumeric() || first == '`' => (Some(Token::Break), word),
                _ => (Some(Token::Break), first.len_utf8()),
            };
            found.extend(token);
            rest = &rest[length..];
        }
        found
    }

    fn value(text: &str) -> Option<Value> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{}{fraction}", whole.replace(',', ""));
        Some(reduced(digits.parse().ok()?, 10i128.pow(fraction.len() as u32)))
    }

    fn reduced(numerator: i128, denominator: i128) -> Value {
        let (mut a, mut b) = (numerator.abs(), denominator.abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let by = a.max(1) * denominator.signum();
        (numerator / by, denominator / by)
    }

    fn chains(tokens: &[Token]) -> Vec<Vec<Token>> {
        let mut all = vec![Vec::new()];
        let mut depth = 0;
        for token in tokens {
            let last: &mut Vec<Token> = all.last_mut().expect("one");
            let ends = matches!(last.last(), Some(Token::Number(_) | Token::Percent | Token::Sign(')')));
            match token {
                Token::Break => all.push(Vec::new()),
                // The number before it goes on as dollars.
                Token::Millionths => {
                    let dollars = match last.last() {
                        Some(Token::Number((count, of))) => {
                            vec![Token::Number(reduced(*count, of * 1_000_000))]
                        }
                        _ => Vec::new(),
                    };
                    all.push(dollars);
                }
                Token::Number(_) | Token::Sign('(') if ends => all.push(vec![*token]),
                Token::Sign(')') if depth == 0 => all.push(Vec::new()),
                _ => last.push(*token),
            }
            depth = match all.last() {
                Some(chain) => {
                    let count = |sign| chain.iter().filter(|token| **token == Token::Sign(sign)).count();
                    count('(') - count(')').min(count('('))
                }
                None => 0,
            };
        }
        all
    }

    /// Recursive descent over one side of an equation.
    struct Sum<'t> {
        rest: &'t [Token],
    }

    impl Sum<'_> {
        fn whole(mut self) -> Option<Value> {
            let value = self.sum()?;
            self.rest.is_empty().then_some(value)
        }

        fn take(&mut self, wanted: Token) -> bool {
            let found = self.rest.first() == Some(&wanted);
            if found {
                self.rest = &self.rest[1..];
            }
            found
        }

        fn sum(&mut self) -> Option<Value> {
            let mut total = self.product()?;
            loop {
                let sign = if self.take(Token::Sign('+')) {
                    1
                } else if self.take(Token::Sign('-')) {
                    -1
                } else {
                    return Some(total);
                };
                let next = self.product()?;
                total = reduced(total.0 * next.1 + sign * next.0 * total.1, total.1 * next.1);
            }
        }

        fn product(&mut self) -> Option<Value> {
            let mut total = self.factor()?;
            loop {
                if self.take(Token::Sign('x')) {
                    let next = self.factor()?;
                    total = reduced(total.0 * next.0, total.1 * next.1);
                } else if self.take(Token::Sign('/')) {
                    let next = self.factor().filter(|next| next.0 != 0)?;
                    total = reduced(total.0 * next.1, total.1 * next.0);
                } else {
                    return Some(total);
                }
            }
        }

        fn factor(&mut self) -> Option<Value> {
            if self.take(Token::Sign('-')) {
                let (numerator, denominator) = self.factor()?;
                return Some((-numerator, denominator));
            }
            let value = if self.take(Token::Sign('(')) {
                let value = self.sum()?;
                self.take(Token::Sign(')')).then_some(value)?
            } else {
                let Some((Token::Number(value), rest)) = self.rest.split_first() else { return None };
                self.rest = rest;
                *value
            };
            Some(if self.take(Token::Percent) { reduced(value.0, value.1 * 100) } else { value })
        }
    }
}
