//! How do AWS's protocols look on the wire? Every request becomes a `Call`, every answer goes back in the protocol it came in.

mod credential;
mod json;
mod query;
mod rest_xml;
mod routes;
mod xml;

use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use bytes::Bytes;
use serde_json::Value;

use self::credential::Credential;
use super::{
    call::Call,
    fault::Fault,
    service::{Protocol, Service},
};

/// The account of every access key that is not itself an account number: the one of AWS's own documentation.
pub const DEFAULT_ACCOUNT: &str = "123456789012";

/// A request that could not be read, and the service in whose protocol to say so.
#[derive(Debug)]
pub struct Unreadable {
    pub service: Service,
    pub fault: Fault,
}

pub fn decode(request: &Request<Bytes>) -> Result<Call, Unreadable> {
    let guessed = guess_service(request);
    let unreadable = |service| move |fault| Unreadable { service, fault };
    let credential = Credential::of(request, guessed.protocol()).map_err(unreadable(guessed))?;
    let service = Service::from_signing_name(&credential.service)
        .ok_or_else(|| unknown_service(&credential.service))
        .map_err(unreadable(guessed))?;
    let (operation, parameters) = match service.protocol() {
        Protocol::Ec2Query | Protocol::Query => query::decode(request),
        Protocol::Json => json::decode(request),
        Protocol::RestXml => rest_xml::decode(request),
    }
    .map_err(unreadable(service))?;
    Ok(Call {
        service,
        operation,
        account: credential.account(),
        region: credential.region,
        access_key: credential.access_key,
        parameters,
    })
}

/// Writes an answer in the protocol of the service.
pub fn encode(
    service: Service,
    operation: &str,
    request_id: &str,
    result: Result<Value, Fault>,
) -> Response<Bytes> {
    match service.protocol() {
        Protocol::Ec2Query => query::encode_ec2(service, operation, request_id, result),
        Protocol::Query => query::encode(service, operation, request_id, result),
        Protocol::Json => json::encode(request_id, result),
        Protocol::RestXml => rest_xml::encode(service, operation, request_id, result),
    }
}

fn unknown_service(name: &str) -> Fault {
    Fault::new(
        "NotImplemented",
        format!(
            "the sandbox does not serve the service {name:?}; docs/SANDBOX.md lists what it serves"
        ),
    )
    .with_status(501)
}

/// Only for the shape of refusals to requests whose signature names no service.
fn guess_service(request: &Request<Bytes>) -> Service {
    let target = request
        .headers()
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .and_then(|target| target.split('.').next());
    match target {
        Some(prefix) => Service::from_target_prefix(prefix).unwrap_or(Service::Ecs),
        None if request.uri().path() == "/" => Service::Sts,
        None => Service::Route53,
    }
}

fn respond(
    status: u16,
    content_type: &'static str,
    request_id: &str,
    body: String,
) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), value);
    }
    response
}

#[cfg(test)]
mod tests;
