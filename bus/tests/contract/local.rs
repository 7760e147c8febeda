use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};

use bus::{
    Bus, BusError, Delivery, Transport,
    local::{LocalBus, SocketClient, serve_socket},
};
use bytes::Bytes;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use crate::{PATIENCE, Place, bytes, soon};

/// A file with buckets. All who open it share one bus, as the parts of one process do.
pub(crate) struct File {
    dir: TempDir,
    open: Mutex<Weak<LocalBus>>,
}

impl File {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().expect("a temporary folder"), open: Mutex::default() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("state.db")
    }
}

impl Place for File {
    async fn open(&self) -> Bus {
        let mut open = self.open.lock().expect("no panic while held");
        if let Some(bus) = open.upgrade() {
            return bus;
        }
        let bus = LocalBus::open(self.path()).expect("open");
        *open = Arc::downgrade(&bus);
        bus
    }

    async fn interrupt(&mut self, bus: Bus) -> Bus {
        drop(bus);
        assert!(self.open.lock().expect("no panic while held").upgrade().is_none(), "somebody still has the bus");
        self.open().await
    }
}

#[tokio::test]
async fn a_file_that_another_has_open_is_refused_by_name() {
    let file = File::new();
    let bus = file.open().await;
    let error = refusal(LocalBus::open(file.path()));
    assert!(error.contains("state.db is in use") && error.contains("ballast run"), "{error}");
    bus.bucket("b").await.expect("bucket").put("k", bytes("1")).await.expect("the first is not disturbed");
}

