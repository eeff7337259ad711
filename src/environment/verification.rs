//! Does an environment do what its stack wants of it? Hosts, tasks, targets, names and ways, each checked by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Environment, NameNow, Now, Route, Service, TargetGroupNow, Way};
use crate::aws::{ServiceNow, Target, Task};

/// More addresses than this are counted, not listed.
const LISTED: usize = 3;

/// One thing that must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub what: What,
    /// A URL, a service, a name, or a way.
    pub subject: String,
    pub verdict: Verdict,
    /// What was seen, in words.
    pub finding: String,
}

/// What a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// What a visitor gets.
    Host,
    /// As many tasks run as ECS is to keep.
    Tasks,
    /// The load balancer finds all of them healthy.
    Targets,
    /// Cloud Map's instances and the A records are the running tasks.
    Name,
    /// Security groups let in what the stack lets in, and nothing else.
    Reach,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ok,
    Failed,
    /// It can't be told from here.
    Skipped,
}

/// What came of asking a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visit {
    Answered {
        status: u16,
        /// The load balancer said so by itself: no service was asked.
        by_load_balancer: bool,
        /// Whether the host's own name leads to the load balancer, where that is known.
        by_name: Option<bool>,
    },
    /// Nobody answered, and why.
    Silent(String),
    /// It was not asked, and why.
    NotAsked(String),
}

/// A request that a visitor would make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// None for the load balancer's own name.
    pub host: Option<String>,
    pub path: String,
    /// The whole of it; none before the load balancer exists.
    pub url: Option<String>,
}

impl What {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            What::Host => "host",
            What::Tasks => "tasks",
            What::Targets => "targets",
            What::Name => "name",
            What::Reach => "reach",
        }
    }
}

/// One request for each route of the stack, each once.
pub fn requests(environment: &Environment) -> Vec<Request> {
    let Some(entrance) = &environment.entrance else {
        return Vec::new();
    };
    let mut requests = Vec::new();
    for route in environment.services.iter().flat_map(|one| &one.routes) {
        let (host, path) = example(route);
        let url = entrance.url(host.as_deref(), &path);
        let request = Request { host, path, url };
        if !requests.contains(&request) {
            requests.push(request);
        }
    }
    requests
}

/// What a route's patterns take: `*` stands for any characters, also none, and `?` for one.
fn example(route: &Route) -> (Option<String>, String) {
    let filled = |pattern: &String, any: &str| pattern.replace('*', any).replace('?', "a");
    let path = route.path.as_ref().map(|path| filled(path, ""));
    (
        route.host.as_ref().map(|host| filled(host, "any")),
        path.unwrap_or_else(|| "/".to_owned()),
    )
}

/// All that must hold, in the order in which a visitor's request meets it.
/// `visits` are the answers to [`requests`]; `seen` are the ways that AWS's security groups open.
pub fn checks(
    environment: &Environment,
    visits: &[(Request, Visit)],
    now: &Now,
    seen: &[Way],
) -> Vec<Check> {
    let mut checks: Vec<Check> = visits
        .iter()
        .map(|(request, visit)| host(request, visit))
        .collect();
    let services = &environment.services;
    checks.extend(
        services
            .iter()
            .map(|service| tasks(service, now.services.get(&service.name))),
    );
    let none = Vec::new();
    for service in services {
        let running = running(now.tasks.get(&service.name).unwrap_or(&none));
        if let Some(groups) = now.targets.get(&service.name) {
            checks.push(targets(service, groups, running.len()));
        }
    }
    for service in services {
        let running = running(now.tasks.get(&service.name).unwrap_or(&none));
        if let Some(name) = &service.discovered_as {
            checks.push(match now.names.get(&service.name) {
                Some(found) => named(found, &running),
                None => check(What::Name, &name.name, Err("Cloud Map has none".to_owned())),
            });
        }
    }
    checks.extend(reach(&environment.ways, seen));
    checks
}

fn check(what: What, subject: &str, found: Result<String, String>) -> Check {
    let (verdict, finding) = match found {
        Ok(finding) => (Verdict::Ok, finding),
        Err(finding) => (Verdict::Failed, finding),
    };
    Check {
        what,
        subject: subject.to_owned(),
        verdict,
        finding,
    }
}

fn host(request: &Request, visit: &Visit) -> Check {
    let whole = format!(
        "{}{}",
        request.host.as_deref().unwrap_or("the load balancer"),
        request.path
    );
    let subject = request.url.as_ref().unwrap_or(&whole);
    let found = match visit {
        Visit::Silent(why) => Err(why.clone()),
        Visit::NotAsked(why) => {
            return Check {
                what: What::Host,
                subject: subject.clone(),
                verdict: Verdict::Skipped,
                finding: why.clone(),
            };
        }
        Visit::Answered {
            status,
            by_load_balancer: true,
            ..
        } => Err(match status {
            502..=504 => format!("{status}: the load balancer has nobody who answers"),
            _ => format!("{status} from the load balancer itself: no rule leads to a service"),
        }),
        Visit::Answered { status, .. } if *status >= 500 => Err(status.to_string()),
        Visit::Answered {
            status,
            by_name: Some(false),
            ..
        } => Ok(format!(
            "{status} at the load balancer; the name does not lead there yet"
        )),
        Visit::Answered { status, .. } => Ok(status.to_string()),
    };
    check(What::Host, subject, found)
}

