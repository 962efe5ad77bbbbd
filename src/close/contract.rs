//! List, contracted and billed side by side: the contract's statements with what the bill has for the same models.

use std::collections::BTreeMap;

use super::document::{
    Cell, Charge, ContractAccount, ContractEffect, ContractModel, ContractPart, Evidence, Unpriced,
};
use crate::contract::{Effect, Statement};
use crate::money::Money;
use crate::pricebook::Pricebook;
use crate::pricebook::terms::{Kind, Shown};
use crate::reconcile::Line;

/// Costs by model; the order is the document's.
type Models = BTreeMap<Option<String>, ContractModel>;

/// One entry for every account; where no term applies, the contracted cost is the list cost.
pub(super) fn contract_accounts(
    statements: &[Statement],
    cells: &[Cell],
    charges: &[Charge],
    unpriced: &[Unpriced],
) -> Vec<ContractAccount> {
    let mut accounts: BTreeMap<(String, Option<String>), (Models, Money)> = BTreeMap::new();
    let stated: BTreeMap<(String, Option<String>), &Statement> = statements
        .iter()
        .map(|statement| {
            let account = &statement.account;
            ((account.provider.to_string(), account.id.as_ref().map(ToString::to_string)), statement)
        })
        .collect();
    for cell in cells {
        let key = (cell.provider.clone(), cell.account.clone());
        let contracted = stated.contains_key(&key);
        let (models, billed) = accounts.entry(key).or_default();
        let model = entry(models, cell.model.clone());
        add(&mut model.billed_cost, Some(cell.billed));
        *billed += cell.billed;
        if !contracted {
            add(&mut model.list_cost, Some(cell.priced));
            add(&mut model.contracted_cost, Some(cell.priced));
        }
    }
    // A sum of nothing but usage without a price is not zero.
    for usage in unpriced {
        let key = (usage.provider.clone(), usage.account.clone());
        let models = accounts.get_mut(&key).filter(|_| !stated.contains_key(&key)).map(|(models, _)| models);
        if let Some(model) = models.and_then(|models| models.get_mut(&Some(usage.model.clone()))) {
            model.list_cost = model.list_cost.filter(|cost| !cost.is_zero());
            model.contracted_cost = model.list_cost;
        }
    }
    for charge in charges {
        accounts.entry((charge.provider.clone(), charge.account.clone())).or_default().1 += charge.amount;
    }
    for (key, statement) in &stated {
        let (models, _) = accounts.entry(key.clone()).or_default();
        for (model, cost) in &statement.models {
            let entry = entry(models, Some(model.to_string()));
            add(&mut entry.list_cost, cost.list);
            add(&mut entry.contracted_cost, cost.contracted);
        }
    }
    let row = |(key, (models, billed)): ((String, Option<String>), (Models, Money))| {
        let statement = stated.get(&key);
        let sum = |cost: fn(&ContractModel) -> Option<Money>| models.values().filter_map(cost).sum::<Money>();
        ContractAccount {
            list_cost: sum(|model| model.list_cost),
            contracted_cost: statement
                .map_or_else(|| sum(|model| model.contracted_cost), |statement| statement.contracted),
            billed_cost: billed,
            effects: statement
                .map_or_else(Vec::new, |statement| statement.effects.iter().map(effect).collect()),
            provider: key.0,
            account: key.1,
            models: models.into_values().collect(),
        }
    };
    accounts.into_iter().map(row).collect()
}

fn entry(models: &mut Models, model: Option<String>) -> &mut ContractModel {
    models.entry(model.clone()).or_insert(ContractModel {
        model,
        list_cost: None,
        contracted_cost: None,
        billed_cost: None,
    })
}

fn add(sum: &mut Option<Money>, part: Option<Money>) {
    *sum = part.map_or(*sum, |part| Some(sum.unwrap_or_default() + part));
}

fn effect(effect: &Effect) -> ContractEffect {
    let part = |(model, amount): (&std::sync::Arc<str>, &Money)| ContractPart {
        model: model.to_string(),
        amount: *amount,
    };
    ContractEffect {
        term: effect.term.to_string(),
        name: effect.name.to_string(),
        kind: effect.kind.to_owned(),
        order: effect.order,
        billed_as: if effect.shown == Shown::Line { "line" } else { "usage" }.to_owned(),
        amount: effect.amount,
        models: effect.models.iter().map(part).collect(),
        steps: effect
            .steps
            .iter()
            .map(|step| Evidence {
                name: step.name.to_owned(),
                value: step.value.clone(),
                origin: Some(effect.origin.to_string()),
            })
            .collect(),
    }
}

/// True where a line without a model is an account's usage in a marketplace's units, as its contract names them.
pub(super) fn is_units(book: &Pricebook, line: &Line) -> bool {
    let text = line.line.text.to_lowercase();
    book.terms().iter().any(|term| {
        matches!(term.kind, Kind::MarketplaceUnit { .. })
            && *term.seller == *line.account.provider
            && term.is_for(line.account.id.as_deref())
            && term.line.as_ref().is_some_and(|words| text.contains(&words.to_lowercase()))
    })
}
