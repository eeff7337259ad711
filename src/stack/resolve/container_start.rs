//! With what does a container start, after which others, and when is it well?

use std::collections::BTreeMap;

use crate::stack::file;
use crate::stack::place::Place;
use crate::stack::problem::Problems;
use crate::stack::resolved::{Container, ContainerCondition, ContainerHealthCheck, SecretSource};
use crate::stack::{suggest, variables};

use super::services::seconds;

/// The developer guide: "up to ten environment files per task definition".
const MOST_FILES: usize = 10;

pub(super) fn secrets(
    own: &file::Container,
    place: &Place,
    problems: &mut Problems,
) -> BTreeMap<String, SecretSource> {
    let here = place.at("secrets");
    let mut secrets = BTreeMap::new();
    for (name, source) in own.secrets.iter().flatten() {
        if name.is_empty() || name.contains(['=', '\0']) {
            problems
                .error(
                    here.key_of(name),
                    format!("`{name}` cannot be the name of an environment variable"),
                )
                .hint("a name has no `=`, and is not empty");
        }
        let environment = place.at("environment");
        if environment.at(name).is_given() {
            problems
                .error(
                    here.key_of(name),
                    format!("`{name}` is both a secret and an environment variable"),
                )
                .label("given again here")
                .also(environment.key_of(name), "first given here")
                .hint("remove one of them: ECS takes a name once");
        }
        if let Some(source) = secret(source, &here.at(name), problems) {
            secrets.insert(name.clone(), source);
        }
    }
    secrets
}

fn secret(text: &str, place: &Place, problems: &mut Problems) -> Option<SecretSource> {
    let sample = variables::with_sample_values(text);
    let fault = match sample.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", _, "ssm", region, account, name] if is_account(account) && !region.is_empty() => {
            let name = name.strip_prefix("parameter/");
            if name.is_some_and(is_parameter) {
                return Some(SecretSource::ParameterArn(text.to_owned()));
            }
            "the ARN of a parameter ends with `:parameter/name`"
        }
        [
            "arn",
            _,
            "secretsmanager",
            region,
            account,
            "secret",
            name,
            part @ ..,
        ] if is_account(account) && !region.is_empty() && !name.is_empty() => {
            if part.is_empty() || part.len() == 3 {
                let (arn, part) = split_arn(text);
                return Some(SecretSource::Secret {
                    arn: arn.to_owned(),
                    part: part.to_owned(),
                });
            }
            "after a secret's ARN comes nothing, or `:key:stage:version`, of which each may be empty: `:password::`"
        }
        [name] if is_parameter(name) => {
            return Some(SecretSource::ParameterName(text.to_owned()));
        }
        _ => {
            "write the name of an SSM parameter, as in `/shop/password`, or the whole ARN of a parameter or of a secret of Secrets Manager"
        }
    };
    // The text may be a password that somebody took for the place to write it.
    problems
        .error(
            place,
            format!("`{}` does not say where the secret is kept", place.path()),
        )
        .label("not a parameter or a secret")
        .hint(fault);
    None
}

/// The ARN of a secret has seven parts; what follows says which part of the secret is meant.
fn split_arn(text: &str) -> (&str, &str) {
    match text.match_indices(':').nth(6) {
        Some((at, _)) => text.split_at(at),
        None => (text, ""),
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|digit| digit.is_ascii_digit())
}

/// The API model of SSM: letters, digits and `_.-`, and slashes between them.
fn is_parameter(name: &str) -> bool {
    let is_allowed =
        |character: char| character.is_ascii_alphanumeric() || "_.-/".contains(character);
    !name.trim_start_matches('/').is_empty()
        && name.len() <= 1011
        && name.chars().all(is_allowed)
        && (name.starts_with('/')
            || !name.contains('/')
            || name.split('/').all(|part| !part.is_empty()))
}

pub(super) fn environment_files(
    own: &file::Container,
    place: &Place,
    problems: &mut Problems,
) -> Vec<String> {
    let files = own.environment_files.clone().unwrap_or_default();
    for (index, file) in files.iter().enumerate() {
        let sample = variables::with_sample_values(file);
        let object = match sample.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "s3", "", "", object] => Some((*object).to_owned()),
            _ => None,
        };
        let is_object = object.as_ref().and_then(|object| object.split_once('/'));
        let is_sound = is_object.is_some_and(|(bucket, key)| {
            !bucket.is_empty() && key.ends_with(".env") && !key.contains('*')
        });
        if !is_sound {
            problems
                .error(
                    &place.at("environment_files").item(index),
                    format!("`{file}` is not an environment file in S3"),
                )
                .label("not an object's ARN")
                .hint("write `arn:aws:s3:::bucket/path/name.env`; ECS wants the ending `.env`");
        }
    }
    files
}

/// Of all containers of a task together.
pub(super) fn check_file_count(containers: &[Container], place: &Place, problems: &mut Problems) {
    let mut count = 0;
    for container in containers {
        count += container.environment_files.len();
        if count > MOST_FILES {
            problems
                .error(
                    &place.at(&container.name).at("environment_files"),
                    format!(
                        "{count} environment files are more than the {MOST_FILES} a task can have"
                    ),
                )
                .hint("put several into one");
            return;
        }
    }
}

