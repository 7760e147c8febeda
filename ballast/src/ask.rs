//! Questions to a controller: over the socket of a `ballast run`, or over NATS.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bus::{
    Bus, BusError, Link,
    local::SocketClient,
    payload::{History, HistorySpan, Question, Status, VERSION, decode, encode},
    subject::Subjects,
};

use controller::journal::Assembly;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::connection::{ControllerAddress, Place};

/// How long a controller may take to answer. It answers from memory; more means that something is wrong.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How long the link may take after the first attempt to connect, which waits by itself.
const LINK_LIMIT: Duration = Duration::from_millis(500);

/// Asks one controller.
#[derive(Debug)]
pub(crate) struct Asker {
    subjects: Subjects,
    way: Way,
    place: String,
}

#[derive(Debug)]
enum Way {
    Socket(SocketClient),
    Nats(Bus),
}

impl Asker {
    /// Finds the first place that can be reached.
    pub(crate) async fn connect(address: &ControllerAddress) -> anyhow::Result<Self> {
        let mut tried = Vec::new();
        for place in address.places() {
            match reach(&place, address).await {
                Ok(way) => {
                    let subjects = Subjects::new(&address.fleet);
                    return Ok(Self { subjects, way, place: place.to_string() });
                }
                Err(error) => tried.push(format!("\n  {place}: {error}")),
            }
        }
        Err(anyhow!(
            "no controller can be asked; tried{}\nStart one (`ballast run`), or say where it is with --socket or --nats.",
            tried.concat()
        ))
    }

    /// Asks `status` or `explain`, of one service or of all.
    pub(crate) async fn ask(&self, question: &str, service: Option<&str>) -> anyhow::Result<Status> {
        self.ask_about(question, Question { service: service.map(str::to_owned), ..Question::default() }).await
    }

    /// Asks with everything that a question can have.
    pub(crate) async fn ask_about(&self, question: &str, about: Question) -> anyhow::Result<Status> {
        self.request(question, about).await
    }

    /// What happened to one service from one moment to another, in milliseconds since the epoch: all of its pages.
    pub(crate) async fn history(&self, service: &str, from_ms: u64, until_ms: u64) -> anyhow::Result<Recorded> {
        let at = autoscaler::Timestamp::from_millis;
        let mut assembly = Assembly::new(at(from_ms), at(until_ms));
        let mut after = None;
        loop {
            let span = HistorySpan { from_ms, until_ms, after };
            let about = Question { service: Some(service.to_owned()), history: Some(span), ..Question::default() };
            let page: History = self.request("history", about).await?;
            if let Some(error) = page.error {
                bail!("{error}");
            }
            for chunk in &page.chunks {
                assembly.add(chunk)?;
            }
            let named = page.service.unwrap_or_else(|| service.to_owned());
            if page.next.is_none() {
                return Recorded::new(named, assembly);
            }
            // Places grow; a controller that answers otherwise would be asked for ever.
            if page.next <= after {
                bail!("{} answers with the same page again", self.place);
            }
            after = page.next;
        }
    }

    async fn request<T: DeserializeOwned>(&self, question: &str, about: Question) -> anyhow::Result<T> {
        let subject = self.subjects.ask(question);
        let payload = encode(&Question { v: VERSION, ..about });
        let answer = match &self.way {
            Way::Socket(socket) => socket.request(&subject, payload, ANSWER_LIMIT).await,
            Way::Nats(bus) => bus.request(&subject, payload, ANSWER_LIMIT).await,
        };
        let answer = answer.map_err(|error| self.unanswered(error))?;
        decode(&answer).with_context(|| format!("the answer from {}", self.place))
    }

    fn unanswered(&self, error: BusError) -> anyhow::Error {
        let place = &self.place;
        match error {
            BusError::NobodyAnswers(subject) => anyhow!(
                "{place} is there, but no controller answers on {subject}; is one running, and of this fleet (--fleet)?"
            ),
            error => anyhow!("{place}: {error}"),
        }
    }
}

/// What happened to one service.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// `host/project/service`.
    pub(crate) service: String,
    /// The text of its journal, see [`autoscaler::journal`], from the last snapshot before the span that was asked for.
    pub(crate) journal: String,
    /// Entries in it.
    pub(crate) entries: u64,
    /// Entries that are missing in between, because they could not be stored in time.
    pub(crate) lost: u64,
}

impl Recorded {
    fn new(service: String, assembly: Assembly) -> anyhow::Result<Self> {
        if assembly.began().is_none() {
            bail!(
                "nothing is kept of {service} in that span: was it under a policy then, and is that not longer ago than \
                 --history of the controller?"
            );
        }
        let (entries, lost) = (assembly.entries(), assembly.lost());
        Ok(Self { service, journal: assembly.into_text(), entries, lost })
    }
}

async fn reach(place: &Place, address: &ControllerAddress) -> anyhow::Result<Way> {
    match place {
        Place::Socket(path) => Ok(Way::Socket(SocketClient::connect(path).await?)),
        Place::Nats(servers) => {
            let bus = address.credentials.connect(servers, &address.fleet, "question").await?;
            // The connection is tried again in the background; a question cannot wait for that.
            let mut link = bus.link();
            let up = matches!(timeout(LINK_LIMIT, link.wait_for(|link| *link == Link::Up)).await, Ok(Ok(_)));
            if !up {
                bail!("no NATS server can be reached there");
            }
            Ok(Way::Nats(bus))
        }
    }
}
