//! How is a sandbox reached? One request in, one answer out, in process or over loopback.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{Request, Response, StatusCode},
};
use bytes::Bytes;
use tokio::{net::TcpListener, sync::Notify, time::sleep};

use super::{
    authorization::Policies,
    call::Call,
    call_log::{CallLog, is_mutating},
    clock::Clock,
    control, dispatch,
    fault::Fault,
    fault_injection::{ArmedFaults, Effect, Strike, When},
    figures::Figures,
    freshness::Freshness,
    ids::Ids,
    limits::Buckets,
    pace::{Doing, Pace, Tempo},
    violations::{self, Violation},
    wire::{self, Unreadable},
    world::{Context, World},
};

/// More than any AWS API of the sandbox accepts.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// So that what one sequence of chances takes changes no other.
const FRESHNESS_SALT: u64 = 0x6672_6573_686e_6573;
const LATENCY_SALT: u64 = 0x6c61_7465_6e63_7900;

/// How a sandbox is to be.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub pace: Pace,
    /// Sandboxes with the same seed and the same calls make the same identifiers.
    pub seed: u64,
    /// How long everything takes at AWS's own speed.
    pub figures: Figures,
}

/// A fault was armed that breaks the connection off without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox dropped the connection, as a fault armed with \"do\": \"drop\" asks")]
pub struct ConnectionDropped;

/// A simulated AWS. Clones share one world.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Mutex<Inner>>,
    clock: Arc<Clock>,
    stop: Arc<Notify>,
    release: Arc<Notify>,
    options: Options,
}

/// What the lock protects.
pub(super) struct Inner {
    pub world: World,
    pub calls: CallLog,
    pub faults: ArmedFaults,
    pub policies: Policies,
    /// What callers asked for who are not to get an answer, and what has not happened yet.
    late: Vec<Call>,
    limits: Buckets,
    freshness: Freshness,
    pub violations: Vec<Violation>,
    request_ids: Ids,
    latency_chance: Ids,
}

impl Inner {
    fn new(options: &Options) -> Self {
        let tempo = Tempo::new(options.pace, &options.figures);
        // Sequences of their own: reads must not change what the next resource is called.
        let apart = |salt: u64| Ids::new(options.seed ^ salt);
        Self {
            limits: Buckets::new(options.pace, &options.figures),
            freshness: Freshness::new(
                tempo.duration(Doing::IdBecomesKnown),
                apart(FRESHNESS_SALT).below(u64::MAX),
            ),
            world: World::new(tempo, options.seed),
            calls: CallLog::default(),
            faults: ArmedFaults::default(),
            policies: Policies::default(),
            late: Vec::new(),
            violations: Vec::new(),
            request_ids: Ids::new(!options.seed),
            latency_chance: apart(LATENCY_SALT),
        }
    }
}

