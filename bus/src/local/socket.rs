//! A unix socket by which another process may ask: `ballast status` asks a `ballast run`. It can do nothing else.
//!
//! One connection carries one request: two frames each way, a JSON header and the payload.
//! A frame is its length in four bytes, highest first, and so many bytes.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use crate::transport::{Bus, BusError};

/// The most that a frame holds. An answer may be larger than what a broker carries: `status` tells of all services.
const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;
/// Askers served at a time; more wait.
const MAX_ASKERS: usize = 16;
/// The longest that an asker may wait for an answer.
const MAX_LIMIT: Duration = Duration::from_mins(1);
/// How long the other side may take for a frame.
const FRAME_LIMIT: Duration = Duration::from_secs(5);

type Frames = Framed<UnixStream, LengthDelimitedCodec>;

#[derive(Debug, Serialize, Deserialize)]
struct Ask {
    subject: String,
    limit_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Answered,
    Down,
    NobodyAnswers(String),
    TimedOut(u64),
    Failed(String),
}

/// Serves a socket until it is dropped; the socket file goes with it.
#[derive(Debug)]
pub struct SocketServer {
    task: tokio::task::JoinHandle<()>,
    path: PathBuf,
    identity: (u64, u64),
}

/// Lets other processes of the same user ask `bus` through a socket at `path`. A socket file that nobody serves
/// any more is replaced.
///
/// # Errors
/// [`BusError::Setup`] when another process answers there, when something else than a socket is there, or when
/// the socket cannot be made.
pub async fn serve_socket(bus: Bus, path: impl AsRef<Path>) -> Result<SocketServer, BusError> {
    let path = path.as_ref();
    refuse_if_taken(path).await?;
    let failed = |error: io::Error| BusError::Setup(format!("cannot make the socket {}: {error}", path.display()));
    let (listener, identity) = bind_private(path).map_err(failed)?;
    let task = tokio::spawn(accept(bus, listener));
    Ok(SocketServer { task, path: path.to_owned(), identity })
}

impl Drop for SocketServer {
    fn drop(&mut self) {
        self.task.abort();
        // Somebody may have put another socket there meanwhile.
        if identity(&self.path).ok() == Some(self.identity) {
            drop(fs::remove_file(&self.path));
        }
    }
}

async fn refuse_if_taken(path: &Path) -> Result<(), BusError> {
    let at = path.display();
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(BusError::Setup(format!("cannot look at {at}: {error}"))),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(BusError::Setup(format!("{at} is not a socket; it was left as it is, give another path")));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Ok(_) => Err(BusError::Setup(format!("another `ballast run` answers on {at}; end it, or give another path"))),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(BusError::Setup(format!("cannot tell whether somebody answers on {at}: {error}"))),
    }
}

/// Binds beside `path` and moves it there when its mode is right, so that it is never open to others.
fn bind_private(path: &Path) -> io::Result<(UnixListener, (u64, u64))> {
    let mut beside = path.as_os_str().to_owned();
    beside.push("~");
    let beside = PathBuf::from(beside);
    drop(fs::remove_file(&beside));
    let listener = UnixListener::bind(&beside)?;
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600))?;
    fs::rename(&beside, path)?;
    Ok((listener, identity(path)?))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

async fn accept(bus: Bus, listener: UnixListener) {
    let askers = Arc::new(Semaphore::new(MAX_ASKERS));
    // Ends those who are being served when this task is ended.
    let mut served = tokio::task::JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&askers).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept an asker on the socket");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while served.try_join_next().is_some() {}
        let bus = Arc::clone(&bus);
        served.spawn(async move {
            if let Err(error) = serve(&bus, stream).await {
                tracing::debug!(%error, "an asker on the socket went wrong");
            }
            drop(place);
        });
    }
}

async fn serve(bus: &Bus, stream: UnixStream) -> io::Result<()> {
    let mut frames = framed(stream);
    // A connection without a request is one that only wanted to know whether somebody is here.
    let Some(header) = read(&mut frames).await? else { return Ok(()) };
    let Some(payload) = read(&mut frames).await? else { return Ok(()) };
    let (answer, payload) = match serde_json::from_slice::<Ask>(&header) {
        Ok(ask) => {
            let limit = Duration::from_millis(ask.limit_ms).min(MAX_LIMIT);
            translate(bus.request(&ask.subject, payload, limit).await)
        }
        Err(error) => (Answer::Failed(format!("not a question: {error}")), Bytes::new()),
    };
    if payload.len() > MAX_FRAME_BYTES {
        return write(&mut frames, &Answer::Failed("the answer is too large".into()), Bytes::new()).await;
    }
    write(&mut frames, &answer, payload).await
}

