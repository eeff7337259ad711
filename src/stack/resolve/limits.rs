//! Does AWS take every physical name, once the stack's name stands before it?

use std::collections::BTreeMap;
use std::ops::Range;

use crate::stack::names;
use crate::stack::place::Place;
use crate::stack::problem::Problems;
use crate::stack::resolved::Stack;

use super::services::is_name;

/// What AWS takes as the name of one kind.
struct Rule {
    what: &'static str,
    longest: usize,
    alphabet: &'static str,
    allows: fn(char) -> bool,
    forbids: fn(&str) -> Option<&'static str>,
}

// aws-behaviour §2.1: a name of a VPC is the value of its tag `Name`.
const VPC: Rule = Rule {
    what: "VPC",
    longest: 256,
    alphabet: "letters, digits, spaces and `_.:/=+-@`",
    allows: |character| character.is_alphanumeric() || " _.:/=+-@".contains(character),
    forbids: |_| None,
};
// aws-behaviour §2.7
const SECURITY_GROUP: Rule = Rule {
    what: "security group",
    longest: 255,
    alphabet: "ASCII letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`",
    allows: |character| {
        character.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(character)
    },
    forbids: |name| match name.to_ascii_lowercase() {
        name if name.starts_with("sg-") => Some("it must not begin with `sg-`"),
        // The group that comes with every VPC has this name.
        name if name == "default" => Some("every VPC has a group of that name already"),
        _ => None,
    },
};
// aws-behaviour §2.8
const ROLE: Rule = Rule {
    what: "role",
    longest: 64,
    alphabet: IAM_ALPHABET,
    allows: is_iam_character,
    forbids: |_| None,
};
const POLICY: Rule = Rule {
    what: "role's policy",
    longest: 128,
    alphabet: IAM_ALPHABET,
    allows: is_iam_character,
    forbids: |_| None,
};
// aws-behaviour §2.13 and §2.14
const LOAD_BALANCER: Rule = Rule {
    what: "load balancer",
    longest: 32,
    alphabet: "letters, digits and hyphens",
    allows: is_balancer_character,
    forbids: balancer_fault,
};
const TARGET_GROUP: Rule = Rule {
    what: "target group",
    longest: 32,
    alphabet: "letters, digits and hyphens",
    allows: is_balancer_character,
    forbids: hyphen_fault,
};
// aws-behaviour §2.17
const CLUSTER: Rule = Rule {
    what: "cluster",
    longest: 255,
    alphabet: ECS_ALPHABET,
    allows: is_ecs_character,
    forbids: |_| None,
};
const SERVICE: Rule = Rule {
    what: "ECS service",
    longest: 255,
    alphabet: ECS_ALPHABET,
    allows: is_ecs_character,
    forbids: |_| None,
};
const FAMILY: Rule = Rule {
    what: "task family",
    longest: 255,
    alphabet: ECS_ALPHABET,
    allows: is_ecs_character,
    forbids: |_| None,
};
// aws-behaviour §2.10
const LOG_GROUP: Rule = Rule {
    what: "log group",
    longest: 512,
    alphabet: "letters, digits and `._-/#`",
    allows: |character| character.is_ascii_alphanumeric() || "._-/#".contains(character),
    forbids: |name| {
        name.starts_with("aws/")
            .then_some("it must not begin with `aws/`")
    },
};

const IAM_ALPHABET: &str = "letters, digits and `_+=,.@-`";
const ECS_ALPHABET: &str = "letters, digits, `_` and `-`";

fn is_iam_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}

fn is_ecs_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

fn is_balancer_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '-'
}

fn hyphen_fault(name: &str) -> Option<&'static str> {
    (name.starts_with('-') || name.ends_with('-'))
        .then_some("it must not begin or end with a hyphen")
}

fn balancer_fault(name: &str) -> Option<&'static str> {
    hyphen_fault(name).or(name
        .starts_with("internal-")
        .then_some("it must not begin with `internal-`"))
}

pub(super) fn check(stack: &Stack, place: &Place, problems: &mut Problems) {
    let has_name = check_stack_name(stack, place, problems);
    let mut limits = Limits {
        problems,
        has_stack_name: has_name,
        taken: BTreeMap::new(),
    };
    limits.check_stack(stack, place);
    for service in &stack.services {
        limits.check_service(stack, service, place);
    }
    limits.check_log_groups(stack, place);
}

fn check_stack_name(stack: &Stack, place: &Place, problems: &mut Problems) -> bool {
    let sound = is_name(&stack.name);
    if !sound && place.at("stack").is_given() && !stack.name.is_empty() {
        problems
            .error(&place.at("stack"), format!("`{}` cannot be the name of a stack", stack.name))
            .label("not a name")
            .hint("letters, digits and hyphens, beginning with a letter and not ending with a hyphen; at most 63");
    }
    sound
}

struct Limits<'a> {
    problems: &'a mut Problems,
    has_stack_name: bool,
    /// Kind and name in small letters → where it was first used.
    taken: BTreeMap<(&'static str, String), Range<usize>>,
}

