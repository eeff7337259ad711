//! What did the containers of services write, in the order of their times, whatever groups and streams it lies in?

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::Serialize;

use super::Service;
use crate::aws::{Aws, LogEvent, LogPace, LogPages, LogQuery, Moment};
use crate::resource::CallError;

/// How long after its time an event may reach CloudWatch Logs and still be seen by who follows. The awslogs driver
/// sends what it has every five seconds; whatever is throttled comes later.
const LATE_BY: Duration = Duration::from_secs(30);

/// A container whose lines are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Writer {
    service: String,
    container: String,
    /// `PREFIX/CONTAINER/`; the task's ID follows.
    stream_prefix: String,
}

/// A log group with those who write to it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    group: String,
    /// What the names of all streams in question begin with.
    stream_prefix: String,
    writers: Vec<Writer>,
}

/// Where lines are to be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSources(Vec<Source>);

/// From when to when, and which.
#[derive(Clone, Debug)]
pub struct LogWindow {
    pub since: Moment,
    pub until: Option<Moment>,
    /// In CloudWatch Logs' syntax for filters.
    pub filter: Option<String>,
}

/// What a container wrote at one time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogLine {
    /// CloudWatch Logs' own.
    #[serde(skip)]
    pub id: String,
    #[serde(serialize_with = "Moment::serialize_in_columns")]
    pub at: Moment,
    /// As the stack file calls it.
    pub service: String,
    pub container: String,
    /// The task's ID.
    pub task: String,
    /// Without the end of line; with several lines where the log driver kept them together.
    pub message: String,
}

