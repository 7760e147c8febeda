//! The engine's client. `bollard` does what carries no settings (events, start, stop, remove); whatever is read in
//! order to be written again travels as raw JSON, because typed models silently drop the fields that they do not know.

mod address;
mod error;
mod events;
mod raw;
mod version;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use base64::Engine as _;
use bollard::query_parameters::{
    EventsOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use hyper::Method;
use serde_json::{Value, json};

use crate::model::EngineInfo;
use address::Address;
pub use error::EngineError;
pub use events::Event;
pub use version::ApiVersion;

/// How long the engine may take for anything that does not wait for a container.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// What stopping may take beyond the grace period of the container.
const STOP_MARGIN: Duration = Duration::from_secs(30);

/// A Docker Engine. Cheap to clone; holds no open connection, so an engine that restarts needs no care.
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    address: Address,
    api: RwLock<Option<ApiVersion>>,
}

impl Engine {
    /// The engine at `unix:///path` or `tcp://host:port`. Nothing is sent yet: the engine may be away.
    pub fn new(address: &str) -> Result<Self, EngineError> {
        Ok(Self { shared: Arc::new(Shared { address: Address::parse(address)?, api: RwLock::new(None) }) })
    }

    /// [`Engine::new`], and a first [`Engine::info`] to see that it answers and is new enough.
    pub async fn connect(address: &str) -> Result<Self, EngineError> {
        let engine = Self::new(address)?;
        engine.info().await?;
        Ok(engine)
    }

    /// What the engine says of itself. Agrees on the API version anew, as the engine may have been updated.
    pub async fn info(&self) -> Result<EngineInfo, EngineError> {
        self.negotiate().await?;
        let (version, info, bridge) = tokio::try_join!(self.get("/version"), self.get("/info"), async {
            Ok(self.get("/networks/bridge").await.ok())
        },)?;
        Ok(EngineInfo {
            version: text(&version["Version"]),
            api: self.api().await?.to_string(),
            cgroup_version: if info["CgroupVersion"] == "2" { 2 } else { 1 },
            cgroup_driver: text(&info["CgroupDriver"]),
            architecture: text(&version["Arch"]),
            // The engine makes its default bridge anew with every start, and nothing else tells when that was.
            started_ms: bridge.and_then(|network| crate::instant::parse_ms(network["Created"].as_str()?)),
        })
    }

    /// The API version in use.
    pub async fn api(&self) -> Result<ApiVersion, EngineError> {
        let known = *self.shared.api.read().unwrap_or_else(PoisonError::into_inner);
        match known {
            Some(api) => Ok(api),
            None => self.negotiate().await,
        }
    }

    /// Every container, also stopped ones, as `GET /containers/json` lists them.
    pub async fn list(&self) -> Result<Vec<Value>, EngineError> {
        match self.get("/containers/json?all=true").await? {
            Value::Array(containers) => Ok(containers),
            _ => Err(self.garbled("GET /containers/json", "a list was expected")),
        }
    }

    /// All of `GET /containers/{id}/json`.
    pub async fn inspect(&self, id: &str) -> Result<Value, EngineError> {
        self.get(&format!("/containers/{}/json", escape(id))).await
    }

    /// The MAC address that somebody asked for, where the version that is spoken does not tell it: an older version of the
    /// same engine does.
    pub async fn asked_mac(&self, id: &str) -> Result<Option<String>, EngineError> {
        if self.api().await? <= ApiVersion::LAST_WITH_ASKED_MAC {
            return Ok(None);
        }
        let path = format!("/v{}/containers/{}/json", ApiVersion::LAST_WITH_ASKED_MAC, escape(id));
        let answer = raw::call(&self.shared.address, Method::GET, &path, raw::Body::Empty, CALL_LIMIT).await?;
        let inspect = self.json(&format!("GET {path}"), &answer.body)?;
        Ok(inspect["Config"]["MacAddress"].as_str().filter(|mac| !mac.is_empty()).map(str::to_owned))
    }

