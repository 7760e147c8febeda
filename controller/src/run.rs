//! The owner task: hears, lets the fleet decide, does what comes of it.

mod inbox;
mod open;

use autoscaler::Timestamp;
use bus::{
    Bucket, Bus, Keep, Link, Message, Reply,
    payload::{self, History, Question},
    subject::HISTORY,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, ControllerError,
    clock::Clock,
    fleet::{Asked, Fleet, Input, Setup},
    journal::{Keeper, Reader},
    outbox::Outbox,
    policies::{self, PolicySet},
    term,
};
use inbox::{Heard, Inbox};
use open::{Opened, open};
use std::{sync::Arc, time::Duration};

/// Messages taken in before the fleet decides, at most: under a flood, decisions still come.
const MOST_AT_ONCE: usize = 1000;
/// How long the end waits for what is still to be stored.
const FLUSH_LIMIT: Duration = Duration::from_secs(3);
/// The first answer counts, and a controller that has stepped back leaves it to the one in charge, if that is there.
const DEFERENCE: Duration = Duration::from_millis(300);
/// What is said to who asks for it nevertheless.
const NO_HISTORY: &str = "no history is kept: the controller was started with `--history 0s`";
/// The longest sleep; the clock may jump meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Controls the fleet until `shutdown`. Waits for the bus where it is not up yet.
pub async fn run(config: Config, bus: Bus, shutdown: CancellationToken) -> Result<(), ControllerError> {
    let ending = shutdown.child_token();
    let _end_helpers = ending.clone().drop_guard();
    let mut clock = Clock::start();
    let Some(opened) = open(&config, &bus, &mut clock, &shutdown).await? else { return Ok(()) };
    let Opened { subjects, inbox, buckets, controllers, term, files, stored } = opened;

    let (changes, policies) = mpsc::channel(4);
    let (seen, terms) = mpsc::channel(4);
    let first = files.set();
    let (confirming, watched) = (term::confirm(Arc::clone(&controllers), term), Arc::clone(&controllers));
    tokio::spawn(policies::watch(files, changes, ending.clone()));
    tokio::spawn(term::watch(watched, term, seen, ending));

    let setup = Setup {
        subjects,
        term,
        host_lost_after: config.host_lost_after,
        target_valid_for: config.target_valid_for,
        keeps_history: !config.history.age.is_zero(),
    };
    let reader = if setup.keeps_history { Some(history(&bus, config.history, term).await?) } else { None };
    tracing::info!(fleet = config.fleet, term, policies = first.catalog.selectors().count(), "controller in charge");
    let controller = Controller {
        fleet: Fleet::new(setup, first, stored, clock.now()),
        outbox: Outbox::new(buckets, bus.link()),
        clock,
        inbox,
        link: bus.link(),
        policies,
        terms,
        controllers,
        term,
        confirming: Some(Box::pin(confirming)),
        history: reader,
    };
    controller.run(shutdown).await
}

/// Everything that the owner task owns.
struct Controller {
    fleet: Fleet,
    outbox: Outbox,
    clock: Clock,
    inbox: Inbox,
    link: watch::Receiver<Link>,
    policies: mpsc::Receiver<PolicySet>,
    terms: mpsc::Receiver<u64>,
    controllers: Arc<dyn Bucket>,
    term: u64,
    /// Reads the highest term, after a time in which another controller may have taken over unseen. Nothing is written
    /// before that.
    confirming: Option<BoxFuture<'static, u64>>,
    /// Where what happened is kept, if it is.
    history: Option<Reader>,
}

/// Where what happened is kept. Nothing is read or written yet.
async fn history(bus: &Bus, keep: Keep, term: u64) -> Result<Reader, ControllerError> {
    let log = bus.log(HISTORY, keep).await.map_err(ControllerError::Bus)?;
    let keeper = Keeper::start(Arc::clone(&log), term);
    Ok(Reader { log, keeper })
}

impl Controller {
    async fn run(mut self, shutdown: CancellationToken) -> Result<(), ControllerError> {
        self.settle();
        loop {
            let nap = self.nap();
            tokio::select! {
                () = shutdown.cancelled() => break,
                heard = self.inbox.next() => {
                    let heard = heard.ok_or(ControllerError::BusClosed)?;
                    self.hear(heard);
                    for _ in 1..MOST_AT_ONCE {
                        let Some(heard) = self.inbox.next_now() else { break };
                        self.hear(heard);
                    }
                }
                Ok(()) = self.link.changed() => {
                    let link = *self.link.borrow_and_update();
                    tracing::info!(?link, "link to the bus");
                    self.outbox.close();
                    let confirm = || term::confirm(Arc::clone(&self.controllers), self.term).boxed();
                    self.confirming = (link == Link::Up).then(confirm);
                }
                highest = confirmed(&mut self.confirming) => self.go_on(highest),
                policies = self.policies.recv() => match policies {
                    Some(policies) => self.tell(Input::Policies(policies)),
                    None if shutdown.is_cancelled() => break,
                    None => return Err(ControllerError::PoliciesUnwatched),
                },
                Some(term) = self.terms.recv() => self.hear_term(term),
                () = self.outbox.progress() => continue,
                () = tokio::time::sleep(nap) => {}
            }
            self.settle();
        }
        let now = self.clock.now();
        self.fleet.finish(now).into_iter().for_each(|effect| self.outbox.add(effect));
        self.keep_history();
        let keeper = self.history.as_ref().map(|history| history.keeper.clone());
        let ((), kept) = tokio::join!(self.outbox.flush(FLUSH_LIMIT), async {
            match keeper {
                Some(keeper) => keeper.flush(FLUSH_LIMIT).await,
                None => true,
            }
        });
        if !kept {
            tracing::warn!("not all of the history could be stored before the end");
        }
        Ok(())
    }