/// A physical name, where the user can change it and what that is called.
struct Name<'a, 'tree> {
    name: String,
    overriding: Place<'tree>,
    /// Where the name comes from when it is derived.
    origin: Range<usize>,
    /// False if the derived name is wrong in any case, because what it comes from is.
    is_derivable: bool,
    key: &'a str,
}

impl Limits<'_> {
    fn check_stack(&mut self, stack: &Stack, place: &Place) {
        let overrides = place.at("names");
        let origin = place.at("stack").span();
        let mut check = |rule: &Rule, key: &str, name: String| {
            let overriding = overrides.at(key);
            self.check(
                rule,
                Name {
                    name,
                    overriding,
                    origin: origin.clone(),
                    is_derivable: self.has_stack_name,
                    key: &format!("names.{key}"),
                },
            );
        };
        check(&VPC, "vpc", names::vpc(stack));
        check(&CLUSTER, "cluster", names::cluster(stack));
        check(&ROLE, "role", names::role(stack));
        check(&POLICY, "policy", names::policy(stack));
        if stack.network.endpoints.iter().any(|own| !own.is_gateway()) {
            check(
                &SECURITY_GROUP,
                "endpoint_security_group",
                names::endpoint_security_group(stack),
            );
        }
        if stack.ingress.is_some() {
            check(&LOAD_BALANCER, "load_balancer", names::load_balancer(stack));
            check(
                &SECURITY_GROUP,
                "load_balancer_security_group",
                names::load_balancer_security_group(stack),
            );
        }
    }

    fn check_service(&mut self, stack: &Stack, service: &crate::stack::Service, place: &Place) {
        let services = place.at("services");
        let overrides = services.at(&service.name).at("names");
        let origin = services.key_of(&service.name);
        let is_derivable = self.has_stack_name && is_name(&service.name);
        let mut check = |rule: &Rule, key: &str, name: String| {
            let overriding = overrides.at(key);
            self.check(
                rule,
                Name {
                    name,
                    overriding,
                    origin: origin.clone(),
                    is_derivable,
                    key: &format!("names.{key}"),
                },
            );
        };
        check(&SERVICE, "service", names::service(stack, service));
        check(&FAMILY, "family", names::task_family(stack, service));
        check(
            &SECURITY_GROUP,
            "security_group",
            names::security_group(stack, service),
        );
        if service.route.is_some() {
            check(
                &TARGET_GROUP,
                "target_group",
                names::target_group(stack, service),
            );
        }
    }

    fn check(&mut self, rule: &Rule, name: Name) {
        let given = name.overriding.is_given();
        if !given && !name.is_derivable {
            return;
        }
        let span = if given {
            name.overriding.span()
        } else {
            name.origin
        };
        let remedy = if given {
            "give it a shorter or plainer name".to_owned()
        } else {
            format!(
                "shorten what it is made of, or set `{}` to a name of your own",
                name.key
            )
        };
        if self.report(rule, &name.name, span.clone(), &remedy) {
            return;
        }
        // AWS compares the names of security groups without regard to case; two names that differ only so are no good elsewhere.
        let first = self
            .taken
            .entry((rule.what, name.name.to_lowercase()))
            .or_insert_with(|| span.clone())
            .clone();
        if first != span {
            self.problems
                .error(
                    span,
                    format!(
                        "the name `{}` is given to another {} as well",
                        name.name, rule.what
                    ),
                )
                .label("given again here")
                .also(first, "first given here")
                .hint("give one of them another name");
        }
    }

    /// Whether something was wrong.
    fn report(&mut self, rule: &Rule, name: &str, span: Range<usize>, remedy: &str) -> bool {
        let length = name.chars().count();
        if length > rule.longest {
            let message = format!(
                "the {}'s name `{name}` is {length} characters long; AWS takes {}",
                rule.what, rule.longest
            );
            self.problems
                .error(span, message)
                .label("too long")
                .hint(remedy);
            return true;
        }
        if let Some(wrong) = name.chars().find(|character| !(rule.allows)(*character)) {
            let wrong = if wrong == ' ' {
                "space".to_owned()
            } else {
                format!("`{}`", wrong.escape_debug())
            };
            let message = format!("the {}'s name `{name}` cannot have a {wrong}", rule.what);
            self.problems
                .error(span, message)
                .label("wrong character")
                .hint(format!("AWS takes {}", rule.alphabet));
            return true;
        }
        let fault = if name.is_empty() {
            Some("it must not be empty")
        } else {
            (rule.forbids)(name)
        };
        if let Some(fault) = fault {
            let message = format!(
                "AWS does not take `{name}` as the name of a {}: {fault}",
                rule.what
            );
            self.problems.error(span, message).hint(remedy);
        }
        fault.is_some()
    }

    fn check_log_groups(&mut self, stack: &Stack, place: &Place) {
        for service in &stack.services {
            for container in &service.containers {
                let Some(logs) = &container.logs else {
                    continue;
                };
                let group = place
                    .at("services")
                    .at(&service.name)
                    .at("containers")
                    .at(&container.name)
                    .at("logs")
                    .at("group");
                if group.is_given() || (self.has_stack_name && is_name(&service.name)) {
                    self.report(
                        &LOG_GROUP,
                        &logs.group,
                        group.span(),
                        "set `logs.group` to another name",
                    );
                }
            }
        }
    }
}
