//! Access logs: each line is a request.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::{ImportError, Notes, Options, TimeFormat, moment, notes::each_line, steps::Steps};

/// Common and Combined Log Format:
/// `host ident user [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326 …`.
pub(super) fn text(input: impl BufRead, options: &Options, notes: &mut Notes) -> Result<Steps, ImportError> {
    if options.latency.is_some() && options.latency_unit.is_none() {
        return Err(no_unit("the last word of each line", notes));
    }
    let usual = TimeFormat::Pattern("%d/%b/%Y:%H:%M:%S %z".to_owned());
    let format = options.time_format.as_ref().unwrap_or(&usual);
    let mut steps = Steps::of_requests(options);
    let mut order = Order::default();
    each_line(input, notes, |notes, number, line| {
        let Some(request) = request(line) else {
            notes.skip(number, "the line is not in Common or Combined Log Format");
            return Ok(());
        };
        let at = match moment::parse(request.time, Some(format), options.zone) {
            Ok(at) => at,
            Err(moment::Failed::Form | moment::Failed::OutOfRange) => {
                notes.skip(number, "the moment cannot be read");
                return Ok(());
            }
            Err(failed) => return Err(moment::error(&failed, request.time, number, options, notes)),
        };
        let unit = options.latency.as_ref().and(options.latency_unit);
        let seconds = unit.and_then(|unit| response_time(request.last, unit, number, notes));
        notes.used += 1;
        order.see(at);
        steps.request(at, Some(request.status >= 500), seconds);
        Ok(())
    })?;
    order.say(notes);
    Ok(steps)
}

struct Request<'l> {
    time: &'l str,
    status: u16,
    last: &'l str,
}

fn request(line: &str) -> Option<Request<'_>> {
    let (_, rest) = line.split_once(" [")?;
    let (time, rest) = rest.split_once("] \"")?;
    let mut escaped = false;
    let quote = rest.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    let rest = rest.get(quote + 1..)?;
    let status: u16 = rest.split_whitespace().next()?.parse().ok()?;
    let last = rest.split_whitespace().next_back()?;
    (100..600).contains(&status).then_some(Request { time, status, last })
}

/// Names of the fields of one program, and what its response times are measured in.
#[derive(Clone, Debug)]
struct Names {
    time: String,
    format: Option<TimeFormat>,
    status: Option<String>,
    latency: Option<(String, f64)>,
}

/// One JSON object on each line.
pub(super) fn json(input: impl BufRead, options: &Options, notes: &mut Notes) -> Result<Steps, ImportError> {
    let mut steps = Steps::of_requests(options);
    let mut names = None;
    let mut order = Order::default();
    each_line(input, notes, |notes, number, line| {
        let Ok(fields) = serde_json::from_str::<Map<String, Value>>(line) else {
            notes.skip(number, "the line is no JSON object");
            return Ok(());
        };
        if names.is_none() {
            names = Some(named(&fields, number, options, notes)?);
        }
        let Some(names) = &names else { return Ok(()) };
        let Some(time) = fields.get(&names.time).and_then(as_text) else {
            notes.skip(number, format!("there is no field `{}`", names.time));
            return Ok(());
        };
        // Caddy's moments are numbers unless it was told to write them as texts.
        let format = names.format.as_ref().filter(|_| options.time_format.is_some() || time.parse::<f64>().is_ok());
        let at = match moment::parse(&time, format, options.zone) {
            Ok(at) => at,
            Err(moment::Failed::OutOfRange) if notes.used > 0 => {
                notes.skip(number, "the moment is before 1970 or after 9999");
                return Ok(());
            }
            Err(failed) => return Err(moment::error(&failed, &time, number, options, notes)),
        };
        let status = names.status.as_ref().and_then(|name| fields.get(name)).and_then(as_text);
        let status = status.and_then(|status| status.parse::<u16>().ok());
        let latency = names.latency.as_ref().and_then(|(name, unit)| Some((as_text(fields.get(name)?)?, *unit)));
        let seconds = latency.and_then(|(text, unit)| response_time(&text, unit, number, notes));
        notes.used += 1;
        order.see(at);
        // Status 0: there was no answer.
        steps.request(at, status.map(|status| status >= 500 || status == 0), seconds);
        Ok(())
    })?;
    order.say(notes);
    Ok(steps)
}

/// The fields that are asked for, or those of a program that is known by its own.
fn named(fields: &Map<String, Value>, line: u64, options: &Options, notes: &mut Notes) -> Result<Names, ImportError> {
    let has = |names: &[&str]| names.iter().all(|name| fields.contains_key(*name));
    let nginx = Some(("request_time", 1.0));
    // Program, moment and whether it is in seconds, status, response time and its unit.
    let known = if has(&["StartUTC", "DownstreamStatus"]) {
        Some(("Traefik", "StartUTC", false, "DownstreamStatus", Some(("Duration", 1e-9))))
    } else if has(&["ts", "request", "status"]) {
        Some(("Caddy", "ts", true, "status", Some(("duration", 1.0))))
    } else if has(&["time_iso8601", "status"]) {
        Some(("nginx", "time_iso8601", false, "status", nginx))
    } else if has(&["msec", "status"]) {
        Some(("nginx", "msec", true, "status", nginx))
    } else {
        None
    };
    if let Some((program, ..)) = known.filter(|_| options.time.is_none()) {
        notes.say(format!("its fields are those of {program}"));
    }
    let Some(time) = options.time.clone().or_else(|| known.map(|(_, time, ..)| time.to_owned())) else {
        let all: Vec<_> = fields.keys().take(50).map(String::as_str).collect();
        let what = "its fields are not those of nginx, Traefik or Caddy";
        let allowed = format!("--time {}", all.join("|"));
        return Err(notes.error_at(line, what, &allowed, "name them: --time, --status, --latency with --latency-unit"));
    };
    let known = known.filter(|(_, known, ..)| *known == time);
    let latency = match (&options.latency, options.latency_unit) {
        (Some(name), Some(unit)) => Some((name.clone(), unit)),
        (Some(name), None) => return Err(no_unit(&format!("`{name}`"), notes)),
        (None, _) => known.and_then(|known| known.4).map(|(name, unit)| (name.to_owned(), unit)),
    };
    Ok(Names {
        time,
        format: options.time_format.clone().or_else(|| known.filter(|known| known.2).map(|_| TimeFormat::Seconds)),
        status: options.status.clone().or_else(|| known.map(|known| known.3.to_owned())),
        latency,
    })
}

fn no_unit(what: &str, notes: &Notes) -> ImportError {
    let what = format!("the unit of {what} is not known");
    notes.error(what, "--latency-unit s|ms|us|ns", "nginx writes seconds, Apache's %D microseconds")
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn response_time(text: &str, unit: f64, line: u64, notes: &mut Notes) -> Option<f64> {
    match text.trim_matches('"').parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Some(number * unit),
        _ => {
            notes.skip(line, "the response time is no number: the request counts, its time does not");
            None
        }
    }
}

/// Requests are written when they end, so that a log is not quite in order; how much of it is not, is said.
#[derive(Debug, Default)]
struct Order {
    latest: i64,
    early: u64,
    most: i64,
}

impl Order {
    fn see(&mut self, at: i64) {
        if at < self.latest {
            self.early += 1;
            self.most = self.most.max(self.latest - at);
        }
        self.latest = self.latest.max(at);
    }

    fn say(&self, notes: &mut Notes) {
        if self.early > 0 {
            let by = self.most as f64 / 1000.0;
            notes.say(format!(
                "{} lines are earlier than one before them, by {by} s at most; all are counted",
                self.early
            ));
        }
    }
}
