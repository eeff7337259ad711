//! How do the form-encoded protocols read, EC2's and the older query one? Parameters with dotted paths in, XML out.

use std::collections::BTreeMap;

use axum::http::{Request, Response};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::{respond, xml};
use crate::sandbox::{fault::Fault, service::Service};

const XML: &str = "text/xml;charset=UTF-8";

pub fn decode(request: &Request<Bytes>) -> Result<(String, Value), Fault> {
    let body = std::str::from_utf8(request.body())
        .map_err(|_| Fault::new("MalformedQueryString", "The body is not UTF-8"))?;
    let mut root = Node::default();
    for (path, value) in pairs(request.uri().query().unwrap_or_default()).chain(pairs(body)) {
        root.insert(&path, value);
    }
    let Value::Object(mut parameters) = root.into_value() else {
        return Err(missing_action());
    };
    let operation = parameters.remove("Action");
    parameters.remove("Version");
    match operation {
        Some(Value::String(operation)) if !operation.is_empty() => {
            Ok((operation, Value::Object(parameters)))
        }
        _ => Err(missing_action()),
    }
}

fn missing_action() -> Fault {
    Fault::new(
        "MissingAction",
        "The request must contain the parameter Action",
    )
}

fn pairs(form: &str) -> impl Iterator<Item = (String, String)> + '_ {
    form.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (unescape(name), unescape(value)))
}

fn unescape(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

/// What the dotted paths of a form spell: a text, or members by name or by number.
#[derive(Default)]
struct Node {
    text: Option<String>,
    members: BTreeMap<String, Node>,
}

impl Node {
    fn insert(&mut self, path: &str, value: String) {
        // Deeper than any AWS parameter; a bound, so that odd input can't exhaust the stack.
        let mut node = self;
        for segment in path.splitn(32, '.') {
            node = node.members.entry(segment.to_owned()).or_default();
        }
        node.text = Some(value);
    }

    fn into_value(mut self) -> Value {
        if self.members.is_empty() {
            return self.text.map_or_else(|| json!({}), Value::String);
        }
        // The query protocol writes lists as `Names.member.1`, EC2's as `Filter.1`.
        if self.members.len() == 1
            && let Some(list) = self.members.remove("member")
        {
            return list.into_value();
        }
        let numbers: Option<Vec<u64>> = self.members.keys().map(|key| key.parse().ok()).collect();
        match numbers {
            Some(numbers) => {
                let mut items: Vec<(u64, Node)> = numbers
                    .into_iter()
                    .zip(self.members.into_values())
                    .collect();
                items.sort_by_key(|(number, _)| *number);
                items
                    .into_iter()
                    .map(|(_, item)| item.into_value())
                    .collect()
            }
            None => self
                .members
                .into_iter()
                .map(|(name, member)| (name, member.into_value()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }
}

pub fn encode_ec2(
    service: Service,
    operation: &str,
    request_id: &str,
    result: Result<Value, Fault>,
) -> Response<Bytes> {
    match result {
        Ok(answer) => {
            let mut members = Map::from_iter([("requestId".to_owned(), json!(request_id))]);
            members.extend(object(answer));
            let root = format!("{operation}Response");
            let body = xml::document(
                &root,
                service.xml_namespace(),
                &members.into(),
                xml::Lists::Item,
            );
            respond(200, XML, request_id, body)
        }
        Err(fault) => {
            let error = json!({"Code": fault.code, "Message": fault.message});
            let content = json!({"Errors": {"Error": error}, "RequestID": request_id});
            let body = xml::document("Response", "", &content, xml::Lists::Item);
            respond(fault.status, XML, request_id, body)
        }
    }
}

pub fn encode(
    service: Service,
    operation: &str,
    request_id: &str,
    result: Result<Value, Fault>,
) -> Response<Bytes> {
    let namespace = service.xml_namespace();
    match result {
        Ok(answer) => {
            let content = json!({
                format!("{operation}Result"): object(answer),
                "ResponseMetadata": {"RequestId": request_id},
            });
            let root = format!("{operation}Response");
            respond(
                200,
                XML,
                request_id,
                xml::document(&root, namespace, &content, xml::Lists::Member),
            )
        }
        Err(fault) => respond(
            fault.status,
            XML,
            request_id,
            xml::error(namespace, request_id, &fault),
        ),
    }
}

fn object(answer: Value) -> Map<String, Value> {
    match answer {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
