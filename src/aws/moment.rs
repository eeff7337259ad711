//! How is an instant that AWS tells written? For programs as RFC 3339, for arithmetic as seconds.

use std::fmt;
use std::time::Duration;

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

    /// From RFC 3339, with whatever offset.
    pub fn parse(text: &str) -> Option<Self> {
        let instant = DateTime::from_str(text, Format::DateTimeWithOffset).ok()?;
        Some(instant.into())
    }

    /// So long before it.
    pub fn before(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Moment::from_milliseconds(self.milliseconds.saturating_sub(milliseconds).max(0))
    }

    /// As RFC 3339 with three digits after the second whatever they are, so that one stands below the other.
    pub fn in_columns(self) -> String {
        let whole = Moment::from_milliseconds(self.milliseconds.div_euclid(1000) * 1000);
        let text = whole.to_string();
        let text = text.trim_end_matches('Z');
        format!("{text}.{:03}Z", self.milliseconds.rem_euclid(1000))
    }

    /// For serde, where lines are to be sorted by their text: `in_columns`.
    pub fn serialize_in_columns<S: Serializer>(
        moment: &Moment,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&moment.in_columns())
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

    #[test]
    fn it_is_read_back_and_written_in_columns() {
        let moment = Moment::parse("2023-11-14T23:13:20.250+01:00").unwrap();
        assert_eq!(moment, Moment::from_milliseconds(1_700_000_000_250));
        assert_eq!(moment.in_columns(), "2023-11-14T22:13:20.250Z");
        let whole = moment.before(Duration::from_millis(250));
        assert_eq!(whole.in_columns(), "2023-11-14T22:13:20.000Z");
        assert_eq!(Moment::parse("yesterday"), None);
    }
}
