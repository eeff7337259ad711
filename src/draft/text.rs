//! How do other files write words, variables, lengths of time, sizes and names, and how does a stack file?

use super::source::Node;

/// A name as a stack file has it: letters, digits and hyphens.
pub fn name(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars() {
        match character {
            c if c.is_ascii_alphanumeric() => name.push(c.to_ascii_lowercase()),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_end_matches('-');
    match name {
        "" => "app".to_owned(),
        // The word means the load balancer.
        "ingress" => "ingress-app".to_owned(),
        _ => name.to_owned(),
    }
}

/// Text that holds no variable.
pub fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

/// Text with variables as a shell has them. The second value tells of one that a stack file has nothing for.
pub fn with_variables(text: &str) -> (String, bool) {
    let mut out = String::new();
    let mut lost = false;
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push_str("$$");
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('{') {
            let Some(end) = inside.find('}') else {
                out.push_str("$$");
                continue;
            };
            let (variable, is_lost) = variable(&inside[..end]);
            out.push_str(&variable);
            lost |= is_lost;
            rest = &inside[end + 1..];
        } else {
            let length = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            // Prices and arguments of a shell are no variables.
            match rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                true => out.push_str(&format!("${{{}}}", &rest[..length])),
                false => out.push_str(&format!("$${}", &rest[..length])),
            }
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
    (out, lost)
}

/// What stands between the braces: `NAME`, `NAME:-default`, `NAME:?message`.
fn variable(inside: &str) -> (String, bool) {
    let length = inside
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(inside.len());
    let (name, rest) = inside.split_at(length);
    let default = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-'));
    match default {
        Some(default) => (format!("${{{name}:-{default}}}"), default.contains('$')),
        None if rest.starts_with('+') || rest.starts_with(":+") => (format!("${{{name}}}"), true),
        None => (format!("${{{name}}}"), false),
    }
}

/// What a text is where nobody sets its variables: the defaults.
pub fn with_defaults(text: &str) -> String {
    let mut out = text.to_owned();
    while let Some(at) = out.find("${") {
        let Some(end) = out[at..].find('}') else {
            break;
        };
        let inside = out[at + 2..at + end].to_owned();
        let default = inside.split_once(":-").or_else(|| inside.split_once('-'));
        let default = default.map_or(String::new(), |(_, default)| default.to_owned());
        out.replace_range(at..=at + end, &default);
    }
    out
}

/// What a command is written as: a line, or the list of its words.
pub fn words_of(node: &Node) -> Vec<String> {
    match node.text() {
        Some(line) => words(line),
        None => {
            let items = node.items().iter().filter_map(Node::text);
            items.map(str::to_owned).collect()
        }
    }
}

/// A line split into words as a shell does, with its quotes and backslashes and nothing else.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\'', None) | ('"', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (_, Some(open)) if character == open => quote = None,
            ('\\', None | Some('"')) => {
                if let Some(next) = characters.next() {
                    word.get_or_insert_default().push(next);
                }
            }
            (_, None) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// `1m30s`, `90s`, `500ms`; a bare number counts seconds. Rounded up.
pub fn seconds(text: &str) -> Option<u32> {
    if let Ok(seconds) = text.trim().parse::<f64>() {
        return rounded_up(seconds);
    }
    let mut total = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let length = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        total += number
            * match &rest[..length] {
                "us" => 0.000_001,
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[length..];
    }
    rounded_up(total)
}

fn rounded_up(number: f64) -> Option<u32> {
    let rounded = number.ceil();
    let is_fine = (0.0..f64::from(u32::MAX)).contains(&rounded);
    // In bounds, and whole.
    is_fine.then_some(rounded as u32)
}

/// `512m`, `1.5g`, `1073741824`: in MiB, rounded up.
pub fn mebibytes(text: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..digits].parse().ok()?;
    let bytes = number
        * match text[digits..].trim() {
            "" | "b" => 1.0,
            "k" | "kb" | "kib" => 1024.0,
            "m" | "mb" | "mib" => 1024.0 * 1024.0,
            "g" | "gb" | "gib" => 1024.0 * 1024.0 * 1024.0,
            _ => return None,
        };
    rounded_up(bytes / (1024.0 * 1024.0))
}

/// CPUs as other files count them, `0.5`, in Fargate's units.
pub fn cpu_units(text: &str) -> Option<u32> {
    rounded_up(text.trim().parse::<f64>().ok()? * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_letters_digits_and_hyphens() {
        assert_eq!(name("My_App.web"), "my-app-web");
        assert_eq!(name("__"), "app");
        assert_eq!(name("ingress"), "ingress-app");
    }

    #[test]
    fn variables_are_written_as_a_stack_file_has_them() {
        let cases = [
            ("$TAG", "${TAG}", false),
            ("a${TAG-1}b", "a${TAG:-1}b", false),
            ("${TAG:-latest}", "${TAG:-latest}", false),
            ("${TAG:?say it}", "${TAG}", false),
            ("$$HOME and $5 and 5$", "$$HOME and $$5 and 5$$", false),
            ("${A:+b}", "${A}", true),
        ];
        for (from, to, lost) in cases {
            assert_eq!(with_variables(from), (to.to_owned(), lost), "{from}");
        }
        assert_eq!(with_defaults("${A:-1}${B}x${C-2}"), "1x2");
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        assert_eq!(
            words(r#"sh -c "echo 'a b' \"c\"" d\ e ''"#),
            ["sh", "-c", "echo 'a b' \"c\"", "d e", ""]
        );
    }

    #[test]
    fn lengths_and_sizes_are_rounded_up() {
        assert_eq!(seconds("1m30s"), Some(90));
        assert_eq!(seconds("500ms"), Some(1));
        assert_eq!(seconds("10"), Some(10));
        assert_eq!(seconds("soon"), None);
        assert_eq!(mebibytes("512M"), Some(512));
        assert_eq!(mebibytes("1.5g"), Some(1536));
        assert_eq!(mebibytes("50000000"), Some(48));
        assert_eq!(cpu_units("0.5"), Some(512));
        assert_eq!(cpu_units("lots"), None);
    }
}
