//! Which cause of the catalogue does a failed call stand for? Its class says most of it, its code and AWS's words the rest.

use crate::resource::{CallError, Cause, ErrorClass};

/// The cause; `None` where AWS's own words are all that can be said.
pub fn cause_of(error: &CallError) -> Option<Cause> {
    let says = |text: &str| error.message.contains(text);
    let code = error.code.as_deref();
    match error.class {
        ErrorClass::Denied => denied(error),
        ErrorClass::Quota => Some(Cause::QuotaReached),
        ErrorClass::InUse => Some(Cause::StillInUse),
        ErrorClass::Throttled => Some(Cause::Throttled),
        ErrorClass::AlreadyExists => Some(match code {
            // A subnet whose range another one has (aws-behaviour §2.2).
            Some("InvalidSubnet.Conflict") => Cause::RangeTaken,
            _ => Cause::NameTaken,
        }),
        ErrorClass::Transient if says("invalid peer certificate") => {
            Some(Cause::CertificateUntrusted)
        }
        ErrorClass::Transient => Some(Cause::Unreachable),
        // What had not spread when the call was given up (aws-behaviour §1 rows 18, 27, 32 and 33).
        ErrorClass::NotYet if says("service linked role") || says("service-linked role") => {
            Some(Cause::ServiceLinkedRole)
        }
        ErrorClass::NotYet if says("assume") => Some(Cause::RoleNotAssumable),
        ErrorClass::NotYet if code.is_some_and(|code| code.contains("Certificate")) => {
            Some(Cause::CertificateNotIssued)
        }
        // What a call names was there when the run looked, or was made by it.
        ErrorClass::NotFound => Some(Cause::Vanished),
        ErrorClass::Other
            if code == Some("InsufficientFreeAddressesInSubnet") || says("Not enough IP space") =>
        {
            Some(Cause::SubnetFull)
        }
        // No service answered this: what looks for the zone found several (`kinds/hosted_zone.rs`).
        ErrorClass::Invalid
            if code.is_none() && error.operation == "route53:ListHostedZonesByName" =>
        {
            Some(Cause::ZoneAmbiguous)
        }
        ErrorClass::NotYet | ErrorClass::Invalid | ErrorClass::Other => None,
    }
}

/// Each service has its own words for what is wrong with who calls.
fn denied(error: &CallError) -> Option<Cause> {
    let says = |text: &str| error.message.contains(text);
    Some(match error.code.as_deref() {
        // Nothing was sent.
        None => Cause::NoCredentials,
        Some("ExpiredToken" | "ExpiredTokenException" | "RequestExpired") => {
            Cause::CredentialsExpired
        }
        // The signature is made with the secret key and the time.
        Some("SignatureDoesNotMatch" | "InvalidSignatureException" | "RequestTimeTooSkewed") => {
            Cause::SignatureRefused
        }
        Some("AuthFailure" | "InvalidClientTokenId" | "UnrecognizedClientException") => {
            Cause::CredentialsUnknown
        }
        Some(
            "AccessDenied"
            | "AccessDeniedException"
            | "UnauthorizedOperation"
            | "NotAuthorized"
            | "NotAuthorizedException"
            | "DependencyAccessDeniedException",
        ) => {
            if says("iam:PassRole") {
                Cause::MayNotPassRole
            } else if says("iam:CreateServiceLinkedRole") {
                Cause::ServiceLinkedRole
            } else {
                Cause::Denied
            }
        }
        // What is wrong with an account only its owner can mend, and AWS's words say what it is.
        Some(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(class: ErrorClass, code: Option<&str>, message: &str) -> Option<Cause> {
        cause_of(&CallError {
            code: code.map(str::to_owned),
            class,
            ..CallError::local("ec2:CreateVpc", message)
        })
    }

    #[test]
    fn what_is_wrong_with_who_calls_is_told_apart() {
        let pass = "User: arn:x is not authorized to perform: iam:PassRole on resource: arn:y";
        let cases = [
            (None, "no credentials", Some(Cause::NoCredentials)),
            (Some("ExpiredToken"), "", Some(Cause::CredentialsExpired)),
            (Some("RequestExpired"), "", Some(Cause::CredentialsExpired)),
            (
                Some("InvalidSignatureException"),
                "",
                Some(Cause::SignatureRefused),
            ),
            (
                Some("InvalidClientTokenId"),
                "",
                Some(Cause::CredentialsUnknown),
            ),
            (Some("UnauthorizedOperation"), "", Some(Cause::Denied)),
            (
                Some("AccessDeniedException"),
                pass,
                Some(Cause::MayNotPassRole),
            ),
            (Some("PendingVerification"), "", None),
        ];
        for (code, message, expected) in cases {
            assert_eq!(
                cause(ErrorClass::Denied, code, message),
                expected,
                "{code:?}"
            );
        }
    }

    #[test]
    fn a_range_is_no_name_and_a_certificate_no_network() {
        let conflict = Some("InvalidSubnet.Conflict");
        assert_eq!(
            cause(ErrorClass::AlreadyExists, conflict, ""),
            Some(Cause::RangeTaken)
        );
        let taken = Some("EntityAlreadyExists");
        assert_eq!(
            cause(ErrorClass::AlreadyExists, taken, ""),
            Some(Cause::NameTaken)
        );
        let untrusted = "invalid peer certificate: UnknownIssuer";
        assert_eq!(
            cause(ErrorClass::Transient, None, untrusted),
            Some(Cause::CertificateUntrusted)
        );
        assert_eq!(
            cause(ErrorClass::Transient, None, "timed out"),
            Some(Cause::Unreachable)
        );
        let linked = "Unable to assume the service linked role. Please verify that it exists.";
        assert_eq!(
            cause(
                ErrorClass::NotYet,
                Some("InvalidParameterException"),
                linked
            ),
            Some(Cause::ServiceLinkedRole)
        );
        assert_eq!(
            cause(ErrorClass::Invalid, Some("ValidationError"), "no"),
            None
        );
    }
}
