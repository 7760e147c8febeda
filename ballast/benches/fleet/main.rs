//! What a fleet costs and how fast it reacts, on a real Docker Engine, as `docs/performance.md` quotes it:
//!
//! ```text
//! eval "$(scripts/hosts env)"
//! cargo bench -p ballast --features needs-docker --bench fleet [-- PART...]
//! ```
//!
//! A part is `sizes`, `start`, `cost` or `reaction`; without one all are measured, in five minutes. `demo`, which
//! runs `./demo --once` and takes as long again, has to be named. The Docker host is
//! number 1, or `BALLAST_BENCH_HOST`. `netdata` is measured where it is on the `PATH` or at `BALLAST_BENCH_NETDATA`.

mod cost;
mod demo;
mod fleet;
mod processes;
mod reaction;
mod sizes;
mod start;
mod table;

use std::env;

use fleet::Containers;
use testbed::DockerHost;

/// Containers that run while costs are measured.
const CONTAINERS: u32 = 50;
/// They belong to so many services, each under a policy.
const SERVICES: u32 = 20;

fn main() {
    // cargo adds `--bench`
    let wanted: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let number = env::var("BALLAST_BENCH_HOST").map_or(1, |text| text.parse().expect("BALLAST_BENCH_HOST is a number"));
    let host = DockerHost::get(number);

    println!("host: {}", table::machine());
    if is_wanted("sizes") {
        sizes::print(&host);
    }
    if is_wanted("start") {
        start::print(&host, 0);
    }
    if is_wanted("start") || is_wanted("cost") {
        let containers = Containers::start(&host, CONTAINERS, SERVICES);
        if is_wanted("start") {
            start::print(&host, CONTAINERS);
        }
        if is_wanted("cost") {
            cost::print(&host, &containers);
        }
    }
    if is_wanted("reaction") {
        reaction::print(&host);
    }
    if wanted.iter().any(|part| part == "demo") {
        demo::print(&host);
    }
}
