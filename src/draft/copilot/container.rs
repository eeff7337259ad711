//! What do the main container and the sidecars of a manifest become?

use super::Chosen;
use crate::draft::source::{Entry, Node, Source};
use crate::draft::{Container, ContainerCheck, Note, secrecy, text, to_be_pushed};

/// The container of the service itself: its keys are the manifest's own, and those of `image`.
pub fn main(
    source: &Source,
    manifest: &Node,
    name: &str,
    stack: &str,
    chosen: &Chosen<'_>,
) -> Container {
    let mut container = Container {
        name: name.to_owned(),
        ..Container::default()
    };
    let image = manifest.get("image");
    let place = image.and_then(|image| image.get("location").or_else(|| image.get("build")));
    match image
        .and_then(|image| image.get("location"))
        .and_then(Node::text)
    {
        Some(location) => container.image = with_variables(location, chosen),
        None => {
            let what = "image.build: navi builds no images; push it under the name below";
            let line = place.or(image).map_or(manifest.line, |node| node.line);
            container.notes.push(Note::of(&source.file, line, what));
            container.image = to_be_pushed(stack, name);
        }
    }
    container
        .ports
        .extend(image.and_then(|image| port(image.get("port")?)));
    if let Some(image) = image {
        waits(source, image, &mut container);
        container.health_check = image
            .get("healthcheck")
            .and_then(|check| health_check(check, chosen));
        if let Some(credentials) = image.get("credentials") {
            let what = "image.credentials: navi has none for other registries; ECR needs none";
            container
                .notes
                .push(Note::of(&source.file, credentials.line, what));
        }
    }
    common(source, manifest, stack, chosen, &mut container);
    container
}

pub fn sidecar(source: &Source, entry: &Entry, stack: &str, chosen: &Chosen<'_>) -> Container {
    let node = &entry.value;
    let mut container = Container {
        name: text::name(&entry.key),
        may_end: node.get("essential").is_some_and(Node::is_false),
        ..Container::default()
    };
    let image = node.get("image");
    let location = image.and_then(|image| image.get("location").unwrap_or(image).text());
    container.image = match location {
        Some(location) => with_variables(location, chosen),
        None => {
            let what = "build: navi builds no images; push it under the name below";
            container
                .notes
                .push(Note::of(&source.file, node.line, what));
            to_be_pushed(stack, &container.name)
        }
    };
    container.ports.extend(node.get("port").and_then(port));
    container.health_check = node
        .get("healthcheck")
        .and_then(|check| health_check(check, chosen));
    waits(source, node, &mut container);
    common(source, node, stack, chosen, &mut container);
    for key in [
        "mount_points",
        "labels",
        "credentialsParameter",
        "credentials_parameter",
    ] {
        if let Some(found) = node.get(key) {
            let what = format!("{key}: a stack file has nothing for it");
            container
                .notes
                .push(Note::of(&source.file, found.line, what));
        }
    }
    container
}

/// What both kinds of containers have in the same words.
fn common(
    source: &Source,
    node: &Node,
    stack: &str,
    chosen: &Chosen<'_>,
    container: &mut Container,
) {
    container.entrypoint = words(node.get("entrypoint"), chosen);
    container.command = words(node.get("command"), chosen);
    for entry in node.get("variables").map(Node::entries).unwrap_or_default() {
        let Some(value) = entry.value.text() else {
            let what = format!(
                "{}: its value comes from CloudFormation, and has to be said here",
                entry.key
            );
            container
                .notes
                .push(Note::of(&source.file, entry.line, what));
            continue;
        };
        if secrecy::is_secret(&entry.key, value) {
            let place = format!("/{stack}/{}/{}", container.name, entry.key);
            let what = format!(
                "{} looks like a secret and is not in this file: its value belongs into the parameter {place}",
                entry.key
            );
            container
                .notes
                .push(Note::of(&source.file, entry.line, what));
            container.secrets.push((entry.key.clone(), place));
            continue;
        }
        let value = with_variables(value, chosen);
        container.environment.push((entry.key.clone(), value));
    }
    for entry in node.get("secrets").map(Node::entries).unwrap_or_default() {
        match entry.value.text() {
            Some(place) if place.starts_with('/') || place.starts_with("arn:") => {
                let place = with_variables(place, chosen);
                container.secrets.push((entry.key.clone(), place));
            }
            Some(place) => {
                let place = with_variables(place, chosen);
                container.secrets.push((
                    entry.key.clone(),
                    format!("/{}", place.trim_start_matches('/')),
                ));
            }
            None => {
                let what = format!(
                    "{}: a secret of Secrets Manager goes by its ARN, under `secrets` (aws secretsmanager describe-secret tells it)",
                    entry.key
                );
                container
                    .notes
                    .push(Note::of(&source.file, entry.line, what));
            }
        }
    }
    if let Some(file) = node.get("env_file") {
        let what = "env_file: put its variables under `environment`, its secrets under `secrets`, or the file into S3 and its ARN under `environment_files`";
        container
            .notes
            .push(Note::of(&source.file, file.line, what));
    }
}

fn with_variables(text: &str, chosen: &Chosen<'_>) -> String {
    text::with_variables(&chosen.filled_in(text)).0
}

fn words(node: Option<&Node>, chosen: &Chosen<'_>) -> Vec<String> {
    let words = node.map(text::words_of).unwrap_or_default();
    words
        .iter()
        .map(|word| with_variables(word, chosen))
        .collect()
}

/// `8080`, or `8080/tcp` as sidecars may have it.
fn port(node: &Node) -> Option<u16> {
    let text = node.text()?;
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    (protocol == "tcp").then(|| port.parse().ok())?
}

fn waits(source: &Source, node: &Node, container: &mut Container) {
    for entry in node
        .get("depends_on")
        .map(Node::entries)
        .unwrap_or_default()
    {
        let condition = match entry
            .value
            .text()
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "start" => "start",
            "healthy" => "healthy",
            "complete" => "complete",
            "success" => "success",
            other => {
                let what = format!("depends_on: `{other}` is no condition");
                container
                    .notes
                    .push(Note::of(&source.file, entry.line, what));
                continue;
            }
        };
        container
            .depends_on
            .push((text::name(&entry.key), condition));
    }
}

fn health_check(node: &Node, chosen: &Chosen<'_>) -> Option<ContainerCheck> {
    let command = node.get("command")?;
    let command = match command.text() {
        Some(line) => vec!["CMD-SHELL".to_owned(), with_variables(line, chosen)],
        None => words(Some(command), chosen),
    };
    let mut others = Vec::new();
    for (key, least, most) in [
        ("interval", 5, 300),
        ("timeout", 2, 60),
        ("start_period", 0, 300),
    ] {
        let seconds = node.get(key).and_then(Node::text).and_then(text::seconds);
        if let Some(seconds) = seconds {
            others.push((key, format!("{}s", seconds.clamp(least, most))));
        }
    }
    if let Some(retries) = node.get("retries").and_then(Node::number) {
        others.push(("retries", retries.clamp(1, 10).to_string()));
    }
    Some(ContainerCheck { command, others })
}
