//! Each mistake with a figure worked out by hand, and what must not be named.

use super::*;
use crate::period::Day;
use crate::pricebook::{Layer, Pricebook, files::BookFile};
use crate::usage::Meters;
use crate::usage::cube::Sums;
use crate::vocabulary::{CallType, CountSource, Reading, Tier};

/// One thousandth of a dollar a unit is 1000 a million: figures stay short.
const PRICES: &str = "\
model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source
big-1,input,standard,0,global,*,4,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1,input,standard,0,global,*,3,1000000,USD,2026-03-01,2026-03-01,1,listed,s
big-1,input,standard,>1000,global,*,6,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1,input,batch,0,global,*,1.5,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1,input,fast,0,global,*,18,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1,cache_read,standard,0,global,*,0.3,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1,cache_read,batch,0,global,*,0.15,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1,cache_write.5m,standard,0,global,*,3.75,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1,cache_write.1h,standard,0,global,*,6,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1,output,standard,0,global,*,20,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1,output,standard,0,global,*,15,1000000,USD,2026-03-01,2026-03-01,1,listed,s
big-1,output,standard,>1000,global,*,22.5,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1,output,batch,0,global,*,7.5,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1,output,fast,0,global,*,90,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1,output.image,standard,0,global,*,120,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1,web_search,standard,0,global,*,10,1000,USD,2026-01-01,2026-01-01,1,listed,s
big-1-mini,input,standard,0,global,*,0.7,1000000,USD,2026-01-01,2026-01-01,1,listed,s
big-1-mini,output,standard,0,global,*,2.9,1000000,USD,2026-01-01,2026-01-01,1,listed,s
ft-big-1-mini,input,standard,0,global,*,1.3,1000000,USD,2026-01-01,2026-01-01,1,listed,s
ft-big-1-mini,output,standard,0,global,*,5.1,1000000,USD,2026-01-01,2026-01-01,1,listed,s
";
const ELSEWHERE: &str = "\
model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source
vendor.big-1-v1:0,input,standard,0,global,*,3.1,1000000,USD,2026-01-01,2026-01-01,1,listed,s
vendor.big-1-v1:0,output,standard,0,global,*,17,1000000,USD,2026-01-01,2026-01-01,1,listed,s
";
const MODELS: &str = r#"
[[model]]
id = "big-1"
seller = "anthropic"
[[model]]
id = "big-1-mini"
seller = "anthropic"
[[model]]
id = "ft-big-1-mini"
seller = "anthropic"
[[model]]
id = "vendor.big-1-v1:0"
seller = "aws-bedrock"
"#;

fn book(contract: &str) -> Pricebook {
    let file = |name: &str, content: &str| BookFile {
        layer: Layer::Overlay,
        name: name.into(),
        shown: name.into(),
        content: content.to_owned().into(),
    };
    let files = vec![
        file("book.toml", "name = \"t\"\nbase = \"none\"\n"),
        file("models.toml", MODELS),
        file("prices/anthropic.csv", PRICES),
        file("prices/aws-bedrock.csv", ELSEWHERE),
    ];
    let contracts = if contract.is_empty() { Vec::new() } else { vec![file("contracts/c.toml", contract)] };
    let reading = Pricebook::read(files, contracts, None);
    assert_eq!(reading.problems, []);
    reading.book
}

/// Calls of one day in March 2026 that the gateway gave a cost.
fn calls(day: u32, model: &str, meters: &[(Meter, u64)], logged: &str) -> DayUsage {
    let day: Day = format!("2026-03-{day:02}").parse().unwrap();
    let mut sums = Sums { requests: 1, logged_rows: 1, logged: logged.parse().unwrap(), ..Sums::default() };
    let mut counts = Meters::default();
    meters.iter().for_each(|(meter, count)| counts.set(*meter, *count));
    sums.meters = counts;
    DayUsage {
        account: Account { provider: "anthropic".into(), id: None },
        model: model.into(),
        day,
        at: day.start(),
        whole_day: false,
        key: "k".into(),
        requested: model.into(),
        routed: model.into(),
        served: model.into(),
        region: "".into(),
        tier: Tier::Standard,
        prompt: 0,
        outcome: Outcome::Success,
        call_type: CallType::Generation,
        source: CountSource::Provider,
        reading: Reading::Inclusive,
        stream: false,
        sums,
        as_logged: None,
    }
}

