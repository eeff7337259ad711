//! How does Route 53 write a domain name? In lower case, with a final dot, odd characters as octal codes (aws-behaviour §2.12).

use serde::{Serialize, Serializer};

/// A name in Route 53's own writing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DnsName(String);

impl DnsName {
    pub fn new(text: &str) -> Self {
        let mut name = String::with_capacity(text.len() + 1);
        for byte in unescape(text) {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => name.push(char::from(byte)),
                b'A'..=b'Z' => name.push(char::from(byte.to_ascii_lowercase())),
                odd => name.push_str(&format!("\\{odd:03o}")),
            }
        }
        if !name.ends_with('.') {
            name.push('.');
        }
        Self(name)
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    /// As people and most other services write it.
    pub fn without_final_dot(&self) -> &str {
        self.0.trim_end_matches('.')
    }

    /// The labels from the last to the first, as Route 53 sorts: `com.example.www.`
    pub fn reversed(&self) -> String {
        let mut labels: Vec<&str> = self.without_final_dot().split('.').collect();
        labels.reverse();
        labels.join(".") + "."
    }

    /// Whether the name is the zone's own or below it.
    pub fn is_within(&self, zone: &DnsName) -> bool {
        self == zone || self.0.ends_with(&format!(".{}", zone.0))
    }

    /// The wildcard that stands for this name: `*` for its first label.
    pub fn wildcard(&self) -> Option<DnsName> {
        self.0
            .split_once('.')
            .filter(|(_, rest)| !rest.is_empty())
            .map(|(_, rest)| DnsName::new(&format!("*.{rest}")))
    }

    /// Labels of 1 to 63 characters, 255 in all.
    pub fn is_valid(&self) -> bool {
        let mut labels = self.without_final_dot().split('.');
        self.0.len() <= 255
            && labels.all(|label| {
                let length = unescape(label).len();
                (1..=63).contains(&length)
            })
    }
}

impl Serialize for DnsName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = (byte == b'\\')
            .then(|| bytes.get(at + 1..at + 4))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(code.unwrap_or(byte));
        at += if code.is_some() { 4 } else { 1 };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised() {
        assert_eq!(DnsName::new("API.Example.com").text(), "api.example.com.");
        assert_eq!(DnsName::new("*.example.com").text(), "\\052.example.com.");
        assert_eq!(
            DnsName::new("\\052.example.com."),
            DnsName::new("*.example.com")
        );
    }

    #[test]
    fn names_sort_and_nest_by_label() {
        let zone = DnsName::new("example.com");
        assert_eq!(
            DnsName::new("www.example.com").reversed(),
            "com.example.www."
        );
        assert!(DnsName::new("www.example.com").is_within(&zone));
        assert!(zone.is_within(&zone));
        assert!(!DnsName::new("badexample.com").is_within(&zone));
    }
}
