//! What did the containers of a failed task write last? Read from their log streams once the verdict is given.

use std::collections::HashMap;

use aws_sdk_ecs::types as api;
use futures::future::join_all;

use super::stopped_task::StoppedTask;
use crate::aws::{Aws, last_lines, send};
use crate::resource::LogExcerpt;

/// Enough for an error with its first frames; the whole log is in CloudWatch Logs.
const LINES: u16 = 10;
/// A line of JSON can have thousands.
const LONGEST_LINE: usize = 300;
/// Shorter values of variables (`1`, `true`, `eu`) are no secrets, and are parts of many words.
const SHORTEST_SECRET: usize = 6;

/// The last lines of these containers of a task. Empty where AWS can't be asked: the lines are an explanation, and
/// lacking them must not hide the verdict.
pub async fn last_words(aws: &Aws, task: &StoppedTask, routed: &[&str]) -> Vec<LogExcerpt> {
    let suspects = task.suspects(routed);
    if suspects.is_empty() || task.task_definition.is_empty() {
        return Vec::new();
    }
    let call = aws.ecs.describe_task_definition();
    let call = call.task_definition(&task.task_definition);
    let Ok(answer) = send("ecs:DescribeTaskDefinition", call.send()).await else {
        return Vec::new();
    };
    let containers = answer
        .task_definition
        .and_then(|definition| definition.container_definitions)
        .unwrap_or_default();
    let excerpts = suspects.iter().filter_map(|name| {
        let container = containers
            .iter()
            .find(|container| container.name() == Some(*name))?;
        excerpt(container, name, &task.id)
    });
    let filled = excerpts.map(async |excerpt| {
        let lines = last_lines(aws, &excerpt.group, &excerpt.stream, LINES).await;
        let secrets = containers
            .iter()
            .flat_map(api::ContainerDefinition::environment);
        LogExcerpt {
            lines: shown(lines.unwrap_or_default(), secrets),
            ..excerpt
        }
    });
    let filled = join_all(filled).await;
    filled
        .into_iter()
        .filter(|excerpt| !excerpt.lines.is_empty())
        .collect()
}

/// Where a container writes to: the driver `awslogs` calls its streams `prefix/container/task`.
fn excerpt(container: &api::ContainerDefinition, name: &str, task: &str) -> Option<LogExcerpt> {
    let options: &HashMap<String, String> = container.log_configuration()?.options()?;
    let prefix = options.get("awslogs-stream-prefix")?;
    Some(LogExcerpt {
        container: name.to_owned(),
        group: options.get("awslogs-group")?.clone(),
        stream: format!("{prefix}/{name}/{task}"),
        lines: Vec::new(),
    })
}

/// The lines without the values of environment variables, which may be secrets.
fn shown<'a>(
    lines: Vec<String>,
    environment: impl Iterator<Item = &'a api::KeyValuePair>,
) -> Vec<String> {
    let mut secrets: Vec<(&str, &str)> = environment
        .filter_map(|pair| Some((pair.value()?, pair.name()?)))
        .filter(|(value, _)| value.len() >= SHORTEST_SECRET)
        .collect();
    // A value that holds another one goes first.
    secrets.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    lines
        .into_iter()
        .map(|mut line| {
            for (value, name) in &secrets {
                line = line.replace(value, &format!("(value of {name})"));
            }
            if let Some((at, _)) = line.char_indices().nth(LONGEST_LINE) {
                line.truncate(at);
                line.push('…');
            }
            line
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> api::KeyValuePair {
        api::KeyValuePair::builder().name(name).value(value).build()
    }

    #[test]
    fn what_may_be_a_secret_is_named_and_not_shown() {
        let environment = [
            pair("PASSWORD", "hunter2"),
            pair("URL", "postgres://web:hunter2@db/shop"),
            pair("DEBUG", "1"),
        ];
        let lines = vec![
            "cannot reach postgres://web:hunter2@db/shop".to_owned(),
            "tried 1 time with hunter2".to_owned(),
        ];
        assert_eq!(
            shown(lines, environment.iter()),
            [
                "cannot reach (value of URL)",
                "tried 1 time with (value of PASSWORD)"
            ]
        );
    }

    #[test]
    fn a_long_line_is_cut() {
        let shown = shown(vec!["ä".repeat(1000)], [].iter());
        assert_eq!(shown[0].chars().count(), LONGEST_LINE + 1);
    }

    #[test]
    fn a_stream_is_found_by_prefix_container_and_task() {
        let log = api::LogConfiguration::builder()
            .log_driver(api::LogDriver::Awslogs)
            .options("awslogs-group", "/ecs/web")
            .options("awslogs-stream-prefix", "ecs")
            .build()
            .unwrap();
        let container = api::ContainerDefinition::builder()
            .name("web")
            .log_configuration(log)
            .build();
        let found = excerpt(&container, "web", "0aa1").unwrap();
        assert_eq!(found.group, "/ecs/web");
        assert_eq!(found.stream, "ecs/web/0aa1");
        let silent = api::ContainerDefinition::builder().name("web").build();
        assert_eq!(excerpt(&silent, "web", "0aa1"), None);
    }
}
