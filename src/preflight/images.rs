//! Are the images there that new task definitions name? Asked where the registry is a private one of ECR.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Check, Finding};
use super::wanted::Wanted;
use crate::aws::{Aws, ImageAnswer, Unanswered, look_up_images};
use crate::kinds::task_definition::TaskDefinition;
use crate::resource::{Address, Cause};

pub async fn findings(aws: &Aws, wanted: Wanted<'_>) -> Vec<Finding> {
    let mut users: BTreeMap<String, Address> = BTreeMap::new();
    for (step, definition) in wanted.touched::<TaskDefinition>() {
        for container in &definition.containers {
            let user = users.entry(container.image.clone());
            user.or_insert_with(|| step.address.clone());
        }
    }
    let references: BTreeSet<String> = users.keys().cloned().collect();
    let answers = look_up_images(aws, &references).await;
    judge(&users, &answers)
}

fn judge(
    users: &BTreeMap<String, Address>,
    answers: &BTreeMap<String, ImageAnswer>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut there = 0;
    let mut not_asked = Vec::new();
    for (reference, user) in users {
        match answers.get(reference) {
            Some(ImageAnswer::Digest(_)) => there += 1,
            Some(ImageAnswer::Missing(why)) => findings.push(
                Finding::error(
                    Check::Images,
                    format!("the image {reference} is not in its registry"),
                )
                .at(user)
                .cause(Cause::ImageMissing)
                .because(format!("no task could start: {why}"))
                .hint("push it first, or mend its name in the stack file"),
            ),
            Some(ImageAnswer::Unknown(Unanswered::Refused(error))) => findings.push(
                Finding::unanswered(Check::Images, &format!("the image {reference}"), error),
            ),
            Some(ImageAnswer::Unknown(Unanswered::NotAsked)) | None => {
                not_asked.push(reference.as_str());
            }
        }
    }
    match there {
        0 => {}
        1 => findings.push(Finding::ok(Check::Images, "1 image is in its registry")),
        _ => findings.push(Finding::ok(
            Check::Images,
            format!("{there} images are in their registries"),
        )),
    }
    if !not_asked.is_empty() {
        findings.push(Finding::skipped(
            Check::Images,
            format!(
                "not in a private registry of ECR, or named by digest: {}",
                not_asked.join(", ")
            ),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::*;
    use crate::resource::CallError;

    #[test]
    fn a_missing_image_stops_it_and_one_that_nobody_knows_of_does_not() {
        let answers = BTreeMap::from([
            ("a:1".to_owned(), ImageAnswer::Digest("sha256:0".into())),
            (
                "b:1".to_owned(),
                ImageAnswer::Missing("no tag `1`".to_owned()),
            ),
            (
                "c:1".to_owned(),
                ImageAnswer::Unknown(Unanswered::Refused(CallError::local(
                    "ecr:DescribeImages",
                    "no",
                ))),
            ),
            ("d:1".to_owned(), ImageAnswer::Unknown(Unanswered::NotAsked)),
        ]);
        let user = Address::new("task_definition", "web");
        let users = answers.keys().map(|key| (key.clone(), user.clone()));
        let findings = judge(&users.collect(), &answers);
        let told: Vec<(Severity, &str)> = findings
            .iter()
            .map(|finding| (finding.severity, finding.what.as_str()))
            .collect();
        assert_eq!(told[0].0, Severity::Error);
        assert_eq!(told[0].1, "the image b:1 is not in its registry");
        assert_eq!(told[1].0, Severity::Warning);
        assert_eq!(told[2], (Severity::Ok, "1 image is in its registry"));
        assert_eq!(told[3].0, Severity::Skipped);
        assert!(told[3].1.ends_with(": d:1"), "{told:?}");
    }
}
