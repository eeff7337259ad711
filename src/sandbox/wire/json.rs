//! How do the JSON protocols 1.0 and 1.1 read? The operation in `x-amz-target`, objects both ways.

use axum::http::{HeaderName, HeaderValue, Request, Response};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::respond;
use crate::sandbox::fault::Fault;

pub fn decode(request: &Request<Bytes>) -> Result<(String, Value), Fault> {
    let operation = request
        .headers()
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .and_then(|target| target.rsplit_once('.'))
        .map(|(_, operation)| operation.to_owned())
        .ok_or_else(|| {
            Fault::new(
                "UnknownOperationException",
                "The header x-amz-target names no operation",
            )
        })?;
    let parameters = match request.body().as_ref() {
        b"" => json!({}),
        body => serde_json::from_slice(body)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| Fault::new("SerializationException", "The body is not a JSON object"))?,
    };
    Ok((operation, parameters))
}

pub fn encode(request_id: &str, result: Result<Value, Fault>) -> Response<Bytes> {
    const JSON: &str = "application/x-amz-json-1.1";
    match result {
        Ok(Value::Null) => respond(200, JSON, request_id, "{}".to_owned()),
        Ok(answer) => respond(200, JSON, request_id, answer.to_string()),
        Err(fault) => {
            let mut body = Map::from_iter([
                ("__type".to_owned(), json!(fault.code)),
                ("message".to_owned(), json!(fault.message)),
            ]);
            body.extend(
                fault
                    .members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value)),
            );
            let mut response = respond(
                fault.status,
                JSON,
                request_id,
                Value::Object(body).to_string(),
            );
            if let Ok(code) = HeaderValue::from_str(&fault.code) {
                response
                    .headers_mut()
                    .insert(HeaderName::from_static("x-amzn-errortype"), code);
            }
            response
        }
    }
}
