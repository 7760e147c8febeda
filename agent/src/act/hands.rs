//! Carries out single steps on the engine, and cleans up after those that fail.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bus::payload::ServiceName;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{
    asleep,
    clone::{self, Facts, Recipe},
    files,
};
use crate::{
    docker::{Engine, EngineError},
    instant::parse_ms,
    inventory::{InProgress, Ledger, Work},
    model::Replica,
};

/// Docker's own grace period.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);
/// No service's own grace period is waited for any longer.
const LONGEST_GRACE: Duration = Duration::from_hours(1);

/// What can be done to the replicas of one host.
#[derive(Clone, Debug)]
pub(crate) struct Hands {
    engine: Engine,
    ledger: Ledger,
    /// The engine gives out the ports of a published range one by one and not atomically, so starts are serial.
    one_start_at_a_time: Arc<Mutex<()>>,
}

/// Why a replica could not be made. What was half done has been removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MakeError {
    /// It was no longer wanted.
    Unwanted,
    /// The engine is away, which says nothing of the service.
    Away,
    /// The name, and so the number, is taken.
    NumberTaken,
    /// It does not work.
    Failed {
        /// What went wrong.
        cause: String,
        /// What to do about it.
        cure: String,
    },
}

impl Hands {
    pub(crate) fn new(engine: Engine, ledger: Ledger) -> Self {
        Self { engine, ledger, one_start_at_a_time: Arc::default() }
    }

    /// Makes replica `number` like `sibling` and starts it; gives its ID. Between the steps `wanted` is asked whether
    /// to go on.
    pub(crate) async fn make(
        &self,
        service: &ServiceName,
        sibling: &Value,
        number: u32,
        wanted: impl Fn() -> bool,
    ) -> Result<String, MakeError> {
        let facts = self.facts(sibling).await.map_err(failed)?;
        let recipe = clone::clone(service, sibling, number, &facts).map_err(|error| MakeError::Failed {
            cause: error.to_string(),
            cure: "run `docker compose up -d`, so that Compose makes it anew".into(),
        })?;
        let _serial = self.one_start_at_a_time.lock().await;
        if !wanted() {
            return Err(MakeError::Unwanted);
        }
        let _ours = self.ledger.begin(&recipe.name, Work::Make);
        let created = self.engine.create(&recipe.name, recipe.platform.as_deref(), &recipe.body).await;
        let id = created.map_err(|error| if error.is_conflict() { MakeError::NumberTaken } else { failed(error) })?;
        tracing::debug!(name = recipe.name, id, "created");
        let started = self.complete(&id, &recipe, sibling, wanted).await;
        if started.is_err() {
            let _ours = self.ledger.begin(&recipe.name, Work::Unmake);
            if let Err(error) = self.engine.remove(&id).await {
                tracing::warn!(%error, name = recipe.name, "a replica that failed is left behind; removing it later");
            }
        }
        started.map(|()| id)
    }

    /// Starts a replica that is there.
    pub(crate) async fn start(&self, replica: &Replica) -> Result<(), EngineError> {
        let _serial = self.one_start_at_a_time.lock().await;
        let _ours = self.ledger.begin(&replica.summary.name, Work::Make);
        self.engine.start(&replica.summary.id).await
    }

