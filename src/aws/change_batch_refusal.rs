//! Why does Route 53 refuse a batch of records, when it says so in the one body that the SDK does not read?
//!
//! Beside the error document that all its operations share, ChangeResourceRecordSets has one of its own, whose
//! root is the code and whose messages are a list (aws-behaviour §2.12 "delete"). The SDKs for Go and Kotlin have a
//! special case for it; the one for Rust answers an error without code and message.

use aws_smithy_types::body::SdkBody;
use quick_xml::Reader;
use quick_xml::events::Event;

const ROOT: &str = "InvalidChangeBatch";

/// Code and messages of a refused batch, if the body is one.
pub(super) fn invalid_change_batch(body: &SdkBody) -> Option<(String, String)> {
    let text = std::str::from_utf8(body.bytes()?).ok()?;
    let mut reader = Reader::from_str(text);
    let mut messages = Vec::new();
    let mut is_refusal = false;
    let mut message: Option<String> = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) if !is_refusal => {
                if element.local_name().as_ref() != ROOT {
                    return None;
                }
                is_refusal = true;
            }
            Event::Start(element) if element.local_name().as_ref() == "Message" => {
                message = Some(String::new());
            }
            Event::Text(part) => {
                if let Some(message) = &mut message {
                    message.push_str(part.as_ref());
                }
            }
            Event::GeneralRef(reference) => {
                if let Some(message) = &mut message
                    && let Some(character) =
                        quick_xml::escape::resolve_xml_entity(reference.as_ref())
                {
                    message.push_str(character);
                }
            }
            Event::End(element) if element.local_name().as_ref() == "Message" => {
                let said = message.take().unwrap_or_default();
                messages.push(said.split_whitespace().collect::<Vec<_>>().join(" "));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    is_refusal.then(|| (ROOT.to_owned(), messages.join("; ")))
}