    /// All of `GET /images/{name}/json`.
    pub async fn image(&self, name: &str) -> Result<Value, EngineError> {
        self.get(&format!("/images/{}/json", escape(name))).await
    }

    /// All of `GET /volumes/{name}`.
    pub async fn volume(&self, name: &str) -> Result<Value, EngineError> {
        self.get(&format!("/volumes/{}", escape(name))).await
    }

    /// All of `GET /networks/{name}`.
    pub async fn network(&self, name: &str) -> Result<Value, EngineError> {
        self.get(&format!("/networks/{}", escape(name))).await
    }

    /// Every network, as `GET /networks` lists them.
    pub async fn networks(&self) -> Result<Vec<Value>, EngineError> {
        match self.get("/networks").await? {
            Value::Array(networks) => Ok(networks),
            _ => Err(self.garbled("GET /networks", "a list was expected")),
        }
    }

    /// One reading of a container's counters, without the engine's own previous one.
    pub async fn stats(&self, id: &str) -> Result<Value, EngineError> {
        self.get(&format!("/containers/{}/stats?stream=false&one-shot=true", escape(id))).await
    }

    /// Files that differ from the container's image, as `GET /containers/{id}/changes` gives them.
    pub async fn changes(&self, id: &str) -> Result<Value, EngineError> {
        self.get(&format!("/containers/{}/changes", escape(id))).await
    }

    /// The last `lines` lines that a container wrote, both streams.
    pub async fn logs(&self, id: &str, lines: u32) -> Result<String, EngineError> {
        let path = format!("/containers/{}/logs?stdout=1&stderr=1&tail={lines}", escape(id));
        let bytes = self.call(Method::GET, &path, raw::Body::Empty).await?;
        Ok(raw::strip_stream_headers(&bytes))
    }

    /// Makes a container and gives its ID. `platform` as in `linux/arm64`; `None` is the engine's own.
    pub async fn create(&self, name: &str, platform: Option<&str>, body: &Value) -> Result<String, EngineError> {
        let mut path = format!("/containers/create?name={}", escape(name));
        if let Some(platform) = platform {
            path = format!("{path}&platform={}", escape(platform));
        }
        let bytes = self.call(Method::POST, &path, raw::Body::Json(body)).await?;
        let created = self.json("POST /containers/create", &bytes)?;
        match created["Id"].as_str() {
            Some(id) => Ok(id.to_owned()),
            None => Err(self.garbled("POST /containers/create", "there is no Id in the answer")),
        }
    }

    /// Connects a container to one more network.
    pub async fn connect_network(&self, network: &str, id: &str, endpoint: &Value) -> Result<(), EngineError> {
        let body = json!({ "Container": id, "EndpointConfig": endpoint });
        self.call(Method::POST, &format!("/networks/{}/connect", escape(network)), raw::Body::Json(&body)).await?;
        Ok(())
    }

