//! Who published a row, which seller that is, and whether the row is about language models at all.

use super::row::Cells;
use crate::vocabulary::{ChargeCategory, SELLERS, Seller};

/// Whose words the SKU columns of a row are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publisher {
    Aws,
    Microsoft,
    Google,
    Other,
}

/// A publisher names itself in one of these; 1.4 keeps only the first and the last.
const NAMES: &[&str] = &["ServiceProviderName", "ProviderName", "InvoiceIssuerName"];

impl Publisher {
    pub fn of(cells: &Cells) -> Publisher {
        let named = NAMES.iter().filter_map(|column| cells.get(column)).find_map(|name| {
            let name = name.to_ascii_lowercase();
            match () {
                () if name == "aws" || name.contains("amazon") => Some(Publisher::Aws),
                () if name.contains("microsoft") || name == "azure" => Some(Publisher::Microsoft),
                () if name.contains("google") => Some(Publisher::Google),
                () => None,
            }
        });
        named.unwrap_or_else(|| match () {
            () if cells.knows("x_UsageType") || cells.knows("x_ServiceCode") => Publisher::Aws,
            () if cells.knows("x_SkuMeterId") || cells.knows("x_PricingBlockSize") => Publisher::Microsoft,
            () if cells.knows("x_CostType") || cells.knows("x_Credits") => Publisher::Google,
            () => Publisher::Other,
        })
    }
}

/// The seller a row names, where it names one we know.
pub fn seller(cells: &Cells, publisher: Publisher) -> Option<&'static str> {
    let service = cells.get("ServiceName").unwrap_or("").to_ascii_lowercase();
    match publisher {
        Publisher::Aws => Some("aws-bedrock"),
        Publisher::Microsoft => Some("azure-openai"),
        // Google sells the same models through two price lists; only the service tells them apart.
        Publisher::Google if service.contains("vertex") => Some("google-vertex"),
        Publisher::Google if service.contains("gemini") => Some("google-gemini-api"),
        Publisher::Google => None,
        Publisher::Other => NAMES.iter().filter_map(|column| cells.get(column)).find_map(|name| {
            let named = SELLERS.iter().find(|seller| seller.name.eq_ignore_ascii_case(name));
            named.or_else(|| Seller::find(name)).map(|seller| seller.id)
        }),
    }
}

/// Words that only model services and model SKUs carry.
const MODEL_WORDS: &[&str] = &[
    "bedrock",
    "openai",
    "foundry",
    "azure ai services",
    "vertex ai",
    "gemini",
    "generative language",
    "claude",
    "anthropic",
    "mistral",
    "deepseek",
    "llm",
    "token",
];
const EVIDENCE: &[&str] = &[
    "ServiceName",
    "SkuMeter",
    "ChargeDescription",
    "ResourceId",
    "ConsumedUnit",
    "x_SkuMeterSubcategory",
    "x_UsageType",
];
/// Subcategories of "AI and Machine Learning" that hold no language models.
const OTHER_AI: &[&str] = &["bots", "machine learning", "natural language processing"];

/// False for rows of other services on a cloud bill.
pub fn is_in_scope(cells: &Cells, category: ChargeCategory) -> bool {
    let about_models = EVIDENCE.iter().filter_map(|column| cells.get(column)).any(|text| {
        let text = text.to_ascii_lowercase();
        MODEL_WORDS.iter().any(|word| text.contains(word))
    });
    if about_models {
        return true;
    }
    let lower = |column| cells.get(column).unwrap_or("").to_ascii_lowercase();
    match lower("ServiceCategory").as_str() {
        "ai and machine learning" => !OTHER_AI.contains(&lower("ServiceSubcategory").as_str()),
        // Tax, credits and rounding of the account as a whole belong to no service.
        "" | "other" => {
            matches!(category, ChargeCategory::Tax | ChargeCategory::Credit | ChargeCategory::Adjustment)
                || (!cells.knows("ServiceCategory") && cells.get("ServiceName").is_none())
        }
        _ => false,
    }
}
