//! Numbers with their unit.

use super::values::{as_duration, decimal, percentage};
use crate::quantity::SIZES;

/// A value as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Written {
    /// So many.
    Number(f64),
    /// A share, 1 being all; of the limit where that is asked.
    Percentage(f64),
    /// A share of the reservation.
    OfReservation(f64),
    /// Cores.
    Cores(f64),
    /// So many per second.
    PerSecond(f64),
    /// Seconds.
    Seconds(f64),
    /// Bytes.
    Bytes(f64),
}

impl Written {
    /// What `text` is by its unit.
    pub fn of(text: &str) -> Option<Self> {
        if let Some(share) = text.strip_suffix("of reservation") {
            return percentage(share.trim_end()).map(Self::OfReservation);
        }
        let share = text.strip_suffix("of limit").map_or(text, str::trim_end);
        if share.ends_with('%') {
            return percentage(share).map(Self::Percentage);
        }
        if let Some(number) = text.strip_suffix("/s") {
            return decimal(number.trim_end()).or_else(|| bytes(number.trim_end())).map(Self::PerSecond);
        }
        if let Some(number) = text.strip_suffix("cores").or_else(|| text.strip_suffix("core")) {
            return decimal(number.trim_end()).map(Self::Cores);
        }
        decimal(text)
            .map(Self::Number)
            .or_else(|| bytes(text).map(Self::Bytes))
            .or_else(|| as_duration(text).map(|duration| Self::Seconds(duration.as_secs_f64())))
    }

    /// In the unit's base: cores, bytes, seconds, per second, a share. None of a reservation that is not known.
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Number(value)
            | Self::Percentage(value)
            | Self::Cores(value)
            | Self::PerSecond(value)
            | Self::Seconds(value)
            | Self::Bytes(value) => Some(value),
            Self::OfReservation(_) => None,
        }
    }
}

/// The bytes of `400MiB`.
pub fn bytes(text: &str) -> Option<f64> {
    let (number, factor) = SIZES.iter().find_map(|(name, factor)| Some((text.strip_suffix(name)?, *factor)))?;
    decimal(number.trim_end()).map(|number| number * factor).filter(|size| size.is_finite())
}

/// A cure for the sizes of other tools, whose letter alone means one thing here and another there.
pub fn size_help(text: &str) -> Option<String> {
    let (number, letter) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let letter = letter.to_uppercase();
    decimal(number)?;
    "KMGT".contains(&letter).then(|| format!("write `{number}{letter}iB` (1024s) or `{number}{letter}B` (1000s)"))
}

/// A cure for thousandths of a core, which here are minutes.
pub fn millicores_help(text: &str) -> Option<String> {
    let thousandths = decimal(text.strip_suffix('m')?)?;
    Some(format!("write `{}`", thousandths / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_tells_what_it_is() {
        for (text, expected) in [
            ("70%", Some(Written::Percentage(0.7))),
            ("70 % of limit", Some(Written::Percentage(0.7))),
            ("70% of reservation", Some(Written::OfReservation(0.7))),
            ("0.7 cores", Some(Written::Cores(0.7))),
            ("1 core", Some(Written::Cores(1.0))),
            ("0.7", Some(Written::Number(0.7))),
            ("400MiB", Some(Written::Bytes(419_430_400.0))),
            ("1.5GB", Some(Written::Bytes(1.5e9))),
            ("512 B", Some(Written::Bytes(512.0))),
            ("120/s", Some(Written::PerSecond(120.0))),
            ("5MB/s", Some(Written::PerSecond(5e6))),
            ("250ms", Some(Written::Seconds(0.25))),
            ("1m 30s", Some(Written::Seconds(90.0))),
            ("400MB/h", None),
            ("10 apples", None),
            ("", None),
            ("%", None),
            ("/s", None),
            ("B", None),
        ] {
            assert_eq!(Written::of(text), expected, "{text}");
        }
    }
}
