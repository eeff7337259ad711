//! Which figures does the sandbox go by? Those of `durations.yaml`, and over them those of a file of the user's own.

use std::{collections::BTreeMap, ops::Range, sync::OnceLock, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

use super::{pace::Doing, service::Service};

/// The built-in file.
pub const BUILT_IN: &str = include_str!("durations.yaml");

/// How long AWS takes for everything, at its own speed, and how many calls it takes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    #[serde(default)]
    durations: BTreeMap<Doing, InSeconds>,
    #[serde(default)]
    latencies: Latencies,
    #[serde(default)]
    limits: BTreeMap<String, Limit>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct InSeconds {
    seconds: Amount<86_400>,
    source: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Latencies {
    read: Option<InMilliseconds>,
    write: Option<InMilliseconds>,
    #[serde(default)]
    services: BTreeMap<Service, OwnLatencies>,
}

/// Where a service differs from the others.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnLatencies {
    read: Option<InMilliseconds>,
    write: Option<InMilliseconds>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct InMilliseconds {
    milliseconds: Amount<60_000>,
    source: Option<String>,
}

/// A bucket of tokens, of which each call takes one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    service: Service,
    /// What the names of its operations begin with.
    operations: Vec<String>,
    /// Whether all its operations take from one bucket, or each from one of its own.
    pub shared: bool,
    burst: Amount<1_000_000>,
    per_second: Amount<1_000_000>,
    source: Option<String>,
}

impl Limit {
    /// How many tokens a full bucket has.
    pub fn burst(&self) -> f64 {
        self.burst.0
    }

    /// How many come in a second at AWS's own speed.
    pub fn per_second(&self) -> f64 {
        self.per_second.0
    }

    /// How much of an operation's name it fits; none if it isn't for the operation.
    fn fit(&self, service: Service, operation: &str) -> Option<usize> {
        let fitting = self.operations.iter();
        let fitting = fitting.filter(|prefix| operation.starts_with(prefix.as_str()));
        let longest = fitting.map(String::len).max();
        longest.filter(|_| self.service == service)
    }
}

/// A number from 0 to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Amount<const MOST: u32>(f64);

/// What is wrong with a file of figures, and where.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct FiguresProblem {
    pub message: String,
    /// The place, as bytes of the file.
    pub span: Range<usize>,
    pub hint: String,
}

impl Figures {
    /// Those of the built-in file.
    pub fn built_in() -> Self {
        static FIGURES: OnceLock<Figures> = OnceLock::new();
        FIGURES
            .get_or_init(|| serde_saphyr::from_str(BUILT_IN).expect("a test reads this file"))
            .clone()
    }

    /// The built-in ones with what `text` says otherwise.
    pub fn read(text: &str) -> Result<Self, FiguresProblem> {
        let own: Figures = serde_saphyr::from_str(text).map_err(|error| problem(text, &error))?;
        let mut figures = Self::built_in();
        figures.durations.extend(own.durations);
        figures.latencies.take_over(own.latencies);
        figures.limits.extend(own.limits);
        Ok(figures)
    }

    /// `built-in`, or what tells a file of one's own from others.
    pub fn fingerprint(&self) -> String {
        match *self == Self::built_in() {
            true => "built-in".to_owned(),
            false => format!(
                "own ({:08x})",
                crc32fast::hash(format!("{self:?}").as_bytes())
            ),
        }
    }

    pub fn duration(&self, doing: Doing) -> Duration {
        let figure = self.durations.get(&doing);
        figure.map_or(Duration::ZERO, |figure| {
            Duration::from_secs_f64(figure.seconds.0)
        })
    }

    /// From a request to its answer.
    pub fn latency(&self, service: Service, is_write: bool) -> Duration {
        let own = self.latencies.services.get(&service);
        let figure = match is_write {
            true => own
                .and_then(|own| own.write.as_ref())
                .or(self.latencies.write.as_ref()),
            false => own
                .and_then(|own| own.read.as_ref())
                .or(self.latencies.read.as_ref()),
        };
        figure.map_or(Duration::ZERO, |figure| {
            Duration::from_secs_f64(figure.milliseconds.0 / 1000.0)
        })
    }

    /// The limit that an operation is under, with its name: the one that fits most of its name, of several the first.
    pub fn limit(&self, service: Service, operation: &str) -> Option<(&str, &Limit)> {
        let fit = |limit: &Limit| limit.fit(service, operation);
        let fitting = self.limits.iter().filter(|(_, limit)| fit(limit).is_some());
        fitting
            .rev()
            .max_by_key(|(_, limit)| fit(limit))
            .map(|(name, limit)| (name.as_str(), limit))
    }