fn tasks(service: &Service, now: Option<&ServiceNow>) -> Check {
    let found = match now {
        None => Err("ECS has no such service".to_owned()),
        Some(now) => {
            let rollout = now.primary().and_then(|one| one.rollout_state.as_deref());
            let counts = format!("{} of {} run", now.running, now.desired);
            match (rollout, now.running == now.desired) {
                (Some("FAILED"), _) => Err(format!("{counts}; the last deployment failed")),
                (_, false) => Err(format!("{counts}, {} on the way", now.pending)),
                (Some("IN_PROGRESS"), true) => Ok(format!("{counts}; a deployment is under way")),
                (_, true) => Ok(counts),
            }
        }
    };
    check(What::Tasks, &service.name, found)
}

fn running(tasks: &[Task]) -> BTreeSet<&str> {
    let running = tasks.iter().filter(|task| task.is_running());
    running.filter_map(|task| task.address.as_deref()).collect()
}

fn targets(service: &Service, groups: &[TargetGroupNow], running: usize) -> Check {
    let mut wrong = BTreeMap::new();
    let mut fewest = usize::MAX;
    for group in groups {
        // A target that drains is on its way out, and what is unused gets nothing to answer.
        let counted = |target: &&Target| !matches!(target.state.as_str(), "draining" | "unused");
        let healthy = group.targets.iter().filter(|target| target.is_healthy());
        fewest = fewest.min(healthy.count());
        for target in group.targets.iter().filter(counted) {
            if !target.is_healthy() {
                let reason = target.reason.as_deref().unwrap_or(&target.state);
                wrong.insert(
                    &target.address,
                    format!("{} is not: {reason}", target.address),
                );
            }
        }
    }
    let counts = format!("{fewest} of {running} healthy");
    let found = match wrong.is_empty() && fewest == running {
        true => Ok(counts),
        false => {
            let listed = wrong.into_values().take(LISTED);
            Err(listed.fold(counts, |text, one| format!("{text}; {one}")))
        }
    };
    check(What::Targets, &service.name, found)
}

fn named(found: &NameNow, running: &BTreeSet<&str>) -> Check {
    let with = |holds: fn(&super::Entry) -> bool| -> BTreeSet<&str> {
        let entries = found.entries.iter().filter(|entry| holds(entry));
        entries.map(|entry| entry.address.as_str()).collect()
    };
    let instances = with(|entry| entry.instance.is_some());
    let records = with(|entry| entry.a_record);
    let told = match running.len() {
        0 => "no task, no instance, no A record".to_owned(),
        1 => "1 instance and 1 A record for 1 task".to_owned(),
        count => format!("{count} instances and {count} A records for {count} tasks"),
    };
    let strays: Vec<String> = [
        (running - &instances, "runs and is not registered"),
        (&instances - running, "is registered and no task has it"),
        (running - &records, "runs and has no A record"),
        (&records - running, "has an A record and no task"),
    ]
    .into_iter()
    .filter(|(addresses, _)| !addresses.is_empty())
    .map(|(addresses, what)| format!("{} {what}", listed(&addresses)))
    .collect();
    let result = match strays.is_empty() {
        true => Ok(told),
        false => Err(strays.join("; ")),
    };
    check(What::Name, &found.name, result)
}

fn listed(addresses: &BTreeSet<&str>) -> String {
    let some: Vec<&str> = addresses.iter().copied().take(LISTED).collect();
    match addresses.len() - some.len() {
        0 => some.join(", "),
        more => format!("each of {} and {more} more", some.join(", ")),
    }
}