#[tokio::test]
async fn a_foreign_or_damaged_file_is_refused_and_left_as_it_is() {
    let dir = TempDir::new().expect("a temporary folder");
    let text = dir.path().join("notes.txt");
    fs::write(&text, "my notes, much longer than the header of a database file, so that it is looked at".repeat(20))
        .expect("write");
    let foreign = dir.path().join("foreign.db");
    let other = rusqlite::Connection::open(&foreign).expect("open");
    other.execute_batch("CREATE TABLE mine (x)").expect("make");
    drop(other);
    let newer = dir.path().join("newer.db");
    drop(LocalBus::open(&newer).expect("open"));
    soon("the file", async {
        while !set_schema(&newer, 99) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    for (path, why) in [(&text, "not a SQLite database"), (&foreign, "another program"), (&newer, "newer Ballast")] {
        let before = fs::read(path).expect("read");
        let error = refusal(LocalBus::open(path));
        assert!(error.contains(why) && error.contains(&path.display().to_string()), "{error}");
        assert_eq!(fs::read(path).expect("read"), before, "{} was changed", path.display());
    }
    let error = refusal(LocalBus::open(dir.path().join("no/such/folder.db")));
    assert!(error.contains("no/such/folder.db"), "{error}");
}

#[tokio::test]
async fn a_damaged_page_is_noticed_when_the_file_is_opened() {
    let file = File::new();
    let bus = file.open().await;
    let bucket = bus.bucket("b").await.expect("bucket");
    for number in 0..200 {
        bucket.put(&format!("k{number}"), Bytes::from(vec![b'x'; 500])).await.expect("put");
    }
    drop(bucket);
    drop(bus);
    soon("the file to be closed", async {
        while file.dir.path().join("state.db-wal").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let mut content = fs::read(file.path()).expect("read");
    content[8192..12288].fill(0xff);
    fs::write(file.path(), &content).expect("write");
    let error = refusal(LocalBus::open(file.path()));
    assert!(error.contains("damaged") && error.contains("left as it is"), "{error}");
    assert_eq!(fs::read(file.path()).expect("read"), content);
}

#[tokio::test]
async fn only_its_owner_may_read_the_file() {
    let file = File::new();
    drop(file.open().await);
    assert_eq!(fs::metadata(file.path()).expect("the file").permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_queue_without_a_server_is_explained() {
    let bus = LocalBus::in_memory().expect("open");
    let error = bus.queue_length(None, "JOBS", "worker").await.expect_err("no broker");
    assert!(matches!(&error, BusError::Setup(text) if text.contains("`server:`")), "{error}");
}

#[tokio::test]
async fn another_process_may_ask_through_the_socket() {
    let (bus, dir) = (LocalBus::in_memory().expect("open"), TempDir::new().expect("a temporary folder"));
    let path = dir.path().join("ballast.sock");
    let mut asked = bus.subscribe("status", 4).await.expect("subscribe");
    let _server = serve_socket(bus.clone(), &path).await.expect("serve");
    assert_eq!(fs::metadata(&path).expect("the socket").permissions().mode() & 0o777, 0o600);
    let large = Bytes::from(vec![b'x'; 3 * 1024 * 1024]);
    let answer = large.clone();
    tokio::spawn(async move {
        while let Some(Delivery::Message(message)) = asked.next().await {
            if message.payload != "stay silent" {
                message.reply.expect("a request").send(answer.clone());
            }
        }
    });
    let client = SocketClient::connect(&path).await.expect("connect");
    assert_eq!(client.request("status", bytes("?"), PATIENCE).await.expect("an answer"), large);
    let error = client.request("nobody", Bytes::new(), PATIENCE).await;
    assert!(matches!(error, Err(BusError::NobodyAnswers(subject)) if subject == "nobody"));
    let limit = Duration::from_millis(50);
    let error = client.request("status", bytes("stay silent"), limit).await;
    assert!(matches!(error, Err(BusError::TimedOut(after)) if after == limit), "{error:?}");
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let (bus, dir) = (LocalBus::in_memory().expect("open"), TempDir::new().expect("a temporary folder"));
    let path = dir.path().join("ballast.sock");
    let error = SocketClient::connect(&path).await.expect_err("nobody serves").to_string();
    assert!(error.contains("no `ballast run` is running"), "{error}");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("leave a stale socket behind"));
    let server = serve_socket(bus.clone(), &path).await.expect("replace the stale one");
    let error = serve_socket(bus.clone(), &path).await.expect_err("one is enough").to_string();
    assert!(error.contains("another `ballast run` answers"), "{error}");
    drop(server);
    assert!(!path.exists(), "the socket goes with its server");
    fs::write(&path, "a file").expect("write");
    let error = serve_socket(bus, &path).await.expect_err("not a socket").to_string();
    assert!(error.contains("not a socket"), "{error}");
    assert_eq!(fs::read_to_string(&path).expect("read"), "a file");
}

#[tokio::test]
async fn the_socket_survives_nonsense_and_frames_without_end() {
    let (bus, dir) = (LocalBus::in_memory().expect("open"), TempDir::new().expect("a temporary folder"));
    let path = dir.path().join("ballast.sock");
    let _server = serve_socket(bus, &path).await.expect("serve");
    for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 8], &[0, 0, 0, 2, b'{', b'}', 0, 0, 0, 0], &[]] {
        let mut stream = UnixStream::connect(&path).await.expect("connect");
        stream.write_all(nonsense).await.expect("write");
        stream.shutdown().await.expect("end");
        let mut answer = Vec::new();
        soon("the end of the connection", stream.read_to_end(&mut answer)).await.ok();
    }
    let start = Instant::now();
    let client = SocketClient::connect(&path).await.expect("connect");
    let answer = client.request("nobody", Bytes::new(), PATIENCE).await;
    assert!(matches!(answer, Err(BusError::NobodyAnswers(_))), "{answer:?} after {:?}", start.elapsed());
}

fn refusal(opened: Result<Arc<LocalBus>, BusError>) -> String {
    match opened {
        Err(BusError::Setup(text)) => text,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn set_schema(path: &std::path::Path, version: i64) -> bool {
    let connection = rusqlite::Connection::open(path).expect("open");
    connection.pragma_update(None, "journal_mode", "delete").is_ok()
        && connection.pragma_update(None, "user_version", version).is_ok()
}
