use serde_json::json;

use super::*;

const QUIET: Duration = Duration::from_secs(10);
/// When the agent began to watch; everything in a story happens after it, in seconds.
const START_MS: u64 = 1_000_000_000;

/// A service of three replicas, and what happens to it.
#[derive(Clone)]
struct Story {
    history: History,
    replicas: Vec<Replica>,
}

impl Story {
    fn begin() -> Self {
        let mut history = History::default();
        history.engine_back(START_MS, Some(START_MS - 500_000));
        Self { history, replicas: (1..=3).map(|number| replica(number, "running", None)).collect() }
    }

    /// `what` happens to replica `number` at second `at`.
    fn event(mut self, at: u64, what: &str, number: u32) -> Self {
        let (action, signal) = what.split_once(' ').unwrap_or((what, ""));
        self.record(&event(at, action, signal, number));
        if let Some(replica) = self.replicas.iter_mut().find(|replica| replica.summary.number == number) {
            match action {
                "die" => {
                    replica.summary.state = "exited".into();
                    replica.finished_ms = Some(at_ms(at));
                }
                "start" => {
                    replica.summary.state = "running".into();
                    replica.finished_ms = None;
                }
                "destroy" => self.replicas.retain(|replica| replica.summary.number != number),
                _ => {}
            }
        } else if action == "create" {
            self.replicas.push(replica(number, "created", None));
        }
        self
    }

    /// The same to all three, as `docker compose stop` does it.
    fn stop_all(self, at: u64) -> Self {
        (1..=3).fold(self, |story, number| {
            story.event(at, "kill 15", number).event(at, "stop", number).event(at, "die", number)
        })
    }

    fn record(&mut self, event: &Event) -> bool {
        let services = BTreeMap::from([(web(), self.replicas.clone())]);
        self.history.record(event, &services, QUIET)
    }

    fn engine_gone(mut self, at: u64) -> Self {
        self.history.engine_gone(at_ms(at));
        self
    }

    fn engine_back(mut self, at: u64, started: u64) -> Self {
        self.history.engine_back(at_ms(at), Some(at_ms(started)));
        self
    }

    fn phase(&self, at: u64) -> &'static str {
        match self.history.phase(&web(), &self.replicas, at_ms(at), QUIET) {
            Phase::Settled => "settled",
            Phase::Changing { .. } => "changing",
            Phase::Stopped { .. } => "stopped",
            Phase::Unknown => "unknown",
        }
    }

    fn exits(&self) -> Vec<Option<ExitCause>> {
        self.replicas.iter().map(|replica| self.history.exit_cause(replica)).collect()
    }
}

fn at_ms(seconds: u64) -> u64 {
    START_MS + seconds * 1000
}

fn web() -> ServiceName {
    ServiceName { project: "shop".into(), service: "web".into() }
}

fn replica(number: u32, state: &str, finished_ms: Option<u64>) -> Replica {
    let mut replica = Replica { finished_ms, ..Replica::default() };
    replica.summary.id = format!("id{number}");
    replica.summary.name = format!("shop-web-{number}");
    replica.summary.number = number;
    replica.summary.state = state.into();
    replica.summary.created_ms = START_MS - 100_000;
    replica
}

fn event(at: u64, action: &str, signal: &str, number: u32) -> Event {
    let attributes = [
        ("name", format!("shop-web-{number}")),
        ("signal", signal.to_owned()),
        (labels::PROJECT, "shop".into()),
        (labels::SERVICE, "web".into()),
        (labels::ONE_OFF, "False".into()),
        (labels::CONFIG_HASH, "h".into()),
    ];
    Event {
        at_ms: at_ms(at),
        kind: "container".into(),
        action: action.into(),
        id: format!("id{number}"),
        attributes: attributes.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
    }
}

#[test]
fn a_crash_is_nobodys_change() {
    let story = Story::begin().event(5, "die", 2);
    assert_eq!(story.phase(5), "settled");
    assert_eq!(story.exits(), [None, Some(ExitCause::Itself), None]);
}

