//! What did containers write? The events of CloudWatch Logs, some streams of one group at a time.

use serde::Serialize;

use super::{Aws, Moment, send};
use crate::resource::CallError;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogEvent {
    /// CloudWatch Logs' own; by it a line that was seen already is known again.
    #[serde(skip)]
    pub id: String,
    /// When the container wrote it.
    pub at: Moment,
    /// The stream.
    pub stream: String,
    /// The line, without the end of line.
    pub message: String,
}

/// Which lines are asked for.
#[derive(Clone, Debug)]
pub struct LogQuery<'a> {
    /// The group's name.
    pub group: &'a str,
    /// How the names of the streams begin.
    pub stream_prefix: &'a str,
    /// From when on.
    pub since: Moment,
    /// What the line must hold, in CloudWatch Logs' syntax for filters.
    pub filter: Option<&'a str>,
}

/// All lines that a query finds, in the order of their times. None when the group is gone.
///
/// FilterLogEvents ends a page also where it has found nothing yet; only a missing token is the end
/// (CloudWatch Logs API reference, FilterLogEvents).
pub async fn log_events(aws: &Aws, query: &LogQuery<'_>) -> Result<Vec<LogEvent>, CallError> {
    let pages = aws
        .logs
        .filter_log_events()
        .log_group_name(query.group)
        .log_stream_name_prefix(query.stream_prefix)
        .start_time(query.since.milliseconds())
        .set_filter_pattern(query.filter.map(str::to_owned))
        .into_paginator();
    let pages: Vec<_> = match send(
        "logs:FilterLogEvents",
        pages.send().collect::<Result<_, _>>(),
    )
    .await
    {
        Ok(pages) => pages,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut events: Vec<LogEvent> = pages
        .into_iter()
        .flat_map(|page| page.events.unwrap_or_default())
        .map(|event| LogEvent {
            id: event.event_id.unwrap_or_default(),
            at: Moment::from_milliseconds(event.timestamp.unwrap_or_default()),
            stream: event.log_stream_name.unwrap_or_default(),
            message: event
                .message
                .unwrap_or_default()
                .trim_end_matches(['\r', '\n'])
                .to_owned(),
        })
        .collect();
    events.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
    Ok(events)
}
