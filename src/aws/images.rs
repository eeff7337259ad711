//! What does its registry say of an image now: which digest, that it is missing, or nothing at all?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_ecr::types::ImageIdentifier;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region;
use futures::future::join_all;

use super::{Aws, send};
use crate::resource::CallError;

/// DescribeImages takes this many image IDs per call.
const IMAGES_PER_CALL: usize = 100;

/// What is known of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageAnswer {
    /// The digest that the tag names now, `sha256:…`.
    Digest(String),
    /// The registry has no such repository or no such tag; the text is AWS's.
    Missing(String),
    /// The registry can't be asked: it is none of ECR's private ones, or it did not answer.
    Unknown(Unanswered),
}

/// Why nothing is known of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// There is nothing to ask: the reference names a digest itself, or a registry that is not ECR's.
    NotAsked,
    /// ECR refused the question, or could not be reached.
    Refused(CallError),
}

/// The repository of a private registry of ECR, and what of it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
struct EcrImage {
    repository: Repository,
    tag: String,
}

/// Whom to ask: one call answers for many tags of one repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    account: String,
    region: String,
    name: String,
}

impl Repository {
    /// As a policy names it.
    pub fn arn(&self, partition: &str) -> String {
        let Repository {
            account,
            region,
            name,
        } = self;
        format!("arn:{partition}:ecr:{region}:{account}:repository/{name}")
    }
}

/// The repository that would be asked about an image, if any is.
pub fn ecr_repository(reference: &str) -> Option<Repository> {
    ecr_image(reference).map(|image| image.repository)
}

/// Asks the registries about all these image references: one call per repository, all at the same time.
/// Never fails: what can't be learned is an answer too.
pub async fn look_up_images(
    aws: &Aws,
    references: &BTreeSet<String>,
) -> BTreeMap<String, ImageAnswer> {
    let mut tags: BTreeMap<Repository, BTreeSet<String>> = BTreeMap::new();
    let mut images = BTreeMap::new();
    for reference in references {
        if let Some(image) = ecr_image(reference) {
            let asked = tags.entry(image.repository.clone()).or_default();
            asked.insert(image.tag.clone());
            images.insert(reference, image);
        }
    }
    let answers: BTreeMap<(Repository, String), ImageAnswer> =
        join_all(tags.into_iter().map(async |(repository, tags)| {
            let tags: Vec<String> = tags.into_iter().collect();
            let chunks = tags.chunks(IMAGES_PER_CALL);
            let answers = join_all(chunks.map(|some| ask(aws, &repository, some))).await;
            answers
                .into_iter()
                .flatten()
                .map(|(tag, answer)| ((repository.clone(), tag), answer))
                .collect::<Vec<_>>()
        }))
        .await
        .into_iter()
        .flatten()
        .collect();
    references
        .iter()
        .map(|reference| {
            let answer = images.get(reference).and_then(|image| {
                let key = (image.repository.clone(), image.tag.clone());
                answers.get(&key).cloned()
            });
            let answer = answer.unwrap_or(ImageAnswer::Unknown(Unanswered::NotAsked));
            (reference.clone(), answer)
        })
        .collect()
}

/// What ECR says of some tags of a repository. One tag that is missing fails the whole call, so that
/// then each is asked for alone.
async fn ask(aws: &Aws, repository: &Repository, tags: &[String]) -> Vec<(String, ImageAnswer)> {
    match describe(aws, repository, tags).await {
        Ok(digests) => tags
            .iter()
            .map(|tag| {
                let answer = match digests.get(tag) {
                    Some(digest) => ImageAnswer::Digest(digest.clone()),
                    None => ImageAnswer::Missing(format!(
                        "the answer about repository {} holds no tag `{tag}`",
                        repository.name
                    )),
                };
                (tag.clone(), answer)
            })
            .collect(),
        Err(error) if is_missing_image(&error) && tags.len() > 1 => {
            let each = tags.iter().map(async |tag| {
                let answer = match describe(aws, repository, std::slice::from_ref(tag)).await {
                    Ok(digests) => digests.get(tag).cloned().map_or_else(
                        || ImageAnswer::Missing(format!("no tag `{tag}`")),
                        ImageAnswer::Digest,
                    ),
                    Err(error) => failed(error),
                };
                (tag.clone(), answer)
            });
            join_all(each).await
        }
        Err(error) => tags
            .iter()
            .map(|tag| (tag.clone(), failed(error.clone())))
            .collect(),
    }
}

fn is_missing_image(error: &CallError) -> bool {
    error.code.as_deref() == Some("ImageNotFoundException")
}

fn failed(error: CallError) -> ImageAnswer {
    match error.is_not_found() {
        true => ImageAnswer::Missing(error.message),
        false => ImageAnswer::Unknown(Unanswered::Refused(error)),
    }
}