#[test]
fn a_restart_policy_that_brings_a_crash_back_is_nobodys_change() {
    assert_eq!(Story::begin().event(5, "die", 2).event(6, "start", 2).phase(6), "settled");
}

#[test]
fn a_clock_that_was_set_back_freezes_nothing_and_hides_nothing() {
    let mut story = one_of_compose().event(3_600, "create", 4);
    assert_eq!((story.phase(3_601), story.phase(60)), ("changing", "settled"));
    assert_eq!(chosen(&mut story, 60), "3 -> 4");
    let mut story = story.event(70, "create", 5);
    assert_eq!((story.phase(71), story.phase(80)), ("changing", "settled"));
    assert_eq!(chosen(&mut story, 80), "4 -> 5");
}

#[test]
fn an_oom_kill_is_nobodys_change() {
    assert_eq!(Story::begin().event(5, "oom", 2).event(5, "die", 2).phase(5), "settled");
}

#[test]
fn a_reload_signal_is_nobodys_change() {
    let story = Story::begin().event(5, "kill 1", 2);
    assert_eq!(story.phase(5), "settled");
    let story = story.event(6, "die", 2);
    assert_eq!(story.exits()[1], Some(ExitCause::Itself));
}

#[test]
fn docker_stop_of_one_is_a_change_until_quiet_and_then_that_one_is_held() {
    for order in [["stop", "die"], ["die", "stop"]] {
        let story = Story::begin().event(5, "kill 15", 2).event(6, order[0], 2).event(6, order[1], 2);
        assert_eq!((story.phase(15), story.phase(16)), ("changing", "settled"), "quiet for 10 s from the last event");
        assert_eq!(story.exits(), [None, Some(ExitCause::Person), None]);
    }
}

#[test]
fn docker_kill_is_a_person() {
    let story = Story::begin().event(5, "kill 9", 2).event(5, "die", 2);
    assert_eq!(story.exits()[1], Some(ExitCause::Person));
}

#[test]
fn whoever_starts_it_again_takes_it_back() {
    let story = Story::begin().event(5, "kill 15", 2).event(5, "stop", 2).event(5, "die", 2).event(30, "start", 2);
    assert_eq!((story.phase(31), story.phase(40)), ("changing", "settled"));
    let story = story.event(50, "die", 2);
    assert_eq!(story.exits()[1], Some(ExitCause::Itself), "a later crash is its own");
}

#[test]
fn all_stopped_is_stopped() {
    let story = Story::begin().stop_all(5);
    assert_eq!((story.phase(14), story.phase(15)), ("changing", "stopped"));
}

#[test]
fn all_crashed_is_not_stopped() {
    let story = Story::begin().event(5, "die", 1).event(5, "die", 2).event(5, "die", 3);
    assert_eq!(story.phase(5), "settled");
}

#[test]
fn an_engine_that_goes_down_stops_nothing_for_good() {
    // The events of its shutdown may arrive before the connection breaks, and some ends are noticed only at its start.
    let story = Story::begin().stop_all(5).engine_gone(7).engine_back(20, 19);
    assert_eq!(story.phase(20), "settled");
    assert_eq!(story.exits(), [Some(ExitCause::Engine); 3]);
}

#[test]
fn what_a_person_stopped_before_the_engine_went_down_stays_stopped() {
    let story = Story::begin().event(5, "kill 15", 2).event(5, "stop", 2).event(5, "die", 2);
    let story = story.engine_gone(60).engine_back(70, 69);
    assert_eq!(story.exits()[1], Some(ExitCause::Person));
}

#[test]
fn a_lost_connection_is_no_outage() {
    let story = Story::begin().engine_gone(5);
    let mut story = story;
    story.history.engine_back(at_ms(8), Some(START_MS - 500_000));
    let story = story.stop_all(6);
    assert_eq!(story.exits(), [Some(ExitCause::Person); 3], "its events are read again");
}

