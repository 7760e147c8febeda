//! Parts as the command line has them: `at=20m rise=30s by=360/s`.

use std::time::Duration;

use super::PARTS;
use crate::scenario::Part;

/// The most of anything.
const MOST: f64 = 1e12;

/// The part of this kind that is written so.
pub(super) fn part(kind: &str, text: &str) -> Result<Part, String> {
    let example = PARTS.iter().find(|(name, _)| *name == kind).map(|(_, example)| *example);
    let Some(example) = example else {
        let all: Vec<_> = PARTS.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no part `{kind}`; there are: {}", all.join(", ")));
    };
    let words = Words::read(kind, text, example)?;
    match kind {
        "level" => words.amount("level", None).map(Part::Level),
        "sine" => Ok(Part::Sine {
            amplitude: words.amount("amplitude", None)?,
            period: words.some_span("period", None)?,
            phase: words.span("phase", Some("0s"))?,
        }),
        "step" => Ok(Part::Step {
            at: words.span("at", None)?,
            by: words.change("by")?,
            lasts: words.get("for").map(|_| words.some_span("for", None)).transpose()?,
        }),
        "ramp" => Ok(Part::Ramp {
            from: words.span("from", None)?,
            over: words.some_span("over", None)?,
            by: words.change("by")?,
        }),
        "flash" => Ok(Part::Flash {
            at: words.span("at", None)?,
            rise: words.some_span("rise", None)?,
            by: words.amount("by", None)?,
            fade: words.some_span("fade", None)?,
        }),
        "daily" => Ok(Part::Daily {
            peak: words.amount("peak", None)?,
            night: words.share("night", Some("20%"), 1.0)?,
            at: words.span("at", Some("15h"))?,
            weekend: words.share("weekend", Some("100%"), 10.0)?,
        }),
        "bursts" => Ok(Part::Bursts {
            low: words.amount("low", Some("0"))?,
            high: words.amount("high", None)?,
            every: words.some_span("every", None)?,
            lasts: words.some_span("for", None)?,
        }),
        "sawtooth" => {
            Ok(Part::Sawtooth { amplitude: words.amount("amplitude", None)?, period: words.some_span("period", None)? })
        }
        "on_off" => Ok(Part::OnOff {
            level: words.amount("level", None)?,
            on: words.some_span("on", None)?,
            off: words.some_span("off", None)?,
        }),
        _ => Ok(Part::Noise {
            spread: words.share("spread", None, 10.0)?,
            every: words.some_span("every", Some("10s"))?,
        }),
    }
}

/// `key=value` and `key=value`; the one word of a part that needs no more may stand alone.
struct Words<'t> {
    kind: &'t str,
    pairs: Vec<(&'t str, &'t str)>,
    example: &'static str,
}

impl<'t> Words<'t> {
    fn read(kind: &'t str, text: &'t str, example: &'static str) -> Result<Self, String> {
        // The example has all keys, and that of a level is the level itself.
        let keys: Vec<&str> = if kind == "level" {
            vec!["level"]
        } else {
            example.split(' ').filter_map(|word| word.split_once('=')).map(|(key, _)| key).collect()
        };
        let alone = matches!(kind, "level" | "noise").then(|| keys[0]);
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            let (key, value) = match (word.split_once('='), alone) {
                (Some(pair), _) => pair,
                (None, Some(key)) if pairs.is_empty() => (key, word),
                (None, _) => return Err(format!("{kind}: `{word}` is not key=value; such as '{example}'")),
            };
            if !keys.contains(&key) {
                let nearest = autoscaler::text::nearest(key, keys.iter().copied());
                let meant = nearest.map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
                return Err(format!(
                    "{kind}: there is no `{key}`{meant} It has: {}; such as '{example}'",
                    keys.join(", ")
                ));
            }
            if pairs.iter().any(|(known, _)| *known == key) {
                return Err(format!("{kind}: `{key}` comes twice"));
            }
            pairs.push((key, value));
        }
        Ok(Self { kind, pairs, example })
    }

    fn get(&self, key: &str) -> Option<&'t str> {
        self.pairs.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    fn value(&self, key: &str, usual: Option<&'t str>) -> Result<&'t str, String> {
        let missing = || format!("{}: `{key}` is missing; such as '{}'", self.kind, self.example);
        self.get(key).or(usual).ok_or_else(missing)
    }

    fn wrong(&self, key: &str, value: &str, allowed: &str) -> String {
        format!("{}: `{key}` is `{value}`; allowed: {allowed}", self.kind)
    }

    fn span(&self, key: &str, usual: Option<&'t str>) -> Result<Duration, String> {
        let value = self.value(key, usual)?;
        let longest = Duration::from_hours(87840);
        let span = humantime::parse_duration(value).ok().filter(|span| *span <= longest);
        span.ok_or_else(|| self.wrong(key, value, "a duration such as 30s, 5m or 1h30m"))
    }

    fn some_span(&self, key: &str, usual: Option<&'t str>) -> Result<Duration, String> {
        let span = self.span(key, usual)?;
        if span < Duration::from_millis(1) {
            return Err(self.wrong(key, self.value(key, usual)?, "a duration of 1ms and more"));
        }
        Ok(span)
    }

    fn amount(&self, key: &str, usual: Option<&'t str>) -> Result<f64, String> {
        let value = self.value(key, usual)?;
        number(value).filter(|number| *number >= 0.0).ok_or_else(|| {
            self.wrong(key, value, "a number, 0 and more, such as 40/s, 2400/m or, of cores and users, 40")
        })
    }

    fn change(&self, key: &str) -> Result<f64, String> {
        let value = self.value(key, None)?;
        number(value).ok_or_else(|| self.wrong(key, value, "a number such as 40/s or -40/s"))
    }

    fn share(&self, key: &str, usual: Option<&'t str>, most: f64) -> Result<f64, String> {
        let value = self.value(key, usual)?;
        let share = match value.strip_suffix('%') {
            Some(percent) => percent.parse().ok().map(|percent: f64| percent / 100.0),
            None => value.parse().ok(),
        };
        let share = share.filter(|share| (0.0..=most).contains(share));
        share.ok_or_else(|| self.wrong(key, value, &format!("a share such as 20%, from 0% to {}%", most * 100.0)))
    }
}

fn number(text: &str) -> Option<f64> {
    let (number, per) = match text.split_once('/') {
        Some((number, "s")) => (number, 1.0),
        Some((number, "m" | "min")) => (number, 60.0),
        Some((number, "h")) => (number, 3600.0),
        Some(_) => return None,
        None => (text, 1.0),
    };
    number.parse::<f64>().ok().map(|number| number / per).filter(|number| number.abs() <= MOST)
}
