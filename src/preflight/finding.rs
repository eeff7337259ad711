//! What does one check say?

use serde::Serialize;

use crate::aws::cause_of;
use crate::resource::{Address, CallError, Cause};

/// How much a finding matters, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It was looked at, and nothing is in the way.
    Ok,
    /// It can't be looked at here.
    Skipped,
    /// It may go wrong, or could not be looked at.
    Warning,
    /// It would go wrong: nothing is begun.
    Error,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// How much of something the account may have.
    Quotas,
    /// Whether a name is free.
    Names,
    /// Whether a network that is there leads out.
    Network,
    /// Whether a certificate can serve.
    Certificates,
    /// Whether a domain leads to its hosted zone.
    Delegation,
    /// Whether an image is in its registry.
    Images,
}

impl Check {
    /// The word for it in the report.
    pub fn name(self) -> &'static str {
        match self {
            Check::Quotas => "quota",
            Check::Names => "names",
            Check::Network => "network",
            Check::Certificates => "certificate",
            Check::Delegation => "delegation",
            Check::Images => "images",
        }
    }
}

/// What one check says of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check says it.
    pub check: Check,
    /// How much it matters.
    pub severity: Severity,
    /// Whom it is about, when it is about one resource.
    pub address: Option<Address>,
    /// The cause, by its code, if it is one of the catalogue (docs/errors/).
    pub code: Option<Cause>,
    /// What was found.
    pub what: String,
    /// Why that matters.
    pub why: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    /// Nothing is in the way.
    pub fn ok(check: Check, what: impl Into<String>) -> Self {
        Finding {
            check,
            severity: Severity::Ok,
            address: None,
            code: None,
            what: what.into(),
            why: None,
            hint: None,
        }
    }

    /// It can't be looked at here.
    pub fn skipped(check: Check, what: impl Into<String>) -> Self {
        Finding {
            severity: Severity::Skipped,
            ..Finding::ok(check, what)
        }
    }

    /// It may go wrong.
    pub fn warning(check: Check, what: impl Into<String>) -> Self {
        Finding {
            severity: Severity::Warning,
            ..Finding::ok(check, what)
        }
    }

    /// It would go wrong.
    pub fn error(check: Check, what: impl Into<String>) -> Self {
        Finding {
            severity: Severity::Error,
            ..Finding::ok(check, what)
        }
    }

    /// AWS did not answer the check's own question. That is no reason to stop: whoever may make
    /// something need not be allowed to look around.
    pub fn unanswered(check: Check, what: &str, error: &CallError) -> Self {
        Finding {
            code: cause_of(error),
            ..Finding::warning(check, format!("{what} could not be checked: {error}"))
        }
    }

    /// It is about this resource.
    pub fn at(mut self, address: &Address) -> Self {
        self.address = Some(address.clone());
        self
    }

    /// It is this cause.
    pub fn cause(mut self, cause: Cause) -> Self {
        self.code = Some(cause);
        self
    }

    /// Why it matters.
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// What to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
