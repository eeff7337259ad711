//! How does one look into the sandbox and steer it? By the endpoints below `/_navi/` (docs/SANDBOX.md).

use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    application_auto_scaling, authorization::Grant, call_log::CallLog, container_shell,
    fault_injection::ArmedFault, images::ImageRule, reach, secrets::SecretRule, server::Sandbox,
    serving, task_outcome::TaskOutcomeRule, visit,
};

pub const PREFIX: &str = "/_navi/";

type Refusal = (StatusCode, String);

/// Answers are JSON; control calls are not AWS calls and are neither counted nor harmed by faults.
pub fn answer(sandbox: &Sandbox, request: &Request<Bytes>) -> Response<Bytes> {
    let path = request
        .uri()
        .path()
        .strip_prefix(PREFIX)
        .unwrap_or_default();
    let body = request.body();
    if request.method() != Method::GET {
        sandbox.lock().world.note_change();
    }
    let result = match (request.method().as_str(), path) {
        ("GET", "status") => status(sandbox),
        ("GET", "world") => world(sandbox),
        ("GET", "calls") => calls(sandbox),
        ("GET", "faults") => faults(sandbox),
        ("GET", "images") => images(sandbox),
        ("GET", "policies") => policies(sandbox),
        ("GET", "secrets") => secrets(sandbox),
        ("GET", "serving") => serving(sandbox),
        ("GET", "tasks") => tasks(sandbox),
        ("GET", "violations") => violations(sandbox),
        ("POST", "reset") => {
            sandbox.reset();
            Ok(json!({}))
        }
        ("POST", "stop") => {
            sandbox.request_stop();
            Ok(json!({}))
        }
        ("POST", "calls/reset") => {
            sandbox.lock().calls = CallLog::default();
            Ok(json!({}))
        }
        ("POST", "faults") => arm_fault(sandbox, body),
        ("DELETE", "faults") => {
            sandbox.lock().faults.clear();
            Ok(json!({}))
        }
        ("POST", "policies") => grant(sandbox, body),
        ("DELETE", "policies") => {
            sandbox.lock().policies.clear();
            Ok(json!({}))
        }
        ("POST", "release") => {
            sandbox.release_held();
            Ok(json!({}))
        }
        ("POST", "late") => Ok(sandbox.apply_late()),
        ("POST", "tasks") => add_task_outcome(sandbox, body),
        ("POST", "secrets") => add_secret(sandbox, body),
        ("POST", "images") => add_image(sandbox, body),
        ("POST", "scale") => scale(sandbox, body),
        ("POST", "exec") => run_command(sandbox, body),
        ("POST", "http") => visit(sandbox, body),
        ("POST", "reach") => reach(sandbox, body),
        (method, _) => Err((
            StatusCode::NOT_FOUND,
            format!(
                "{method} {PREFIX}{path} is not one of the sandbox's control endpoints; docs/SANDBOX.md lists them"
            ),
        )),
    };
    respond(result)
}

fn status(sandbox: &Sandbox) -> Result<Value, Refusal> {
    let options = sandbox.options();
    let mut inner = sandbox.lock();
    inner.world.advance(sandbox.clock().now());
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "uptime_seconds": sandbox.clock().uptime().as_secs(),
        "pace": options.pace.to_string(),
        "seed": options.seed,
        "durations": options.figures.fingerprint(),
        "calls": {"total": inner.calls.total(), "mutating": inner.calls.mutating()},
        "resources": inner.world.counts().map_err(unwritable)?,
    }))
}

fn world(sandbox: &Sandbox) -> Result<Value, Refusal> {
    let mut inner = sandbox.lock();
    inner.world.advance(sandbox.clock().now());
    inner.world.dump().map_err(unwritable)
}

fn calls(sandbox: &Sandbox) -> Result<Value, Refusal> {
    serde_json::to_value(sandbox.lock().calls.calls()).map_err(unwritable)
}

fn faults(sandbox: &Sandbox) -> Result<Value, Refusal> {
    serde_json::to_value(&sandbox.lock().faults).map_err(unwritable)
}

fn tasks(sandbox: &Sandbox) -> Result<Value, Refusal> {
    serde_json::to_value(&sandbox.lock().world.task_outcomes).map_err(unwritable)
}

