//! Calendars against clocks that are watched minute by minute, and against croner.

use croner::JobType;
use jiff::{
    Timestamp as Instant, Zoned,
    civil::{Date, DateTime},
};
use proptest::prelude::*;

use super::*;

/// The clocks of a zone, minute by minute.
struct Timeline {
    zone: Zone,
    minutes: Vec<Zoned>,
    walls: Vec<DateTime>,
}

/// Days before the part that is looked at, so that windows that began before are known.
const BEFORE: usize = 6;
const DAYS: usize = BEFORE + 32;

impl Timeline {
    fn new(zone_name: &str, from: &str) -> Self {
        let zone = zone(zone_name);
        let begin = format!("{from}T00:00:00Z").parse::<Instant>().expect("a moment");
        let minute =
            |minute: usize| Instant::from_second(begin.as_second() + 60 * i64::try_from(minute).expect("small"));
        let minutes: Vec<Zoned> =
            (0..DAYS * 1440).map(|number| minute(number).expect("a moment").to_zoned(zone.0.clone())).collect();
        let walls = minutes.iter().map(Zoned::datetime).collect();
        Self { zone, minutes, walls }
    }

    /// Whether the calendar is active, for each minute, by going through all of them.
    fn active(&self, calendar: &Calendar) -> Vec<bool> {
        let mut active = vec![false; self.minutes.len()];
        for (start, end) in self.spans(calendar) {
            let end = end.min(active.len());
            active[start.min(end)..end].fill(true);
        }
        active
    }

    fn spans(&self, calendar: &Calendar) -> Vec<(usize, usize)> {
        let excepted = |date: Date| calendar.except.iter().any(|dates| dates.contains(date));
        let lasts = |lasts: &Duration| usize::try_from(lasts.as_secs() / 60).expect("small");
        match &calendar.when {
            When::Cron { cron, lasts: span } if cron.once_a_day().is_none() => {
                let pattern: croner::Cron = cron.text().parse().expect("croner takes it");
                assert_eq!(pattern.determine_job_type(), JobType::IntervalWildcard);
                let fires = |at: &Zoned| pattern.is_time_matching(at).expect("a time") && !excepted(at.date());
                let starts = (0..self.minutes.len()).filter(|minute| fires(&self.minutes[*minute]));
                starts.map(|start| (start, start + lasts(span))).collect()
            }
            when => self
                .dates()
                .into_iter()
                .filter(|date| !excepted(*date))
                .filter_map(|date| {
                    let next = date.tomorrow().expect("a date");
                    match when {
                        When::Cron { cron, lasts: span } => {
                            let start = self.first(date, cron.once_a_day()?);
                            cron.on_day(date).then_some((start, start + lasts(span)))
                        }
                        When::Daily { days, .. } if !days.contains(date.weekday()) => None,
                        When::Once { on, .. } if *on != date => None,
                        When::Daily { hours, .. } | When::Once { hours, .. } => {
                            let (to_date, to) = match hours.to {
                                1440 => (next, 0),
                                to if to < hours.from => (next, to),
                                to => (date, to),
                            };
                            Some((self.first(date, hours.from), self.last(to_date, to)))
                        }
                    }
                })
                .collect(),
        }
    }

    fn dates(&self) -> Vec<Date> {
        let mut dates: Vec<Date> = self.minutes.iter().step_by(60).map(Zoned::date).collect();
        dates.dedup();
        dates.sort();
        dates.dedup();
        dates
    }

    /// The first minute at which the clock shows this or more.
    fn first(&self, date: Date, minute: u16) -> usize {
        let wall = date.at(i8::try_from(minute / 60).expect("small"), i8::try_from(minute % 60).expect("small"), 0, 0);
        self.walls.iter().position(|at| *at >= wall).unwrap_or(self.minutes.len())
    }

    /// The minute after the last one at which the clock shows less.
    fn last(&self, date: Date, minute: u16) -> usize {
        let wall = date.at(i8::try_from(minute / 60).expect("small"), i8::try_from(minute % 60).expect("small"), 0, 0);
        self.walls.iter().rposition(|at| *at < wall).map_or(0, |last| last + 1)
    }

    fn timestamp(&self, minute: usize) -> Timestamp {
        Timestamp::from_millis(millis(&self.minutes[minute]))
    }

    /// Goes through the whole timeline in the steps that the calendar names, from a minute on.
    fn check(&self, calendar: &Calendar, from: usize) -> Result<(), TestCaseError> {
        let active = self.active(calendar);
        let mut minute = from;
        while minute < active.len() - 4 * 1440 {
            let window = calendar.window_at(self.timestamp(minute));
            let end = window.until.map_or(active.len(), |until| {
                minute + usize::try_from(until.since(self.timestamp(minute)).as_secs() / 60).expect("small")
            });
            let wrong = (minute..end.min(active.len() - 4 * 1440)).find(|at| active[*at] != window.active);
            prop_assert_eq!(wrong.map(|at| &self.minutes[at]), None, "{} asked at {}", calendar, self.minutes[minute]);
            prop_assert!(end > minute);
            minute = end;
        }
        Ok(())
    }
}

