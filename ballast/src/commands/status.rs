//! `ballast status`, once or for as long as somebody watches.

use std::{process::ExitCode, time::Duration};

use anyhow::bail;
use bus::payload::Status;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    ask::Asker,
    cli::StatusArgs,
    output::{self, print, say},
    render, shutdown,
};

/// How often a watch asks.
const PERIOD: Duration = Duration::from_secs(1);

/// Asks for all services, or one, and prints them.
pub(super) async fn status(args: StatusArgs) -> anyhow::Result<ExitCode> {
    let service = args.service.as_deref();
    let asker = Asker::connect(&args.address).await?;
    let first = good(asker.ask("status", service).await?)?;
    if !args.watch {
        print(&once(&first, args.json)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut watch = Watch { asker, service, ticks: ticks(), shutdown: shutdown::on_signal()?, trouble: None };
    match (args.json, output::terminal_size_of_stdout().is_some()) {
        (true, _) => watch.as_json(first).await?,
        (false, true) => watch.on_terminal(first).await?,
        (false, false) => watch.as_lines(first).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn once(status: &Status, json: bool) -> anyhow::Result<String> {
    if json {
        return Ok(serde_json::to_string_pretty(status)? + "\n");
    }
    Ok(render::status(&render::tame(status), output::look()))
}

/// The answer, where it is one.
fn good(status: Status) -> anyhow::Result<Status> {
    if let Some(error) = &render::tame(&status).error {
        bail!("{error}");
    }
    Ok(status)
}

fn ticks() -> Interval {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is at once, and the first answer is there already.
    ticks.reset();
    ticks
}

struct Watch<'a> {
    asker: Asker,
    service: Option<&'a str>,
    ticks: Interval,
    shutdown: CancellationToken,
    /// Why the newest question was not answered.
    trouble: Option<String>,
}

impl Watch<'_> {
    /// Draws the page anew in place.
    async fn on_terminal(&mut self, first: Status) -> anyhow::Result<()> {
        let mut newest = first;
        print("\x1b[2J")?;
        loop {
            let mut page = render::status(&render::tame(&newest), output::look());
            if let Some(trouble) = &self.trouble {
                page = format!("NO ANSWER, what follows is old: {trouble}\n\n{page}");
            }
            print(&frame(&page, output::terminal_size_of_stdout()))?;
            match self.next().await {
                Next::Answer(status) => newest = *status,
                Next::Trouble => {}
                Next::End => return Ok(()),
            }
        }
    }

    /// Prints a line for each change.
    async fn as_lines(&mut self, first: Status) -> anyhow::Result<()> {
        let mut before = render::tame(&first);
        print_lines(&render::changes(None, &before))?;
        loop {
            let told = self.trouble.is_some();
            match self.next().await {
                Next::Answer(status) => {
                    if told {
                        say("answers again");
                    }
                    let now = render::tame(&status);
                    print_lines(&render::changes(Some(&before), &now))?;
                    before = now;
                }
                Next::Trouble if !told => say(&format!("no answer: {}", self.trouble.as_deref().unwrap_or_default())),
                Next::Trouble => {}
                Next::End => return Ok(()),
            }
        }
    }

    /// Prints each answer as one line of JSON.
    async fn as_json(&mut self, first: Status) -> anyhow::Result<()> {
        let mut newest = Box::new(first);
        loop {
            print(&(serde_json::to_string(&newest)? + "\n"))?;
            newest = loop {
                match self.next().await {
                    Next::Answer(status) => break status,
                    Next::Trouble => say(&format!("no answer: {}", self.trouble.as_deref().unwrap_or_default())),
                    Next::End => return Ok(()),
                }
            };
        }
    }

    async fn next(&mut self) -> Next {
        let asked = async {
            self.ticks.tick().await;
            self.asker.ask("status", self.service).await.and_then(good)
        };
        let answer = tokio::select! {
            answer = asked => answer,
            () = self.shutdown.cancelled() => return Next::End,
        };
        match answer {
            Ok(status) => {
                self.trouble = None;
                Next::Answer(Box::new(status))
            }
            Err(error) => {
                self.trouble = Some(format!("{error:#}"));
                Next::Trouble
            }
        }
    }
}

enum Next {
    Answer(Box<Status>),
    Trouble,
    End,
}

/// The page from the top left corner, as much of it as fits, over whatever was there before.
fn frame(page: &str, size: Option<(u16, u16)>) -> String {
    let (columns, rows) = size.map_or((usize::MAX, usize::MAX), |(columns, rows)| (columns.into(), rows.into()));
    let mut text = "\x1b[H".to_owned();
    // The last row stays free, because the line break after it would scroll.
    let mut free = rows.saturating_sub(1);
    for line in page.lines() {
        let letters = anstream::adapter::strip_str(line).to_string().chars().count();
        let wrapped = letters.div_ceil(columns.max(1)).max(1);
        if wrapped > free {
            break;
        }
        free -= wrapped;
        text.push_str(line);
        text.push_str("\x1b[K\n");
    }
    text + "\x1b[J"
}

fn print_lines(lines: &[String]) -> std::io::Result<()> {
    if lines.is_empty() { Ok(()) } else { print(&(lines.join("\n") + "\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_does_not_scroll_the_terminal() {
        let page = "short\n\x1b[1;31mtwelve signs\x1b[0m\nthird\nfourth\n";
        let drawn = |size| frame(page, Some(size)).matches('\n').count();
        assert_eq!(drawn((80, 24)), 4);
        assert_eq!(drawn((80, 4)), 3);
        assert_eq!(drawn((10, 5)), 3, "the second line takes two rows");
        assert_eq!(drawn((10, 3)), 1);
    }
}