    /// The same durations with answers at once, as many calls as anybody makes, and no identifier unknown when it is given.
    #[cfg(test)]
    pub fn for_single_calls(mut self) -> Self {
        self.latencies = Latencies::default();
        self.limits.clear();
        self.durations.remove(&Doing::IdBecomesKnown);
        self
    }
}

impl Latencies {
    fn take_over(&mut self, own: Latencies) {
        self.read = own.read.or(self.read.take());
        self.write = own.write.or(self.write.take());
        for (service, own) in own.services {
            let known = self.services.entry(service).or_default();
            known.read = own.read.or(known.read.take());
            known.write = own.write.or(known.write.take());
        }
    }
}

impl Default for Figures {
    fn default() -> Self {
        Self::built_in()
    }
}

impl<'de, const MOST: u32> Deserialize<'de> for Amount<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<const MOST: u32>;

        impl<const MOST: u32> Visitor<'_> for Number<MOST> {
            type Value = Amount<MOST>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "a number from 0 to {MOST}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount<MOST>, E> {
                let number = text.parse().ok();
                number
                    .filter(|number| (0.0..=f64::from(MOST)).contains(number))
                    .map(Amount)
                    .ok_or_else(|| {
                        E::custom(format_args!("`{text}` is not a number from 0 to {MOST}"))
                    })
            }
        }

        // As text whatever it looks like, so that all that is no number is answered in the same words.
        deserializer.deserialize_str(Number)
    }
}

/// Words that may stand in a file where a name is asked for.
fn known_words() -> Vec<String> {
    let built_in: serde_json::Value = serde_saphyr::from_str(BUILT_IN).unwrap_or_default();
    let mut words = Vec::new();
    collect_keys(&built_in, &mut words);
    words
}

fn collect_keys(value: &serde_json::Value, words: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        if !words.contains(key) {
            words.push(key.clone());
        }
        collect_keys(value, words);
    }
}

fn problem(text: &str, error: &serde_saphyr::Error) -> FiguresProblem {
    let message = error.without_snippet().to_string();
    // The place is told apart from the message.
    let message = match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message,
    };
    let span = error.location().map_or(0..0, |location| {
        let start = match location.span().byte_offset() {
            Some(offset) => usize::try_from(offset).unwrap_or_default(),
            None => offset_of(text, location.line(), location.column()),
        };
        let length = location.span().byte_len().unwrap_or_default();
        start..start + usize::try_from(length).unwrap_or_default()
    });
    let written = text.get(span.clone()).unwrap_or_default();
    let known = known_words();
    let nearest = known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(written, word), word))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, word)| (1..=word.len() / 3).contains(distance));
    let hint = match nearest {
        Some((_, meant)) => format!("did you mean `{meant}`?"),
        None => {
            "`navi sandbox durations` prints the built-in file, from which one's own can be made"
                .to_owned()
        }
    };
    FiguresProblem {
        message: in_plain_words(&message),
        span,
        hint,
    }
}

/// The parser speaks of Rust's types, and lists all that would do: the hint has what is near, and the built-in file the rest.
fn in_plain_words(message: &str) -> String {
    let until = |end: &str| message.split(end).next().unwrap_or(message).to_owned();
    match message {
        "expected mapping start" => {
            "names and values are expected here, as in `{ seconds: 90 }`".to_owned()
        }
        _ if message.starts_with("unknown variant") => {
            until(", expected").replacen("variant", "name", 1)
        }
        _ if message.starts_with("unknown field") => {
            until(", expected").replacen("field", "name", 1)
        }
        _ if message.starts_with("missing field") => message.replacen("field", "value:", 1),
        _ => until(", set DuplicateKeyPolicy"),
    }
}

