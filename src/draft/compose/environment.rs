//! Which of a container's environment may go into a file, and which is a secret?

use super::Project;
use crate::draft::secrecy::is_secret;
use crate::draft::source::{Entry, Node};
use crate::draft::{Container, text};

/// `environment` goes before what `env_file` says, as Compose has it.
pub fn read(project: &Project<'_>, service: &Entry, container: &mut Container) {
    let given = service
        .value
        .get("environment")
        .map(pairs)
        .unwrap_or_default();
    for (name, value, line) in &given {
        add(project, container, name, value.as_deref(), *line, true);
    }
    let files = service.value.get("env_file");
    for file in files.map(Node::one_or_more).unwrap_or_default() {
        let path = file.get("path").unwrap_or(file);
        let Some(name) = path.text() else {
            continue;
        };
        let Some(content) = (project.read)(name) else {
            let what = format!("env_file {name}: it isn't here, so nothing of it is in this file");
            container.notes.push(project.note(path.line, what));
            continue;
        };
        let before = container.secrets.len();
        for (name, value) in lines(&content) {
            if given.iter().all(|(held, ..)| *held != name) {
                let has_variables = value.contains("${");
                add(
                    project,
                    container,
                    &name,
                    Some(&value),
                    path.line,
                    has_variables,
                );
            }
        }
        let secrets = container.secrets.len() - before;
        let what = match secrets {
            0 => format!("env_file {name}: its variables stand below"),
            _ => format!(
                "env_file {name}: its variables stand below, {secrets} of them as secrets without their values"
            ),
        };
        container.notes.push(project.note(path.line, what));
    }
}

/// Name, value and line; without a value it comes from the shell.
fn pairs(node: &Node) -> Vec<(String, Option<String>, usize)> {
    let listed = node.items().iter().filter_map(|item| {
        let text = item.text()?;
        Some(match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned()), item.line),
            None => (text.to_owned(), None, item.line),
        })
    });
    let mapped = node.entries().iter().map(|entry| {
        let value = entry.value.text().map(str::to_owned);
        (entry.key.clone(), value, entry.line)
    });
    listed.chain(mapped).collect()
}

/// `NAME=VALUE`, with comments, `export` and quotes around values.
fn lines(content: &str) -> Vec<(String, String)> {
    let lines = content.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| {
            let (name, value) = line
                .strip_prefix("export ")
                .unwrap_or(line)
                .split_once('=')?;
            let value = value.trim();
            let bare = ['"', '\'']
                .iter()
                .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
            Some((name.trim().to_owned(), bare.unwrap_or(value).to_owned()))
        })
        .collect()
}

fn add(
    project: &Project<'_>,
    container: &mut Container,
    name: &str,
    value: Option<&str>,
    line: usize,
    has_variables: bool,
) {
    let is_known = |held: &[(String, String)]| held.iter().any(|(known, _)| known == name);
    if is_known(&container.environment) || is_known(&container.secrets) {
        return;
    }
    if is_secret(name, value.unwrap_or_default()) {
        let place = format!("/{}/{}/{name}", project.stack, container.name);
        let what = format!(
            "{name} looks like a secret and is not in this file: its value belongs into the parameter {place}"
        );
        container.notes.push(project.note(line, what));
        container.secrets.push((name.to_owned(), place));
        return;
    }
    let value = match (value, has_variables) {
        (None, _) => format!("${{{name}}}"),
        (Some(value), false) => text::literal(value),
        (Some(value), true) => {
            let (value, lost) = text::with_variables(value);
            if lost {
                let what = format!(
                    "{name}: a stack file has `${{NAME}}` and `${{NAME:-default}}` and no other variables"
                );
                container.notes.push(project.note(line, what));
            }
            value
        }
    };
    container.environment.push((name.to_owned(), value));
}
