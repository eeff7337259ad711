//! How does an error of the SDK become ours? Whatever went wrong gets a code, a message, a request ID, a class and
//! a certainty.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::change_batch_refusal::invalid_change_batch;
use super::errors::classify;
use crate::resource::{CallError, Certainty, ErrorClass};

/// Ours, from the SDK's.
pub(super) fn call_error<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if let Some(reason) = no_credentials(error) {
        return CallError {
            operation: operation.to_owned(),
            code: None,
            message: reason,
            request_id: None,
            class: ErrorClass::Denied,
            // Without credentials there is no signature, and nothing was sent.
            certainty: Certainty::Rejected,
        };
    }
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let answer = match error.code() {
        Some(code) => Some((
            code.to_owned(),
            error.message().unwrap_or_default().to_owned(),
        )),
        None => error
            .raw_response()
            .and_then(|response| invalid_change_batch(response.body())),
    };
    let (code, message) = match answer {
        Some((code, message)) if message.is_empty() => {
            (Some(code), "no further explanation".to_owned())
        }
        Some((code, message)) => (Some(code), message),
        None => (
            None,
            match error.message() {
                Some(message) if !message.is_empty() => message.to_owned(),
                _ => readable(error),
            },
        ),
    };
    let answered = matches!(error, SdkError::ServiceError(_));
    // A success that can't be read is no refusal: something in between garbled the answer to a call that was made.
    let refused = answered && status.is_some_and(|status| (300..500).contains(&status));
    let class = match (&code, answered) {
        (Some(code), true) => match classify(operation, code, &message) {
            // A 5xx whose code says nothing more.
            ErrorClass::Other if !refused => ErrorClass::Transient,
            class => class,
        },
        // Too many requests, whoever says so.
        (_, true) if status == Some(429) => ErrorClass::Throttled,
        (_, true) if refused => ErrorClass::Other,
        // A proxy or a load balancer in between.
        (_, true) => ErrorClass::Transient,
        (_, false) => match error {
            SdkError::ConstructionFailure(_) => ErrorClass::Invalid,
            SdkError::DispatchFailure(failure) if failure.is_user() => ErrorClass::Invalid,
            _ => ErrorClass::Transient,
        },
    };
    // A throttled request was not carried out, whatever its status: some services throttle with 503.
    let rejected = refused
        || (answered && class == ErrorClass::Throttled)
        || matches!(error, SdkError::ConstructionFailure(_));
    CallError {
        operation: operation.to_owned(),
        code,
        message,
        request_id: request_id(error),
        class,
        certainty: if rejected {
            Certainty::Rejected
        } else {
            Certainty::Ambiguous
        },
    }
}

/// In the header, which is where the SDK looks, or in the body of an XML answer.
fn request_id<E>(error: &SdkError<E, HttpResponse>) -> Option<String>
where
    E: std::error::Error + 'static,
{
    let in_header = error.request_id().map(str::to_owned);
    in_header.or_else(|| {
        let body = std::str::from_utf8(error.raw_response()?.body().bytes()?).ok()?;
        let from = |tag: &str| body.split_once(tag).map(|(_, rest)| rest);
        // EC2 spells it otherwise than the rest.
        let rest = from("<RequestID>").or_else(|| from("<RequestId>"))?;
        let (id, _) = rest.split_once('<')?;
        Some(id.trim().to_owned())
    })
}

/// Why there are no credentials, when that is what is wrong.
fn no_credentials(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<CredentialsError>() {
            Some(CredentialsError::CredentialsNotLoaded(_)) => {
                return Some(
                    "no credentials: neither the environment nor the profile has any, \
                     and there is no role of a web identity, a container or an instance"
                        .to_owned(),
                );
            }
            Some(error) => return Some(format!("no credentials: {}", chain(error))),
            None => cause = error.source(),
        }
    }
    None
}

/// An error and its causes, in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        // Some errors repeat their cause in their own text.
        if !text.ends_with(&message) {
            text.push_str(&format!(": {message}"));
        }
        cause = error.source();
    }
    text
}

/// The causes of an error that AWS never answered, in one line.
fn readable<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: std::error::Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::ServiceError(answer) => format!(
            "the answer has status {} and nothing of AWS's in it",
            answer.raw().status().as_u16()
        ),
        other => chain(other),
    }
}
