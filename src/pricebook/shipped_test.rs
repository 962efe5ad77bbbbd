//! The shipped book against prices read by hand from the sellers' announcements and price pages.

use super::*;
use crate::period::read_instant;

pub(super) fn book() -> Pricebook {
    Pricebook::shipped().unwrap()
}

pub(super) fn at(text: &str) -> i64 {
    read_instant(text).unwrap().0
}

/// `seller model meter tier prompt region instant`, as a query.
pub(super) fn query(line: &str) -> PriceQuery<'_> {
    let [seller, model, meter, tier, prompt, region, when] =
        line.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
    PriceQuery {
        seller,
        model,
        meter: Meter::parse(meter).unwrap(),
        tier: Tier::parse(tier).unwrap(),
        region,
        prompt: prompt.parse().unwrap(),
        at: at(when),
    }
}

pub(super) fn price(book: &Pricebook, line: &str) -> String {
    match book.price(&query(line)) {
        Ok(priced) => priced.unit.per_million(),
        Err(reason) => format!("{reason:?}"),
    }
}

#[test]
fn golden_prices() {
    let book = book();
    for (line, expected) in [
        // GPT-5.6 Luna: 1/6 from launch, 80 percent off from 2026-07-30; long prompts 2x input, 1.5x output.
        ("openai gpt-5.6-luna input standard 0 global 2026-07-29T23:59:59Z", "1"),
        ("openai gpt-5.6-luna input standard 0 global 2026-07-30", "0.2"),
        ("openai gpt-5.6-luna output standard 0 global 2026-07-29", "6"),
        ("openai gpt-5.6-luna output standard 0 global 2026-10-12", "1.2"),
        ("openai gpt-5.6-luna input standard 272000 global 2026-10-12", "0.2"),
        ("openai gpt-5.6-luna input standard 272001 global 2026-10-12", "0.4"),
        ("openai gpt-5.6-luna output standard 272001 global 2026-10-12", "1.8"),
        ("openai gpt-5.6-luna cache_read standard 0 global 2026-10-12", "0.02"),
        ("openai gpt-5.6-luna cache_write.30m standard 0 global 2026-10-12", "0.25"),
        ("openai gpt-5.6-luna input flex 0 global 2026-10-12", "0.1"),
        ("openai gpt-5.6-luna output priority 0 global 2026-10-12", "2.4"),
        // GPT-5.6 Terra: 20 percent off on the same day.
        ("openai gpt-5.6-terra input standard 0 global 2026-07-29", "2.5"),
        ("openai gpt-5.6-terra input standard 0 global 2026-07-30", "2"),
        // GPT-5.6 Sol: promotion from 2026-08-21, open-ended.
        ("openai gpt-5.6-sol output standard 0 global 2026-08-20", "30"),
        ("openai gpt-5.6-sol input standard 0 global 2026-08-21", "4"),
        ("openai gpt-5.6-sol output standard 0 global 2026-11-30", "20"),
        // A write of unsaid lifetime has the seller's default one: 30 minutes at OpenAI, 5 at Anthropic.
        ("openai gpt-5.6-sol cache_write.other standard 0 global 2026-11-01", "5"),
        ("anthropic claude-sonnet-5 cache_write.other standard 0 global 2026-10-01", "2.5"),
        // o3: 10/40 to 2/8 on 2025-06-10.
        ("openai o3 input standard 0 global 2025-06-09", "10"),
        ("openai o3 output standard 0 global 2025-06-10", "8"),
        ("openai o3 cache_read standard 0 global 2025-06-09", "2.5"),
        ("openai o3 cache_read standard 0 global 2025-06-10", "0.5"),
        // Others.
        ("openai o1-mini input standard 0 global 2025-01-30", "3"),
        ("openai o1-mini input standard 0 global 2025-01-31", "1.1"),
        ("openai gpt-4o-audio-preview input.audio standard 0 global 2026-01-21", "100"),
        ("openai gpt-4o-audio-preview input.audio standard 0 global 2026-01-22", "40"),
        ("openai gpt-5-mini input standard 0 global 2026-10-01", "0.25"),
        ("openai gpt-5-mini output.reasoning standard 0 global 2026-10-01", "2"),
        ("openai gpt-6-astra output ultrafast 0 global 2026-10-01", "300"),
        ("openai gpt-5 cache_write.30m flex 0 global 2026-10-01", "0"),
        ("openai gpt-5 web_search standard 0 global 2026-10-01", "10000"),
        ("openai gpt-5 file_search flex 500000 geo:us 2026-10-01", "2500"),
        // Sonnet 5: the increase announced for 2026-09-01 was withdrawn.
        ("anthropic claude-sonnet-5 input standard 0 global 2026-08-31", "2"),
        ("anthropic claude-sonnet-5 input standard 0 global 2026-09-01", "2"),
        ("anthropic claude-sonnet-5 output standard 0 global 2026-10-01", "10"),
        // Haiku 5.5: every class five times above 100K.
        ("anthropic claude-haiku-5-5 input standard 100000 global 2026-10-07", "0.1"),
        ("anthropic claude-haiku-5-5 input standard 100001 global 2026-10-07", "0.5"),
        ("anthropic claude-haiku-5-5 output standard 100001 global 2026-10-07", "2.5"),
        ("anthropic claude-haiku-5-5 cache_read standard 100001 global 2026-10-07", "0.05"),
        // Sonnet 4.5 above 200K: double until the beta ended, then no such request succeeds.
        ("anthropic claude-sonnet-4-5-20250929 input standard 200001 global 2026-04-29", "6"),
        ("anthropic claude-sonnet-4-5-20250929 output standard 200001 global 2026-04-29", "22.5"),
        ("anthropic claude-sonnet-4-5-20250929 input standard 200001 global 2026-04-30", "Ended"),
        ("anthropic claude-sonnet-4-5-20250929 input standard 200000 global 2026-04-30", "3"),
        // Opus 4.6 above 200K: surcharge removed on 2026-03-13.
        ("anthropic claude-opus-4-6 input standard 300000 global 2026-03-12", "10"),
        ("anthropic claude-opus-4-6 input standard 300000 global 2026-03-13", "5"),
        // Opus 4.6 fast mode: 60/225 above 200K for two weeks, then flat, then gone.
        ("anthropic claude-opus-4-6 output fast 300000 global 2026-02-20", "225"),
        ("anthropic claude-opus-4-6 output fast 300000 global 2026-02-21", "150"),
        ("anthropic claude-opus-4-6 output fast 0 global 2026-06-29", "Ended"),
        ("anthropic claude-3-5-haiku-20241022 input standard 0 global 2024-12-04", "1"),
        ("anthropic claude-3-5-haiku-20241022 input standard 0 global 2024-12-05", "0.8"),
        ("anthropic claude-3-5-haiku-20241022 cache_write.1h standard 0 global 2026-01-01", "1.6"),
        ("anthropic claude-3-haiku-20240307 cache_write.5m standard 0 global 2025-01-01", "0.3"),
        ("anthropic claude-opus-5-5 cache_read standard 0 global 2026-10-01", "0.2"),
        ("anthropic claude-opus-5 web_search standard 0 global 2026-10-01", "10000"),
        // Hours: 0.05 and 0.08 each.
        ("anthropic claude-opus-5 code_exec.hour standard 0 global 2026-10-01", "50000"),
        ("anthropic claude-opus-5 session.hour standard 0 global 2026-10-01", "80000"),
        // Modifiers.
        ("anthropic claude-sonnet-4-6 input standard 0 geo:us 2026-10-01", "3.3"),
        ("anthropic claude-sonnet-4-5-20250929 input standard 0 geo:us 2026-10-01", "3"),
        ("anthropic claude-sonnet-4-6 input standard 0 geo:eu 2026-10-01", "3"),
        ("anthropic claude-opus-5 web_search standard 0 geo:us 2026-10-01", "10000"),
        ("anthropic claude-sonnet-4-6 cache_write.1h batch 0 geo:us 2026-10-01", "3.3"),
        ("anthropic claude-sonnet-4-6 input batch 300000 global 2026-03-01", "3"),
        ("openai gpt-5.6-luna input standard 0 geo:eu 2026-10-12", "0.22"),
        ("openai gpt-5-mini input standard 0 geo:eu 2026-10-12", "0.25"),
        ("openai gpt-5-mini input batch 0 global 2026-09-01", "0.125"),
        // No row is not zero, and no other row stands in.
        ("openai gpt-5-mini cache_read batch 0 global 2026-09-01", "NoRow"),
        ("openai gpt-5-mini input ultrafast 0 global 2026-10-12", "NoRow"),
        ("openai gpt-5.5 input priority 300000 global 2026-10-12", "NoRow"),
        ("openai gpt-5.6-luna cache_write.12h standard 0 global 2026-10-12", "NoRow"),
        ("openai gpt-realtime input batch 0 global 2026-10-12", "NoRow"),
        ("openai gpt-5-mini input standard 0 global 2025-08-06", "NoRow"),
        ("openai gpt-5-maxi input standard 0 global 2026-10-12", "UnknownModel"),
        ("mistral mistral-large input standard 0 global 2026-10-12", "UnknownModel"),
    ] {
        assert_eq!(price(&book, line), expected, "{line}");
    }
}

