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

use std::time::Duration;

pub(super) use forms::Form;

/// A map of the language.
#[derive(Debug)]
pub(super) struct Map {
    /// Its name in a sentence, such as "`replicas`".
    pub(super) what: &'static str,
    /// What it is for; the description in the schema.
    pub(super) doc: &'static str,
    /// One that is right, on one line.
    pub(super) example: &'static str,
    /// In the order in which they are written.
    pub(super) keys: &'static [Key],
    /// Keys that exclude each other.
    pub(super) groups: &'static [Group],
    /// Whether it is written with a key a line, however short it is.
    pub(super) block: bool,
    /// Whether layers are merged key by key. Otherwise it is one value, which a higher layer replaces.
    pub(super) layered: bool,
}

/// Keys of which at most one can be given.
#[derive(Debug)]
pub(super) struct Group {
    /// What they say, for the sentence "… is missing".
    pub(super) what: &'static str,
    pub(super) keys: &'static [&'static str],
    /// Whether one of them must be.
    pub(super) needed: bool,
}

/// A key of a map.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) absent: Absent,
    /// What it says, for docs/policy.md and the schema.
    pub(super) doc: &'static str,
}

/// What a key is when nobody gives it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Absent {
    /// It must be given.
    Needed,
    /// As if this were written.
    Is(&'static str),
    /// As if this were written, by [`Base`].
    ByBase([&'static str; 3]),
    /// Nothing that could be written; in words.
    Means(&'static str),
}

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

/// What a value is.
#[derive(Debug)]
pub(super) enum Shape {
    Map(&'static Map),
    /// A map of names that the user chooses.
    Named(&'static Form, &'static Shape),
    List(&'static Shape),
    /// One, or a list of such.
    OneOrList(&'static Shape),
    /// Of several maps, the one whose first key is there.
    AnyOf(&'static [Shape]),
    /// One of these, with what each means.
    Words(&'static [(&'static str, &'static str)]),
    Duration(Duration, Duration),
    Whole(u32, u32),
    Text(&'static Form),
}

impl Map {
    /// Its name in the schema and in the documentation.
    pub(super) fn slug(&self) -> String {
        let name = self.what.replace('`', "");
        let name = ["a ", "the "].iter().find_map(|article| name.strip_prefix(article)).unwrap_or(&name);
        name.replace(' ', "_")
    }

    /// The key of that name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of its keys, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.keys.iter().map(|key| key.name)
    }

    /// The keys that cannot be given beside `name`.
    pub(super) fn rivals(&self, name: &str) -> impl Iterator<Item = &'static str> {
        let groups = self.groups.iter().filter(move |group| group.keys.contains(&name));
        let name = name.to_owned();
        groups.flat_map(|group| group.keys.iter().copied()).filter(move |rival| *rival != name)
    }
}

impl Absent {
    /// What is as good as written, if anything is.
    pub(super) fn text(self, base: Base) -> Option<&'static str> {
        match self {
            Self::Is(text) => Some(text),
            Self::ByBase([default, none, hpa]) => Some(match base {
                Base::Default => default,
                Base::None => none,
                Base::KubernetesHpa => hpa,
            }),
            Self::Needed | Self::Means(_) => None,
        }
    }
}

impl Shape {
    /// The map that a value with these keys is, if it can be one.
    pub(super) fn map(&self, has: &dyn Fn(&str) -> bool) -> Option<&'static Map> {
        match self {
            Self::Map(map) => Some(map),
            Self::OneOrList(shape) => shape.map(has),
            Self::AnyOf(shapes) => {
                let maps: Vec<_> = shapes.iter().filter_map(|shape| shape.map(has)).collect();
                let named = shapes.iter().any(|shape| matches!(shape, Self::Named(..)));
                match maps.as_slice() {
                    [only] if named => Some(*only).filter(|map| map.names().any(has)),
                    [only] => Some(*only),
                    maps => maps.iter().copied().find(|map| map.keys.first().is_some_and(|key| has(key.name))),
                }
            }
            _ => None,
        }
    }

    /// What each item of a list is, if it can be a list.
    pub(super) fn items(&self) -> Option<&'static Shape> {
        match self {
            Self::List(shape) | Self::OneOrList(shape) => Some(shape),
            Self::AnyOf(shapes) => shapes.iter().find_map(Self::items),
            _ => None,
        }
    }

    /// What each value of a map of free names is, if it can be one.
    pub(super) fn named(&self) -> Option<&'static Shape> {
        match self {
            Self::Named(_, shape) => Some(shape),
            Self::AnyOf(shapes) => shapes.iter().find_map(Self::named),
            _ => None,
        }
    }
}

/// A key that must be given.
const fn needed(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, absent: Absent::Needed, doc }
}

/// A key that is as if `text` were written when it is left out.
const fn optional(name: &'static str, shape: Shape, text: &'static str, doc: &'static str) -> Key {
    Key { name, shape, absent: Absent::Is(text), doc }
}

/// A key whose absence means something that cannot be written.
const fn may(name: &'static str, shape: Shape, means: &'static str, doc: &'static str) -> Key {
    Key { name, shape, absent: Absent::Means(means), doc }
}

/// A guard: what it is when it is left out depends on the base.
const fn guard(name: &'static str, shape: Shape, by_base: [&'static str; 3], doc: &'static str) -> Key {
    Key { name, shape, absent: Absent::ByBase(by_base), doc }
}
