//! Which digests do the images' tags name now, as far as the registries tell? Asked before planning, so that the plan shows a tag that moved.

use std::collections::{BTreeMap, BTreeSet};

use super::arguments::GlobalOptions;
use super::output;
use crate::aws::{Aws, ImageAnswer, Unanswered, look_up_images};
use crate::kinds::ecs_service::EcsService;
use crate::kinds::task_definition::TaskDefinition;
use crate::resource::{CallError, Resource};
use crate::stack::Stack;
use crate::state::State;

/// Image references by service and container.
pub type Images = BTreeMap<String, BTreeMap<String, String>>;

/// Digests by service and container.
pub type Digests = BTreeMap<String, BTreeMap<String, String>>;

/// The images that the stack file wants.
pub fn wanted_images(stack: &Stack) -> Images {
    stack
        .services
        .iter()
        .map(|service| {
            let containers = service.containers.iter();
            let images = containers.map(|one| (one.name.clone(), one.image.clone()));
            (service.name.clone(), images.collect())
        })
        .collect()
}

/// The images that the recorded task definitions have.
pub fn recorded_images(state: &State) -> Images {
    specs::<TaskDefinition>(state)
        .map(|(service, definition)| {
            let containers = definition.containers.into_iter();
            let images = containers.map(|one| (one.name, one.image));
            (service, images.collect())
        })
        .collect()
}

/// What the registries answer about them.
pub async fn look_up(aws: &Aws, images: &Images) -> BTreeMap<String, ImageAnswer> {
    let references: BTreeSet<String> = images
        .values()
        .flat_map(BTreeMap::values)
        .cloned()
        .collect();
    look_up_images(aws, &references).await
}

/// The digests to plan with: what the registry says now and, where it says nothing of an image that has not
/// changed in the file, what was recorded. So not to know never makes a deployment, and forgets nothing either.
pub fn digests(images: &Images, answers: &BTreeMap<String, ImageAnswer>, state: &State) -> Digests {
    let recorded = recorded_images(state);
    let before: Digests = specs::<EcsService>(state)
        .map(|(name, service)| (name, service.image_digests))
        .collect();
    images
        .iter()
        .map(|(service, containers)| {
            let digest_of = |(container, reference): (&String, &String)| {
                if let Some(ImageAnswer::Digest(digest)) = answers.get(reference) {
                    return Some((container.clone(), digest.clone()));
                }
                let same = recorded.get(service)?.get(container)? == reference;
                let digest = before.get(service)?.get(container).filter(|_| same)?;
                Some((container.clone(), digest.clone()))
            };
            (
                service.clone(),
                containers.iter().filter_map(digest_of).collect(),
            )
        })
        .collect()
}

/// Tells once what could not be learned. Registries other than ECR's private ones are never asked.
pub fn warn(global: &GlobalOptions, answers: &BTreeMap<String, ImageAnswer>) {
    for message in warnings(answers) {
        output::warning(global, &message);
    }
}

fn warnings(answers: &BTreeMap<String, ImageAnswer>) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut missing = Vec::new();
    let mut refused: Vec<(&str, &CallError)> = Vec::new();
    for (reference, answer) in answers {
        match answer {
            ImageAnswer::Missing(_) => missing.push(reference.as_str()),
            ImageAnswer::Unknown(Unanswered::Refused(error)) => refused.push((reference, error)),
            ImageAnswer::Digest(_) | ImageAnswer::Unknown(Unanswered::NotAsked) => {}
        }
    }
    if !missing.is_empty() {
        warnings.push(format!("not in their registry now: {}", missing.join(", ")));
    }
    if let Some((_, error)) = refused.first() {
        let images: Vec<&str> = refused.iter().map(|(reference, _)| *reference).collect();
        warnings.push(format!(
            "whether a tag has moved is not known, of {} ({error}); `navi redeploy` deploys the newest image all the same",
            images.join(", ")
        ));
    }
    warnings
}

/// The recorded specs of one kind, by the resource's name. One that can't be read is told of by the sweep.
fn specs<K: Resource>(state: &State) -> impl Iterator<Item = (String, K)> {
    state.resources.iter().filter_map(|(address, record)| {
        if address.kind() != K::KIND {
            return None;
        }
        let spec = serde_json::from_value(record.spec.clone()).ok()?;
        Some((address.name().to_owned(), spec))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{Certainty, ErrorClass};

    fn refused() -> ImageAnswer {
        ImageAnswer::Unknown(Unanswered::Refused(CallError {
            operation: "ecr:DescribeImages".into(),
            code: Some("AccessDeniedException".into()),
            message: "not authorized".into(),
            request_id: None,
            class: ErrorClass::Denied,
            certainty: Certainty::Rejected,
        }))
    }

    #[test]
    fn what_could_not_be_learned_is_told_once() {
        let answers = BTreeMap::from([
            ("a:latest".to_owned(), refused()),
            ("b:latest".to_owned(), refused()),
            (
                "c:1".to_owned(),
                ImageAnswer::Missing("no such image".into()),
            ),
            ("d:1".to_owned(), ImageAnswer::Digest("sha256:0".into())),
            ("e:1".to_owned(), ImageAnswer::Unknown(Unanswered::NotAsked)),
        ]);
        let told = warnings(&answers);
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0], "not in their registry now: c:1");
        assert!(told[1].contains("a:latest, b:latest"), "{told:?}");
        assert!(told[1].contains("not authorized"), "{told:?}");
    }

    #[test]
    fn nothing_known_of_a_new_image_is_nothing() {
        let images = Images::from([(
            "web".to_owned(),
            BTreeMap::from([("web".to_owned(), "a:latest".to_owned())]),
        )]);
        let answers = BTreeMap::from([("a:latest".to_owned(), refused())]);
        let known = digests(&images, &answers, &State::new("shop"));
        assert_eq!(known["web"], BTreeMap::new());
    }
}
