//! How fast does time pass for what AWS does by itself?

use std::{fmt, str::FromStr, time::Duration};

use serde::Deserialize;

use super::figures::Figures;

/// Names each doing once: as a variant, and in the list that the built-in figures are held to.
macro_rules! doings {
    ($($doing:ident,)*) => {
        /// Something AWS does by itself after a call has been answered. `durations.yaml` says how long it takes, under the same name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Doing {
            $($doing,)*
        }

        impl Doing {
            pub const ALL: &[Doing] = &[$(Doing::$doing,)*];
        }
    };
}

doings! {
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
    RoleBecomesAssumable,
    IdBecomesKnown,
}

/// The factor between AWS's own durations and the sandbox's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    factor: f64,
}

/// No duration of a day overflows with it.
const SLOWEST: f64 = 1000.0;

impl Pace {
    /// Everything that AWS does by itself has happened by the next look.
    pub const INSTANT: Pace = Pace { factor: 0.0 };
    /// Everything takes as long as on AWS.
    pub const REALISTIC: Pace = Pace { factor: 1.0 };

    pub fn is_instant(self) -> bool {
        self == Self::INSTANT
    }

    /// How many times as long as on AWS everything takes.
    pub fn factor(self) -> f64 {
        self.factor
    }

    /// A duration at AWS's own speed, at this pace.
    pub fn scale(self, duration: Duration) -> Duration {
        duration.mul_f64(self.factor)
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::INSTANT
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::INSTANT => formatter.write_str("instant"),
            Self::REALISTIC => formatter.write_str("realistic"),
            Self { factor } => write!(formatter, "{factor}"),
        }
    }
}

/// What can't be a pace.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error(
    "write `realistic`, `instant`, or a factor from 0 to {SLOWEST}: 1 is AWS's own speed, 0.1 ten times as fast"
)]
pub struct NoPace;

impl FromStr for Pace {
    type Err = NoPace;

    fn from_str(text: &str) -> Result<Self, NoPace> {
        match text {
            "instant" => Ok(Self::INSTANT),
            "realistic" => Ok(Self::REALISTIC),
            _ => text
                .parse()
                .ok()
                .filter(|factor| (0.0..=SLOWEST).contains(factor))
                // Minus zero is zero, and nothing else.
                .map(|factor: f64| Self {
                    factor: factor.abs(),
                })
                .ok_or(NoPace),
        }
    }
}

/// A pace, and what the figures come to at it.
#[derive(Clone, Debug)]
pub struct Tempo {
    pace: Pace,
    durations: Vec<Duration>,
}

impl Tempo {
    pub fn new(pace: Pace, figures: &Figures) -> Self {
        let duration = |doing: &Doing| pace.scale(figures.duration(*doing));
        Self {
            pace,
            durations: Doing::ALL.iter().map(duration).collect(),
        }
    }

    pub fn duration(&self, doing: Doing) -> Duration {
        self.durations[doing as usize]
    }

    /// A duration that the caller chose (a deregistration delay, a health check interval) at this pace.
    pub fn scale(&self, duration: Duration) -> Duration {
        self.pace.scale(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instant_takes_no_time_and_realistic_takes_aws_time() {
        let figures = Figures::built_in();
        let takes = |pace: &str| {
            let pace = pace.parse().unwrap();
            Tempo::new(pace, &figures).duration(Doing::NatGatewayBecomesAvailable)
        };
        assert_eq!(takes("instant"), Duration::ZERO);
        assert_eq!(takes("realistic"), Duration::from_secs(90));
        assert_eq!(takes("0.1"), Duration::from_secs(9));
    }

    #[test]
    fn a_pace_is_a_word_or_a_factor() {
        let shown = |text: &str| text.parse::<Pace>().map(|pace| pace.to_string());
        for (text, expected) in [
            ("instant", "instant"),
            ("0", "instant"),
            ("-0", "instant"),
            ("realistic", "realistic"),
            ("1.0", "realistic"),
            ("0.25", "0.25"),
            ("2", "2"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["", "fast", "-1", "nan", "inf", "1e9"] {
            assert_eq!(shown(text), Err(NoPace), "{text}");
        }
    }
}
