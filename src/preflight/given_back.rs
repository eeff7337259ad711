//! Would something be made beside, or over, what `navi state forget` gave back? Asked is only what is to be made where
//! something was given back.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;

use super::finding::{Check, Finding};
use super::wanted::Wanted;
use crate::aws::Aws;
use crate::plan::Step;
use crate::resource::{Address, AnyContext, CallError, Cloud};

/// Kinds of which no second one can stand where the first one does: AWS refuses it, or takes it for the first one
/// changed. The kinds with unique names are looked for by name, whoever has it.
const ONLY_ONE: [&str; 10] = [
    "alias_records",
    "internet_gateway",
    "listener",
    "listener_rule",
    "route_table",
    "scalable_target",
    "scaling_policy",
    "security_group_rules",
    "subnet",
    "vpc_endpoint",
];

/// How many are named in one line.
const NAMED: usize = 5;

/// An object that the stack gave back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenBack {
    /// Where it was recorded.
    pub address: Address,
    /// Its ID.
    pub id: String,
    /// All that AWS calls it: one service's ID is another one's ARN or name.
    pub known_as: Vec<String>,
}

pub async fn findings(aws: &Aws, wanted: Wanted<'_>, given_back: &[GivenBack]) -> Vec<Finding> {
    let made: BTreeSet<&Address> = wanted.created().map(|step| &step.address).collect();
    let known = Arc::new(wanted.known());
    let looks = wanted.created().flat_map(|step| {
        let here = given_back
            .iter()
            .filter(|given| given.address == step.address);
        let known = known.clone();
        here.map(move |given| (step, &given.id, known.clone()))
    });
    let looks = looks.map(async |(step, id, known)| {
        let context = AnyContext {
            address: step.address.clone(),
            token: String::new(),
            known,
            changing: Arc::default(),
            drain: false,
        };
        let found = aws.identify(&*step.resource, &context, id).await;
        (step, id, found.map(|found| found.is_some()))
    });
    let there = join_all(looks).await;
    sorted(there, &made)
}

/// What is in the way by itself, and one word on all the rest.
fn sorted(
    looked: Vec<(&Step, &String, Result<bool, CallError>)>,
    made: &BTreeSet<&Address>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut beside = Vec::new();
    for (step, id, there) in looked {
        let mut edges = step.resource.edges().into_iter();
        let elsewhere = edges.any(|edge| made.contains(&edge.to));
        match there {
            Ok(false) => {}
            Ok(true) if ONLY_ONE.contains(&step.address.kind()) && !elsewhere => {
                findings.push(in_the_way(&step.address, id));
            }
            // What can't be looked at may be there.
            Ok(true) | Err(_) => beside.push((&step.address, id)),
        }
    }
    findings.extend(made_beside(&beside));
    findings
}

fn in_the_way(address: &Address, id: &str) -> Finding {
    Finding::error(
        Check::Names,
        format!("{id} is there already; `navi state forget` gave it back"),
    )
    .at(address)
    .because("there can be only one in its place, and navi changes nothing that is not the stack's")
    .hint(format!(
        "take it back: `navi adopt {address} {id}`; or remove it by other means"
    ))
}

fn made_beside(beside: &[(&Address, &String)]) -> Option<Finding> {
    match beside {
        [] => None,
        [(address, id)] => Some(
            Finding::warning(
                Check::Names,
                format!("{id} was given back by `navi state forget`; another is made beside it"),
            )
            .at(address)
            .hint(format!("`navi adopt {address} {id}` takes it back")),
        ),
        several => {
            let names = several.iter().take(NAMED);
            let names: Vec<String> = names.map(|(address, _)| address.to_string()).collect();
            let more = match several.len() - names.len() {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            let what = format!(
                "{} that `navi state forget` gave back are there; others are made beside them: {}{more}",
                several.len(),
                names.join(", ")
            );
            let finding = Finding::warning(Check::Names, what);
            Some(finding.hint("`navi adopt --given-back` takes back all that was given back"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Severity;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn one_alone_is_named_with_the_command_that_takes_it_back() {
        let vpc = address("vpc.main");
        let id = "vpc-1".to_owned();
        let finding = made_beside(&[(&vpc, &id)]).unwrap();
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(
            finding.hint.as_deref(),
            Some("`navi adopt vpc.main vpc-1` takes it back")
        );
    }

    #[test]
    fn many_are_one_warning() {
        let addresses: Vec<Address> = (0..7).map(|n| address(&format!("vpc.v{n}"))).collect();
        let id = "vpc-1".to_owned();
        let beside: Vec<_> = addresses.iter().map(|one| (one, &id)).collect();
        let finding = made_beside(&beside).unwrap();
        assert!(finding.what.starts_with("7 that"), "{}", finding.what);
        assert!(
            finding.what.ends_with("vpc.v4, and 2 more"),
            "{}",
            finding.what
        );
        assert_eq!(made_beside(&[]), None);
    }
}
