//! The shipped book, out and in again.

use super::*;
use crate::period::Day;
use crate::pricebook::files;
use crate::review::import::{self, Context};

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn entry<'e>(export: &'e Export, name: &str) -> &'e Value {
    export.map.get(name).unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn what_goes_out_comes_in_and_agrees() {
    for retrieved in ["2026-11-23", "2025-06-10"].map(day) {
        let book = Pricebook::shipped().unwrap();
        let export = litellm(&book, &[], retrieved.start());
        let context = Context { book: &book, retrieved, sellers: &[] };
        let (format, mut listing) = import::read("map.json", &export.json(), None, &context).unwrap();
        assert_eq!(format.id, "litellm");
        let outcome = import::compare(&mut listing, &context);
        let conflicts: Vec<String> = outcome
            .conflicts
            .iter()
            .map(|conflict| format!("{} {}: {:?}", conflict.quote.name, conflict.quote.key, conflict.remarks))
            .collect();
        assert_eq!(conflicts, Vec::<String>::new(), "{retrieved}");
        assert_eq!(outcome.proposed, [], "{retrieved}");
        assert!(outcome.agreed > 1000, "{retrieved}: {}", outcome.agreed);
        // Only what is no price comes back as none: factors, and zeros that the book means.
        for (key, why) in listing.inexpressible.keys() {
            assert!(why.contains("factor"), "{retrieved}: {key}: {why}");
        }
        assert!(listing.out_of_scope.is_empty());
    }
}

#[test]
fn entries_are_what_the_sellers_list() {
    let book = Pricebook::shipped().unwrap();
    let export = litellm(&book, &[], day("2026-10-12").start());
    for (name, key, wanted) in [
        // OpenAI's price page since 2026-07-30, and half of it in batches.
        ("gpt-5.6-luna", "input_cost_per_token", "0.0000002"),
        ("gpt-5.6-luna", "output_cost_per_token_above_272k_tokens", "0.0000018"),
        ("gpt-5.6-luna", "input_cost_per_token_batches", "0.0000001"),
        ("gpt-5.6-luna", "regional_processing_uplift_multiplier_eu", "1.1"),
        // Anthropic's: five times everything above 100,000 tokens, twice the input for an hour of cache.
        ("claude-haiku-5-5", "input_cost_per_token_above_100k_tokens", "0.0000005"),
        ("claude-haiku-5-5", "cache_creation_input_token_cost_above_1hr", "0.0000002"),
        ("gemini/gemini-2.5-pro", "input_cost_per_token_above_200k_tokens", "0.0000025"),
    ] {
        assert_eq!(entry(&export, name)[key].to_string(), wanted, "{name} {key}");
    }
    assert_eq!(entry(&export, "claude-haiku-5-5")["provider_specific_entry"].to_string(), r#"{"us":1.1}"#);
    // Fast mode of Opus 4.8 is twice its price, in every class.
    assert_eq!(entry(&export, "claude-opus-4-8")["provider_specific_entry"]["fast"].to_string(), "2");
    assert_eq!(entry(&export, "gpt-5.6-luna")["litellm_provider"], "openai");
    assert_eq!(entry(&export, "text-embedding-3-small")["mode"], "embedding");
    let inclusive = export.left_out.iter().find(|(why, _)| why.starts_with("a boundary that counts itself"));
    assert!(inclusive.is_some_and(|(_, models)| models.contains("xai/grok-4.3")));
}

#[test]
fn nothing_in_force_is_left_out_in_silence() {
    let rows = "model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source\n\
        m,input,standard,0,global,*,1,1000000,USD,2026-01-01,2026-01-01,1,listed,p\n\
        m,input,standard,>=200000,global,*,2,1000000,USD,2026-01-01,2026-01-01,1,listed,p\n\
        m,input,standard,>100500,global,*,1.5,1000000,USD,2026-01-01,2026-01-01,1,listed,p\n\
        m,input,standard,>300000,global,*,,1000000,USD,2026-01-01,2026-01-01,1,ended,p\n\
        m,input,fast,0,global,*,6,1000000,USD,2026-01-01,2026-01-01,1,listed,p\n\
        m,input,standard,0,geo:eu,*,1.2,1000000,USD,2026-01-01,2026-01-01,1,listed,p\n\
        m,capacity.hour,standard,0,global,*,7,1,USD,2026-01-01,2026-01-01,1,estimated,p\n\
        m,output,standard,0,global,*,5,1000000,USD,2026-01-01,2026-01-01,1,estimated,p\n";
    let text = [
        ("book.toml", "name = \"x\"\nbase = \"none\"\n"),
        ("models.toml", "[[model]]\nid = \"m\"\nseller = \"xai\"\n"),
        ("sources.toml", "[[source]]\nid = \"p\"\nurl = \"https://a.example\"\nretrieved = 2026-01-01\n"),
        ("prices/xai.csv", rows),
    ];
    let files = text.map(|(name, content)| files::BookFile {
        layer: crate::pricebook::Layer::Overlay,
        name: name.to_owned(),
        shown: name.to_owned(),
        content: content.into(),
    });
    let reading = Pricebook::read(files.to_vec(), Vec::new(), None);
    assert_eq!(reading.problems, []);
    let export = litellm(&reading.book, &[], day("2026-02-01").start());
    let whys: Vec<&str> = export.left_out.keys().map(|why| why.split(':').next().unwrap()).collect();
    assert_eq!(
        whys,
        [
            "a boundary that counts itself",
            "a boundary that is no multiple of 1,000 tokens",
            "a prompt size that is no longer sold",
            "a region that LiteLLM has no name for",
            "a tier that LiteLLM has no key for",
            "a unit that LiteLLM has no key for",
            "an unverified price",
        ]
    );
    assert_eq!(
        entry(&export, "xai/m").to_string(),
        r#"{"input_cost_per_token":0.000001,"input_cost_per_token_above_200k_tokens":0.000002,"litellm_provider":"xai","mode":"chat","output_cost_per_token":0.000005,"source":"https://a.example"}"#
    );
}