/// Cause, status, rivals and amount of every finding, with what is left.
fn found(contract: &str, usage: &[DayUsage]) -> Vec<String> {
    let book = book(contract);
    let rater = Rater::new(&book);
    let cell = |leaf: &Leaf| CellKey {
        account: leaf.account.clone(),
        model: Some(leaf.model.clone()),
        first: leaf.day,
        last: leaf.day,
    };
    let bridge = bridge(usage, &rater, cell, &BTreeSet::new()).unwrap();
    let explained: Money = bridge.findings.iter().flat_map(|finding| finding.cells.values()).sum();
    let left: Money = bridge.cells.values().map(|cell| cell.unexplained).sum();
    let whole: Money = bridge.cells.values().map(|cell| cell.priced - cell.logged).sum();
    assert_eq!(explained + left, whole, "the bridge foots");
    let mut lines: Vec<String> = bridge
        .findings
        .iter()
        .map(|finding| {
            let amount: Money = finding.cells.values().sum();
            let rivals: String = finding.rivals.iter().map(|rival| format!(" | {rival}")).collect();
            format!("{}{rivals} {} {amount}", finding.cause, finding.status.id())
        })
        .collect();
    if !left.is_zero() {
        lines.push(format!("left {left}"));
    }
    lines
}

/// Three days of 1,000 input and 100, 200, 300 output at the prices given, per million.
fn three_days(model: &str, input: u64, output: [&str; 3]) -> Vec<DayUsage> {
    let counts = |out: u64| [(Meter::Input, input), (Meter::Output, out)];
    output
        .iter()
        .zip([100u64, 200, 300])
        .zip(2..)
        .map(|((logged, out), day)| calls(day, model, &counts(out), logged))
        .collect()
}

#[test]
fn classes_are_lost_doubled_or_taken_for_others() {
    let (read, write, hour) = (Meter::CacheRead, Meter::CacheWrite5m, Meter::CacheWrite1h);
    let (input, output, thought) = (Meter::Input, Meter::Output, Meter::OutputReasoning);
    let cases: &[(&[(Meter, u64)], &str, &str)] = &[
        // 1000×3 + 400×0.3 = 3,120 millionths; as input 4,200.
        (&[(input, 1000), (read, 400)], "0.0042", "cls.cache_read_as_input exact -0.00108"),
        // 1000×3 + 400×0.3 + 200×3.75 = 3,870; all at the input rate 4,800.
        (&[(input, 1000), (read, 400), (write, 200)], "0.0048", "cls.cache_read_as_input exact -0.00093"),
        // Writes at the input rate: 1000×3 + 200×3 = 3,600 for 3,750.
        (&[(input, 1000), (write, 200)], "0.0036", "cls.cache_write_lost exact 0.00015"),
        // Not at all: 3,000.
        (&[(input, 1000), (write, 200)], "0.003", "cls.cache_write_lost exact 0.00075"),
        // 3,750 and 200×3 again.
        (&[(input, 1000), (write, 200)], "0.00435", "cls.cache_double exact -0.0006"),
        // 200 at 6 are 1,200; at the 5m price 750.
        (&[(input, 1000), (hour, 200)], "0.00375", "rate.cache_ttl exact 0.00045"),
        // 1000×3 + (300 + 700)×15 = 18,000; visible only 7,500; reasoning only 13,500; reasoning twice 28,500.
        (&[(input, 1000), (output, 300), (thought, 700)], "0.0075", "cls.reasoning_dropped exact 0.0105"),
        (&[(input, 1000), (output, 300), (thought, 700)], "0.0135", "cls.reasoning_only exact 0.0045"),
        (&[(input, 1000), (output, 300), (thought, 700)], "0.0285", "cls.reasoning_double exact -0.0105"),
        // 3,000 + 50×120 = 9,000; as text 3,750; left out 3,000.
        (&[(input, 1000), (Meter::OutputImage, 50)], "0.00375", "cls.modality exact 0.00525"),
        (&[(input, 1000), (Meter::OutputImage, 50)], "0.003", "cls.modality exact 0.006"),
        // Two searches are two cents.
        (&[(input, 1000), (Meter::WebSearch, 2)], "0.003", "cls.tool_fee exact 0.02"),
        // Output only: 100×15.
        (&[(input, 1000), (output, 100)], "0.0015", "rate.missing_class exact 0.003"),
    ];
    for (meters, logged, wanted) in cases {
        assert_eq!(found("", &[calls(2, "big-1", meters, logged)]), [*wanted], "{meters:?} {logged}");
    }
}

