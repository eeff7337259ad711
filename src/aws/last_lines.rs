//! What did a container write last? The end of one stream of CloudWatch Logs.

use super::{Aws, send};
use crate::resource::CallError;

/// A page may be empty though there are events before it; only the token that was asked with is the end
/// (CloudWatch Logs API reference, GetLogEvents).
const PAGES: usize = 5;

/// The last lines of a stream, oldest first. None when the stream or its group is not there.
pub async fn last_lines(
    aws: &Aws,
    group: &str,
    stream: &str,
    count: u16,
) -> Result<Vec<String>, CallError> {
    let mut token: Option<String> = None;
    for _ in 0..PAGES {
        let call = aws
            .logs
            .get_log_events()
            .log_group_name(group)
            .log_stream_name(stream)
            .limit(i32::from(count))
            .start_from_head(false)
            .set_next_token(token.clone());
        let answer = match send("logs:GetLogEvents", call.send()).await {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let lines: Vec<String> = answer
            .events
            .unwrap_or_default()
            .into_iter()
            .filter_map(|event| event.message)
            .map(|message| message.trim_end_matches(['\r', '\n']).to_owned())
            .collect();
        let before = answer.next_backward_token;
        if !lines.is_empty() || before.is_none() || before == token {
            return Ok(lines);
        }
        token = before;
    }
    Ok(Vec::new())
}