pub(super) fn health_check(
    own: &file::ContainerHealthCheck,
    place: &Place,
    problems: &mut Problems,
) -> ContainerHealthCheck {
    let command: Vec<String> = own
        .command
        .iter()
        .flatten()
        .map(|text| text.0.clone())
        .collect();
    let is_sound = match command.as_slice() {
        [kind, _, ..] if kind == "CMD" => true,
        [kind, _] => kind == "CMD-SHELL",
        _ => false,
    };
    if !is_sound && own.command.is_some() {
        problems
            .error(
                &place.at("command"),
                format!("`{}` is not a health check's command", place.at("command").path()),
            )
            .label("not a command")
            .hint("write `[CMD, program, argument]`, or `[CMD-SHELL, \"curl -f http://localhost/ || exit 1\"]`");
    }
    let mut time = |text: &Option<file::DurationText>, key: &str, bounds| {
        seconds(text.as_ref(), bounds, &place.at(key), problems)
    };
    // The bounds and defaults of the API model's HealthCheck.
    ContainerHealthCheck {
        interval_seconds: time(&own.interval, "interval", (30, 5..=300)),
        timeout_seconds: time(&own.timeout, "timeout", (5, 2..=60)),
        retries: own.retries.unwrap_or(3),
        start_period_seconds: time(&own.start_period, "start_period", (0, 0..=300)),
        command,
    }
}

pub(super) fn dependencies(own: &file::Container) -> BTreeMap<String, ContainerCondition> {
    let condition = |condition: &file::ContainerCondition| match condition {
        file::ContainerCondition::Start => ContainerCondition::Start,
        file::ContainerCondition::Complete => ContainerCondition::Complete,
        file::ContainerCondition::Success => ContainerCondition::Success,
        file::ContainerCondition::Healthy => ContainerCondition::Healthy,
    };
    own.depends_on
        .iter()
        .flatten()
        .map(|(name, wanted)| (name.clone(), condition(wanted)))
        .collect()
}

pub(super) fn check_dependencies(containers: &[Container], place: &Place, problems: &mut Problems) {
    let known: Vec<&str> = place.keys();
    for container in containers {
        let here = place.at(&container.name).at("depends_on");
        for (name, condition) in &container.depends_on {
            let Some(other) = containers.iter().find(|other| other.name == *name) else {
                if !known.contains(&name.as_str()) {
                    let others: Vec<&str> = known
                        .iter()
                        .copied()
                        .filter(|known| *known != container.name)
                        .collect();
                    problems
                        .error(
                            here.key_of(name),
                            format!(
                                "`{}` waits for `{name}`, which is not a container of this service",
                                container.name
                            ),
                        )
                        .label("unknown container")
                        .maybe_hint(suggest::hint(name, &others));
                }
                continue;
            };
            check_condition(other, *condition, place, &here.at(name), problems);
        }
    }
    check_cycles(containers, place, problems);
}

/// What the API model of ContainerDependency asks of the other one.
fn check_condition(
    other: &Container,
    condition: ContainerCondition,
    containers: &Place,
    here: &Place,
    problems: &mut Problems,
) {
    let name = &other.name;
    let has_check =
        other.health_check.is_some() || containers.at(name).at("health_check").is_given();
    match condition {
        ContainerCondition::Healthy if !has_check => {
            problems
                .error(here, format!("`{name}` can never be healthy: it has no health check"))
                .label("waits for ever")
                .also(containers.key_of(name), "this container")
                .hint(format!("give `{name}` a `health_check` of its own (one in the image does not count), or wait for its `start`"));
        }
        ContainerCondition::Complete | ContainerCondition::Success if other.essential => {
            problems
                .error(
                    here,
                    format!("`{name}` is essential, so the task ends when it does"),
                )
                .label("would end the task")
                .also(containers.key_of(name), "this container")
                .hint(format!("set `essential: false` for `{name}`"));
        }
        _ => {}
    }
}

/// The first circle of the task, with the containers on it in order.
fn check_cycles(containers: &[Container], place: &Place, problems: &mut Problems) {
    for container in containers {
        let mut path = vec![container.name.as_str()];
        if leads_back(container, containers, &mut path) {
            let message = if path.len() == 2 {
                format!("`{}` waits for itself", container.name)
            } else {
                let names: Vec<String> = path.iter().map(|name| format!("`{name}`")).collect();
                format!(
                    "these containers wait for each other: {}",
                    names.join(" → ")
                )
            };
            problems
                .error(place.at(&container.name).key_of("depends_on"), message)
                .label("the circle begins here")
                .hint("remove one of these `depends_on`");
            return;
        }
    }
}

/// Whether what the last of the path waits for leads back to its first; the path is then the circle.
fn leads_back<'a>(
    last: &'a Container,
    containers: &'a [Container],
    path: &mut Vec<&'a str>,
) -> bool {
    for name in last.depends_on.keys() {
        if *name == path[0] {
            path.push(name);
            return true;
        }
        let next = containers.iter().find(|other| other.name == *name);
        if let Some(next) = next.filter(|next| !path.contains(&next.name.as_str())) {
            path.push(name);
            if leads_back(next, containers, path) {
                return true;
            }
            path.pop();
        }
    }
    false
}
