//! A create finds its name taken: by this very create's earlier attempt, or by a stranger?

use std::future::Future;
use std::time::Duration;

use tokio::time::sleep;

use crate::resource::{CallError, Certainty, ErrorClass};

/// The refusal of a create whose name belongs to somebody else. `what` is the object as a person
/// calls it, "the load balancer `web`".
pub fn taken(operation: &str, what: &str) -> CallError {
    CallError {
        class: ErrorClass::AlreadyExists,
        ..CallError::local(
            operation,
            format!(
                "{what} is there already and does not belong to this stack; \
                 change yours in the stack file, or remove that one"
            ),
        )
    }
}

/// How often it is looked for what holds the name, and how long before. What the first sending made
/// a moment ago may not be shown yet, or not with its tags (aws-behaviour §2, EC2 eventual
/// consistency and IAM propagation); taken for a stranger's it would be lost for good.
const LOOKS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_millis(1500),
];

/// What to make of a refused create. The SDK sends a request again when the answer got lost, and the
/// second sending then finds what the first one made: `find` tells by the create's token.
pub async fn ours_or_taken<O, F>(
    error: CallError,
    what: &str,
    find: impl Fn() -> F,
) -> Result<O, CallError>
where
    F: Future<Output = Result<Option<O>, CallError>>,
{
    if error.class != ErrorClass::AlreadyExists {
        return Err(error);
    }
    let mut found = Ok(None);
    for pause in LOOKS {
        sleep(pause).await;
        found = find().await;
        if !matches!(found, Ok(None)) {
            break;
        }
    }
    match found {
        Ok(Some(ours)) => Ok(ours),
        Ok(None) => Err(CallError {
            message: format!(
                "{} ({what} does not belong to this stack; change yours in the stack file, or remove \
                 that one)",
                error.message
            ),
            ..error
        }),
        // Nobody looked, so it may be ours after all: the next run has to look again.
        Err(unanswered) => Err(CallError {
            certainty: Certainty::Ambiguous,
            ..unanswered
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(class: ErrorClass) -> CallError {
        CallError {
            class,
            ..CallError::local("iam:CreateRole", "Role with name x already exists.")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_same_token_made_is_ours() {
        let found = async || Ok(Some("arn"));
        let answer = ours_or_taken(refused(ErrorClass::AlreadyExists), "role x", found).await;
        assert_eq!(answer, Ok("arn"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stranger_of_that_name_is_an_error_that_says_so() {
        let found = async || Ok(None::<()>);
        let error = ours_or_taken(refused(ErrorClass::AlreadyExists), "role x", found)
            .await
            .unwrap_err();
        assert!(
            error
                .message
                .starts_with("Role with name x already exists.")
        );
        assert!(
            error
                .message
                .contains("role x does not belong to this stack")
        );
        assert_eq!(error.certainty, Certainty::Rejected);
    }

    #[tokio::test(start_paused = true)]
    async fn when_nobody_could_look_the_outcome_stays_open() {
        let found = async || Err::<Option<()>, _>(CallError::local("iam:GetRole", "denied"));
        let error = ours_or_taken(refused(ErrorClass::AlreadyExists), "role x", found)
            .await
            .unwrap_err();
        assert_eq!(error.certainty, Certainty::Ambiguous);
    }

    #[tokio::test(start_paused = true)]
    async fn any_other_refusal_is_passed_on_without_looking() {
        let found = async || panic!("looked");
        let error = ours_or_taken::<(), _>(refused(ErrorClass::Quota), "role x", found).await;
        assert_eq!(error, Err(refused(ErrorClass::Quota)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_aws_shows_only_after_a_moment_is_ours_all_the_same() {
        let looks = std::cell::Cell::new(0);
        let found = async || {
            looks.set(looks.get() + 1);
            Ok((looks.get() == 3).then_some("arn"))
        };
        let answer = ours_or_taken(refused(ErrorClass::AlreadyExists), "role x", found).await;
        assert_eq!(answer, Ok("arn"));
    }
}
