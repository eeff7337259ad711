//! How is a sandbox to be, and is the one that runs so?

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde_json::{Value, json};

use super::error::CommandError;
use crate::sandbox::{Figures, FiguresProblem, Options, Pace};

/// What `navi sandbox start` can be told. What isn't said is as it is: at first the default, then what already runs.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  eval \"$(navi sandbox start)\"
  navi sandbox start --pace realistic --durations durations.yaml
  navi sandbox start --pace 0.1 --seed 7")]
pub struct SandboxSettings {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,

    /// How long AWS's own doings take: realistic, instant (the default), or a factor (1 is AWS's speed, 0.1 ten times as fast)
    #[arg(long, value_name = "PACE")]
    pace: Option<Pace>,

    /// Whatever is left to chance comes out the same with the same number [default: 0]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// File with durations of your own, like the one that `navi sandbox durations` prints
    #[arg(long, value_name = "FILE")]
    durations: Option<PathBuf>,
}

impl SandboxSettings {
    /// What they come to for a sandbox that does not run yet.
    pub fn options(&self) -> Result<Options, CommandError> {
        let mut options = Options::default();
        options.pace = self.pace.unwrap_or(options.pace);
        options.seed = self.seed.unwrap_or(options.seed);
        if let Some(path) = &self.durations {
            let text =
                fs::read_to_string(path).map_err(|source| CommandError::DurationsUnreadable {
                    path: path.clone(),
                    source,
                })?;
            options.figures = Figures::read(&text).map_err(|problem| {
                CommandError::Durations(Box::new(BadDurations {
                    source: NamedSource::new(path.display().to_string(), text),
                    problem,
                }))
            })?;
        }
        Ok(options)
    }

    /// The same as arguments of a process that may have another working directory.
    pub fn arguments(&self) -> io::Result<Vec<OsString>> {
        let mut arguments: Vec<OsString> = vec!["--port".into(), self.port.to_string().into()];
        let mut option = |name: &str, value: OsString| arguments.extend([name.into(), value]);
        if let Some(pace) = self.pace {
            option("--pace", pace.to_string().into());
        }
        if let Some(seed) = self.seed {
            option("--seed", seed.to_string().into());
        }
        if let Some(path) = &self.durations {
            option("--durations", std::path::absolute(path)?.into());
        }
        Ok(arguments)
    }

    /// In what the sandbox with this status is other than asked for: `pace instant, not realistic`.
    pub fn differences(&self, asked: &Options, status: &Value) -> Vec<String> {
        let settings = [
            (self.pace.is_some(), "pace", json!(asked.pace.to_string())),
            (self.seed.is_some(), "seed", json!(asked.seed)),
            (
                self.durations.is_some(),
                "durations",
                json!(asked.figures.fingerprint()),
            ),
        ];
        settings
            .into_iter()
            .filter(|(is_asked, name, value)| *is_asked && status[name] != *value)
            .map(|(_, name, value)| {
                format!("{name} {}, not {}", plain(&status[name]), plain(&value))
            })
            .collect()
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A file of durations that can't be used, with what is wrong in it.
#[derive(Debug)]
pub struct BadDurations {
    source: NamedSource<String>,
    problem: FiguresProblem,
}

impl fmt::Display for BadDurations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.problem.message)
    }
}

impl std::error::Error for BadDurations {}

impl Diagnostic for BadDurations {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.problem.hint))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.problem.span.clone();
        Some(Box::new(std::iter::once(
            LabeledSpan::new_primary_with_span(None, span),
        )))
    }
}

impl BadDurations {
    pub fn file(&self) -> &str {
        self.source.name()
    }
}