#[test]
fn what_the_record_names_and_the_price_ignores() {
    let meters = [(Meter::Input, 1000), (Meter::Output, 100)];
    // Batch 1,500 + 750 = 2,250; standard 4,500.
    let batch = DayUsage { tier: Tier::Batch, ..calls(2, "big-1", &meters, "0.0045") };
    assert_eq!(found("", &[batch]), ["rate.batch exact -0.00225"]);
    // Fast 18,000 + 9,000 = 27,000.
    let fast = DayUsage { tier: Tier::Fast, ..calls(2, "big-1", &meters, "0.0045") };
    assert_eq!(found("", &[fast]), ["rate.speed_premium exact 0.0225"]);
    // 3000 tokens over the boundary of 1000: 18,000 + 2,250 = 20,250; ignored 9,000 + 1,500 = 10,500.
    let long = [(Meter::Input, 3000), (Meter::Output, 100)];
    let long = |logged| DayUsage { prompt: 1001, ..calls(2, "big-1", &long, logged) };
    assert_eq!(found("", &[long("0.0105")]), ["rate.context_band exact 0.00975"]);
    // Only the 2000 over it: 3,000 + 12,000 + 2,250 = 17,250, or 16,500 with the answer at the short rate.
    assert_eq!(found("", &[long("0.01725")]), ["rate.context_band exact 0.003"]);
    assert_eq!(found("", &[long("0.0165")]), ["rate.context_band exact 0.00375"]);
    // Another model answered: 1000×0.7 + 100×2.9 = 990, priced as asked 4,500.
    let other = |logged| DayUsage { requested: "big-1".into(), ..calls(2, "big-1-mini", &meters, logged) };
    assert_eq!(found("", &[other("0.0045")]), ["map.alias_repointed exact -0.00351"]);
    let same = calls(3, "big-1", &meters, "0.0045");
    assert_eq!(found("", &[other("0.0045"), same]), ["map.fallback exact -0.00351"]);
    // Fine-tune 1,300 + 510 = 1,810, base 990.
    assert_eq!(
        found("", &[calls(2, "ft-big-1-mini", &meters, "0.00099")]),
        ["map.finetune_base exact 0.00082"]
    );
}

#[test]
fn a_price_of_the_book_needs_three_days() {
    // 3 × 3,000 + 600×15 = 18,000 millionths. The former price: 3 × 4,000 + 600×20 = 24,000.
    let stale = three_days("big-1", 1000, ["0.006", "0.008", "0.01"]);
    assert_eq!(found("", &stale), ["rate.stale exact -0.006"]);
    assert_eq!(found("", &stale[..2]), ["left -0.0035"]);
    // Bedrock: 3,100 + 1,700; 3,400; 5,100 = 19,500.
    let twin = three_days("big-1", 1000, ["0.0048", "0.0065", "0.0082"]);
    assert_eq!(found("", &twin), ["rate.platform_twin exact -0.0015"]);
    // The small model: 700 + 290; 580; 870 = 3,840.
    let sibling = three_days("big-1", 1000, ["0.00099", "0.00128", "0.00157"]);
    assert_eq!(found("", &sibling), ["map.fuzzy_match exact 0.01416"]);
    // A thousandth: 18 millionths.
    let scale = three_days("big-1", 1000, ["0.0000045", "0.000006", "0.0000075"]);
    assert_eq!(found("", &scale), ["rate.unit_scale exact 0.017982"]);
    // A search charged where none was counted: one cent a call.
    let declared = three_days("big-1", 1000, ["0.0145", "0.016", "0.0175"]);
    assert_eq!(found("", &declared), ["cls.tool_fee exact -0.03"]);
}

#[test]
fn stories_that_fit_the_same_rows_are_rivals() {
    // Half of every class is the batch price, which the records do not name.
    let half = three_days("big-1", 1000, ["0.00225", "0.003", "0.00375"]);
    // A setting that halves everything fits as well.
    assert_eq!(found("", &half), ["rate.batch | terms.discount ambiguous 0.009"]);
    // Two days of it prove nothing, though on one of them the input alone would cost as much.
    assert_eq!(found("", &half[..2]), ["left 0.00525"]);
    // A mark-up on one model is a price as well: 1.2 × 4,500, 6,000, 7,500, 9,000.
    let mut marked = three_days("big-1", 1000, ["0.0054", "0.0072", "0.009"]);
    marked.push(calls(9, "big-1", &[(Meter::Input, 1000), (Meter::Output, 400)], "0.0108"));
    assert_eq!(found("", &marked), ["terms.internal_margin | rate.stale ambiguous -0.0054"]);
    // On two models it is none: 1.2 × 990.
    marked.push(calls(9, "big-1-mini", &[(Meter::Input, 1000), (Meter::Output, 100)], "0.001188"));
    assert_eq!(found("", &marked), ["terms.internal_margin exact -0.005598"]);
    // Reads priced in full beneath it: 1.2 × 4,200 for what costs 3,120. The mark-up is 840 of the difference.
    marked.push(calls(12, "big-1", &[(Meter::Input, 1000), (Meter::CacheRead, 400)], "0.00504"));
    assert_eq!(
        found("", &marked),
        ["cls.cache_read_as_input exact -0.00108", "terms.internal_margin exact -0.006438"]
    );
}