fn translate(result: Result<Bytes, BusError>) -> (Answer, Bytes) {
    let error = match result {
        Ok(payload) => return (Answer::Answered, payload),
        Err(error) => error,
    };
    let answer = match error {
        BusError::Down => Answer::Down,
        BusError::NobodyAnswers(subject) => Answer::NobodyAnswers(subject),
        BusError::TimedOut(limit) => Answer::TimedOut(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
        BusError::Other(text) => Answer::Failed(text),
        other => Answer::Failed(other.to_string()),
    };
    (answer, Bytes::new())
}

/// Asks a `ballast run` of the same machine.
#[derive(Clone, Debug)]
pub struct SocketClient {
    path: PathBuf,
}

impl SocketClient {
    /// Makes sure that somebody answers on the socket at `path`.
    ///
    /// # Errors
    /// [`BusError::Setup`] when nobody does, or when this user may not ask.
    pub async fn connect(path: impl AsRef<Path>) -> Result<Self, BusError> {
        let client = Self { path: path.as_ref().to_owned() };
        client.open().await?;
        Ok(client)
    }

    /// Asks; as [`Transport::request`](crate::Transport::request), with a `limit` of at most one minute.
    pub async fn request(&self, subject: &str, payload: Bytes, limit: Duration) -> Result<Bytes, BusError> {
        let limit = limit.min(MAX_LIMIT);
        let mut frames = framed(self.open().await?);
        let asked = async {
            let ask =
                Ask { subject: subject.to_owned(), limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) };
            write(&mut frames, &ask, payload).await?;
            let header = frames.next().await.transpose()?;
            let payload = frames.next().await.transpose()?;
            Ok::<_, io::Error>(header.zip(payload))
        };
        // The other side keeps the limit; this is for one that hangs.
        let answered = timeout(limit + FRAME_LIMIT, asked).await.map_err(|_| BusError::TimedOut(limit))?;
        let went_away = |cause: &str| BusError::Other(format!("{} went away: {cause}", self.path.display()));
        let answered = answered.map_err(|error| went_away(&error.to_string()))?;
        let (header, payload) = answered.ok_or_else(|| went_away("no answer"))?;
        let answer = serde_json::from_slice::<Answer>(&header)
            .map_err(|error| BusError::Other(format!("an answer that this build does not know: {error}")))?;
        match answer {
            Answer::Answered => Ok(payload.freeze()),
            Answer::Down => Err(BusError::Down),
            Answer::NobodyAnswers(subject) => Err(BusError::NobodyAnswers(subject)),
            Answer::TimedOut(ms) => Err(BusError::TimedOut(Duration::from_millis(ms))),
            Answer::Failed(text) => Err(BusError::Other(text)),
        }
    }

    async fn open(&self) -> Result<UnixStream, BusError> {
        let at = self.path.display();
        UnixStream::connect(&self.path).await.map_err(|error| {
            BusError::Setup(match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    format!("nobody answers on {at}: no `ballast run` is running there")
                }
                io::ErrorKind::PermissionDenied => {
                    format!("{at} belongs to another user: ask as the one who started `ballast run`")
                }
                _ => format!("cannot ask on {at}: {error}"),
            })
        })
    }
}

fn framed(stream: UnixStream) -> Frames {
    Framed::new(stream, LengthDelimitedCodec::builder().max_frame_length(MAX_FRAME_BYTES).new_codec())
}

async fn read(frames: &mut Frames) -> io::Result<Option<Bytes>> {
    let frame = timeout(FRAME_LIMIT, frames.next()).await?.transpose()?;
    Ok(frame.map(bytes::BytesMut::freeze))
}

async fn write<T: Serialize>(frames: &mut Frames, header: &T, payload: Bytes) -> io::Result<()> {
    let header = Bytes::from(serde_json::to_vec(header)?);
    let sent = async {
        frames.feed(header).await?;
        frames.send(payload).await
    };
    timeout(FRAME_LIMIT, sent).await?
}
