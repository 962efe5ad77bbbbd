//! Charges that a contract expects, matched with those on the bill: by the words the term names, else by the amount.

use super::charges::{ChargeLine, Expected};
use crate::causes::{Fact, Scope};
use crate::contract::{Effect, Statement};
use crate::diagnostic::Diagnostic;
use crate::money::Money;
use crate::pricebook::terms::Shown;
use crate::rate::Account;
use crate::vocabulary::ChargeCategory;

/// A bill prints whole cents: half of one, for each line of a charge, is no difference.
const HALF_CENT: i128 = 5_000_000_000;

/// Gives each charge the term that expects it, adds the expected charges that no document shows, and says which.
pub(super) fn expect(charges: &mut Vec<ChargeLine>, statements: &[Statement]) -> Vec<Diagnostic> {
    let mut missing = Vec::new();
    for statement in statements {
        let lines = statement.effects.iter().filter(|effect| effect.shown == Shown::Line);
        for effect in lines.filter(|effect| !effect.amount.is_zero()) {
            let matching = matching(charges, &statement.account, effect);
            if effect.line.is_none() && matching.len() > 1 {
                let found: Vec<&ChargeLine> = matching.iter().map(|index| &charges[*index]).collect();
                missing.push(several(&statement.account, effect, &found));
            } else if matching.is_empty() {
                missing.push(not_shown(&statement.account, effect));
                charges.push(absent(&statement.account, effect));
            } else {
                assign(charges, &matching, effect);
            }
        }
    }
    missing
}

/// Charges of the account that no other term expects and that are this one's: every charge with the term's words, or
/// those of a fitting category and the same amount, of which only a single one is its.
fn matching(charges: &[ChargeLine], account: &Account, effect: &Effect) -> Vec<usize> {
    let open = |charge: &ChargeLine| {
        charge.account == *account
            && charge.term.is_none()
            && !matches!(charge.cause, Some("terms.tax" | "inv.footing" | "unit.minor_currency"))
    };
    let open = charges.iter().enumerate().filter(|(_, charge)| open(charge));
    match &effect.line {
        Some(words) => {
            let words = words.to_lowercase();
            open.filter(|(_, charge)| charge.text.to_lowercase().contains(&words))
                .map(|(index, _)| index)
                .collect()
        }
        None => open
            .filter(|(_, charge)| fits(effect.kind, charge))
            .filter(|(_, charge)| within(charge.amount - effect.amount, charge.lines))
            .map(|(index, _)| index)
            .collect(),
    }
}

/// True where a charge may be what a kind of term asks for, and its own words do not say that it is something else.
fn fits(kind: &str, charge: &ChargeLine) -> bool {
    let category = match kind {
        "credit" => charge.category == ChargeCategory::Credit,
        "capacity" | "minimum" | "commitment" => {
            !matches!(charge.category, ChargeCategory::Credit | ChargeCategory::Tax)
        }
        // Discounts that have a line of their own.
        _ => !matches!(charge.category, ChargeCategory::Purchase | ChargeCategory::Tax),
    };
    category && !charge.cause.is_some_and(|cause| cause == "inv.non_usage" || cause.starts_with("cls."))
}

fn within(difference: Money, lines: u64) -> bool {
    difference.abs() <= Money::from_pico(HALF_CENT * i128::from(lines.max(1)))
}

/// All charges are the term's; what they come to beyond its amount is left unexplained on the first.
fn assign(charges: &mut [ChargeLine], matching: &[usize], effect: &Effect) {
    let (amounts, lines): (Vec<Money>, Vec<u64>) =
        matching.iter().map(|index| (charges[*index].amount, charges[*index].lines)).unzip();
    let difference = amounts.iter().sum::<Money>() - effect.amount;
    let rounding = within(difference, lines.iter().sum());
    for (place, index) in matching.iter().enumerate() {
        let charge = &mut charges[*index];
        let left = if place > 0 || rounding { Money::ZERO } else { difference };
        charge.cause = Some(effect.cause);
        charge.term = Some(expected(effect, charge.amount - left));
    }
}

fn expected(effect: &Effect, explained: Money) -> Expected {
    Expected {
        term: effect.term.to_string(),
        amount: effect.amount,
        explained,
        facts: effect.steps.iter().map(|step| Fact::new(step.name, &step.value).at(&effect.origin)).collect(),
    }
}

/// A charge of zero with what it should have been: it explains nothing and moves no total.
fn absent(account: &Account, effect: &Effect) -> ChargeLine {
    ChargeLine {
        account: account.clone(),
        category: match effect.kind {
            "capacity" => ChargeCategory::Purchase,
            "credit" => ChargeCategory::Credit,
            _ => ChargeCategory::Adjustment,
        },
        text: format!("not on the bill: {}", effect.name),
        amount: Money::ZERO,
        lines: 0,
        origin: effect.origin.to_string(),
        cause: None,
        scope: Scope::of(account),
        term: Some(expected(effect, Money::ZERO)),
    }
}

fn not_shown(account: &Account, effect: &Effect) -> Diagnostic {
    let message = format!("{} and no document shows it", comes_to(account, effect));
    Diagnostic::warning("expected-charge", effect.origin.clone(), message).help(
        "add the document that has it (cost exports rarely do), or name its words on the bill: line = \"…\"",
    )
}

fn several(account: &Account, effect: &Effect, found: &[&ChargeLine]) -> Diagnostic {
    let texts: Vec<String> = found.iter().map(|charge| format!("`{}`", charge.text)).collect();
    let message =
        format!("{} and several charges may be it: {}", comes_to(account, effect), texts.join(", "));
    let help = "name the words of the right one in the term: line = \"…\"";
    Diagnostic::warning("expected-charge", effect.origin.clone(), message).help(help)
}

fn comes_to(account: &Account, effect: &Effect) -> String {
    let id = account.id.as_deref().map(|id| format!("/{id}")).unwrap_or_default();
    let amount = effect.amount.grouped(2);
    format!("the {} of {}{id} comes to {amount}", effect.name, account.provider)
}
