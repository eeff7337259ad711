//! How long does each of AWS's own doings take?

use std::time::Duration;

/// Something AWS does by itself after a call has been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    NatGatewayBecomesAvailable,
    NatGatewayIsDeleted,
    VpcEndpointBecomesAvailable,
    VpcEndpointIsDeleted,
    LoadBalancerBecomesActive,
    LoadBalancerInterfacesGo,
    NamespaceOperation,
    InstanceOperation,
    ValidationRecordAppears,
    CertificateIsIssued,
    RecordChangeSyncs,
    CapacityProvidersAttach,
    TaskIsProvisioned,
    TaskStarts,
    TaskStops,
    TaskInterfaceGoes,
    TargetBecomesHealthy,
    FailedTaskIsReplaced,
    ContainerExits,
    ServiceSettles,
}

/// Seconds at AWS's own speed, and where the figure comes from (aws-behaviour sections; [I] = inferred there).
const DURATIONS: [(Doing, u64, &str); 20] = [
    (
        Doing::NatGatewayBecomesAvailable,
        100,
        "§2.6 typical create",
    ),
    (Doing::NatGatewayIsDeleted, 65, "§2.6 typical delete"),
    (Doing::VpcEndpointBecomesAvailable, 60, "§2.19 [I]"),
    (Doing::VpcEndpointIsDeleted, 60, "§2.19 [I]"),
    (Doing::LoadBalancerBecomesActive, 120, "§2.13 typical"),
    (Doing::LoadBalancerInterfacesGo, 120, "§2.13 typical delete"),
    (Doing::NamespaceOperation, 38, "§2.16 ready"),
    (Doing::InstanceOperation, 5, "§2.16 [I]"),
    (Doing::ValidationRecordAppears, 3, "§2.11 records"),
    (Doing::CertificateIsIssued, 20, "§2.11 typical"),
    (Doing::RecordChangeSyncs, 30, "§2.12 ready"),
    (Doing::CapacityProvidersAttach, 5, "§2.17 [I]"),
    (Doing::TaskIsProvisioned, 10, "§6.3 [I]"),
    (Doing::TaskStarts, 30, "§6.3 [I]"),
    (Doing::TaskStops, 30, "§2.18 [I]"),
    (Doing::TaskInterfaceGoes, 20, "§2.7 ENI lag [I]"),
    (Doing::TargetBecomesHealthy, 10, "§2.14 health [I]"),
    (Doing::FailedTaskIsReplaced, 30, "§2.18 failing tasks [I]"),
    (Doing::ContainerExits, 5, "§2.18 failing tasks [I]"),
    (Doing::ServiceSettles, 10, "§2.18 ready [I]"),
];

/// The factor between AWS's own speed and the sandbox's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    factor: f64,
}

impl Pace {
    /// Everything that AWS does by itself has happened by the next look.
    pub const INSTANT: Pace = Pace { factor: 0.0 };
    /// Everything takes as long as on AWS.
    pub const REALISTIC: Pace = Pace { factor: 1.0 };

    pub fn duration(self, doing: Doing) -> Duration {
        let seconds = DURATIONS
            .iter()
            .find(|(listed, _, _)| *listed == doing)
            .map_or(0, |(_, seconds, _)| *seconds);
        self.scale(Duration::from_secs(seconds))
    }

    /// A duration that the caller chose (a deregistration delay, a health check interval) at this pace.
    pub fn scale(self, duration: Duration) -> Duration {
        duration.mul_f64(self.factor)
    }

    pub fn name(self) -> &'static str {
        if self == Self::INSTANT {
            "instant"
        } else {
            "realistic"
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::INSTANT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instant_takes_no_time_and_realistic_takes_aws_time() {
        assert_eq!(
            Pace::INSTANT.duration(Doing::NatGatewayBecomesAvailable),
            Duration::ZERO
        );
        assert_eq!(
            Pace::REALISTIC.duration(Doing::NatGatewayBecomesAvailable),
            Duration::from_secs(100)
        );
    }

    #[test]
    fn every_duration_names_its_source() {
        for (doing, _, source) in DURATIONS {
            assert!(source.starts_with('§'), "{doing:?}");
        }
    }
}
