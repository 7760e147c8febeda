//! Fetches the text of one endpoint: bounded in time and size, whatever the other side does.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::select_ok;
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::{
    Request, StatusCode,
    header::{ACCEPT, CONNECTION, HOST, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

/// From connecting to the last byte. A little less than the usual time between samples, so that one replica that hangs
/// does not make its service's signal come every other second only.
pub const SCRAPE_LIMIT: Duration = Duration::from_millis(900);
/// Some ten thousand series. A longer answer is refused, and not kept in memory.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// An endpoint's answer.
pub(super) struct Answer {
    /// At which of the addresses it was reached.
    pub(super) address: IpAddr,
    pub(super) status: StatusCode,
    pub(super) body: String,
}

/// What the endpoint says, and at which of the addresses it was reached.
pub(super) async fn scrape(addresses: &[IpAddr], port: u16, path: &str) -> Result<(IpAddr, String), String> {
    let Answer { address, status, body } = fetch(addresses, port, path, SCRAPE_LIMIT).await?;
    if status != StatusCode::OK {
        return Err(format!("http://{}{path}: it answers {status}", SocketAddr::new(address, port)));
    }
    Ok((address, body))
}

/// The answer, whatever it is. Of several addresses, the first to accept a connection counts.
pub(super) async fn fetch(addresses: &[IpAddr], port: u16, path: &str, limit: Duration) -> Result<Answer, String> {
    timeout(limit, exchange(addresses, port, path))
        .await
        .unwrap_or_else(|_| Err(format!("no answer of {} within {limit:?}", places(addresses, port, path))))
}

async fn exchange(addresses: &[IpAddr], port: u16, path: &str) -> Result<Answer, String> {
    let connects = addresses.iter().map(|address| {
        let place = SocketAddr::new(*address, port);
        Box::pin(async move { TcpStream::connect(place).await.map(|stream| (place, stream)) })
    });
    let unreachable = |error| {
        format!(
            "{} cannot be reached: {error} (does it listen there, and does the agent share one of its networks?)",
            places(addresses, port, path)
        )
    };
    let ((place, stream), _) = select_ok(connects).await.map_err(unreachable)?;
    let failed = |what: &dyn std::fmt::Display| format!("http://{place}{path}: {what}");

    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| failed(&error))?;
    // Ends with the scrape, whether it is answered, refused or given up.
    let _connection = AbortOnDrop(tokio::spawn(async move { drop(connection.await) }));
    let request = Request::get(path)
        .header(HOST, place.to_string())
        .header(USER_AGENT, concat!("ballast/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(&error))?;
    let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_BODY_BYTES).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            failed(&format_args!("its answer is longer than {} MiB", MAX_BODY_BYTES / 1024 / 1024))
        } else {
            failed(&error)
        }
    })?;
    // A byte that is not UTF-8 spoils its own line, which the parser then names, and no other.
    Ok(Answer { address: place.ip(), status, body: String::from_utf8_lossy(&body.to_bytes()).into_owned() })
}

fn places(addresses: &[IpAddr], port: u16, path: &str) -> String {
    let each: Vec<String> =
        addresses.iter().map(|address| format!("http://{}{path}", SocketAddr::new(*address, port))).collect();
    each.join(" or ")
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
