//! What may this command neither replace nor remove, and what is said about it?

use std::fmt;
use std::path::PathBuf;

use super::arguments::quoted;
use super::error::CommandError;
use crate::plan::{Plan, Refused, refused};
use crate::resource::Protection;

/// How many of the refused steps are named; more are counted.
const NAMED: usize = 10;

/// Where it stands what is protected: there it can be lifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In this stack file, from which the command works.
    File(PathBuf),
    /// The last `up` recorded it. The command works from the state, and this is what the file says, if there is one.
    Recorded {
        stack: String,
        file: Option<(PathBuf, Protection)>,
    },
}

/// A plan that would replace or remove what is protected.
#[derive(Debug)]
pub struct ProtectedError {
    refused: Vec<Refused>,
    protection: Protection,
    source: Source,
}

/// Refuses such a plan as a whole.
pub fn check(plan: &Plan, protection: &Protection, source: Source) -> Result<(), CommandError> {
    let refused = refused(plan, protection);
    if refused.is_empty() {
        return Ok(());
    }
    Err(CommandError::Protected(Box::new(ProtectedError {
        refused,
        protection: protection.clone(),
        source,
    })))
}

/// What is said when another `protect` counts from here on.
pub fn news(recorded: &Protection, wanted: &Protection) -> Option<String> {
    if recorded == wanted {
        return None;
    }
    Some(match wanted {
        Protection::Nothing => {
            format!(
                "no longer protected from being replaced and removed: {}",
                named(recorded)
            )
        }
        Protection::Everything | Protection::Kinds(_) => {
            let before = match recorded {
                Protection::Nothing => String::new(),
                before => format!(" (before: {})", named(before)),
            };
            format!(
                "protected from being replaced and removed: {}{before}",
                named(wanted)
            )
        }
    })
}

fn named(protection: &Protection) -> String {
    match protection {
        Protection::Nothing => "nothing".to_owned(),
        Protection::Everything => "everything".to_owned(),
        Protection::Kinds(kinds) => {
            let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
            kinds.join(", ")
        }
    }
}

impl ProtectedError {
    /// How the protection is lifted.
    pub fn hint(&self) -> String {
        let protect = format!("`protect: {}`", self.protection);
        match &self.source {
            Source::File(file) => format!(
                "{protect} in {} says so; if this is meant, take it out there and run the same command again",
                file.display()
            ),
            Source::Recorded {
                file: Some((file, says)),
                ..
            } if self.is_lifted_by(says) => format!(
                "{protect} was recorded by the last `navi up`, and {} no longer says so: if this is meant, \
                 `navi up` records that, and then this command goes through",
                file.display()
            ),
            Source::Recorded {
                file: Some((file, _)),
                ..
            } => format!(
                "{protect} in {} says so; if this is meant, take it out there and run `navi up`, which records that, \
                 and then this command again",
                file.display()
            ),
            Source::Recorded { stack, file: None } => format!(
                "{protect} of the stack file says so, as the last `navi up` recorded it; if this is meant, take it out \
                 there and run `navi up`, or without the file `navi state unprotect --stack {}`, and then this command again",
                quoted(stack)
            ),
        }
    }

    /// Whether this protection would refuse none of it.
    fn is_lifted_by(&self, protection: &Protection) -> bool {
        !self
            .refused
            .iter()
            .any(|refused| protection.covers(&refused.address))
    }
}

impl std::error::Error for ProtectedError {}

impl fmt::Display for ProtectedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "nothing was changed, for this is protected from being replaced or removed:"
        )?;
        for refused in self.refused.iter().take(NAMED) {
            write!(formatter, "\n    {refused}")?;
        }
        match self.refused.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(formatter, "\n    and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::plan::{Action, Reason};
    use crate::resource::{Address, Effect, FieldChange};

    fn vpcs() -> Protection {
        Protection::Kinds(BTreeSet::from(["vpc".to_owned()]))
    }

    fn error(source: Source) -> ProtectedError {
        let field = FieldChange {
            field: "cidr_block".to_owned(),
            old: "10.0.0.0/16".to_owned(),
            new: "10.9.0.0/16".to_owned(),
            effect: Effect::Replace,
            condition: false,
        };
        let mut refused = vec![Refused {
            address: Address::new("vpc", "main"),
            action: Action::Replace,
            reason: Reason::Differs,
            fields: vec![field],
        }];
        refused.extend((0..11).map(|number| Refused {
            address: Address::new("subnet", format!("s{number}")),
            action: Action::Delete,
            reason: Reason::NotWanted,
            fields: Vec::new(),
        }));
        ProtectedError {
            refused,
            protection: vpcs(),
            source,
        }
    }

    #[test]
    fn the_first_ten_are_named_with_their_reasons() {
        let error = error(Source::File("navi.yaml".into()));
        insta::assert_snapshot!(format!("{error}\n{}", error.hint()));
    }

    #[test]
    fn the_hint_says_where_it_is_lifted() {
        let recorded = |file| {
            error(Source::Recorded {
                stack: "demo".to_owned(),
                file,
            })
            .hint()
        };
        let everything = recorded(Some(("navi.yaml".into(), Protection::Everything)));
        assert!(
            everything.contains("take it out there and run `navi up`"),
            "{everything}"
        );
        let lifted = recorded(Some(("navi.yaml".into(), Protection::Nothing)));
        assert!(lifted.contains("no longer says so"), "{lifted}");
        let alone = recorded(None);
        assert!(
            alone.contains("`navi state unprotect --stack demo`"),
            "{alone}"
        );
    }

    #[test]
    fn only_a_change_is_news() {
        assert_eq!(news(&vpcs(), &vpcs()), None);
        assert_eq!(
            news(&Protection::Nothing, &vpcs()).unwrap(),
            "protected from being replaced and removed: vpc"
        );
        assert_eq!(
            news(&Protection::Everything, &vpcs()).unwrap(),
            "protected from being replaced and removed: vpc (before: everything)"
        );
        assert_eq!(
            news(&vpcs(), &Protection::Nothing).unwrap(),
            "no longer protected from being replaced and removed: vpc"
        );
    }
}