#[test]
fn a_compose_recreation_is_a_change_from_its_first_event() {
    let mut story = Story::begin();
    for (at, action) in [(5, "create"), (6, "destroy"), (7, "rename")] {
        assert!(story.record(&event(at, action, "", 4)), "{action}");
        assert_eq!(story.phase(at), "changing");
    }
    assert_eq!(story.phase(17), "settled");
}

#[test]
fn temporary_names_and_doubled_numbers_are_a_change_without_any_event() {
    for make in [|replica: &mut Replica| replica.temporary = true, |replica: &mut Replica| replica.summary.number = 1] {
        let mut story = Story::begin();
        let mut fourth = replica(4, "created", None);
        fourth.summary.created_ms = at_ms(5);
        make(&mut fourth);
        story.replicas.push(fourth);
        assert_eq!((story.phase(6), story.phase(34)), ("changing", "changing"));
        assert_eq!(story.phase(35), "settled", "a Compose that broke off does not hold it for ever");
    }
}

#[test]
fn one_offs_and_hooks_change_nothing() {
    let mut story = Story::begin();
    for (label, value) in [(labels::ONE_OFF, "True"), (labels::CONFIG_HASH, "")] {
        let mut event = event(5, "create", "", 9);
        event.attributes.insert(label.into(), value.into());
        assert!(!story.record(&event), "{label}");
    }
}

#[test]
fn a_removed_network_is_the_projects_end() {
    let mut story = Story::begin();
    for replica in &mut story.replicas {
        replica.summary.managed = true;
        replica.summary.state = "exited".into();
        replica.inspect = std::sync::Arc::new(json!({ "NetworkSettings": { "Networks": { "shop_default": {} } } }));
    }
    let mut removed = |network: &str| {
        let attributes = BTreeMap::from([("name".to_owned(), network.to_owned())]);
        let (kind, action) = ("network".into(), "destroy".into());
        story.record(&Event { at_ms: at_ms(5), kind, action, attributes, ..Event::default() })
    };
    assert!(!removed("shop_other_default"), "a network of the project shop_other");
    assert!(removed("shop_default"));
    assert_eq!(story.phase(5), "changing");
    assert!(story.history.foreign(&web(), &story.replicas).expect("a change").all_removed);
}

#[test]
fn a_project_taken_down_is_told_from_one_that_is_scaled() {
    let scaled = Story::begin().event(5, "destroy", 3).event(5, "destroy", 2);
    let change = scaled.history.foreign(&web(), &scaled.replicas).expect("a change");
    assert_eq!((change.from, change.all_removed), (Some(3), false));
    let mut down = scaled.event(6, "destroy", 1);
    let mut ours = replica(4, "running", None);
    ours.summary.managed = true;
    down.replicas.push(ours);
    assert!(down.history.foreign(&web(), &down.replicas).expect("a change").all_removed);
    down.replicas.push(replica(5, "running", None));
    assert!(!down.history.foreign(&web(), &down.replicas).expect("a change").all_removed, "Compose made a new one");
}

#[test]
fn a_project_that_was_recreated_was_not_taken_down_whichever_replica_is_left() {
    let story =
        Story::begin().event(5, "create", 4).event(5, "destroy", 1).event(6, "destroy", 2).event(6, "destroy", 3);
    let mut ours = replica(5, "running", None);
    ours.summary.managed = true;
    let change = story.history.foreign(&web(), &[ours]).expect("a change");
    assert!(!change.all_removed, "Compose's own replica has gone since, by other hands");
}

/// What the count looks like to the controller once it is quiet again: `before -> now`, and whether it is a reset.
fn chosen(story: &mut Story, at: u64) -> String {
    let services = BTreeMap::from([(web(), story.replicas.clone())]);
    story.history.settle(&services, at_ms(at), QUIET);
    let count = story.history.count_by_others(&web());
    count.map_or("nothing".into(), |count| {
        format!("{} -> {}{}", count.before, count.replicas, if count.reset { ", a reset" } else { "" })
    })
}

