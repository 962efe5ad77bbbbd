//! The cost export of the Console (11, 12 or 14 columns): dollars rounded to cents in every row, display names.
//!
//! ```text
//! usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,cost_type,inference_geo,speed
//! 2026-07-01,Claude Sonnet 5,Default,chat-prod,message,≤ 200k,input_no_cache,0.82,token,global,
//! ```

use super::{applies, key, long_context, region, tier, token_meter, tool_meter, unknown, workspace};
use crate::error::Result;
use crate::invoice::{BillLine, Document, DocumentKind, ModelScope};
use crate::money::{Money, ONE};
use crate::read::DocumentFormat;
use crate::read::gather::{Gather, Refused, Said, bucket};
use crate::read::source::{Sample, Source};
use crate::read::table::{Row, Table};

pub static FORMAT: DocumentFormat = DocumentFormat {
    id: "anthropic-cost-csv",
    family: "anthropic",
    about: "Anthropic Console, Cost > Export (CSV)",
    kind: DocumentKind::Cost,
    sniff,
    read,
};

const COLUMNS: [&str; 14] = [
    "usage_date_utc",
    "model",
    "workspace",
    "api_key",
    "usage_type",
    "context_window",
    "token_type",
    "cost_usd",
    "list_price_usd",
    "cost_type",
    "inference_geo",
    "speed",
    "api_key_id",
    "api_key_status",
];

fn sniff(sample: &Sample) -> bool {
    sample.has_columns(&["usage_date_utc", "token_type", "cost_usd"])
}

fn read(source: &Source) -> Result<Document> {
    let table = Table::read(source)?;
    table.require(&["usage_date_utc", "model", "token_type", "cost_usd", "cost_type"])?;
    let mut gather = Gather::new(Document::new(FORMAT.id, FORMAT.kind, Some("anthropic")));
    gather.document.diagnostics.extend(table.unknown_columns(&COLUMNS));
    for row in table.rows() {
        match row {
            Err(reject) => gather.reject(reject),
            Ok(row) => {
                let line = line(&mut gather, &row).map(Said::from);
                gather.row(&row.origin, line, row.get("cost_usd").parse().ok());
            }
        }
    }
    gather.finish()
}