    /// The highest term has been read again.
    fn go_on(&mut self, highest: u64) {
        self.confirming = None;
        self.hear_term(highest);
        if self.fleet.in_charge() {
            self.tell(Input::Reconnected);
            self.outbox.open();
        }
    }

    fn hear_term(&mut self, term: u64) {
        self.tell(Input::Term(term));
        if !self.fleet.in_charge() {
            self.outbox.clear();
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Message(kind, Message { subject, payload, .. }) => {
                self.tell(Input::Message { kind, subject, payload });
            }
            Heard::Question(asked, Message { payload, reply: Some(reply), .. }) => self.answer(asked, &payload, reply),
            Heard::Question(_, Message { reply: None, .. }) => {}
            Heard::Missed(kind, count) => {
                tracing::warn!(?kind, count, "messages were dropped because they came faster than they could be read");
            }
        }
    }

    fn answer(&mut self, asked: Asked, question: &[u8], reply: Reply) {
        let question: Question =
            if question.is_empty() { Question::default() } else { payload::decode(question).unwrap_or_default() };
        if asked == Asked::History {
            return self.answer_history(&question, reply);
        }
        let status = self.fleet.answer(asked, &question, self.clock.now());
        if self.fleet.in_charge() {
            reply.send(payload::encode(&status));
        } else {
            tokio::spawn(async move {
                tokio::time::sleep(DEFERENCE).await;
                reply.send(payload::encode(&status));
            });
        }
    }

    fn answer_history(&mut self, question: &Question, reply: Reply) {
        let deference = if self.fleet.in_charge() { Duration::ZERO } else { DEFERENCE };
        let wanted = self.fleet.history_wanted(question);
        self.keep_history();
        let kept = self.history.clone().ok_or_else(|| NO_HISTORY.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(deference).await;
            let history = match wanted.and_then(|wanted| Ok((wanted, kept?))) {
                Ok((wanted, reader)) => reader.read(&wanted).await,
                Err(error) => History { v: payload::VERSION, error: Some(error), ..History::default() },
            };
            reply.send(payload::encode(&history));
        });
    }

    /// Has stored what happened.
    fn keep_history(&mut self) {
        for (key, chunk) in self.fleet.take_history() {
            if let Some(history) = &self.history {
                history.keeper.keep(key, chunk);
            }
        }
    }

    fn tell(&mut self, input: Input) {
        let now = self.clock.now();
        self.fleet.hear(input, now);
    }

    fn settle(&mut self) {
        let now = self.clock.now();
        self.fleet.settle(now).into_iter().for_each(|effect| self.outbox.add(effect));
        self.keep_history();
    }

    fn nap(&mut self) -> Duration {
        let now: Timestamp = self.clock.now();
        self.fleet.next_moment().map_or(LONGEST_SLEEP, |moment| moment.since(now)).min(LONGEST_SLEEP)
    }
}

/// For ever where nothing is to be confirmed.
async fn confirmed(confirming: &mut Option<BoxFuture<'static, u64>>) -> u64 {
    match confirming {
        Some(reading) => reading.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use bus::{local::LocalBus, subject::Subjects};

    use super::*;

    #[tokio::test]
    async fn a_controller_whose_policies_nobody_watches_any_more_ends_with_an_error() -> Result<(), ControllerError> {
        let bus: Bus = LocalBus::in_memory().map_err(ControllerError::Bus)?;
        let config = Config::new("test", Vec::new());
        let (mut clock, shutdown) = (Clock::start(), CancellationToken::new());
        let Some(opened) = open(&config, &bus, &mut clock, &shutdown).await? else { return Ok(()) };
        let setup = Setup {
            subjects: Subjects::new("test"),
            term: opened.term,
            host_lost_after: config.host_lost_after,
            target_valid_for: config.target_valid_for,
            keeps_history: false,
        };
        let (_seen, terms) = mpsc::channel(1);
        let (watcher, policies) = mpsc::channel(1);
        let controller = Controller {
            fleet: Fleet::new(setup, PolicySet::default(), opened.stored, clock.now()),
            outbox: Outbox::new(opened.buckets, bus.link()),
            clock,
            inbox: opened.inbox,
            link: bus.link(),
            policies,
            terms,
            controllers: opened.controllers,
            term: opened.term,
            confirming: None,
            history: None,
        };
        drop(watcher);
        let ended = controller.run(shutdown).await;
        assert!(matches!(ended, Err(ControllerError::PoliciesUnwatched)), "{ended:?}");
        Ok(())
    }
}
