//! HTTP requests to a service, spread over all its replicas.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Uri, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::watch, time::timeout};

const CONNECT: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(10);

/// A service by its name. The name is looked up every second, for replicas come and go, and requests go to all its
/// addresses in turn: what a load balancer in front of the service would do.
pub(crate) struct Web {
    uri: Uri,
    authority: String,
    addresses: watch::Receiver<Vec<SocketAddr>>,
    turn: AtomicUsize,
}

impl Web {
    pub(crate) fn new(uri: Uri) -> anyhow::Result<Arc<Self>> {
        if uri.scheme_str() != Some("http") {
            bail!("{uri} is not an http:// address");
        }
        let host = uri.host().with_context(|| format!("{uri} names no host"))?;
        let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        let (sender, addresses) = watch::channel(Vec::new());
        tokio::spawn(look_up(authority.clone(), sender));
        Ok(Arc::new(Self { uri, authority, addresses, turn: AtomicUsize::new(0) }))
    }

    /// One request. A replica that does not accept has not seen it, so the next one is asked instead, once each.
    pub(crate) async fn get(&self) -> anyhow::Result<()> {
        let addresses = self.addresses.borrow().clone();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        for next in 0..addresses.len() {
            let address = addresses[turn.wrapping_add(next) % addresses.len()];
            if let Ok(Ok(stream)) = timeout(CONNECT, TcpStream::connect(address)).await {
                return timeout(ANSWER, self.ask(stream)).await.context("no answer in time")?;
            }
        }
        bail!("none of the {} addresses of {} accepts", addresses.len(), self.authority)
    }

    async fn ask(&self, stream: TcpStream) -> anyhow::Result<()> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::get(self.uri.path())
            .header("host", &self.authority)
            .header("connection", "close")
            .body(Empty::<Bytes>::new())?;
        let exchange = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            answer.into_body().collect().await?;
            anyhow::ensure!(status.is_success(), "answered {status}");
            Ok(())
        };
        // the connection has to be driven while the answer is waited for; it ends by itself
        tokio::pin!(exchange);
        tokio::select! {
            outcome = &mut exchange => outcome,
            _ = connection => exchange.await,
        }
    }
}

async fn look_up(authority: String, addresses: watch::Sender<Vec<SocketAddr>>) {
    while !addresses.is_closed() {
        // while the name is unknown there is no replica; what was known then is of no use
        let found = tokio::net::lookup_host(&authority).await.map(Iterator::collect).unwrap_or_default();
        addresses.send_replace(found);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// How a phase's requests or jobs went.
#[derive(Default)]
pub(crate) struct Tally {
    inner: Mutex<Counts>,
}

#[derive(Clone, Default)]
struct Counts {
    sent: u64,
    dropped: u64,
    failed: u64,
    failure: Option<String>,
    milliseconds: Vec<f64>,
}

impl Tally {
    /// One is on its way.
    pub(crate) fn sent(&self) {
        self.with(|counts| counts.sent += 1);
    }

    /// One was due, but too many are on their way.
    pub(crate) fn dropped(&self) {
        self.with(|counts| counts.dropped += 1);
    }

    /// One came to an end.
    pub(crate) fn ended(&self, outcome: &anyhow::Result<()>, start: Instant) {
        self.with(|counts| match outcome {
            Ok(()) => counts.milliseconds.push(start.elapsed().as_secs_f64() * 1000.0),
            Err(error) => {
                counts.failed += 1;
                counts.failure.get_or_insert_with(|| format!("{error:#}"));
            }
        });
    }

    /// Several as one.
    pub(crate) fn of_all(tallies: &[Arc<Self>]) -> Self {
        let all = Self::default();
        for tally in tallies {
            let counts = tally.with(|counts| counts.clone());
            all.with(|all| {
                all.sent += counts.sent;
                all.dropped += counts.dropped;
                all.failed += counts.failed;
                all.failure = all.failure.take().or(counts.failure);
                all.milliseconds.extend(counts.milliseconds);
            });
        }
        all
    }

    /// As part of a line, for example `120 requests (2 failed: …; mean 15 ms, p50 11 ms, p95 40 ms)`.
    pub(crate) fn describe(&self, what: &str) -> String {
        self.with(|counts| {
            let mut notes = Vec::new();
            if let Some(failure) = &counts.failure {
                notes.push(format!("{} failed: {failure}", counts.failed));
            }
            if counts.dropped > 0 {
                notes.push(format!("{} not sent: too many in flight", counts.dropped));
            }
            counts.milliseconds.sort_by(f64::total_cmp);
            if let (Some(p50), Some(p95)) = (quantile(&counts.milliseconds, 50), quantile(&counts.milliseconds, 95)) {
                let mean = counts.milliseconds.iter().sum::<f64>() / counts.milliseconds.len() as f64;
                notes.push(format!("mean {mean:.0} ms, p50 {p50:.0} ms, p95 {p95:.0} ms"));
            }
            let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
            format!("{} {what}{notes}", counts.sent)
        })
    }

    fn with<T>(&self, change: impl FnOnce(&mut Counts) -> T) -> T {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The smallest value that `percent` % of the values, which are sorted, do not exceed.
fn quantile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        assert_eq!(quantile(&[], 50), None);
        assert_eq!(quantile(&[1.0], 95), Some(1.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 50), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 95), Some(4.0));
    }
}
