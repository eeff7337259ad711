//! Which calls has the sandbox answered?

use std::collections::VecDeque;

use serde::Serialize;

use super::call::Call;

/// One answered call.
#[derive(Debug, Serialize)]
pub struct LoggedCall {
    /// From 1, since the last reset.
    index: u64,
    service: &'static str,
    operation: String,
    mutating: bool,
    region: String,
    /// AWS's code, or what an armed fault did.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Default)]
pub struct CallLog {
    calls: VecDeque<LoggedCall>,
    total: u64,
    mutating: u64,
}

/// The counters stay right for ever; of the calls themselves only so many are kept.
const MOST_KEPT: usize = 10_000;

impl CallLog {
    pub fn begin(&mut self, call: &Call) -> u64 {
        let mutating = is_mutating(&call.operation);
        self.total += 1;
        self.mutating += u64::from(mutating);
        if self.calls.len() == MOST_KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(LoggedCall {
            index: self.total,
            service: call.service.signing_name(),
            operation: call.operation.clone(),
            mutating,
            region: call.region.clone(),
            error: None,
        });
        self.total
    }

    pub fn end(&mut self, index: u64, error: Option<&str>) {
        if let Some(call) = self.calls.iter_mut().rev().find(|call| call.index == index) {
            call.error = error.map(str::to_owned);
        }
    }

    pub fn calls(&self) -> &VecDeque<LoggedCall> {
        &self.calls
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn mutating(&self) -> u64 {
        self.mutating
    }
}

/// AWS names what only reads with one of these verbs.
pub fn is_mutating(operation: &str) -> bool {
    let verbs = [
        "Describe", "List", "Get", "BatchGet", "Discover", "Test", "Filter",
    ];
    !verbs.iter().any(|verb| operation.starts_with(verb))
}
