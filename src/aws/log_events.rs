//! What did containers write? The events of one log group, page after page, no faster than CloudWatch Logs answers.

use std::collections::VecDeque;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::{Aws, Moment, send};
use crate::resource::CallError;

/// FilterLogEvents is answered so often a second per account and region (CloudWatch Logs quotas, "FilterLogEvents").
const CALLS_PER_SECOND: usize = 5;

/// One event: mostly a line, sometimes several.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogEvent {
    /// CloudWatch Logs' own; by it an event that was seen already is known again.
    #[serde(skip)]
    pub id: String,
    /// When the container wrote it.
    pub at: Moment,
    /// The stream.
    pub stream: String,
    /// What it wrote, without the end of line.
    pub message: String,
}

/// Which events of a log group are asked for.
#[derive(Clone, Debug)]
pub struct LogQuery {
    /// The group's name.
    pub group: String,
    /// How the names of the streams begin; empty for all.
    pub stream_prefix: String,
    /// From when on.
    pub since: Moment,
    /// Until when.
    pub until: Option<Moment>,
    /// What an event must hold, in CloudWatch Logs' syntax for filters.
    pub filter: Option<String>,
}

/// The answers to one query, page after page.
#[derive(Debug)]
pub struct LogPages {
    query: LogQuery,
    place: Place,
    is_missing: bool,
}

#[derive(Debug)]
enum Place {
    Beginning,
    After(String),
    End,
}

/// When the last calls were made, so that no more are made than are answered.
#[derive(Debug, Default)]
pub struct LogPace(VecDeque<Instant>);

impl LogPace {
    async fn turn(&mut self) {
        if self.0.len() == CALLS_PER_SECOND
            && let Some(first) = self.0.pop_front()
        {
            sleep_until(first + Duration::from_secs(1)).await;
        }
        self.0.push_back(Instant::now());
    }
}

impl LogPages {
    pub fn of(query: LogQuery) -> Self {
        LogPages {
            query,
            place: Place::Beginning,
            is_missing: false,
        }
    }

    /// The name of the group that is read.
    pub fn group(&self) -> &str {
        &self.query.group
    }

    /// Whether AWS has no such group.
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// The next events, in the order of their times; `None` after the last page.
    ///
    /// FilterLogEvents ends a page also where it has found nothing yet; only a missing token is the end
    /// (CloudWatch Logs API reference, FilterLogEvents).
    pub async fn next(
        &mut self,
        aws: &Aws,
        pace: &mut LogPace,
    ) -> Result<Option<Vec<LogEvent>>, CallError> {
        let query = &self.query;
        let prefix = Some(&query.stream_prefix).filter(|prefix| !prefix.is_empty());
        let call = aws
            .logs
            .filter_log_events()
            .log_group_name(&query.group)
            .set_log_stream_name_prefix(prefix.cloned())
            .start_time(query.since.milliseconds())
            .set_end_time(query.until.map(Moment::milliseconds))
            .set_filter_pattern(query.filter.clone());
        let call = match &self.place {
            Place::Beginning => call,
            Place::After(token) => call.next_token(token),
            Place::End => return Ok(None),
        };
        pace.turn().await;
        let answer = match send("logs:FilterLogEvents", call.send()).await {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => {
                self.is_missing = true;
                self.place = Place::End;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        self.place = answer.next_token.map_or(Place::End, Place::After);
        let events = answer.events.unwrap_or_default();
        Ok(Some(events.into_iter().map(event).collect()))
    }
}

fn event(event: FilteredLogEvent) -> LogEvent {
    LogEvent {
        id: event.event_id.unwrap_or_default(),
        at: Moment::from_milliseconds(event.timestamp.unwrap_or_default()),
        stream: event.log_stream_name.unwrap_or_default(),
        message: event
            .message
            .unwrap_or_default()
            .trim_end_matches(['\r', '\n'])
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_sixth_call_waits_until_the_first_is_a_second_old() {
        let began = Instant::now();
        let mut pace = LogPace::default();
        let mut starts = Vec::new();
        for _ in 0..12 {
            pace.turn().await;
            starts.push(began.elapsed().as_secs());
        }
        assert_eq!(starts, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2]);
    }

    /// FilteredLogEvent of the API reference: times in milliseconds, the line as the driver sent it.
    #[test]
    fn an_event_keeps_all_of_its_line_but_the_end() {
        let seen = event(
            FilteredLogEvent::builder()
                .event_id("3764")
                .log_stream_name("ecs/web/0aa1")
                .timestamp(1_700_000_000_250)
                .message("  two \t words \r\n")
                .build(),
        );
        assert_eq!(seen.message, "  two \t words ");
        assert_eq!(seen.at.to_string(), "2023-11-14T22:13:20.25Z");
    }
}