#[test]
fn two_mistakes_on_one_row_share_what_they_move_together() {
    // Priced as the small model: 700 + 2.9 × 100, 200, 300, for what costs 4,500, 6,000, 7,500.
    let mut rows = three_days("big-1", 1000, ["0.00099", "0.00128", "0.00157"]);
    assert_eq!(found("", &rows), ["map.fuzzy_match exact 0.01416"]);
    // And the reasoning added to an answer that holds it: 700 + 2.9 × (100 + 50 + 50) = 1,280 for what costs
    // 3,000 + 15 × 150 = 5,250. The small model alone comes to 1,135, the reasoning alone to 6,000. The price is half of
    // (5,250 - 1,135) + (6,000 - 1,280), the reasoning half of (5,250 - 6,000) + (1,135 - 1,280).
    let answer = [(Meter::Input, 1000), (Meter::Output, 100), (Meter::OutputReasoning, 50)];
    rows.push(calls(8, "big-1", &answer, "0.00128"));
    assert_eq!(
        found("", &rows),
        ["cls.reasoning_double exact -0.0004475", "map.fuzzy_match exact 0.0185775"]
    );
    // By itself it proves nothing: without other rows at these prices it stays open.
    assert_eq!(found("", &rows[3..]), ["left 0.00397"]);
}

#[test]
fn twice_the_price_may_be_a_cost_field_read_wrongly() {
    let mut twice = three_days("big-1", 1000, ["0.009", "0.012", "0.015"]);
    twice.push(calls(9, "big-1", &[(Meter::Input, 1000), (Meter::Output, 400)], "0.018"));
    twice.push(calls(9, "big-1-mini", &[(Meter::Input, 1000), (Meter::Output, 100)], "0.00198"));
    assert_eq!(found("", &twice), ["map.cost_field_misread | terms.internal_margin ambiguous -0.02799"]);
}

#[test]
fn mistakes_at_list_prices_leave_the_discount_to_the_contract() {
    let contract = "[[term]]\nseller = \"anthropic\"\nfrom = 2026-01-01\nkind = \"percent_off_list\"\nvalue = \"10\"\n\
                    applies_to = [\"tokens\"]\n";
    let meters = [(Meter::Input, 1000), (Meter::CacheRead, 400)];
    // List 3,120, contract 2,808.
    assert_eq!(found(contract, &[calls(2, "big-1", &meters, "0.00312")]), ["terms.discount exact -0.000312"]);
    // Cached at the full rate, at list: 4,200.
    assert_eq!(
        found(contract, &[calls(2, "big-1", &meters, "0.0042")]),
        ["cls.cache_read_as_input exact -0.00108", "terms.discount exact -0.000312"]
    );
}

#[test]
fn what_ties_out_or_fits_nothing_is_not_named() {
    let meters = [(Meter::Input, 1000), (Meter::CacheRead, 400), (Meter::Output, 100)];
    // 3,000 + 120 + 1,500 = 4,620.
    let right: Vec<DayUsage> = (1..20).map(|day| calls(day, "big-1", &meters, "0.00462")).collect();
    assert_eq!(found("", &right), [""; 0]);
    // A different error each day.
    let odd = ["0.004621", "0.0050003", "0.0047117", "0.00461", "0.0099"];
    let odd: Vec<DayUsage> =
        odd.iter().zip(1..).map(|(logged, day)| calls(day, "big-1", &meters, logged)).collect();
    assert_eq!(found("", &odd), ["left -0.005743"]);
}

#[test]
fn a_failed_attempt_at_no_cost_is_no_missing_price() {
    // 1000×3 + 10×15 = 3,150 millionths.
    let counts = [(Meter::Input, 1000), (Meter::Output, 10)];
    let failed = DayUsage { outcome: Outcome::FailedWithUsage, ..calls(2, "big-1", &counts, "0") };
    let answered = calls(2, "big-1", &counts, "0.00315");
    assert_eq!(found("", std::slice::from_ref(&failed)), ["rate.missing_model exact 0.00315"]);
    assert_eq!(found("", &[failed, answered]), ["qty.retry_unlogged proven 0.00315"]);
}
