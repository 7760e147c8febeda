//! Texts with a form of their own.

use crate::text::grammar::Form;

pub(in crate::policy_file) static SELECTOR: Form = Form {
    name: "`project/service` or `host/project/service`",
    pattern: "^([A-Za-z0-9_.*-]+/)?[a-z0-9_.*-]+/[A-Za-z0-9_.*-]+$",
    number: false,
    examples: &["shop/web", "host-1/shop/web", "*/worker"],
};

pub(in crate::policy_file) static SIGNAL_NAME: Form = Form {
    name: "a signal's name",
    pattern: "^[A-Za-z0-9_.-]{1,64}$",
    number: true,
    examples: &["cpu", "memory", "requests"],
};

pub(in crate::policy_file) static QUANTITY: Form = Form {
    name: "a value of that signal",
    pattern: "^-?[0-9.]",
    number: true,
    examples: &["70%", "0.7", "400MiB", "120/s", "250ms", "20"],
};

pub(in crate::policy_file) static PERCENTAGE: Form =
    Form { name: "a percentage", pattern: "^[0-9]*\\.?[0-9]+ ?%$", number: false, examples: &["10%"] };

pub(in crate::policy_file) static STEP: Form = Form {
    name: "a number of replicas or a percentage of the present ones",
    pattern: "^[0-9]*\\.?[0-9]+ ?%?$",
    number: true,
    examples: &["1", "50%"],
};

pub(in crate::policy_file) static METRIC: Form = Form {
    name: "the name of a Prometheus metric",
    pattern: "^[A-Za-z_:][A-Za-z0-9_:]{0,199}$",
    number: false,
    examples: &["http_requests_total"],
};

pub(in crate::policy_file) static READ: Form = Form {
    name: "`rate`, `sum`, `mean`, `max`, or a quantile such as `p95`",
    pattern: "^(rate|sum|mean|max|p[0-9]{1,2}(\\.[0-9]+)?)$",
    number: false,
    examples: &["rate", "sum", "mean", "max", "p50", "p95", "p99"],
};

pub(in crate::policy_file) static PATH: Form =
    Form { name: "the path of a URL", pattern: "^/[!-~]*$", number: false, examples: &["/metrics"] };

pub(in crate::policy_file) static LABEL_NAME: Form =
    Form { name: "a label's name", pattern: "^[A-Za-z_][A-Za-z0-9_]*$", number: false, examples: &["code"] };

pub(in crate::policy_file) static LABEL_VALUE: Form =
    Form { name: "a label's value", pattern: "", number: true, examples: &["200"] };

pub(in crate::policy_file) static NATS_NAME: Form =
    Form { name: "a name in NATS", pattern: "^[^\\s.*>/\\\\]{1,255}$", number: true, examples: &["JOBS"] };

pub(in crate::policy_file) static NATS_SERVER: Form = Form {
    name: "the address of a NATS server, without credentials",
    pattern: "^(nats|tls|ws|wss)://[^@]+$",
    number: false,
    examples: &["nats://queue:4222"],
};

macro_rules! forms {
    ($($name:ident: $title:literal, $pattern:literal, $number:literal, [$($example:literal),+];)+) => {
        $(pub(in crate::policy_file) static $name: Form =
            Form { name: $title, pattern: $pattern, number: $number, examples: &[$($example),+] };)+
    };
}

forms! {
    NAME: "a short name", "^.{1,100}$", true, ["evening-peak"];
    SENTENCE: "what to say", "^.{1,200}$", false, ["disk is nearly full"];
    COUNT: "a number", "^[0-9]*\\.?[0-9]+$", true, ["20"];
    SAMPLES: "so many of so many", "^[0-9]+ of [0-9]+$", false, ["3 of 5"];
    FACTOR: "a factor above 1", "^[0-9]*\\.?[0-9]+x?$", true, ["2x"];
    RATE: "so many within such a time", "^[0-9]*\\.?[0-9]+ ?%? per [0-9]", false, ["4 per 15s", "100% per 15s"];
    RESERVE: "a share of the host, or cores or bytes", "^[0-9]*\\.?[0-9]+", true, ["10%", "512MiB"];
    DURATION_OR_SIGNAL: "a duration, or a signal's name", "^[A-Za-z0-9_. -]+$", false, ["2s", "job.seconds"];
    MOMENT: "a moment", "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|z|[+-][0-9]{2}:[0-9]{2})$", false,
        ["2026-12-24T18:00:00+01:00"];
    FORMULA: "an expression", "^.{1,4096}$", true, ["max(cpu / 0.7, (queue.jobs ?? 0) / 20)"];
    OTHER_SERVICE: "`service` or `project/service`", "^([a-z0-9_.-]+/)?[A-Za-z0-9_.-]+$", true, ["web", "shop/web"];
    CRON: "a cron expression", "^@?[0-9A-Za-z*/,#? L-]+$", false, ["0 8 * * mon-fri"];
    HOURS: "two times of day", "^[0-9]{1,2}:[0-9]{2} ?[-–] ?[0-9]{1,2}:[0-9]{2}$", false, ["22:00-06:00"];
    WEEKDAYS: "days of the week", "^[A-Za-z]+( ?[-–,] ?[A-Za-z]+)*$", false, ["mon-fri", "sat,sun"];
    DATE: "a date", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", false, ["2026-11-27"];
    DATES: "a date or a range of them", "^[0-9]{4}-[0-9]{2}-[0-9]{2}(\\.\\.[0-9]{4}-[0-9]{2}-[0-9]{2})?$", false,
        ["2026-12-25", "2026-12-24..2027-01-01"];
    ZONE: "a time zone of the IANA database", "^[A-Za-z0-9_+/-]+$", false, ["Europe/Oslo", "UTC"];
}
