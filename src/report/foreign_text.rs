//! How does what others wrote stand on a terminal without steering it? A log line may hold anything, also what moves the cursor,
//! sets the window's title or fills the clipboard.

use std::fmt::Write;

/// Ends whatever colour a line has left on.
const RESET: &str = "\u{1b}[0m";

/// The text as a terminal may have it: colours stay where there is colour at all, tabs stay, and every other control
/// character is written out (`\x1b`, `\u{202e}`).
pub fn for_terminal(text: &str, has_colour: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut is_coloured = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if let Some(length) = colour_length(rest) {
            if has_colour {
                shown.push_str(&rest[..length]);
                is_coloured = true;
            }
            rest = &rest[length..];
            continue;
        }
        match character {
            '\t' => shown.push('\t'),
            // Writing to a string can't fail.
            '\0'..='\u{7f}' if character.is_control() => {
                let _ = write!(shown, "\\x{:02x}", u32::from(character));
            }
            _ if character.is_control() || turns_text_round(character) => {
                let _ = write!(shown, "{}", character.escape_unicode());
            }
            _ => shown.push(character),
        }
        rest = &rest[character.len_utf8()..];
    }
    if is_coloured {
        shown.push_str(RESET);
    }
    shown
}

/// How long the sequence is that the text begins with, if it says a colour (ECMA-48, SGR) and nothing else.
fn colour_length(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters
        .find(|character: char| !character.is_ascii_digit() && !";:".contains(character))?;
    parameters[end..].starts_with('m').then_some(end + 3)
}

/// Of Unicode's marks for the direction of writing, those that show text in another order than it has.
fn turns_text_round(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        for (text, shown) in [
            ("plain\ttext, äöü, 日本", "plain\ttext, äöü, 日本"),
            ("\u{1b}[2J\u{1b}[1;1Hgone", "\\x1b[2J\\x1b[1;1Hgone"),
            ("\u{1b}]0;title\u{7}", "\\x1b]0;title\\x07"),
            ("\u{1b}]52;c;c2VjcmV0\u{1b}\\", "\\x1b]52;c;c2VjcmV0\\x1b\\"),
            ("over\rwritten\u{8}", "over\\x0dwritten\\x08"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("cut off \u{1b}[3", "cut off \\x1b[3"),
        ] {
            assert_eq!(for_terminal(text, true), shown);
        }
    }

    #[test]
    fn colour_ends_with_its_line_and_goes_where_there_is_none() {
        let text = "\u{1b}[31mred\u{1b}[0m and \u{1b}[1;38:5:9mbold";
        assert_eq!(for_terminal(text, true), format!("{text}{RESET}"));
        assert_eq!(for_terminal(text, false), "red and bold");
    }
}