/// A place in lines and columns as bytes.
fn offset_of(text: &str, line: u64, column: u64) -> usize {
    let line = usize::try_from(line).unwrap_or(usize::MAX);
    let column = usize::try_from(column).unwrap_or(usize::MAX);
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let within = text[before..].chars().take(column.saturating_sub(1));
    before + within.map(char::len_utf8).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_doing_has_a_figure_and_every_figure_is_of_a_doing() {
        // That the file names nothing else is what reading it refuses.
        let figures: Figures = serde_saphyr::from_str(BUILT_IN).unwrap();
        let listed: Vec<Doing> = figures.durations.keys().copied().collect();
        assert_eq!(listed, Doing::ALL);
    }

    #[test]
    fn every_figure_names_its_source() {
        let figures = Figures::built_in();
        let durations = figures.durations.into_values().map(|figure| figure.source);
        let limits = figures.limits.into_values().map(|limit| limit.source);
        let Latencies {
            read,
            write,
            services,
        } = figures.latencies;
        let own = services.into_values();
        let latencies = own.flat_map(|own| [own.read, own.write]);
        let latencies = [read, write].into_iter().chain(latencies).flatten();
        let latencies = latencies.map(|figure| figure.source);
        let sources: Vec<_> = durations.chain(limits).chain(latencies).collect();
        assert!(sources.len() > 30);
        for source in sources {
            assert!(
                source
                    .as_ref()
                    .is_some_and(|source| source.starts_with('§')),
                "{source:?}"
            );
        }
    }

    #[test]
    fn latencies_are_a_service_s_own_or_everybody_s() {
        let figures = Figures::built_in();
        let latency = |service, is_write| figures.latency(service, is_write).as_millis();
        assert_eq!(latency(Service::Ec2, true), 300);
        assert_eq!(latency(Service::Ec2, false), 80);
        assert_eq!(latency(Service::Ecs, true), 150);
        let own = "latencies:\n  services:\n    ec2: { read: { milliseconds: 10 } }\n  write: { milliseconds: 20 }\n";
        let figures = Figures::read(own).unwrap();
        let latency = |service, is_write| figures.latency(service, is_write).as_millis();
        assert_eq!(
            (latency(Service::Ec2, true), latency(Service::Ec2, false)),
            (300, 10)
        );
        assert_eq!(
            (latency(Service::Ecs, true), latency(Service::Ecs, false)),
            (20, 80)
        );
    }

    #[test]
    fn the_limit_that_fits_best_holds() {
        let figures = Figures::built_in();
        let limit = |service, operation| figures.limit(service, operation).map(|(name, _)| name);
        assert_eq!(limit(Service::Ec2, "DescribeVpcs"), Some("ec2_reads"));
        assert_eq!(limit(Service::Ec2, "CreateVpc"), Some("ec2_writes"));
        assert_eq!(
            limit(Service::Ec2, "CreateVpcEndpoint"),
            Some("ec2_endpoints")
        );
        assert_eq!(limit(Service::Route53, "GetChange"), Some("route53"));
        assert_eq!(limit(Service::Ecs, "CreateService"), None);
    }

    #[test]
    fn a_file_of_one_s_own_says_only_what_differs() {
        let own = "durations:\n  task_starts: { seconds: 12.5 }\n";
        let figures = Figures::read(own).unwrap();
        assert_eq!(
            figures.duration(Doing::TaskStarts),
            Duration::from_millis(12_500)
        );
        assert_eq!(
            figures.duration(Doing::TaskIsProvisioned),
            Figures::built_in().duration(Doing::TaskIsProvisioned)
        );
        assert_eq!(Figures::read(BUILT_IN), Ok(Figures::built_in()));
        assert_eq!(Figures::read(""), Ok(Figures::built_in()));
    }

    #[test]
    fn a_bad_file_is_refused_with_its_place() {
        let refused = |text: &str| {
            let problem = Figures::read(text).unwrap_err();
            let place = text[problem.span.clone()].to_owned();
            format!("{} [{place}] {}", problem.message, problem.hint)
        };
        let bad = [
            "durationz: {}\n",
            "durations:\n  task_start: { seconds: 1 }\n",
            "durations:\n  quite_other: { seconds: 1 }\n",
            "durations:\n  task_starts: { second: 1 }\n",
            "durations:\n  task_starts: { source: x }\n",
            "durations:\n  task_starts: { seconds: soon }\n",
            "durations:\n  task_starts: { seconds: -1 }\n",
            "durations:\n  task_starts: { seconds: .nan }\n",
            "durations:\n  task_starts: { seconds: 1e9 }\n",
            "durations:\n  task_starts: 5\n",
            "durations:\n  task_starts: { seconds: 1 }\n  task_starts: { seconds: 2 }\n",
            "durations:\n  task_starts: {\n",
            "- 1\n",
            "latencies:\n  read: { seconds: 1 }\n",
            "latencies:\n  services:\n    s3: { read: { milliseconds: 1 } }\n",
            "limits:\n  mine: { service: ec2, operations: [Create], shared: true, burst: many, per_second: 1 }\n",
            "limits:\n  mine: { service: ec2, operations: [Create], shared: true, burst: 1 }\n",
        ];
        let all: Vec<String> = bad.into_iter().map(refused).collect();
        insta::assert_snapshot!(all.join("\n"));
    }
}
