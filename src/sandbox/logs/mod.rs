//! What does CloudWatch Logs keep? Groups, streams and what was written to them.

mod event;
mod group;
mod group_tags;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use self::group::LogGroup;
pub use self::{group::ensure as ensure_group, stream::write};
use super::{
    call::Parameters,
    dispatch::Operation,
    fault::Fault,
    pagination::{InvalidToken, paginate},
};

#[derive(Debug, Default, Serialize)]
pub struct Logs {
    /// By name.
    pub groups: BTreeMap<String, LogGroup>,
}

impl Logs {
    fn group(&self, name: &str) -> Result<&LogGroup, Fault> {
        self.groups.get(name).ok_or_else(group::not_found)
    }

    fn group_mut(&mut self, name: &str) -> Result<&mut LogGroup, Fault> {
        self.groups.get_mut(name).ok_or_else(group::not_found)
    }
}

pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateLogGroup" => group::create,
        "DescribeLogGroups" => group::describe,
        "DeleteLogGroup" => group::delete,
        "PutRetentionPolicy" => group::put_retention_policy,
        "DeleteRetentionPolicy" => group::delete_retention_policy,
        "TagResource" => group_tags::tag,
        "UntagResource" => group_tags::untag,
        "ListTagsForResource" => group_tags::list,
        "CreateLogStream" => stream::create,
        "DescribeLogStreams" => stream::describe,
        "DeleteLogStream" => stream::delete,
        "PutLogEvents" => event::put,
        "GetLogEvents" => event::get,
        "FilterLogEvents" => event::filter,
        _ => return None,
    })
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterException", message)
}

/// One page of `items`, which are sorted by their keys.
fn page(
    parameters: &Parameters<'_>,
    list: &str,
    items: Vec<(String, Value)>,
) -> Result<Value, Fault> {
    page_of(parameters, list, items, 50)
}

/// One page of so many at most.
fn page_of(
    parameters: &Parameters<'_>,
    list: &str,
    items: Vec<(String, Value)>,
    most: usize,
) -> Result<Value, Fault> {
    let size = limit(parameters, most)?;
    let page = paginate(items, size, parameters.string("nextToken"))
        .map_err(|InvalidToken| invalid("The specified nextToken is invalid."))?;
    let mut answer = json!({list: page.items});
    if let Some(next) = page.next {
        answer["nextToken"] = next.into();
    }
    Ok(answer)
}

fn limit(parameters: &Parameters<'_>, most: usize) -> Result<usize, Fault> {
    match parameters.integer("limit")? {
        None => Ok(most),
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=most).contains(limit))
            .ok_or_else(|| {
                invalid(format!("1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value between 1 and {most}"))
            }),
    }
}