/// Three replicas of which Compose made the first and Ballast the others.
fn one_of_compose() -> Story {
    let mut story = Story::begin();
    for replica in &mut story.replicas[1..] {
        replica.summary.managed = true;
    }
    assert_eq!(chosen(&mut story, 1), "nothing");
    story
}

/// As Compose removes a replica.
fn taken_away(story: Story, at: u64, number: u32) -> Story {
    story.event(at, "kill 15", number).event(at, "stop", number).event(at, "die", number).event(at, "destroy", number)
}

#[test]
fn a_count_that_an_operator_chose_is_told_from_a_reset() {
    let grown = |story: Story| story.event(5, "create", 4).event(6, "create", 5);
    let reset = |story: Story| taken_away(taken_away(story, 5, 3), 6, 2);
    let by_hand = |story: Story| story.event(5, "kill 9", 3).event(5, "die", 3).event(5, "destroy", 3);
    let stories: [(Story, &str, &str); 8] = [
        (grown(one_of_compose()), "3 -> 5", "up --scale web=5"),
        (taken_away(one_of_compose(), 5, 3), "3 -> 2", "up --scale web=2"),
        (reset(one_of_compose()), "3 -> 1, a reset", "up: as many as Compose had made at first"),
        (by_hand(one_of_compose()), "nothing", "docker rm --force: another is wanted in its place"),
        (taken_away(one_of_compose(), 5, 1), "nothing", "the lowest number is not what Compose takes"),
        (one_of_compose().event(5, "kill 15", 2).event(5, "stop", 2).event(5, "die", 2), "nothing", "docker stop"),
        (grown(one_of_compose()).event(7, "destroy", 4).event(7, "destroy", 5), "nothing", "made and removed again"),
        (one_of_compose().event(5, "die", 2).event(6, "start", 2), "nothing", "a crash"),
    ];
    for (mut story, says, why) in stories {
        assert_eq!(chosen(&mut story, 30), says, "{why}");
    }
    let mut story = grown(one_of_compose());
    assert_eq!(chosen(&mut story, 10), "nothing", "somebody may still be at it");
    assert_eq!(chosen(&mut story, 30), "3 -> 5");
    let mut story = taken_away(taken_away(story, 40, 5), 40, 4);
    assert_eq!(chosen(&mut story, 60), "5 -> 3", "the newest counts");
}

#[test]
fn a_recreation_sets_the_count_of_the_compose_file_anew() {
    let recreated = (1..=3).fold(one_of_compose().event(5, "create", 4).event(5, "create", 5), |story, number| {
        taken_away(story, 6, number)
    });
    let mut story = recreated;
    assert_eq!(chosen(&mut story, 30), "3 -> 2, a reset", "another configuration, and two in its file");
    let mut story = story.event(40, "create", 6);
    assert_eq!(chosen(&mut story, 60), "2 -> 3");
    let mut story = taken_away(story, 70, 6);
    assert_eq!(chosen(&mut story, 90), "3 -> 2, a reset");
}

#[test]
fn whoever_wakes_a_sleeping_replica_has_changed_the_count() {
    let mut story = Story::begin();
    story.replicas.truncate(1);
    assert_eq!(chosen(&mut story, 1), "nothing");
    story.replicas[0].summary.state = "exited".into();
    story.replicas[0].exit = Some(ExitCause::Asleep);
    story.replicas[0].finished_ms = Some(at_ms(2));
    assert_eq!(story.phase(3), "settled", "nobody else stopped it");
    assert_eq!(story.clone().engine_back(4, 4).event(5, "start", 1).phase(6), "settled", "the engine does that");
    let mut story = story.event(5, "start", 1);
    assert_eq!(story.phase(6), "changing");
    story.replicas[0].exit = None;
    assert_eq!(chosen(&mut story, 30), "0 -> 1, a reset");
}

