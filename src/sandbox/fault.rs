//! How does the sandbox refuse? With AWS's code, message and status.

use serde_json::Value;

/// One of AWS's refusals. The wire layer gives it the shape of the caller's protocol.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Fault {
    pub code: String,
    pub message: String,
    pub status: u16,
    /// Members beside code and message, as some JSON faults have (`DuplicateOperationId`).
    pub members: Vec<(&'static str, Value)>,
}

impl Fault {
    /// A refusal of the kind AWS answers with status 400, which is nearly all of them.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            status: 400,
            members: Vec::new(),
        }
    }

    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub fn with_member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }
}
