//! How is one call made? `send` turns the SDK's error into ours; `settle` also waits out
//! eventual consistency and throttling.

use std::future::Future;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::{Instant, sleep};

use super::errors::call_error;
use crate::resource::{CallError, Certainty, ErrorClass};

/// Makes one call and gives its error a class.
pub async fn send<O, E>(
    operation: &str,
    call: impl Future<Output = Result<O, SdkError<E, HttpResponse>>>,
) -> Result<O, CallError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    tracing::debug!(operation, "call");
    let answer = call.await.map_err(|error| call_error(operation, &error));
    if let Err(error) = &answer {
        tracing::debug!(operation, %error, "refused");
    }
    answer
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
    /// A role, certificate or service-linked role that AWS spreads for up to two minutes
    /// (aws-behaviour §2, IAM propagation; §1 rows 30 and 32 for ECS services).
    Spreading,
}

impl Settle {
    fn budget(self, class: ErrorClass) -> Option<Duration> {
        match (self, class) {
            (_, ErrorClass::Throttled) => Some(Duration::from_secs(120)),
            (Settle::Fresh | Settle::Spreading, ErrorClass::NotFound) => {
                Some(Duration::from_secs(60))
            }
            (Settle::Spreading, ErrorClass::NotYet) => Some(Duration::from_secs(240)),
            (Settle::Fresh | Settle::Contended, ErrorClass::NotYet) => {
                Some(Duration::from_secs(60))
            }
            _ => None,
        }
    }
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
