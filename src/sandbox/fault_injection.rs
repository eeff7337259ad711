//! Which calls are to go wrong, because somebody armed a fault?

use serde::{Deserialize, Serialize};

use super::{call::Call, call_log::is_mutating, fault::Fault, service::Service};

/// Whether the call has its effect before the fault strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    #[default]
    Before,
    After,
}

/// What the caller gets to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// No answer, until `POST /_navi/release`.
    Hold,
    /// The connection closes with no answer.
    Drop,
    #[serde(rename = "status-500")]
    Status500,
    #[serde(rename = "status-503")]
    Status503,
    Throttle,
    Deny,
    /// The account has as many of this as it may have.
    Quota,
    /// The credentials' time is over.
    Expired,
    /// No answer, ever; what was asked for happens when `POST /_navi/late` says so.
    Late,
    /// What whoever armed the fault says: `code` and `message`.
    Refuse,
}

/// One armed fault. It counts the calls that match it from the moment it is armed, strikes at the one asked for (else the first),
/// and goes on with the following ones until it has struck `times` times.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmedFault {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_call: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_mutating_call: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    #[serde(default)]
    when: When,
    #[serde(rename = "do")]
    effect: Effect,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default = "once")]
    times: u64,
    #[serde(skip)]
    seen: u64,
}

fn once() -> u64 {
    1
}

impl ArmedFault {
    fn strikes(&mut self, call: &Call) -> bool {
        let matches = self
            .operation
            .as_ref()
            .is_none_or(|name| *name == call.operation)
            && (self.at_mutating_call.is_none() || is_mutating(&call.operation));
        if !matches || self.times == 0 {
            return false;
        }
        self.seen += 1;
        let first = self.at_mutating_call.or(self.at_call).unwrap_or(1);
        let strikes = self.seen >= first;
        self.times -= u64::from(strikes);
        strikes
    }

    /// The refusal that it brings along.
    fn refusal(&self) -> Option<Fault> {
        let code = self.code.clone().unwrap_or_else(|| "Refused".to_owned());
        let message = self.message.clone().unwrap_or_default();
        (self.effect == Effect::Refuse).then(|| Fault::new(code, message))
    }
}

/// What becomes of a call that is struck.
#[derive(Clone, Debug)]
pub struct Strike {
    pub when: When,
    pub effect: Effect,
    /// In whoever's words armed the fault.
    pub refusal: Option<Fault>,
}

#[derive(Debug, Default, Serialize)]
pub struct ArmedFaults(Vec<ArmedFault>);

impl ArmedFaults {
    pub fn arm(&mut self, fault: ArmedFault) {
        self.0.push(fault);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What happens to this call. Every armed fault counts it; the first that strikes decides.
    pub fn strike(&mut self, call: &Call) -> Option<Strike> {
        let mut decided = None;
        for fault in &mut self.0 {
            if fault.strikes(call) && decided.is_none() {
                decided = Some(Strike {
                    when: fault.when,
                    effect: fault.effect,
                    refusal: fault.refusal(),
                });
            }
        }
        self.0.retain(|fault| fault.times > 0);
        decided
    }
}

impl Effect {
    /// The refusal that the caller sees; none where it sees no answer at all.
    pub fn fault(self, call: &Call) -> Option<Fault> {
        let service = call.service;
        match self {
            Self::Hold | Self::Drop | Self::Late | Self::Refuse => None,
            Self::Status500 => Some(
                Fault::new(
                    if service == Service::Ec2 {
                        "InternalError"
                    } else {
                        "InternalFailure"
                    },
                    "An internal error has occurred",
                )
                .with_status(500),
            ),
            Self::Status503 => Some(
                Fault::new(
                    if service == Service::Ec2 {
                        "Unavailable"
                    } else {
                        "ServiceUnavailable"
                    },
                    "The service is unavailable. Please try again shortly.",
                )
                .with_status(503),
            ),
            Self::Throttle => Some(service.throttled()),
            Self::Deny => Some(service.denied(&call.account, &call.operation)),
            Self::Quota => Some(service.quota_exceeded(&call.operation)),
            Self::Expired => Some(service.credentials_expired()),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Drop => "drop",
            Self::Status500 => "status-500",
            Self::Status503 => "status-503",
            Self::Throttle => "throttle",
            Self::Deny => "deny",
            Self::Quota => "quota",
            Self::Expired => "expired",
            Self::Late => "late",
            Self::Refuse => "refuse",
        }
    }
}
