//! How is one call made? `send` turns the SDK's error into ours; `settle` also waits out
//! eventual consistency and throttling.

use std::future::Future;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::{Instant, sleep};

use super::call_error::call_error;
use super::call_log::counted;
use crate::resource::{CallError, Certainty};

/// Makes one call and gives its error a class.
pub fn send<O, E>(
    operation: &str,
    call: impl Future<Output = Result<O, SdkError<E, HttpResponse>>>,
) -> impl Future<Output = Result<O, CallError>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    // The SDK's futures are large, and each future around one holds it several times over: in a box from the
    // beginning, they take no part of the stack.
    let call = Box::pin(call);
    async move {
        tracing::debug!(operation, "call");
        let answer = counted(operation, async {
            call.await.map_err(|error| call_error(operation, &error))
        })
        .await;
        if let Err(error) = &answer {
            tracing::debug!(operation, %error, "refused");
        }
        answer
    }
}

/// What a call may have to wait for before AWS takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// Nothing but throttling. For calls whose "not found" is an answer.
    Throttling,
    /// A dependency made a moment ago that AWS does not show everywhere yet: "not found" is asked
    /// again for a minute (aws-behaviour §2, EC2 eventual consistency; §2.12 and §2.15 have 1 min and 20 s).
    Fresh,
    /// Nothing but throttling and another change of the same object that is still in progress
    /// (aws-behaviour §2.8 ConcurrentModification, §2.10 OperationAborted). For deletes.
    Contended,
    /// A role, certificate or service-linked role that AWS spreads for minutes: two for roles
    /// (aws-behaviour §2, IAM propagation), four for ECS services (§2.18 "retry"), five for a
    /// certificate at a listener (§1 row 18).
    Spreading,
}

/// Makes one call, again and again while AWS definitely refuses it for a reason that passes.
/// A call whose fate is unknown is never sent again here: that could make a second object.
pub async fn settle<O, E, F>(
    operation: &str,
    settle: Settle,
    mut call: impl FnMut() -> F,
) -> Result<O, CallError>
where
    F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let began = Instant::now();
    // 0.25, 0.5, 1, then every 2 s: the cadence of aws-behaviour §2, IAM propagation.
    let mut pause = Duration::from_millis(250);
    loop {
        let error = match send(operation, call()).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let budget = match error.certainty {
            Certainty::Rejected => settle.budget(error.class),
            Certainty::Ambiguous => None,
        };
        match budget {
            Some(budget) if began.elapsed() + pause <= budget => {
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            _ => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use aws_sdk_ec2::operation::create_subnet::CreateSubnetError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    type Refusal = SdkError<CreateSubnetError, HttpResponse>;

    /// As EC2 answers it, with its code and its status.
    fn refusal(status: u16, code: &str) -> Refusal {
        let metadata = ErrorMetadata::builder().code(code).message("no").build();
        SdkError::service_error(
            CreateSubnetError::generic(metadata),
            HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty()),
        )
    }

    fn lost() -> Refusal {
        SdkError::timeout_error("no answer")
    }

    /// Calls until AWS takes it, which it does after `refusals` of them: how that ended, and the number of calls.
    async fn called(
        how: Settle,
        refusals: u32,
        refuse: impl Fn() -> Refusal,
    ) -> (Result<(), CallError>, u32) {
        let calls = Cell::new(0);
        let result = settle("ec2:CreateSubnet", how, || {
            calls.set(calls.get() + 1);
            let answer = match calls.get() > refusals {
                true => Ok(()),
                false => Err(refuse()),
            };
            async { answer }
        })
        .await;
        (result, calls.get())
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_fresh_is_asked_for_again() {
        let unseen = || refusal(400, "InvalidVpcID.NotFound");
        let (result, calls) = called(Settle::Fresh, 4, unseen).await;
        assert_eq!((result, calls), (Ok(()), 5));
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_shows_up_is_given_up() {
        let unseen = || refusal(400, "InvalidVpcID.NotFound");
        let (result, calls) = called(Settle::Fresh, u32::MAX, unseen).await;
        assert!(result.unwrap_err().is_not_found());
        assert!(calls > 10, "{calls}");
    }

    #[tokio::test(start_paused = true)]
    async fn not_found_is_an_answer_where_nothing_fresh_is_named() {
        let unseen = || refusal(400, "InvalidVpcID.NotFound");
        let (result, calls) = called(Settle::Throttling, 1, unseen).await;
        assert!(result.unwrap_err().is_not_found());
        assert_eq!(calls, 1);
    }

    /// EC2 throttles with 503, which would else count as a call of unknown fate; the others with 400.
    #[tokio::test(start_paused = true)]
    async fn throttling_is_waited_out_by_every_call() {
        for status in [400, 503] {
            for how in [Settle::Throttling, Settle::Fresh, Settle::Contended] {
                let throttled = || refusal(status, "RequestLimitExceeded");
                let (result, calls) = called(how, 20, throttled).await;
                assert_eq!((result, calls), (Ok(()), 21), "{status} {how:?}");
            }
        }
    }

    /// How long each way of calling waits for each class of refusal (aws-behaviour §2, §1 row 18, §2.18).
    #[tokio::test(start_paused = true)]
    async fn every_reason_to_call_again_has_its_budget() {
        let codes = [
            "RequestLimitExceeded",
            "InvalidVpcID.NotFound",
            "OperationAbortedException",
            "DependencyViolation",
            "VpcLimitExceeded",
            "UnauthorizedOperation",
            "RouteAlreadyExists",
            "InvalidParameterValue",
        ];
        let budgets = [
            (Settle::Throttling, [120, 0, 0, 0, 0, 0, 0, 0]),
            (Settle::Fresh, [120, 60, 60, 0, 0, 0, 0, 0]),
            (Settle::Contended, [120, 0, 60, 0, 0, 0, 0, 0]),
            (Settle::Spreading, [120, 60, 300, 0, 0, 0, 0, 0]),
        ];
        for (how, seconds) in budgets {
            for (code, seconds) in codes.into_iter().zip(seconds) {
                let began = Instant::now();
                let (result, _) = called(how, u32::MAX, || refusal(400, code)).await;
                assert_eq!(result.unwrap_err().code.as_deref(), Some(code));
                // The last pause may fall short of the end by itself.
                let waited = began.elapsed().as_secs();
                let longest = waited + u64::from(seconds > 0) * 2;
                assert!(
                    (waited..=longest).contains(&seconds),
                    "{how:?}, {code}: {waited} s"
                );
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_of_unknown_fate_is_never_sent_again() {
        for refuse in [lost, || refusal(500, "InternalError")] {
            let (result, calls) = called(Settle::Spreading, 1, refuse).await;
            assert_eq!(result.unwrap_err().certainty, Certainty::Ambiguous);
            assert_eq!(calls, 1);
        }
    }
}