#[test]
fn a_price_carries_its_proof() {
    let book = book();
    let priced = book.price(&query("openai gpt-5.6-luna input batch 300000 geo:us 2026-08-01")).unwrap();
    assert_eq!(priced.unit.per_million(), "0.22");
    let factors: Vec<String> =
        priced.factors.iter().map(|(id, factor)| format!("{id} {}", factor.decimal_text(4))).collect();
    assert_eq!(factors, ["openai-batch 0.5", "openai-residency 1.1"]);
    assert!(priced.unverified, "the seller does not list which models run in batches at half price");
    let row =
        book.rows("openai", "gpt-5.6-luna", Meter::Input).into_iter().find(|row| row.origin == priced.row);
    assert_eq!(row.map(|row| (&*row.price, row.from)), Some(("0.4", at("2026-07-30"))));
    // A row written for the very tier suppresses the modifier.
    let priced = book.price(&query("anthropic claude-sonnet-5 input batch 0 global 2026-10-05")).unwrap();
    assert_eq!((priced.unit.per_million(), priced.factors.len()), ("1".to_owned(), 0));
}

#[test]
fn what_was_known_then() {
    let then = Pricebook::load(None, &[], Some("2026-08-01".parse().unwrap())).unwrap();
    let line = "anthropic claude-sonnet-5 input standard 0 global 2026-09-01";
    let scheduled = then.price(&query(line)).unwrap();
    assert_eq!((scheduled.unit.per_million(), scheduled.unverified), ("3".to_owned(), true));
    assert_eq!(price(&book(), line), "2");
    assert_eq!(book().known_at().to_string(), "2026-11-25");
    // The hash is that of the knowledge: less of it is another book, all of it the same one.
    assert_ne!(then.sha256(), book().sha256());
    let now = Pricebook::load(None, &[], Some(book().known_at())).unwrap();
    assert_eq!(now.sha256(), book().sha256());
}

