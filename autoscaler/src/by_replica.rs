//! Something for each of a service's replicas.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::ReplicaId;

/// Replicas kept; the ones that come later are not.
pub(crate) const MOST_REPLICAS: usize = 1024;

/// Something for each replica, in the order in which they were first seen. As replicas are mostly listed and measured in one
/// order again and again, where the next one is can mostly be guessed. Written as a map, by ID.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "BTreeMap<ReplicaId, T>", into = "BTreeMap<ReplicaId, T>", bound(serialize = "T: Clone + Serialize"))]
pub(crate) struct ByReplica<T> {
    entries: Vec<(ReplicaId, T)>,
    /// Places in `entries`, by ID: for when the guess is wrong.
    by_id: Vec<u16>,
}

impl<T> ByReplica<T> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The place of a replica, which is likely this one or the next.
    pub(crate) fn place(&self, id: &ReplicaId, likely: usize) -> Option<usize> {
        let guess = [likely, likely + 1].into_iter().find(|place| self.is_at(*place, id));
        guess.or_else(|| self.search(id).ok().map(|rank| self.by_id[rank].into()))
    }

    /// What is at a place.
    pub(crate) fn at(&self, place: usize) -> Option<&T> {
        self.entries.get(place).map(|(_, entry)| entry)
    }

    /// What is at a place.
    pub(crate) fn at_mut(&mut self, place: usize) -> Option<&mut T> {
        self.entries.get_mut(place).map(|(_, entry)| entry)
    }

    /// Adds what there is for a replica that has no place yet, and says where; `None` where there are too many already.
    pub(crate) fn insert(&mut self, id: &ReplicaId, entry: T) -> Option<usize> {
        let place = self.entries.len();
        if place >= MOST_REPLICAS {
            return None;
        }
        let rank = self.search(id).unwrap_or_else(|rank| rank);
        self.by_id.insert(rank, u16::try_from(place).ok()?);
        self.entries.push((id.clone(), entry));
        Some(place)
    }

    /// Forgets all others.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&ReplicaId, &T) -> bool) {
        let before = self.len();
        self.entries.retain(|(id, entry)| keep(id, entry));
        if self.len() < before {
            let Self { entries, by_id } = self;
            by_id.clear();
            by_id.extend((0_u16..).take(entries.len()));
            by_id.sort_unstable_by_key(|place| &entries[usize::from(*place)].0);
        }
    }

    /// All, in the order in which their replicas were first seen.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, entry)| entry)
    }

    /// All, in the order in which their replicas were first seen.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().map(|(_, entry)| entry)
    }

    /// All, by ID.
    fn ranked(&self) -> impl Iterator<Item = &(ReplicaId, T)> {
        self.by_id.iter().map(|place| &self.entries[usize::from(*place)])
    }

    fn is_at(&self, place: usize, id: &ReplicaId) -> bool {
        self.entries.get(place).is_some_and(|(other, _)| other == id)
    }

    /// The rank of a replica among the IDs, or the one that it would have.
    fn search(&self, id: &ReplicaId) -> Result<usize, usize> {
        self.by_id.binary_search_by(|place| self.entries[usize::from(*place)].0.cmp(id))
    }
}

impl<T> Default for ByReplica<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), by_id: Vec::new() }
    }
}

impl<T: PartialEq> PartialEq for ByReplica<T> {
    /// The same of the same replicas, in whatever order these were seen.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.ranked().eq(other.ranked())
    }
}

impl<T> From<BTreeMap<ReplicaId, T>> for ByReplica<T> {
    fn from(map: BTreeMap<ReplicaId, T>) -> Self {
        let entries: Vec<_> = map.into_iter().take(MOST_REPLICAS).collect();
        Self { by_id: (0_u16..).take(entries.len()).collect(), entries }
    }
}

impl<T> From<ByReplica<T>> for BTreeMap<ReplicaId, T> {
    fn from(all: ByReplica<T>) -> Self {
        all.entries.into_iter().collect()
    }
}

/// Written as a list of pairs, by ID.
pub(crate) mod pairs {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{BTreeMap, ByReplica, ReplicaId};

    pub(crate) fn serialize<S: Serializer, T: Serialize>(all: &ByReplica<T>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(all.ranked())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        from: D,
    ) -> Result<ByReplica<T>, D::Error> {
        let pairs = Vec::<(ReplicaId, T)>::deserialize(from)?;
        Ok(pairs.into_iter().collect::<BTreeMap<_, _>>().into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_finds_what_a_map_finds_whatever_is_guessed(
            steps in proptest::collection::vec((0_u8..4, 0_u32..12, 0_usize..14), 0..60),
        ) {
            let (mut all, mut map) = (ByReplica::default(), BTreeMap::new());
            for (kind, number, likely) in steps {
                let id = ReplicaId::new(number.to_string());
                match all.place(&id, likely) {
                    _ if kind == 0 => {
                        all.retain(|_, entry| entry % 3 != number % 3);
                        map.retain(|_, entry: &mut u32| *entry % 3 != number % 3);
                    }
                    Some(place) => prop_assert_eq!(all.at(place), map.get(&id)),
                    None => {
                        prop_assert!(!map.contains_key(&id));
                        all.insert(&id, number);
                        map.insert(id, number);
                    }
                }
                prop_assert_eq!(&all, &ByReplica::from(map.clone()));
                prop_assert_eq!(serde_json::to_string(&all).ok(), serde_json::to_string(&map).ok());
            }
        }
    }

    #[test]
    fn there_is_no_room_for_more_than_so_many() {
        let mut all = ByReplica::default();
        for number in 0..MOST_REPLICAS {
            assert_eq!(all.insert(&ReplicaId::new(number.to_string()), number), Some(number));
        }
        assert_eq!(all.insert(&ReplicaId::new("one more"), 0), None);
    }
}
