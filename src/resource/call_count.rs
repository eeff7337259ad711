//! How often was an operation of AWS called, and how did it answer? No content of a request or an answer is in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What one piece of work did with one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCount {
    /// Service and operation, `ec2:CreateVpc`.
    pub operation: String,
    /// How often navi called it.
    pub calls: u32,
    /// How often a request left the machine for it: more often than it was called where the SDK tried again.
    pub requests: u32,
    /// How often it was refused, by error code; what had no answer counts as `no answer`.
    pub refused: BTreeMap<String, u32>,
}

impl CallCount {
    /// How often it was sent again, by navi or by the SDK.
    pub fn again(&self) -> u32 {
        let refused: u32 = self.refused.values().sum();
        // The last refusal of a call that was given up was not asked again.
        let by_navi = refused.min(self.calls.saturating_sub(1));
        by_navi + self.requests.saturating_sub(self.calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn again_is_what_was_sent_beyond_the_first_time() {
        let count = |calls, requests, refused: u32| {
            let refused = [("Throttling".to_owned(), refused)];
            CallCount {
                operation: "ec2:CreateRoute".to_owned(),
                calls,
                requests,
                refused: refused
                    .into_iter()
                    .filter(|(_, count)| *count > 0)
                    .collect(),
            }
        };
        assert_eq!(count(2, 2, 0).again(), 0);
        assert_eq!(count(1, 1, 1).again(), 0);
        assert_eq!(count(4, 4, 3).again(), 3);
        assert_eq!(count(1, 3, 0).again(), 2);
    }
}
