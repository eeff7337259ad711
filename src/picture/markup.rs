//! How does text become XML or HTML that holds nothing but what was meant?
//!
//! A writer and no template engine: the two things written with it are trees whose shape follows data (boxes in boxes,
//! rows in a timeline), every text goes through one of three functions that escape it, and there is no second language
//! to read and no macro to build.

use std::fmt::{Display, Write};

/// Markup under construction. Elements close in the order in which they were opened.
#[derive(Debug, Default)]
pub struct Markup {
    text: String,
    open: Vec<&'static str>,
}

/// What of a text may stand between tags and between double quotes.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Neither XML 1.0 nor HTML has these; a resource's name could.
            control if control.is_control() && !matches!(control, '\n' | '\t') => {
                safe.push('\u{fffd}')
            }
            other => safe.push(other),
        }
    }
    safe
}

impl Markup {
    /// Opens an element: `<name key="value">`. An empty value leaves the attribute out.
    pub fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        self.tag(name, attributes);
        self.text.push('>');
        self.open.push(name);
        self
    }

    /// An element without content: `<name key="value"/>`.
    pub fn empty(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        self.tag(name, attributes);
        self.text.push_str("/>");
        self
    }

    /// Closes the element that was opened last.
    pub fn close(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            self.put(format_args!("</{name}>"));
        }
        self
    }

    /// An element with nothing but text in it.
    pub fn element(
        &mut self,
        name: &'static str,
        attributes: &[(&str, &str)],
        text: impl Display,
    ) -> &mut Self {
        self.open(name, attributes).text(text).close()
    }

    /// Text.
    pub fn text(&mut self, text: impl Display) -> &mut Self {
        let safe = escaped(&text.to_string());
        self.text.push_str(&safe);
        self
    }

    pub fn newline(&mut self) -> &mut Self {
        self.text.push('\n');
        self
    }

    /// What is markup already: a style sheet, a picture.
    pub fn raw(&mut self, markup: &str) -> &mut Self {
        self.text.push_str(markup);
        self
    }

    /// All of it, with everything closed that is still open.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.put(format_args!("<{name}"));
        for (key, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            self.put(format_args!(" {key}=\"{}\"", escaped(value)));
        }
    }

    fn put(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a string can't fail.
        let _ = self.text.write_fmt(arguments);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_said_becomes_markup() {
        let mut markup = Markup::default();
        markup.open("p", &[("title", "a\"b'c"), ("id", "")]);
        markup.element("b", &[], "<script>alert(1)</script> & \u{1b}[1m");
        assert_eq!(
            markup.finish(),
            "<p title=\"a&quot;b&#39;c\"><b>&lt;script&gt;alert(1)&lt;/script&gt; &amp; \u{fffd}[1m</b></p>"
        );
    }
}