impl Sandbox {
    pub fn new(options: Options) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Inner::new(&options))),
            clock: Arc::new(Clock::start()),
            stop: Arc::new(Notify::new()),
            release: Arc::new(Notify::new()),
            options,
        }
    }

    /// Answers one request, to AWS or to the sandbox's own control. A fault may leave it without an answer for ever.
    pub async fn handle(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, ConnectionDropped> {
        if request.uri().path().starts_with(control::PREFIX) {
            return Ok(control::answer(self, &request));
        }
        let received = wire::decode(&request);
        let latency = self.latency(&received);
        let answer = if latency.is_zero() {
            self.answer(received)
        } else {
            // What is under way happens, whether or not the caller waits for the answer.
            let sandbox = self.clone();
            let under_way = tokio::spawn(async move {
                sleep(latency / 2).await;
                let answer = sandbox.answer(received);
                sleep(latency / 2).await;
                answer
            });
            under_way.await.map_err(|_| ConnectionDropped)?
        };
        match answer {
            Answer::Send(response) => Ok(response),
            Answer::Never => std::future::pending().await,
            Answer::Hold(held) => {
                self.release.notified().await;
                Ok(self.answer_held(*held))
            }
            Answer::Drop => Err(ConnectionDropped),
        }
    }

    /// The answer to a call that was held: as if it had come now, unless it has had its effect already.
    fn answer_held(&self, held: Held) -> Response<Bytes> {
        let Held { call, index, done } = held;
        let mut inner = self.lock();
        let inner = &mut *inner;
        inner.world.advance(self.clock.now());
        let result = done.unwrap_or_else(|| self.serve_call(inner, &call));
        self.respond(inner, &call, index, result)
    }

    /// Lets all calls go on that faults hold.
    pub(super) fn release_held(&self) {
        self.release.notify_waiters();
    }

    /// How long the answer takes, spread by a quarter to either side.
    fn latency(&self, received: &Result<Call, Unreadable>) -> Duration {
        let Ok(call) = received else {
            return Duration::ZERO;
        };
        let Options { pace, figures, .. } = &self.options;
        let usual = pace.scale(figures.latency(call.service, is_mutating(&call.operation)));
        if usual.is_zero() {
            return usual;
        }
        let percent = 75 + self.lock().latency_chance.below(51);
        usual.mul_f64(percent as f64 / 100.0)
    }

    /// Serves connections until the future is dropped.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        let router = Router::new().fallback(over_http).with_state(self);
        axum::serve(listener, router).await
    }

    /// Waits for `POST /_navi/stop`; whoever serves the sandbox then drops `serve`.
    pub async fn stop_requested(&self) {
        self.stop.notified().await;
    }

    pub(super) fn request_stop(&self) {
        self.stop.notify_one();
    }

    fn answer(&self, received: Result<Call, Unreadable>) -> Answer {
        let mut inner = self.lock();
        let inner = &mut *inner;
        inner.world.advance(self.clock.now());
        let call = match received {
            Ok(call) => call,
            Err(unreadable) => {
                let request_id = inner.request_ids.uuid();
                let refusal = Err(unreadable.fault);
                return Answer::Send(wire::encode(unreadable.service, "", &request_id, refusal));
            }
        };
        let index = inner.calls.begin(&call);
        let result = match inner.faults.strike(&call) {
            None => self.serve_call(inner, &call),
            Some(Strike {
                when,
                effect,
                refusal,
            }) => {
                // The caller does not get to see how the call went.
                let done = (when == When::After).then(|| self.apply(inner, &call));
                match refusal.or_else(|| effect.fault(&call)) {
                    Some(fault) => Err(fault),
                    None => {
                        inner.calls.end(index, Some(effect.name()));
                        return match effect {
                            Effect::Drop => Answer::Drop,
                            Effect::Late => {
                                inner.late.push(call);
                                Answer::Never
                            }
                            _ => Answer::Hold(Box::new(Held { call, index, done })),
                        };
                    }
                }
            }
        };
        Answer::Send(self.respond(inner, &call, index, result))
    }

    fn respond(
        &self,
        inner: &mut Inner,
        call: &Call,
        index: u64,
        result: Result<serde_json::Value, Fault>,
    ) -> Response<Bytes> {
        let error = result.as_ref().err().map(|fault| fault.code.as_str());
        inner.calls.end(index, error);
        let request_id = inner.request_ids.uuid();
        wire::encode(call.service, &call.operation, &request_id, result)
    }

    /// As AWS does when nobody interferes: not too many at a time, and by the part of it that is asked.
    fn serve_call(&self, inner: &mut Inner, call: &Call) -> Result<serde_json::Value, Fault> {
        let now = self.clock.now();
        if !inner.limits.take(call, now) {
            return Err(call.service.throttled());
        }
        self.authorize(inner, call)?;
        let part = inner.freshness.take(call, now)?;
        let answer = self.apply(inner, call)?;
        Ok(inner.freshness.answer(call, now, &part, answer))
    }

    fn authorize(&self, inner: &mut Inner, call: &Call) -> Result<(), Fault> {
        let Inner {
            world, policies, ..
        } = inner;
        if !policies.concern(call) {
            return Ok(());
        }
        let (account, place, now) = (&call.account, call.place(), self.clock.now());
        world.look_within(account, place, now, |context| policies.check(context, call))
    }

    fn apply(&self, inner: &mut Inner, call: &Call) -> Result<serde_json::Value, Fault> {
        let operation = dispatch::find(call)?;
        if is_mutating(&call.operation) {
            inner.world.note_change();
        }
        let (account, place, now) = (&call.account, call.place(), self.clock.now());
        let before = violations::before(&mut inner.world, now, call);
        let run = |context: &mut Context<'_>| operation(context, call);
        let result = inner.world.look_within(account, place, now, run);
        if let Some(before) = before {
            let violations = violations::after(&mut inner.world, now, call, &before);
            inner.violations.extend(violations);
        }
        result
    }

    /// Lets everything happen that a fault has kept back, in the order in which it was asked for. One line for each call.
    pub(super) fn apply_late(&self) -> serde_json::Value {
        let mut inner = self.lock();
        let inner = &mut *inner;
        inner.world.advance(self.clock.now());
        let late = std::mem::take(&mut inner.late);
        let apply = |call: Call| {
            let error = self.apply(inner, &call).err().map(|fault| fault.code);
            serde_json::json!({"operation": call.operation, "error": error})
        };
        late.into_iter().map(apply).collect()
    }

    /// Empties everything: world, call log, armed faults.
    pub(super) fn reset(&self) {
        *self.lock() = Inner::new(&self.options);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic in one operation must not take the sandbox away from all later callers.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }
}

