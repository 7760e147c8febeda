//! Values with their units, as a policy gives them and a reason prints them.

use std::{cmp::Ordering, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::time::spoken;

/// Sizes in bytes, by the decimal prefixes of the SI and the binary ones of IEC 80000-13. The bare byte is last: it ends
/// all others.
pub(crate) const SIZES: [(&str, f64); 10] = [
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("B", 1.0),
];

/// The name of a signal: a built-in one, or one that the policy's `signals` define. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct SignalName(Name);

/// Most names are kept in place: each second of a service copies and compares dozens of them, and counting who refers to
/// one would take longer than that.
#[derive(Clone, PartialEq, Eq)]
enum Name {
    /// The first `length` bytes; the others are zero.
    Short { length: u8, bytes: [u8; Name::SHORT] },
    /// One that is longer than that.
    Long(Arc<str>),
}

impl Name {
    /// As many bytes as there is room for beside an `Arc` and what tells the two apart.
    const SHORT: usize = 22;
}

impl SignalName {
    /// CPU, in cores.
    pub const CPU: &str = "cpu";
    /// Memory, in bytes.
    pub const MEMORY: &str = "memory";
    /// Busy cores of the host, as a share of its cores.
    pub const HOST_CPU: &str = "host.cpu";
    /// Memory of the host that cannot be had without swapping, as a share of all.
    pub const HOST_MEMORY: &str = "host.memory";
    /// Space used on the fullest file system of the host, as a share of it.
    pub const HOST_DISK: &str = "host.disk";
    /// What every replica is measured for without being asked.
    pub const OF_REPLICAS: [&str; 2] = [Self::CPU, Self::MEMORY];
    /// What every host is measured for without being asked.
    pub const OF_HOST: [&str; 3] = [Self::HOST_CPU, Self::HOST_MEMORY, Self::HOST_DISK];
    /// What is there without being defined.
    pub const BUILT_IN: [&str; 5] = [Self::CPU, Self::MEMORY, Self::HOST_CPU, Self::HOST_MEMORY, Self::HOST_DISK];

    /// A name.
    pub fn new(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        let mut bytes = [0; Name::SHORT];
        Self(match (bytes.get_mut(..name.len()), u8::try_from(name.len())) {
            (Some(first), Ok(length)) => {
                first.copy_from_slice(name.as_bytes());
                Name::Short { length, bytes }
            }
            _ => Name::Long(name.into()),
        })
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // It was a text's bytes.
            Name::Short { .. } => str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Name::Long(name) => name,
        }
    }

    /// Whether it is this name: quicker than as text.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.as_bytes() == name.as_bytes()
    }

    fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Name::Short { length, bytes } => &bytes[..usize::from(*length).min(Name::SHORT)],
            Name::Long(name) => name.as_bytes(),
        }
    }
}

impl PartialOrd for SignalName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SignalName {
    /// As texts are ordered.
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl From<String> for SignalName {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl From<SignalName> for String {
    fn from(name: SignalName) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Debug for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignalName").field(&self.as_str()).finish()
    }
}

impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a signal's value is measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A plain number.
    #[default]
    Number,
    /// Busy cores.
    Cores,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// So many per second.
    PerSecond,
    /// A share, 1 being all of it.
    Share,
}

impl Unit {
    /// `value` with this unit, short enough for a sentence.
    pub fn print(self, value: f64) -> String {
        match self {
            Self::Number => number(value),
            Self::Cores => format!("{} cores", number(value)),
            Self::Bytes => bytes(value),
            Self::Seconds if value >= 0.0 && value.is_finite() && value < 1.0e9 => {
                spoken(std::time::Duration::from_secs_f64(value))
            }
            Self::Seconds => format!("{} s", number(value)),
            Self::PerSecond => format!("{}/s", number(value)),
            Self::Share => format!("{} %", number(value * 100.0)),
        }
    }
}

/// A value that a policy gives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// In the signal's own unit.
    Absolute {
        /// How much: cores, bytes, seconds, per second, or a plain number.
        value: f64,
        /// In what.
        unit: Unit,
    },
    /// A share of what each replica is allowed (`limits` in the Compose file), or of the host where it has no limit.
    /// 1 is all of it.
    OfLimit(f64),
    /// A share of what is kept for each replica (`reservations` in the Compose file); 1 is all of it.
    OfReservation(f64),
}

impl Quantity {
    /// The number alone.
    pub fn value(self) -> f64 {
        match self {
            Self::Absolute { value, .. } | Self::OfLimit(value) | Self::OfReservation(value) => value,
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Absolute { value, unit } => f.write_str(&unit.print(value)),
            Self::OfLimit(share) => f.write_str(&Unit::Share.print(share)),
            Self::OfReservation(share) => write!(f, "{} of the reservation", Unit::Share.print(share)),
        }
    }
}

/// At most three significant digits after the point, and none that say nothing.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn bytes(value: f64) -> String {
    const STEPS: [(f64, &str); 4] =
        [(1_099_511_627_776.0, "TiB"), (1_073_741_824.0, "GiB"), (1_048_576.0, "MiB"), (1024.0, "KiB")];
    for (size, name) in STEPS {
        if value.abs() >= size {
            return format!("{} {name}", number(value / size));
        }
    }
    format!("{} B", number(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_text_that_it_was_made_of_however_long() {
        let texts = ["", "cpu", "cpu2", "é.p95", "a.name.of.22.bytes.aaa", "a.name.of.23.bytes.aaaa", "\0", "zz"];
        for one in texts {
            assert_eq!(SignalName::new(one).as_str(), one);
            for other in texts {
                let (left, right) = (SignalName::new(one), SignalName::new(other));
                assert_eq!(
                    (left == right, left.is(other), left.cmp(&right)),
                    (one == other, one == other, one.cmp(other))
                );
            }
        }
    }

    #[test]
    fn values_print_with_their_unit() {
        for (unit, value, expected) in [
            (Unit::Number, 42.0, "42"),
            (Unit::Number, -0.0, "0"),
            (Unit::Cores, 1.625, "1.62 cores"),
            (Unit::Bytes, 419_430_400.0, "400 MiB"),
            (Unit::Seconds, 0.25, "250ms"),
            (Unit::Seconds, f64::INFINITY, "inf s"),
            (Unit::PerSecond, 118.4, "118/s"),
            (Unit::Share, 0.705, "70.5 %"),
        ] {
            assert_eq!(unit.print(value), expected);
        }
    }
}
