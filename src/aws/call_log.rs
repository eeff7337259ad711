//! Which calls does a piece of work make, and how often is each sent? Counted where they are made, for who listens.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::resource::{CallCount, CallError};

tokio::task_local! {
    /// Of the work under way.
    static LOG: CallLog;
    /// How often the call under way was sent.
    static SENT: Arc<AtomicU32>;
}

/// What was called so far.
#[derive(Clone, Debug, Default)]
pub struct CallLog(Arc<Mutex<Vec<CallCount>>>);

impl CallLog {
    /// Does the work and counts its calls. What it starts as a task of its own is not counted.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        LOG.scope(self.clone(), work).await
    }

    /// By operation, in the order of the first calls.
    pub fn counts(&self) -> Vec<CallCount> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, operation: &str, requests: u32, error: Option<&CallError>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = counts.iter().position(|count| count.operation == operation);
        let index = known.unwrap_or_else(|| {
            counts.push(CallCount {
                operation: operation.to_owned(),
                ..CallCount::default()
            });
            counts.len() - 1
        });
        let count = &mut counts[index];
        count.calls += 1;
        count.requests += requests;
        if let Some(error) = error.filter(|error| !answers(operation, error)) {
            let code = error.code.as_deref().unwrap_or("no answer");
            *count.refused.entry(code.to_owned()).or_default() += 1;
        }
    }
}

/// Whether "not found" is what was asked: is there one of this name?
fn answers(operation: &str, error: &CallError) -> bool {
    let (_, verb) = operation.split_once(':').unwrap_or_default();
    let looks = ["Describe", "Get", "List"];
    error.is_not_found() && looks.iter().any(|look| verb.starts_with(look))
}

/// One call, counted. Nobody listens outside of [`CallLog::during`].
pub(super) async fn counted<T>(
    operation: &str,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let sent = Arc::new(AtomicU32::new(0));
    let answer = SENT.scope(sent.clone(), call).await;
    // No log is no error.
    let _ = LOG.try_with(|log| {
        log.note(
            operation,
            sent.load(Ordering::Relaxed),
            answer.as_ref().err(),
        );
    });
    answer
}

/// An HTTP client that tells the call under way of each request it sends for it.
pub(super) fn counting(client: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(Counting(client))
}

#[derive(Debug)]
struct Counting<T>(T);

impl HttpClient for Counting<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Counting(self.0.http_connector(settings, components)))
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

impl HttpConnector for Counting<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Requests for credentials belong to no call.
        let _ = SENT.try_with(|sent| sent.fetch_add(1, Ordering::Relaxed));
        self.0.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::ErrorClass;

    #[tokio::test]
    async fn what_is_called_is_counted_by_operation_and_refusal() {
        let log = CallLog::default();
        let refusal = || {
            Err::<(), _>(CallError {
                code: Some("Throttling".to_owned()),
                ..CallError::local("ecs:CreateService", "no")
            })
        };
        log.during(async {
            for answer in [refusal(), Ok(())] {
                let _ = counted("ecs:CreateService", async { answer }).await;
            }
            let sent_twice = async {
                SENT.with(|sent| sent.fetch_add(2, Ordering::Relaxed));
                Ok(())
            };
            let _ = counted("ec2:DescribeVpcs", sent_twice).await;
        })
        .await;
        let _ = counted("sts:GetCallerIdentity", async { Ok(()) }).await;
        let none = CallError {
            class: ErrorClass::NotFound,
            ..CallError::local("iam:GetRole", "no")
        };
        assert!(answers("iam:GetRole", &none) && !answers("ec2:CreateSubnet", &none));
        let counts = log.counts();
        assert_eq!(counts.len(), 2);
        assert_eq!((counts[0].calls, counts[0].refused["Throttling"]), (2, 1));
        assert_eq!((counts[1].calls, counts[1].requests), (1, 2));
    }
}
