//! What is known of why a resource does not become usable, besides words?

use std::fmt;

use serde::Serialize;

use super::Cause;

/// Why a resource failed, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// The cause, if it is one of the catalogue.
    pub cause: Option<Cause>,
    /// What containers wrote last.
    pub logs: Vec<LogExcerpt>,
}

impl From<Cause> for Diagnosis {
    fn from(cause: Cause) -> Self {
        Diagnosis {
            cause: Some(cause),
            logs: Vec::new(),
        }
    }
}

/// The last lines of one container. Programs write secrets to their logs, too: the lines are for the eyes of
/// who runs the command, and are neither recorded nor serialised; who reads JSON gets the place to look at.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct LogExcerpt {
    /// The container.
    pub container: String,
    /// The log group.
    pub group: String,
    /// The stream in it.
    pub stream: String,
    /// What it wrote, oldest first.
    #[serde(skip)]
    pub lines: Vec<String>,
}

/// Without the lines.
impl fmt::Debug for LogExcerpt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "LogExcerpt({} in {}, {} lines)",
            self.stream,
            self.group,
            self.lines.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_json_nor_debug_holds_what_a_container_wrote() {
        let excerpt = LogExcerpt {
            container: "web".to_owned(),
            group: "/ecs/web".to_owned(),
            stream: "web/web/1".to_owned(),
            lines: vec!["password is hunter2".to_owned()],
        };
        let json = serde_json::to_string(&excerpt).unwrap();
        assert_eq!(
            json,
            r#"{"container":"web","group":"/ecs/web","stream":"web/web/1"}"#
        );
        assert!(!format!("{excerpt:?}").contains("hunter2"));
    }
}