#[test]
fn names_as_logs_bills_and_consoles_write_them() {
    let book = book();
    let now = at("2026-10-15");
    for (seller, name, id) in [
        ("openai", "gpt-5-mini-2025-08-07", "gpt-5-mini"),
        ("openai", "gpt-5.5-2026-04-23", "gpt-5.5"),
        ("openai", "openai/gpt-5", "gpt-5"),
        ("openai", "gpt-4o", "gpt-4o-2024-08-06"),
        ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
        ("anthropic", "Claude Sonnet 4.5", "claude-sonnet-4-5-20250929"),
        ("anthropic", "Claude Haiku 3.5", "claude-3-5-haiku-20241022"),
        ("anthropic", "Claude Opus 5", "claude-opus-5"),
        ("anthropic", "claude-opus-4-6-20260205", "claude-opus-4-6"),
        ("anthropic", "claude-opus-4-7-20260416", "claude-opus-4-7"),
        ("openai", "gpt-5.6", "gpt-5.6-sol"),
        ("openai", "text-embedding-ada-002-v2", "text-embedding-ada-002"),
        ("anthropic", "claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
    ] {
        assert_eq!(book.resolve(seller, name, now), Some(id), "{name}");
    }
    for (seller, name) in [
        ("openai", "gpt-5.6-luna-fast"),
        ("openai", "ft:gpt-4o-2024-08-06:acme:x:1"),
        ("openai", "gpt-4o-2024-09-09"),
        ("openai", "claude-opus-5"),
        ("anthropic", "claude-sonnet-4-5-20250930"),
        ("anthropic", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ] {
        assert_eq!(book.resolve(seller, name, now), None, "{name}");
    }
    assert_eq!(book.resolve("openai", "gpt-4o", at("2024-09-01")), Some("gpt-4o-2024-05-13"));
}

#[test]
fn nothing_went_missing_and_every_row_has_evidence() {
    let book = book();
    // 780 and 226 prices were found with dated evidence before the ledgers were begun. Anthropic's list adds 10 flat
    // prices after the long-context surcharge of Claude 4.6 went, and 4 of Opus 4.6 fast mode above 200K.
    for (seller, dated) in [("openai", 780), ("anthropic", 226 + 10 + 4)] {
        let own = book.ledger(seller).filter(|row| &*row.model != "*" && !row.free);
        let own = own.filter(|row| {
            matches!(row.status, PriceStatus::Listed | PriceStatus::Promo)
                || (seller == "openai" && row.status == PriceStatus::Estimated)
        });
        assert!(own.count() >= dated, "{seller}");
    }
    for row in book.sellers().flat_map(|seller| book.ledger(seller)) {
        let evidence = book.evidence(&row.source);
        assert!(evidence.is_some_and(|found| found.url.starts_with("https://")), "{}", row.origin);
        assert!(row.basis.is_some(), "{}", row.origin);
    }
    let withdrawn = book.rows("anthropic", "claude-sonnet-5", Meter::Input);
    let statuses: Vec<&str> =
        withdrawn.iter().filter(|r| r.tier == Some(Tier::Standard)).map(|r| r.status.id()).collect();
    assert_eq!(statuses, ["promo", "scheduled", "withdrawn"]);
}

#[test]
fn ledgers_are_in_canonical_order() {
    let book = book();
    for seller in book.sellers() {
        let mut rows: Vec<&PriceRow> = book.ledger(seller).collect();
        rows.sort_by_key(|row| row.origin.line);
        assert!(
            rows.is_sorted_by_key(|row| (row.recorded, &row.model, row.key(), row.from, row.rev)),
            "{seller}"
        );
    }
}

#[test]
fn bands_are_the_boundaries_that_selection_uses() {
    let book = book();
    let bands = book.bands();
    let shown: Vec<(u64, bool)> = bands.iter().map(|band| (band.tokens, band.inclusive)).collect();
    for band in [
        (100_000, false),
        (128_000, false),
        (128_000, true),
        (200_000, false),
        (200_000, true),
        (272_000, false),
    ] {
        assert!(shown.contains(&band), "{shown:?}");
    }
    // Any prompt prices as the smallest prompt of its band.
    for prompt in [0, 1, 99_999, 100_000, 100_001, 200_000, 200_001, 272_000, 272_001, 5_000_000] {
        let edge = book.band_prompt(Band::index(&bands, prompt));
        for line in [
            "anthropic claude-haiku-5-5 input standard 0 global 2026-10-08",
            "anthropic claude-opus-4-6 output standard 0 global 2026-03-01",
            "openai gpt-5.6-sol output flex 0 global 2026-10-08",
        ] {
            let query = query(line);
            assert_eq!(
                book.price(&PriceQuery { prompt, ..query }),
                book.price(&PriceQuery { prompt: edge, ..query })
            );
        }
    }
}

#[test]
fn a_day_can_be_split_where_prices_change() {
    let book = book();
    let changes = |seller, model, first, last| book.price_changes(seller, model, at(first), at(last));
    assert_eq!(changes("openai", "gpt-5.6-luna", "2026-07-29", "2026-08-30"), [at("2026-07-30")]);
    assert_eq!(changes("openai", "gpt-5.6-luna", "2026-07-30", "2026-07-31"), [0; 0]);
    assert_eq!(changes("openai", "gpt-4o", "2024-10-01", "2024-10-03"), [at("2024-10-02")]);
}
