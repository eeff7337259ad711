//! How does somebody other than navi call EC2, without the second that boto3 takes to start?

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::REGION;

/// Calls an operation of EC2 that must succeed, and answers what stands in an element of the answer.
pub fn query(
    endpoint: &str,
    operation: &str,
    parameters: &[(String, String)],
    element: &str,
) -> String {
    let fixed = [("Action", operation), ("Version", "2016-11-15")];
    let own = parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let body: Vec<String> = fixed
        .into_iter()
        .chain(own)
        .map(|(name, value)| format!("{name}={}", value.replace('/', "%2F")))
        .collect();
    let body = body.join("&");
    let address = endpoint.trim_start_matches("http://");
    // The sandbox wants a signature to be there, and doesn't verify it.
    let request = format!(
        "POST / HTTP/1.0\r\nHost: {address}\r\nAuthorization: AWS4-HMAC-SHA256 Credential=123456789012/20260101/{REGION}/ec2/aws4_request, SignedHeaders=host, Signature=0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let found = answer
        .split_once(&open)
        .and_then(|(_, rest)| rest.split_once(&close));
    let (value, _) = found.unwrap_or_else(|| panic!("{operation} answered {answer}"));
    value.to_owned()
}
