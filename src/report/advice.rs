//! What can the person at the terminal do about a call that AWS refused?

use crate::resource::{CallError, ErrorClass};

/// What to do before the same command is run again; `None` where AWS's own words say it, or nothing can be said.
pub(super) fn advice(error: &CallError) -> Option<&'static str> {
    match error.class {
        ErrorClass::Denied if is_expired(error) => Some(
            "the credentials ran out during the run: get new ones (`aws sso login`, or as you got these)",
        ),
        ErrorClass::Denied if error.message.contains("Signature") => {
            Some("AWS does not take the signature: check this machine's clock, and the secret key")
        }
        ErrorClass::Denied if error.message.contains("Encoded authorization") => Some(
            "these credentials lack that permission: have it granted, or use others (--profile); \
             `aws sts decode-authorization-message` tells who may read it which policy denies it",
        ),
        ErrorClass::Denied => Some(
            "these credentials lack that permission: have it granted, or use others (--profile)",
        ),
        ErrorClass::Quota => Some(
            "a limit of the account is reached: remove what is no longer needed, or have it raised (Service Quotas)",
        ),
        ErrorClass::InUse => Some(
            "what the stack doesn't own is its owner's to remove; what AWS itself still holds goes within minutes",
        ),
        ErrorClass::Throttled => {
            Some("AWS gets too many requests from this account: wait a minute")
        }
        ErrorClass::Transient => Some("the network or AWS failed; there is nothing to mend here"),
        ErrorClass::NotYet => {
            Some("AWS had not yet spread what this needs: it may take some minutes more")
        }
        ErrorClass::NotFound
        | ErrorClass::AlreadyExists
        | ErrorClass::Invalid
        | ErrorClass::Other => None,
    }
}

/// Each service has its own word for it; all begin with the same one.
fn is_expired(error: &CallError) -> bool {
    let code = error.code.as_deref().unwrap_or_default();
    code.starts_with("ExpiredToken") || code == "RequestExpired"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, class: ErrorClass) -> Option<&'static str> {
        advice(&CallError {
            code: Some(code.to_owned()),
            class,
            ..CallError::local("ec2:CreateVpc", "no")
        })
    }

    #[test]
    fn credentials_that_ran_out_are_no_missing_permission() {
        for code in ["ExpiredToken", "ExpiredTokenException", "RequestExpired"] {
            let hint = refused(code, ErrorClass::Denied).unwrap();
            assert!(hint.contains("aws sso login"), "{code}: {hint}");
        }
        let hint = refused("UnauthorizedOperation", ErrorClass::Denied).unwrap();
        assert!(hint.contains("permission"), "{hint}");
    }

    #[test]
    fn a_wrong_clock_and_an_encoded_message_have_their_own_words() {
        let said = |message: &str| {
            let error = CallError {
                class: ErrorClass::Denied,
                ..CallError::local("ec2:CreateVpc", message)
            };
            advice(&error).unwrap()
        };
        let hint = said("Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z");
        assert!(hint.contains("clock"), "{hint}");
        let hint = said(
            "You are not authorized to perform this operation. Encoded authorization failure message: 0oaZ",
        );
        assert!(hint.contains("decode-authorization-message"), "{hint}");
    }

    #[test]
    fn what_aws_explains_itself_gets_no_general_words() {
        assert_eq!(refused("PriorityInUse", ErrorClass::AlreadyExists), None);
        assert_eq!(refused("ValidationError", ErrorClass::Invalid), None);
    }
}
