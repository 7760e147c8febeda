//! Asks replicas whether they may go.

use std::{collections::BTreeMap, time::Duration};

use bus::payload::{BusyProbe, ServiceName};
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::desk::Wishes;
use crate::{
    inventory::{Busy, Inventory},
    measure::prometheus,
    model::Replica,
};

/// The inventory tells who is busy; it need not be newer than this.
const EVERY: Duration = Duration::from_secs(3);
/// A replica that does not answer within this did not say.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// Statuses that mean busy: conflict, locked, unavailable.
const BUSY: [u16; 3] = [409, 423, 503];

/// Asks the replicas of a service time and again, for as long as its assignment names an endpoint to ask.
pub(super) async fn watch(
    name: ServiceName,
    mut wishes: watch::Receiver<Wishes>,
    inventory: Inventory,
    shutdown: CancellationToken,
) {
    loop {
        let assignment = wishes.borrow_and_update().assignment.clone();
        let probe = assignment.and_then(|assignment| assignment.busy);
        let news = match &probe {
            Some(probe) => ask_all(&name, probe, &inventory).await,
            None => inventory.notes().answered(&name, BTreeMap::new()),
        };
        if news {
            inventory.refreshed().await;
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            changed = wishes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(EVERY), if probe.is_some() => {}
        }
    }
}

/// Asks all running replicas of a service at once and takes note of their answers; whether these are news.
pub(super) async fn ask_all(name: &ServiceName, probe: &BusyProbe, inventory: &Inventory) -> bool {
    let host = inventory.host().borrow().clone();
    let replicas = host.services.get(name).into_iter().flat_map(|service| &service.replicas);
    let running = replicas.filter(|replica| replica.summary.state == "running");
    let answers = join_all(running.map(async |replica| (replica.summary.id.clone(), ask(replica, probe).await))).await;
    inventory.notes().answered(name, answers.into_iter().collect())
}

async fn ask(replica: &Replica, probe: &BusyProbe) -> Busy {
    match prometheus::get(replica, probe.port, &probe.path, ANSWER_LIMIT).await {
        Ok((status, body)) => understood(&probe.path, status, &body),
        Err(error) => {
            tracing::debug!(name = replica.summary.name, error, "it does not tell whether it is busy");
            Busy::Unknown
        }
    }
}

/// What it says beyond that changes from one answer to the next, and would be news each time.
fn understood(path: &str, status: u16, body: &str) -> Busy {
    let says_so = status == 200 && body.trim_start().get(..4).is_some_and(|word| word.eq_ignore_ascii_case("busy"));
    if says_so || BUSY.contains(&status) { Busy::Yes(format!("it is busy, says its {path}")) } else { Busy::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_means() {
        let yes = Busy::Yes("it is busy, says its /busy".into());
        for (status, body, means) in [
            (200, "busy", &yes),
            (200, " Busy: 3 uploads\n", &yes),
            (200, "idle, not busy", &Busy::No),
            (200, "", &Busy::No),
            (200, "\u{e9}\u{e9}\u{e9}", &Busy::No),
            (204, "", &Busy::No),
            (404, "busy", &Busy::No),
            (500, "busy", &Busy::No),
            (409, "", &yes),
            (423, "", &yes),
            (503, "later", &yes),
        ] {
            assert_eq!(&understood("/busy", status, body), means, "{status} {body:?}");
        }
    }
}
