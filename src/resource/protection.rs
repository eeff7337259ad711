//! What may no run replace or remove?

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Address;

/// What of a stack may neither be replaced nor removed. Written as in the stack file: `true`, `false`, or a
/// list of kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum Protection {
    /// Everything may be.
    #[default]
    Nothing,
    /// Nothing may be.
    Everything,
    /// No resource of these kinds may be.
    Kinds(BTreeSet<String>),
}

/// The form in which it is written down.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    All(bool),
    Kinds(BTreeSet<String>),
}

impl Protection {
    /// Whether the resource may neither be replaced nor removed. A deposed object may go: its successor does
    /// its work, and who allowed the replacement allowed that.
    pub fn covers(&self, address: &Address) -> bool {
        let kind = match self {
            Protection::Nothing => false,
            Protection::Everything => true,
            Protection::Kinds(kinds) => kinds.contains(address.kind()),
        };
        kind && !address.is_deposed()
    }

    /// What this one or the other protects.
    pub fn and(&self, other: &Protection) -> Protection {
        match (self, other) {
            (Protection::Everything, _) | (_, Protection::Everything) => Protection::Everything,
            (Protection::Nothing, other) | (other, Protection::Nothing) => other.clone(),
            (Protection::Kinds(some), Protection::Kinds(more)) => {
                Protection::Kinds(some.union(more).cloned().collect())
            }
        }
    }
}

impl From<Written> for Protection {
    fn from(written: Written) -> Self {
        match written {
            Written::All(true) => Protection::Everything,
            Written::All(false) => Protection::Nothing,
            Written::Kinds(kinds) if kinds.is_empty() => Protection::Nothing,
            Written::Kinds(kinds) => Protection::Kinds(kinds),
        }
    }
}

impl From<Protection> for Written {
    fn from(protection: Protection) -> Self {
        match protection {
            Protection::Nothing => Written::All(false),
            Protection::Everything => Written::All(true),
            Protection::Kinds(kinds) => Written::Kinds(kinds),
        }
    }
}

/// As in the stack file: `true`, `[load_balancer, vpc]`.
impl fmt::Display for Protection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Protection::Nothing => formatter.write_str("false"),
            Protection::Everything => formatter.write_str("true"),
            Protection::Kinds(kinds) => {
                let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
                write!(formatter, "[{}]", kinds.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(names: &[&str]) -> Protection {
        Protection::Kinds(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn a_kind_or_everything_is_covered_and_a_deposed_object_never() {
        let vpc: Address = "vpc.main".parse().unwrap();
        let deposed: Address = "vpc.main~1".parse().unwrap();
        let zone: Address = "hosted_zone.example.com".parse().unwrap();
        for (protection, covered) in [
            (Protection::Nothing, [false, false, false]),
            (Protection::Everything, [true, false, true]),
            (kinds(&["vpc"]), [true, false, false]),
        ] {
            let found = [&vpc, &deposed, &zone].map(|address| protection.covers(address));
            assert_eq!(found, covered, "{protection}");
        }
    }

    #[test]
    fn two_protections_protect_what_either_does() {
        let (vpc, zone) = (kinds(&["vpc"]), kinds(&["hosted_zone"]));
        assert_eq!(vpc.and(&zone), kinds(&["hosted_zone", "vpc"]));
        assert_eq!(vpc.and(&Protection::Nothing), vpc);
        assert_eq!(Protection::Nothing.and(&vpc), vpc);
        assert_eq!(vpc.and(&Protection::Everything), Protection::Everything);
    }

    #[test]
    fn it_is_written_as_in_the_stack_file() {
        for (protection, json, text) in [
            (Protection::Nothing, "false", "false"),
            (Protection::Everything, "true", "true"),
            (
                kinds(&["vpc", "cluster"]),
                r#"["cluster","vpc"]"#,
                "[cluster, vpc]",
            ),
        ] {
            assert_eq!(serde_json::to_string(&protection).unwrap(), json);
            assert_eq!(
                serde_json::from_str::<Protection>(json).unwrap(),
                protection
            );
            assert_eq!(protection.to_string(), text);
        }
        assert_eq!(
            serde_json::from_str::<Protection>("[]").unwrap(),
            Protection::Nothing
        );
        assert!(serde_json::from_str::<Protection>("\"vpc\"").is_err());
    }
}
