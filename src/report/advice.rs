//! What can the person at the terminal do about a step that failed?

use crate::resource::{CallError, Cause, ErrorClass};

/// What to do before the same command is run again; `None` where AWS's own words say it, or nothing can be said.
pub(super) fn advice(error: &CallError, cause: Option<Cause>) -> Option<&'static str> {
    match cause {
        Some(Cause::Denied) if error.message.contains("Encoded authorization") => Some(
            "these credentials lack that permission: have it granted (`navi policy` prints all that the stack takes), or use others (--profile); \
             `aws sts decode-authorization-message` tells who may read it which policy denies it",
        ),
        Some(cause) => Some(cause.hint()),
        None if error.class == ErrorClass::NotYet => {
            Some("AWS had not yet spread what this needs: it may take some minutes more")
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(class: ErrorClass, message: &str, cause: Option<Cause>) -> Option<&'static str> {
        let error = CallError {
            class,
            ..CallError::local("ec2:CreateVpc", message)
        };
        advice(&error, cause)
    }

    #[test]
    fn a_cause_has_its_own_advice_and_an_encoded_refusal_can_be_read() {
        let plain = "You are not authorized to perform this operation.";
        let encoded = format!("{plain} Encoded authorization failure message: 0oaZ");
        let denied = Some(Cause::Denied);
        let (class, hint) = (ErrorClass::Denied, Cause::Denied.hint());
        assert_eq!(failed(class, plain, denied), Some(hint));
        let more = failed(class, &encoded, denied).unwrap();
        assert!(
            more.starts_with(hint) && more.contains("decode-authorization-message"),
            "{more}"
        );
    }

    #[test]
    fn what_aws_explains_itself_gets_no_general_words() {
        assert_eq!(failed(ErrorClass::Invalid, "no", None), None);
        assert_eq!(failed(ErrorClass::Denied, "no", None), None);
        let spreading = failed(ErrorClass::NotYet, "no", None);
        assert!(spreading.unwrap().contains("some minutes more"));
    }
}