enum Answer {
    Send(Response<Bytes>),
    /// Once the calls that are held are let go on.
    Hold(Box<Held>),
    Never,
    Drop,
}

/// A call that a fault holds.
struct Held {
    call: Call,
    index: u64,
    /// How it went, if it has had its effect already.
    done: Option<Result<serde_json::Value, Fault>>,
}

async fn over_http(State(sandbox): State<Sandbox>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        let mut refusal = Response::new(Body::empty());
        *refusal.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return refusal;
    };
    match sandbox.handle(Request::from_parts(head, body)).await {
        Ok(response) => response.map(Body::from),
        // A body that fails before its first byte makes hyper close the connection with nothing sent.
        Err(dropped) => Response::new(Body::from_stream(futures::stream::once(async {
            Err::<Bytes, _>(dropped)
        }))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::sandbox::test_client::TestClient;

    #[tokio::test]
    async fn the_caller_is_told_who_it_is() {
        let client = TestClient::new();
        let answer = client.sts("GetCallerIdentity", &[]).await.unwrap();
        assert!(answer.contains("<Account>123456789012</Account>"));
        let other = client.as_account("111122223333");
        assert!(
            other
                .sts("GetCallerIdentity", &[])
                .await
                .unwrap()
                .contains("<Account>111122223333</Account>")
        );
    }

    #[tokio::test]
    async fn unknown_operations_say_what_is_served() {
        let refusal = TestClient::new()
            .ec2("RunInstances", &[])
            .await
            .unwrap_err();
        assert!(refusal.contains("ec2:RunInstances"), "{refusal}");
        assert!(refusal.contains("docs/SANDBOX.md"));
    }

    #[tokio::test]
    async fn calls_are_counted_and_told_apart() {
        let client = TestClient::new();
        client
            .ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")])
            .await
            .unwrap();
        client.ec2("DescribeVpcs", &[]).await.unwrap();
        client.ec2("CreateVpc", &[]).await.unwrap_err();
        let status = client.control("GET", "status", Value::Null).await;
        assert_eq!(status["calls"], json!({"total": 3, "mutating": 2}));
        assert_eq!(status["resources"]["ec2.vpcs"], 2);
        let calls = client.control("GET", "calls", Value::Null).await;
        assert_eq!(
            calls[2],
            json!({"index": 3, "service": "ec2", "operation": "CreateVpc", "mutating": true, "region": "eu-west-1", "error": "MissingParameter"})
        );
        client.control("POST", "reset", Value::Null).await;
        let status = client.control("GET", "status", Value::Null).await;
        assert_eq!(
            (&status["calls"]["total"], &status["resources"]),
            (&json!(0), &json!({}))
        );
    }

    #[tokio::test]
    async fn a_fault_before_applies_nothing_and_a_fault_after_everything() {
        let client = TestClient::new();
        let create = || client.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]);
        client
            .control(
                "POST",
                "faults",
                json!({"at_mutating_call": 2, "do": "throttle"}),
            )
            .await;
        create().await.unwrap();
        assert!(create().await.unwrap_err().contains("RequestLimitExceeded"));
        client
            .control(
                "POST",
                "faults",
                json!({"operation": "CreateVpc", "when": "after", "do": "status-500"}),
            )
            .await;
        assert!(create().await.unwrap_err().contains("InternalError"));
        create().await.unwrap();
        let status = client.control("GET", "status", Value::Null).await;
        assert_eq!(status["resources"]["ec2.vpcs"], 4);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_late_happens_when_it_is_told_to_and_once() {
        let client = TestClient::new();
        let fault = json!({"operation": "CreateVpc", "do": "late"});
        client.control("POST", "faults", fault).await;
        let asked = client
            .sandbox()
            .handle(client.ec2_request("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]));
        let waited = tokio::time::timeout(std::time::Duration::from_secs(3600), asked).await;
        assert!(waited.is_err());
        let vpcs = async || {
            let status = client.control("GET", "status", Value::Null).await;
            status["resources"]["ec2.vpcs"].clone()
        };
        // Not even the default VPC: nothing has been done in the region yet.
        assert_eq!(vpcs().await, Value::Null);
        let applied = client.control("POST", "late", Value::Null).await;
        assert_eq!(applied, json!([{"operation": "CreateVpc", "error": null}]));
        assert_eq!(vpcs().await, json!(2));
        let applied = client.control("POST", "late", Value::Null).await;
        assert_eq!(applied, json!([]));
    }

    #[tokio::test]
    async fn quotas_and_expired_credentials_are_refused_in_the_service_s_own_words() {
        let client = TestClient::new();
        for (effect, code) in [("quota", "VpcLimitExceeded"), ("expired", "RequestExpired")] {
            let fault = json!({"operation": "CreateVpc", "do": effect});
            client.control("POST", "faults", fault).await;
            let refusal = client
                .ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")])
                .await;
            let refusal = refusal.unwrap_err();
            assert!(
                refusal.contains(&format!("<Code>{code}</Code>")),
                "{refusal}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_call_has_no_answer_and_a_held_one_none_for_ever() {
        let client = TestClient::new();
        client
            .control(
                "POST",
                "faults",
                json!({"operation": "DescribeVpcs", "do": "drop"}),
            )
            .await;
        client
            .control(
                "POST",
                "faults",
                json!({"operation": "CreateVpc", "do": "hold"}),
            )
            .await;
        assert!(
            client
                .sandbox()
                .handle(client.ec2_request("DescribeVpcs", &[]))
                .await
                .is_err()
        );
        let held = client
            .sandbox()
            .handle(client.ec2_request("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]));
        let waited = tokio::time::timeout(std::time::Duration::from_secs(3600), held).await;
        assert!(waited.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn held_calls_go_on_when_they_are_released() {
        let client = TestClient::new();
        for when in ["before", "after"] {
            let fault = json!({"operation": "CreateVpc", "when": when, "do": "hold"});
            client.control("POST", "faults", fault).await;
            let request = client.ec2_request("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]);
            let sandbox = client.sandbox().clone();
            let held = tokio::spawn(async move { sandbox.handle(request).await });
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert!(!held.is_finished());
            client.control("POST", "release", Value::Null).await;
            let answer = held.await.unwrap().unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
        }
        let status = client.control("GET", "status", Value::Null).await;
        assert_eq!(status["resources"]["ec2.vpcs"], 3);
    }

    #[tokio::test]
    async fn a_dropped_connection_carries_not_one_byte() {
        let client = TestClient::new();
        client
            .control(
                "POST",
                "faults",
                json!({"operation": "DescribeVpcs", "do": "drop"}),
            )
            .await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(client.sandbox().clone().serve(listener));
        let request = client.ec2_request("DescribeVpcs", &[]);
        let body = request.body().clone();
        let authorization = request.headers()["authorization"].to_str().unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nhost: x\r\nauthorization: {authorization}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut answers = Vec::new();
        for _ in 0..2 {
            let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
            connection.write_all(head.as_bytes()).await.unwrap();
            connection.write_all(&body).await.unwrap();
            connection.shutdown().await.unwrap();
            let mut answer = String::new();
            connection.read_to_string(&mut answer).await.unwrap();
            answers.push(answer);
        }
        assert_eq!(answers[0], "");
        assert!(answers[1].starts_with("HTTP/1.1 200 OK"));
    }
}
