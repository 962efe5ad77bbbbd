//! What a charge proves to be by its own type, meter and words. Words decide between kinds of non-usage only: a line of
//! tokens never comes here.

use crate::invoice::BillLine;
use crate::money::Money;
use crate::vocabulary::ChargeCategory::{self, Adjustment, Credit, Purchase, Tax, Usage};
use crate::vocabulary::Meter;

/// A kind of charge. The first that fits is the one.
pub(super) struct Kind {
    pub cause: &'static str,
    categories: &'static [ChargeCategory],
    /// Any of these meters, or any of these words; without either, the category is enough.
    meters: &'static [Meter],
    words: &'static [&'static str],
    /// What to do about it.
    pub fix: &'static str,
}

const CLASSIFY: &str = "give the charge an account and an owner; no request can match it";

static KINDS: &[Kind] = &[
    Kind {
        cause: "terms.tax",
        categories: &[Tax],
        meters: &[],
        words: &[],
        fix: "book it as recoverable or non-recoverable tax, not as usage",
    },
    Kind {
        cause: "terms.credit_refund",
        categories: &[Credit],
        meters: &[],
        words: &[],
        fix: "match it with the credit note or grant; it lowers what is payable, not what was used",
    },
    Kind {
        cause: "terms.marketplace_unit",
        categories: &[Usage, Purchase],
        meters: &[Meter::ConsumptionUnit],
        words: &["consumption unit", "consumption-unit"],
        fix: "add a `marketplace_unit` term with the price of a unit: then the line is compared with the usage behind it",
    },
    Kind {
        cause: "terms.commit_shortfall",
        categories: &[Usage, Purchase, Adjustment],
        meters: &[],
        words: &["shortfall", "minimum commit", "unused commit", "commitment"],
        fix: "add the commitment as a contract term: then its shortfall is expected and checked",
    },
    Kind {
        cause: "terms.reserved_capacity",
        categories: &[Usage, Purchase, Adjustment],
        meters: &[Meter::CapacityHour],
        words: &["provisioned", "reserved capacity", "reservation", "model unit", "scale tier"],
        fix: "add the capacity as a contract term, and price the tokens it serves at zero",
    },
    Kind {
        cause: "terms.platform_fee",
        categories: &[Purchase, Adjustment],
        meters: &[],
        words: &["fee", "surcharge"],
        fix: CLASSIFY,
    },
    Kind {
        cause: "terms.credit_refund",
        categories: &[Adjustment],
        meters: &[],
        words: &["refund", "credit", "goodwill"],
        fix: "match it with the credit note or grant; it lowers what is payable, not what was used",
    },
    Kind {
        cause: "round.line",
        categories: &[Adjustment],
        meters: &[],
        words: &["rounding"],
        fix: "book it as the rounding that it is: it makes the lines sum to what is payable",
    },
    Kind {
        cause: "inv.non_usage",
        categories: &[Usage, Purchase],
        meters: &[],
        words: &[
            "seat",
            "support",
            "training",
            "subscription",
            "license",
            "licence",
            "professional service",
            "workshop",
        ],
        fix: CLASSIFY,
    },
    Kind {
        cause: "cls.guardrail_addon",
        categories: &[Usage, Purchase],
        meters: &[],
        words: &["guardrail", "moderation", "content safety", "content filter", "model armor"],
        fix: "count guardrail checks in the gateway, cache hits included: they are charged by request, not by token",
    },
    Kind {
        cause: "cls.storage_session",
        categories: &[Usage],
        meters: &[
            Meter::StorageGbDay,
            Meter::CacheStorageTokenHour,
            Meter::CodeExecSession,
            Meter::CodeExecHour,
            Meter::SessionHour,
        ],
        words: &["storage", "session", "code interpreter", "code execution", "container"],
        fix: CLASSIFY,
    },
    Kind {
        cause: "cls.tool_fee",
        categories: &[Usage],
        meters: &[Meter::WebSearch, Meter::FileSearch],
        words: &["web search", "web_search", "file search", "grounding", "tool call"],
        fix: "log the count of tool calls that each answer reports: they are charged by the call, beside the tokens",
    },
    Kind {
        cause: "cls.sub_inference",
        categories: &[Usage],
        meters: &[],
        words: &["advisor", "sub-inference", "nested model"],
        fix: "log the iterations of each answer: calls that the provider makes for it are billed beside its own usage",
    },
    // After the fees of tools: a bill may have no type of its own for what is no usage.
    Kind {
        cause: "terms.platform_fee",
        categories: &[Usage],
        meters: &[],
        words: &[
            "platform fee",
            "gateway fee",
            "marketplace fee",
            "service fee",
            "service charge",
            "surcharge",
        ],
        fix: CLASSIFY,
    },
];

