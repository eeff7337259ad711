//! How do permissions become policy documents: few statements, nothing allowed that was not asked for, none too large?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::resource::{Aim, Conditions, Permission, Scope};

/// Characters of a managed policy, white space not counted (IAM and STS quotas).
pub const LARGEST_DOCUMENT: usize = 6_144;

/// As many documents as it takes, mostly one.
pub fn documents(permissions: &[Permission], aims: &[Aim], largest: usize) -> Vec<Value> {
    let mut documents = Vec::new();
    let mut statements: Vec<Value> = Vec::new();
    let small = wanted(permissions, aims)
        .into_iter()
        .flat_map(|(scope, actions)| small_enough(&scope, &actions, largest));
    for statement in small {
        statements.push(statement);
        if size(&document(&statements)) > largest
            && let Some(last) = statements.pop()
        {
            documents.push(document(&statements));
            statements = vec![last];
        }
    }
    documents.push(document(&statements));
    documents
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// As IAM counts: without white space.
pub fn size(document: &Value) -> usize {
    let text = document.to_string();
    text.chars().filter(|c| !c.is_whitespace()).count()
}

type Statements = BTreeMap<Scope, BTreeSet<&'static str>>;

/// The actions by where they are allowed, the ones that are allowed everywhere first.
fn wanted(permissions: &[Permission], aims: &[Aim]) -> Vec<(Scope, BTreeSet<&'static str>)> {
    let wanted = permissions
        .iter()
        .filter(|permission| aims.contains(&permission.aim));
    let mut by_scope = Statements::new();
    for permission in wanted {
        let actions = by_scope.entry(permission.scope.clone()).or_default();
        actions.insert(permission.action);
    }
    let everywhere = by_scope.remove(&Scope::none()).unwrap_or_default();
    for actions in by_scope.values_mut() {
        actions.retain(|action| !everywhere.contains(action));
    }
    by_scope.retain(|_, actions| !actions.is_empty());
    let parents = parents(&by_scope);
    let merged = with_own_together(with_tags_together(with_names_together(
        with_resources_together(by_scope),
    )));
    let merged = with_creates_together(merged, &parents);
    [(Scope::none(), everywhere)]
        .into_iter()
        .chain(merged)
        .filter(|(_, actions)| !actions.is_empty())
        .collect()
}

fn service(actions: &BTreeSet<&'static str>) -> String {
    let first = actions.first().and_then(|action| action.split_once(':'));
    first
        .map(|(service, _)| service.to_owned())
        .unwrap_or_default()
}

/// Puts together what is alike by `key`; `None` leaves a statement alone.
fn together<K: Ord>(
    statements: Statements,
    key: impl Fn(&Scope, &BTreeSet<&'static str>) -> Option<K>,
) -> Statements {
    let mut alike: BTreeMap<K, (Scope, BTreeSet<&'static str>)> = BTreeMap::new();
    let mut others = Statements::new();
    for (scope, actions) in statements {
        match key(&scope, &actions) {
            None => others.entry(scope).or_default().extend(actions),
            Some(key) => match alike.get_mut(&key) {
                Some((held, held_actions)) => {
                    join(held, scope);
                    held_actions.extend(actions);
                }
                None => {
                    alike.insert(key, (scope, actions));
                }
            },
        }
    }
    for (scope, actions) in alike.into_values() {
        others.entry(scope).or_default().extend(actions);
    }
    others
}

fn join(into: &mut Scope, other: Scope) {
    into.resources.extend(other.resources);
    for (operator, keys) in other.conditions {
        for (key, values) in keys {
            let held = into.conditions.entry(operator).or_default();
            held.entry(key).or_default().extend(values);
        }
    }
}

/// One statement for all tags that are set in a service's creating calls: a call that makes a subnet tags a subnet, so
/// nothing is gained by pairing the calls with what they make.
fn with_tags_together(statements: Statements) -> Statements {
    together(statements, |scope, actions| {
        let mut keys = scope.conditions.values().flat_map(BTreeMap::keys);
        let on_create = keys.any(|key| key.ends_with(":CreateAction"));
        on_create.then(|| service(actions))
    })
}

/// One statement for all that a service does with what carries the stack's tag, whatever kind of thing it is: who bears
/// the tag is the stack's, and an action for another kind of thing means nothing.
fn with_own_together(statements: Statements) -> Statements {
    together(statements, |scope, actions| {
        is_only(&scope.conditions, "aws:ResourceTag/").then(|| service(actions))
    })
}

/// One statement for the same actions on the same conditions, whatever they are about.
fn with_resources_together(statements: Statements) -> Statements {
    together(statements, |scope, actions| {
        Some((scope.conditions.clone(), actions.clone()))
    })
}

/// One statement for all names that a call may hold some of: one call may be about those of several resources.
fn with_names_together(statements: Statements) -> Statements {
    together(statements, |scope, actions| {
        let mut operators = scope.conditions.iter();
        let (operator, keys) = operators.next()?;
        let is_alone = operators.next().is_none() && keys.len() == 1;
        let key = keys.keys().next()?;
        (is_alone && operator.starts_with(SOME_OF)).then(|| {
            let resources = scope.resources.clone();
            (*operator, key.clone(), resources, actions.clone())
        })
    })
}

/// Where else each create is allowed: the things that it makes something in.
fn parents(statements: &Statements) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut places: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for (scope, actions) in statements {
        if !is_only(&scope.conditions, "aws:RequestTag/") {
            for action in actions {
                let held = places.entry(action).or_default();
                held.extend(scope.resources.iter().cloned());
            }
        }
    }
    places
}

/// Creates go together unless one makes something in what the other makes: a statement on subnets must not hold what
/// makes NAT gateways in them, or it would allow that in the subnets of others.
fn with_creates_together(
    statements: Statements,
    parents: &BTreeMap<&'static str, BTreeSet<String>>,
) -> Vec<(Scope, BTreeSet<&'static str>)> {
    let apart = |scope: &Scope, actions: &BTreeSet<&'static str>| {
        actions
            .iter()
            .filter_map(|action| parents.get(action))
            .any(|parents| !parents.is_disjoint(&scope.resources))
    };
    let mut merged: Vec<(Scope, BTreeSet<&'static str>)> = Vec::new();
    for (scope, actions) in statements {
        let found = merged.iter_mut().find(|(held, held_actions)| {
            is_only(&scope.conditions, "aws:RequestTag/")
                && held.conditions == scope.conditions
                && service(held_actions) == service(&actions)
                && !held.resources.contains("*")
                && !scope.resources.contains("*")
                && !apart(held, &actions)
                && !apart(&scope, held_actions)
        });
        match found {
            Some((held, held_actions)) => {
                held.resources.extend(scope.resources);
                held_actions.extend(actions);
            }
            None => merged.push((scope, actions)),
        }
    }
    merged
}

/// Whether this is the only condition.
fn is_only(conditions: &Conditions, prefix: &str) -> bool {
    let mut keys = conditions.values().flat_map(BTreeMap::keys);
    keys.next().is_some_and(|key| key.starts_with(prefix)) && keys.next().is_none()
}

/// A statement, in parts where it alone would be too large for a document.
fn small_enough(scope: &Scope, actions: &BTreeSet<&'static str>, largest: usize) -> Vec<Value> {
    let whole = statement(scope, actions);
    if size(&document(std::slice::from_ref(&whole))) <= largest {
        return vec![whole];
    }
    let halves = |count: usize| count.div_ceil(2);
    if scope.resources.len() > 1 && scope.resources.len() >= actions.len() {
        let all: Vec<&String> = scope.resources.iter().collect();
        return all
            .chunks(halves(all.len()))
            .flat_map(|some| {
                let resources = some.iter().map(|arn| (*arn).clone()).collect();
                let part = Scope {
                    resources,
                    conditions: scope.conditions.clone(),
                };
                small_enough(&part, actions, largest)
            })
            .collect();
    }
    if actions.len() > 1 {
        let all: Vec<&'static str> = actions.iter().copied().collect();
        return all
            .chunks(halves(all.len()))
            .flat_map(|some| small_enough(scope, &some.iter().copied().collect(), largest))
            .collect();
    }
    match without_names(scope) {
        Some(wider) => small_enough(&wider, actions, largest),
        None => vec![whole],
    }
}

/// Many names that a call may hold only some of (`ForAllValues`): in parts they would allow no call with names of two
/// parts, so any name is allowed where all of them don't fit.
fn without_names(scope: &Scope) -> Option<Scope> {
    let mut wider = scope.clone();
    wider
        .conditions
        .retain(|operator, _| !operator.starts_with(SOME_OF));
    (wider != *scope).then_some(wider)
}

const SOME_OF: &str = "ForAllValues:";

/// One value stands alone, several in a list.
fn listed<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> Value {
    let mut values: Vec<Value> = values
        .into_iter()
        .map(|value| value.as_ref().into())
        .collect();
    match values.len() {
        1 => values.remove(0),
        _ => values.into(),
    }
}

fn statement(scope: &Scope, actions: &BTreeSet<&'static str>) -> Value {
    let mut statement = Map::new();
    statement.insert("Effect".to_owned(), "Allow".into());
    statement.insert("Action".to_owned(), listed(actions));
    statement.insert("Resource".to_owned(), listed(&scope.resources));
    if !scope.conditions.is_empty() {
        let conditions = scope.conditions.iter().map(|(operator, keys)| {
            let keys = keys
                .iter()
                .map(|(key, values)| (key.clone(), listed(values)));
            ((*operator).to_owned(), Value::Object(keys.collect()))
        });
        statement.insert("Condition".to_owned(), Value::Object(conditions.collect()));
    }
    Value::Object(statement)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{Permissions, Territory};

    fn territory() -> Territory {
        Territory {
            partition: "aws".to_owned(),
            region: "eu-west-1".to_owned(),
            account: "123456789012".to_owned(),
            stack: "demo".to_owned(),
            ..Territory::default()
        }
    }

    fn made_of(permissions: Permissions) -> Vec<(Scope, BTreeSet<&'static str>)> {
        wanted(&permissions.0, &[Aim::Look, Aim::Make, Aim::Remove])
    }

    #[test]
    fn what_makes_something_in_another_thing_stays_apart_from_what_makes_that() {
        let territory = territory();
        let made =
            |path, action| Permissions::default().make(territory.made("ec2", &[path]), &[action]);
        let own = territory.own("ec2", &["subnet/*"]);
        let mut all =
            made("natgateway/*", "ec2:CreateNatGateway").make(own, &["ec2:CreateNatGateway"]);
        all.0.extend(made("subnet/*", "ec2:CreateSubnet").0);
        all.0.extend(made("vpc/*", "ec2:CreateVpc").0);
        let statements = made_of(all);
        let of_subnets = statements
            .iter()
            .find(|(_, actions)| actions.contains("ec2:CreateSubnet"))
            .unwrap();
        assert!(
            !of_subnets.1.contains("ec2:CreateNatGateway"),
            "{statements:?}"
        );
        assert_eq!(statements.len(), 3, "{statements:?}");
    }

    #[test]
    fn what_is_allowed_everywhere_is_said_once() {
        let all = Permissions::default()
            .look(Scope::none(), &["ecs:DescribeServices"])
            .look(
                territory().on("ecs", ["service/a/*"]),
                &["ecs:DescribeServices"],
            );
        assert_eq!(made_of(all).len(), 1);
    }

    #[test]
    fn only_what_is_asked_for_is_allowed() {
        let all = Permissions::default()
            .look(Scope::none(), &["ec2:DescribeVpcs"])
            .remove(Scope::none(), &["ec2:DeleteVpc"]);
        let text = |aims: &[Aim]| documents(&all.0, aims, LARGEST_DOCUMENT)[0].to_string();
        assert!(!text(&[Aim::Look]).contains("DeleteVpc"));
        assert!(text(&[Aim::Look, Aim::Remove]).contains("DeleteVpc"));
    }

    #[test]
    fn one_call_may_change_the_records_of_two_resources() {
        let key = "route53:ChangeResourceRecordSetsNormalizedRecordNames";
        let of = |name: &str| {
            let zones = territory().on("route53", ["hostedzone/*"]);
            let scope = zones.when("ForAllValues:StringEquals", key, [name]);
            Permissions::default().make(scope, &["route53:ChangeResourceRecordSets"])
        };
        let mut all = of("a.example.com");
        all.0.extend(of("b.example.com").0);
        assert_eq!(made_of(all).len(), 1);
    }

    #[test]
    fn no_document_is_too_large_and_nothing_gets_lost() {
        let names: Vec<String> = (0..400).map(|n| format!("log-group:name-{n:04}")).collect();
        let records: Vec<String> = (0..400)
            .map(|n| format!("host-{n:04}.example.com"))
            .collect();
        let key = "route53:ChangeResourceRecordSetsNormalizedRecordNames";
        let all = Permissions::default()
            .make(territory().on("logs", &names), &["logs:CreateLogGroup"])
            .make(
                territory().on("route53", ["hostedzone/*"]).when(
                    "ForAllValues:StringEquals",
                    key,
                    records.iter(),
                ),
                &["route53:ChangeResourceRecordSets"],
            );
        let made = documents(&all.0, &[Aim::Make], LARGEST_DOCUMENT);
        assert!(made.len() > 3, "{}", made.len());
        let text: String = made.iter().map(Value::to_string).collect();
        for document in &made {
            assert!(size(document) <= LARGEST_DOCUMENT);
        }
        for name in &names {
            assert!(text.contains(name.as_str()), "{name}");
        }
        // Too many names for one condition are none.
        assert!(
            text.contains("route53:ChangeResourceRecordSets")
                && !text.contains("NormalizedRecordNames")
        );
    }
}
