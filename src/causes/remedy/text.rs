//! Remedies as tables of `llmfin.toml` and of contracts.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Discount, Remedy};
use crate::inert::toml as text;
use crate::rate::{TrafficFilter, TrafficRule, TrafficSet};

impl Remedy {
    /// The table to add to `llmfin.toml` (a contract for a discount); `None` for a price, which is a row of a ledger.
    pub fn toml(&self, cause: &str) -> Option<String> {
        match self {
            Remedy::Price(_) => None,
            Remedy::Traffic(rule) => Some(traffic(rule, cause)),
            Remedy::Discount(discount) => Some(term(discount)),
            Remedy::Gateway { account, projects } => Some(format!(
                "[[account]]\nprovider = {}\nid = {}\nprojects = {}\n",
                text(&account.provider),
                text(account.id.as_deref()?),
                list(projects)
            )),
        }
    }
}

fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|word| text(word.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

fn traffic(rule: &TrafficRule, cause: &str) -> String {
    let TrafficFilter { account, key, requested, model, region, tier, outcome, call_type, stream } =
        &rule.filter;
    let about: Vec<&str> = [key, requested, model].into_iter().flatten().map(|name| &**name).collect();
    let name = format!("{cause} of {} from {}", about.join(", "), rule.from);
    let mut filter: Vec<String> = Vec::new();
    for (name, texts) in
        [("account", account), ("key", key), ("requested", requested), ("model", model), ("region", region)]
    {
        if !texts.is_empty() {
            filter.push(format!("{name} = {}", list(texts)));
        }
    }
    filter.extend((!tier.is_empty()).then(|| format!("tier = {}", list(tier.iter().map(|tier| tier.id())))));
    filter.extend(
        (!outcome.is_empty()).then(|| format!("outcome = {}", list(outcome.iter().map(|end| end.id())))),
    );
    filter.extend(
        (!call_type.is_empty())
            .then(|| format!("call_type = {}", list(call_type.iter().map(|call| call.id())))),
    );
    filter.extend(stream.map(|stream| format!("stream = {stream}")));
    let until = rule.until.map(|until| format!("until = \"{until}\"\n")).unwrap_or_default();
    format!(
        "[[traffic]]\nname = {}\nseller = {}\nfrom = \"{}\"\n{until}filter = {{ {} }}\nset = {{ {} }}\n",
        text(&name),
        text(&rule.seller),
        rule.from,
        filter.join(", "),
        set(&rule.set).join(", ")
    )
}

fn set(set: &TrafficSet) -> Vec<String> {
    let TrafficSet { model, region, tier, prompt, meters, billed } = set;
    let named = |name: &str, value: &Option<Arc<str>>| {
        value.as_ref().map(|value| format!("{name} = {}", text(value)))
    };
    let mut parts: Vec<String> =
        [named("model", model), named("region", region)].into_iter().flatten().collect();
    parts.extend(tier.map(|tier| format!("tier = \"{tier}\"")));
    parts.extend(prompt.map(|prompt| format!("ctx = \"{}\"", context(prompt))));
    if !meters.is_empty() {
        let meters: Vec<String> = meters.iter().map(|(from, to)| format!("\"{from}\" = \"{to}\"")).collect();
        parts.push(format!("meters = {{ {} }}", meters.join(", ")));
    }
    parts.extend(billed.map(|billed| format!("billed = {billed}")));
    parts
}

/// The boundary below a prompt size, in its usual form: sellers draw it behind whole thousands.
fn context(prompt: u64) -> String {
    match prompt {
        0 => "0".to_owned(),
        _ if prompt % 1000 == 1 => format!(">{}", prompt - 1),
        _ => format!(">={prompt}"),
    }
}

fn term(discount: &Discount) -> String {
    let Discount { account, from, percent, models, meters } = discount;
    let mut lines = vec!["[[term]]".to_owned(), format!("seller = {}", text(&account.provider))];
    lines.extend(account.id.as_ref().map(|id| format!("account = {}", text(id))));
    lines
        .push(format!("from = {from}\nkind = \"percent_off_list\"\nvalue = \"{}\"", percent.decimal_text(2)));
    if !models.is_empty() {
        lines.push(format!("models = {}", list(models)));
    }
    let meters: BTreeSet<&str> = meters.iter().map(|meter| meter.id()).collect();
    lines.push(format!("applies_to = {}", if meters.is_empty() { list(["tokens"]) } else { list(meters) }));
    format!("{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::rules::Rules;
    use crate::rate::Account;
    use crate::vocabulary::{Meter, Outcome, Tier};

    #[test]
    fn hostile_names_come_back_as_they_were() {
        let key: Arc<str> = "a\"]\n[[account]]\n`=cmd()` \u{1b}[31m".into();
        let rule = TrafficRule {
            seller: "openai".into(),
            from: "2026-10-12".parse().unwrap(),
            until: None,
            filter: TrafficFilter {
                key: [key.clone()].into(),
                outcome: [Outcome::Success].into(),
                stream: Some(false),
                ..TrafficFilter::default()
            },
            set: TrafficSet {
                model: Some(key.clone()),
                tier: Some(Tier::Batch),
                prompt: Some(272_001),
                meters: [(Meter::CacheWrite5m, Meter::CacheWrite1h)].into(),
                billed: Some(false),
                ..TrafficSet::default()
            },
        };
        let read = Rules::parse("rules.toml", &Remedy::Traffic(rule).toml("map.fallback").unwrap()).unwrap();
        let traffic = &read.traffic[0];
        assert_eq!((traffic.filter.key[0].as_str(), traffic.set.model.as_deref()), (&*key, Some(&*key)));
        assert_eq!(traffic.set.ctx.unwrap().0.unwrap().tokens, 272_000);
        assert_eq!((read.traffic.len(), read.accounts.len()), (1, 0));
    }

    #[test]
    fn a_discount_is_a_term_of_a_contract() {
        let discount = Discount {
            account: Account { provider: "openai".into(), id: Some("org".into()) },
            from: "2026-10-03".parse().unwrap(),
            percent: crate::money::Ratio::new(25, 2).unwrap(),
            models: BTreeSet::new(),
            meters: BTreeSet::new(),
        };
        assert_eq!(
            Remedy::Discount(discount).toml("terms.discount").unwrap(),
            "[[term]]\nseller = \"openai\"\naccount = \"org\"\nfrom = 2026-10-03\nkind = \"percent_off_list\"\n\
             value = \"12.5\"\napplies_to = [\"tokens\"]\n"
        );
    }
}
