//! Which replica goes first when some have to go. Pure.

use std::cmp::Ordering;

use bus::payload::Victim;

use super::plan::{View, serves};
use crate::model::Replica;

/// The first to go, in the assignment's order; `kept` (an ID) stays in any case, as do those that are protected and those
/// that other containers hang on. A replica that did not tell whether it is busy goes after all that did.
pub(super) fn first_to_go<'a>(view: &View<'a>, kept: Option<&str>) -> Option<&'a Replica> {
    let may_go = |replica: &&Replica| is_free(replica) && kept != Some(replica.summary.id.as_str());
    view.service.replicas.iter().filter(may_go).max_by(|a, b| compare(view, a, b))
}

/// Nothing says that it has to stay.
pub(super) fn is_free(replica: &Replica) -> bool {
    replica.hung_on_by.is_none() && replica.summary.protected.is_none()
}

/// The greater one goes first.
fn compare(view: &View<'_>, a: &Replica, b: &Replica) -> Ordering {
    let mut order = b.may_be_busy.cmp(&a.may_be_busy);
    for victim in &view.assignment.victims {
        order = order.then_with(|| match victim {
            Victim::Obsolete => a.summary.obsolete.cmp(&b.summary.obsolete),
            Victim::Unhealthy => serves(view, b).cmp(&serves(view, a)),
            Victim::Idle => idler(a.cpu_cores, b.cpu_cores),
            Victim::Newest => a.summary.number.cmp(&b.summary.number),
            Victim::Unknown => Ordering::Equal,
        });
    }
    let last = |replica: &Replica| (replica.summary.number, replica.summary.created_ms);
    order.then_with(|| last(a).cmp(&last(b))).then_with(|| a.summary.id.cmp(&b.summary.id))
}

/// The greater one uses less. In hundredths of a core, as less than that is noise. What is not known is not idle.
fn idler(a: Option<f64>, b: Option<f64>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => (b * 100.0).round().total_cmp(&(a * 100.0).round()),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}