/// The digests by tag. Gives up within seconds: a deployment does without the answer.
async fn describe(
    aws: &Aws,
    repository: &Repository,
    tags: &[String],
) -> Result<BTreeMap<String, String>, CallError> {
    let impatient = aws_sdk_ecr::config::Builder::new()
        .region(Region::new(repository.region.clone()))
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .read_timeout(Duration::from_secs(5))
                .build(),
        );
    let ids = tags
        .iter()
        .map(|tag| ImageIdentifier::builder().image_tag(tag).build())
        .collect();
    let call = aws
        .ecr
        .describe_images()
        .registry_id(&repository.account)
        .repository_name(&repository.name)
        .set_image_ids(Some(ids))
        .customize()
        .config_override(impatient);
    let answer = send("ecr:DescribeImages", call.send()).await?;
    let mut digests = BTreeMap::new();
    for detail in answer.image_details.unwrap_or_default() {
        let Some(digest) = detail.image_digest else {
            continue;
        };
        for tag in detail.image_tags.unwrap_or_default() {
            digests.insert(tag, digest.clone());
        }
    }
    Ok(digests)
}

/// What to ask ECR for. `None` where there is nothing to ask: a digest is its own answer, and other
/// registries have no such question for AWS credentials.
fn ecr_image(reference: &str) -> Option<EcrImage> {
    let (host, path) = reference.split_once('/')?;
    let (account, region) = private_registry(host)?;
    if path.contains('@') {
        return None;
    }
    // Docker's rule: no tag is `latest`.
    let (name, tag) = path.rsplit_once(':').unwrap_or((path, "latest"));
    Some(EcrImage {
        repository: Repository {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
        },
        tag: tag.to_owned(),
    })
}

/// Account and region of `123456789012.dkr.ecr.eu-west-1.amazonaws.com` and of its other spellings:
/// FIPS, China, and the dual-stack `123456789012.dkr-ecr.eu-west-1.on.aws`.
fn private_registry(host: &str) -> Option<(&str, &str)> {
    let (account, rest) = host.split_once('.')?;
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let classic = || {
        rest.strip_prefix("dkr.ecr.")
            .or_else(|| rest.strip_prefix("dkr.ecr-fips."))
            .and_then(|rest| {
                rest.strip_suffix(".amazonaws.com")
                    .or_else(|| rest.strip_suffix(".amazonaws.com.cn"))
            })
    };
    let dual_stack = || {
        rest.strip_prefix("dkr-ecr.")
            .or_else(|| rest.strip_prefix("dkr-ecr-fips."))
            .and_then(|rest| {
                rest.strip_suffix(".on.aws")
                    .or_else(|| rest.strip_suffix(".on.amazonwebservices.com.cn"))
            })
    };
    let region = classic().or_else(dual_stack)?;
    (!region.is_empty() && !region.contains('.')).then_some((account, region))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{Certainty, ErrorClass};

    fn parts(reference: &str) -> Option<(String, String, String, String)> {
        let EcrImage { repository, tag } = ecr_image(reference)?;
        let Repository {
            account,
            region,
            name,
        } = repository;
        Some((account, region, name, tag))
    }

    #[test]
    fn a_private_registry_tells_whom_to_ask() {
        for (reference, region, name, tag) in [
            (
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1.2",
                "eu-west-1",
                "web",
                "1.2",
            ),
            (
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/web",
                "eu-west-1",
                "team/web",
                "latest",
            ),
            (
                "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/web:a",
                "us-east-1",
                "web",
                "a",
            ),
            (
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/web:a",
                "cn-north-1",
                "web",
                "a",
            ),
            (
                "123456789012.dkr-ecr.eu-west-1.on.aws/web:a",
                "eu-west-1",
                "web",
                "a",
            ),
        ] {
            let expected = ("123456789012", region, name, tag);
            let found = parts(reference).unwrap();
            let found = (
                found.0.as_str(),
                found.1.as_str(),
                found.2.as_str(),
                found.3.as_str(),
            );
            assert_eq!(found, expected, "{reference}");
        }
    }

    #[test]
    fn other_registries_and_digests_are_not_asked_for() {
        let digest = "0".repeat(64);
        for reference in [
            "nginx",
            "nginx:latest",
            "team/web:1",
            "public.ecr.aws/nginx/nginx:stable",
            "registry.example.com:5000/web:1",
            "12345.dkr.ecr.eu-west-1.amazonaws.com/web:1",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.example.com/web:1",
            "123456789012.dkr.ecr.eu-west-1.evil.amazonaws.com/web:1",
            &format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/web@sha256:{digest}"),
            &format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1@sha256:{digest}"),
        ] {
            assert_eq!(parts(reference), None, "{reference}");
        }
    }

    #[test]
    fn not_there_is_told_from_not_allowed() {
        let error = |code: &str| CallError {
            operation: "ecr:DescribeImages".into(),
            code: Some(code.into()),
            message: "no".into(),
            request_id: None,
            class: crate::aws::classify("ecr:DescribeImages", code, "no"),
            certainty: Certainty::Rejected,
        };
        for code in ["RepositoryNotFoundException", "ImageNotFoundException"] {
            assert_eq!(
                failed(error(code)),
                ImageAnswer::Missing("no".into()),
                "{code}"
            );
        }
        let denied = error("AccessDeniedException");
        assert_eq!(denied.class, ErrorClass::Denied);
        let answer = failed(denied.clone());
        assert_eq!(answer, ImageAnswer::Unknown(Unanswered::Refused(denied)));
    }
}
