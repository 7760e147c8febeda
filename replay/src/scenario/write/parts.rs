//! Values over time.

use std::fmt::Write as _;

use super::{
    super::{
        Columns, Part, Source,
        read::{GAPS, Unit},
    },
    units::{amount, number, percent, quoted, span},
};

/// `key: …` behind `indent`.
pub(super) fn source(text: &mut String, indent: &str, key: &str, source: &Source, unit: Unit) {
    match source {
        Source::Drawn(parts) => match parts.as_slice() {
            [Part::Level(level)] => {
                let _ = writeln!(text, "{indent}{key}: {}", amount(*level, unit));
            }
            parts => {
                let _ = writeln!(text, "{indent}{key}:\n{indent}  draw:");
                for part in parts {
                    let _ = writeln!(text, "{indent}    - {}", of_part(part, unit));
                }
            }
        },
        Source::File(Columns { file, time, value, gaps, scale, .. }) => {
            let gaps = GAPS.iter().find(|(_, known)| known == gaps).map_or("", |(name, _)| *name);
            let _ = writeln!(
                text,
                "{indent}{key}: {{ csv: {{ file: {}, time: {}, value: {}, gaps: {gaps}, scale: {} }} }}",
                quoted(file),
                quoted(time),
                quoted(value),
                number(*scale),
            );
        }
    }
}

fn of_part(part: &Part, unit: Unit) -> String {
    let of = |value: &f64| amount(*value, unit);
    match part {
        Part::Level(level) => format!("level: {}", of(level)),
        Part::Sine { amplitude, period, phase } => {
            format!("sine: {{ amplitude: {}, period: {}, phase: {} }}", of(amplitude), span(*period), span(*phase))
        }
        Part::Step { at, by, lasts } => {
            let lasts = lasts.map(|lasts| format!(", for: {}", span(lasts))).unwrap_or_default();
            format!("step: {{ at: {}, by: {}{lasts} }}", span(*at), of(by))
        }
        Part::Ramp { from, over, by } => {
            format!("ramp: {{ from: {}, over: {}, by: {} }}", span(*from), span(*over), of(by))
        }
        Part::Flash { at, rise, by, fade } => {
            let (at, rise, fade) = (span(*at), span(*rise), span(*fade));
            format!("flash: {{ at: {at}, rise: {rise}, by: {}, fade: {fade} }}", of(by))
        }
        Part::Daily { peak, night, at, weekend } => {
            let (night, weekend) = (percent(*night), percent(*weekend));
            format!("daily: {{ peak: {}, night: {night}, at: {}, weekend: {weekend} }}", of(peak), span(*at))
        }
        Part::Bursts { low, high, every, lasts } => {
            let (every, lasts) = (span(*every), span(*lasts));
            format!("bursts: {{ low: {}, high: {}, every: {every}, for: {lasts} }}", of(low), of(high))
        }
        Part::Sawtooth { amplitude, period } => {
            format!("sawtooth: {{ amplitude: {}, period: {} }}", of(amplitude), span(*period))
        }
        Part::OnOff { level, on, off } => {
            format!("on_off: {{ on: {}, off: {}, level: {} }}", span(*on), span(*off), of(level))
        }
        Part::Noise { spread, every } => format!("noise: {{ spread: {}, every: {} }}", percent(*spread), span(*every)),
    }
}
