//! How large the binary is, and an image of it alone.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;
use testbed::DockerHost;

use crate::table;

const BINARY: &str = env!("CARGO_BIN_EXE_ballast");
const IMAGE: &str = "ballast-bench:1";

/// Prints both, and the binary compressed, which is about what a registry sends.
pub(crate) fn print(host: &DockerHost) {
    let binary = fs::metadata(BINARY).expect("the binary").len();
    let folder = TempDir::new().expect("a temporary folder");
    let dockerfile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Dockerfile");
    fs::copy(dockerfile, folder.path().join("Dockerfile")).expect("copy the Dockerfile");
    fs::copy(BINARY, folder.path().join("ballast")).expect("copy the binary");
    let folder = folder.path().display().to_string();
    let mut build = Command::new("docker");
    build.args(["build", "--target", "ballast", "--tag", IMAGE, &folder]);
    // without buildx, docker's own builder does as well for one file
    build.env("DOCKER_HOST", host.socket()).env("DOCKER_BUILDKIT", if has_buildx() { "1" } else { "0" });
    let output = build.output().expect("docker on the PATH");
    assert!(output.status.success(), "docker build: {}", String::from_utf8_lossy(&output.stderr));
    let image = host.docker(&["image", "inspect", "--format", "{{.Size}}", IMAGE]);
    host.docker(&["image", "rm", IMAGE]);
    let image: u64 = image.trim().parse().expect("a size in bytes");
    let gzip = Command::new("gzip").args(["-6", "--stdout", BINARY]).output();
    let gzip = gzip.map_or_else(|_| "no gzip here".to_owned(), |output| megabytes(output.stdout.len() as u64));
    let rows = [("binary", megabytes(binary)), ("image", megabytes(image)), ("binary, gzip", gzip)];
    let rows = rows.map(|(what, size)| vec![what.to_owned(), size]);
    table::print("Sizes", &["what", "size"], rows.to_vec());
}

fn has_buildx() -> bool {
    Command::new("docker").args(["buildx", "version"]).output().is_ok_and(|output| output.status.success())
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
