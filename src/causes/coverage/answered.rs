//! What looks like traffic past the gateway may be what another account's log has and its bill lacks.

use std::collections::BTreeSet;

use super::identities;
use crate::causes::between::{AtLeast, on_the_same_days};
use crate::causes::{Patch, Status};
use crate::money::Money;
use crate::period::Day;
use crate::reconcile::{Edit, State};

/// What another seller lacks costs at least one in so many of the dollars here.
const CHEAPER: AtLeast = AtLeast(5);

/// Where a model of another account has less on the bill than in the log on just these days, its calls may have been answered
/// here.
pub(super) fn or_answered_here(state: &State, patch: &mut Patch) {
    let Some(account) = &patch.scope.account else { return };
    let lines = identities(state, account);
    let (mut amount, mut days) = (Money::ZERO, BTreeSet::<Day>::new());
    for edit in &patch.edits {
        let Edit::Exclude { identity, .. } = edit else { return };
        let Some((own, .., cells)) = lines.get(identity) else { continue };
        amount += *own;
        days.extend(cells.iter().map(|cell| cell.first));
    }
    let elsewhere = state.beside.iter().filter(|((other, _), _)| other != account);
    let less = (-1, amount.pico(), CHEAPER);
    if on_the_same_days(elsewhere, &days, less, Some(state.period.days().count())).is_some() {
        patch.status = Status::Ambiguous;
        if !patch.rivals.iter().any(|rival| rival == "map.fallback") {
            patch.rivals.push("map.fallback".to_owned());
        }
        patch.decides = Some("the provider that answered, in the log".to_owned());
    }
}