#[test]
fn a_crash_is_told_also_after_the_restart() {
    let story = Story::begin().event(5, "die", 2).event(5, "die", 2).event(6, "start", 2).event(7, "die", 2);
    assert_eq!(story.history.crashes(&story.replicas[1]), (false, 2), "an event told again is none; it is down now");
    for (signal, crashed) in [(None, true), (Some("kill 15"), false)] {
        let story = signal.into_iter().fold(Story::begin(), |story, kill| story.event(5, kill, 2));
        let mut story = story.event(5, "die", 2).event(6, "start", 2);
        story.replicas[1].summary.last_exit_ms = Some(at_ms(5) + 20);
        assert_eq!(story.history.crashes(&story.replicas[1]), (crashed, u64::from(crashed)), "{signal:?}");
        assert_eq!(story.history.crashes(&story.replicas[0]), (false, 0));
    }
}

/// Found at the start of the agent: nothing is known but what the engine shows.
fn found(replicas: Vec<Replica>, engine_started_ms: u64, last_life_ms: u64) -> Story {
    let mut history = History { last_life_ms, ..History::default() };
    history.engine_back(START_MS, Some(engine_started_ms));
    Story { history, replicas }
}

#[test]
fn an_agent_that_comes_later_infers_who_ended_a_replica() {
    let exited = |before_ms: u64, policy: &str, code: i64, oom: bool| {
        let mut replica = replica(1, "exited", Some(START_MS - before_ms));
        replica.inspect = std::sync::Arc::new(json!({
            "HostConfig": { "RestartPolicy": { "Name": policy } }, "State": { "ExitCode": code, "OOMKilled": oom }
        }));
        replica
    };
    let started_ms = START_MS - 200_000;
    for (replica, cause, why) in [
        (exited(10_000, "always", 0, false), ExitCause::Person, "Docker would have brought it back"),
        (exited(10_000, "no", 143, false), ExitCause::Person, "a TERM"),
        (exited(10_000, "no", 137, true), ExitCause::Itself, "out of memory"),
        (exited(10_000, "no", 3, false), ExitCause::Itself, "its own exit code"),
        (exited(201_000, "unless-stopped", 137, false), ExitCause::Engine, "among the last before the engine started"),
        (exited(900_000, "no", 143, false), ExitCause::Person, "long before the engine went down"),
    ] {
        let story = found(vec![replica], started_ms, START_MS - 201_000);
        assert_eq!(story.exits(), [Some(cause)], "{why}");
    }
}

#[test]
fn an_agent_that_comes_in_the_middle_of_a_rollout_waits_for_its_end_but_not_for_ever() {
    let mut replicas: Vec<Replica> = (1..=3).map(|number| replica(number, "running", None)).collect();
    for (replica, obsolete) in replicas.iter_mut().zip([false, true, true]) {
        replica.summary.obsolete = obsolete;
    }
    replicas[0].summary.created_ms = START_MS;
    let mut story = found(replicas, START_MS - 200_000, 0);
    assert_eq!((story.phase(29), story.phase(30)), ("changing", "settled"));
    // What Ballast made of the new configuration is no sign of Compose.
    story.replicas[0].summary.managed = true;
    assert_eq!(story.phase(1), "settled");
}

#[test]
fn after_a_reboot_the_service_is_not_taken_for_stopped() {
    let ended = START_MS - 201_000;
    let story = found((1..=3).map(|n| replica(n, "exited", Some(ended))).collect(), START_MS - 200_000, ended);
    assert_eq!(story.phase(1), "settled");
    let story = found((1..=3).map(|n| replica(n, "exited", Some(START_MS - 50))).collect(), START_MS - 200_000, ended);
    assert_eq!(story.phase(1), "stopped", "they ended while the engine ran");
}
