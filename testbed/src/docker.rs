use std::{
    env, fs,
    path::{Path, PathBuf},
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
                "no Docker host {number} for tests: run ./check, or: scripts/hosts up 3; eval \"$(scripts/hosts env)\""
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

    /// The name of an image with nothing but busybox, imported on first use: nothing is pulled.
    pub fn busybox(&self) -> String {
        self.import("ballast-test/busybox:1", &[])
    }

    /// The name of a busybox image with more instructions (`ENTRYPOINT …`, `VOLUME …`), imported if it is missing.
    ///
    /// # Panics
    /// When there is no busybox: set `BALLAST_TEST_BUSYBOX`, or install Debian's `busybox-static`.
    pub fn import(&self, name: &str, instructions: &[&str]) -> String {
        // Tests run in several processes, and a second import would move the tag under the others.
        let lock = fs::File::create(env::temp_dir().join(format!("ballast-test-import-{}", self.number)));
        let lock = lock.expect("a lock file");
        lock.lock().expect("the lock");
        if self.docker(&["images", "--quiet", name]).trim().is_empty() {
            self.import_anew(name, instructions);
        }
        name.to_owned()
    }

    /// Imports the image anew, so that its name means another image than before.
    ///
    /// # Panics
    /// As [`Self::import`].
    pub fn import_anew(&self, name: &str, instructions: &[&str]) {
        let busybox = env::var_os("BALLAST_TEST_BUSYBOX").map_or_else(|| find("busybox"), Into::into);
        let root = TempDir::new().expect("a temporary folder");
        for folder in ["bin", "tmp", "etc", "run"] {
            fs::create_dir(root.path().join(folder)).expect("a folder");
        }
        fs::write(root.path().join("etc/image.conf"), "of the image").expect("a file of the image");
        fs::copy(&busybox, root.path().join("bin/busybox")).expect("copy busybox");
        let applets = Command::new(&busybox).arg("--list").output().expect("run busybox").stdout;
        for applet in String::from_utf8_lossy(&applets).lines().filter(|&applet| applet != "busybox") {
            std::os::unix::fs::symlink("busybox", root.path().join("bin").join(applet)).expect("a link");
        }
        let tar = root.path().join("image.tar");
        let mut packer = Command::new("tar");
        packer.arg("-cf").arg(&tar).arg("-C").arg(root.path()).args(["bin", "tmp", "etc", "run"]);
        printed("tar", &packer.output().expect("tar on the PATH"));
        let tar = tar.display().to_string();
        let mut arguments = vec!["import", "--change", "ENV PATH=/bin"];
        for instruction in instructions {
            arguments.extend(["--change", instruction]);
        }
        arguments.extend([tar.as_str(), name]);
        self.docker(&arguments);
    }

    /// Shuts its engine down in order, as a restart of the service does; its containers end with it.
    ///
    /// # Panics
    /// When that fails.
    pub fn stop_engine(&self) {
        self.hosts("stop");
    }

    /// Takes its power: engine and containers are gone at once.
    ///
    /// # Panics
    /// When that fails.
    pub fn kill_engine(&self) {
        self.hosts("kill");
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
        printed(&format!("scripts/hosts {verb} {}", self.number), &output.expect("scripts/hosts"));
    }

    /// Runs `docker …` against it and gives what it prints.
    ///
    /// # Panics
    /// When it fails, with what it said.
    pub fn docker(&self, arguments: &[&str]) -> String {
        let output = Command::new("docker").args(arguments).env("DOCKER_HOST", &self.socket).output();
        printed(&format!("docker {}", arguments.join(" ")), &output.expect("docker on the PATH"))
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
    ///
    /// # Panics
    /// When that fails.
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
        printed(&format!("docker compose {}", arguments.join(" ")), &self.try_compose(arguments))
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

fn find(program: &str) -> PathBuf {
    let folders = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("no {program} on the PATH: run ./check, or install Debian's busybox-static"))
}

fn printed(what: &str, output: &Output) -> String {
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
