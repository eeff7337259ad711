//! What is a log event? One line, and when it was said.

use serde::Serialize;
use serde_json::{Value, json};

use super::{invalid, limit, page_of, stream};
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    world::Context,
};

const MOST_EVENTS: usize = 10_000;

/// Times in milliseconds since 1970.
#[derive(Debug, Serialize)]
pub struct LogEvent {
    /// The how manieth of its stream it came in as.
    pub number: usize,
    pub timestamp: u64,
    pub ingested: u64,
    pub message: String,
}

impl LogEvent {
    fn to_value(&self) -> Value {
        json!({
            "timestamp": self.timestamp,
            "message": self.message,
            "ingestionTime": self.ingested,
        })
    }

    fn is_within(&self, parameters: &Parameters<'_>) -> Result<bool, Fault> {
        let at = i64::try_from(self.timestamp).unwrap_or(i64::MAX);
        let start = parameters.integer("startTime")?;
        let end = parameters.integer("endTime")?;
        Ok(start.is_none_or(|start| at >= start) && end.is_none_or(|end| at < end))
    }
}

pub fn put(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let now = context.now.milliseconds();
    let stream = context
        .region
        .logs
        .group_mut(parameters.required_string("logGroupName")?)?
        .streams
        .get_mut(parameters.required_string("logStreamName")?)
        .ok_or_else(stream::not_found)?;
    for event in parameters.list("logEvents") {
        let timestamp = event
            .integer("timestamp")?
            .and_then(|timestamp| u64::try_from(timestamp).ok())
            .ok_or_else(|| call.service.missing_parameter("logEvents.timestamp"))?;
        stream.events.push(LogEvent {
            number: stream.events.len(),
            timestamp,
            ingested: now,
            message: event.required_string("message")?.to_owned(),
        });
        stream.last_ingestion = Some(now);
    }
    stream.events.sort_by_key(|event| event.timestamp);
    Ok(json!({"nextSequenceToken": stream.events.len().to_string()}))
}

/// Tokens name a place between two events: `f/N` reads on from it, `b/N` reads back from it. At an end the same token comes back,
/// which is how callers notice.
pub fn get(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let stream = context
        .region
        .logs
        .group(parameters.required_string("logGroupName")?)?
        .streams
        .get(parameters.required_string("logStreamName")?)
        .ok_or_else(stream::not_found)?;
    let mut events = Vec::new();
    for event in &stream.events {
        if event.is_within(&parameters)? {
            events.push(event.to_value());
        }
    }
    let size = limit(&parameters, MOST_EVENTS)?;
    let from_head = parameters.boolean("startFromHead")? == Some(true);
    let place = |token: &str| {
        token
            .split_once('/')
            .and_then(|(_, place)| place.parse().ok())
            .map_or(0, |place: usize| place.min(events.len()))
    };
    let (first, last) = match parameters.string("nextToken") {
        Some(token) if token.starts_with('b') => {
            let last = place(token);
            (last.saturating_sub(size), last)
        }
        Some(token) => (place(token), (place(token) + size).min(events.len())),
        None if from_head => (0, size.min(events.len())),
        None => (events.len().saturating_sub(size), events.len()),
    };
    Ok(json!({
        "events": events[first..last],
        "nextForwardToken": format!("f/{last}"),
        "nextBackwardToken": format!("b/{first}"),
    }))
}

/// A pattern of plain terms: all of them, but none after `-`, and one at least of those after `?`. Terms in quotation marks may hold
/// blanks (CloudWatch Logs user guide, filter pattern syntax).
#[derive(Debug, Default)]
struct Pattern {
    all: Vec<String>,
    none: Vec<String>,
    any: Vec<String>,
}

impl Pattern {
    fn read(text: &str) -> Result<Self, Fault> {
        if text.starts_with(['{', '[', '%']) {
            return Err(Fault::new(
                "NotImplemented",
                "the sandbox knows no filter patterns for JSON, for columns or with regular expressions (docs/SANDBOX.md)",
            )
            .with_status(501));
        }
        let mut pattern = Self::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (kind, term) = match rest.strip_prefix(['-', '?']) {
                Some(term) => (&rest[..1], term),
                None => ("", rest),
            };
            let (term, after) = match term.strip_prefix('"') {
                Some(quoted) => quoted
                    .split_once('"')
                    .ok_or_else(|| invalid("Invalid filter pattern"))?,
                None => term.split_once(' ').unwrap_or((term, "")),
            };
            let terms = match kind {
                "-" => &mut pattern.none,
                "?" => &mut pattern.any,
                _ => &mut pattern.all,
            };
            terms.push(term.to_owned());
            rest = after.trim_start();
        }
        Ok(pattern)
    }

    fn matches(&self, message: &str) -> bool {
        let holds = |term: &String| message.contains(term.as_str());
        self.all.iter().all(holds)
            && !self.none.iter().any(holds)
            && (self.any.is_empty() || self.any.iter().any(holds))
    }
}

pub fn filter(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let group = context
        .region
        .logs
        .group(parameters.required_string("logGroupName")?)?;
    let names = parameters.strings("logStreamNames");
    let prefix = parameters.string("logStreamNamePrefix");
    let pattern = Pattern::read(parameters.string("filterPattern").unwrap_or_default())?;
    let mut found = Vec::new();
    for stream in group.streams.values() {
        let is_asked_for = (names.is_empty() || names.contains(&stream.name.as_str()))
            && prefix.is_none_or(|prefix| stream.name.starts_with(prefix));
        for event in &stream.events {
            if is_asked_for && pattern.matches(&event.message) && event.is_within(&parameters)? {
                let key = format!(
                    "{:020} {} {:020}",
                    event.timestamp, stream.name, event.number
                );
                let mut value = event.to_value();
                value["logStreamName"] = json!(stream.name);
                value["eventId"] = json!(key);
                found.push((key, value));
            }
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut answer = page_of(&parameters, "events", found, MOST_EVENTS)?;
    answer["searchedLogStreams"] = json!([]);
    Ok(answer)
}
