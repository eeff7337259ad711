//! What time is it in the sandbox?

use std::{
    ops::Add,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_smithy_types::{DateTime, date_time::Format};
use serde::{Serialize, Serializer};
use tokio::time::Instant;

/// Wall-clock time that advances with tokio's clock: under a paused runtime it is a virtual clock.
#[derive(Debug)]
pub struct Clock {
    began: Instant,
    epoch: Duration,
}

impl Clock {
    pub fn start() -> Self {
        Self {
            began: Instant::now(),
            // A system clock set before 1970 still gives usable, if odd, timestamps.
            epoch: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    pub fn now(&self) -> Moment {
        Moment(self.epoch + self.began.elapsed())
    }

    pub fn uptime(&self) -> Duration {
        self.began.elapsed()
    }
}

/// A point in the sandbox's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// Seconds since 1970, as the JSON protocols carry timestamps.
    pub fn seconds(self) -> f64 {
        self.milliseconds() as f64 / 1000.0
    }

    /// Milliseconds since 1970, as CloudWatch Logs carries them.
    pub fn milliseconds(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// `2026-11-23T01:57:52.123Z`, as the XML protocols carry timestamps.
    pub fn text(self) -> String {
        let milliseconds = i64::try_from(self.milliseconds()).unwrap_or(i64::MAX);
        DateTime::from_millis(milliseconds)
            .fmt(Format::DateTime)
            .unwrap_or_default()
    }

    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, duration: Duration) -> Moment {
        Moment(self.0.saturating_add(duration))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}