    /// Stops a replica by its own signal and removes it with its anonymous volumes. It is given `drain` to end, or its own
    /// grace period.
    pub(crate) async fn remove(&self, replica: &Replica, drain: Option<Duration>) -> Result<(), EngineError> {
        let _ours = self.unmaking(replica);
        match self.stop(replica, drain).await {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
        self.engine.remove(&replica.summary.id).await
    }

    /// Stops a replica in the same way, and keeps it.
    pub(crate) async fn put_to_sleep(&self, replica: &Replica, drain: Option<Duration>) -> Result<(), EngineError> {
        let id = &replica.summary.id;
        let _ours = self.unmaking(replica);
        self.stop(replica, drain).await?;
        let inspect = self.engine.inspect(id).await?;
        let finished = inspect["State"]["FinishedAt"].as_str().unwrap_or_default();
        if let Some(finished_ms) = parse_ms(finished) {
            self.ledger.put_to_sleep(&replica.summary.name, id, finished_ms);
            if let Err(error) = asleep::mark(&self.engine, id, finished).await {
                tracing::info!(%error, name = replica.summary.name,
                    "it sleeps without a mark: an agent that is started anew takes it for stopped by somebody else");
            }
        }
        Ok(())
    }

    async fn stop(&self, replica: &Replica, drain: Option<Duration>) -> Result<(), EngineError> {
        let drain = drain.map(|drain| drain.min(LONGEST_GRACE));
        self.engine.stop(&replica.summary.id, drain, drain.unwrap_or_else(|| grace(&replica.inspect))).await
    }

    /// Removes a replica at once.
    pub(crate) async fn discard(&self, replica: &Replica) -> Result<(), EngineError> {
        let _ours = self.unmaking(replica);
        self.engine.remove(&replica.summary.id).await
    }

    /// How a replica failed, as far as it can be seen: its exit code, what its health check said, its last words.
    pub(crate) async fn last_words(&self, replica: &Replica) -> String {
        let mut words = String::new();
        let state = &replica.inspect["State"];
        if replica.summary.state != "running" {
            words = format!("{words} (exit code {})", state["ExitCode"]);
        }
        let checks = state["Health"]["Log"].as_array().into_iter().flatten();
        if let Some(check) = checks.into_iter().rfind(|check| check["ExitCode"] != 0) {
            let output = last_line(check["Output"].as_str().unwrap_or_default());
            words = format!("{words}; its health check said: {output:?}");
        }
        if let Ok(log) = self.engine.logs(&replica.summary.id, 1).await
            && !last_line(&log).is_empty()
        {
            words = format!("{words}; it wrote last: {:?}", last_line(&log));
        }
        words
    }

    fn unmaking(&self, replica: &Replica) -> InProgress {
        self.ledger.begin(&replica.summary.name, Work::Unmake)
    }

    async fn complete(
        &self,
        id: &str,
        recipe: &Recipe,
        sibling: &Value,
        wanted: impl Fn() -> bool,
    ) -> Result<(), MakeError> {
        for (network, endpoint) in &recipe.connect {
            self.engine.connect_network(network, id, endpoint).await.map_err(failed)?;
        }
        // A replica without its secrets or configs would serve something else.
        files::copy(&self.engine, sibling, id).await.map_err(failed)?;
        if !wanted() {
            return Err(MakeError::Unwanted);
        }
        self.engine.start(id).await.map_err(failed)?;
        if wanted() { Ok(()) } else { Err(MakeError::Unwanted) }
    }

    async fn facts(&self, sibling: &Value) -> Result<Facts, EngineError> {
        let named = match self.engine.image(sibling["Config"]["Image"].as_str().unwrap_or_default()).await {
            Ok(image) => Some(image),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error),
        };
        let own_id = sibling["Image"].as_str().unwrap_or_default();
        let named_image = named.as_ref().and_then(|image| image["Id"].as_str().map(str::to_owned));
        let own = match named {
            Some(image) if named_image.as_deref() == Some(own_id) => image,
            _ => self.engine.image(own_id).await?,
        };
        let entrypoint = own["Config"]["Entrypoint"].as_array();
        Ok(Facts {
            api: self.engine.api().await?,
            architecture: own["Architecture"].as_str().unwrap_or_default().to_owned(),
            named_image,
            image_has_entrypoint: entrypoint.is_some_and(|entrypoint| !entrypoint.is_empty()),
            anonymous_volumes: self.anonymous_volumes(sibling).await?,
        })
    }

    async fn anonymous_volumes(&self, sibling: &Value) -> Result<BTreeSet<String>, EngineError> {
        let mounts = sibling["Mounts"].as_array().into_iter().flatten();
        let names = mounts.filter_map(|mount| mount["Name"].as_str()).filter(|name| clone::has_anonymous_name(name));
        let mut anonymous = BTreeSet::new();
        for name in names {
            let named_by_compose = match self.engine.volume(name).await {
                Ok(volume) => volume["Labels"]["com.docker.compose.volume"].is_string(),
                Err(error) if error.is_not_found() => false,
                Err(error) => return Err(error),
            };
            if !named_by_compose {
                anonymous.insert(name.to_owned());
            }
        }
        Ok(anonymous)
    }
}

fn grace(inspect: &Value) -> Duration {
    inspect["Config"]["StopTimeout"].as_u64().map_or(DEFAULT_GRACE, Duration::from_secs).min(LONGEST_GRACE)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn failed(error: EngineError) -> MakeError {
    if matches!(error, EngineError::Away { .. }) {
        return MakeError::Away;
    }
    let message = error.to_string();
    let has = |part: &str| message.contains(part);
    let cure = if has("already allocated") || has("address already in use") || has("ports are allocated") {
        "free the host's port, or widen the published range in the Compose file"
    } else if has("No such image") {
        "pull or build the image: docker compose pull, docker compose build"
    } else if error.is_away() {
        "see whether the engine runs, and whether the host is overloaded"
    } else {
        "see whether Compose itself can do it: docker compose up -d --no-recreate --scale SERVICE=N"
    };
    MakeError::Failed { cause: message, cure: cure.into() }
}

/// At most 200 characters, without control characters: this ends up in a terminal.
fn last_line(text: &str) -> String {
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim().chars().filter(|c| !c.is_control()).take(200).collect()
}
