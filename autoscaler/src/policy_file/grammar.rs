//! The language as data: one table for each of its maps.
//!
//! From these tables come the keys that a map may have and the nearest spelling of one that it may not, what a key is
//! when it is left out, the order in which `fmt` writes keys, the JSON Schema, and the tables of
//! docs/policy.md. What the values mean is up to the reading functions; there is no second list of keys.

pub(super) mod forms;
pub(super) mod guards;
pub(super) mod policy;
pub(super) mod rules;
pub(super) mod signals;

use crate::text::grammar::{Absent, Key, Shape};

/// Where guards that are left out come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Base {
    /// Ballast's own choice.
    #[default]
    Default,
    /// Everything off.
    None,
    /// Those of Kubernetes' horizontal autoscaler.
    KubernetesHpa,
}

/// A guard: what it is when it is left out depends on the base.
const fn guard(name: &'static str, shape: Shape, [default, none, hpa]: [&'static str; 3], doc: &'static str) -> Key {
    let by_base = [("default", default), ("none", none), ("kubernetes-hpa", hpa)];
    Key { name, shape, absent: Absent::ByBase(by_base), doc }
}
