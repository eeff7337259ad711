//! Which of a stack's services are meant? Those that are named, or all.

use super::error::CommandError;
use crate::environment::{Environment, Service};

/// The services in the order of their names in the stack file, each once.
pub fn chosen<'a>(
    environment: &'a Environment,
    names: &[String],
    stack: &str,
) -> Result<Vec<&'a Service>, CommandError> {
    for name in names {
        one(environment, name, stack)?;
    }
    let services = environment.services.iter();
    Ok(services
        .filter(|service| names.is_empty() || names.contains(&service.name))
        .collect())
}

/// The service of this name.
pub fn one<'a>(
    environment: &'a Environment,
    name: &str,
    stack: &str,
) -> Result<&'a Service, CommandError> {
    environment
        .service(name)
        .ok_or_else(|| CommandError::UnknownService {
            name: name.to_owned(),
            stack: stack.to_owned(),
            known: environment
                .services
                .iter()
                .map(|service| service.name.clone())
                .collect(),
        })
}

/// Refuses a container that none of these services has.
pub fn require_container(services: &[&Service], container: &str) -> Result<(), CommandError> {
    let known: Vec<String> = services
        .iter()
        .flat_map(|service| &service.containers)
        .map(|container| container.name.clone())
        .collect();
    match known.iter().any(|one| one == container) {
        true => Ok(()),
        false => Err(CommandError::UnknownContainer {
            name: container.to_owned(),
            services: services
                .iter()
                .map(|service| service.name.clone())
                .collect(),
            known,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_name_all_are_meant_and_a_wrong_name_is_refused() {
        let environment = Environment::default();
        assert_eq!(chosen(&environment, &[], "demo").unwrap().len(), 0);
        let error = chosen(&environment, &["web".to_owned()], "demo").unwrap_err();
        assert!(matches!(error, CommandError::UnknownService { .. }));
    }
}
