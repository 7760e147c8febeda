//! A language of maps as data: one table for each map.
//!
//! From such tables come the keys that a map may have and the nearest spelling of one that it may not, what a key is when
//! it is left out, the [JSON Schema](super::Definitions) and the [tables of the documentation](super::tables). What the
//! values mean is up to the reading functions; there is no second list of keys.

use std::time::Duration;

/// A map of the language.
#[derive(Debug)]
pub struct Map {
    /// Its name in a sentence, such as "`replicas`".
    pub what: &'static str,
    /// What it is for; the description in the schema.
    pub doc: &'static str,
    /// One that is right, on one line.
    pub example: &'static str,
    /// In the order in which they are written.
    pub keys: &'static [Key],
    /// Keys that exclude each other.
    pub groups: &'static [Group],
    /// Whether it is written with a key a line, however short it is.
    pub block: bool,
    /// Whether layers are merged key by key. Otherwise it is one value, which a higher layer replaces.
    pub layered: bool,
}

/// Keys of which at most one can be given.
#[derive(Debug)]
pub struct Group {
    /// What they say, for the sentence "… is missing".
    pub what: &'static str,
    /// Their names.
    pub keys: &'static [&'static str],
    /// Whether one of them must be.
    pub needed: bool,
}

/// A key of a map.
#[derive(Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What its value is.
    pub shape: Shape,
    /// What it is when it is left out.
    pub absent: Absent,
    /// What it says, for docs/policy.md and the schema.
    pub doc: &'static str,
}

/// What a key is when nobody gives it.
#[derive(Clone, Copy, Debug)]
pub enum Absent {
    /// It must be given.
    Needed,
    /// As if this were written.
    Is(&'static str),
    /// As if this were written, by which of several sets of defaults is chosen, each with its name; the first is the
    /// usual one.
    ByBase([(&'static str, &'static str); 3]),
    /// Nothing that could be written; in words.
    Means(&'static str),
}

/// What a value is.
#[derive(Debug)]
pub enum Shape {
    /// A map of the language.
    Map(&'static Map),
    /// A map of names that the user chooses.
    Named(&'static Form, &'static Shape),
    /// A list, each item of which is such.
    List(&'static Shape),
    /// One, or a list of such.
    OneOrList(&'static Shape),
    /// Of several maps, the one whose first key is there.
    AnyOf(&'static [Shape]),
    /// One of these, with what each means.
    Words(&'static [(&'static str, &'static str)]),
    /// A duration, the least and the most that is allowed.
    Duration(Duration, Duration),
    /// A whole number, the least and the most that is allowed.
    Whole(u32, u32),
    /// A text.
    Text(&'static Form),
}

impl Map {
    /// A map of which only the names of its keys are data; what they are is told elsewhere.
    pub const fn of_names(what: &'static str, example: &'static str, keys: &'static [Key]) -> Self {
        Self { what, doc: "", example, keys, groups: &[], block: false, layered: false }
    }

    /// Its name in the schema and in the documentation.
    pub fn slug(&self) -> String {
        let name = self.what.replace('`', "");
        let name = ["a ", "an ", "the "].iter().find_map(|article| name.strip_prefix(article)).unwrap_or(&name);
        name.replace(' ', "_")
    }

    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of its keys, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.keys.iter().map(|key| key.name)
    }

    /// The keys that cannot be given beside `name`.
    pub fn rivals(&self, name: &str) -> impl Iterator<Item = &'static str> {
        let groups = self.groups.iter().filter(move |group| group.keys.contains(&name));
        let name = name.to_owned();
        groups.flat_map(|group| group.keys.iter().copied()).filter(move |rival| *rival != name)
    }
}

impl Absent {
    /// What is as good as written, if anything is; `base` is the number of the chosen set of defaults.
    pub fn text(self, base: usize) -> Option<&'static str> {
        match self {
            Self::Is(text) => Some(text),
            Self::ByBase(texts) => texts.get(base).map(|(_, text)| *text),
            Self::Needed | Self::Means(_) => None,
        }
    }
}

impl Shape {
    /// The map that a value with these keys is, if it can be one.
    pub fn map(&self, has: &dyn Fn(&str) -> bool) -> Option<&'static Map> {
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
    pub fn items(&self) -> Option<&'static Shape> {
        match self {
            Self::List(shape) | Self::OneOrList(shape) => Some(shape),
            Self::AnyOf(shapes) => shapes.iter().find_map(Self::items),
            _ => None,
        }
    }

    /// What each value of a map of free names is, if it can be one.
    pub fn named(&self) -> Option<&'static Shape> {
        match self {
            Self::Named(_, shape) => Some(shape),
            Self::AnyOf(shapes) => shapes.iter().find_map(Self::named),
            _ => None,
        }
    }
}

/// The keys of [`Map::of_names`].
pub const fn names<const N: usize>(names: [&'static str; N]) -> [Key; N] {
    let mut keys = [const { may("", Shape::Words(&[]), "", "") }; N];
    let mut at = 0;
    while at < N {
        keys[at] = may(names[at], Shape::Words(&[]), "", "");
        at += 1;
    }
    keys
}

/// A key that must be given.
pub const fn needed(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, absent: Absent::Needed, doc }
}

/// A key that is as if `text` were written when it is left out.
pub const fn optional(name: &'static str, shape: Shape, text: &'static str, doc: &'static str) -> Key {
    Key { name, shape, absent: Absent::Is(text), doc }
}

/// A key whose absence means something that cannot be written.
pub const fn may(name: &'static str, shape: Shape, means: &'static str, doc: &'static str) -> Key {
    Key { name, shape, absent: Absent::Means(means), doc }
}

/// A text with a form.
#[derive(Debug)]
pub struct Form {
    /// For a sentence, and the title in the schema.
    pub name: &'static str,
    /// A regular expression (ECMA 262) that all that is allowed matches. It is for editors: what it lets through is read
    /// by functions that know better.
    pub pattern: &'static str,
    /// Whether YAML may take it for a number.
    pub number: bool,
    /// Some that are right.
    pub examples: &'static [&'static str],
}

/// A duration as humantime reads it.
pub const DURATION: &str = "^[0-9]+(\\.[0-9]+)? ?[a-zA-Zµ]+( ?[0-9]+(\\.[0-9]+)? ?[a-zA-Zµ]+)*$";
