//! Kubernetes Horizontal Pod Autoscaler.

use std::time::Duration;

use super::{
    behavior::{Behavior, Bent},
    look::{Every, Look, Rule, ceil, percent},
};
use crate::scaler::{Bounds, Scaler};

/// How often it looks: `--horizontal-pod-autoscaler-sync-period`.
const SYNC: Duration = Duration::from_secs(15);
/// `--horizontal-pod-autoscaler-tolerance`.
const TOLERANCE: f64 = 0.1;

/// A Kubernetes HPA on the CPU, with the default behaviour of `autoscaling/v2`.
///
/// `ceil(replicas * utilisation / target)`, left alone within a tolerance of 10 %. Replicas that are not ready count as
/// idle on the way up and not at all on the way down; a result that turns the direction is dropped.
///
/// Sources: the page "Horizontal Pod Autoscaling" of the Kubernetes documentation (section "Algorithm details"), KEP-853, and
/// `pkg/controller/podautoscaler/{horizontal,replica_calculator}.go`.
///
/// Ours: utilisation is the mean since the look before, as fresh as it can be (metrics-server and kubelet add 10 s to 40 s);
/// it is relative to what a replica may use, since Compose services seldom have a
/// reservation; a replica is measured once it is ready (Kubernetes leaves out what it does in its first five minutes, unless it
/// was ready for a whole window of the metric).
pub(super) fn hpa(target: f64, bounds: Bounds) -> Box<dyn Scaler> {
    // Without replicas there is no CPU to measure: an HPA on it keeps at least one.
    let bounds = Bounds { min: bounds.min.max(1), max: bounds.max };
    Box::new(Every::new(SYNC, bounds, Hpa { target, behavior: Behavior::default(), said: Said::default() }))
}

struct Hpa {
    target: f64,
    behavior: Behavior,
    said: Said,
}

struct Said {
    utilisation: f64,
    ready: u32,
    wanted: u32,
    bent: Bent,
}

impl Default for Said {
    fn default() -> Self {
        Self { utilisation: 0.0, ready: 0, wanted: 0, bent: Bent::No }
    }
}

impl Rule for Hpa {
    fn name(&self) -> String {
        format!("HPA, CPU at {}", percent(self.target))
    }

    fn look(&mut self, look: &Look) -> Option<u32> {
        let utilisation = look.measured.utilisation.filter(|_| look.ready > 0)?;
        let pods = Pods {
            ready: look.ready,
            usage: utilisation * f64::from(look.ready),
            request: f64::from(look.ready),
            unready: look.running.saturating_sub(look.ready),
            unready_request: f64::from(look.running.saturating_sub(look.ready)),
        };
        let wanted = pods.wanted(self.target * 100.0, look.current, (TOLERANCE, TOLERANCE))?;
        let (to, bent) = self.behavior.bend(look.now, look.current, wanted);
        self.behavior.changed(look.now, look.current, look.bounds.clamp(to));
        self.said = Said { utilisation, ready: look.ready, wanted, bent };
        Some(to)
    }

    fn why(&self) -> String {
        let Said { utilisation, ready, wanted, bent } = &self.said;
        let target = percent(self.target);
        let wants = format!("CPU at {} of {ready} ready, {target} aimed at: {wanted} wanted", percent(*utilisation));
        wants + bent_in_words(*bent)
    }

    fn restart(&mut self) {
        self.behavior.forget();
    }
}

/// What stood in the way, to append to what was wanted.
pub(super) fn bent_in_words(bent: Bent) -> &'static str {
    match bent {
        Bent::No => "",
        Bent::Stabilized => ", held by what was wanted in the last 300 s",
        Bent::Limited => ", as many as 4 or 100 % within 15 s allow",
    }
}

/// Pods as one look finds them. What they use and request is in any one unit.
struct Pods {
    ready: u32,
    /// Of those ready.
    usage: f64,
    /// Of those ready.
    request: f64,
    unready: u32,
    unready_request: f64,
}

impl Pods {
    /// How many pods would use the target, in percent; tolerances are for up and down. `None` where nothing is requested.
    fn wanted(&self, target: f64, current: u32, tolerance: (f64, f64)) -> Option<u32> {
        let ratio = whole_percent(self.usage, self.request)? / target;
        if self.unready == 0 || ratio <= 1.0 {
            return Some(if within(ratio, tolerance) { current } else { ceil(ratio * f64::from(self.ready)) });
        }
        // On the way up, those not ready count as idle.
        let again = whole_percent(self.usage, self.request + self.unready_request)? / target;
        if within(again, tolerance) || again < 1.0 {
            return Some(current);
        }
        let wanted = ceil(again * f64::from(self.ready + self.unready));
        Some(wanted.max(current))
    }
}

/// Kubernetes goes by whole percents, cut off.
fn whole_percent(usage: f64, request: f64) -> Option<f64> {
    (request > 0.0).then(|| (usage * 100.0 / request + 1e-9).floor())
}

