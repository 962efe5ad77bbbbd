//! Blocks: a bill whose quantities are the log's, rounded up to whole blocks of tokens, seconds or characters.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Fact, Fix, Patch, Scope, Status, of_all};
use crate::error::Result;
use crate::rate::Account;
use crate::reconcile::quantity::Known;
use crate::reconcile::{BillKey, CellKey, Edit, State, quantity};
use crate::vocabulary::Meter;

/// The size of a block is a fitted number: it must hold on this many days.
const DAYS: usize = 4;

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut series: BTreeMap<(Account, Arc<str>, Meter), Vec<(BillKey, i128, i128)>> = BTreeMap::new();
    for key in state.billed.keys().filter(|key| key.cell.first == key.cell.last) {
        if let (Some(model), Some(meter)) = (&key.cell.model, key.meter)
            && let Some((billed, Known::Stated)) = quantity::billed(state, key)
        {
            let point = (key.clone(), state.logged_quantity(key), billed);
            series.entry((key.cell.account.clone(), model.clone(), meter)).or_default().push(point);
        }
    }
    let patches = series.into_iter().filter_map(|((account, model, meter), points)| {
        let block = points.iter().map(|(.., billed)| *billed).fold(0, gcd);
        let up = |logged: i128| (logged + block - 1) / block * block;
        let holds = block > 1
            && of_all(points.iter().map(|(key, ..)| key)) >= DAYS
            && points.iter().all(|(_, logged, billed)| *logged > 0 && up(*logged) == *billed);
        let rounded: Vec<_> = points.into_iter().filter(|(_, logged, billed)| logged != billed).collect();
        (holds && of_all(rounded.iter().map(|(key, ..)| key)) >= DAYS)
            .then(|| patch(&account, &model, meter, block, rounded))
    });
    Ok(patches.collect())
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn patch(
    account: &Account,
    model: &Arc<str>,
    meter: Meter,
    block: i128,
    days: Vec<(BillKey, i128, i128)>,
) -> Patch {
    let mut scope = Scope::of(account);
    scope.meters.insert(meter);
    days.iter().for_each(|(key, ..)| scope.cover(&key.cell));
    let added: i128 = days.iter().map(|(_, logged, billed)| billed - logged).sum();
    let first: Option<&CellKey> = days.first().map(|(key, ..)| &key.cell);
    let mut facts = vec![
        Fact::new(
            format!("{}: every quantity on the bill is a multiple of", meter.unit().to_lowercase()),
            block,
        ),
        Fact::new(
            "days on which the log's quantity, rounded up to it, is the bill's",
            of_all(days.iter().map(|(key, ..)| key)),
        ),
        Fact::new("added by rounding up", added),
    ];
    if let (Some(cell), Some((_, logged, billed))) = (first, days.first()) {
        facts.push(Fact::new(format!("on {}", cell.first), format!("{logged} logged, {billed} billed")));
    }
    Patch {
        name: format!("increment {account:?} {model} {meter}"),
        cause: "round.increment",
        status: Status::Exact,
        scope,
        edits: days
            .into_iter()
            .map(|(from, logged, billed)| Edit::Drop { from, quantity: logged - billed })
            .collect(),
        facts,
        rivals: Vec::new(),
        decides: None,
        fix: Some(Fix {
            kind: "gateway",
            text: format!("price this meter in blocks of {block}, rounded up, as the provider bills it"),
            patch: String::new(),
        }),
    }
}
