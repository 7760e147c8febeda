//! Values with their units, as a policy gives them and a reason prints them.

use std::{fmt, sync::Arc};

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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct SignalName(Arc<str>);

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
        Self(name.as_ref().into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for SignalName {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<SignalName> for String {
    fn from(name: SignalName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
