//! Contracts as people write them: every kind, and every way to get one wrong with the place that is complained about.

use crate::pricebook::Pricebook;
use crate::pricebook::files::BookFile;
use crate::pricebook::row::Layer;

fn problems(toml: &'static str) -> Vec<String> {
    let file = BookFile {
        layer: Layer::Overlay,
        name: "c.toml".into(),
        shown: "c.toml".into(),
        content: toml.into(),
    };
    let reading = Pricebook::read(Vec::new(), vec![file], None);
    let found = reading.problems.iter().map(|problem| {
        let help = problem.help.as_deref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{}:{}: {}{help}", problem.origin.line, problem.origin.column, problem.message)
    });
    found.collect()
}

#[test]
fn every_kind_is_read() {
    let text = r#"
term = [
  { seller = "openai", from = 2026-07-01, kind = "percent_off_list", value = "12", applies_to = ["tokens"] },
  { seller = "openai", from = 2026-07-01, kind = "price", models = ["gpt-5", "gpt-5-mini"], meter = "input", value = "0.20" },
  { seller = "openai", from = 2026-07-01, kind = "free_allowance", meter = "web_search", quantity = "1500", each = "day" },
  { seller = "openai", from = 2026-07-01, kind = "capacity", models = ["gpt-5"], tier = "provisioned", units = "50", rate = "1.10", line = "Provisioned Managed" },
  { seller = "openai", from = 2026-07-01, kind = "volume_band", applies_to = ["tokens"], bands = [{ above = "0", percent_off = "5" }, { above = "1000000", price = "0.1" }] },
  { seller = "openai", from = 2026-07-01, kind = "volume_band", of = "spend", mode = "whole", order = 51, billed_as = "line", bands = [{ above = "1000.50", percent_off = "2.5" }] },
  { seller = "anthropic", from = 2026-07-01, kind = "marketplace_unit", unit_price = "0.01", value = "10" },
  { seller = "openai", from = 2026-07-01, to = 2027-07-01, kind = "credit", name = "launch grant", amount = "10000", used = { "2026-07" = "812.33" } },
  { seller = "openai", from = 2026-07-01, kind = "minimum", amount = "500.00", account = "org-acme" },
  { seller = "openai", from = 2026-07-01, to = 2027-07-01, kind = "commitment", amount = "250000" },
]
"#;
    assert_eq!(problems(text), Vec::<String>::new());
}

#[test]
fn every_wrong_cell_is_reported_where_it_is() {
    let found = problems(
        r#"[[term]]
seller = "openai"
from = 2026-07-01
kind = "credit"
amount = 1000
used = { "2026-7" = "1", "2026-08" = "1,5" }
ballance = "2"

[[term]]
seller = "opnai"
from = "2026-07-01"
to = 2026-07-01
kind = "minimun"

[[term]]
seller = "openai"
from = 2026-07-15
kind = "minimum"
models = ["gpt-55"]

[[term]]
seller = "openai"
from = 2026-07-01
to = 2026-06-01
kind = "volume_band"
bands = [{ above = "10", percent_off = "5" }, { above = "10", percent_off = "7" }, { above = "20", percent_off = "101" }, { above = "30", price = "1", percent_off = "2" }]

[[term]]
seller = "openai"
from = 2026-07-01
kind = "free_allowance"
each = "week"
quantity = "1e6"
order = "first"

[terms]
"#,
    );
    let expected = [
        "5:10: `amount` is integer, not text in quotes (write amount = \"1000\")",
        "6:10: `2026-7` is no month (write \"2026-07\")",
        "6:38: `\"1,5\"` is no amount (write a plain decimal in quotes: \"25000.00\")",
        "7:1: `ballance` is no key of a credit term (one of seller, from, to, kind, model, models, excludes, tier, applies_to, meter, amount, used, name, account, line, order)",
        "10:10: unknown seller `opnai` (did you mean `openai`?)",
        "11:8: `from` is string, not a date (write from = 2026-07-01, without quotes)",
        "13:8: unknown kind of term `minimun` (did you mean `minimum`?)",
        "15:1: this term needs `amount` (write a plain decimal in quotes: \"25000.00\")",
        "17:8: `from` of a monthly minimum lies inside a month (write the first day of a month)",
        "19:11: `gpt-55` is no model of the price book (did you mean `gpt-5`?)",
        "24:6: the term ends before it begins (`to` is exclusive and lies after `from`)",
        "25:8: a band of quantity needs to know what is counted (write `applies_to = [\"tokens\"]`)",
        "26:47: the bands do not rise (sort the bands by `above`)",
        "26:114: `101` is no percentage (write 0 to 100 in quotes, with at most two decimals: \"12\")",
        "26:123: a band has either a percentage or, where quantity is counted, a price (write percent_off = \"10\")",
        "31:8: an allowance needs to know what is free (write `meter = \"web_search\"` or `applies_to = [\"tokens\"]`)",
        "32:8: `week` is no value of `each` (one of month, day)",
        "33:12: `1e6` is no quantity (write a whole number in quotes, without separators: \"1000000\")",
        "34:9: `order` is \"first\", not a whole number (write order = 10)",
        "36:2: `terms` is no table of a contract (write `[[term]]`)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn two_terms_on_the_same_thing_need_an_order() {
    let credit = |rest: &str| {
        format!(
            "[[term]]\nseller = \"openai\"\nfrom = 2026-07-01\nto = 2027-01-01\nkind = \"credit\"\namount = \"1\"\n{rest}\n"
        )
    };
    let check = |a: &str, b: &str| problems(Box::leak((credit(a) + &credit(b)).into_boxed_str()));
    let tied = [
        "12:0: credit and the credit term at c.toml:5 speak of the same usage in the same order (give each its own `order`, the lower first; unit prices, then usage, then what is paid beside it)",
    ];
    assert_eq!(check("", ""), tied);
    assert_eq!(check("order = 71", ""), Vec::<String>::new());
    assert_eq!(check("account = \"a\"", "account = \"b\""), Vec::<String>::new());
    assert_eq!(check("account = \"a\"", "").len(), 1);
    assert_eq!(check("models = [\"gpt-5\"]", "models = [\"gpt-5-mini\"]"), Vec::<String>::new());
    assert_eq!(check("models = [\"gpt-5\"]", "excludes = [\"gpt-5\"]"), Vec::<String>::new());
    assert_eq!(check("models = [\"gpt-5\"]", "excludes = [\"gpt-5-mini\"]").len(), 1);
    assert_eq!(check("meter = \"input\"", "meter = \"output\""), Vec::<String>::new());
    assert_eq!(check("meter = \"input\"", "applies_to = [\"tokens\"]").len(), 1);
    // A percentage lies inside unit prices and cannot wait for a credit.
    let late = "[[term]]\nseller = \"openai\"\nfrom = 2026-07-01\nkind = \"percent_off_list\"\nvalue = \"1\"\nmeter = \"input\"\norder = 99\n";
    let found = problems(Box::leak((credit("") + late).into_boxed_str()));
    assert!(found[0].starts_with("11:0: percent_off_list applies before credit at c.toml:5"), "{found:?}");
}
