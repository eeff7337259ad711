//! What does the live view draw on? Standard error as a terminal, whose last row keeps room for the `^C` it echoes.
//!
//! `indicatif` fills its last row up to the edge. The echo would then wrap into a new row, and the next redraw would
//! start one row too low and leave its first line behind. So the filling of the last row is not written.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::TermLike;
use terminal_size::{Height, Width, terminal_size_of};

/// Columns of the last row that stay free: two echoes of `^C` and the cursor.
pub(super) const COLUMNS_LEFT_FREE: usize = 5;

/// How large a terminal is.
#[derive(Clone, Copy)]
pub(super) struct Screen {
    pub columns: u16,
    pub rows: u16,
}

impl Screen {
    /// What may be drawn on now; the user may have resized it.
    pub fn current() -> Self {
        match terminal_size_of(io::stderr()) {
            Some((Width(columns), Height(rows))) => Screen { columns, rows },
            None => Screen {
                columns: 80,
                rows: 24,
            },
        }
    }
}

/// Collects what one redraw says and writes it at once, so that nothing flickers.
#[derive(Debug, Default)]
pub(super) struct Terminal {
    unwritten: Mutex<String>,
}

impl Terminal {
    fn say(&self, text: &str) -> io::Result<()> {
        self.unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_str(text);
        Ok(())
    }

    /// Moving by none must not be said: terminals take 0 for 1.
    fn go(&self, count: usize, direction: char) -> io::Result<()> {
        match count {
            0 => Ok(()),
            _ => self.say(&format!("\x1b[{count}{direction}")),
        }
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        Screen::current().columns
    }

    fn height(&self) -> u16 {
        Screen::current().rows
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        self.go(count, 'A')
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        self.go(count, 'B')
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        self.go(count, 'C')
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        self.go(count, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.say(text)?;
        self.say("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.say(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.say("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let mut unwritten = self
            .unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let text = std::mem::take(&mut *unwritten);
        let mut stderr = io::stderr().lock();
        stderr.write_all(text.trim_end_matches(' ').as_bytes())?;
        stderr.flush()
    }
}
