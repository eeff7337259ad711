//! What does a Compose file say that a stack file can say too? (the Compose specification, compose-spec)

mod environment;
mod service;
mod traffic;

use std::collections::BTreeMap;

use super::answers::names_for_each_other;
use super::problem::DraftProblem;
use super::source::Source;
use super::{Draft, Note, text};

/// What else of the project is at hand.
pub struct Project<'a> {
    pub source: &'a Source,
    /// The stack, for the places where secrets and images are to be.
    pub stack: String,
    /// Reads a file that the Compose file names; none if it isn't there.
    pub read: &'a dyn Fn(&str) -> Option<String>,
    /// The names that services get in the stack file, by the ones they have.
    pub names: BTreeMap<String, String>,
}

impl Project<'_> {
    pub fn note(&self, line: usize, what: impl Into<String>) -> Note {
        Note::of(&self.source.file, line, what)
    }
}

/// `stack` goes before the project's own name, `fallback` is the folder's.
pub fn from_compose(
    source: &Source,
    stack: Option<&str>,
    fallback: &str,
    read: &dyn Fn(&str) -> Option<String>,
) -> Result<Draft, DraftProblem> {
    let root = &source.root;
    let Some(services) = root.get("services").filter(|services| services.is_map()) else {
        let hint = "a Compose file has its services under `services:`; the form before version 2 is not read";
        return Err(source.problem(root, "there are no services in this file", hint));
    };
    let named = root.get("name").and_then(|name| name.text());
    let stack = stack.or(named).map(text::with_defaults);
    let stack = text::name(&stack.unwrap_or_else(|| fallback.to_owned()));
    let names = services.entries().iter();
    let names = names.map(|entry| (entry.key.clone(), text::name(&entry.key)));
    let project = Project {
        source,
        stack: stack.clone(),
        read,
        names: names.collect(),
    };
    let mut draft = Draft {
        stack,
        ..Draft::default()
    };
    for entry in root.entries() {
        let what = match entry.key.as_str() {
            "name" | "services" | "version" => continue,
            key if key.starts_with("x-") => continue,
            // Told where services use them.
            "volumes" | "secrets" | "configs" => continue,
            "networks" => {
                if entry.value.entries().iter().all(|network| network.key == "default") {
                    continue;
                }
                "networks: all services are in one VPC, and reach only whom `allow` and `route` let them reach".to_owned()
            }
            "include" => "include: the included files are not read; run `navi init` on what `docker compose config` prints".to_owned(),
            key => format!("{key}: nothing of it is in this file"),
        };
        draft.notes.push(project.note(entry.line, what));
    }
    let mut asked = Vec::new();
    for entry in services.entries() {
        if let Some(profiles) = entry.value.get("profiles") {
            let what = format!("{}: left out, for it runs only with a profile", entry.key);
            draft.notes.push(project.note(profiles.line, what));
            continue;
        }
        let (service, published) = service::read(&project, entry);
        asked.push(traffic::Asked {
            service: service.name.clone(),
            published,
        });
        draft.services.push(service);
    }
    if draft.services.is_empty() {
        let hint = "services with `profiles` are left out: they run only when they are asked for";
        return Err(source.problem(services, "there is no service to make a stack of", hint));
    }
    names_for_each_other(&mut draft);
    traffic::connect(&project, services, &mut draft, &asked);
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str) -> Result<Draft, DraftProblem> {
        let source = Source::read("compose.yaml", text)?;
        from_compose(&source, None, "shop", &|_| None)
    }

    #[test]
    fn a_file_without_services_is_told_with_its_place() {
        let problem = draft("web:\n  image: nginx\n").unwrap_err();
        assert_eq!(problem.to_string(), "there are no services in this file");
        assert!(draft("services:\n  job: { image: x, profiles: [once] }\n").is_err());
    }

    #[test]
    fn secrets_stay_where_they_are() {
        let draft = draft(
            "services:\n  db:\n    image: postgres:16\n    environment:\n      - POSTGRES_PASSWORD=hunter2\n      - POSTGRES_USER=app\n      - FROM_SHELL\n",
        )
        .unwrap();
        let container = &draft.services[0].containers[0];
        assert_eq!(
            container.secrets,
            [(
                "POSTGRES_PASSWORD".to_owned(),
                "/shop/db/POSTGRES_PASSWORD".to_owned()
            )]
        );
        assert_eq!(
            container.environment,
            [
                ("POSTGRES_USER".to_owned(), "app".to_owned()),
                ("FROM_SHELL".to_owned(), "${FROM_SHELL}".to_owned())
            ]
        );
        assert!(!super::super::write(&draft, "x").contains("hunter2"));
    }

    #[test]
    fn names_of_other_services_become_names_in_the_namespace() {
        let draft = draft(
            "services:\n  web:\n    image: a\n    ports: ['80:8080']\n    environment: { DB_HOST: db, CACHE: 'redis://cache:6379/0', ORDINARY: dbase }\n  db: { image: postgres, expose: [5432] }\n  cache: { image: redis }\n",
        )
        .unwrap();
        let values: Vec<_> = draft.services[0].containers[0]
            .environment
            .iter()
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(
            values,
            ["db.shop.local", "redis://cache.shop.local:6379/0", "dbase"]
        );
        assert_eq!(draft.services[1].allow, [("web".to_owned(), 5432)]);
        assert_eq!(
            draft.services[2].containers[0].ports,
            [6379],
            "the address tells the port"
        );
        assert_eq!(draft.services[2].allow, [("web".to_owned(), 6379)]);
    }
}
