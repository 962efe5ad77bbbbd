//! What a told story gives to try next: usage that a model serves is under what is true of that model, whoever asked for it.

use std::sync::Arc;

use super::change::Change;
use super::problem::Node;
use super::slice::{Attribute, Slice};
use super::{Found, Idea, Search};

impl Search<'_, '_> {
    /// What a told story adds to try: usage that a model serves is its own from then on, and what is told of a model holds for
    /// what others are told to have from it.
    pub(super) fn follow_up(&mut self, node: &Node, idea: usize, found: &mut Vec<Found>) {
        let Idea { slice, change, .. } = &self.ideas[idea];
        let (slice, change) = (*slice, change.clone());
        if let Some(model) = change.served() {
            self.reroute(node, slice, &model.clone(), found);
        }
        let Slice { model: Some(model), attribute: Attribute::Whole, .. } = &self.slices[slice] else {
            return;
        };
        if change.is_of_the_model() {
            let under = |idea: &Idea| {
                let served = matches!(&idea.change, Change::Served(served) if served == model);
                let change = Change::ServedUnder(model.clone(), Box::new(change.clone()));
                served.then_some(Idea { change, ..*idea })
            };
            let added = self.ideas.iter().filter_map(under).collect();
            self.add(added, found);
        }
    }

    /// What may be true of everything that a model serves, once more was told to be its own.
    fn reroute(&mut self, node: &Node, from: usize, to: &Arc<str>, found: &mut Vec<Found>) {
        let joined = self.slices[from].atoms.iter().copied();
        let joined: Vec<u32> = joined.filter(|atom| node.places[*atom as usize].leaf.model == *to).collect();
        let whole = |slice: &Slice| slice.model.as_ref() == Some(to) && slice.attribute == Attribute::Whole;
        let Some(own) = self.slices.iter().position(whole) else { return };
        let mut rerouted = Slice { attribute: Attribute::Rerouted, ..self.slices[own].clone() };
        rerouted.atoms.extend(joined);
        rerouted.atoms.sort_unstable();
        rerouted.atoms.dedup();
        let slice = self.slices.len();
        let of_it = |idea: &Idea| {
            (idea.slice == own && idea.change.is_of_the_model()).then(|| Idea {
                slice,
                change: idea.change.clone(),
                cost: idea.cost,
            })
        };
        let added = self.ideas.iter().filter_map(of_it).collect();
        self.slices.push(rerouted);
        self.add(added, found);
    }

    /// Ideas that are judged with the neighbours of the story that brought them up.
    fn add(&mut self, ideas: Vec<Idea>, found: &mut Vec<Found>) {
        found.extend(ideas.iter().map(|_| None));
        self.ideas.extend(ideas);
    }
}
