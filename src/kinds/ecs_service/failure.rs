//! For which cause of the catalogue did a task fail? ECS and the registries say it in words only.
//!
//! The words are those of the ECS developer guide ("Stopped tasks error messages", "Service event messages") and of
//! what people report of them: aws/containers-roadmap#1120, aws/copilot-cli#4504, wellcomecollection/platform#3875.

use crate::resource::Cause;

/// One failure: what ECS says of it, and what that stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In ECS's words.
    pub text: String,
    /// The cause, if it is known.
    pub cause: Option<Cause>,
}

impl Failure {
    /// What ECS says, with the cause that its words stand for.
    pub fn told(text: impl Into<String>) -> Self {
        let text = text.into();
        Failure {
            cause: cause_of_words(&text),
            text,
        }
    }

    /// What ECS says, with its cause's code.
    pub fn with_code(&self) -> String {
        match self.cause {
            Some(cause) => format!("{} ({cause})", self.text),
            None => self.text.clone(),
        }
    }
}

/// The failure without what differs from task to task: IDs, addresses, request numbers.
pub fn generalised(failure: &str) -> String {
    let part_of_word =
        |character: char| character.is_ascii_alphanumeric() || "-.:".contains(character);
    let differs = |word: &&str| {
        word.len() >= 7
            && word.contains(|character: char| character.is_ascii_digit())
            && word
                .chars()
                .all(|character| character.is_ascii_hexdigit() || "-.:".contains(character))
    };
    // `subnet-0123456789abcdef0`.
    let identifies = |word: &&str| {
        word.rsplit_once('-').is_some_and(|(_, number)| {
            number.len() >= 8
                && number
                    .chars()
                    .all(|character| character.is_ascii_hexdigit())
        })
    };
    let words = failure.split(|character| !part_of_word(character));
    words
        .filter(|word| !word.is_empty() && !differs(word) && !identifies(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The cause that these words stand for.
pub fn cause_of_words(text: &str) -> Option<Cause> {
    let says = |part: &str| text.contains(part);
    if says("CannotPull") {
        return cause_of_pull(text);
    }
    if says("ResourceInitializationError") {
        return cause_of_initialization(text);
    }
    let by_words = [
        ("unable to assume the role", Cause::RoleNotAssumable),
        ("service linked role", Cause::ServiceLinkedRole),
        ("OutOfMemory", Cause::OutOfMemory),
        ("exec format error", Cause::ImagePlatform),
        ("CannotStartContainerError", Cause::CannotStart),
        ("CannotCreateContainerError", Cause::CannotStart),
        ("container ordering dependency", Cause::DependencyFailed),
        ("failed container health checks", Cause::ContainerUnhealthy),
        ("limit on the number of vCPUs", Cause::FargateQuota),
        ("limit on the number of tasks", Cause::FargateQuota),
        ("Capacity is unavailable", Cause::NoCapacity),
        ("enough free addresses", Cause::SubnetFull),
        ("InsufficientFreeAddresses", Cause::SubnetFull),
    ];
    by_words
        .iter()
        .find(|(words, _)| says(words))
        .map(|(_, cause)| *cause)
}

/// Whether a connection came to nothing.
fn is_cut_off(text: &str) -> bool {
    [
        "timeout",
        "deadline exceeded",
        "connection issue",
        "request canceled",
        "network is unreachable",
        "no such host",
    ]
    .iter()
    .any(|words| text.contains(words))
}

fn is_refused(text: &str) -> bool {
    [
        "AccessDenied",
        "not authorized",
        "403 Forbidden",
        "unexpected status: 401",
        "pull access denied",
        "no basic auth credentials",
        "authorization failed",
        "Access to KMS is not allowed",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// The order matters: what is missing for a platform is "not found" too, and Docker Hub says of what it refuses that
/// it may not exist.
fn cause_of_pull(text: &str) -> Option<Cause> {
    let says = |part: &str| text.contains(part);
    if says("platform") || says("no matching manifest") {
        Some(Cause::ImagePlatform)
    } else if says("toomanyrequests") || says("Too Many Requests") || says("rate limit") {
        Some(Cause::PullLimit)
    } else if is_refused(text) {
        Some(Cause::ImageDenied)
    } else if is_cut_off(text) {
        Some(Cause::NoWayToRegistry)
    } else if says("not found") || says("does not exist") || says("manifest unknown") {
        Some(Cause::ImageMissing)
    } else {
        None
    }
}

/// What ECS fetches before anything starts.
fn cause_of_initialization(text: &str) -> Option<Cause> {
    let says = |part: &str| text.contains(part);
    let registry = says("ecr registry auth");
    if is_cut_off(text) {
        return Some(match registry {
            true => Cause::NoWayToRegistry,
            false => Cause::NoWayToService,
        });
    }
    if is_refused(text) {
        return Some(match registry {
            true => Cause::ImageDenied,
            false => Cause::ExecutionRoleDenied,
        });
    }
    if says("env files") {
        Some(Cause::EnvironmentFileMissing)
    } else if says("log group does not exist") {
        Some(Cause::LogGroupMissing)
    } else if says("secret from asm") || says("secrets from ssm") {
        Some(Cause::SecretMissing)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_reason_is_the_same_whatever_ids_it_holds() {
        let pull = |request: &str, address: &str| {
            generalised(&format!(
                "ResourceInitializationError: RequestId: {request}, dial tcp {address}: i/o timeout"
            ))
        };
        assert_eq!(
            pull("a7a0a2b4-1111-4cde-9d2b-000000000001", "10.0.10.5:443"),
            pull("b7a0a2b4-2222-4cde-9d2b-000000000002", "10.0.11.7:443"),
        );
        let full = |subnet| generalised(&format!("The specified subnet '{subnet}' is full"));
        assert_eq!(
            full("subnet-0123456789abcdef0"),
            full("subnet-0abcdef0123456789")
        );
        assert_ne!(
            generalised("exited with code 1"),
            generalised("exited with code 137")
        );
    }

    #[test]
    fn the_words_of_ecs_and_of_registries_are_understood() {
        let told = [
            (
                "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain descriptor matching platform 'linux/amd64'.",
                Cause::ImagePlatform,
            ),
            (
                "CannotPullContainerError: no match for platform in manifest: not found",
                Cause::ImagePlatform,
            ),
            (
                "CannotPullContainerError: inspect image has been retried 5 time(s): httpReaderSeeker: failed open: unexpected status code Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.",
                Cause::PullLimit,
            ),
            (
                "CannotPullContainerError: pull access denied for shop/web, repository does not exist or may require 'docker login'",
                Cause::ImageDenied,
            ),
            (
                "CannotPullContainerError: failed to resolve reference: unexpected status from HEAD request: 403 Forbidden",
                Cause::ImageDenied,
            ),
            (
                "CannotPullContainerError: failed to do request: Head \"https://x/v2/api/manifests/v42\": dial tcp 10.0.3.17:443: i/o timeout",
                Cause::NoWayToRegistry,
            ),
            (
                "CannotPullContainerError: failed to resolve ref docker.io/library/web:2: not found",
                Cause::ImageMissing,
            ),
            (
                "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr registry auth: RequestError: send request failed caused by: Post: dial tcp: i/o timeout",
                Cause::NoWayToRegistry,
            ),
            (
                "ResourceInitializationError: unable to retrieve secret from asm: RequestCanceled: request context canceled caused by: context deadline exceeded. Please check your task network configuration.",
                Cause::NoWayToService,
            ),
            (
                "ResourceInitializationError: unable to retrieve secrets from ssm: AccessDeniedException: User: arn:x is not authorized to perform: ssm:GetParameters",
                Cause::ExecutionRoleDenied,
            ),
            (
                "ResourceInitializationError: unable to retrieve secret from asm: AccessDeniedException: Access to KMS is not allowed",
                Cause::ExecutionRoleDenied,
            ),
            (
                "ResourceInitializationError: unable to retrieve secret from asm: ResourceNotFoundException: Secrets Manager can't find the specified secret.",
                Cause::SecretMissing,
            ),
            (
                "ResourceInitializationError: unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid parameters: web/key",
                Cause::SecretMissing,
            ),
            (
                "ResourceInitializationError: failed to download env files: api error NotFound: Not Found",
                Cause::EnvironmentFileMissing,
            ),
            (
                "ResourceInitializationError: failed to validate logger args: ResourceNotFoundException: The specified log group does not exist.",
                Cause::LogGroupMissing,
            ),
            (
                "was unable to place a task. Reason: You've reached the limit on the number of vCPUs you can run concurrently",
                Cause::FargateQuota,
            ),
            (
                "was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone",
                Cause::NoCapacity,
            ),
            (
                "was unable to place a task. Reason: The specified subnet does not have enough free addresses to satisfy the request.",
                Cause::SubnetFull,
            ),
            (
                "CannotStartContainerError: failed to create new container runtime task: exec: \"serve\": executable file not found in $PATH",
                Cause::CannotStart,
            ),
        ];
        for (words, cause) in told {
            assert_eq!(cause_of_words(words), Some(cause), "{words}");
        }
        assert_eq!(cause_of_words("Essential container in task exited"), None);
    }
}
