//! The table for a terminal.

use std::fmt::Write as _;

use super::{Beaten, Judged, Start, Table};

/// Whose costs are shown.
pub(super) const SHOWN: [(&str, &str); 7] = [
    ("policy", "POLICY"),
    ("hpa", "HPA"),
    ("kpa", "KPA"),
    ("react", "REACT"),
    ("reg", "REG"),
    ("hist", "HIST"),
    ("lr10", "LR10"),
];

impl Table {
    /// The costs of second halves over the plan's, and what follows from them.
    pub fn text(&self) -> String {
        let width = self.recordings.iter().map(|judged| judged.name.chars().count()).max().unwrap_or(0).max(9);
        let mut text = format!(
            "cost of the second half over the clairvoyant plan's, {} idle for one missing; {}\n\n{:width$}  START",
            self.idle_per_missing, self.policy, "RECORDING"
        );
        for (_, title) in SHOWN {
            let _ = write!(text, "  {title:>6}");
        }
        text.push_str("  BEST REACTIVE       POLICY IS\n");
        for judged in &self.recordings {
            for start in &judged.starts {
                row(&mut text, width, judged, start);
            }
        }
        text.push('\n');
        for (start, mean) in self.means() {
            let _ = writeln!(text, "mean over recordings (geometric), start-up {start}: {mean:.2}");
        }
        for beaten in self.beaten.iter().filter(|beaten| SHOWN.iter().any(|(key, _)| *key == beaten.key)) {
            let _ = writeln!(text, "{}", said(beaten));
        }
        for (name, start, by) in self.worse() {
            let _ = writeln!(
                text,
                "worse than the best reactive one by more than 5 %: {name}, start-up {start}, {by:+.0} %"
            );
        }
        text
    }

    /// By start-up, the geometric mean of the policy's cost over the plan's.
    pub fn means(&self) -> Vec<(u32, f64)> {
        let starts = self.recordings.first().map(|judged| judged.starts.as_slice()).unwrap_or_default();
        let mean = |place: usize| {
            let all = self.recordings.iter().filter_map(|judged| judged.starts.get(place)?.of("policy"));
            let logs: Vec<f64> = all.map(|figures| figures.over_plan.ln()).collect();
            (logs.iter().sum::<f64>() / logs.len() as f64).exp()
        };
        starts.iter().enumerate().map(|(place, start)| (start.start, mean(place))).collect()
    }

    /// Where the policy costs more than 5 % more than the best reactive baseline: recording, start-up, percent.
    pub fn worse(&self) -> Vec<(&str, u32, f64)> {
        let each = self.recordings.iter().flat_map(|judged| judged.starts.iter().map(move |start| (judged, start)));
        let worse = each.filter(|(_, start)| start.over_reactive > 1.05);
        worse.map(|(judged, start)| (judged.name.as_str(), start.start, (start.over_reactive - 1.0) * 100.0)).collect()
    }
}

fn row(text: &mut String, width: usize, judged: &Judged, start: &Start) {
    let _ = write!(text, "{:width$}  {:>5}", judged.name, start.start);
    for (key, _) in SHOWN {
        let cost = start.of(key).map_or(f64::NAN, |figures| figures.over_plan);
        let _ = write!(text, "  {cost:>6.2}");
    }
    let best = start.of(&start.best_reactive).map_or(f64::NAN, |figures| figures.over_plan);
    let by = (start.over_reactive - 1.0) * 100.0;
    let _ = writeln!(text, "  {:<12} {best:>6.2}  {by:>+7.1} %", start.best_reactive);
}

/// How the policy does against one of them, in a sentence.
pub(super) fn said(beaten: &Beaten) -> String {
    let Beaten { key, won, of, difference, finding } = beaten;
    let percent = |share: f64| format!("{:+.0} %", share * 100.0);
    format!(
        "less than {key} on {won} of {of}; {} on average ({} … {}), {}",
        percent(difference.mean),
        percent(difference.low),
        percent(difference.high),
        finding.words()
    )
}
