//! The cost export of the usage dashboard, grouped by line item or not; days without cost are gap rows.
//!
//! ```text
//! start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,…
//! 1782864000,1782950400,2026-07-01T00:00:00+00:00,…,9.2105650000000000,usd,"gpt-5.5-2026-04-23, input",proj_…
//! ```

use super::Cost;
use crate::diagnostic::Diagnostic;
use crate::error::Result;
use crate::invoice::{Document, DocumentKind};
use crate::read::DocumentFormat;
use crate::read::gather::{Gather, Refused, Said, bucket};
use crate::read::source::{Sample, Source};
use crate::read::table::{Row, Table};

pub static FORMAT: DocumentFormat = DocumentFormat {
    id: "openai-cost-csv",
    family: "openai",
    about: "OpenAI dashboard, Usage > Export > Cost data (CSV)",
    kind: DocumentKind::Cost,
    sniff,
    read,
};

/// The only columns of an export whose whole range is empty, whatever was exported.
pub(super) const BUCKET: [&str; 4] = ["start_time", "end_time", "start_time_iso", "end_time_iso"];

const COLUMNS: [&str; 17] = [
    "start_time",
    "end_time",
    "start_time_iso",
    "end_time_iso",
    "amount_value",
    "amount_currency",
    "line_item",
    "project_id",
    "project_name",
    "organization_id",
    "organization_name",
    "api_key_id",
    "quantity",
    "quantity_unit",
    "user_id",
    "user_email",
    "object",
];

fn sniff(sample: &Sample) -> bool {
    sample.has_columns(&["amount_value", "start_time_iso"])
        || (sample.has_columns(&BUCKET) && sample.first_line().split(',').count() == BUCKET.len())
}

fn read(source: &Source) -> Result<Document> {
    let table = Table::read(source)?;
    let mut gather = Gather::new(Document::new(FORMAT.id, FORMAT.kind, Some("openai")));
    if is_collapsed(&table) {
        gather.remark(
            Diagnostic::warning("no-data-in-range", source.origin(), "the export has no data in its range").help(
                "cost and usage exports look alike when empty; if this one is usage, name it `openai-usage-csv:PATH`",
            ),
        );
    } else {
        table.require(&[start(&table), "amount_value"])?;
    }
    gather.document.diagnostics.extend(table.unknown_columns(&COLUMNS));
    for row in table.rows() {
        match row {
            Err(reject) => gather.reject(reject),
            Ok(row) => {
                let cost = Cost {
                    amount: row.filled("amount_value"),
                    currency: row.filled("amount_currency"),
                    line_item: row.filled("line_item"),
                    project: row.filled("project_id"),
                    organization: row.filled("organization_id"),
                    key: row.filled("api_key_id"),
                    quantity: row.filled("quantity"),
                    unit: row.filled("quantity_unit"),
                };
                let said = days(&row).and_then(|period| {
                    if is_gap(&row) {
                        gather.cover(period);
                        return Ok(Said::Nothing);
                    }
                    cost.line(&mut gather, &row.origin, period).map(Said::from)
                });
                gather.row(&row.origin, said, cost.shows());
            }
        }
    }
    gather.finish()
}

/// True for the four-column export of an empty range.
pub(super) fn is_collapsed(table: &Table) -> bool {
    table.header() == BUCKET
}

/// The column of a bucket's start: the `_iso` twin says the same and stands alone in some files.
pub(super) fn start(table: &Table) -> &'static str {
    if table.has("start_time_iso") { "start_time_iso" } else { "start_time" }
}

/// The bucket a row is about.
pub(super) fn days(row: &Row) -> std::result::Result<crate::period::Period, Refused> {
    let end = row.filled("end_time").or_else(|| row.filled("end_time_iso"));
    bucket(row.filled("start_time").unwrap_or_else(|| row.get("start_time_iso")), end)
}

