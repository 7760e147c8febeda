//! Values with the unit of the signal that they are held against.

use crate::{
    policy::Reserve,
    quantity::{Quantity, SignalName, Unit},
    text::{
        Findings, Kind, Node, Written, millicores_help, quote, size_help,
        values::{decimal, percentage},
    },
};

/// What a signal is measured in, as far as the policy tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Cpu,
    Memory,
    /// A part of the host, 1 being all of it.
    Host,
    /// What an expression gives.
    Formula,
    /// A counter's increase.
    Rate,
    Seconds,
    Bytes,
    /// Of a queue.
    Messages,
    /// A gauge or quantile that does not say.
    Plain,
    /// What the application publishes: it alone knows.
    Published,
    /// The signal is not known; the value is only checked for being one.
    Unknown,
}

impl Measure {
    /// What fits, for the sentence "write …".
    fn fitting(self) -> &'static str {
        match self {
            Self::Cpu => "a share of the limit such as `70%`, or cores such as `0.7`",
            Self::Memory => "a share of the limit such as `70%`, or a size such as `400MiB`",
            Self::Host => "a share of the host such as `85%`",
            Self::Rate => "so many per second, such as `120/s`",
            Self::Seconds => "a duration such as `250ms`",
            Self::Bytes => "a size such as `400MiB`",
            Self::Messages => "a number of messages such as `20`",
            Self::Plain | Self::Formula => "a plain number such as `20`",
            Self::Published | Self::Unknown => {
                "a number, rate, duration or size, such as `20`, `120/s`, `250ms`, `1GiB`"
            }
        }
    }

    /// What it is, for the sentence "… is measured in".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cores",
            Self::Memory | Self::Bytes => "bytes",
            Self::Host => "shares of the host",
            Self::Formula => "plain numbers, as it is an expression",
            Self::Rate => "events per second",
            Self::Seconds => "seconds",
            Self::Messages => "messages",
            Self::Plain => "plain numbers, as the metric's name ends with neither `_seconds` nor `_bytes`",
            Self::Published | Self::Unknown => "what its publisher says",
        }
    }

    /// Whether it can be less than nothing.
    fn may_be_negative(self) -> bool {
        matches!(self, Self::Plain | Self::Formula | Self::Published | Self::Unknown)
    }
}

/// What a value may be besides fitting its signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bounds {
    /// What one replica carries: more than nothing.
    AboveZero,
    /// What a signal is held against.
    Any,
}

/// The value of `node`, for a signal called `signal` that is measured in `measure`.
pub(super) fn read(
    node: &Node,
    what: &str,
    signal: &str,
    measure: Measure,
    bounds: Bounds,
    findings: &mut Findings,
) -> Option<Quantity> {
    let fitting = measure.fitting();
    let text = node.text(what, fitting.split('`').nth(1).unwrap_or_default(), findings)?;
    let Some(written) = Written::of(text) else {
        let message = format!("{what} is {}, which is no value with a unit that is known", quote(text));
        let help = share_help(text).or_else(|| size_help(text)).unwrap_or_else(|| format!("write {fitting}"));
        findings.add(Kind::BadValue, node.place, message, help);
        return None;
    };
    let Some(quantity) = fit(written, measure) else {
        let why = match written {
            Written::Percentage(_) | Written::OfReservation(_) if measure == Measure::Unknown => return None,
            Written::OfReservation(_) => "only `cpu` and `memory` are reserved".to_owned(),
            Written::Percentage(_) => "only `cpu` and `memory` have a limit that it could be a share of".to_owned(),
            _ => format!("that is measured in {}", measure.name()),
        };
        let message = format!("{} does not fit the signal {}: {why}", quote(text), quote(signal));
        let size = size_help(text).filter(|_| matches!(measure, Measure::Memory | Measure::Bytes));
        let cores = millicores_help(text).filter(|_| measure == Measure::Cpu);
        let help = size.or(cores).unwrap_or_else(|| format!("write {fitting}"));
        findings.add(Kind::BadUnit, node.place, message, help);
        return None;
    };
    let Some((message, help)) = out_of_bounds(quantity, measure, bounds) else { return Some(quantity) };
    findings.add(Kind::BadValue, node.place, format!("{what} is {}, but {message}", quote(text)), help);
    None
}

/// How far past `bound` something is, in the bound's own unit.
pub(super) fn distance(
    node: &Node,
    bound: Quantity,
    (signal, measure): (Option<&SignalName>, Measure),
    findings: &mut Findings,
) -> Option<f64> {
    let text = node.text("`past`", "10%", findings)?;
    if decimal(text.trim_end_matches('%').trim_end()) == Some(0.0) {
        return Some(0.0);
    }
    let name = signal.map_or("", SignalName::as_str);
    let far = match (bound, Written::of(text)) {
        (Quantity::OfLimit(_) | Quantity::OfReservation(_), Some(Written::Percentage(share))) => Some(share),
        (Quantity::OfLimit(_) | Quantity::OfReservation(_), _) => None,
        (Quantity::Absolute { .. }, _) => read(node, "`past`", name, measure, Bounds::Any, findings)
            .filter(|past| super::rules::comparable(*past, bound).is_some())
            .map(Quantity::value),
    };
    if far.is_none() {
        let message = format!("{} is no distance from the bound, which is {bound}", quote(text));
        findings.add(Kind::BadUnit, node.place, message, "write it in the unit of the bound");
    }
    far.filter(|far| *far > 0.0)
}

