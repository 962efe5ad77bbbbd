//! The tree of keys a reader wants.

use std::collections::BTreeSet;

/// The fields wanted from an object: a tree of keys.
#[derive(Debug)]
pub struct Fields {
    pub(super) nodes: Vec<Node>,
}

#[derive(Debug, Default)]
pub(super) struct Node {
    keys: Vec<Key>,
    /// For each place the index of a key, from 1; 0 is free. A key is at its own place or the next free one.
    places: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    name: &'static [u8],
    /// Where the value goes; a key that only leads deeper has none.
    pub(super) slot: Option<usize>,
    pub(super) child: Option<usize>,
}

impl Fields {
    /// Compiles dotted paths and their slots. A path may be wanted itself and also lead deeper: then an object is
    /// descended into, and anything else (`null`, JSON written as text) goes to the slot.
    pub fn new(paths: &[(&'static str, usize)]) -> Fields {
        let mut nodes = Vec::new();
        Fields::node(&mut nodes, paths);
        Fields { nodes }
    }

    /// The fields of `outer`, and those of `inner` inside the object `key`; where `key` is no object it goes to `slot`.
    pub fn nested(
        outer: &[(&'static str, usize)],
        key: &'static str,
        slot: usize,
        inner: &[(&'static str, usize)],
    ) -> Fields {
        let mut fields = Fields::new(outer);
        let below = Fields::node(&mut fields.nodes, inner);
        let mut keys = std::mem::take(&mut fields.nodes[0].keys);
        keys.retain(|other| other.name != key.as_bytes());
        keys.push(Key { name: key.as_bytes(), slot: Some(slot), child: Some(below) });
        fields.nodes[0] = Node::of(keys);
        fields
    }

    fn node(nodes: &mut Vec<Node>, paths: &[(&'static str, usize)]) -> usize {
        let index = nodes.len();
        nodes.push(Node::default());
        let names: BTreeSet<&'static str> =
            paths.iter().map(|(path, _)| path.split('.').next().unwrap_or("")).collect();
        let mut keys = Vec::new();
        for name in names {
            let deeper: Vec<(&'static str, usize)> = paths
                .iter()
                .filter_map(|(path, slot)| Some((path.strip_prefix(name)?.strip_prefix('.')?, *slot)))
                .collect();
            keys.push(Key {
                name: name.as_bytes(),
                slot: paths.iter().find(|(path, _)| *path == name).map(|(_, slot)| *slot),
                child: (!deeper.is_empty()).then(|| Fields::node(nodes, &deeper)),
            });
        }
        nodes[index] = Node::of(keys);
        index
    }
}

impl Node {
    fn of(keys: Vec<Key>) -> Node {
        let mut places = vec![0; PLACES];
        for (key, number) in keys.iter().zip(1u8..) {
            let mut place = place(key.name);
            while places[place] != 0 {
                place = (place + 1) % PLACES;
            }
            places[place] = number;
        }
        Node { keys, places }
    }

    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<&Key> {
        let mut place = place(name);
        while let Some(number @ 1..) = self.places.get(place) {
            let key = &self.keys[usize::from(*number) - 1];
            if key.name == name {
                return Some(key);
            }
            place = (place + 1) % PLACES;
        }
        None
    }
}

/// Far more than a reader ever wants of one object.
const PLACES: usize = 256;

fn place(name: &[u8]) -> usize {
    let [first, last] = [name.first(), name.last()].map(|byte| byte.map_or(0, |byte| usize::from(*byte)));
    (name.len() * 67 + first * 5 + last * 3) % PLACES
}
