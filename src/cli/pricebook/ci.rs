//! Findings in the forms that build servers read: JUnit's XML and GitHub's annotations. Text of cells is inert in both.
//!
//! ```text
//! ::error file=prices/openai.csv,line=12,col=43,title=PB007::gpt-5 input costs 12.5 per 1M, 10 times …
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::diagnostic::{Diagnostic, Level};
use crate::render::printable;
use crate::review::check::{Report, Rule};

/// One test case a rule that holds, and one for each finding; with `strict`, warnings fail too.
pub fn junit(report: &Report, ran: &[&'static Rule], strict: bool) -> String {
    let mut by_rule: BTreeMap<&str, Vec<&Diagnostic>> =
        ran.iter().map(|rule| (rule.id, Vec::new())).collect();
    for finding in &report.findings {
        by_rule.entry(finding.code).or_default().push(finding);
    }
    let fails =
        |finding: &Diagnostic| finding.level == Level::Error || (strict && finding.level == Level::Warning);
    let failures = report.findings.iter().filter(|finding| fails(finding)).count();
    let tests: usize = by_rule.values().map(|findings| findings.len().max(1)).sum();
    let suite = format!("name=\"llmfin pricebook check\" tests=\"{tests}\" failures=\"{failures}\"");
    let mut text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {suite}>\n<testsuite {suite}>\n");
    let mut line = |xml: &str| text.push_str(&format!("{xml}\n"));
    for (id, findings) in by_rule {
        if findings.is_empty() {
            line(&format!("<testcase classname=\"pricebook\" name=\"{}\"/>", xml(id)));
        }
        for finding in findings {
            let name = xml(&format!("{id} {}", finding.origin));
            let body = format!("{}\n{}", xml(&finding.placed()), xml(finding.help.as_deref().unwrap_or("")));
            line(&format!("<testcase classname=\"pricebook\" name=\"{name}\">"));
            if fails(finding) {
                let message = xml(&finding.message);
                line(&format!("<failure type=\"{id}\" message=\"{message}\">{body}</failure>"));
            } else {
                line(&format!("<system-out>{}: {body}</system-out>", finding.level.id()));
            }
            line("</testcase>");
        }
    }
    text.push_str("</testsuite>\n</testsuites>\n");
    text
}

/// Text that neither ends an element nor holds a character XML has no name for; line breaks are spaces.
fn xml(text: &str) -> String {
    let mut safe = String::new();
    for char in printable(text).chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            other => safe.push(other),
        }
    }
    safe
}

/// One workflow command a finding, which GitHub shows beside the line of the pull request.
pub fn github(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let level = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "notice",
        };
        let origin = &finding.origin;
        let mut place = format!("file={}", property(&origin.file));
        if origin.line > 0 {
            write!(place, ",line={}", origin.line).expect("a string takes all");
        }
        if origin.column > 0 {
            write!(place, ",col={}", origin.column).expect("a string takes all");
        }
        let help = finding.help.as_deref().map_or_else(String::new, |help| format!("%0A{}", data(help)));
        let message = data(&finding.message);
        writeln!(text, "::{level} {place},title={}::{message}{help}", finding.code)
            .expect("a string takes all");
    }
    text
}

/// The message of a workflow command; line breaks are spaces by now.
fn data(text: &str) -> String {
    printable(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command ends at `,` and at `:`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Origin;

    fn hostile() -> Report {
        let origin = Origin::new("a,b:c\n::error::x.csv", 3, 7);
        let message = "cell `</failure><x a=\"&\">\u{1b}[2J]]>\u{0}\r\n::set-output name=a::b %0A`";
        Report {
            findings: vec![Diagnostic::error("PB001", origin, message).help("a\n::warning::b")],
            waived: vec![],
        }
    }

    #[test]
    fn hostile_text_stays_inside_its_annotation() {
        insta::assert_snapshot!(github(&hostile()), @r#"::error file=a%2Cb%3Ac %3A%3Aerror%3A%3Ax.csv,line=3,col=7,title=PB001::cell `</failure><x a="&">]]> ::set-output name=a::b %250A`%0Aa ::warning::b"#);
        assert_eq!(github(&hostile()).lines().count(), 1);
    }

    #[test]
    fn hostile_text_stays_inside_its_element() {
        let rules = crate::review::check::rules();
        let text = junit(&hostile(), &rules[..2], false);
        insta::assert_snapshot!(text, @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="llmfin pricebook check" tests="2" failures="1">
        <testsuite name="llmfin pricebook check" tests="2" failures="1">
        <testcase classname="pricebook" name="PB001 a,b:c ::error::x.csv:3:7">
        <failure type="PB001" message="cell `&lt;/failure&gt;&lt;x a=&quot;&amp;&quot;&gt;]]&gt; ::set-output name=a::b %0A`">a,b:c ::error::x.csv:3:7: cell `&lt;/failure&gt;&lt;x a=&quot;&amp;&quot;&gt;]]&gt; ::set-output name=a::b %0A`
        a ::warning::b</failure>
        </testcase>
        <testcase classname="pricebook" name="PB002"/>
        </testsuite>
        </testsuites>
        "#);
    }
}
