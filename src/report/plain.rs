//! How does a run read where lines can't be redrawn: a log, a pipe, a pipeline of CI? One line per step that ended.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::event::{Event, Sink};
use super::palette::Palette;
use super::step_line::{ADDRESS_WIDTH, Tally, lasting_lines};

/// Writes lines to any writer; navi gives it standard error.
pub struct Plain<W> {
    inner: Mutex<Inner<W>>,
    palette: Palette,
    clock: fn() -> SystemTime,
}

struct Inner<W> {
    writer: W,
    tally: Tally,
}

impl<W: Write> Plain<W> {
    pub fn new(writer: W, palette: Palette) -> Self {
        Plain::with_clock(writer, palette, SystemTime::now)
    }

    fn with_clock(writer: W, palette: Palette, clock: fn() -> SystemTime) -> Self {
        Plain {
            inner: Mutex::new(Inner {
                writer,
                tally: Tally::default(),
            }),
            palette,
            clock,
        }
    }

    /// What a log needs besides the lasting lines: why a wait is long.
    fn passing_line(event: &Event, palette: &Palette) -> Option<String> {
        let Event::StepProgress {
            address, message, ..
        } = event
        else {
            return None;
        };
        let faint = palette.faint;
        Some(format!(
            "        {faint}{:<ADDRESS_WIDTH$} {message}{faint:#}",
            address.to_string()
        ))
    }
}

/// The time of day in UTC: CloudTrail and every other log of AWS's count so.
fn time_of_day(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs() % 86_400;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}Z", seconds % 60)
}

impl<W: Write + Send> Sink for Plain<W> {
    fn event(&self, event: &Event) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.tally.count(event);
        let lines = lasting_lines(event, inner.tally, &self.palette);
        let time = time_of_day((self.clock)());
        for line in lines
            .into_iter()
            .chain(Self::passing_line(event, &self.palette))
        {
            let faint = self.palette.faint;
            // A closed standard error must not stop a run that is changing an account.
            let _ = writeln!(inner.writer, "{faint}{time}{faint:#} {line}");
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::event::{Action, After, Command, LeftBehind, SCHEMA, Until};
    use crate::resource::{
        Address, CallCount, CallError, Cause, Certainty, ErrorClass, LogExcerpt, RolloutCounts,
    };
    use std::collections::BTreeMap;

    /// A run in which one thing of each kind happens.
    pub fn eventful_run() -> Vec<Event> {
        let nat = || Address::new("nat_gateway", "1a");
        let service = || Address::new("service", "backend");
        let records = || Address::new("alias_records", "ecs-navi.site");
        vec![
            Event::RunBegan {
                command: Command::Up,
                stack: "ecs-navi".to_owned(),
                account: "123456789012".to_owned(),
                region: "ap-northeast-1".to_owned(),
                steps: 12,
                schema: SCHEMA,
            },
            Event::Recovered {
                address: Address::new("vpc", "main"),
                what: "the create call had reached AWS: vpc-1".to_owned(),
            },
            Event::StepBegan {
                address: nat(),
                action: Action::Create,
                at_milliseconds: 0,
                after: None,
                expected_milliseconds: 90_000,
                remaining_milliseconds: 140_000,
                awaited_by: vec![service()],
            },
            Event::StepExists {
                address: nat(),
                id: Some("nat-1".to_owned()),
                milliseconds: 800,
            },
            Event::StepProgress {
                address: nat(),
                message: "state is pending".to_owned(),
                milliseconds: 1_900,
            },
            Event::StepBegan {
                address: service(),
                action: Action::Create,
                at_milliseconds: 900,
                after: Some(After {
                    address: nat(),
                    until: Until::Exists,
                }),
                expected_milliseconds: 50_000,
                remaining_milliseconds: 50_000,
                awaited_by: Vec::new(),
            },
            Event::RolloutProgress {
                address: service(),
                counts: RolloutCounts {
                    wanted: 3,
                    running: 1,
                    pending: 2,
                    healthy: Some(0),
                    failed: 0,
                },
            },
            Event::ServiceEvent {
                address: service(),
                message: "has started 3 tasks: (task a) (task b) (task c)".to_owned(),
            },
            Event::StepDone {
                address: nat(),
                action: Action::Create,
                id: Some("nat-1".to_owned()),
                awaited: true,
                milliseconds: 103_400,
            },
            Event::Warning {
                message: "the quota for elastic IPs is nearly used up".to_owned(),
            },
            Event::StepFailed {
                address: service(),
                action: Action::Create,
                code: Some(Cause::ServiceLinkedRole),
                error: CallError {
                    operation: "ecs:CreateService".to_owned(),
                    code: Some("InvalidParameterException".to_owned()),
                    message: "Unable to assume the service linked role.".to_owned(),
                    request_id: Some("11111111-2222".to_owned()),
                    class: ErrorClass::NotYet,
                    certainty: Certainty::Rejected,
                },
                logs: vec![LogExcerpt {
                    container: "api".to_owned(),
                    group: "/ecs/api".to_owned(),
                    stream: "ecs/api/0aa1".to_owned(),
                    lines: vec!["starting".to_owned(), "Error: no database".to_owned()],
                }],
                holders: Vec::new(),
                leftover: LeftBehind::Exists {
                    id: Some("backend-service".to_owned()),
                },
                milliseconds: 61_200,
            },
            Event::StepBlocked {
                address: records(),
                action: Action::Create,
                by: service(),
            },
            Event::StepBlockedToo {
                address: records(),
                by: Address::new("load_balancer", "main"),
            },
            Event::StepCalled {
                address: nat(),
                calls: vec![CallCount {
                    operation: "ec2:CreateNatGateway".to_owned(),
                    calls: 2,
                    requests: 3,
                    refused: BTreeMap::from([("NatGatewayLimitExceeded".to_owned(), 1)]),
                }],
            },
            Event::Looked { calls: Vec::new() },
            Event::Interrupted { again: false },
            Event::StepSkipped {
                address: Address::new("service", "nginx-proxy"),
                action: Action::Create,
            },
            Event::RunEnded {
                done: 1,
                failed: 1,
                blocked: 1,
                skipped: 1,
                milliseconds: 105_000,
            },
        ]
    }

    pub fn render(events: &[Event]) -> String {
        let at = || UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let plain = Plain::with_clock(Vec::new(), Palette::plain(), at);
        for event in events {
            plain.event(event);
        }
        String::from_utf8(plain.inner.into_inner().unwrap().writer).unwrap()
    }

    #[test]
    fn every_ended_step_has_its_line() {
        insta::assert_snapshot!(render(&eventful_run()));
    }
}
