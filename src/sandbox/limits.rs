//! Has a caller made too many calls of late? Each bucket of tokens refills with time; a call that finds none is refused.

use std::collections::HashMap;

use super::{
    call::Call,
    clock::Moment,
    figures::{Figures, Limit},
    pace::Pace,
};

/// The buckets that calls have been taken from.
#[derive(Debug)]
pub struct Buckets {
    figures: Figures,
    pace: Pace,
    levels: HashMap<Key, Level>,
}

/// Whose bucket it is, and what for. The operation is empty where all of a limit share one.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    limit: String,
    operation: String,
    account: String,
    place: String,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    tokens: f64,
    at: Moment,
}

impl Buckets {
    pub fn new(pace: Pace, figures: &Figures) -> Self {
        Self {
            figures: figures.clone(),
            pace,
            levels: HashMap::new(),
        }
    }

    /// Takes the call's token; `false` if there is none left. Where no time passes, nothing has a rate.
    pub fn take(&mut self, call: &Call, now: Moment) -> bool {
        let Some((name, limit)) = self.figures.limit(call.service, &call.operation) else {
            return true;
        };
        if self.pace.is_instant() {
            return true;
        }
        let key = Key {
            limit: name.to_owned(),
            operation: match limit.shared {
                true => String::new(),
                false => call.operation.clone(),
            },
            account: call.account.clone(),
            place: call.place().to_owned(),
        };
        let full = Level {
            tokens: limit.burst(),
            at: now,
        };
        let level = self.levels.entry(key).or_insert(full);
        *level = level.refilled(limit, self.pace, now);
        let has_token = level.tokens >= 1.0;
        if has_token {
            level.tokens -= 1.0;
        }
        has_token
    }
}

impl Level {
    fn refilled(self, limit: &Limit, pace: Pace, now: Moment) -> Self {
        let seconds = now.since(self.at).as_secs_f64() / pace.factor();
        Level {
            tokens: (self.tokens + seconds * limit.per_second()).min(limit.burst()),
            at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::sandbox::service::Service;

    fn call(operation: &str) -> Call {
        Call {
            service: Service::Route53,
            operation: operation.to_owned(),
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            access_key: "AKIDTEST".to_owned(),
            parameters: json!({}),
        }
    }

    fn buckets(pace: &str, shared: bool) -> Buckets {
        let figures = format!(
            "limits:\n  route53: {{ service: route53, operations: [\"\"], shared: {shared}, burst: 2, per_second: 1 }}\n"
        );
        Buckets::new(pace.parse().unwrap(), &Figures::read(&figures).unwrap())
    }

    #[test]
    fn a_burst_passes_and_then_as_many_as_come_in() {
        let mut buckets = buckets("realistic", true);
        let mut now = Moment::default();
        let get = call("GetChange");
        let list = call("ListHostedZones");
        assert!(buckets.take(&get, now) && buckets.take(&list, now));
        assert!(!buckets.take(&get, now));
        now = now + Duration::from_millis(900);
        assert!(!buckets.take(&list, now));
        now = now + Duration::from_millis(200);
        assert!(buckets.take(&get, now) && !buckets.take(&get, now));
        // No more than a bucket holds.
        now = now + Duration::from_secs(60);
        let passed = (0..5).filter(|_| buckets.take(&get, now)).count();
        assert_eq!(passed, 2);
    }

    #[test]
    fn buckets_are_apart_by_operation_and_account() {
        let mut buckets = buckets("realistic", false);
        let now = Moment::default();
        let get = call("GetChange");
        assert!(buckets.take(&get, now) && buckets.take(&get, now) && !buckets.take(&get, now));
        assert!(buckets.take(&call("ListHostedZones"), now));
        let mut other = get;
        other.account = "111122223333".to_owned();
        assert!(buckets.take(&other, now));
    }

    #[test]
    fn rates_go_with_the_pace() {
        let mut fast = buckets("0.1", true);
        let mut now = Moment::default();
        let get = call("GetChange");
        assert!(fast.take(&get, now) && fast.take(&get, now) && !fast.take(&get, now));
        now = now + Duration::from_millis(110);
        assert!(fast.take(&get, now));
        let mut instant = buckets("instant", true);
        assert!((0..100).all(|_| instant.take(&get, now)));
    }
}
