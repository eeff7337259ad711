//! How is an instant that AWS tells written? For programs as RFC 3339, for arithmetic as seconds.

use std::fmt;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::{Serialize, Serializer};

/// An instant, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    milliseconds: i64,
}

impl Moment {
    /// From milliseconds since 1970.
    pub fn from_milliseconds(milliseconds: i64) -> Self {
        Moment { milliseconds }
    }

    /// The machine's own clock.
    pub fn now() -> Self {
        DateTime::from(std::time::SystemTime::now()).into()
    }

    /// Since 1970.
    pub fn milliseconds(self) -> i64 {
        self.milliseconds
    }

    /// How long ago it was, seen from `now`; nothing for what lies ahead.
    pub fn milliseconds_until(self, now: Moment) -> u64 {
        u64::try_from(now.milliseconds - self.milliseconds).unwrap_or(0)
    }
}

impl From<DateTime> for Moment {
    fn from(instant: DateTime) -> Self {
        Moment::from_milliseconds(instant.to_millis().unwrap_or_default())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No year that AWS tells lies outside of what the format can write.
        let text = DateTime::from_millis(self.milliseconds)
            .fmt(Format::DateTime)
            .unwrap_or_default();
        formatter.pad(&text)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_rfc_3339_and_counts_back() {
        let moment = Moment::from_milliseconds(1_700_000_000_250);
        assert_eq!(moment.to_string(), "2023-11-14T22:13:20.25Z");
        let later = Moment::from_milliseconds(1_700_000_002_250);
        assert_eq!(moment.milliseconds_until(later), 2_000);
        assert_eq!(later.milliseconds_until(moment), 0);
    }
}
