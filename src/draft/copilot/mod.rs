//! What does a Copilot workspace say that a stack file can say too? (AWS Copilot's documentation, "Manifest")

mod container;
mod environment;
mod service;

use super::answers::names_for_each_other;
use super::problem::DraftProblem;
use super::source::Source;
use super::{Draft, Note, text};

/// The manifests of a workspace, read.
#[derive(Debug, Default)]
pub struct CopilotFiles {
    /// What `.workspace` says.
    pub application: Option<String>,
    pub services: Vec<Source>,
    /// Each with its folder's name.
    pub environments: Vec<(String, Source)>,
}

/// The environment that the stack is to be.
pub struct Chosen<'a> {
    pub application: String,
    pub environment: Option<&'a str>,
}

impl Chosen<'_> {
    /// What Copilot puts in for its own variables; others stay.
    fn filled_in(&self, text: &str) -> String {
        let text = text.replace("${COPILOT_APPLICATION_NAME}", &self.application);
        match self.environment {
            Some(name) => text.replace("${COPILOT_ENVIRONMENT_NAME}", name),
            None => text,
        }
    }
}

/// `stack` goes before the application's name; `environment` may be left open where there is one or none.
pub fn from_copilot(
    files: &CopilotFiles,
    stack: Option<&str>,
    environment: Option<&str>,
    fallback: &str,
) -> Result<Draft, DraftProblem> {
    let application = files
        .application
        .clone()
        .unwrap_or_else(|| fallback.to_owned());
    let only = match files.environments.as_slice() {
        [(name, _)] => Some(name.as_str()),
        _ => None,
    };
    let chosen = Chosen {
        environment: environment.or(only),
        application: application.clone(),
    };
    let derived = match chosen.environment {
        Some(environment) => format!("{application}-{environment}"),
        None => application.clone(),
    };
    let mut draft = Draft {
        stack: text::name(stack.unwrap_or(&derived)),
        // The names that services have known each other by.
        namespace: chosen
            .environment
            .map(|environment| format!("{environment}.{application}.local")),
        ..Draft::default()
    };
    if chosen.environment.is_none() && !files.environments.is_empty() {
        let names: Vec<&str> = files
            .environments
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        draft.notes.push(Note {
            at: None,
            what: format!(
                "The workspace has the environments {}; `navi init --environment NAME` takes over what one of them says.",
                names.join(", ")
            ),
        });
    }
    if let Some((_, manifest)) = files
        .environments
        .iter()
        .find(|(name, _)| Some(name.as_str()) == chosen.environment)
    {
        environment::read(manifest, &mut draft);
    }
    for source in &files.services {
        service::read(source, &chosen, &mut draft);
    }
    if draft.services.is_empty()
        && let Some(first) = files.services.first()
    {
        let hint = "load balanced web services, backend services and worker services become services of a stack";
        return Err(first.problem(
            &first.root,
            "no manifest of the workspace is of a service that navi can run",
            hint,
        ));
    }
    service::let_each_other_in(&mut draft);
    service::https(&mut draft);
    names_for_each_other(&mut draft);
    Ok(draft)
}
