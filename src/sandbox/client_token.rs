//! Was this create asked for before? What client tokens mean.

use std::{collections::HashMap, time::Duration};

use serde_json::Value;

use super::clock::Moment;

/// What a token says about a create.
#[derive(Debug, PartialEq)]
pub enum Replay {
    /// Never seen, or forgotten: create.
    New,
    /// The same request was answered with this (or made this, as the service remembers it); answer so again, whatever has become of it since
    /// (aws-behaviour §2, idempotency tokens).
    Same(Value),
    /// The token was used with other parameters.
    Mismatch,
}

#[derive(Debug)]
struct Remembered {
    parameters: Value,
    made: Value,
    at: Moment,
}

/// The tokens that one service in one region remembers.
#[derive(Debug, Default)]
pub struct ClientTokens(HashMap<(&'static str, String), Remembered>);

impl ClientTokens {
    /// `parameters` are the request's own; the token may be among them.
    pub fn look(
        &self,
        operation: &'static str,
        token: &str,
        parameters: &Value,
        now: Moment,
        lifetime: Duration,
    ) -> Replay {
        match self.0.get(&(operation, token.to_owned())) {
            Some(seen) if now.since(seen.at) > lifetime => Replay::New,
            Some(seen) if seen.parameters == *parameters => Replay::Same(seen.made.clone()),
            Some(_) => Replay::Mismatch,
            None => Replay::New,
        }
    }

    pub fn remember(
        &mut self,
        operation: &'static str,
        token: &str,
        parameters: &Value,
        made: Value,
        at: Moment,
    ) {
        self.0.insert(
            (operation, token.to_owned()),
            Remembered {
                parameters: parameters.clone(),
                made,
                at,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn a_token_returns_its_creation_until_it_is_forgotten() {
        let mut tokens = ClientTokens::default();
        let start = Moment::default();
        let asked = json!({"SubnetId": "subnet-1"});
        assert_eq!(tokens.look("Create", "t", &asked, start, DAY), Replay::New);
        tokens.remember("Create", "t", &asked, json!("nat-1"), start);
        assert_eq!(
            tokens.look("Create", "t", &asked, start + DAY, DAY),
            Replay::Same(json!("nat-1"))
        );
        assert_eq!(
            tokens.look("Create", "t", &json!({}), start, DAY),
            Replay::Mismatch
        );
        assert_eq!(
            tokens.look("Create", "t", &asked, start + DAY * 2, DAY),
            Replay::New
        );
    }
}