fn reach(wanted: &[Way], seen: &[Way]) -> Vec<Check> {
    let all: BTreeSet<&Way> = wanted.iter().chain(seen).collect();
    let told = all.into_iter().map(|way| {
        let ports = &way.ports;
        let found = match (wanted.contains(way), seen.contains(way)) {
            (true, true) => Ok(format!("{ports} open")),
            (true, false) => Err(format!("{ports} is closed, and the stack wants it open")),
            (false, _) => Err(format!("{ports} is open, and the stack doesn't want it")),
        };
        check(What::Reach, &format!("{} -> {}", way.from, way.to), found)
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::{Entry, Party, Specs};
    use crate::model;
    use crate::stack::{self, Variables};

    /// A service that has nothing but a name.
    fn service() -> Service {
        let text = "\
stack: shop
services:
  web: { containers: { web: { image: nginx } } }
";
        let loaded = stack::load("navi.yaml", text, &Variables::default());
        let stack = loaded
            .unwrap_or_else(|errors| panic!("{}", errors.render(120)))
            .stack;
        let specs = Specs::wanted(&model::build(&stack, "eu-west-1").unwrap());
        Environment::of(&specs).services.remove(0)
    }

    fn request() -> Request {
        Request {
            host: Some("ecs-navi.site".to_owned()),
            path: "/".to_owned(),
            url: Some("https://ecs-navi.site/".to_owned()),
        }
    }

    fn answered(status: u16, by_load_balancer: bool) -> Visit {
        Visit::Answered {
            status,
            by_load_balancer,
            by_name: None,
        }
    }

    #[test]
    fn a_host_answers_when_a_service_says_anything_but_an_error_of_its_own() {
        let verdict = |visit: &Visit| host(&request(), visit).verdict;
        assert_eq!(verdict(&answered(200, false)), Verdict::Ok);
        assert_eq!(verdict(&answered(404, false)), Verdict::Ok);
        assert_eq!(verdict(&answered(500, false)), Verdict::Failed);
        assert_eq!(verdict(&answered(404, true)), Verdict::Failed);
        assert_eq!(verdict(&answered(503, true)), Verdict::Failed);
        assert_eq!(verdict(&Visit::Silent(String::new())), Verdict::Failed);
        assert_eq!(verdict(&Visit::NotAsked(String::new())), Verdict::Skipped);
    }

    #[test]
    fn a_name_that_stands_for_anything_but_the_running_tasks_fails() {
        let entry = |address: &str, instance: bool, a_record: bool| Entry {
            address: address.to_owned(),
            instance: instance.then(|| "task".to_owned()),
            health: None,
            a_record,
        };
        let found = |entries: Vec<Entry>| NameNow {
            service: "backend".to_owned(),
            name: "backend.ecs-navi.local".to_owned(),
            ttl: Some(60),
            entries,
        };
        let running = BTreeSet::from(["10.0.10.7", "10.0.11.9"]);
        let both = vec![
            entry("10.0.10.7", true, true),
            entry("10.0.11.9", true, true),
        ];
        assert_eq!(
            named(&found(both), &running).finding,
            "2 instances and 2 A records for 2 tasks"
        );
        let stale = vec![
            entry("10.0.10.7", true, true),
            entry("10.0.10.8", false, true),
        ];
        let stale = named(&found(stale), &running);
        assert_eq!(stale.verdict, Verdict::Failed);
        assert_eq!(
            stale.finding,
            "10.0.11.9 runs and is not registered; 10.0.11.9 runs and has no A record; \
             10.0.10.8 has an A record and no task"
        );
    }

    #[test]
    fn every_target_that_counts_must_be_healthy_and_every_task_a_target() {
        let service = service();
        let target = |address: &str, state: &str| Target {
            address: address.to_owned(),
            port: 80,
            state: state.to_owned(),
            reason: (state == "unhealthy").then(|| "Health checks failed".to_owned()),
        };
        let groups = |targets: Vec<Target>| {
            vec![TargetGroupNow {
                arn: "arn".to_owned(),
                targets,
            }]
        };
        let fine = groups(vec![target("a", "healthy"), target("b", "draining")]);
        assert_eq!(targets(&service, &fine, 1).verdict, Verdict::Ok);
        assert_eq!(targets(&service, &fine, 2).verdict, Verdict::Failed);
        let ill = groups(vec![target("a", "healthy"), target("b", "unhealthy")]);
        let told = targets(&service, &ill, 2);
        assert_eq!(
            told.finding,
            "1 of 2 healthy; b is not: Health checks failed"
        );
    }

    #[test]
    fn ways_are_told_that_only_one_side_knows() {
        let way = |ports: &str| Way {
            from: Party::Internet,
            to: Party::Service("web".to_owned()),
            ports: ports.to_owned(),
        };
        let told = reach(
            &[way("tcp 80"), way("tcp 81")],
            &[way("tcp 80"), way("tcp 22")],
        );
        let told: Vec<_> = told
            .iter()
            .map(|check| (check.verdict, check.finding.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (
                    Verdict::Failed,
                    "tcp 22 is open, and the stack doesn't want it"
                ),
                (Verdict::Ok, "tcp 80 open"),
                (
                    Verdict::Failed,
                    "tcp 81 is closed, and the stack wants it open"
                ),
            ]
        );
    }

    #[test]
    fn a_pattern_is_asked_for_by_an_example_of_it() {
        let route = Route {
            host: Some("*.example.com".to_owned()),
            path: Some("/api/v?/*".to_owned()),
            container: "web".to_owned(),
            port: 80,
            health_check: Default::default(),
            target_group_arn: None,
        };
        let found = example(&route);
        assert_eq!(
            found,
            (Some("any.example.com".to_owned()), "/api/va/".to_owned())
        );
    }
}