/// The kind of a charge; `None`: the line says nothing that proves what it is.
pub(super) fn kind(line: &BillLine) -> Option<&'static Kind> {
    let text = line.text.to_lowercase();
    KINDS.iter().find(|kind| {
        kind.categories.contains(&line.category)
            && !(kind.cause == "terms.credit_refund" && is_charge(line))
            && ((kind.words.is_empty() && kind.meters.is_empty())
                || line.meter.is_some_and(|meter| kind.meters.contains(&meter))
                || kind.words.iter().any(|word| text.contains(word)))
    })
}

/// True for what is no credit by its type and has to be paid, whatever its words say.
fn is_charge(line: &BillLine) -> bool {
    line.category != Credit && line.amount.is_some_and(|amount| amount > Money::ZERO)
}

/// What to do about a charge whose cause no contract term expects.
pub(super) fn fix(cause: Option<&str>) -> &'static str {
    match cause {
        Some("inv.footing") => {
            "ask for a corrected document before it is paid: its lines do not add up to its total"
        }
        Some("unit.minor_currency") => {
            "read the amounts of this document as cents, or ask for them in dollars"
        }
        _ => KINDS.iter().find(|kind| Some(kind.cause) == cause).map_or(CLASSIFY, |kind| kind.fix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Origin;
    use crate::period::{Day, Period};

    fn cause(category: ChargeCategory, text: &str) -> Option<&'static str> {
        let day: Day = "2026-10-31".parse().unwrap();
        let line =
            BillLine { category, ..BillLine::new(Origin::default(), text, Period { first: day, last: day }) };
        kind(&line).map(|kind| kind.cause)
    }

    #[test]
    fn words_decide_within_a_category() {
        for (category, text, wanted) in [
            (Tax, "VAT 19 %", Some("terms.tax")),
            (Credit, "anything", Some("terms.credit_refund")),
            (Purchase, "Platform fee 5.5 %", Some("terms.platform_fee")),
            (Purchase, "ChatGPT Team, 5 seats", Some("inv.non_usage")),
            (Usage, "Enterprise support plan", Some("inv.non_usage")),
            (Usage, "Bedrock Guardrails, text units", Some("cls.guardrail_addon")),
            (Usage, "Vector storage", Some("cls.storage_session")),
            (Usage, "Web Search Usage", Some("cls.tool_fee")),
            (Usage, "Claude Consumption Units", Some("terms.marketplace_unit")),
            (Adjustment, "Shortfall of the annual commitment", Some("terms.commit_shortfall")),
            (Purchase, "Provisioned throughput, 3 units", Some("terms.reserved_capacity")),
            (Adjustment, "Goodwill for the outage", Some("terms.credit_refund")),
            (Usage, "Platform fee 5 %", Some("terms.platform_fee")),
            (Usage, "Web search, fee by the call", Some("cls.tool_fee")),
            (Adjustment, "Rounding adjustment", Some("round.line")),
            // Nothing that proves anything.
            (Usage, "Other usage", None),
            (Purchase, "Prepaid balance", None),
            (Adjustment, "Correction", None),
        ] {
            assert_eq!(cause(category, text), wanted, "{text}");
        }
    }

    #[test]
    fn a_refund_that_has_to_be_paid_is_none() {
        let day: Day = "2026-10-31".parse().unwrap();
        let line =
            BillLine::new(Origin::default(), "Refund for the incident", Period { first: day, last: day });
        let of = |amount: &str| {
            let line =
                BillLine { category: Adjustment, amount: Some(amount.parse().unwrap()), ..line.clone() };
            kind(&line).map(|kind| kind.cause)
        };
        assert_eq!((of("-3"), of("3")), (Some("terms.credit_refund"), None));
    }
}
