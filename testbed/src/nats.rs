use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::wait_for;

/// A `nats-server` with `JetStream` on a free port. Ends with this value.
#[derive(Debug)]
pub struct NatsServer {
    child: Option<Child>,
    dir: TempDir,
    address: String,
    port: Option<u16>,
    config: Option<PathBuf>,
}

impl NatsServer {
    /// Starts one on 127.0.0.1 that lets everybody in.
    pub fn start() -> Self {
        Self::launch("127.0.0.1", None)
    }

    /// Starts one where every [`DockerHost`](crate::DockerHost) can reach it.
    pub fn start_for_hosts() -> Self {
        let bridge = std::env::var("BALLAST_TEST_BRIDGE");
        Self::launch(bridge.as_deref().unwrap_or("127.0.0.1"), None)
    }

    /// Starts one with more configuration, in the server's own format. `{dir}` in it stands for the server's folder.
    pub fn start_with(config: &str) -> Self {
        Self::launch("127.0.0.1", Some(config))
    }

    fn launch(address: &str, config: Option<&str>) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let config = config.map(|text| {
            let path = dir.path().join("server.conf");
            fs::write(&path, text.replace("{dir}", &dir.path().display().to_string()))
                .expect("write the configuration");
            path
        });
        let mut server = Self { child: None, dir, address: address.to_owned(), port: None, config };
        server.run();
        server
    }

    /// The port.
    ///
    /// # Panics
    /// Never: a started server has one.
    pub fn port(&self) -> u16 {
        self.port.expect("a started server has a port")
    }

    /// `nats://ADDRESS:PORT`.
    pub fn url(&self) -> String {
        format!("nats://{}:{}", self.address, self.port())
    }

    /// The folder with its data.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Starts it again after [`kill`](Self::kill), on the same port, with the same data.
    pub fn restart(&mut self) {
        self.kill();
        self.run();
    }

    fn run(&mut self) {
        let ports = self.dir.path().join("ports");
        drop(fs::remove_dir_all(&ports));
        fs::create_dir_all(&ports).expect("a folder for the port files");
        let mut command = Command::new("nats-server");
        command.args(["-a", &self.address, "-p", &self.port.map_or("-1".into(), |port| port.to_string()), "-js"]);
        command.arg("-sd").arg(self.dir.path().join("data")).arg("--ports_file_dir").arg(&ports);
        if let Some(config) = &self.config {
            command.arg("-c").arg(config);
        }
        let log = fs::File::create(self.dir.path().join("log")).expect("a log file");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().expect("nats-server on the PATH: run ./check, or eval \"$(scripts/hosts env)\"");
        self.child = Some(child);
        self.port = Some(wait_for("the port of nats-server", Duration::from_secs(20), || {
            let file = fs::read_dir(&ports).ok()?.flatten().next()?;
            let ports: serde_json::Value = serde_json::from_slice(&fs::read(file.path()).ok()?).ok()?;
            let url = ports["nats"][0].as_str().or_else(|| ports["tls"][0].as_str())?;
            url.rsplit(':').next()?.parse().ok()
        }));
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}