fn line(gather: &mut Gather, row: &Row) -> std::result::Result<BillLine, Refused> {
    let period = bucket(row.get("usage_date_utc"), None)?;
    let (model, token_type) = (applies(row.filled("model")), applies(row.filled("token_type")));
    let cost_type = row.get("cost_type");
    let text: Vec<&str> = [model, token_type.or(Some(cost_type))].into_iter().flatten().collect();
    let mut line = BillLine::new(row.origin.clone(), text.join(", "), period);
    line.meter = match token_type {
        Some(token_type) => token_meter(token_type),
        None => tool_meter(cost_type),
    };
    line.model = match model {
        Some(name) => ModelScope::One(name.into()),
        None if line.meter.is_some() => ModelScope::All,
        None => ModelScope::None,
    };
    if line.meter.is_none() {
        gather.remark(unknown("charge", &line.text, &row.origin));
    }
    line.tier = tier(gather, &row.origin, row.filled("usage_type"), row.filled("speed"));
    line.region = region(row.filled("inference_geo"));
    line.long_context = long_context(gather, &row.origin, row.filled("context_window"));
    line.project = workspace(row.filled("workspace"));
    line.key = key(row.filled("api_key"));
    if let Some(list) = row.filled("list_price_usd") {
        line.list_amount = list.parse().ok();
    }
    let cost = row.filled("cost_usd").ok_or_else(|| ("no-amount", "the row has no amount".to_owned()))?;
    let read = Money::read(cost);
    let decimals = read.as_ref().map_or(0, |read| read.decimals).max(2);
    gather.amount(&mut line, read)?;
    // Half a unit of the last decimal printed; a spreadsheet may have dropped zeros, the Console keeps two.
    line.rounding_bound = Money::from_pico(ONE / 10i128.pow(decimals) / 2).max(line.rounding_bound);
    gather.currency("USD", &row.origin);
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::testing::{document, fixture};
    use crate::vocabulary::{Meter, Tier};

    #[test]
    fn totals_list_prices_and_the_rounding_bound_of_the_research() {
        let bill = document(&FORMAT, &fixture("anthropic-cost-csv", "columns_11.csv"));
        assert_eq!(bill.lines_total().plain(), "11.54");
        let bound: Money = bill.lines.iter().map(|line| line.rounding_bound).sum();
        assert_eq!(bound, Money::from_pico(bill.lines.len() as i128 * ONE / 200));
        // The same usage unrounded costs 11.5513938: the residue is within the bound.
        assert!(("11.5513938".parse::<Money>().unwrap() - bill.lines_total()).abs() <= bound);

        let discounted = document(&FORMAT, &fixture("anthropic-cost-csv", "columns_14.csv"));
        assert_eq!(discounted.lines_total().plain(), "10.50");
        let list: Money = discounted.lines.iter().filter_map(|line| line.list_amount).sum();
        assert_eq!(list.plain(), "11.54");
    }

    #[test]
    fn rows_keep_their_grain_and_their_dimensions() {
        let bill = document(&FORMAT, &fixture("anthropic-cost-csv", "columns_11.csv"));
        let writes: Vec<String> = bill
            .lines
            .iter()
            .filter(|line| {
                line.meter == Some(Meter::CacheWrite5m) && line.period.first.to_string() == "2026-07-01"
            })
            .map(|line| format!("{} {}", line.origin, line.amount.unwrap()))
            .collect();
        assert_eq!(writes, ["bill:3 0.12", "bill:4 0.18"], "equal dimensions are two lines");

        let search = bill.lines.iter().find(|line| line.meter == Some(Meter::WebSearch)).unwrap();
        assert_eq!((search.model.clone(), search.tier, &*search.text), (ModelScope::All, None, "web_search"));
        assert_eq!((search.project.as_deref(), search.key.as_deref()), (Some(""), Some("chat-prod")));
        let opus = bill.lines.iter().find(|line| line.region.as_deref() == Some("geo:us")).unwrap();
        assert_eq!(opus.model, ModelScope::One("Claude Opus 5".into()));
        assert_eq!(opus.project.as_deref(), Some("Pipelines, nightly"));
        assert_eq!((opus.tier, opus.long_context), (Some(Tier::Standard), Some(false)));
        let haiku = bill.lines.iter().find(|line| line.text.starts_with("Claude Haiku")).unwrap();
        assert_eq!(haiku.region, None);
        assert!(bill.diagnostics.is_empty());
    }

    #[test]
    fn unverified_labels_are_kept_and_said() {
        let head = "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,\
                    cost_type,inference_geo,speed\n";
        let bill = document(
            &FORMAT,
            &format!(
                "{head}2026-07-01,Claude Opus 5,Default,k,message,> 200k,output,1.00,1.00,token,global,fast\n\
                 2026-07-01,Claude Opus 5,Default,k,message_batch,huge,output_video,2.00,2.00,token,eu,\n\
                 2026-07-01,--,Default,k,--,--,--,3.00,3.00,mystery,--,--\n\
                 2026-07-32,--,Default,k,--,--,--,3.00,3.00,web_search,--,--\n\
                 2026-07-01,--,Default,k,--,--,--,$3,3.00,web_search,--,--\n"
            ),
        );
        assert_eq!((bill.lines[0].tier, bill.lines[0].long_context), (Some(Tier::Fast), Some(true)));
        assert_eq!((bill.lines[1].tier, bill.lines[1].long_context), (Some(Tier::Batch), None));
        assert_eq!((bill.lines[1].region.as_deref(), bill.lines[1].meter), (Some("geo:eu"), None));
        assert_eq!((bill.lines[2].model.clone(), bill.lines.len()), (ModelScope::None, 3));
        assert_eq!(bill.diagnostics.len(), 3, "context window, token type and cost type");
        let rejects: Vec<(u64, &str)> = bill.rejects.iter().map(|r| (r.origin.line, r.code)).collect();
        assert_eq!(rejects, [(5, "bad-date"), (6, "bad-amount")]);
    }
}
