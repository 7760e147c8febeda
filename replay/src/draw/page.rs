//! The text of a scenario that a person goes on with: all of it written out, with what it means.

use std::{fmt::Write as _, time::Duration};

use autoscaler::{Timestamp, text::values::moment_text};

use super::Of;
use crate::scenario::{Part, quoted};

/// Seconds that a request of the usual service takes: one replica carries 50 a second.
pub(super) const TAKES: f64 = 0.02;
/// Mean seconds between a user's requests.
const THINK: f64 = 5.0;

/// What differs from one scenario to another.
pub(crate) struct Page {
    pub(crate) about: String,
    pub(crate) from: String,
    /// Lines at the top.
    pub(crate) comments: Vec<String>,
    pub(crate) service: String,
    pub(crate) begins: Timestamp,
    pub(crate) lasts: Duration,
    pub(crate) every: Duration,
    pub(crate) seed: u64,
    pub(crate) of: Of,
    /// The demand at the beginning, and at its highest.
    pub(crate) first: f64,
    pub(crate) most: f64,
    /// Lines of what is below `load:`, the demand.
    pub(crate) load: String,
}

impl Page {
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.comments {
            let _ = writeln!(text, "# {}", line.replace(['\n', '\r'], " "));
        }
        let (start, max) = (self.replicas(self.first), self.replicas(self.most).saturating_mul(2).max(10));
        let _ = write!(
            text,
            "scenario: 1
about: {about}
from: {from}
service: {service}
begins: {begins}
lasts: {lasts}
every: {every}                      # how often samples are taken
seed: {seed}                        # another seed is another run of the same load
replicas: {{ start: {start}, min: 1, max: {max} }}  # min and max for whoever has no policy that says them
objective: {{ latency: {{ p95: 250ms }}, idle_per_missing: 10 }}  # one missing replica costs as much as ten idle ones

load:
{load}  arrivals: poisson               # or even, within a step
  retries: 0%                     # of requests that were lost come again
{think}{MODEL}",
            about = quoted(&self.about),
            from = quoted(&self.from),
            service = quoted(&self.service),
            begins = moment_text(self.begins),
            lasts = span(self.lasts),
            every = span(self.every),
            seed = self.seed,
            load = self.load,
            think = match self.of {
                Of::Users => "  think: 5s                       # between an answer and the same user's next request\n",
                _ => "",
            },
        );
        text
    }

    /// As many replicas of the usual service as carry a demand at 70 %.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    fn replicas(&self, demand: f64) -> u32 {
        let cores = match self.of {
            Of::Requests | Of::Jobs => demand * TAKES,
            Of::Users => demand / THINK * TAKES,
            Of::Cores => demand,
        };
        (cores / 0.7).ceil().clamp(1.0, 500.0) as u32
    }
}

/// A small web service; none of this is measured, all of it is to be edited.
const MODEL: &str = "  service:                        # a usual small service: replace what you know better
    takes: 20ms                   # time that a warm replica with nothing else to do works on a request
    spread: 1                     # squared coefficient of variation of that: 0 always the same, 1 exponential
    at_once: 1                    # requests that a replica works on at the same time
    cpu: 20ms                     # core-seconds that a request costs
    idle_cpu: 0.02                # cores of a replica that does nothing
    cpu_limit: 1                  # cores that a replica may use
    memory: { idle: 64MiB, per_request: 1MiB, limit: 512MiB }
    start:                        # from the decision until a replica serves
      image: 0s                   # pulling it, where it is not there
      boot: [400ms, 600ms, 1s]    # one of these is drawn for each start
      ready: 2s                   # until a health check passes
      cpu: 0.5                    # cores busy meanwhile
      warm_up: { from: 50%, over: 10s }
      fails: 0%                   # of starts never get ready
      gives_up: 60s
    stop: 5s                      # finishes what it has, and takes at most so long
    queue: { most: 1000, patience: 30s }  # waiting at a replica; who waits longer gives up
";

/// A part as the file has it, and what it does.
pub(super) fn part_line(part: &Part, of: Of) -> (String, String) {
    let amount = |value: f64| format!("{}{}", number(value), of.unit());
    match *part {
        Part::Level(level) => (format!("level: {}", amount(level)), "always".to_owned()),
        Part::Sine { amplitude, period, phase } => (
            format!("sine: {{ amplitude: {}, period: {}, phase: {} }}", amount(amplitude), span(period), span(phase)),
            "swings up and down by the amplitude".to_owned(),
        ),
        Part::Step { at, by, lasts: None } => {
            (format!("step: {{ at: {}, by: {} }}", span(at), amount(by)), "so much more from then on".to_owned())
        }
        Part::Step { at, by, lasts: Some(lasts) } => (
            format!("step: {{ at: {}, by: {}, for: {} }}", span(at), amount(by), span(lasts)),
            "so much more for a while".to_owned(),
        ),
        Part::Ramp { from, over, by } => (
            format!("ramp: {{ from: {}, over: {}, by: {} }}", span(from), span(over), amount(by)),
            "rises evenly, and stays".to_owned(),
        ),
        Part::Flash { at, rise, by, fade } => (
            format!("flash: {{ at: {}, rise: {}, by: {}, fade: {} }}", span(at), span(rise), amount(by), span(fade)),
            format!("a crowd comes within {}; a third of it is left {} later", span(rise), span(fade)),
        ),
        Part::Daily { peak, night, at, weekend } => (
            format!(
                "daily: {{ peak: {}, night: {}, at: {}, weekend: {} }}",
                amount(peak),
                percent(night),
                span(at),
                percent(weekend)
            ),
            "busiest at that time of day (UTC), less at night and at the weekend".to_owned(),
        ),
        Part::Bursts { low, high, every, lasts } => (
            format!(
                "bursts: {{ low: {}, high: {}, every: {}, for: {} }}",
                amount(low),
                amount(high),
                span(every),
                span(lasts)
            ),
            format!("bursts at random, {} apart and {} long on average", span(every), span(lasts)),
        ),
        Part::Sawtooth { amplitude, period } => (
            format!("sawtooth: {{ amplitude: {}, period: {} }}", amount(amplitude), span(period)),
            "rises evenly, falls back at once, and again".to_owned(),
        ),
        Part::OnOff { level, on, off } => (
            format!("on_off: {{ on: {}, off: {}, level: {} }}", span(on), span(off), amount(level)),
            "there for a while, away for a while".to_owned(),
        ),
        Part::Noise { spread, every } => (
            format!("noise: {{ spread: {}, every: {} }}", percent(spread), span(every)),
            "multiplies all above by 1 and so much at random".to_owned(),
        ),
    }
}

/// A span, exactly: `1h 30m`.
pub(crate) fn span(span: Duration) -> String {
    let mut left = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let mut words = Vec::new();
    for (unit, millis) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if left >= millis {
            words.push(format!("{}{unit}", left / millis));
            left %= millis;
        }
    }
    if words.is_empty() { "0s".to_owned() } else { words.join(" ") }
}

/// A number without digits that nobody wrote.
pub(crate) fn number(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    if rounded.is_finite() { rounded.to_string() } else { value.to_string() }
}

fn percent(share: f64) -> String {
    format!("{}%", number(share * 100.0))
}
