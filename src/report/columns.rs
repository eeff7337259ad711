//! How do rows of text stand one below the other? Each column as wide as its widest cell.

use anstyle::Style;

/// One cell, with what it is coloured by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    pub text: String,
    pub style: Style,
}

impl Cell {
    /// A coloured cell.
    pub fn styled(text: impl Into<String>, style: Style) -> Self {
        Cell {
            text: text.into(),
            style,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Cell::styled(text, Style::new())
    }
}

/// The rows as lines, two spaces between columns and none at a line's end. Colour takes no width.
pub fn columns(rows: &[Vec<Cell>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = cell.text.chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let last = row.iter().rposition(|cell| !cell.text.is_empty());
        for (column, cell) in row.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let Cell { text: words, style } = cell;
            text.push_str(&format!("{style}{words}{style:#}"));
            if Some(column) != last {
                let gap = widths[column] - words.chars().count() + 2;
                text.push_str(&" ".repeat(gap));
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Palette;

    #[test]
    fn cells_line_up_and_lines_end_with_their_last_word() {
        let good = Palette::coloured().good;
        let rows = [
            vec!["service".into(), "tasks".into(), "image".into()],
            vec!["web".into(), Cell::styled("1 of 1", good), "nginx".into()],
            vec!["backend".into(), "-".into(), "".into()],
        ];
        let text = columns(&rows);
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(
            plain,
            "service  tasks   image\nweb      1 of 1  nginx\nbackend  -\n"
        );
        assert!(text.contains(&format!("{good}1 of 1{good:#}")), "{text:?}");
    }
}
