//! How does a page of Markdown read on a terminal? Headings in bold, commands indented, links as their text.

use super::palette::Palette;

/// The page for a terminal; without colours, too.
pub fn markdown(page: &str, palette: &Palette) -> String {
    let heading = palette.heading;
    let mut text = String::new();
    let mut in_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
            continue;
        }
        let shown = match line.trim_start_matches('#').strip_prefix(' ') {
            _ if in_code => format!("    {line}"),
            Some(title) if line.starts_with('#') => format!("{heading}{title}{heading:#}"),
            _ => without_links(line),
        };
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

/// `[text](url)` is told as `text (url)`, and what only leads to another page of the same folder as its text.
fn without_links(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, link)) = rest.split_once('[') {
        let parts = link
            .split_once("](")
            .and_then(|(label, after)| Some((label, after.split_once(')')?)));
        let Some((label, (url, after))) = parts else {
            break;
        };
        text.push_str(before);
        text.push_str(label);
        if url.contains("://") {
            text.push_str(&format!(" ({url})"));
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_without_its_markup() {
        let page = "\
# NAVI0101: it exits

See [the guide](https://example.com/guide) and [NAVI0102](NAVI0102.md), a `[list]`.

## What to do

```sh
# as one who may
aws ecs list-tasks
```
";
        assert_eq!(
            markdown(page, &Palette::plain()),
            "\
NAVI0101: it exits

See the guide (https://example.com/guide) and NAVI0102, a `[list]`.

What to do

    # as one who may
    aws ecs list-tasks
"
        );
    }
}
