//! What went wrong, is it certain, and what did it leave behind?

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cause, Diagnosis, Holder, LogExcerpt};

/// What an error asks of the caller. `aws/errors.rs` decides it, from aws-behaviour §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The object named is not there. After a create it may only be too fresh.
    NotFound,
    /// Something of that name is there already.
    AlreadyExists,
    /// Something that AWS spreads slowly (a role, a certificate) has not arrived yet: ask again.
    NotYet,
    /// Something else still uses the object: ask again once that is gone.
    InUse,
    /// Too many requests: ask again later.
    Throttled,
    /// A limit of the account is reached.
    Quota,
    /// The caller may not do this, or the credentials are no good.
    Denied,
    /// The request can never succeed as it is.
    Invalid,
    /// Nobody knows whether AWS got it: a time-out, a lost connection, a 5xx.
    Transient,
    /// Anything else that AWS refused.
    Other,
}

/// Whether a failed call may have had its effect all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// AWS answered no: nothing was done.
    Rejected,
    /// The answer is missing: it may have been done.
    Ambiguous,
}

/// One AWS call that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallError {
    /// Service and operation, `ec2:CreateVpc`.
    pub operation: String,
    /// AWS's error code, when it answered.
    pub code: Option<String>,
    /// AWS's message, or what broke on the way.
    pub message: String,
    /// AWS's request ID, when it answered.
    pub request_id: Option<String>,
    /// What the error asks for.
    pub class: ErrorClass,
    /// Whether the call may have had its effect.
    pub certainty: Certainty,
}

impl CallError {
    /// An error that navi itself found while reading an answer or preparing a call.
    pub fn local(operation: &str, message: impl Into<String>) -> Self {
        CallError {
            operation: operation.to_owned(),
            code: None,
            message: message.into(),
            request_id: None,
            class: ErrorClass::Invalid,
            certainty: Certainty::Rejected,
        }
    }

    /// A call that AWS carried out and answered without what identifies the result. There is
    /// something now, and only a look by token, tag or name can tell what.
    pub fn incomplete(operation: &str, message: impl Into<String>) -> Self {
        CallError {
            class: ErrorClass::Other,
            certainty: Certainty::Ambiguous,
            ..CallError::local(operation, message)
        }
    }

    /// Whether AWS said that the object is not there.
    pub fn is_not_found(&self) -> bool {
        self.class == ErrorClass::NotFound
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.operation)?;
        if let Some(code) = &self.code {
            write!(formatter, " answered {code}")?;
        }
        write!(formatter, ": {}", self.message)?;
        if let Some(request_id) = &self.request_id {
            write!(formatter, " (request {request_id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for CallError {}

/// What a failed step left in the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leftover {
    /// Nothing.
    None,
    /// Perhaps something: the next run looks for it by token, tag or name.
    Maybe,
    /// This; the value holds its outputs.
    Known(Value),
}

/// A step of a plan that failed, and what it left behind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{source}")]
pub struct StepError {
    /// What is left in the account.
    pub leftover: Leftover,
    /// The call that failed.
    pub source: CallError,
    /// What kept AWS from doing it, where AWS's own words don't name it.
    pub holders: Vec<Holder>,
    /// Why, where somebody knows better than the call's code and words.
    pub cause: Option<Cause>,
    /// What containers wrote last.
    pub logs: Vec<LogExcerpt>,
}

impl StepError {
    /// The step's first calls succeeded and made `outputs`, a later one failed.
    pub fn after<O: Serialize>(outputs: &O, source: CallError) -> Self {
        let leftover = match serde_json::to_value(outputs) {
            Ok(value) => Leftover::Known(value),
            Err(_) => Leftover::Maybe,
        };
        StepError {
            leftover,
            source,
            holders: Vec::new(),
            cause: None,
            logs: Vec::new(),
        }
    }

    /// With what is known of why.
    pub fn diagnosed(self, Diagnosis { cause, logs }: Diagnosis) -> Self {
        StepError {
            cause,
            logs,
            ..self
        }
    }
}

/// The step's only, or first, call failed.
impl From<CallError> for StepError {
    fn from(source: CallError) -> Self {
        let leftover = match source.certainty {
            Certainty::Rejected => Leftover::None,
            Certainty::Ambiguous => Leftover::Maybe,
        };
        StepError {
            leftover,
            source,
            holders: Vec::new(),
            cause: None,
            logs: Vec::new(),
        }
    }
}
