//! What can the person at the terminal do about a call that AWS refused?

use crate::resource::{CallError, ErrorClass};

/// What to do before the same command is run again; `None` where AWS's own words say it, or nothing can be said.
pub(super) fn advice(error: &CallError) -> Option<&'static str> {
    match error.class {
        ErrorClass::Denied => denied(error),
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

/// Each service has its own words for it.
fn denied(error: &CallError) -> Option<&'static str> {
    match error.code.as_deref()? {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => Some(
            "the credentials ran out during the run: get new ones (`aws sso login`, or as you got these)",
        ),
        // The signature is made with the secret key and the time.
        "SignatureDoesNotMatch" | "InvalidSignatureException" | "RequestTimeTooSkewed" => {
            Some("AWS does not take the signature: check this machine's clock, and the secret key")
        }
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "NotAuthorizedException" => Some(match error.message.contains("Encoded authorization") {
            true => {
                "these credentials lack that permission: have it granted (`navi policy` prints all that the stack takes), or use others (--profile); \
                 `aws sts decode-authorization-message` tells who may read it which policy denies it"
            }
            false => {
                "these credentials lack that permission: have it granted (`navi policy` prints all that the stack takes), or use others (--profile)"
            }
        }),
        "AuthFailure" | "InvalidClientTokenId" | "UnrecognizedClientException" => Some(
            "AWS does not know these credentials any more, or not in this region: get others (--profile)",
        ),
        // What is wrong with an account only its owner can mend, and AWS's words say what it is.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, class: ErrorClass, message: &str) -> Option<&'static str> {
        advice(&CallError {
            code: Some(code.to_owned()),
            class,
            ..CallError::local("ec2:CreateVpc", message)
        })
    }

    #[test]
    fn what_is_wrong_with_the_credentials_is_told_apart() {
        let encoded = "You are not authorized to perform this operation. Encoded authorization failure message: 0oaZ";
        let cases = [
            ("ExpiredToken", "", "aws sso login"),
            ("ExpiredTokenException", "", "aws sso login"),
            ("RequestExpired", "", "aws sso login"),
            ("SignatureDoesNotMatch", "", "clock"),
            ("InvalidSignatureException", "", "clock"),
            ("UnauthorizedOperation", "", "have it granted"),
            ("AccessDeniedException", "", "have it granted"),
            (
                "UnauthorizedOperation",
                encoded,
                "decode-authorization-message",
            ),
            ("InvalidClientTokenId", "", "get others"),
        ];
        for (code, message, word) in cases {
            let hint = refused(code, ErrorClass::Denied, message).unwrap();
            assert!(hint.contains(word), "{code}: {hint}");
        }
    }

    #[test]
    fn what_aws_explains_itself_gets_no_general_words() {
        let cases = [
            ("PriorityInUse", ErrorClass::AlreadyExists),
            ("ValidationError", ErrorClass::Invalid),
            ("PendingVerification", ErrorClass::Denied),
        ];
        for (code, class) in cases {
            assert_eq!(refused(code, class, "no"), None, "{code}");
        }
    }
}
