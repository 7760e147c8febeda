//! How an application gives Ballast a value that only it knows: one message, one number.

use std::fmt::Write;

use anyhow::Context;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The signal's name, as rules write it
    name: String,
    /// Its value
    #[arg(allow_negative_numbers = true)]
    value: f64,
    /// The NATS server
    #[arg(long, env = "BALLAST_NATS", default_value = "nats://127.0.0.1:4222")]
    nats: String,
    /// The fleet
    #[arg(long, env = "BALLAST_FLEET", default_value = "default")]
    fleet: String,
    /// The Compose project
    #[arg(long)]
    project: String,
    /// The service
    #[arg(long)]
    service: String,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let Options { name, value, nats, fleet, project, service } = options;
    anyhow::ensure!(value.is_finite(), "{value} is not a number that can be published");
    let client = async_nats::connect(&nats).await.with_context(|| format!("no NATS server at {nats}"))?;
    let subject = subject(&fleet, &project, &service, &name);
    client.publish(subject, value.to_string().into()).await?;
    client.flush().await.context("the server did not take it")
}

fn subject(fleet: &str, project: &str, service: &str, name: &str) -> String {
    format!("ballast.{}.signal.{}.{}.{}", token(fleet), token(project), token(service), token(name))
}

/// A dot would make two tokens of one, so it is written `=2E`; and so is every other byte that a subject cannot hold.
fn token(text: &str) -> String {
    let mut token = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => token.push(byte.into()),
            _ => {
                // writing to a String cannot fail
                let _ = write!(token, "={byte:02X}");
            }
        }
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_in_a_name_stays_one_token() {
        assert_eq!(subject("default", "shop", "web", "carts.open"), "ballast.default.signal.shop.web.carts=2Eopen");
    }
}
