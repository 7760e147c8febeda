//! Questions to a controller: over the socket of a `ballast run`, or over NATS.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bus::{
    Bus, BusError, Link,
    local::SocketClient,
    payload::{Question, Status, VERSION, decode, encode},
    subject::Subjects,
};

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
