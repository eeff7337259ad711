//! What is a log stream? What one source wrote to a group.

use serde::Serialize;
use serde_json::{Value, json};

use super::{event::LogEvent, group::LogGroup, invalid, page};
use crate::sandbox::{call::Call, clock::Moment, fault::Fault, world::Context};

#[derive(Debug, Serialize)]
pub struct LogStream {
    pub name: String,
    pub arn: String,
    pub created: Moment,
    pub last_ingestion: Option<u64>,
    pub events: Vec<LogEvent>,
}

impl LogStream {
    fn to_value(&self) -> Value {
        let mut value = json!({
            "logStreamName": self.name,
            "creationTime": self.created.milliseconds(),
            "arn": self.arn,
            "storedBytes": 0,
        });
        let timestamps = || self.events.iter().map(|event| event.timestamp);
        let known = [
            ("firstEventTimestamp", timestamps().min()),
            ("lastEventTimestamp", timestamps().max()),
            ("lastIngestionTime", self.last_ingestion),
        ];
        for (name, moment) in known {
            if let Some(moment) = moment {
                value[name] = moment.into();
            }
        }
        value
    }

    fn new(group: &LogGroup, name: &str, now: Moment) -> Self {
        Self {
            name: name.to_owned(),
            arn: format!("{}:log-stream:{name}", group.arn),
            created: now,
            last_ingestion: None,
            events: Vec::new(),
        }
    }
}

pub fn not_found() -> Fault {
    Fault::new(
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
}

/// What a container says, by way of the awslogs driver: the stream is made when the container starts. False: there is no such group.
pub fn write(context: &mut Context<'_>, group: &str, stream: &str, messages: &[&str]) -> bool {
    let now = context.now;
    let Some(group) = context.region.logs.groups.get_mut(group) else {
        return false;
    };
    let made = LogStream::new(group, stream, now);
    let stream = group.streams.entry(stream.to_owned()).or_insert(made);
    for message in messages {
        stream.events.push(LogEvent {
            number: stream.events.len(),
            timestamp: now.milliseconds(),
            ingested: now.milliseconds(),
            message: (*message).to_owned(),
        });
        stream.last_ingestion = Some(now.milliseconds());
    }
    true
}

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let name = parameters.required_string("logStreamName")?;
    if name.contains([':', '*']) || name.chars().count() > 512 {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*"
        )));
    }
    let now = context.now;
    let group = context
        .region
        .logs
        .group_mut(parameters.required_string("logGroupName")?)?;
    if group.streams.contains_key(name) {
        return Err(Fault::new(
            "ResourceAlreadyExistsException",
            "The specified log stream already exists",
        ));
    }
    let stream = LogStream::new(group, name, now);
    group.streams.insert(name.to_owned(), stream);
    Ok(Value::Null)
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let name = match (
        parameters.string("logGroupName"),
        parameters.string("logGroupIdentifier"),
    ) {
        (Some(name), None) => name,
        // An ARN or a name.
        (None, Some(identifier)) => identifier
            .rsplit_once(":log-group:")
            .map_or(identifier, |(_, name)| name),
        _ => {
            return Err(invalid(
                "Either logGroupName or logGroupIdentifier must be specified",
            ));
        }
    };
    let prefix = parameters.string("logStreamNamePrefix");
    let by_time = parameters.string("orderBy") == Some("LastEventTime");
    if by_time && prefix.is_some() {
        return Err(invalid(
            "Cannot order by LastEventTime with a logStreamNamePrefix.",
        ));
    }
    let streams = context.region.logs.group(name)?.streams.values();
    let descending = parameters.boolean("descending")? == Some(true);
    let mut shown: Vec<(String, Value)> = streams
        .filter(|stream| prefix.is_none_or(|prefix| stream.name.starts_with(prefix)))
        .map(|stream| {
            let last = stream.events.last().map_or(0, |event| event.timestamp);
            let key = if by_time {
                format!("{last:020} {}", stream.name)
            } else {
                stream.name.clone()
            };
            (key, stream.to_value())
        })
        .collect();
    shown.sort_by(|(one, _), (other, _)| one.cmp(other));
    if descending {
        shown.reverse();
        // Pages go by ascending keys.
        for (index, (key, _)) in shown.iter_mut().enumerate() {
            *key = format!("{index:020}");
        }
    }
    page(&parameters, "logStreams", shown)
}

pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let name = parameters.required_string("logStreamName")?;
    context
        .region
        .logs
        .group_mut(parameters.required_string("logGroupName")?)?
        .streams
        .remove(name)
        .ok_or_else(not_found)?;
    Ok(Value::Null)
}