const CHANGES: [(&str, &str); 9] = [
    ("Europe/Oslo", "2026-03-10"),
    ("Europe/Oslo", "2026-10-05"),
    ("America/New_York", "2026-02-18"),
    ("America/New_York", "2026-10-15"),
    ("Australia/Lord_Howe", "2026-03-20"),
    ("Australia/Lord_Howe", "2026-09-18"),
    ("America/Havana", "2026-10-15"),
    // one minute after midnight, back into the day before
    ("America/St_Johns", "2010-10-22"),
    // a whole day was left out
    ("Pacific/Apia", "2011-12-15"),
];

fn calendars(timeline: &Timeline) -> impl Strategy<Value = Calendar> + use<> {
    let zone = timeline.zone.clone();
    let first = timeline.minutes[0].date();
    let hours = prop_oneof![3 => (0..16_u16).prop_map(|quarter| quarter * 15), 1 => 0..1440_u16];
    let hours =
        (hours, 1..=1440_u16).prop_filter_map("a span", |(from, to)| (from != to).then_some(Hours { from, to }));
    let close =
        (0..12_u16, 1..90_u16).prop_map(|(quarter, span)| Hours { from: quarter * 15, to: quarter * 15 + span });
    let hours = prop_oneof![hours, close];
    let days = prop_oneof![
        Just(Weekdays::ALL),
        (1..127_u8).prop_map(|bits| {
            let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            let days =
                (0..7).filter(|day| bits >> day & 1 == 1).map(|day| names[day].parse::<Weekdays>().expect("a day"));
            days.reduce(Weekdays::and).expect("at least one")
        })
    ];
    let field = |fixed: Vec<&'static str>| prop::sample::select(fixed);
    let expression = (
        field(vec!["0", "30", "15", "*/15", "*", "10-40/10", "0,45"]),
        field(vec!["0", "2", "1", "23", "*", "*/2", "1-3", "22-23,0"]),
        field(vec!["*", "*", "1", "L", "8-29", "15W"]),
        field(vec!["*", "*", "mon-fri", "sun", "sun#L", "mon#2"]),
    );
    let expression = expression.prop_map(|(minute, hour, day, weekday)| format!("{minute} {hour} {day} * {weekday}"));
    let date = (0..i64::try_from(DAYS).expect("small"))
        .prop_map(move |days| first.checked_add(jiff::Span::new().days(days)).expect("a date"));
    let except = (date.clone(), 0..4_i64).prop_map(|(first, more)| Dates {
        first,
        last: first.checked_add(jiff::Span::new().days(more)).expect("a date"),
    });
    let lasts = prop_oneof![Just(1), Just(15), Just(60), 1..4000_u64];
    let when = prop_oneof![
        2 => (hours.clone(), days).prop_map(|(hours, days)| When::Daily { hours, days }),
        1 => (date, hours).prop_map(|(on, hours)| When::Once { on, hours }),
        3 => (expression, lasts).prop_map(|(text, minutes)| When::Cron {
            cron: Box::new(Cron::parse(&text).expect("an expression")),
            lasts: Duration::from_secs(60 * minutes),
        }),
    ];
    (when, prop::collection::vec(except, 0..3)).prop_map(move |(when, except)| Calendar {
        when,
        zone: zone.clone(),
        except,
    })
}

#[test]
fn windows_agree_with_a_clock_that_is_watched_minute_by_minute() {
    for (name, from) in CHANGES {
        let timeline = Timeline::new(name, from);
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) };
        let case = (calendars(&timeline), BEFORE * 1440..(BEFORE + 20) * 1440);
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let outcome = runner.run(&case, |(calendar, from)| timeline.check(&calendar, from));
        assert!(outcome.is_ok(), "{name} from {from}: {}", outcome.expect_err("it failed"));
    }
}

#[test]
fn crons_start_when_croner_says() {
    for (name, from) in &CHANGES[..6] {
        for text in
            ["30 2 * * *", "0 2 * * *", "15 1 * * mon-fri", "0 0 * * *", "*/20 * * * *", "30 1,2 * * *", "0 12 L * *"]
        {
            let pattern: croner::Cron = text.parse().expect("croner takes it");
            let calendar = Calendar::cron(text, Duration::from_secs(1), zone(name), Vec::new()).expect(text);
            let begin = format!("{from}T00:00:30Z").parse::<Instant>().expect("a moment").to_zoned(zone(name).0);
            let mut window = calendar.window_at(Timestamp::from_millis(millis(&begin)));
            let end = millis(&begin) + 40 * 86_400_000;
            for expected in pattern.iter_after(begin).map(|at| millis(&at)).take_while(|at| *at < end) {
                let start = window.until.filter(|_| !window.active);
                assert_eq!(start, Some(Timestamp::from_millis(expected)), "{text} in {name}");
                window = calendar.window_at(Timestamp::from_millis(expected + 1000));
            }
        }
    }
}

fn zone(name: &str) -> Zone {
    name.parse().expect(name)
}

fn millis(at: &Zoned) -> u64 {
    u64::try_from(at.timestamp().as_millisecond()).expect("late")
}
