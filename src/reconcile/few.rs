//! A map for a handful of entries as a sorted list: nearly every bill key holds one leaf and one identity, and the node of
//! a tree has room for eleven.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Few<K, V>(Vec<(K, V)>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Few<K, V> {
        Few(Vec::new())
    }
}

impl<K: Ord, V> Few<K, V> {
    fn find(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(key))
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.find(key).ok().map(|at| &mut self.0[at].1)
    }

    pub fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    /// The value under a key, made where there is none.
    pub fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let at = self.find(&key).unwrap_or_else(|at| {
            // Most lists stay at one.
            if self.0.is_empty() {
                self.0.reserve_exact(1);
            }
            self.0.insert(at, (key, V::default()));
            at
        });
        &mut self.0[at].1
    }
}

impl<K, V> Few<K, V> {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.into_iter()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.0.iter_mut().map(|(key, value)| (&*key, value))
    }

    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }
}

impl<'f, K, V> IntoIterator for &'f Few<K, V> {
    type Item = (&'f K, &'f V);
    type IntoIter = std::iter::Map<std::slice::Iter<'f, (K, V)>, fn(&'f (K, V)) -> (&'f K, &'f V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(key, value)| (key, value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(entries in proptest::collection::vec((0u8..9, 1i32..5), 0..20), least in 1i32..9) {
            let (mut few, mut tree): (Few<u8, i32>, BTreeMap<u8, i32>) = Default::default();
            for (key, value) in entries {
                *few.or_default(key) += value;
                *tree.entry(key).or_default() += value;
            }
            few.retain(|_, value: &mut i32| *value >= least);
            tree.retain(|_, value| *value >= least);
            prop_assert!(few.iter().eq(tree.iter()));
            prop_assert!((0..9).all(|key| few.get(&key) == tree.get(&key)));
        }
    }
}
