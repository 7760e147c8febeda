//! Texts with a form of their own. The patterns are for editors; the reading functions know better.

use autoscaler::text::grammar::Form;

macro_rules! forms {
    ($($name:ident: $title:literal, $pattern:literal, $number:literal, [$($example:literal),+];)+) => {
        $(pub(in crate::scenario) static $name: Form =
            Form { name: $title, pattern: $pattern, number: $number, examples: &[$($example),+] };)+
    };
}

forms! {
    WORDS: "a text", "", true, ["A flash crowd: load rises tenfold within half a minute."];
    SERVICE: "`project/service` or `host/project/service`", "^([A-Za-z0-9_.-]+/)?[a-z0-9_.-]+/[A-Za-z0-9_.-]+$", false,
        ["shop/web", "host-1/shop/web"];
    MOMENT: "a moment", "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|z|[+-][0-9]{2}:[0-9]{2})$",
        false, ["2026-01-05T08:00:00Z"];
    SEED: "a whole number", "^[0-9]+$", true, ["7"];
    FILE: "a file, relative to this one", "^[^/].*$", false, ["web.policy.yaml"];
    QUANTILE: "a quantile such as `p95`", "^p[0-9]{1,2}([.][0-9]+)?$", false, ["p95"];
    SECONDS: "a duration", "^[0-9.]+ ?[a-zµ]+( ?[0-9.]+ ?[a-zµ]+)*$", false, ["20ms"];
    SPAN_FORM: "a duration", "^[0-9.]+ ?[a-zµ]+( ?[0-9.]+ ?[a-zµ]+)*$", false, ["2s", "400ms"];
    NUMBER: "a number", "^[0-9]*[.]?[0-9]+$", true, ["10"];
    PERCENTAGE: "a percentage", "^[0-9]*[.]?[0-9]+ ?%$", false, ["10%"];
    CORES: "cores", "^[0-9]*[.]?[0-9]+( ?cores?)?$", true, ["0.5"];
    SIZE: "a size", "^[0-9]*[.]?[0-9]+ ?([kKMGT]i?B|B)$", false, ["256MiB"];
    RATE: "so many per second", "^-?[0-9]*[.]?[0-9]+ ?/s$", false, ["40/s"];
    AMOUNT: "an amount, in the unit of what is drawn: `40/s`, cores, users, or a signal's", "^-?[0-9.]", true, ["40/s", "2.5"];
    SIGNAL_NAME: "a signal's name", "^[A-Za-z0-9_.-]{1,64}$", true, ["rps"];
    MEASURE: "what it measures: `requests`, `served`, `errors` (per second), `error_share`, `waiting`, `in_flight`, `latency.mean`, `latency.p95` or another quantile, `utilisation`",
        "^(requests|served|errors|error_share|waiting|in_flight|latency[.](mean|p[0-9]{1,2}([.][0-9]+)?)|utilisation)$", false,
        ["requests", "latency.p95"];
    COLUMN: "a column's name", "^.{1,200}$", true, ["value"];
}
