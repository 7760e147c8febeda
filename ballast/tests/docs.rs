//! Each command that the documentation shows is run, or names the test that runs it.
//!
//! Of `README.md` and `docs/*.md`, every fenced block marked `sh` or `console` counts. The blocks of a page are run in
//! order, in one folder that is empty but for the repository's `scenarios` and compose file, with `ballast` on the
//! `PATH`. In a `console` block, commands begin with `$ `, and what follows one has to be printed by it; `…`
//! stands for anything. A comment in the line before a block says what else is to be known, separated by `; `:
//!
//! - `<!-- docs: needs docker -->`: is run on a real Docker host, where the tests have one;
//! - `<!-- docs: background -->`: goes on while the rest of the page is run;
//! - `<!-- docs: fails -->`: ends with another status than 0, and is meant to;
//! - `<!-- docs: save policies/web.yaml -->`: is no command; it is written to that file, for commands that follow;
//! - `<!-- docs: covered by ballast/tests/x.rs: name -->`: is not run here; that file holds `name`.

use std::{
    fs,
    io::Read,
    os::unix::{fs::symlink, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// No command shown takes longer; one that asks a part just started in the background is tried again for so long.
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn commands_run_as_shown_or_name_the_test_that_runs_them() {
    for page in pages() {
        Reader::new(None).read(&page, &blocks(&page));
    }
}

#[cfg(feature = "needs-docker")]
#[test]
fn commands_run_as_shown_beside_a_docker_engine() {
    for page in pages() {
        let blocks = blocks(&page);
        if blocks.iter().any(|block| block.needs_docker) {
            Reader::new(Some(testbed::DockerHost::get(1))).read(&page, &blocks);
        }
    }
}

#[test]
fn a_page_is_read_as_its_author_means_it() {
    let page = "text\n```sh\nballast run \\\n  --policies x\n```\n<!-- docs: background; needs docker -->\n```console\n$ a\nout …\n$ b\n```\n\
        <!-- docs: save p/w.yaml -->\n```yaml\nk: v\n```\n```yaml\nnot: saved\n```\n";
    let blocks = parse("page.md", page);
    assert_eq!(blocks.len(), 3);
    assert_eq!((blocks[0].script().as_str(), blocks[0].line), ("ballast run \\\n  --policies x\n", 2));
    assert_eq!((blocks[1].script().as_str(), blocks[1].expected()), ("a\nb\n", vec!["out …"]));
    assert!(blocks[1].background && blocks[1].needs_docker);
    assert_eq!((blocks[2].save.as_deref(), blocks[2].text.as_str()), (Some("p/w.yaml"), "k: v\n"));
    assert!(
        matches("a … c", "a long b c") && !matches("a … c", "a long b") && matches("a", "a") && matches("…x…", "axbx")
    );
}

/// A fenced block that means something to this test.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a note that an author may write")]
struct Block {
    page: String,
    line: usize,
    console: bool,
    text: String,
    needs_docker: bool,
    background: bool,
    fails: bool,
    save: Option<String>,
    covered_by: Option<(String, String)>,
}

impl Block {
    /// What a shell is given.
    fn script(&self) -> String {
        if !self.console {
            return self.text.clone();
        }
        let mut script = String::new();
        let mut continued = false;
        for line in self.text.lines() {
            if let Some(command) = line.strip_prefix("$ ").or(continued.then_some(line)) {
                script += command;
                script += "\n";
                continued = command.ends_with('\\');
            }
        }
        script
    }

    /// What has to be printed, line by line.
    fn expected(&self) -> Vec<&str> {
        let mut continued = false;
        let mut is_command = |line: &str| {
            let command = continued || line.starts_with("$ ");
            continued = command && line.ends_with('\\');
            command
        };
        let lines = self.text.lines().filter(|line| self.console && !is_command(line));
        lines.map(str::trim_end).filter(|line| !line.is_empty()).collect()
    }

    fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }

    fn note(&mut self, comment: &str) {
        for note in comment.split("; ").map(str::trim) {
            match note {
                "needs docker" => self.needs_docker = true,
                "background" => self.background = true,
                "fails" => self.fails = true,
                _ => match (
                    note.strip_prefix("save "),
                    note.strip_prefix("covered by ").and_then(|by| by.split_once(": ")),
                ) {
                    (Some(path), _) => self.save = Some(path.into()),
                    (_, Some((file, name))) => self.covered_by = Some((file.into(), name.into())),
                    _ => panic!("{}: {note:?} is no note of ballast/tests/docs.rs", self.place()),
                },
            }
        }
    }
}

fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    let docs = fs::read_dir(root().join("docs")).into_iter().flatten().flatten().map(|entry| entry.path());
    pages.extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    pages.sort();
    pages
}

fn blocks(page: &Path) -> Vec<Block> {
    let name = page.strip_prefix(root()).unwrap_or(page).display().to_string();
    parse(&name, &fs::read_to_string(page).expect("a page can be read"))
}

