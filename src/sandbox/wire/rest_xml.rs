//! How does Route 53's protocol read? The operation in verb and path, XML bodies.

use axum::http::{HeaderValue, Request, Response, header::LOCATION};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{respond, routes, xml};
use crate::sandbox::{fault::Fault, service::Service};

const XML: &str = "text/xml";

/// Path, query string and body members become one object.
pub fn decode(request: &Request<Bytes>) -> Result<(String, Value), Fault> {
    let path = request.uri().path();
    let method = request.method().as_str();
    let (operation, labels) = routes::find(method, path).ok_or_else(|| {
        Fault::new(
            "NotImplemented",
            format!(
                "the sandbox does not serve {method} {path}; docs/SANDBOX.md lists what it serves"
            ),
        )
        .with_status(501)
    })?;
    let mut parameters = match request.body().as_ref() {
        b"" => Map::new(),
        body => xml::parse(body).map_err(|problem| {
            Fault::new(
                "MalformedXML",
                format!("The XML document is malformed: {problem}"),
            )
        })?,
    };
    for pair in request.uri().query().unwrap_or_default().split('&') {
        if let Some((name, value)) = pair.split_once('=') {
            parameters.insert(unescape(name), Value::String(unescape(value)));
        }
    }
    for (name, value) in labels {
        parameters.insert(name.to_owned(), Value::String(unescape(value)));
    }
    Ok((operation.to_owned(), Value::Object(parameters)))
}

fn unescape(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

pub fn encode(
    service: Service,
    operation: &str,
    request_id: &str,
    result: Result<Value, Fault>,
) -> Response<Bytes> {
    let namespace = service.xml_namespace();
    match result {
        Ok(mut answer) => {
            let creates = routes::answers_created(operation);
            let location = creates
                .then(|| answer.as_object_mut()?.remove("Location"))
                .flatten();
            let root = format!("{operation}Response");
            let body = xml::document(&root, namespace, &answer, xml::Lists::Singular);
            let mut response = respond(if creates { 201 } else { 200 }, XML, request_id, body);
            if let Some(location) = location.as_ref().and_then(Value::as_str)
                && let Ok(value) = HeaderValue::from_str(location)
            {
                response.headers_mut().insert(LOCATION, value);
            }
            response
        }
        Err(fault) => respond(
            fault.status,
            XML,
            request_id,
            xml::error(namespace, request_id, &fault),
        ),
    }
}
