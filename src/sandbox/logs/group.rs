//! What is a log group? A name, and how long it keeps what is written to it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{group_tags, invalid, page, stream::LogStream};
use crate::sandbox::{call::Call, clock::Moment, fault::Fault, tags::Tags, world::Context};

/// The days that a group may keep events (aws-behaviour §2.10).
const RETENTIONS: [i64; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];
const LONGEST_NAME: usize = 512;

#[derive(Debug, Serialize)]
pub struct LogGroup {
    pub name: String,
    /// Without the `:*` that some answers append.
    pub arn: String,
    pub created: Moment,
    pub retention_in_days: Option<i64>,
    pub class: String,
    pub tags: Tags,
    pub streams: BTreeMap<String, LogStream>,
}

impl LogGroup {
    fn new(context: &Context<'_>, name: &str, tags: Tags) -> Self {
        Self {
            name: name.to_owned(),
            arn: context.arn("logs", format_args!("log-group:{name}")),
            created: context.now,
            retention_in_days: None,
            class: "STANDARD".to_owned(),
            tags,
            streams: BTreeMap::new(),
        }
    }

    fn to_value(&self) -> Value {
        let mut value = json!({
            "logGroupName": self.name,
            "creationTime": self.created.milliseconds(),
            "metricFilterCount": 0,
            "arn": format!("{}:*", self.arn),
            "storedBytes": 0,
            "logGroupClass": self.class,
            "logGroupArn": self.arn,
        });
        if let Some(days) = self.retention_in_days {
            value["retentionInDays"] = days.into();
        }
        value
    }
}

pub fn not_found() -> Fault {
    Fault::new(
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
}

fn check_name(name: &str) -> Result<(), Fault> {
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || ".-_/#".contains(character);
    let constraint = if name.is_empty() {
        "Member must have length greater than or equal to 1".to_owned()
    } else if name.chars().count() > LONGEST_NAME {
        format!("Member must have length less than or equal to {LONGEST_NAME}")
    } else if !name.chars().all(allowed) {
        "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+".to_owned()
    } else if name.starts_with("aws/") {
        return Err(invalid(
            "Log groups starting with aws/ are reserved for AWS",
        ));
    } else {
        return Ok(());
    };
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: {constraint}"
    )))
}

/// What the awslogs driver does with `awslogs-create-group`.
pub fn ensure(context: &mut Context<'_>, name: &str) {
    if !context.region.logs.groups.contains_key(name) {
        let group = LogGroup::new(context, name, Tags::default());
        context.region.logs.groups.insert(name.to_owned(), group);
    }
}

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let name = parameters.required_string("logGroupName")?;
    check_name(name)?;
    let tags = group_tags::read(&parameters)?;
    if context.region.logs.groups.contains_key(name) {
        return Err(Fault::new(
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ));
    }
    let mut group = LogGroup::new(context, name, tags);
    if let Some(class) = parameters.string("logGroupClass") {
        class.clone_into(&mut group.class);
    }
    context.region.logs.groups.insert(name.to_owned(), group);
    Ok(Value::Null)
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let prefix = parameters.string("logGroupNamePrefix");
    let pattern = parameters.string("logGroupNamePattern");
    if prefix.is_some() && pattern.is_some() {
        return Err(invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    let is_asked_for = |group: &&LogGroup| {
        prefix.is_none_or(|prefix| group.name.starts_with(prefix))
            && pattern
                .is_none_or(|pattern| group.name.to_lowercase().contains(&pattern.to_lowercase()))
    };
    let groups = context.region.logs.groups.values();
    let shown = groups
        .filter(is_asked_for)
        .map(|group| (group.name.clone(), group.to_value()))
        .collect();
    page(&parameters, "logGroups", shown)
}

pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let name = call.parameters().required_string("logGroupName")?;
    context
        .region
        .logs
        .groups
        .remove(name)
        .ok_or_else(not_found)?;
    Ok(Value::Null)
}

pub fn put_retention_policy(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let name = parameters.required_string("logGroupName")?;
    let days = parameters
        .integer("retentionInDays")?
        .ok_or_else(|| call.service.missing_parameter("retentionInDays"))?;
    if !RETENTIONS.contains(&days) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: {RETENTIONS:?}"
        )));
    }
    context.region.logs.group_mut(name)?.retention_in_days = Some(days);
    Ok(Value::Null)
}

pub fn delete_retention_policy(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let name = call.parameters().required_string("logGroupName")?;
    context.region.logs.group_mut(name)?.retention_in_days = None;
    Ok(Value::Null)
}
