//! What does the file mean as a whole? Fills in defaults and checks what a single value cannot tell.
//!
//! Every part goes on after an error with a value that keeps the rest checkable, so that all errors of a file come out at once.

mod container_start;
mod containers;
mod count;
mod deployment;
mod endpoints;
mod existing;
mod ingress;
mod limits;
mod network;
mod relations;
mod role;
mod routes;
mod services;

use std::collections::{BTreeMap, BTreeSet};

use super::file::{Protect as FileProtect, StackFile, StackNames as FileNames, Text};
use super::place::Place;
use super::problem::Problems;
use super::resolved::{Namespace, Protect, Stack, StackNames, Tier, Unresolved};
use super::scalars;
use super::variables::Variables;

/// The resolved stack; it only counts when no error was reported.
pub(super) fn stack(
    file: &StackFile,
    place: &Place,
    variables: &Variables,
    unresolved: BTreeSet<Unresolved>,
    problems: &mut Problems,
) -> Stack {
    let name = file.stack.clone().unwrap_or_default();
    let region = region_name(
        variables.region().or(file.region.as_deref()),
        &place.at("region"),
        problems,
    );
    let network = network::resolve(
        file.network.as_ref(),
        &place.at("network"),
        region.as_deref(),
        problems,
    );
    let namespace = namespace(file, place, problems);
    let context = services::Context {
        stack: &name,
        default_tier: match network.prefers_private() {
            true => Tier::Private,
            false => Tier::Public,
        },
        has_namespace: place.at("namespace").is_given(),
    };
    let services = services::resolve(file, place, &context, problems);
    let stack = Stack {
        tags: tags(file.tags.as_ref(), &place.at("tags"), problems),
        protect: protect(file.protect.as_ref(), &place.at("protect"), problems),
        names: names(file.names.as_ref()),
        ingress: ingress::resolve(file.ingress.as_ref(), place, &services, problems),
        role: role::resolve(file.role.as_ref(), &place.at("role"), &services, problems),
        name,
        region,
        account_id: variables.account_id().map(str::to_owned),
        network,
        namespace,
        services,
        unresolved,
    };
    relations::check(&stack, place, problems);
    limits::check(&stack, place, problems);
    stack
}

fn region_name(name: Option<&str>, place: &Place, problems: &mut Problems) -> Option<String> {
    let name = name?;
    let parts: Vec<&str> = name.split('-').collect();
    let is_region = parts.len() >= 3
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| part.len() >= 2 && part.chars().all(|letter| letter.is_ascii_lowercase()))
        && parts[parts.len() - 1].parse::<u8>().is_ok();
    if !is_region {
        problems
            .error(place, format!("`{name}` is not the name of an AWS region"))
            .label("not a region")
            .hint("write it as `eu-west-1`; an availability zone has a letter more");
    }
    is_region.then(|| name.to_owned())
}

fn protect(file: Option<&FileProtect>, place: &Place, problems: &mut Problems) -> Protect {
    match file {
        None | Some(FileProtect::All(false)) => Protect::Nothing,
        Some(FileProtect::All(true)) => Protect::Everything,
        Some(FileProtect::Kinds(kinds)) => {
            if kinds.is_empty() && !place.is_faulty() {
                problems
                    .error(place, "`protect` names no kind of resource")
                    .hint("write `protect: true` for all of the stack, or leave it out");
            }
            Protect::Kinds(kinds.iter().map(|kind| kind.name()).collect())
        }
    }
}

fn names(file: Option<&FileNames>) -> StackNames {
    let file = file.cloned().unwrap_or_default();
    StackNames {
        vpc: file.vpc,
        cluster: file.cluster,
        load_balancer: file.load_balancer,
        load_balancer_security_group: file.load_balancer_security_group,
        endpoint_security_group: file.endpoint_security_group,
        role: file.role,
        policy: file.policy,
    }
}

/// AWS keeps 50 tags on a resource; ten are left to navi's own and to those AWS adds.
const MOST_TAGS: usize = 40;

fn tags(
    tags: Option<&BTreeMap<String, Text>>,
    place: &Place,
    problems: &mut Problems,
) -> BTreeMap<String, String> {
    let tags: BTreeMap<String, String> = tags
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.0.clone()))
        .collect();
    if tags.len() > MOST_TAGS {
        problems
            .error(
                place,
                format!(
                    "{} tags are more than the {MOST_TAGS} a stack can have",
                    tags.len()
                ),
            )
            .hint("AWS allows 50 on a resource, and navi adds its own");
    }
    for (key, value) in &tags {
        tag(key, value, place, problems);
    }
    tags
}

fn tag(key: &str, value: &str, place: &Place, problems: &mut Problems) {
    let span = place.key_of(key);
    let lower = key.to_ascii_lowercase();
    if let Some(prefix) = ["aws:", "navi:"]
        .into_iter()
        .find(|prefix| lower.starts_with(prefix))
    {
        let owner = if prefix == "aws:" { "AWS" } else { "navi" };
        problems
            .error(
                span,
                format!("the tag `{key}` begins with `{prefix}`, which is {owner}'s own"),
            )
            .hint("choose another key");
    } else if key == "Name" {
        problems
            .error(
                span,
                "the tag `Name` is set by navi, differently on each resource",
            )
            .hint("`names` changes the names of single resources");
    } else if key.is_empty() || key.chars().count() > 128 || !key.chars().all(is_tag_character) {
        problems
            .error(span, format!("`{key}` cannot be the key of a tag"))
            .hint("1 to 128 letters, digits, spaces and `_ . : / = + - @`");
    } else if value.chars().count() > 256 || !value.chars().all(is_tag_character) {
        problems
            .error(
                &place.at(key),
                format!("the value of the tag `{key}` is not one AWS takes"),
            )
            .hint("at most 256 letters, digits, spaces and `_ . : / = + - @`");
    }
}

/// What all services take; a few take more, but one set of tags goes on everything.
fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || character == ' ' || "_.:/=+-@".contains(character)
}

fn namespace(file: &StackFile, place: &Place, problems: &mut Problems) -> Option<Namespace> {
    let namespace = file.namespace.as_ref()?;
    let place = place.at("namespace");
    let written = namespace.name.as_deref()?;
    let name = scalars::domain(
        written,
        "the name of a private DNS namespace",
        &place.at("name"),
        problems,
    )?;
    let description = namespace.description.as_ref().map(|text| text.0.clone());
    if description
        .as_ref()
        .is_some_and(|text| text.chars().count() > 1024)
    {
        problems.error(
            &place.at("description"),
            "the namespace's description is longer than the 1024 characters AWS takes",
        );
    }
    Some(Namespace { name, description })
}
