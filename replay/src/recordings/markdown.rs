//! The table for a page.

use std::fmt::Write as _;

use super::{
    Table,
    text::{SHOWN, said},
};

/// What stands before the table in a page.
pub const BEGIN: &str = "<!-- table: recordings -->";
/// What stands behind it.
pub const END: &str = "<!-- /table -->";

/// The page with what is between the two marks replaced; `None` where it does not have them.
pub fn replace(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

impl Table {
    /// All of it, as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        self.costs(&mut text);
        self.everybody(&mut text);
        self.beaten_by(&mut text);
        self.spec(&mut text);
        self.bounds(&mut text);
        self.knobs(&mut text);
        text
    }

    fn costs(&self, text: &mut String) {
        text.push_str("#### Cost over the clairvoyant plan's, second half\n\n| recording | step | start-up |");
        for (_, title) in SHOWN {
            let _ = write!(text, " {} |", title.to_lowercase());
        }
        text.push_str(" best reactive | policy beside it | policy, whole recording |\n|---|--:|--:|");
        text.push_str(&"--:|".repeat(SHOWN.len()));
        text.push_str("---|--:|--:|\n");
        for judged in &self.recordings {
            for start in &judged.starts {
                let _ = write!(text, "| {} | {} | {} |", judged.name, step(judged.step), start.start);
                for (key, _) in SHOWN {
                    let _ = write!(text, " {:.2} |", start.of(key).map_or(f64::NAN, |figures| figures.over_plan));
                }
                let best = start.of(&start.best_reactive).map_or(f64::NAN, |figures| figures.over_plan);
                let all = start.rows.iter().find(|row| row.key == "policy");
                let all = all.map_or(f64::NAN, |row| row.all.over_plan);
                let by = (start.over_reactive - 1.0) * 100.0;
                let _ = writeln!(text, " {} {best:.2} | {by:+.1} % | {all:.2} |", start.best_reactive);
            }
        }
        for (start, mean) in self.means() {
            let _ = write!(text, "\nGeometric mean of the policy at start-up {start}: {mean:.2}.");
        }
        text.push('\n');
    }

    fn everybody(&self, text: &mut String) {
        let Some(first) = self.recordings.first().and_then(|judged| judged.starts.first()) else { return };
        text.push_str("\n#### Everybody, cost over the plan's, second half\n\n| contender |");
        let columns: Vec<(usize, usize)> =
            (0..first_starts(self)).flat_map(|at| (0..self.recordings.len()).map(move |of| (of, at))).collect();
        let numbers: Vec<String> =
            columns.iter().map(|(of, at)| format!("{}·{}", of + 1, self.recordings[*of].starts[*at].start)).collect();
        let _ = writeln!(text, " {} |", numbers.join(" | "));
        let _ = writeln!(text, "|---|{}", "--:|".repeat(columns.len()));
        for row in first.rows.iter().filter(|row| row.key != "plan") {
            let _ = write!(text, "| {} |", row.key);
            for (of, at) in &columns {
                let figures = self.recordings[*of].starts[*at].of(&row.key);
                let _ = write!(text, " {:.2} |", figures.map_or(f64::NAN, |figures| figures.over_plan));
            }
            text.push('\n');
        }
        text.push_str("\nColumns are the number of the recording in the table above, and the start-up.\n");
    }

    fn beaten_by(&self, text: &mut String) {
        text.push_str("\n#### The policy beside each baseline\n\n");
        for beaten in &self.beaten {
            let p = beaten
                .difference
                .p
                .map_or_else(|| "–".to_owned(), |p| if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") });
            let _ = writeln!(text, "- {} (p {p})", said(beaten));
        }
        for (name, start, by) in self.worse() {
            let _ = writeln!(
                text,
                "- **worse** than the best reactive baseline by more than 5 %: {name}, start-up {start}: {by:+.1} %"
            );
        }
    }

    fn spec(&self, text: &mut String) {
        text.push_str(
            "\n#### SPEC measures of the policy, second half\n\n| recording | start-up | θ_U % | θ_O % | τ_U % | τ_O % | jitter/step | missing % | lost % | replicas | plan's | best reactive's θ_U, τ_U, replicas |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n",
        );
        for judged in &self.recordings {
            for start in &judged.starts {
                let (Some(own), Some(plan), Some(best)) =
                    (start.of("policy"), start.of("plan"), start.of(&start.best_reactive))
                else {
                    continue;
                };
                let _ = writeln!(
                    text,
                    "| {} | {} | {:.2} | {:.1} | {:.1} | {:.1} | {:+.2} | {:.2} | {:.2} | {:.2} | {:.2} | {}: {:.2}, {:.1}, {:.2} |",
                    judged.name,
                    start.start,
                    own.theta_u,
                    own.theta_o,
                    own.tau_u,
                    own.tau_o,
                    own.jitter,
                    own.missing * 100.0,
                    own.lost * 100.0,
                    own.mean_replicas,
                    plan.mean_replicas,
                    start.best_reactive,
                    best.theta_u,
                    best.tau_u,
                    best.mean_replicas
                );
            }
        }
    }

    fn bounds(&self, text: &mut String) {
        text.push_str(
            "\n#### What the bound promised, second half\n\n| recording | start-up | steps | above the bound % | allowed % |\n|---|--:|--:|--:|--:|\n",
        );
        for judged in &self.recordings {
            for start in &judged.starts {
                let _ = write!(text, "| {} | {} |", judged.name, start.start);
                let _ = match start.bound {
                    Some(bound) => {
                        let (above, allowed) = (bound.above * 100.0, bound.allowed * 100.0);
                        writeln!(text, " {} | {above:.1} | {allowed:.1} |", bound.steps)
                    }
                    None => writeln!(text, " 0 | – | – |"),
                };
            }
        }
    }

    fn knobs(&self, text: &mut String) {
        text.push_str("\n#### Knobs turned\n\n");
        if let Some(own) = self.curves.iter().find(|curve| curve.key == "policy") {
            text.push_str("| idle per missing | paid per needed | missing % | short of time % | allowed % |\n|--:|--:|--:|--:|--:|\n");
            for point in &own.points {
                let _ = writeln!(
                    text,
                    "| {} | {:.2} | {:.2} | {:.1} | {:.1} |",
                    point.setting,
                    point.paid,
                    point.missing * 100.0,
                    point.short * 100.0,
                    point.allowed.unwrap_or(f64::NAN) * 100.0
                );
            }
        }
        text.push_str("\n| baseline | its knob: paid, missing % | had for less by the policy | has the policy's for less |\n|---|---|--:|--:|\n");
        for curve in &self.curves {
            let Some(against) = curve.against else { continue };
            let points: Vec<String> = curve
                .points
                .iter()
                .map(|point| format!("{:.2}: {:.2}, {:.1}", point.setting, point.paid, point.missing * 100.0))
                .collect();
            let _ = writeln!(
                text,
                "| {} | {}: {} | {:.0} % | {:.0} % |",
                curve.key,
                curve.knob,
                points.join("; "),
                against.by_policy * 100.0,
                against.by_baseline * 100.0
            );
        }
    }
}

fn first_starts(table: &Table) -> usize {
    table.recordings.first().map_or(0, |judged| judged.starts.len())
}

fn step(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 60.0 => format!("{} min", seconds / 60.0),
        seconds => format!("{seconds} s"),
    }
}
