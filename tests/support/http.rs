//! One HTTP request to loopback, for the control endpoints of the sandbox and of moto.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// The JSON that a GET answers.
pub fn get_json(endpoint: &str, path: &str) -> Value {
    request("GET", endpoint, path, None)
}

/// The JSON that a POST answers; null when it answers nothing.
pub fn post_json(endpoint: &str, path: &str, body: &Value) -> Value {
    request("POST", endpoint, path, Some(body))
}

/// A DELETE, of which nothing but its success is of interest.
pub fn delete(endpoint: &str, path: &str) {
    exchange("DELETE", endpoint, path, None);
}

/// The text that a GET answers.
pub fn get_text(endpoint: &str, path: &str) -> String {
    exchange("GET", endpoint, path, None)
}

fn request(method: &str, endpoint: &str, path: &str, body: Option<&Value>) -> Value {
    match exchange(method, endpoint, path, body).trim() {
        "" => Value::Null,
        content => serde_json::from_str(content).unwrap_or(Value::Null),
    }
}

fn exchange(method: &str, endpoint: &str, path: &str, body: Option<&Value>) -> String {
    let address = endpoint.trim_start_matches("http://").trim_end_matches('/');
    let body = match body {
        None | Some(Value::Null) => String::new(),
        Some(body) => body.to_string(),
    };
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).expect("the server answers on loopback");
    // In one piece: werkzeug, on which moto stands, waits for ever for the rest of a body that its
    // application did not read and that arrives after the head.
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, content) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    let status = head.split(' ').nth(1).unwrap_or_default();
    assert!(status.starts_with('2'), "{method} {path} answered {answer}");
    content.to_owned()
}