/// A day on which nothing happened: only its times are filled. It means zero, not missing.
pub(super) fn is_gap(row: &Row) -> bool {
    row.cells().all(|(column, cell)| BUCKET.contains(&column) || cell.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invoice::ModelScope;
    use crate::money::Money;
    use crate::read::testing::{by_day, document, fixture};
    use crate::vocabulary::{Meter, Tier};

    #[test]
    fn grouped_ungrouped_and_the_research_agree_to_the_last_decimal() {
        let daily = [("2026-07-01", "32.22537815"), ("2026-07-02", "54.39386625"), ("2026-07-03", "1.77157")];
        for (file, rows, empty, last) in
            [("grouped.csv", 35, 0, "2026-07-03"), ("ungrouped.csv", 4, 1, "2026-07-04")]
        {
            let bill = document(&FORMAT, &fixture("openai-cost-csv", file));
            assert_eq!((bill.rows, bill.empty_rows, bill.rejects.len()), (rows, empty, 0), "{file}");
            assert_eq!(by_day(&bill), daily.map(|(day, usd)| (day.to_owned(), usd.to_owned())), "{file}");
            assert_eq!(bill.lines_total().plain(), "88.3908144");
            assert_eq!(bill.currency.as_deref(), Some("USD"));
            assert_eq!(bill.rounded_amounts, 0);
            let covers = bill.covers.unwrap();
            assert_eq!(
                (covers.first.to_string(), covers.last.to_string()),
                ("2026-07-01".into(), last.into())
            );
        }
    }

    #[test]
    fn dimensions_are_those_of_the_grouping() {
        let bill = document(&FORMAT, &fixture("openai-cost-csv", "grouped.csv"));
        let storage = bill.lines.iter().find(|line| &*line.text == "Vector storage").unwrap();
        assert_eq!((storage.model.clone(), storage.project.as_deref()), (ModelScope::None, Some("")));
        let batch = bill.lines.iter().find(|line| line.text.starts_with("batch api")).unwrap();
        assert_eq!(
            (batch.tier, batch.meter, batch.key.as_deref()),
            (Some(Tier::Batch), Some(Meter::Input), None)
        );
        assert_eq!(batch.account.as_deref(), Some("org-Synthetic00000000000001"));
        assert!(bill.diagnostics.is_empty(), "{:?}", bill.diagnostics);

        let totals = document(&FORMAT, &fixture("openai-cost-csv", "ungrouped.csv"));
        assert!(totals.lines.iter().all(|line| line.model == ModelScope::All && line.meter.is_none()));
        assert!(totals.lines.iter().all(|line| line.project.is_none() && line.long_context.is_none()));
    }

    #[test]
    fn the_iso_twins_alone_say_the_days() {
        let head = "start_time_iso,end_time_iso,amount_value,amount_currency,line_item\n";
        let row = "2026-10-01T00:00:00+00:00,2026-10-02T00:00:00+00:00,0.25,usd,\"gpt-5, input\"\n";
        let bill = document(&FORMAT, &format!("{head}{row}"));
        assert_eq!(by_day(&bill), [("2026-10-01".to_owned(), "0.25".to_owned())]);
        assert_eq!(bill.lines[0].period.last.to_string(), "2026-10-01");
    }

    #[test]
    fn an_empty_range_is_no_data_and_not_an_error() {
        let bill = document(&FORMAT, &fixture("openai-cost-csv", "empty.csv"));
        assert_eq!((bill.rows, bill.lines.len(), bill.covers), (0, 0, None));
        assert_eq!(bill.diagnostics[0].code, "no-data-in-range");
    }

    #[test]
    fn bad_rows_are_rejects_with_line_and_amount_and_currencies_do_not_mix() {
        let head = "start_time,end_time,start_time_iso,amount_value,amount_currency,line_item,quantity\n";
        let rows = "1782864000,1782950400,,,usd,\"gpt-5, input\",3\n\
                    soon,,,2,usd,\"gpt-5, input\",3\n\
                    1782864000,1782950400,,0.0000000000005,usd,\"gpt-5, input\",1.0\n\
                    1782864000,1782950400,,-5,usd,Promotional credit,\n";
        let bill = document(&FORMAT, &format!("{head}{rows}"));
        let rejects: Vec<(u64, &str, Option<Money>)> =
            bill.rejects.iter().map(|r| (r.origin.line, r.code, r.amount)).collect();
        let usd = |text: &str| text.parse::<Money>().ok();
        assert_eq!(rejects, [(2, "no-amount", None), (3, "bad-date", usd("2"))]);
        assert_eq!((bill.rounded_amounts, bill.lines[0].rounding_bound), (1, Money::STEP));
        assert_eq!(bill.lines[0].quantity, Some(1));
        assert_eq!(bill.lines[1].category, crate::vocabulary::ChargeCategory::Credit);

        let mixed = format!("{head}1782864000,,,1,usd,,\n1782864000,,,1,eur,,\n");
        let error = crate::read::testing::read(&FORMAT, mixed.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "amounts in more than one currency: EUR, USD");
    }

    #[test]
    fn an_amount_is_kept_whatever_its_quantity_is() {
        let head = "start_time,end_time,start_time_iso,amount_value,amount_currency,line_item,quantity,quantity_unit\n";
        let rows = "1782864000,1782950400,,0.25,usd,\"gpt-5, input\",1000000,tokens\n\
                    1782864000,1782950400,,-0.05,usd,\"gpt-5, input\",-200000,tokens\n\
                    1782864000,1782950400,,0.01,usd,\"gpt-5, input\",2.5,tokens\n\
                    1782864000,1782950400,,0.02,usd,\"gpt-5, input\",2.5,1000_tokens\n\
                    1782864000,1782950400,,0.04,usd,\"gpt-5, input\",many,tokens\n";
        let bill = document(&FORMAT, &format!("{head}{rows}"));
        let quantities: Vec<Option<i128>> = bill.lines.iter().map(|line| line.quantity).collect();
        assert_eq!(quantities, [Some(1_000_000), Some(-200_000), None, Some(2_500), None]);
        // 0.25 - 0.05 + 0.01 + 0.02 + 0.04
        assert_eq!((bill.lines_total().plain().as_str(), bill.rejects.len()), ("0.27", 0));
        assert_eq!(
            bill.diagnostics[0].message.split(';').next_back(),
            Some(" the amounts are kept (2 rows)")
        );
    }
}