/// A part of the host: a share, or so much of it.
#[expect(clippy::option_option, reason = "the outer one is an error, the inner one is `off`")]
pub(super) fn reserve(node: &Node, what: &str, bytes_wanted: bool, findings: &mut Findings) -> Option<Option<Reserve>> {
    let text = node.text(what, "10%", findings)?;
    let read = match Written::of(text) {
        _ if text == "off" => return Some(None),
        Some(Written::Percentage(share)) if (0.0..1.0).contains(&share) => Some(Reserve::Share(share)),
        Some(Written::Bytes(size)) if bytes_wanted && size >= 0.0 => Some(Reserve::Absolute(size)),
        Some(Written::Number(cores) | Written::Cores(cores)) if !bytes_wanted && cores >= 0.0 => {
            Some(Reserve::Absolute(cores))
        }
        _ => None,
    };
    if read.is_none() {
        let fitting = if bytes_wanted { "a size such as `512MiB`" } else { "cores such as `0.5`" };
        let message = format!("{what} is {}; allowed: a percentage below 100%, {fitting}, or `off`", quote(text));
        let cores = millicores_help(text).filter(|_| !bytes_wanted);
        let help = cores.or_else(|| size_help(text)).unwrap_or_else(|| "such as `10%`".to_owned());
        findings.add(Kind::BadValue, node.place, message, help);
    }
    read.map(Some)
}

fn out_of_bounds(quantity: Quantity, measure: Measure, bounds: Bounds) -> Option<(&'static str, String)> {
    let value = match quantity {
        Quantity::OfLimit(share) if share <= 0.0 || share > 1.0 => {
            return Some(("a share of the limit is above 0% and at most 100%", "write `70%`, for example".to_owned()));
        }
        Quantity::OfReservation(share) if share <= 0.0 || share > 100.0 => {
            let help = "write `70% of reservation`, for example".to_owned();
            return Some(("a share of the reservation is above 0% and at most 10000%", help));
        }
        Quantity::Absolute { value, unit: Unit::Share } if !(0.0..=1.0).contains(&value) => {
            return Some(("a share of the host is from 0% to 100%", "write `85%`, for example".to_owned()));
        }
        Quantity::OfLimit(share) | Quantity::OfReservation(share) => share,
        Quantity::Absolute { value, .. } => value,
    };
    if bounds == Bounds::AboveZero && value <= 0.0 {
        return Some(("what one replica carries is above 0", format!("write {}", measure.fitting())));
    }
    (value < 0.0 && !measure.may_be_negative())
        .then(|| ("the signal is never below 0", format!("write {}", measure.fitting())))
}

fn fit(written: Written, measure: Measure) -> Option<Quantity> {
    let absolute = |value, unit| Some(Quantity::Absolute { value, unit });
    match (measure, written) {
        (Measure::Cpu | Measure::Memory, Written::Percentage(share)) => Some(Quantity::OfLimit(share)),
        (Measure::Cpu | Measure::Memory, Written::OfReservation(share)) => Some(Quantity::OfReservation(share)),
        (Measure::Host, Written::Percentage(share) | Written::Number(share)) => absolute(share, Unit::Share),
        (Measure::Cpu, Written::Number(cores) | Written::Cores(cores)) => absolute(cores, Unit::Cores),
        (Measure::Rate | Measure::Published | Measure::Unknown, Written::PerSecond(value))
        | (Measure::Rate, Written::Number(value)) => absolute(value, Unit::PerSecond),
        (Measure::Seconds | Measure::Published | Measure::Unknown, Written::Seconds(value)) => {
            absolute(value, Unit::Seconds)
        }
        (Measure::Memory | Measure::Bytes | Measure::Published | Measure::Unknown, Written::Bytes(value)) => {
            absolute(value, Unit::Bytes)
        }
        (
            Measure::Messages | Measure::Plain | Measure::Formula | Measure::Published | Measure::Unknown,
            Written::Number(value),
        ) => absolute(value, Unit::Number),
        _ => None,
    }
}

/// A cure for the word of others for a reservation.
fn share_help(text: &str) -> Option<String> {
    let share = text.strip_suffix("of request").or_else(|| text.strip_suffix("of requests"))?.trim_end();
    percentage(share)?;
    Some(format!("write `{share} of reservation`"))
}
