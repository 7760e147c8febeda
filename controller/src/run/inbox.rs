//! Everything that a controller subscribes to.

use bus::{Bus, BusError, Delivery, Message, Subscription, subject::Subjects};
use futures_util::FutureExt as _;

use crate::fleet::{Asked, Kind};

/// Messages that wait per subscription before the oldest is dropped: a minute of a hundred hosts.
const CAPACITY: usize = 8192;
/// Questions that wait.
const QUESTIONS: usize = 64;

/// Everything that a controller subscribes to.
pub(crate) struct Inbox {
    samples: Subscription,
    inventory: Subscription,
    outcome: Subscription,
    signal: Subscription,
    status: Subscription,
    explain: Subscription,
    forecast: Subscription,
    history: Subscription,
}

/// Something heard.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A payload.
    Message(Kind, Message),
    /// Somebody asks.
    Question(Asked, Message),
    /// So many payloads were dropped; `None`: questions.
    Missed(Option<Kind>, u64),
}

impl Inbox {
    /// Subscribes.
    pub(crate) async fn open(bus: &Bus, subjects: &Subjects) -> Result<Self, BusError> {
        Ok(Self {
            samples: bus.subscribe(&subjects.every("samples"), CAPACITY).await?,
            inventory: bus.subscribe(&subjects.every("inventory"), CAPACITY).await?,
            outcome: bus.subscribe(&subjects.every("outcome"), CAPACITY).await?,
            signal: bus.subscribe(&subjects.every("signal"), CAPACITY).await?,
            status: bus.subscribe(&subjects.ask("status"), QUESTIONS).await?,
            explain: bus.subscribe(&subjects.ask("explain"), QUESTIONS).await?,
            forecast: bus.subscribe(&subjects.ask("forecast"), QUESTIONS).await?,
            history: bus.subscribe(&subjects.ask("history"), QUESTIONS).await?,
        })
    }

    /// The next thing heard; `None` when the bus has ended. May be dropped at any time.
    pub(crate) async fn next(&mut self) -> Option<Heard> {
        // In this order, so that a service is known before what was measured of it. What comes first is rare.
        tokio::select! {
            biased;
            delivery = self.inventory.next() => delivery.map(|delivery| message(Kind::Inventory, delivery)),
            delivery = self.outcome.next() => delivery.map(|delivery| message(Kind::Outcome, delivery)),
            delivery = self.status.next() => delivery.map(|delivery| question(Asked::Status, delivery)),
            delivery = self.explain.next() => delivery.map(|delivery| question(Asked::Explain, delivery)),
            delivery = self.forecast.next() => delivery.map(|delivery| question(Asked::Forecast, delivery)),
            delivery = self.history.next() => delivery.map(|delivery| question(Asked::History, delivery)),
            delivery = self.samples.next() => delivery.map(|delivery| message(Kind::Samples, delivery)),
            delivery = self.signal.next() => delivery.map(|delivery| message(Kind::Signal, delivery)),
        }
    }

    /// As [`next`](Self::next), of what is there already; `None` where there is nothing, or the bus has ended.
    pub(crate) fn next_now(&mut self) -> Option<Heard> {
        self.next().now_or_never().flatten()
    }
}

fn message(kind: Kind, delivery: Delivery) -> Heard {
    match delivery {
        Delivery::Message(message) => Heard::Message(kind, message),
        Delivery::Missed(count) => Heard::Missed(Some(kind), count),
    }
}

fn question(asked: Asked, delivery: Delivery) -> Heard {
    match delivery {
        Delivery::Message(message) => Heard::Question(asked, message),
        Delivery::Missed(count) => Heard::Missed(None, count),
    }
}
