//! What runs in a service's tasks?

use crate::stack::file;
use crate::stack::names;
use crate::stack::place::Place;
use crate::stack::problem::Problems;
use crate::stack::resolved::{Container, Logs, Retention};
use crate::stack::{scalars, variables};

use super::container_start;
use super::services::{Context, Settings};

const DEFAULT_RETENTION: Retention = Retention::Days(30);

pub(super) fn resolve(
    settings: &Settings,
    context: &Context,
    problems: &mut Problems,
) -> Vec<Container> {
    let place = settings.place.at("containers");
    let entries = settings
        .own
        .containers
        .as_ref()
        .map_or(&[][..], |containers| containers.0.as_slice());
    if entries.is_empty() && settings.own.containers.is_some() && place.keys().is_empty() {
        problems
            .error(
                &place,
                format!("the service `{}` has no containers", settings.name),
            )
            .hint("name at least one with its `image`");
    }
    let containers: Vec<Container> = entries
        .iter()
        .map(|(name, own)| container(name, own, settings, context, problems))
        .collect();
    check_ports(&containers, &place, problems);
    container_start::check_dependencies(&containers, &place, problems);
    container_start::check_file_count(&containers, &place, problems);
    if !containers.is_empty() && containers.iter().all(|container| !container.essential) {
        problems
            .error(
                &place,
                format!("no container of `{}` is essential", settings.name),
            )
            .hint("ECS wants at least one whose end ends the task");
    }
    containers
}

fn container(
    name: &str,
    own: &file::Container,
    settings: &Settings,
    context: &Context,
    problems: &mut Problems,
) -> Container {
    let containers = settings.place.at("containers");
    let place = containers.at(name);
    check_name(name, containers.key_of(name), problems);
    if let Some(image) = &own.image {
        check_image(image, &place.at("image"), problems);
    }
    let environment = own.environment.iter().flatten();
    for (key, _) in environment
        .clone()
        .filter(|(key, _)| key.is_empty() || key.contains(['=', '\0']))
    {
        problems
            .error(
                place.at("environment").key_of(key),
                format!("`{key}` cannot be the name of an environment variable"),
            )
            .hint("a name has no `=`, and is not empty");
    }
    let texts =
        |list: &Option<Vec<file::Text>>| list.iter().flatten().map(|text| text.0.clone()).collect();
    Container {
        name: name.to_owned(),
        image: own.image.clone().unwrap_or_default(),
        ports: own.ports.clone().unwrap_or_default(),
        environment: environment
            .map(|(key, value)| (key.clone(), value.0.clone()))
            .collect(),
        secrets: container_start::secrets(own, &place, problems),
        environment_files: container_start::environment_files(own, &place, problems),
        entrypoint: texts(&own.entrypoint),
        command: texts(&own.command),
        essential: own.essential.unwrap_or(true),
        depends_on: container_start::dependencies(own),
        health_check: own
            .health_check
            .as_ref()
            .map(|check| container_start::health_check(check, &place.at("health_check"), problems)),
        stop_timeout_seconds: own.stop_timeout.as_ref().and_then(|text| {
            scalars::seconds(&text.0, 2..=120, &place.at("stop_timeout"), problems)
        }),
        logs: logs(
            own.logs.as_ref(),
            &place.at("logs"),
            settings,
            context,
            problems,
        ),
    }
}

/// A container's name in a task definition: at most 255 letters, digits, `_` and `-`.
fn check_name(name: &str, span: std::ops::Range<usize>, problems: &mut Problems) {
    let is_allowed =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if name.is_empty() || name.len() > 255 || !name.chars().all(is_allowed) {
        problems
            .error(span, format!("`{name}` cannot be the name of a container"))
            .label("not a name")
            .hint("1 to 255 letters, digits, `_` and `-`");
    }
}

fn check_image(image: &str, place: &Place, problems: &mut Problems) {
    if let Some(fault) = scalars::image_fault(&variables::with_sample_values(image)) {
        problems
            .error(place, format!("`{image}` is not an image reference"))
            .label("not an image")
            .hint(format!("{fault}. An image is `[registry/]path[:tag]`, as in `public.ecr.aws/nginx/nginx:stable-alpine`"));
    }
}

/// The containers of a task share one network interface, and so its ports.
fn check_ports(containers: &[Container], place: &Place, problems: &mut Problems) {
    let mut taken: Vec<(u16, &str, Place)> = Vec::new();
    for container in containers {
        for (index, port) in container.ports.iter().enumerate() {
            let here = place.at(&container.name).at("ports").item(index);
            match taken.iter().find(|(other, ..)| other == port) {
                Some((_, owner, there)) => {
                    problems
                        .error(&here, format!("port {port} is already taken by the container `{owner}`"))
                        .label("taken")
                        .also(there.span(), "by this one")
                        .hint("the containers of a task share one network interface; let one listen elsewhere");
                }
                None => taken.push((*port, &container.name, here)),
            }
        }
    }
}

fn logs(
    own: Option<&file::Logs>,
    place: &Place,
    settings: &Settings,
    context: &Context,
    problems: &mut Problems,
) -> Option<Logs> {
    let own_fallback = file::Logs::default();
    let own = own.unwrap_or(&own_fallback);
    let defaults_fallback = file::LogsDefaults::default();
    let defaults = settings
        .defaults
        .logs
        .as_ref()
        .unwrap_or(&defaults_fallback);
    if own.driver.or(defaults.driver) == Some(file::LogDriver::None) {
        return None;
    }
    let retention = own.retention.as_ref().or(defaults.retention.as_ref());
    let retention_place = place.at("retention");
    let retention_place = if retention_place.is_given() {
        retention_place
    } else {
        settings.defaults_place.at("logs").at("retention")
    };
    let retention =
        retention.and_then(|text| scalars::retention(&text.0, &retention_place, problems));
    let group = own
        .group
        .clone()
        .unwrap_or_else(|| names::default_log_group(context.stack, settings.name));
    Some(Logs {
        group,
        stream_prefix: own
            .prefix
            .clone()
            .or(defaults.prefix.clone())
            .unwrap_or_else(|| "ecs".to_owned()),
        retention: retention.unwrap_or(DEFAULT_RETENTION),
    })
}