fn parse(page: &str, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut comment = None;
    let mut open: Option<Block> = None;
    for (line, number) in text.lines().zip(1..) {
        if let Some(mut block) = open.take() {
            if line.trim_start() == "```" {
                blocks.push(block);
            } else {
                block.text += line;
                block.text += "\n";
                open = Some(block);
            }
            continue;
        }
        if let Some(language) = line.trim_start().strip_prefix("```") {
            let mut block =
                Block { page: page.into(), line: number, console: language == "console", ..Block::default() };
            block.note_all(comment.take());
            // a block of another language is kept open too, lest its end be taken for a beginning
            open =
                Some(Block { page: if block.counts(language) { block.page.clone() } else { String::new() }, ..block });
        }
        comment = line.trim().strip_prefix("<!-- docs: ").and_then(|rest| rest.strip_suffix(" -->"));
    }
    blocks.retain(|block| !block.page.is_empty());
    blocks
}

impl Block {
    fn note_all(&mut self, comment: Option<&str>) {
        if let Some(comment) = comment {
            self.note(comment);
        }
    }

    fn counts(&self, language: &str) -> bool {
        ["sh", "console"].contains(&language) || self.save.is_some()
    }
}

/// Somebody who does what a page says, from its beginning to its end.
struct Reader {
    folder: TempDir,
    host: Option<testbed::DockerHost>,
    running: Vec<Child>,
}

impl Reader {
    fn new(host: Option<testbed::DockerHost>) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        for shared in ["scenarios", "docker-compose.scaling.yml"] {
            let original = root().join(shared).canonicalize();
            if let Ok(original) = original {
                symlink(original, folder.path().join(shared)).expect("a link into the folder");
            }
        }
        Self { folder, host, running: Vec::new() }
    }

    fn read(&mut self, page: &Path, blocks: &[Block]) {
        println!("{}", page.display());
        for block in blocks {
            if let Some((file, name)) = &block.covered_by {
                let text = fs::read_to_string(root().join(file)).unwrap_or_default();
                assert!(text.contains(name.as_str()), "{}: {file} does not hold {name}", block.place());
            } else if let Some(path) = &block.save {
                self.save(path, &block.text);
            } else if !block.needs_docker || self.host.is_some() {
                self.follow(block);
            }
        }
    }

    fn save(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("make the folder");
        fs::write(path, text).expect("write the file");
    }

    fn follow(&mut self, block: &Block) {
        if block.background {
            let child = self.shell(&block.script()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            self.running.push(child.expect("bash runs"));
            return;
        }
        let start = Instant::now();
        loop {
            let (succeeded, printed) = self.run(block);
            let wrong = if succeeded == block.fails { Some("status") } else { missing(block, &printed) };
            let Some(wrong) = wrong else { return };
            let retry = !self.running.is_empty() && start.elapsed() < LIMIT;
            assert!(retry, "{}: not as shown ({wrong}):\n{}\nprinted:\n{printed}", block.place(), block.script());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Whether it succeeded, and what it printed.
    fn run(&self, block: &Block) -> (bool, String) {
        let (mut printed, write) = std::io::pipe().expect("a pipe");
        let mut command = self.shell(&block.script());
        command.stdout(write.try_clone().expect("a pipe's end")).stderr(write);
        let mut child = command.spawn().expect("bash runs");
        // it holds the writing end, and reading would never end
        drop(command);
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            printed.read_to_end(&mut text).map(|_| String::from_utf8_lossy(&text).into_owned())
        });
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child can be asked") {
                break status;
            }
            if start.elapsed() > LIMIT {
                end(&mut child);
                panic!("{}: has not ended after {LIMIT:?}", block.place());
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        (status.success(), reader.join().expect("no panic").expect("a pipe can be read"))
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = match &self.host {
            Some(host) => host.command("bash"),
            None => Command::new("bash"),
        };
        let binaries = Path::new(env!("CARGO_BIN_EXE_ballast")).parent().expect("a binary is in a folder");
        let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
        command.args(["-euo", "pipefail", "-c", script]).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("PATH", path).env("HOME", self.folder.path()).env("NO_COLOR", "1");
        command.env("BALLAST_SOCKET", self.folder.path().join("ballast.sock"));
        command.env("BALLAST_STATE", self.folder.path().join("state.db"));
        if let Some(host) = &self.host {
            command.env("BALLAST_DOCKER", host.socket());
        }
        // a group of its own, so that what the shell started ends with it
        command.process_group(0);
        command
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for child in &mut self.running {
            end(child);
        }
    }
}

/// Ends the shell and what it started.
fn end(child: &mut Child) {
    let group = format!("-{}", child.id());
    drop(Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status());
    drop(child.wait());
}

/// The first line that should have been printed, in this order, and was not.
fn missing<'a>(block: &'a Block, printed: &str) -> Option<&'a str> {
    let mut lines = printed.lines();
    block.expected().into_iter().find(|expected| !lines.any(|line| matches(expected, line.trim_end())))
}

/// Whether `line` is `pattern`, in which `…` stands for anything.
fn matches(pattern: &str, line: &str) -> bool {
    let Some((first, mut rest)) = pattern.split_once('…') else { return pattern == line };
    let Some(mut line) = line.strip_prefix(first) else { return false };
    while let Some((part, more)) = rest.split_once('…') {
        let Some(at) = line.find(part) else { return false };
        line = &line[at + part.len()..];
        rest = more;
    }
    line.ends_with(rest)
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
