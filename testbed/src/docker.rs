use std::{
    env, fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

/// A Docker Engine of its own, in a network namespace of its own: for tests as good as another machine.
#[derive(Clone, Debug)]
pub struct DockerHost {
    number: u32,
    socket: String,
    namespace: Option<String>,
}

impl DockerHost {
    /// Host `number`, from 1. Read from `BALLAST_TEST_DOCKER_<number>` (a `unix://` address) and
    /// `BALLAST_TEST_NETNS_<number>` (a file under `/run/netns`; absent: the engine shares this machine's network).
    ///
    /// # Panics
    /// When the first is not set.
    pub fn get(number: u32) -> Self {
        let socket = env::var(format!("BALLAST_TEST_DOCKER_{number}")).unwrap_or_else(|_| {
            panic!(
                "no Docker host {number} for tests: run ./check, or: scripts/hosts up 2; eval \"$(scripts/hosts env)\""
            )
        });
        Self { number, socket, namespace: env::var(format!("BALLAST_TEST_NETNS_{number}")).ok() }
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its engine's address, `unix:///…`.
    pub fn socket(&self) -> &str {
        &self.socket
    }

    /// `program`, to be run inside the host's network, with `DOCKER_HOST` set.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = match &self.namespace {
            Some(namespace) => {
                let mut command = Command::new("nsenter");
                command.arg(format!("--net={namespace}")).arg("--").arg(program.as_ref());
                command
            }
            None => Command::new(program.as_ref()),
        };
        command.env("DOCKER_HOST", &self.socket);
        command
    }

    /// Shuts its engine down in order, as a restart of the service does; its containers end with it.
    ///
    /// # Panics
    /// When that fails.
    pub fn stop_engine(&self) {
        self.hosts("stop");
    }

    /// Starts its engine again.
    ///
    /// # Panics
    /// When that fails.
    pub fn start_engine(&self) {
        self.hosts("start");
    }

    fn hosts(&self, verb: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/hosts");
        let output = Command::new(script).args([verb, &self.number.to_string()]).output();
        printed(&format!("scripts/hosts {verb} {}", self.number), output.expect("scripts/hosts"));
    }

    /// Runs `docker …` against it and gives what it prints.
    ///
    /// # Panics
    /// When it fails, with what it said.
    pub fn docker(&self, arguments: &[&str]) -> String {
        let output = Command::new("docker").args(arguments).env("DOCKER_HOST", &self.socket).output();
        printed(&format!("docker {}", arguments.join(" ")), output.expect("docker on the PATH"))
    }
}

/// A Compose project in a folder of its own. It is taken down, with its volumes, at the end of this value.
#[derive(Debug)]
pub struct Project {
    host: DockerHost,
    name: String,
    dir: TempDir,
}

impl Project {
    /// Writes `compose` as the project's file. Nothing is started.
    pub fn new(host: &DockerHost, name: &str, compose: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let project = Self { host: host.clone(), name: name.to_owned(), dir };
        project.write("compose.yaml", compose);
        drop(project.try_compose(&["down", "--volumes", "--remove-orphans", "--timeout", "1"]));
        project
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Writes another file into its folder.
    ///
    /// # Panics
    /// When that fails.
    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.dir.path().join(file), text).expect("write into the project's folder");
    }

    /// Runs `docker compose …` in it and gives what it prints on standard output.
    ///
    /// # Panics
    /// When it fails, with what it said.
    pub fn compose(&self, arguments: &[&str]) -> String {
        printed(&format!("docker compose {}", arguments.join(" ")), self.try_compose(arguments))
    }

    /// Runs `docker compose …` in it.
    ///
    /// # Panics
    /// When there is no `docker`.
    pub fn try_compose(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("docker");
        command.args(["compose", "--project-name", &self.name, "--progress", "quiet"]).args(arguments);
        command.current_dir(self.dir.path()).env("DOCKER_HOST", self.host.socket());
        command.output().expect("docker on the PATH")
    }

    /// IDs of all containers of `service`, whatever their state, sorted.
    pub fn all(&self, service: &str) -> Vec<String> {
        let mut ids: Vec<String> = self.list(service, "{{.ID}}").split_whitespace().map(str::to_owned).collect();
        ids.sort();
        ids
    }

    /// Numbers of all containers of `service`, whatever their state, sorted.
    pub fn numbers(&self, service: &str) -> Vec<u32> {
        let printed = self.list(service, "{{.Label \"com.docker.compose.container-number\"}}");
        let mut numbers: Vec<u32> = printed.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        numbers.sort_unstable();
        numbers
    }

    fn list(&self, service: &str, format: &str) -> String {
        let project = format!("label=com.docker.compose.project={}", self.name);
        let service = format!("label=com.docker.compose.service={service}");
        self.host.docker(&["ps", "--all", "--no-trunc", "--filter", &project, "--filter", &service, "--format", format])
    }

    /// IDs of the running containers of `service` as Compose sees them, sorted.
    pub fn running(&self, service: &str) -> Vec<String> {
        let printed = self.compose(&["ps", "--quiet", "--no-trunc", service]);
        let mut ids: Vec<String> = printed.split_whitespace().map(str::to_owned).collect();
        ids.sort();
        ids
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        drop(self.try_compose(&["down", "--volumes", "--remove-orphans", "--timeout", "1"]));
    }
}

fn printed(what: &str, output: Output) -> String {
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
