//! Texts with a form of their own.

/// A text with a form.
#[derive(Debug)]
pub(in crate::policy_file) struct Form {
    /// For a sentence, and the title in the schema.
    pub(in crate::policy_file) name: &'static str,
    /// A regular expression (ECMA 262) that all that is allowed matches. It is for editors: what it lets through is read
    /// by functions that know better.
    pub(in crate::policy_file) pattern: &'static str,
    /// Whether YAML may take it for a number.
    pub(in crate::policy_file) number: bool,
    pub(in crate::policy_file) examples: &'static [&'static str],
}

/// A duration as humantime reads it.
pub(in crate::policy_file) const DURATION: &str = "^[0-9]+(\\.[0-9]+)? ?[a-zA-Zµ]+( ?[0-9]+(\\.[0-9]+)? ?[a-zA-Zµ]+)*$";

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
