//! What do the drawings share? The frame around one, its style for light and dark, and text that stays in its box.

use super::mark::Mark;
use super::markup::Markup;

/// Light and dark by what the reader's system prefers.
const STYLE: &str = include_str!("style.css");

/// A width or a place, as an attribute's value.
pub(super) fn at(number: i32) -> String {
    number.to_string()
}

/// Begins a drawing that says what it is also to who can't see it.
pub(super) fn begin(width: i32, height: i32, title: &str, description: &str) -> Markup {
    let mut svg = Markup::default();
    svg.open(
        "svg",
        &[
            ("xmlns", "http://www.w3.org/2000/svg"),
            ("class", "navi"),
            ("width", &at(width)),
            ("height", &at(height)),
            ("viewBox", &format!("0 0 {width} {height}")),
            ("role", "img"),
            ("aria-labelledby", "picture-title picture-description"),
        ],
    );
    svg.newline()
        .element("title", &[("id", "picture-title")], title)
        .newline()
        .element("desc", &[("id", "picture-description")], description)
        .newline()
        .open("style", &[])
        .raw(STYLE.trim_end())
        .close()
        .newline()
        .empty(
            "rect",
            &[
                ("class", "paper"),
                ("width", &at(width)),
                ("height", &at(height)),
            ],
        )
        .newline();
    svg
}

/// What a drawing is of, above it.
pub(super) fn heading(svg: &mut Markup, x: i32, y: i32, name: &str, caption: &str) {
    svg.open("text", &[("x", &at(x)), ("y", &at(y))])
        .element("tspan", &[("class", "heading")], name)
        .text(" ")
        .element("tspan", &[("class", "faint"), ("dx", "8")], caption)
        .close()
        .newline();
}

/// A line of text.
pub(super) fn text(svg: &mut Markup, class: &str, x: i32, y: i32, text: &str) {
    svg.element(
        "text",
        &[("class", class), ("x", &at(x)), ("y", &at(y))],
        text,
    );
}

/// The sign of a mark, in a circle on the corner of a box.
pub(super) fn badge(svg: &mut Markup, mark: Mark, x: i32, y: i32) {
    svg.open("g", &[("class", &format!("badge {}", mark.class()))])
        .empty("circle", &[("cx", &at(x)), ("cy", &at(y)), ("r", "10")])
        .element("text", &[("x", &at(x)), ("y", &at(y + 4))], mark.sign())
        .close();
}

/// What the signs mean.
pub(super) fn key(svg: &mut Markup, marks: &[Mark], x: i32, y: i32) {
    let mut x = x + 10;
    for mark in marks {
        badge(svg, *mark, x, y + 12);
        text(svg, "", x + 16, y + 16, mark.word());
        x += 46 + 7 * i32::try_from(mark.word().len()).unwrap_or(0);
    }
    svg.newline();
}

/// The text as far as there is room: nobody measures type here, so the average width of a character stands in.
pub(super) fn fitted(text: &str, width: i32, character: f64) -> String {
    let room = (f64::from(width.max(0)) / character) as usize;
    match text.chars().count() > room {
        true => {
            let beginning: String = text.chars().take(room.saturating_sub(1)).collect();
            format!("{}…", beginning.trim_end())
        }
        false => text.to_owned(),
    }
}
