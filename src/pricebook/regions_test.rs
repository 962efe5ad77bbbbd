//! What names say of region and tier, and that no region stands in for another in silence.

use super::*;
use crate::period::read_instant;
use crate::pricebook::files::BookFile;

fn at(text: &str) -> i64 {
    read_instant(text).unwrap().0
}

/// A book of its own: `models.toml`, `modifiers.toml` and rows of one seller, `model,meter,tier,region,price`.
fn book(seller: &str, models: &str, modifiers: &str, rows: &[&str]) -> Pricebook {
    let mut ledger =
        "model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source\n".to_owned();
    for row in rows {
        let [model, meter, tier, region, price] = row.split(',').collect::<Vec<_>>().try_into().unwrap();
        ledger +=
            &format!("{model},{meter},{tier},0,{region},*,{price},1,USD,2026-01-01,2026-01-01,1,listed,s\n");
    }
    let files = [
        ("book.toml".to_owned(), "name = \"t\"\nbase = \"none\"\n".to_owned()),
        ("models.toml".to_owned(), models.to_owned()),
        ("modifiers.toml".to_owned(), modifiers.to_owned()),
        (format!("prices/{seller}.csv"), ledger),
    ];
    let files = files.map(|(name, content)| BookFile {
        layer: Layer::Overlay,
        shown: name.clone(),
        name,
        content: content.into(),
    });
    let reading = Pricebook::read(files.into(), Vec::new(), None);
    assert_eq!(reading.problems, []);
    reading.book
}

#[test]
fn a_name_says_where_and_at_which_tier() {
    let book = Pricebook::shipped().unwrap();
    let said = |seller: &str, name: &str| match book.resolve_name(seller, name, at("2026-10-01")) {
        Some(Named { model, region, tier }) => {
            format!("{model} {} {}", region.as_deref().unwrap_or("-"), tier.map_or("-", Tier::id))
        }
        None => "unknown".to_owned(),
    };
    let sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    for (seller, name, expected) in [
        ("aws-bedrock", format!("us.{sonnet}"), format!("{sonnet} geo:us -")),
        ("aws-bedrock", format!("bedrock/global.{sonnet}"), format!("{sonnet} global -")),
        ("aws-bedrock", format!("converse/global.{sonnet}"), format!("{sonnet} global -")),
        ("aws-bedrock", format!("bedrock/invoke/us-west-2/{sonnet}"), format!("{sonnet} us-west-2 -")),
        ("aws-bedrock", format!("bedrock/converse_like/us.{sonnet}"), format!("{sonnet} geo:us -")),
        ("aws-bedrock", format!("us-gov.{sonnet}"), format!("{sonnet} geo:us-gov -")),
        ("aws-bedrock", sonnet.to_owned(), format!("{sonnet} - -")),
        ("aws-bedrock", format!("bedrock/eu-west-3/{sonnet}"), format!("{sonnet} eu-west-3 -")),
        // The profile in the ARN decides, not the region from which it is called.
        (
            "aws-bedrock",
            format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{sonnet}"),
            format!("{sonnet} geo:us -"),
        ),
        (
            "aws-bedrock",
            format!("arn:aws:bedrock:eu-central-1::foundation-model/{sonnet}"),
            format!("{sonnet} eu-central-1 -"),
        ),
        ("aws-bedrock", format!("usa.{sonnet}"), "unknown".to_owned()),
        ("aws-bedrock", format!("us.us.us.us.us.{sonnet}"), "unknown".to_owned()),
        (
            "aws-bedrock",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc".to_owned(),
            "unknown".to_owned(),
        ),
        ("azure-openai", "azure/eu/gpt-5.1".to_owned(), "gpt-5.1 datazone:eu -".to_owned()),
        ("azure-openai", "gpt-5.1".to_owned(), "gpt-5.1 - -".to_owned()),
        (
            "google-vertex",
            "projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-5@20260724".to_owned(),
            "unknown".to_owned(),
        ),
        (
            "google-vertex",
            "projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-5@default".to_owned(),
            "claude-opus-5 us-east5 -".to_owned(),
        ),
        ("google-gemini-api", "models/gemini-2.5-flash".to_owned(), "gemini-2.5-flash - -".to_owned()),
    ] {
        assert_eq!(said(seller, &name), expected, "{name}");
    }
}