fn images(sandbox: &Sandbox) -> Result<Value, Refusal> {
    serde_json::to_value(&sandbox.lock().world.images).map_err(unwritable)
}

fn policies(sandbox: &Sandbox) -> Result<Value, Refusal> {
    serde_json::to_value(&sandbox.lock().policies).map_err(unwritable)
}

fn grant(sandbox: &Sandbox, body: &Bytes) -> Result<Value, Refusal> {
    let grant: Grant = read(body)?;
    let granted = sandbox.lock().policies.grant(grant);
    granted.map_err(refuse).map(|()| json!({}))
}

fn secrets(sandbox: &Sandbox) -> Result<Value, Refusal> {
    serde_json::to_value(&sandbox.lock().world.secrets).map_err(unwritable)
}

fn serving(sandbox: &Sandbox) -> Result<Value, Refusal> {
    let mut inner = sandbox.lock();
    let now = sandbox.clock().now();
    inner.world.advance(now);
    Ok(serving::answer(&mut inner.world, now))
}

fn violations(sandbox: &Sandbox) -> Result<Value, Refusal> {
    serde_json::to_value(&sandbox.lock().violations).map_err(unwritable)
}

fn arm_fault(sandbox: &Sandbox, body: &Bytes) -> Result<Value, Refusal> {
    let fault: ArmedFault = read(body)?;
    sandbox.lock().faults.arm(fault);
    Ok(json!({}))
}

fn add_task_outcome(sandbox: &Sandbox, body: &Bytes) -> Result<Value, Refusal> {
    let rule: TaskOutcomeRule = read(body)?;
    sandbox.lock().world.task_outcomes.add(rule);
    Ok(json!({}))
}

fn add_secret(sandbox: &Sandbox, body: &Bytes) -> Result<Value, Refusal> {
    let rule: SecretRule = read(body)?;
    sandbox.lock().world.secrets.add(rule);
    Ok(json!({}))
}

fn add_image(sandbox: &Sandbox, body: &Bytes) -> Result<Value, Refusal> {
    let mut rule: ImageRule = read(body)?;
    rule.at = sandbox.clock().now();
    let added = sandbox.lock().world.images.add(rule);
    added.map_err(refuse).map(|()| json!({}))
}

fn refuse(message: String) -> Refusal {
    (StatusCode::BAD_REQUEST, message)
}

fn run_command(sandbox: &Sandbox, body: &Bytes) -> Result<Value, Refusal> {
    let command = read(body)?;
    let mut inner = sandbox.lock();
    let now = sandbox.clock().now();
    inner.world.advance(now);
    container_shell::run(&mut inner.world, now, &command)
        .map_err(|message| (StatusCode::BAD_REQUEST, message))
}

fn scale(sandbox: &Sandbox, body: &Bytes) -> Result<Value, Refusal> {
    let asked = read(body)?;
    let mut inner = sandbox.lock();
    let now = sandbox.clock().now();
    inner.world.advance(now);
    application_auto_scaling::scale(&mut inner.world, now, &asked).map_err(refuse)
}

fn visit(sandbox: &Sandbox, body: &Bytes) -> Result<Value, Refusal> {
    let visit = read(body)?;
    let mut inner = sandbox.lock();
    let now = sandbox.clock().now();
    inner.world.advance(now);
    Ok(visit::answer(&mut inner.world, now, &visit))
}

fn reach(sandbox: &Sandbox, body: &Bytes) -> Result<Value, Refusal> {
    let asked = read(body)?;
    let mut inner = sandbox.lock();
    let now = sandbox.clock().now();
    inner.world.advance(now);
    Ok(reach::answer(&mut inner.world, now, &asked))
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|problem| {
        (
            StatusCode::BAD_REQUEST,
            format!("the body is not understood: {problem}"),
        )
    })
}

fn unwritable(problem: serde_json::Error) -> Refusal {
    (StatusCode::INTERNAL_SERVER_ERROR, problem.to_string())
}

fn respond(result: Result<Value, Refusal>) -> Response<Bytes> {
    let (status, body) = match result {
        Ok(value) => (StatusCode::OK, value),
        Err((status, message)) => (status, json!({"message": message})),
    };
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
