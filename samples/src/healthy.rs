//! A health check for images without a shell.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, ensure};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where the web server listens
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: SocketAddr,
    /// How long it may take to answer
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    within: Duration,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect_timeout(&options.address, options.within).context("it does not accept")?;
    stream.set_read_timeout(Some(options.within))?;
    stream.set_write_timeout(Some(options.within))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; 12];
    stream.read_exact(&mut start).context("it does not answer")?;
    let start = String::from_utf8_lossy(&start);
    ensure!(start == "HTTP/1.1 200", "it answers {start}");
    Ok(())
}
