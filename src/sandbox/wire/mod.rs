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

/// Reads a request; one that can't be read is answered as AWS answers it.
pub fn decode(request: &Request<Bytes>, request_id: &str) -> Result<Call, Response<Bytes>> {
    let service = guess_service(request);
    let refuse = |fault: Fault| encode(service, "", request_id, Err(fault));
    let credential = Credential::of(request).map_err(refuse)?;
    let service = Service::from_signing_name(&credential.service).ok_or_else(|| {
        refuse(Fault::new("NotImplemented", unknown_service(&credential.service)).with_status(501))
    })?;
    let refuse = |fault: Fault| encode(service, "", request_id, Err(fault));
    let (operation, parameters) = match service.protocol() {
        Protocol::Ec2Query | Protocol::Query => query::decode(request),
        Protocol::Json => json::decode(request),
        Protocol::RestXml => rest_xml::decode(request),
    }
    .map_err(refuse)?;
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

fn unknown_service(name: &str) -> String {
    format!("the sandbox does not serve the service {name:?}; docs/SANDBOX.md lists what it serves")
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
        headers.insert(HeaderName::from_static("x-amzn-requestid"), value.clone());
        headers.insert(HeaderName::from_static("x-amz-request-id"), value);
    }
    response
}

#[cfg(test)]
mod tests;
