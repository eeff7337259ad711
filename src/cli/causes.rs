//! Which cause of the catalogue ends a command early?

use super::error::CommandError;
use crate::aws::{ConfigurationError, cause_of};
use crate::observe::ObserveError;
use crate::plan::PlanError;
use crate::resource::Cause;
use crate::state::{RecoveryError, StateError};

impl CommandError {
    /// The cause; `None` for what a person has only written wrong, and for what is said in full.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            CommandError::State(error) | CommandError::NotClosed(error) => of_state(error),
            CommandError::Recovery(RecoveryError::State(error)) => of_state(error),
            CommandError::Recovery(RecoveryError::Look { source, .. }) => cause_of(source),
            CommandError::Recovery(RecoveryError::Decode { .. })
            | CommandError::Observe(ObserveError::Decode { .. }) => Some(Cause::StateNewer),
            CommandError::Observe(ObserveError::Call(error)) => cause_of(error),
            CommandError::WhoAmI { source, .. } => cause_of(source),
            CommandError::Configuration(error) => Some(match error {
                ConfigurationError::Bundle { .. } | ConfigurationError::Tls(_) => {
                    Cause::CertificateUntrusted
                }
                ConfigurationError::Profiles(_)
                | ConfigurationError::NoProfile { .. }
                | ConfigurationError::Endpoint { .. }
                | ConfigurationError::NoRegion => Cause::Unconfigured,
            }),
            CommandError::NotRecorded { .. } => Some(Cause::NotRecorded),
            CommandError::Protected(_) => Some(Cause::Protected),
            CommandError::Plan(error) => match &**error {
                PlanError::LookedUpMissing { .. } => Some(Cause::LookedUpMissing),
                _ => None,
            },
            // Each finding has its own.
            _ => None,
        }
    }
}

fn of_state(error: &StateError) -> Option<Cause> {
    match error {
        StateError::Locked { .. } => Some(Cause::Locked),
        StateError::Storage { .. } => Some(Cause::StateUnwritable),
        StateError::Newer { .. } => Some(Cause::StateNewer),
        StateError::Damaged { .. } | StateError::OtherStack { .. } => Some(Cause::StateDamaged),
        StateError::OtherIdentity { .. } => Some(Cause::OtherAccount),
        // A name that was typed wrong, and defects of navi.
        StateError::StackName(_)
        | StateError::Illegal(_)
        | StateError::ReadOnly(_)
        | StateError::Closed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{CallError, ErrorClass};

    #[test]
    fn what_ends_a_command_has_its_code() {
        let locked = StateError::Locked {
            stack: "demo".to_owned(),
            holder: None,
        };
        assert_eq!(CommandError::State(locked).cause(), Some(Cause::Locked));
        let nobody = CommandError::WhoAmI {
            endpoint: None,
            source: Box::new(CallError {
                class: ErrorClass::Denied,
                ..CallError::local("sts:GetCallerIdentity", "no credentials")
            }),
        };
        assert_eq!(nobody.cause(), Some(Cause::NoCredentials));
        assert_eq!(nobody.document()["code"], "NAVI0901");
        let told = nobody.render(&crate::report::Palette::plain());
        assert!(
            told.ends_with("\ncode: NAVI0901, see `navi explain NAVI0901`"),
            "{told}"
        );
        assert_eq!(CommandError::Declined.cause(), None);
    }
}
