use jiff::Timestamp as Instant;
use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> Zone {
    name.parse().unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

fn cron(text: &str, lasts: &str, zone_name: &str) -> Calendar {
    let lasts = humantime::parse_duration(lasts).expect("a duration");
    Calendar::cron(text, lasts, zone(zone_name), Vec::new()).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

fn daily(hours: &str, days: &str, zone_name: &str) -> Calendar {
    let days = if days.is_empty() { Weekdays::ALL } else { days.parse().expect(days) };
    Calendar::daily(hours.parse().expect(hours), days, zone(zone_name), Vec::new()).expect("a calendar")
}

fn once(on: &str, hours: &str, zone_name: &str) -> Calendar {
    Calendar::on(parse_date(on).expect(on), hours.parse().expect(hours), zone(zone_name), Vec::new())
        .expect("a calendar")
}

fn without(mut calendar: Calendar, dates: &[&str]) -> Calendar {
    calendar.except = dates.iter().map(|dates| dates.parse().expect("dates")).collect();
    calendar
}

fn utc(text: &str) -> Timestamp {
    let text = format!("{}:00Z", text.replace(' ', "T"));
    Timestamp::from_millis(u64::try_from(text.parse::<Instant>().expect("a moment").as_millisecond()).expect("late"))
}

fn print(at: Timestamp) -> String {
    let at = Instant::from_millisecond(i64::try_from(at.as_millis()).expect("early")).expect("a moment");
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// The first windows after a moment, all in UTC.
fn windows(calendar: &Calendar, after: &str, count: usize) -> Vec<String> {
    let mut now = utc(after);
    let mut found = Vec::new();
    while found.len() < count {
        let window = calendar.window_at(now);
        let Some(until) = window.until else { break };
        if window.active {
            found.push(format!("{} to {}", print(now), print(until)));
        }
        now = until;
    }
    found
}

#[test]
fn windows_are_where_the_clock_on_the_wall_puts_them() {
    check([
        (
            "over midnight, on weekdays",
            daily("22:00-06:00", "mon-fri", "UTC"),
            "2026-11-20 12:00",
            vec!["2026-11-20 22:00 to 2026-11-21 06:00", "2026-11-23 22:00 to 2026-11-24 06:00"],
        ),
        (
            "a start in the hour that is left out is at the first moment after it",
            daily("02:30-05:00", "", "Europe/Oslo"),
            "2026-03-28 12:00",
            vec!["2026-03-29 01:00 to 2026-03-29 03:00", "2026-03-30 00:30 to 2026-03-30 03:00"],
        ),
        (
            "an end in the hour that is left out is at the first moment after it",
            daily("01:00-02:30", "", "Europe/Oslo"),
            "2026-03-28 12:00",
            vec!["2026-03-29 00:00 to 2026-03-29 01:00"],
        ),
        (
            "what is left out altogether makes no window",
            daily("02:10-02:50", "", "Europe/Oslo"),
            "2026-03-28 12:00",
            vec!["2026-03-30 00:10 to 2026-03-30 00:50"],
        ),
        (
            "a repeated time starts at the first and ends at the last",
            daily("02:30-02:45", "", "Europe/Oslo"),
            "2026-10-24 12:00",
            vec!["2026-10-25 00:30 to 2026-10-25 01:45", "2026-10-26 01:30 to 2026-10-26 01:45"],
        ),
        (
            "the night of the change is an hour longer",
            daily("22:00-06:00", "", "Europe/Oslo"),
            "2026-10-24 12:00",
            vec!["2026-10-24 20:00 to 2026-10-25 05:00"],
        ),
    ]);
}

#[test]
fn windows_follow_the_changes_of_clocks_elsewhere() {
    check([
        (
            "New York leaves out two to three",
            daily("02:30-04:00", "", "America/New_York"),
            "2026-03-07 20:00",
            vec!["2026-03-08 07:00 to 2026-03-08 08:00"],
        ),
        (
            "New York repeats one to two",
            daily("01:00-02:00", "", "America/New_York"),
            "2026-11-01 00:00",
            vec!["2026-11-01 05:00 to 2026-11-01 07:00"],
        ),
        (
            "Lord Howe changes by half an hour: repeats 01:30 to 02:00",
            daily("01:45-03:00", "", "Australia/Lord_Howe"),
            "2026-04-04 12:00",
            vec!["2026-04-04 14:45 to 2026-04-04 16:30", "2026-04-05 15:15 to 2026-04-05 16:30"],
        ),
        (
            "Lord Howe leaves out 02:00 to 02:30",
            daily("02:15-03:00", "", "Australia/Lord_Howe"),
            "2026-10-03 12:00",
            vec!["2026-10-03 15:30 to 2026-10-03 16:00"],
        ),
        (
            "the whole day",
            daily("00:00-24:00", "sat,sun", "UTC"),
            "2026-11-20 12:00",
            vec!["2026-11-21 00:00 to 2026-11-23 00:00"],
        ),
    ]);
}

#[test]
fn a_cron_starts_windows_of_elapsed_time() {
    check([
        (
            "cron's `for` is elapsed time",
            cron("0 22 * * *", "8h", "Europe/Oslo"),
            "2026-10-24 12:00",
            vec!["2026-10-24 20:00 to 2026-10-25 04:00"],
        ),
        (
            "a cron once a day fires once in the repeated hour",
            cron("30 2 * * *", "15m", "Europe/Oslo"),
            "2026-10-24 12:00",
            vec!["2026-10-25 00:30 to 2026-10-25 00:45", "2026-10-26 01:30 to 2026-10-26 01:45"],
        ),
        (
            "a cron once a day fires after the hour that is left out",
            cron("30 2 * * *", "15m", "America/New_York"),
            "2026-03-07 20:00",
            vec!["2026-03-08 07:00 to 2026-03-08 07:15"],
        ),
        (
            "a cron each hour fires twice in the repeated hour",
            cron("30 * * * *", "5m", "Europe/Oslo"),
            "2026-10-25 00:00",
            vec!["2026-10-25 00:30 to 2026-10-25 00:35", "2026-10-25 01:30 to 2026-10-25 01:35"],
        ),
    ]);
}

#[test]
fn windows_are_where_the_calendar_puts_them() {
    check([
        (
            "leap days only",
            cron("0 0 29 2 *", "24h", "UTC"),
            "2026-01-01 00:00",
            vec!["2028-02-29 00:00 to 2028-03-01 00:00", "2032-02-29 00:00 to 2032-03-01 00:00"],
        ),
        (
            "over the missing leap day of 2100",
            cron("0 0 29 2 *", "24h", "UTC"),
            "2096-03-02 00:00",
            vec!["2104-02-29 00:00 to 2104-03-01 00:00"],
        ),
        (
            "over the turn of the year, where it is a year earlier",
            once("2026-12-31", "20:00-02:00", "America/New_York"),
            "2026-12-31 12:00",
            vec!["2027-01-01 01:00 to 2027-01-01 07:00"],
        ),
        (
            "the last day of the month",
            cron("0 12 L * *", "1h", "UTC"),
            "2026-02-01 00:00",
            vec!["2026-02-28 12:00 to 2026-02-28 13:00", "2026-03-31 12:00 to 2026-03-31 13:00"],
        ),
        (
            "the second Monday",
            cron("0 12 * * mon#2", "1h", "UTC"),
            "2026-02-01 00:00",
            vec!["2026-02-09 12:00 to 2026-02-09 13:00", "2026-03-09 12:00 to 2026-03-09 13:00"],
        ),
    ]);
}

#[test]
fn windows_merge_and_leave_out_exceptions() {
    check([
        (
            "windows that overlap are one",
            cron("0 8-10 * * *", "2h", "UTC"),
            "2026-02-01 00:00",
            vec!["2026-02-01 08:00 to 2026-02-01 12:00"],
        ),
        (
            "windows that touch are one",
            cron("0 8,9 * * *", "1h", "UTC"),
            "2026-02-01 00:00",
            vec!["2026-02-01 08:00 to 2026-02-01 10:00"],
        ),
        (
            "exceptions go by the date of the start",
            without(daily("22:00-06:00", "", "UTC"), &["2026-12-25", "2026-12-30..2027-01-02"]),
            "2026-12-24 12:00",
            vec![
                "2026-12-24 22:00 to 2026-12-25 06:00",
                "2026-12-26 22:00 to 2026-12-27 06:00",
                "2026-12-27 22:00 to 2026-12-28 06:00",
                "2026-12-28 22:00 to 2026-12-29 06:00",
                "2026-12-29 22:00 to 2026-12-30 06:00",
                "2027-01-03 22:00 to 2027-01-04 06:00",
            ],
        ),
        (
            "the local date counts, not that of UTC",
            without(daily("08:00-09:00", "", "Asia/Tokyo"), &["2026-12-25"]),
            "2026-12-23 12:00",
            vec!["2026-12-23 23:00 to 2026-12-24 00:00", "2026-12-25 23:00 to 2026-12-26 00:00"],
        ),
        ("a date that is over", once("2026-11-27", "06:00-23:00", "UTC"), "2026-11-28 00:00", vec![]),
        (
            "nothing is left",
            without(cron("0 8 * * *", "1h", "UTC"), &["2026-01-01..2099-01-01"]),
            "2026-11-28 00:00",
            vec![],
        ),
    ]);
}

/// Rows of a name, a calendar, a moment, and the windows that follow it, all in UTC.
fn check<const N: usize>(rows: [(&str, Calendar, &str, Vec<&str>); N]) {
    for (name, calendar, after, expected) in rows {
        assert_eq!(windows(&calendar, after, expected.len().max(1)), expected, "{name}");
    }
}

#[test]
fn a_window_takes_in_its_start_and_not_its_end() {
    let calendar = daily("08:00-10:00", "", "UTC");
    for (now, active_until, next) in [
        ("2026-02-01 07:59", None, "2026-02-01 08:00"),
        ("2026-02-01 08:00", Some("2026-02-01 10:00"), "2026-02-01 10:00"),
        ("2026-02-01 09:59", Some("2026-02-01 10:00"), "2026-02-01 10:00"),
        ("2026-02-01 10:00", None, "2026-02-02 08:00"),
    ] {
        assert_eq!(calendar.at(utc(now)), State { active_until: active_until.map(utc) }, "{now}");
        assert_eq!(calendar.next_change(utc(now)), Some(utc(next)), "{now}");
    }
}

#[test]
fn what_never_pauses_is_asked_again() {
    let calendar = cron("* * * * *", "1h", "UTC");
    let now = utc("2026-02-01 00:00");
    let window = calendar.window_at(now);
    assert!(window.active);
    let until = window.until.expect("a moment to ask again");
    assert!(until > utc("2026-02-05 00:00") && calendar.window_at(until).active);
    assert!(window.open_ended, "that is no end");
    for (calendar, open_ended) in [
        (cron("* * * * *", "2m", "UTC"), true),
        (daily("00:00-24:00", "", "UTC"), true),
        (daily("22:00-06:00", "", "UTC"), false),
        (cron("*/5 22,23 * * *", "5m", "UTC"), false),
    ] {
        assert_eq!(calendar.window_at(utc("2026-02-01 22:00")).open_ended, open_ended, "{calendar}");
    }
}

#[test]
fn no_moment_is_too_early_or_too_late() {
    for calendar in
        [daily("22:00-06:00", "", "Asia/Tokyo"), cron("*/5 * * * *", "366d", "UTC"), cron("0 0 29 2 *", "1s", "UTC")]
    {
        for millis in [0, 1, 253_402_207_200_000, 253_402_300_799_999, i64::MAX.unsigned_abs(), u64::MAX] {
            let now = Timestamp::from_millis(millis);
            let window = calendar.window_at(now);
            assert!(window.until.is_none_or(|until| until > now), "{calendar} at {millis}");
        }
    }
}

#[test]
fn a_calendar_says_in_words_what_it_is_and_survives_as_its_settings() {
    let mut told = Vec::new();
    for calendar in [
        daily("22:00-06:00", "mon-fri", "Europe/Oslo"),
        daily("8:00-24:00", "", "UTC"),
        daily("22:00-06:00", "fri-mon,wed", "europe/oslo"),
        without(cron(" 0 8 * * mon-fri ", "10h", "Europe/Oslo"), &["2026-12-25", "2026-12-24..2027-01-01"]),
        cron("@daily", "90m", "UTC"),
        once("2026-11-27", "06:00-23:00", "America/New_York"),
    ] {
        let json = serde_json::to_string(&calendar).expect("settings");
        assert_eq!(serde_json::from_str::<Calendar>(&json).expect(&json), calendar, "{json}");
        told.push(format!("{calendar}\n  {json}"));
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_is_no_calendar_is_refused_with_a_cure() {
    let mut told = Vec::new();
    let mut tell = |what: &str, error: Option<CalendarError>| {
        let CalendarError { message, help } = error.unwrap_or_else(|| panic!("{what} is accepted"));
        told.push(format!("{what}\n  {message}\n  {help}"));
    };
    for text in [
        "",
        "0 8 * *",
        "0 0 8 * * mon-fri",
        "0 0 8 * * mon-fri 2026",
        "61 8 * * *",
        "0 24 * * *",
        "0 8 0 * *",
        "0 8 * 13 *",
        "0 8 * * 8",
        "0 8 * * fri-mon",
        "0 8 * * monday",
        "0 8 * * mno",
        "0 8 * mon *",
        "mon 8 * * *",
        "0 8, * * *",
        "0/15 * * * *",
        "*/0 * * * *",
        "0 8 * * mon#6",
        "0 8 30 2 *",
        "0 8 31 2,4,6,9,11 *",
        "@dayly",
        "@reboot",
        "ø * * * *",
    ] {
        tell(text, Calendar::cron(text, Duration::from_secs(1), Zone::UTC, Vec::new()).err());
    }
    for text in ["08:00", "8-10", "08:00-25:00", "08:60-09:00", "24:00-08:00", "08:00-08:00", "0٨:00-09:00"] {
        tell(text, text.parse::<Hours>().err());
    }
    for text in ["", "monday", "mon-", "moon", "weekend"] {
        tell(text, text.parse::<Weekdays>().err());
    }
    for text in ["25.12.2026", "2026-02-30", "2026-12-25..2026-12-24", "2026-12-25T00:00Z", ".."] {
        tell(text, text.parse::<Dates>().err());
    }
    for text in ["", "Oslo", "Europe/Olso", "CEST", "+01:00", "nowhere at all", "../../etc/passwd"] {
        tell(text, text.parse::<Zone>().err());
    }
    for lasts in [Duration::ZERO, Duration::MAX] {
        tell("for", Calendar::cron("@daily", lasts, Zone::UTC, Vec::new()).err());
    }
    let date = "2026-12-25".parse::<Dates>().expect("a date");
    tell("on", Calendar::on(date.first, "08:00-09:00".parse().expect("hours"), Zone::UTC, vec![date]).err());
    insta::assert_snapshot!(told.join("\n"));
    assert!(serde_json::from_str::<Calendar>("{\"daily\":\"08:00-09:00\",\"for\":\"1h\"}").is_err(), "mixed settings");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn no_text_makes_a_calendar_panic(text in "\\PC{0,30}", fields in "([0-9*/,#LWa-z?+-]{1,6} ){5}") {
        let _ = (text.parse::<Hours>(), text.parse::<Weekdays>(), text.parse::<Dates>());
        for text in [text, fields] {
            if let Ok(calendar) = Calendar::cron(&text, Duration::from_mins(1), Zone::UTC, Vec::new()) {
                calendar.window_at(Timestamp::from_millis(1_790_000_000_000));
            }
        }
    }

    #[test]
    fn the_next_minute_of_a_cron_is_the_nearest_that_matches(
        minutes in prop::collection::btree_set(0..60_u16, 1..5),
        hours in prop::collection::btree_set(0..24_u16, 1..5),
        minute in 0..1440_u16,
    ) {
        let listed = |values: &std::collections::BTreeSet<u16>| values.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
        let cron = Cron::parse(&format!("{} {} * * *", listed(&minutes), listed(&hours))).expect("an expression");
        let matches = |minute: &u16| minutes.contains(&(minute % 60)) && hours.contains(&(minute / 60));
        prop_assert_eq!(cron.first_minute(minute), (minute..1440).find(matches));
        prop_assert_eq!(cron.last_minute(minute), (0..=minute).rev().find(matches));
    }
}
