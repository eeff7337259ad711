//! How does a long answer come in pages?

use serde_json::Value;

/// One page and the token of the next.
#[derive(Debug, PartialEq)]
pub struct Page {
    pub items: Vec<Value>,
    pub next: Option<String>,
}

/// The token was not one of ours; each service has its own code for that.
#[derive(Debug, PartialEq)]
pub struct InvalidToken;

/// Cuts a page out of `items`, which are in the order of their keys. A token stands for the last key shown,
/// so that things made or removed between two calls neither hide nor repeat others.
pub fn paginate(
    items: impl IntoIterator<Item = (String, Value)>,
    size: usize,
    token: Option<&str>,
) -> Result<Page, InvalidToken> {
    let after = token.map(decode).transpose()?;
    let mut rest = items
        .into_iter()
        .filter(|(key, _)| after.as_ref().is_none_or(|last| key > last));
    let mut page = Vec::new();
    let mut last = None;
    for (key, value) in rest.by_ref().take(size.max(1)) {
        last = Some(key);
        page.push(value);
    }
    let next = rest.next().and(last).map(|key| encode(&key));
    Ok(Page { items: page, next })
}

fn encode(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn decode(token: &str) -> Result<String, InvalidToken> {
    let digits = token.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return Err(InvalidToken);
    }
    let bytes = digits
        .chunks(2)
        .map(|pair| {
            let text = std::str::from_utf8(pair).map_err(|_| InvalidToken)?;
            u8::from_str_radix(text, 16).map_err(|_| InvalidToken)
        })
        .collect::<Result<Vec<u8>, _>>()?;
    String::from_utf8(bytes).map_err(|_| InvalidToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(text: &str) -> Vec<(String, Value)> {
        text.chars()
            .map(|letter| (letter.to_string(), Value::from(letter.to_string())))
            .collect()
    }

    #[test]
    fn pages_follow_each_other_and_end() {
        let first = paginate(letters("abcde"), 2, None).unwrap();
        assert_eq!(first.items, ["a", "b"]);
        let second = paginate(letters("abcde"), 2, first.next.as_deref()).unwrap();
        assert_eq!(second.items, ["c", "d"]);
        let third = paginate(letters("abcde"), 2, second.next.as_deref()).unwrap();
        assert_eq!((third.items, third.next), (vec![Value::from("e")], None));
    }

    #[test]
    fn an_exact_fit_has_no_next_page() {
        assert_eq!(paginate(letters("ab"), 2, None).unwrap().next, None);
    }

    #[test]
    fn a_deletion_between_pages_hides_nothing() {
        let first = paginate(letters("abcd"), 2, None).unwrap();
        let second = paginate(letters("acd"), 2, first.next.as_deref()).unwrap();
        assert_eq!(second.items, ["c", "d"]);
    }

    #[test]
    fn a_foreign_token_is_refused() {
        assert_eq!(paginate(letters("ab"), 1, Some("zz")), Err(InvalidToken));
        assert_eq!(paginate(letters("ab"), 1, Some("é")), Err(InvalidToken));
    }
}
