//! What books, or a file of rules, say about accounts, names and traffic, in the words of the rating step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::books::inputs::{Account as Declared, ModelAlias};
use crate::books::traffic::Traffic;
use crate::close::inputs::CloseInputs;
use crate::rate::{Account, ModelMapping, TrafficFilter, TrafficRule, TrafficSet};

/// Adds what one place declares; what was declared before comes first.
pub fn declare(accounts: &[Declared], models: &[ModelAlias], rules: &[Traffic], inputs: &mut CloseInputs) {
    for declared in accounts {
        let account = account(declared);
        inputs.gateway.entry(account.clone()).or_default().extend(texts(&declared.projects));
        inputs.accounts.push(account);
    }
    for (key, accounts) in keys(accounts) {
        let known = inputs.keys.entry(key).or_default();
        let sellers: BTreeSet<Arc<str>> = known.iter().map(|account| account.provider.clone()).collect();
        known.extend(accounts.into_iter().filter(|account| !sellers.contains(&account.provider)));
    }
    inputs.mappings.extend(mappings(models));
    inputs.traffic.extend(traffic(rules));
}

pub fn account(declared: &Declared) -> Account {
    Account { provider: declared.provider.0.into(), id: Some(declared.id.as_str().into()) }
}

/// Gateway keys with the accounts that pay for them.
pub fn keys(accounts: &[Declared]) -> BTreeMap<Arc<str>, BTreeSet<Account>> {
    let mut keys: BTreeMap<Arc<str>, BTreeSet<Account>> = BTreeMap::new();
    for declared in accounts {
        for key in &declared.keys {
            keys.entry(key.as_str().into()).or_default().insert(account(declared));
        }
    }
    keys
}

/// What names in the log stand for.
pub fn mappings(models: &[ModelAlias]) -> Vec<ModelMapping> {
    models
        .iter()
        .map(|model| ModelMapping {
            logged: model.logged.as_str().into(),
            seller: Some(model.seller.0.into()),
            model: model.model.as_str().into(),
            from: model.from,
            region: model.region.as_deref().map(Into::into),
            tier: model.tier,
        })
        .collect()
}

/// What holds for some traffic.
pub fn traffic(rules: &[Traffic]) -> Vec<TrafficRule> {
    rules
        .iter()
        .map(|Traffic { seller, from, until, filter, set, .. }| TrafficRule {
            seller: seller.0.into(),
            from: *from,
            until: *until,
            filter: TrafficFilter {
                account: texts(&filter.account),
                key: texts(&filter.key),
                requested: texts(&filter.requested),
                model: texts(&filter.model),
                region: texts(&filter.region),
                tier: filter.tier.iter().copied().collect(),
                outcome: filter.outcome.iter().copied().collect(),
                call_type: filter.call_type.iter().copied().collect(),
                stream: filter.stream,
            },
            set: TrafficSet {
                model: set.model.as_deref().map(Into::into),
                region: set.region.as_deref().map(Into::into),
                tier: set.tier,
                prompt: set.ctx.map(|ctx| ctx.0.map_or(0, |band| band.tokens + u64::from(!band.inclusive))),
                meters: set.meters.clone(),
                billed: set.billed,
            },
        })
        .collect()
}

fn texts(texts: &[String]) -> BTreeSet<Arc<str>> {
    texts.iter().map(|text| text.as_str().into()).collect()
}
