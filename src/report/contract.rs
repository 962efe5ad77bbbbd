//! List, contracted and billed cost side by side, and what each contract term did in between.

use super::sheet::{Cell, Column, Kind, Sheet};
use crate::close::document::{Charge, ContractAccount, ContractEffect, Reconciliation};
use crate::money::{Money, Ratio};

pub fn build(document: &Reconciliation) -> Sheet {
    let mut sheet = Sheet::new(
        "contract",
        format!("Contract {}: list, contracted, billed", document.month),
        vec![
            Column::new("provider", "Provider", Kind::Text),
            Column::new("account", "Account", Kind::Text),
            Column::new("model", "Model", Kind::Text),
            Column::new("term", "Term", Kind::Text),
            Column::new("effect", "Effect", Kind::Money),
            Column::new("list_cost", "ListCost", Kind::Money),
            Column::new("contracted_cost", "ContractedCost", Kind::Money),
            Column::new("billed_cost", "BilledCost", Kind::Money),
            Column::new("discount", "Discount %", Kind::Percent),
            Column::new("origin", "Agreed in", Kind::Text).optional(),
            Column::new("arithmetic", "Arithmetic", Kind::Text).optional(),
        ],
    );
    for account in &document.contract {
        usage_rows(&mut sheet, account);
        charge_rows(&mut sheet, account, &document.charges);
    }
    let sum = |cost: fn(&ContractAccount) -> Money| document.contract.iter().map(cost).sum::<Money>();
    let (list, contracted) = (sum(|account| account.list_cost), sum(|account| account.contracted_cost));
    let mut total = vec![Cell::from("Total"), Cell::Empty, Cell::Empty, Cell::Empty];
    total.push((contracted - list).into());
    total.extend([list.into(), contracted.into(), sum(|account| account.billed_cost).into()]);
    total.extend([discount(list, contracted), Cell::Empty, Cell::Empty]);
    sheet.total = Some(total);
    sheet.notes.push(if applies(document) {
        "ListCost plus the effects is ContractedCost, to the last decimal.".to_owned()
    } else {
        "No contract term applies: the contracted cost is the list cost.".to_owned()
    });
    sheet
}

/// True where a term of a contract speaks of the month.
pub fn applies(document: &Reconciliation) -> bool {
    document.contract.iter().any(|account| !account.effects.is_empty())
}

/// A line for each model, and under it one for each term that changes its cost.
fn usage_rows(sheet: &mut Sheet, account: &ContractAccount) {
    for model in &account.models {
        let name = model.model.as_deref().unwrap_or("(several models)");
        let mut row = place(account, Some(name), None);
        row.extend([
            Cell::Empty,
            model.list_cost.into(),
            model.contracted_cost.into(),
            model.billed_cost.into(),
        ]);
        let off = model.list_cost.zip(model.contracted_cost);
        row.extend([off.map_or(Cell::Empty, |(list, contracted)| discount(list, contracted))]);
        row.extend([Cell::Empty, Cell::Empty]);
        sheet.rows.push(row);
        for effect in &account.effects {
            let part = effect.models.iter().find(|part| Some(&part.model) == model.model.as_ref());
            if let Some(part) = part.filter(|part| !part.amount.is_zero()) {
                let mut row = place(account, Some(name), Some(effect));
                row.extend([part.amount.into(), Cell::Empty, Cell::Empty, Cell::Empty]);
                row.extend(reasons(effect));
                sheet.rows.push(row);
            }
        }
    }
}

/// A line for each term beside the usage, with the charge that it expects, and one for each other charge.
fn charge_rows(sheet: &mut Sheet, account: &ContractAccount, charges: &[Charge]) {
    let ours = |charge: &&Charge| charge.provider == account.provider && charge.account == account.account;
    for effect in account.effects.iter().filter(|effect| effect.billed_as == "line") {
        let billed: Vec<&Charge> =
            charges.iter().filter(ours).filter(|charge| charge.term.as_ref() == Some(&effect.term)).collect();
        let billed =
            Some(billed.iter().map(|charge| charge.amount).sum::<Money>()).filter(|sum| !sum.is_zero());
        // A discount that has a line of its own is already in the models' contracted cost.
        let contracted = effect.models.is_empty().then_some(effect.amount);
        let mut row = place(account, None, Some(effect));
        row.extend([contracted.into(), Cell::Empty, contracted.into(), billed.into()]);
        row.extend(reasons(effect));
        sheet.rows.push(row);
    }
    for charge in charges.iter().filter(ours).filter(|charge| charge.term.is_none()) {
        let mut row = place(account, None, None);
        row[3] = charge.text.as_str().into();
        row.extend([Cell::Empty, Cell::Empty, Cell::Empty, charge.amount.into()]);
        row.extend([Cell::Empty, charge.origin.as_str().into(), "no contract term".into()]);
        sheet.rows.push(row);
    }
}

fn place(account: &ContractAccount, model: Option<&str>, effect: Option<&ContractEffect>) -> Vec<Cell> {
    vec![
        account.provider.as_str().into(),
        Cell::from(account.account.clone()),
        Cell::from(model),
        Cell::from(effect.map(|effect| effect.name.as_str())),
    ]
}

fn reasons(effect: &ContractEffect) -> [Cell; 3] {
    let steps: Vec<String> =
        effect.steps.iter().map(|step| format!("{}: {}", step.name, step.value)).collect();
    [Cell::Empty, effect.term.as_str().into(), steps.join("; ").into()]
}

/// What the contract takes off list, in percent; negative where it adds, empty where nothing was used.
fn discount(list: Money, contracted: Money) -> Cell {
    let off = (list - contracted).pico();
    let hundredfold = off.checked_mul(100).and_then(|off| Ratio::quotient(off, list.pico()));
    hundredfold.map_or(Cell::Empty, |percent| Cell::Ratio(percent.decimal_text(2)))
}