impl LogSources {
    /// Of the containers of these services; of one alone where it is named.
    pub fn of<'a>(
        services: impl IntoIterator<Item = &'a Service>,
        container: Option<&str>,
    ) -> Self {
        let mut groups: BTreeMap<&str, Vec<Writer>> = BTreeMap::new();
        for service in services {
            for one in &service.containers {
                let Some(logs) = &one.logs else { continue };
                if container.is_none_or(|container| container == one.name) {
                    groups.entry(&logs.group).or_default().push(Writer {
                        service: service.name.clone(),
                        container: one.name.clone(),
                        stream_prefix: format!("{}/{}/", logs.stream_prefix, one.name),
                    });
                }
            }
        }
        let sources = groups.into_iter().map(|(group, writers)| Source {
            group: group.to_owned(),
            stream_prefix: common_prefix(&writers),
            writers,
        });
        LogSources(sources.collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How long the longest `service/container` is.
    pub fn widest(&self) -> usize {
        let writers = self.0.iter().flat_map(|source| &source.writers);
        writers
            .map(|writer| writer.service.chars().count() + 1 + writer.container.chars().count())
            .max()
            .unwrap_or_default()
    }
}

fn common_prefix(writers: &[Writer]) -> String {
    let mut prefixes = writers.iter().map(|writer| writer.stream_prefix.as_str());
    let first = prefixes.next().unwrap_or_default();
    let shared = prefixes.fold(first, |shared, other| {
        let alike = shared.char_indices().zip(other.chars());
        let end = alike
            .take_while(|((_, one), other)| one == other)
            .last()
            .map_or(0, |((at, last), _)| at + last.len_utf8());
        &shared[..end]
    });
    shared.to_owned()
}

impl Source {
    /// The line that an event is, if one of the writers wrote it.
    fn line(&self, event: LogEvent) -> Option<LogLine> {
        let (writer, task) = self.writers.iter().find_map(|writer| {
            let task = event.stream.strip_prefix(&writer.stream_prefix)?;
            (!task.contains('/')).then(|| (writer, task.to_owned()))
        })?;
        Some(LogLine {
            id: event.id,
            at: event.at,
            service: writer.service.clone(),
            container: writer.container.clone(),
            task,
            message: event.message,
        })
    }
}

/// Reads all sources side by side. No more than a page of each is held, so that a long time takes no more memory than a short one.
pub struct LogReader {
    readings: Vec<Reading>,
}

struct Reading {
    source: Source,
    pages: LogPages,
    page: VecDeque<LogLine>,
    is_over: bool,
}

impl LogReader {
    pub fn of(sources: &LogSources, window: &LogWindow) -> Self {
        let readings = sources.0.iter().map(|source| Reading {
            pages: LogPages::of(LogQuery {
                group: source.group.clone(),
                stream_prefix: source.stream_prefix.clone(),
                since: window.since,
                until: window.until,
                filter: window.filter.clone(),
            }),
            source: source.clone(),
            page: VecDeque::new(),
            is_over: false,
        });
        LogReader {
            readings: readings.collect(),
        }
    }

    /// The next line of all.
    pub async fn next(
        &mut self,
        aws: &Aws,
        pace: &mut LogPace,
    ) -> Result<Option<LogLine>, CallError> {
        for reading in &mut self.readings {
            while reading.page.is_empty() && !reading.is_over {
                match reading.pages.next(aws, pace).await? {
                    Some(events) => {
                        let lines = events.into_iter();
                        reading
                            .page
                            .extend(lines.filter_map(|event| reading.source.line(event)));
                    }
                    None => reading.is_over = true,
                }
            }
        }
        let first = self
            .readings
            .iter_mut()
            .filter(|reading| !reading.page.is_empty())
            .min_by_key(|reading| reading.page.front().map(|line| line.at));
        Ok(first.and_then(|reading| reading.page.pop_front()))
    }

    /// The groups that AWS doesn't have, once they were looked at.
    pub fn missing_groups(&self) -> impl Iterator<Item = &str> {
        let missing = self.readings.iter().filter(|one| one.pages.is_missing());
        missing.map(|reading| reading.pages.group())
    }
}

/// What was seen lately, so that who looks again and again sees each line once.
#[derive(Debug)]
pub struct Seen {
    since: Moment,
    lately: BTreeSet<(Moment, String)>,
}

impl Seen {
    /// Nothing yet.
    pub fn since(since: Moment) -> Self {
        Seen {
            since,
            lately: BTreeSet::new(),
        }
    }

    /// Whether it is seen for the first time.
    pub fn is_new(&mut self, line: &LogLine) -> bool {
        let is_new = self.lately.insert((line.at, line.id.clone()));
        let newest = self.lately.last().map(|(at, _)| *at);
        if let Some(newest) = newest {
            self.since = self.since.max(newest.before(LATE_BY));
        }
        while self.lately.first().is_some_and(|(at, _)| *at < self.since) {
            self.lately.pop_first();
        }
        is_new
    }

    /// From when on the next look must look: late lines lie before the newest one.
    pub fn look_from(&self) -> Moment {
        self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::{Environment, Specs};
    use crate::model;
    use crate::stack::{self, Variables};

    fn services(text: &str) -> Vec<Service> {
        let loaded = stack::load("navi.yaml", text, &Variables::default());
        let stack = loaded
            .unwrap_or_else(|errors| panic!("{}", errors.render(120)))
            .stack;
        let specs = Specs::wanted(&model::build(&stack, "eu-west-1").unwrap());
        Environment::of(&specs).services
    }

    const STACK: &str = "\
stack: shop
services:
  web:
    containers:
      nginx: { image: nginx, logs: { group: /shared, prefix: web } }
      api: { image: api, logs: { group: /shared, prefix: web-api } }
  quiet:
    containers: { quiet: { image: quiet, logs: { driver: none } } }
";

    fn event(stream: &str) -> LogEvent {
        LogEvent {
            id: stream.to_owned(),
            at: Moment::from_milliseconds(1),
            stream: stream.to_owned(),
            message: "hello".to_owned(),
        }
    }

    #[test]
    fn containers_that_share_a_group_share_its_calls_and_keep_their_lines() {
        let services = services(STACK);
        let sources = LogSources::of(&services, None);
        let [source] = &sources.0[..] else {
            panic!("{sources:?}")
        };
        assert_eq!(source.stream_prefix, "web");
        let task = |stream: &str| {
            let line = source.line(event(stream))?;
            Some(format!("{} {}", line.container, line.task))
        };
        assert_eq!(task("web/nginx/0aa1").as_deref(), Some("nginx 0aa1"));
        assert_eq!(task("web-api/api/0aa2").as_deref(), Some("api 0aa2"));
        assert_eq!(task("web/other/0aa3"), None);
        assert_eq!(sources.widest(), "web/nginx".len());

        let one = LogSources::of(&services, Some("api"));
        assert_eq!(one.0[0].stream_prefix, "web-api/api/");
        assert!(LogSources::of(&services, Some("quiet")).is_empty());
    }

    #[test]
    fn a_late_line_is_new_and_a_line_seen_again_is_not() {
        let line = |second: i64, id: &str| LogLine {
            id: id.to_owned(),
            at: Moment::from_milliseconds(second * 1000),
            service: String::new(),
            container: String::new(),
            task: String::new(),
            message: String::new(),
        };
        let mut seen = Seen::since(Moment::from_milliseconds(0));
        assert!(seen.is_new(&line(100, "a")));
        assert!(!seen.is_new(&line(100, "a")));
        assert!(seen.is_new(&line(100, "b")));
        assert_eq!(seen.look_from(), Moment::from_milliseconds(70_000));
        assert!(seen.is_new(&line(80, "late")));
        assert!(seen.is_new(&line(140, "c")));
        assert!(!seen.is_new(&line(140, "c")));
        // What is too old to be told again is not kept for it.
        assert_eq!(seen.lately.len(), 1);
    }
}
