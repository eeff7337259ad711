//! Which colours say what? Colour only repeats what the words say, so an empty palette loses nothing.

use anstyle::{AnsiColor, Style};

/// The styles of everything that navi prints. Used as `{style}text{style:#}`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Palette {
    pub good: Style,
    pub bad: Style,
    pub warning: Style,
    pub changed: Style,
    pub faint: Style,
    pub heading: Style,
}

impl Palette {
    /// No colour at all.
    pub fn plain() -> Self {
        Palette::default()
    }

    pub fn coloured() -> Self {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        Palette {
            good: colour(AnsiColor::Green),
            bad: colour(AnsiColor::Red).bold(),
            warning: colour(AnsiColor::Yellow),
            changed: colour(AnsiColor::Cyan),
            faint: Style::new().dimmed(),
            heading: Style::new().bold(),
        }
    }

    /// The colour of the nth of things that are to be told apart; it begins again after the twelfth.
    pub fn of_series(&self, index: usize) -> Style {
        const SERIES: [AnsiColor; 12] = [
            AnsiColor::Cyan,
            AnsiColor::Yellow,
            AnsiColor::Green,
            AnsiColor::Magenta,
            AnsiColor::Blue,
            AnsiColor::Red,
            AnsiColor::BrightCyan,
            AnsiColor::BrightYellow,
            AnsiColor::BrightGreen,
            AnsiColor::BrightMagenta,
            AnsiColor::BrightBlue,
            AnsiColor::BrightRed,
        ];
        match self.has_colour() {
            true => Style::new().fg_color(Some(SERIES[index % SERIES.len()].into())),
            false => Style::new(),
        }
    }

    pub fn has_colour(&self) -> bool {
        !self.good.is_plain()
    }

    /// What standard error may have: `--no-color`, `NO_COLOR`, `CLICOLOR_FORCE` and whether it is a terminal decide.
    pub fn for_stderr() -> Self {
        Palette::for_choice(anstream::AutoStream::choice(&std::io::stderr()))
    }

    /// What standard output may have.
    pub fn for_stdout() -> Self {
        Palette::for_choice(anstream::AutoStream::choice(&std::io::stdout()))
    }

    fn for_choice(choice: anstream::ColorChoice) -> Self {
        match choice {
            anstream::ColorChoice::Never => Palette::plain(),
            _ => Palette::coloured(),
        }
    }
}