/// Whether it is so near to 1 that nothing is done; tolerances are for up and down.
pub(super) fn within(ratio: f64, (up, down): (f64, f64)) -> bool {
    // A hair more than the tolerance: 1 - 0.9 is more than 0.1 in binary.
    ratio >= 1.0 - down - 1e-9 && ratio <= 1.0 + up + 1e-9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::vectors;

    fn pods(ready: u32, utilisation: f64, unready: u32) -> Pods {
        let (request, unready_request) = (f64::from(ready), f64::from(unready));
        Pods { ready, usage: utilisation * request, request, unready, unready_request }
    }

    #[test]
    fn the_numbers_of_the_documentation() {
        for (name, ready, utilisation, unready, current, expected) in [
            ("200m where 100m are aimed at: twice as many", 3, 1.0, 0, 3, 6),
            ("50m where 100m are aimed at: half as many", 4, 0.25, 0, 4, 2),
            ("within the tolerance: as many", 10, 0.55, 0, 10, 10),
            ("at the tolerance's lower end: as many", 10, 0.45, 0, 10, 10),
            ("rounded up", 3, 0.6, 0, 3, 4),
            ("those not ready count as idle on the way up", 2, 1.0, 2, 4, 4),
            ("and damp what is added", 3, 1.0, 1, 4, 6),
            ("which never turns up into down", 1, 0.6, 5, 6, 6),
            ("they do not count on the way down", 3, 0.25, 1, 4, 2),
        ] {
            assert_eq!(pods(ready, utilisation, unready).wanted(50.0, current, (0.1, 0.1)), Some(expected), "{name}");
        }
    }

    #[test]
    fn the_project_s_own_table_agrees() {
        let Some(table) = vectors("kubernetes-hpa-replica-calculator.json") else { return };
        let mut checked = 0;
        for case in table["cases"].as_array().into_iter().flatten() {
            let classes: Vec<_> = case["derivedPodClass"].as_object().into_iter().flatten().collect();
            let master = case["agreesWith"]["2026 master rule"] == true;
            let missing = classes.iter().any(|(_, class)| *class == "missing");
            let (Some(expected), true) = (case["expected"]["replicas"].as_u64(), master && !missing) else { continue };
            if case["metric"]["kind"] != "resourceUtilization" || !case["metric"]["container"].is_null() {
                continue;
            }
            let mut found = Pods { ready: 0, usage: 0.0, request: 0.0, unready: 0, unready_request: 0.0 };
            for pod in case["pods"].as_array().into_iter().flatten() {
                let sum = |key: &str| -> f64 {
                    pod[key].as_array().into_iter().flatten().filter_map(serde_json::Value::as_f64).sum()
                };
                let class = &case["derivedPodClass"][pod["name"].as_str().unwrap_or_default()];
                if class == "ready" {
                    found.ready += 1;
                    found.usage += sum("containerUsageMilli");
                    found.request += sum("containerRequestsMilli");
                } else if class == "unready" {
                    found.unready += 1;
                    found.unready_request += sum("containerRequestsMilli");
                }
            }
            let current = u32::try_from(case["currentReplicas"].as_u64().unwrap_or_default()).unwrap_or_default();
            let tolerance = |way: &str| case["tolerance"][way].as_f64().unwrap_or(TOLERANCE);
            let target = case["metric"]["targetUtilizationPercent"].as_f64().unwrap_or_default();
            let wanted = found.wanted(target, current, (tolerance("scaleUp"), tolerance("scaleDown")));
            assert_eq!(wanted.map(u64::from), Some(expected), "{}", case["name"]);
            checked += 1;
        }
        assert!(checked >= 10, "only {checked} rows fit");
    }

    #[test]
    fn the_project_s_own_table_of_stabilization_agrees() {
        let Some(table) = vectors("kubernetes-hpa-stabilize-legacy.json") else { return };
        for case in table["cases"].as_array().into_iter().flatten() {
            let now = autoscaler::Timestamp::from_millis(10_000_000);
            let mut behavior = Behavior::default();
            let mut log: Vec<(u64, u32)> = case["recommendations"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|row| {
                    (
                        ceil(row["secondsAgo"].as_f64().unwrap_or_default()),
                        ceil(row["replicas"].as_f64().unwrap_or_default()),
                    )
                })
                .map(|(ago, replicas)| (u64::from(ago), replicas))
                .collect();
            log.sort_by_key(|(ago, _)| std::cmp::Reverse(*ago));
            for (ago, replicas) in log {
                // As many as there are, so that only the table's rows are wanted.
                behavior.bend(now.minus(Duration::from_secs(ago)), replicas, replicas);
            }
            let desired = ceil(case["desiredReplicas"].as_f64().unwrap_or_default());
            let (to, _) = behavior.bend(
                now,
                if case["recommendations"] == serde_json::json!([]) { desired } else { 100 },
                desired,
            );
            assert_eq!(Some(u64::from(to)), case["expected"]["replicas"].as_u64(), "{}", case["name"]);
        }
    }
}