    /// A tar of what is at `path` in a container; `None` if nothing is there.
    pub async fn archive(&self, id: &str, path: &str) -> Result<Option<Bytes>, EngineError> {
        let call = format!("/containers/{}/archive?path={}", escape(id), escape(path));
        match self.call(Method::GET, &call, raw::Body::Empty).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is at `path` in a container: name, size, mode and time, as the engine's header
    /// `X-Docker-Container-Path-Stat` gives it; `None` if nothing is there.
    pub async fn path_stat(&self, id: &str, path: &str) -> Result<Option<Value>, EngineError> {
        let call = format!("/containers/{}/archive?path={}", escape(id), escape(path));
        let answer = match self.answer(Method::HEAD, &call, raw::Body::Empty).await {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let header = answer.headers.get("x-docker-container-path-stat").map(hyper::header::HeaderValue::as_bytes);
        let stat = base64::engine::general_purpose::STANDARD.decode(header.unwrap_or_default()).unwrap_or_default();
        self.json(&format!("HEAD {call}"), &stat).map(Some)
    }

    /// Unpacks a tar into the folder `path` of a container.
    pub async fn put_archive(&self, id: &str, path: &str, tar: Bytes) -> Result<(), EngineError> {
        let call = format!("/containers/{}/archive?path={}", escape(id), escape(path));
        self.call(Method::PUT, &call, raw::Body::Tar(tar)).await?;
        Ok(())
    }

    /// Starts a container. One that runs already is no error.
    pub async fn start(&self, id: &str) -> Result<(), EngineError> {
        let docker = self.bollard()?;
        self.timed("start", CALL_LIMIT, docker.start_container(id, None::<StartContainerOptions>)).await
    }

    /// Stops a container by its own signal, giving it `drain` to end, or its own grace period, which the engine knows:
    /// `grace` is whichever holds, for the time limit.
    /// One that is stopped already is no error.
    pub async fn stop(&self, id: &str, drain: Option<Duration>, grace: Duration) -> Result<(), EngineError> {
        let docker = self.bollard()?;
        // Whole seconds is what the engine takes; a part of one is better one more than none.
        let seconds = |drain: Duration| i32::try_from(drain.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
        let options = drain.map(|drain| StopContainerOptionsBuilder::new().t(seconds(drain)).build());
        self.timed("stop", grace + STOP_MARGIN, docker.stop_container(id, options)).await
    }

    /// Removes a container, running or not, together with its anonymous volumes. One that is gone is no error.
    pub async fn remove(&self, id: &str) -> Result<(), EngineError> {
        let docker = self.bollard()?;
        let options = RemoveContainerOptionsBuilder::new().v(true).force(true).build();
        match self.timed("remove", CALL_LIMIT, docker.remove_container(id, Some(options))).await {
            // 409 is "removal is already in progress".
            Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
            other => other,
        }
    }

    /// What happens to Compose containers and to networks, from `since_ms` on (absent: from now on).
    ///
    /// The engine filters, because every run of a health check would otherwise send three events. Ends with an error when
    /// the engine goes away. Events can be lost by the engine; they are hints and never the truth.
    pub fn events(
        &self,
        since_ms: Option<u64>,
    ) -> Result<impl Stream<Item = Result<Event, EngineError>> + Send + use<>, EngineError> {
        let docker = self.bollard()?;
        let subscribe = |filters: Vec<(&str, &[&str])>| {
            let owned = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
            let filters: HashMap<String, Vec<String>> =
                filters.into_iter().map(|(key, values)| (key.to_owned(), owned(values))).collect();
            let mut options = EventsOptionsBuilder::new().filters(&filters);
            if let Some(since_ms) = since_ms {
                options = options.since(&format!("{}.{:03}000000", since_ms / 1000, since_ms % 1000));
            }
            let address = self.shared.address.to_string();
            let docker = docker.clone();
            // The filter on labels would hide network events, so they need a stream of their own.
            docker.events(Some(options.build())).map(move |message| match message {
                Ok(message) => Ok(Event::read(message)),
                Err(error) => Err(error::from_bollard(&address, "GET /events", error)),
            })
        };
        let containers = subscribe(vec![
            ("type", &["container"]),
            ("event", events::CONTAINER_ACTIONS),
            ("label", &["com.docker.compose.project"]),
        ]);
        let networks = subscribe(vec![("type", &["network"]), ("event", &["destroy"])]);
        // The end of either is the end of both: the engine is away.
        let end = |address: String| stream::once(async move { Err(error::away(&address, "the event stream ended")) });
        let address = self.shared.address.to_string();
        Ok(stream::select(containers.chain(end(address.clone())), networks.chain(end(address))))
    }

    async fn get(&self, path: &str) -> Result<Value, EngineError> {
        let bytes = self.call(Method::GET, path, raw::Body::Empty).await?;
        self.json(&format!("GET {path}"), &bytes)
    }

    async fn call(&self, method: Method, path: &str, body: raw::Body<'_>) -> Result<Bytes, EngineError> {
        Ok(self.answer(method, path, body).await?.body)
    }

    async fn answer(&self, method: Method, path: &str, body: raw::Body<'_>) -> Result<raw::Answer, EngineError> {
        let path = format!("/v{}{path}", self.api().await?);
        raw::call(&self.shared.address, method, &path, body, CALL_LIMIT).await
    }

    async fn negotiate(&self) -> Result<ApiVersion, EngineError> {
        let bytes = raw::call(&self.shared.address, Method::GET, "/version", raw::Body::Empty, CALL_LIMIT).await?;
        let version = self.json("GET /version", &bytes.body)?;
        let api = version::negotiate(&self.shared.address.to_string(), &version)?;
        *self.shared.api.write().unwrap_or_else(PoisonError::into_inner) = Some(api);
        Ok(api)
    }

    fn json(&self, call: &str, bytes: &[u8]) -> Result<Value, EngineError> {
        serde_json::from_slice(bytes).map_err(|error| self.garbled(call, &error.to_string()))
    }

    fn garbled(&self, call: &str, why: &str) -> EngineError {
        EngineError::Garbled { address: self.shared.address.to_string(), call: call.to_owned(), why: why.to_owned() }
    }

    /// Made for each use, as making it fails while the socket file does not exist.
    fn bollard(&self) -> Result<bollard::Docker, EngineError> {
        // Its own limit must never be the shorter one: each call has one here.
        let limit = Duration::from_hours(24).as_secs();
        let version = bollard::API_DEFAULT_VERSION;
        let address = self.shared.address.to_string();
        match &self.shared.address {
            Address::Unix(path) => bollard::Docker::connect_with_unix(&path.to_string_lossy(), limit, version),
            Address::Tcp(authority) => bollard::Docker::connect_with_http(authority, limit, version),
        }
        .map_err(|error| error::from_bollard(&address, "connect", error))
    }

    async fn timed<T>(
        &self,
        call: &str,
        limit: Duration,
        answer: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, EngineError> {
        let address = self.shared.address.to_string();
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => answer.map_err(|error| error::from_bollard(&address, call, error)),
            Err(_) => Err(EngineError::TimedOut { address, call: call.to_owned(), limit }),
        }
    }
}

#[async_trait::async_trait]
impl crate::measure::stats::StatsSource for Engine {
    async fn stats(&self, id: &str) -> Result<Value, String> {
        Engine::stats(self, id).await.map_err(|error| error.to_string())
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// `text` as one part of a path or query.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b':' => {
                escaped.push(byte as char);
            }
            _ => {
                escaped.push('%');
                escaped.extend([byte >> 4, byte & 15].map(|half| HEX[usize::from(half)] as char));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// An engine of this version, which tells a MAC address to those who speak 1.51 alone.
    async fn engine(version: &'static str) -> Engine {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let body = match request.split(' ').nth(1).unwrap_or_default() {
                    "/version" => json!({ "ApiVersion": version }),
                    "/v1.51/containers/x/json" => json!({ "Config": { "MacAddress": "02:00:00:00:00:01" } }),
                    _ => json!({ "Config": {} }),
                }
                .to_string();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                // A client that went away is no matter.
                drop(stream.write_all(answer.as_bytes()).await);
            }
        });
        Engine::new(&format!("tcp://{address}")).expect("an address")
    }

    #[tokio::test]
    async fn a_mac_address_that_somebody_asked_for_is_asked_of_an_older_version() {
        for (version, mac) in [("1.51", None), ("1.52", Some("02:00:00:00:00:01")), ("1.55", Some("02:00:00:00:00:01"))]
        {
            let found = engine(version).await.asked_mac("x").await.expect("an answer");
            assert_eq!(found.as_deref(), mac, "{version}");
        }
    }

    #[test]
    fn what_a_query_cannot_hold_is_escaped() {
        assert_eq!(escape("/run/a b&c=d?é"), "/run/a%20b%26c%3Dd%3F%C3%A9");
    }
}