#[test]
fn a_suffix_is_a_tier_or_a_route_and_a_fine_tune_has_its_own_rows() {
    let openrouter = "[[seller]]\nid = \"openrouter\"\nforms = [{ name = \"{model}:nitro\" }, { name = \"{model}:batch\", tier = \"batch\" }]\n\
        [[model]]\nid = \"v/m\"\nseller = \"openrouter\"\n[[model]]\nid = \"v/m:free\"\nseller = \"openrouter\"\n";
    let free = book("openrouter", openrouter, "", &["v/m,input,standard,global,1"]);
    let said = |name: &str| free.resolve_name("openrouter", name, 0).map(|named| (named.model, named.tier));
    assert_eq!(said("v/m:free"), Some(("v/m:free", None)));
    assert_eq!(said("V/M:nitro"), Some(("v/m", None)));
    assert_eq!(said("v/m:batch"), Some(("v/m", Some(Tier::Batch))));
    assert_eq!(said("v/m:thinking"), None);
    let tuned = "[[seller]]\nid = \"openai\"\nforms = [{ name = \"ft:{model}:{any}:{any}:{any}\", model = \"ft:{model}\" }]\n\
        [[model]]\nid = \"ft:gpt-4.1\"\nseller = \"openai\"\nsnapshots = \"date\"\n[[model]]\nid = \"gpt-4o\"\nseller = \"openai\"\n";
    let tuned = book("openai", tuned, "", &["ft:gpt-4.1,input,standard,global,3"]);
    assert_eq!(tuned.resolve("openai", "ft:gpt-4.1-2025-04-14:acme::B1x", 0), Some("ft:gpt-4.1"));
    assert_eq!(tuned.resolve("openai", "ft:gpt-4o:acme::B1x", 0), None);
    assert_eq!(tuned.resolve("openai", "ft:gpt-4.1:acme:a/b:B1x", 0), None);
}

#[test]
fn forms_that_could_be_read_two_ways_are_refused() {
    let models = "[[seller]]\nid = \"openai\"\nforms = [{ name = \"x-{any}{model}\" }, { name = \"plain\" }, { name = \"{model}-{nodel}\" }, { name = \"us.{model}\", region = \"U S\" }]\n";
    let file = BookFile {
        layer: Layer::Overlay,
        name: "models.toml".into(),
        shown: "models.toml".into(),
        content: models.into(),
    };
    let problems: Vec<String> =
        Pricebook::read(vec![file], Vec::new(), None).problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "error: models.toml:3:19: `x-{any}{model}` is no form of a name",
            "error: models.toml:3:48: `plain` is no form of a name",
            "error: models.toml:3:68: `{model}-{nodel}` is no form of a name",
            "error: models.toml:3:121: `U S` is no region",
        ]
    );
}

#[test]
fn an_exact_seller_prices_a_region_only_by_a_row_a_parent_or_a_rule() {
    let models = "[[seller]]\nid = \"azure-openai\"\nregions = \"exact\"\n[[model]]\nid = \"m\"\nseller = \"azure-openai\"\n\
        [[model]]\nid = \"n\"\nseller = \"azure-openai\"\n[[model]]\nid = \"same\"\nseller = \"azure-openai\"\n";
    let modifiers = "[[region]]\nseller = \"azure-openai\"\nid = \"datazone:japaneast\"\nparent = \"datazone:asia\"\n\
        [[modifier]]\nid = \"up\"\nseller = \"azure-openai\"\nfactor = \"1.1\"\nregions = [\"geo:*\"]\nmodels = [\"m*\"]\n\
        applies_to = [\"input\"]\norder = 1\nsource = \"s\"\n";
    let book = book(
        "azure-openai",
        models,
        modifiers,
        &[
            "m,input,standard,global,10",
            "m,input,standard,datazone:asia,12",
            "m,input,standard,geo:de,13",
            "m,output,standard,global,20",
            "n,input,standard,global,10",
            "same,input,standard,global,10",
            "same,web_search,*,*,1",
        ],
    );
    let price = |model, meter, region| {
        let (tier, prompt) = (Tier::Standard, 0);
        let query =
            PriceQuery { seller: "azure-openai", model, meter, tier, region, prompt, at: at("2026-05-01") };
        match book.price(&query) {
            Ok(priced) => {
                let units = Ratio::quotient(1, 1_000_000).unwrap().checked_mul(priced.unit).unwrap();
                format!("{}{}", units.per_million(), if priced.unverified { "?" } else { "" })
            }
            Err(reason) => format!("{reason:?}"),
        }
    };
    for (model, meter, region, expected) in [
        ("m", Meter::Input, "global", "10"),
        ("m", Meter::Input, "datazone:asia", "12"),
        ("m", Meter::Input, "datazone:japaneast", "12"),
        ("m", Meter::Input, "datazone:eu", "NoRegion"),
        ("m", Meter::Input, "geo:us", "11"),
        // A row of the region suppresses the rule.
        ("m", Meter::Input, "geo:de", "13"),
        // The rule is for `input` of `m` alone.
        ("m", Meter::Output, "geo:us", "NoRegion"),
        ("n", Meter::Input, "geo:us", "NoRegion"),
        // Usage that names no region: `global`, and unverified where the book has other regions.
        ("m", Meter::Input, "", "10?"),
        ("same", Meter::Input, "", "10"),
        ("same", Meter::WebSearch, "eastus", "1"),
        ("same", Meter::Page, "eastus", "NoRow"),
    ] {
        assert_eq!(price(model, meter, region), expected, "{model} {meter} {region}");
    }
}
