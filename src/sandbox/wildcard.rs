//! Does a text match a pattern in which `*` and `?` are wild?

/// Wildcard matching in linear space: on a mismatch, go back to the last `*` and let it take one more character.
pub fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(character) if *character == '?' || *character == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    at = star_at + 1;
                    seen = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|character| *character == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_are_wild() {
        assert!(is_like("navi-*", "navi-vpc"));
        assert!(is_like("*-v?c*", "navi-vpc"));
        assert!(is_like("*", ""));
        assert!(!is_like("navi", "navi-vpc"));
        assert!(!is_like("?", ""));
    }
}
