//! A web server whose requests cost CPU. One replica carries as many requests per second as CPU and workers allow;
//! what is more than that waits, and what would wait too long is turned away.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

use crate::{cpu, shutdown, web_metrics::WebMetrics};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Where to listen
    #[arg(long, default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// CPU time that a request costs
    #[arg(long, default_value = "10ms", value_parser = humantime::parse_duration)]
    cost: Duration,
    /// Requests worked on at the same time
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Requests that may wait; further ones are answered with 503
    #[arg(long, default_value_t = 200)]
    waiting: usize,
    /// How long requests may take to finish once the server is asked to end
    #[arg(long, default_value = "8s", value_parser = humantime::parse_duration)]
    drain: Duration,
    /// How long it takes to start: before, nobody is answered
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    boot: Duration,
}

/// Connections at the same time; further ones wait in the kernel.
const MAX_CONNECTIONS: usize = 1000;

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let mut asked = shutdown::asked()?;
    tokio::select! {
        () = tokio::time::sleep(options.boot) => {}
        () = shutdown::wait(&mut asked) => return Ok(()),
    }
    let listener =
        TcpListener::bind(options.listen).await.with_context(|| format!("cannot listen on {}", options.listen))?;
    println!("web | listening on {}, {} per request", listener.local_addr()?, humantime::format_duration(options.cost));
    serve(listener, options, asked).await;
    println!("web | ended");
    Ok(())
}

/// Serves until `asked`, then stops accepting and lets the requests that it has finish.
async fn serve(listener: TcpListener, options: Options, mut asked: watch::Receiver<bool>) {
    let drain = options.drain;
    let server = Arc::new(Server {
        workers: Semaphore::new(options.workers),
        places: Semaphore::new(options.workers.saturating_add(options.waiting).min(Semaphore::MAX_PERMITS)),
        metrics: Mutex::default(),
        cost: options.cost,
    });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown::wait(&mut asked) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(Arc::clone(&server), stream, asked.clone()))),
                // out of file descriptors, most likely: some will be free again soon
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
    drop(listener);
    let finished = timeout(drain, async { while connections.join_next().await.is_some() {} }).await;
    if finished.is_err() {
        eprintln!("web | {} connections did not finish within {drain:?}", connections.len());
    }
}

async fn connection(server: Arc<Server>, stream: TcpStream, mut asked: watch::Receiver<bool>) {
    let service = service_fn(|request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(server.answer(&request).await) }
    });
    let mut connection = std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    // a client that breaks off is its own affair
    tokio::select! {
        _ = connection.as_mut() => {}
        () = shutdown::wait(&mut asked) => {
            connection.as_mut().graceful_shutdown();
            drop(connection.await);
        }
    }
}

struct Server {
    /// One permit for each request that is worked on.
    workers: Semaphore,
    /// One permit for each request that is worked on or waits.
    places: Semaphore,
    metrics: Mutex<WebMetrics>,
    cost: Duration,
}

impl Server {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        match request.uri().path() {
            "/health" => response(StatusCode::OK, "ok\n".into()),
            "/metrics" => response(StatusCode::OK, self.metrics().render()),
            _ => self.work().await,
        }
    }

    async fn work(&self) -> Response<Full<Bytes>> {
        let start = Instant::now();
        let mut counted = InFlight::begin(self);
        let code = match self.places.try_acquire() {
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
            Ok(_place) => self.burn().await,
        };
        counted.end(code, start.elapsed());
        response(code, format!("{}\n", code.canonical_reason().unwrap_or_default()))
    }

    async fn burn(&self) -> StatusCode {
        // neither is ever closed, nor does the work panic; an answer is due in any case
        let Ok(_worker) = self.workers.acquire().await else { return StatusCode::INTERNAL_SERVER_ERROR };
        let cost = self.cost;
        match tokio::task::spawn_blocking(move || cpu::burn(cost)).await {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn metrics(&self) -> MutexGuard<'_, WebMetrics> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a request as in flight for as long as this lives: hyper drops the answer's future when the client goes away.
struct InFlight<'a> {
    server: &'a Server,
    ended: bool,
}

impl<'a> InFlight<'a> {
    fn begin(server: &'a Server) -> Self {
        server.metrics().begin();
        Self { server, ended: false }
    }

    fn end(&mut self, code: StatusCode, took: Duration) {
        self.ended = true;
        self.server.metrics().end(code.as_u16(), took);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.server.metrics().abandon();
        }
    }
}

fn response(code: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = code;
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("text/plain; version=0.0.4"));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_request_in_flight_is_answered_although_the_server_is_asked_to_end() {
        let (ask, server, address) = start(Duration::from_millis(200), 10).await;
        let request = tokio::spawn(get(address, "/"));
        until_in_flight(address, 1).await;
        ask.send_replace(true);
        assert!(request.await.expect("no panic").starts_with("HTTP/1.1 200"));
        server.await.expect("no panic");
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_would_wait_too_long_is_turned_away_and_health_is_answered_meanwhile() {
        let (_ask, _server, address) = start(Duration::from_millis(300), 0).await;
        let first = tokio::spawn(get(address, "/"));
        until_in_flight(address, 1).await;
        assert!(get(address, "/").await.starts_with("HTTP/1.1 503"));
        assert!(get(address, "/health").await.starts_with("HTTP/1.1 200"));
        assert!(first.await.expect("no panic").starts_with("HTTP/1.1 200"));
        let metrics = get(address, "/metrics").await;
        assert!(metrics.contains("http_requests_total{code=\"200\"} 1\nhttp_requests_total{code=\"503\"} 1\n"));
    }

    async fn start(cost: Duration, waiting: usize) -> (watch::Sender<bool>, tokio::task::JoinHandle<()>, SocketAddr) {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let options =
            Options { listen, cost, workers: 1, waiting, drain: Duration::from_secs(5), boot: Duration::ZERO };
        let listener = TcpListener::bind(listen).await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let (ask, asked) = watch::channel(false);
        (ask, tokio::spawn(serve(listener, options, asked)), address)
    }

    async fn until_in_flight(address: SocketAddr, count: u32) {
        let wanted = format!("http_requests_in_flight {count}\n");
        let seen = async { while !get(address, "/metrics").await.ends_with(&wanted) {} };
        timeout(Duration::from_secs(5), seen).await.expect("the request arrives");
    }

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        answer
    }
}
