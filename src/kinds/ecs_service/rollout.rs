//! Does a service serve yet? If not, what is missing; if it never will, why?

use super::failure::{Failure, generalised};
use super::health_checks::{self, HealthCheck, cause_of_answer};
use super::observed::EcsServiceObserved;
use super::stopped_task::StoppedTask;
use crate::resource::{Cause, Diagnosis, LogExcerpt, Readiness, RolloutCounts, RolloutProgress};

/// So many tasks that stop, or can't be placed, for one and the same reason are no accident, and end the wait. One
/// or two are: a role or a log group that AWS still spreads fails the first tasks (aws-behaviour §2.8), and a pull
/// through ECR's cache finds no image the first time. A fourth would tell no more, and comes minutes later: ECS
/// doubles the gap from one to the next (aws-behaviour §2.18, failing tasks).
pub const IDENTICAL_FAILURES: usize = 3;

/// A page of ListTasks holds 100.
const MOST_STOPPED_LOOKED_AT: usize = 90;

/// How many tasks may stop for one reason before the deployment is given up. ECS's circuit breaker, where it is on,
/// is left to decide: by its own count, half of the wanted tasks, at least 3 (the API model's
/// DeploymentCircuitBreaker), and as many more as were on their way by then. It overlooks tasks that die after they
/// ran, so that navi doesn't wait for it for ever; and one page of stopped tasks is all that is looked at.
fn patience(wanted: u32, seen: &EcsServiceObserved) -> usize {
    match seen.deployment_circuit_breaker {
        None => IDENTICAL_FAILURES,
        Some(_) => {
            let wanted = wanted as usize;
            let threshold = wanted.div_ceil(2).max(IDENTICAL_FAILURES);
            (threshold + wanted + IDENTICAL_FAILURES).min(MOST_STOPPED_LOOKED_AT)
        }
    }
}

/// What the readiness of a service is judged by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rollout {
    /// The revision that the stack asked for.
    pub task_definition: Option<String>,
    /// The deployment that the stack began.
    pub deployment_id: Option<String>,
    /// When it began, in seconds since 1970.
    pub deployment_began: Option<f64>,
    /// The deployments that ECS lists.
    pub deployments: Vec<Deployment>,
    /// What ECS said, newest first.
    pub events: Vec<Event>,
    /// Health by target group; `None` when nobody asked.
    pub target_groups: Option<Vec<TargetGroupHealth>>,
    /// Instances in Cloud Map that are not unhealthy; `None` when nobody asked or there is no registry.
    pub instances: Option<usize>,
    /// Tasks that stopped lately; empty when nobody asked.
    pub stopped: Vec<StoppedTask>,
    /// The health checks of the target groups; empty while nothing fails them.
    pub health_checks: Vec<HealthCheck>,
    /// What the containers of the last task that failed wrote last; empty before the verdict.
    pub logs: Vec<LogExcerpt>,
}

/// One deployment of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// `ecs-svc/…`.
    pub id: String,
    /// Whether it is the one that ECS works towards.
    pub primary: bool,
    /// ARN of its revision.
    pub task_definition: String,
    /// How far it is.
    pub state: RolloutState,
    /// What ECS says of that.
    pub reason: String,
    /// How many of its tasks run.
    pub running: u32,
    /// How many of its tasks failed in a row.
    pub failed: u32,
    /// When it began, in seconds since 1970.
    pub created_at: f64,
}

/// How far a deployment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutState {
    /// Starting and stopping tasks.
    InProgress,
    /// Steady.
    Completed,
    /// Given up by the circuit breaker.
    Failed,
}

/// Something that ECS said about a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, in seconds since 1970.
    pub at: f64,
    /// What.
    pub message: String,
}

/// How the targets in one group do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetGroupHealth {
    /// Whose they are.
    pub arn: String,
    /// How many are healthy.
    pub healthy: usize,
    /// What is said of one that is not.
    pub reason: Option<String>,
}

impl Rollout {
    /// The deployment that ECS works towards.
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments
            .iter()
            .find(|deployment| deployment.primary)
    }

    fn is_ours(&self, deployment: &Deployment) -> bool {
        match &self.task_definition {
            Some(wanted) => deployment.task_definition == *wanted,
            None => true,
        }
    }

    /// The deployment that ECS works towards, if it is what the stack asked for.
    fn ours(&self) -> Option<&Deployment> {
        self.primary()
            .filter(|primary| self.is_ours(primary) && !self.is_undone())
    }

    /// Whether ECS has gone back to an earlier deployment of the same revision. A deployment that brought a moved
    /// tag, a forced one, or other settings of the service has the same task definition as the one before, so the
    /// revision doesn't tell the one that undoes it from ours: it runs the old images, and must not pass for success.
    pub fn is_undone(&self) -> bool {
        let (Some(began), Some(primary)) = (&self.deployment_id, self.primary()) else {
            return false;
        };
        if primary.id == *began || !self.is_ours(primary) {
            return false;
        }
        let failed = self
            .deployments
            .iter()
            .any(|one| one.id == *began && one.state == RolloutState::Failed)
            || self.failure_event(began).is_some();
        // The reason says so while it lasts; afterwards the event does, which is as old as the deployment itself.
        // One that somebody forced later is younger, and theirs to answer for.
        let goes_back = primary.reason.contains("rolling back")
            || self.events.iter().any(|event| {
                event.message.contains("rolling back to deployment")
                    && primary.created_at <= event.at + 1.0
            });
        failed && goes_back
    }

    /// What ECS said when it gave this deployment up.
    fn failure_event(&self, id: &str) -> Option<&Event> {
        let named = format!("(deployment {id}) deployment failed");
        self.events
            .iter()
            .find(|event| event.message.contains(&named))
    }

    /// The failures of our deployments' tasks, latest first.
    fn failures(&self) -> Vec<(&StoppedTask, Failure)> {
        // What an earlier deployment of the same revision suffered from may be mended by now.
        let ours = |id: &str| match self.ours() {
            Some(primary) => primary.id == id,
            None => {
                self.deployment_id.as_deref() == Some(id)
                    || self
                        .deployments
                        .iter()
                        .any(|one| one.id == id && self.is_ours(one))
            }
        };
        let since = self.deployment_began.unwrap_or_default();
        let mut failed: Vec<_> = self
            .stopped
            .iter()
            .filter(|task| ours(&task.deployment_id))
            .filter_map(|task| {
                let failure = task.failure()?;
                let checks = &self.health_checks;
                Some((
                    task,
                    health_checks::explained(failure, checks, &self.events, since),
                ))
            })
            .collect();
        failed.sort_by(|(one, _), (other, _)| other.at.total_cmp(&one.at));
        failed
    }

    /// The task of ours that failed last.
    pub fn last_failed(&self) -> Option<&StoppedTask> {
        self.failures().first().map(|(task, _)| *task)
    }

    /// How often the latest failure happened, whatever IDs its text holds.
    fn repeated_failure(&self) -> Option<Repeated> {
        let failures = self.failures();
        let (_, latest) = failures.first()?;
        let same = generalised(&latest.text);
        let times = failures
            .iter()
            .filter(|(_, other)| generalised(&other.text) == same)
            .count();
        Some(Repeated {
            times,
            what: "tasks stopped for the same reason",
            failure: latest.clone(),
        })
    }

    /// How often ECS could not even start a task of our deployment, for the reason that it gave last.
    fn repeated_refusal(&self) -> Option<Repeated> {
        let ours = self.ours()?;
        let refusals: Vec<&str> = self
            .events
            .iter()
            .filter(|event| event.at >= ours.created_at)
            .filter_map(|event| {
                event
                    .message
                    .split_once("was unable to place a task. Reason: ")
            })
            .map(|(_, reason)| sentence(reason))
            .collect();
        let latest = refusals.first()?;
        let same = generalised(latest);
        let times = refusals
            .iter()
            .filter(|other| generalised(other) == same)
            .count();
        Some(Repeated {
            times,
            what: "times ECS could not place a task",
            failure: Failure::told(*latest),
        })
    }

    /// What will go on like this, if anything will.
    fn repeats(&self, wanted: u32, seen: &EcsServiceObserved) -> Option<Repeated> {
        let patience = patience(wanted, seen);
        let stopped = self
            .repeated_failure()
            .filter(|repeated| repeated.times >= patience);
        stopped.or_else(|| {
            // What ECS said while another count was wanted is over once that many run.
            let is_short = self.ours().is_some_and(|ours| ours.running < wanted);
            self.repeated_refusal()
                .filter(|repeated| is_short && repeated.times >= patience)
        })
    }
}

/// One failure, so many times.
struct Repeated {
    times: usize,
    what: &'static str,
    failure: Failure,
}

impl Repeated {
    fn sentence(&self) -> String {
        format!("{} {}: {}", self.times, self.what, self.failure.text)
    }
}

/// The verdict. `wanted` is the number of tasks that the stack wants.
pub fn readiness(wanted: u32, seen: &EcsServiceObserved) -> Readiness {
    let rollout = &seen.rollout;
    if seen.draining {
        return Readiness::Failed("the service is being deleted (DRAINING)".to_owned());
    }
    if let Some(why) = given_up(rollout) {
        return Readiness::Failed(with_last_failure(why, rollout));
    }
    if let Some(why) = superseded(rollout) {
        return Readiness::Failed(why);
    }
    if wanted == 0 {
        return match seen.running_count {
            0 => Readiness::Ready,
            running => Readiness::Pending(format!("{running} {} still to stop", tasks(running))),
        };
    }
    let Some(ours) = rollout.ours() else {
        return Readiness::Pending("ECS has not begun the new deployment yet".to_owned());
    };
    if ours.state == RolloutState::Completed && shortfalls(wanted, ours, rollout).is_empty() {
        return Readiness::Ready;
    }
    match rollout.repeats(wanted, seen) {
        Some(repeated) => Readiness::Failed(repeated.sentence()),
        None => Readiness::Pending(progress(wanted, ours, rollout)),
    }
}

/// How far our deployment is. Before ECS lists it, nothing of it runs.
pub fn told(wanted: u32, seen: &EcsServiceObserved) -> RolloutProgress {
    let rollout = &seen.rollout;
    let ours = rollout.ours();
    let groups = rollout.target_groups.iter().flatten();
    let since = ours.map_or(f64::INFINITY, |ours| ours.created_at);
    let said = rollout.events.iter().rev();
    RolloutProgress {
        counts: RolloutCounts {
            wanted,
            running: ours.map_or(0, |ours| ours.running),
            pending: seen.pending_count,
            healthy: groups.map(|group| group.healthy).min(),
            failed: ours.map_or(0, |ours| ours.failed),
        },
        said: said
            .filter(|event| event.at >= since)
            .map(|event| without_name(&event.message).to_owned())
            .collect(),
    }
}

/// What is known of why the service does not serve.
pub fn diagnosis(wanted: u32, seen: &EcsServiceObserved) -> Diagnosis {
    let rollout = &seen.rollout;
    Diagnosis {
        cause: cause(wanted, seen),
        logs: rollout.logs.clone(),
    }
}

fn cause(wanted: u32, seen: &EcsServiceObserved) -> Option<Cause> {
    let rollout = &seen.rollout;
    if seen.draining {
        return Some(Cause::Vanished);
    }
    if given_up(rollout).is_none() && superseded(rollout).is_some() {
        return Some(Cause::AnotherDeployment);
    }
    if let Some(repeated) = rollout.repeats(wanted, seen) {
        return repeated.failure.cause;
    }
    let last = rollout.failures().into_iter().next();
    let stopped = last.and_then(|(_, failure)| failure.cause);
    let refused = || rollout.repeated_refusal()?.failure.cause;
    let unhealthy = || {
        let groups = rollout.target_groups.iter().flatten();
        let mut reasons = groups.filter_map(|group| group.reason.as_deref());
        reasons.find_map(cause_of_answer)
    };
    stopped.or_else(refused).or_else(unhealthy)
}

/// Why nothing comes of the deployment if it is left alone: then only a new one helps. A failed one starts no
/// tasks any more, and one whose tasks keep stopping starts them at ever longer intervals, up to 15 minutes,
/// which only a new deployment ends (aws-behaviour §2.18, failing tasks).
pub fn stuck(wanted: u32, seen: &EcsServiceObserved) -> Option<String> {
    let rollout = &seen.rollout;
    if rollout.is_undone() {
        return Some("rolled back".to_owned());
    }
    let ours = rollout.ours()?;
    if ours.state == RolloutState::Failed {
        return Some("FAILED".to_owned());
    }
    let repeated = rollout.repeats(wanted, seen)?;
    (ours.running < wanted).then(|| repeated.sentence())
}

/// Whether a service that depends on this one may start (aws-behaviour §1 row 36): a task of ours runs and can be
/// found in Cloud Map; where there is no entry there, it passes the load balancer's check. The rollout ends later.
pub fn serves_already(rollout: &Rollout) -> bool {
    let runs = rollout.ours().is_some_and(|ours| ours.running > 0);
    // Nobody knows of the targets' health unless somebody asked.
    let healthy = rollout
        .target_groups
        .as_ref()
        .is_some_and(|groups| groups.iter().all(|group| group.healthy > 0));
    runs && rollout.instances.map_or(healthy, |instances| instances > 0)
}

/// Why ECS gave our deployment up. Its circuit breaker marks it FAILED; with rollback the previous revision
/// becomes PRIMARY again and in the end COMPLETED, which must not pass for success.
fn given_up(rollout: &Rollout) -> Option<String> {
    let superseded = rollout.ours().is_none();
    let failed = rollout.deployments.iter().find(|deployment| {
        deployment.state == RolloutState::Failed
            && rollout.is_ours(deployment)
            && (deployment.primary || superseded)
    });
    let back = match rollout.primary() {
        Some(primary) if superseded => {
            format!("ECS rolled back to {}", short(&primary.task_definition))
        }
        _ => "ECS gave the deployment up".to_owned(),
    };
    if let Some(failed) = failed {
        return Some(format!("{back}: {}", sentence(&failed.reason)));
    }
    // A failed deployment leaves the list once its tasks are gone; the events remember it by its ID.
    let began = rollout.deployment_id.as_ref();
    let current = began.filter(|id| rollout.ours().is_none_or(|ours| ours.id == **id));
    let named = current.and_then(|id| rollout.failure_event(id));
    if let Some(event) = named {
        return Some(format!("{back}: {}", without_name(&event.message)));
    }
    rollout
        .primary()
        .filter(|primary| superseded && primary.reason.contains("rolling back"))
        .map(|primary| format!("{back}: {}", sentence(&primary.reason)))
}

/// Who has begun another deployment since ours. Ours is still listed while its tasks run, but no longer
/// as PRIMARY, and never comes back: waiting for it would be in vain.
fn superseded(rollout: &Rollout) -> Option<String> {
    let began = rollout.deployment_id.as_ref()?;
    let primary = rollout.primary()?;
    let ours = rollout
        .deployments
        .iter()
        .find(|deployment| deployment.id == *began);
    let replaced = match ours {
        Some(ours) => !ours.primary && rollout.is_ours(ours),
        // Without tasks it leaves the list at once. A read that does not show it yet shows older ones only.
        None => rollout
            .deployment_began
            .is_some_and(|began| primary.created_at > began),
    };
    (replaced && !rollout.is_ours(primary)).then(|| {
        format!(
            "another deployment, of {}, has taken the place of this one; somebody else changes the \
             service. Run this again once they are done",
            short(&primary.task_definition)
        )
    })
}

fn with_last_failure(why: String, rollout: &Rollout) -> String {
    match rollout.failures().first() {
        Some((_, failure)) => format!("{why}; last task: {}", failure.text),
        None => why,
    }
}

/// What is still short of the wanted number: tasks, targets, instances.
fn shortfalls(wanted: u32, ours: &Deployment, rollout: &Rollout) -> Vec<String> {
    counts(wanted, ours, rollout)
        .into_iter()
        .filter(|(count, _)| *count < wanted as usize)
        .map(|(_, text)| text)
        .collect()
}

/// Every count there is, with its text.
fn counts(wanted: u32, ours: &Deployment, rollout: &Rollout) -> Vec<(usize, String)> {
    let running = ours.running as usize;
    let mut counts = vec![(
        running,
        format!("{running} of {wanted} {} running", tasks(wanted)),
    )];
    for group in rollout.target_groups.iter().flatten() {
        let healthy = group.healthy;
        let mut text = format!("{healthy} of {wanted} {} healthy", plural(wanted, "target"));
        if let Some(reason) = group.reason.as_ref().filter(|_| healthy < wanted as usize) {
            let mut checks = rollout.health_checks.iter();
            let asks = checks
                .find(|check| check.target_group_arn == group.arn)
                .filter(|_| cause_of_answer(reason).is_some());
            let asks = asks.map_or_else(String::new, |check| format!("{}; ", check.asks()));
            text.push_str(&format!(" ({asks}{})", sentence(reason)));
        }
        counts.push((healthy, text));
    }
    if let Some(instances) = rollout.instances {
        let what = plural(wanted, "instance");
        counts.push((
            instances,
            format!("{instances} of {wanted} {what} registered"),
        ));
    }
    counts
}

/// All of it in one line: `1 of 3 tasks running, 0 of 3 targets healthy`.
fn progress(wanted: u32, ours: &Deployment, rollout: &Rollout) -> String {
    let all = counts(wanted, ours, rollout);
    let mut text = all
        .iter()
        .map(|(_, text)| text.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    if shortfalls(wanted, ours, rollout).is_empty() {
        let old: u32 = rollout
            .deployments
            .iter()
            .filter(|one| !one.primary)
            .map(|one| one.running)
            .sum();
        match old {
            0 => text.push_str(", deployment still in progress"),
            old => text.push_str(&format!(", {old} old {} still to stop", tasks(old))),
        }
    }
    if let Some((_, failure)) = rollout.failures().first() {
        text.push_str(&format!("; last task: {}", failure.with_code()));
    } else if let Some(trouble) = trouble(ours, rollout) {
        text.push_str(&format!("; ECS: {}", Failure::told(trouble).with_code()));
    }
    text
}

/// The newest of what ECS said since our deployment began, if it is a complaint.
fn trouble<'a>(ours: &Deployment, rollout: &'a Rollout) -> Option<&'a str> {
    rollout
        .events
        .first()
        .filter(|event| event.at >= ours.created_at)
        .map(|event| without_name(&event.message))
        .filter(|message| message.contains("unable to") || message.contains("failed"))
}

/// Events begin with `(service name) `, which the reader knows.
fn without_name(message: &str) -> &str {
    let rest = message
        .strip_prefix("(service ")
        .and_then(|rest| rest.split_once(") "))
        .map_or(message, |(_, rest)| rest);
    sentence(rest)
}

fn sentence(text: &str) -> &str {
    text.trim().trim_end_matches('.')
}

/// `family:revision` of an ARN.
fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn tasks(count: u32) -> String {
    plural(count, "task")
}

fn plural(count: u32, noun: &str) -> String {
    match count {
        1 => noun.to_owned(),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types as api;

    use super::super::observed::observe;
    use super::super::stopped_task::StoppedContainer;
    use super::*;

    const NEW: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:2";
    const OLD: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1";

    fn deployment(id: &str, revision: &str, state: RolloutState, running: u32) -> Deployment {
        Deployment {
            id: id.into(),
            primary: true,
            task_definition: revision.into(),
            state,
            reason: String::new(),
            running,
            failed: 0,
            created_at: 100.0,
        }
    }

    fn seen(deployments: Vec<Deployment>) -> EcsServiceObserved {
        let mut seen = observe(&api::Service::builder().status("ACTIVE").build());
        seen.running_count = deployments.iter().map(|one| one.running).sum();
        seen.rollout = Rollout {
            task_definition: Some(NEW.into()),
            deployment_id: Some("ecs-svc/2".into()),
            deployments,
            ..Rollout::default()
        };
        seen
    }

    fn waited_for(
        mut seen: EcsServiceObserved,
        healthy: usize,
        instances: usize,
    ) -> EcsServiceObserved {
        seen.rollout.target_groups = Some(vec![TargetGroupHealth {
            healthy,
            ..TargetGroupHealth::default()
        }]);
        seen.rollout.instances = Some(instances);
        seen
    }

    fn failing(code: i32, at: f64) -> StoppedTask {
        StoppedTask {
            deployment_id: "ecs-svc/2".into(),
            at,
            code: Some(api::TaskStopCode::EssentialContainerExited),
            reason: "Essential container in task exited".into(),
            containers: vec![StoppedContainer {
                name: "web".into(),
                image: "web:2".into(),
                exit_code: Some(code),
                ..StoppedContainer::default()
            }],
            ..StoppedTask::default()
        }
    }

    fn text(readiness: Readiness) -> String {
        match readiness {
            Readiness::Ready => "ready".to_owned(),
            Readiness::Pending(text) => format!("pending: {text}"),
            Readiness::Failed(text) => format!("failed: {text}"),
        }
    }

    #[test]
    fn ready_means_rolled_out_running_healthy_and_registered() {
        let done = || {
            seen(vec![deployment(
                "ecs-svc/2",
                NEW,
                RolloutState::Completed,
                3,
            )])
        };
        assert_eq!(readiness(3, &waited_for(done(), 3, 3)), Readiness::Ready);
        // A sweep that nobody waits in judges by the deployment alone.
        assert_eq!(readiness(3, &done()), Readiness::Ready);
        assert_eq!(
            text(readiness(3, &waited_for(done(), 1, 3))),
            "pending: 3 of 3 tasks running, 1 of 3 targets healthy, 3 of 3 instances registered"
        );
        assert_eq!(
            text(readiness(3, &waited_for(done(), 3, 2))),
            "pending: 3 of 3 tasks running, 3 of 3 targets healthy, 2 of 3 instances registered"
        );
    }

    #[test]
    fn one_task_that_is_registered_or_else_healthy_is_enough_for_dependents() {
        let starting = || {
            seen(vec![deployment(
                "ecs-svc/2",
                NEW,
                RolloutState::InProgress,
                1,
            )])
        };
        let serves = |seen: EcsServiceObserved| serves_already(&seen.rollout);
        assert!(serves(waited_for(starting(), 0, 1)));
        assert!(!serves(waited_for(starting(), 1, 0)), "not registered");
        assert!(!serves(starting()), "nobody asked");
        let old = seen(vec![deployment(
            "ecs-svc/1",
            OLD,
            RolloutState::Completed,
            1,
        )]);
        assert!(!serves(waited_for(old, 1, 1)), "the last revision");
        let mut no_registry = waited_for(starting(), 1, 0);
        no_registry.rollout.instances = None;
        assert!(serves(no_registry));
        let mut no_registry = waited_for(starting(), 0, 0);
        no_registry.rollout.instances = None;
        assert!(!serves(no_registry), "unhealthy");
    }

    #[test]
    fn counts_alone_do_not_make_a_deployment_done() {
        let running = seen(vec![deployment(
            "ecs-svc/2",
            NEW,
            RolloutState::InProgress,
            1,
        )]);
        assert_eq!(
            text(readiness(1, &waited_for(running, 1, 1))),
            "pending: 1 of 1 task running, 1 of 1 target healthy, 1 of 1 instance registered, \
             deployment still in progress"
        );
    }

    #[test]
    fn old_tasks_that_still_run_are_told() {
        let mut old = deployment("ecs-svc/1", OLD, RolloutState::Completed, 2);
        old.primary = false;
        let moving = seen(vec![
            deployment("ecs-svc/2", NEW, RolloutState::InProgress, 2),
            old,
        ]);
        assert_eq!(
            text(readiness(2, &moving)),
            "pending: 2 of 2 tasks running, 2 old tasks still to stop"
        );
    }

    #[test]
    fn unhealthy_targets_say_why() {
        let mut seen = waited_for(
            seen(vec![deployment(
                "ecs-svc/2",
                NEW,
                RolloutState::InProgress,
                1,
            )]),
            0,
            1,
        );
        seen.rollout.target_groups = Some(vec![TargetGroupHealth {
            arn: "arn:g".into(),
            healthy: 0,
            reason: Some("Health checks failed with these codes: [502]".into()),
        }]);
        assert_eq!(
            text(readiness(1, &seen)),
            "pending: 1 of 1 task running, 0 of 1 target healthy (Health checks failed with these codes: [502]), \
             1 of 1 instance registered"
        );
        assert_eq!(diagnosis(1, &seen).cause, Some(Cause::HealthCheckAnswer));
        seen.rollout.health_checks = vec![HealthCheck {
            target_group_arn: "arn:g".into(),
            path: "/health".into(),
            matcher: "200".into(),
        }];
        assert_eq!(
            text(readiness(1, &seen)),
            "pending: 1 of 1 task running, 0 of 1 target healthy (GET /health wants 200; \
             Health checks failed with these codes: [502]), 1 of 1 instance registered"
        );
    }

    #[test]
    fn the_last_revision_is_not_taken_for_the_new_one() {
        let stale = seen(vec![deployment(
            "ecs-svc/1",
            OLD,
            RolloutState::Completed,
            1,
        )]);
        assert!(matches!(readiness(1, &stale), Readiness::Pending(_)));
    }

    #[test]
    fn a_rollback_is_a_failure_though_it_ends_completed() {
        let mut failed = deployment("ecs-svc/2", NEW, RolloutState::Failed, 0);
        failed.primary = false;
        failed.reason = "ECS deployment circuit breaker: tasks failed to start.".into();
        let back = deployment("ecs-svc/3", OLD, RolloutState::Completed, 1);
        let mut rolled = seen(vec![back.clone(), failed]);
        rolled.rollout.stopped = vec![failing(1, 1.0)];
        assert_eq!(
            text(readiness(1, &rolled)),
            "failed: ECS rolled back to web:1: ECS deployment circuit breaker: tasks failed to start; \
             last task: container web exited with code 1 (image web:2)"
        );
        // Later the failed deployment is listed no more, and only the events know of it.
        let mut later = seen(vec![back]);
        later.rollout.events = vec![
            Event {
                at: 300.0,
                message: "(service web) has reached a steady state.".into(),
            },
            Event {
                at: 200.0,
                message:
                    "(service web) (deployment ecs-svc/2) deployment failed: tasks failed to start."
                        .into(),
            },
        ];
        assert_eq!(
            text(readiness(1, &later)),
            "failed: ECS rolled back to web:1: (deployment ecs-svc/2) deployment failed: tasks failed to start"
        );
    }

    #[test]
    fn an_earlier_deployments_failure_does_not_fail_this_one() {
        let mut seen = seen(vec![deployment(
            "ecs-svc/2",
            NEW,
            RolloutState::Completed,
            1,
        )]);
        seen.rollout.events = vec![Event {
            at: 50.0,
            message:
                "(service web) (deployment ecs-svc/1) deployment failed: tasks failed to start."
                    .into(),
        }];
        assert_eq!(readiness(1, &seen), Readiness::Ready);
    }

    #[test]
    fn a_breaker_without_rollback_fails_too() {
        let mut failed = deployment("ecs-svc/2", NEW, RolloutState::Failed, 0);
        failed.reason = "ECS deployment circuit breaker: tasks failed to start.".into();
        assert_eq!(
            text(readiness(1, &seen(vec![failed]))),
            "failed: ECS gave the deployment up: ECS deployment circuit breaker: tasks failed to start"
        );
    }

    #[test]
    fn tasks_that_keep_stopping_for_one_reason_fail_the_service() {
        let mut looping = seen(vec![deployment(
            "ecs-svc/2",
            NEW,
            RolloutState::InProgress,
            0,
        )]);
        looping.rollout.stopped = vec![failing(1, 3.0), failing(1, 2.0), failing(137, 1.0)];
        assert_eq!(
            text(readiness(1, &looping)),
            "pending: 0 of 1 task running; last task: container web exited with code 1 (image web:2) (NAVI0101)"
        );
        looping.rollout.stopped.push(failing(1, 0.5));
        assert_eq!(
            text(readiness(1, &looping)),
            "failed: 3 tasks stopped for the same reason: container web exited with code 1 (image web:2)"
        );
        assert_eq!(diagnosis(1, &looping).cause, Some(Cause::ContainerExits));
    }

    #[test]
    fn a_circuit_breaker_decides_first_but_is_not_waited_for_for_ever() {
        let in_progress = deployment("ecs-svc/2", NEW, RolloutState::InProgress, 0);
        let mut looping = seen(vec![in_progress]);
        looping.deployment_circuit_breaker =
            Some(super::super::DeploymentCircuitBreaker { rollback: true });
        looping.rollout.stopped = vec![failing(1, 1.0); 4];
        assert!(matches!(readiness(1, &looping), Readiness::Pending(_)));
        assert_eq!(stuck(1, &looping), None);
        looping.rollout.stopped = vec![failing(1, 1.0); 7];
        assert!(text(readiness(1, &looping)).starts_with("failed: 7 tasks stopped"));
    }

    #[test]
    fn another_deployments_failures_do_not_count() {
        let mut seen = seen(vec![deployment(
            "ecs-svc/2",
            NEW,
            RolloutState::InProgress,
            0,
        )]);
        seen.rollout.stopped = vec![failing(1, 3.0); 5];
        for task in &mut seen.rollout.stopped {
            task.deployment_id = "ecs-svc/1".into();
        }
        assert_eq!(text(readiness(1, &seen)), "pending: 0 of 1 task running");
    }

    #[test]
    fn the_failures_of_a_replaced_deployment_of_the_same_revision_do_not_count() {
        let mut replaced = deployment("ecs-svc/1", NEW, RolloutState::InProgress, 0);
        replaced.primary = false;
        let mut seen = seen(vec![
            deployment("ecs-svc/2", NEW, RolloutState::InProgress, 0),
            replaced,
        ]);
        seen.rollout.stopped = vec![failing(1, 3.0); 5];
        for task in &mut seen.rollout.stopped {
            task.deployment_id = "ecs-svc/1".into();
        }
        assert_eq!(text(readiness(1, &seen)), "pending: 0 of 1 task running");
        assert_eq!(stuck(1, &seen), None);
    }

    #[test]
    fn a_deployment_that_comes_to_nothing_is_stuck() {
        let failed = seen(vec![deployment("ecs-svc/2", NEW, RolloutState::Failed, 0)]);
        assert_eq!(stuck(1, &failed).as_deref(), Some("FAILED"));
        let mut looping = seen(vec![deployment(
            "ecs-svc/2",
            NEW,
            RolloutState::InProgress,
            0,
        )]);
        looping.rollout.stopped = vec![failing(1, 1.0); 3];
        assert!(stuck(1, &looping).unwrap().contains("exited with code 1"));
        looping.rollout.deployments[0].running = 1;
        assert_eq!(stuck(1, &looping), None);
    }

    #[test]
    fn a_service_that_recovered_is_ready() {
        let mut seen = seen(vec![deployment(
            "ecs-svc/2",
            NEW,
            RolloutState::Completed,
            1,
        )]);
        seen.rollout.stopped = vec![failing(1, 1.0); 4];
        assert_eq!(readiness(1, &seen), Readiness::Ready);
    }

    #[test]
    fn what_ecs_complains_of_is_passed_on() {
        let mut seen = seen(vec![deployment(
            "ecs-svc/2",
            NEW,
            RolloutState::InProgress,
            0,
        )]);
        let complaint = "(service web) was unable to place a task. Reason: Capacity is unavailable at this time.";
        seen.rollout.events = vec![Event {
            at: 101.0,
            message: complaint.into(),
        }];
        assert_eq!(
            text(readiness(1, &seen)),
            "pending: 0 of 1 task running; ECS: was unable to place a task. Reason: Capacity is unavailable at this time (NAVI0603)"
        );
        // Not what it said of an earlier deployment.
        seen.rollout.events[0].at = 99.0;
        assert_eq!(text(readiness(1, &seen)), "pending: 0 of 1 task running");
    }

    /// ECS starts no task, so that none stops: the events alone tell.
    #[test]
    fn tasks_that_ecs_can_t_place_fail_the_service_as_well() {
        let in_progress = deployment("ecs-svc/2", NEW, RolloutState::InProgress, 0);
        let mut seen = seen(vec![in_progress]);
        let refusal = |at: f64| {
            Event {
            at,
            message: "(service web) was unable to place a task. Reason: You've reached the limit on the number of vCPUs you can run concurrently.".into(),
        }
        };
        seen.rollout.events = vec![refusal(300.0), refusal(200.0), refusal(99.0)];
        assert!(matches!(readiness(1, &seen), Readiness::Pending(_)));
        assert_eq!(diagnosis(1, &seen).cause, Some(Cause::FargateQuota));
        seen.rollout.events.insert(0, refusal(900.0));
        assert_eq!(
            text(readiness(1, &seen)),
            "failed: 3 times ECS could not place a task: You've reached the limit on the number of vCPUs you can run concurrently"
        );
        assert!(stuck(1, &seen).is_some());
        // Some run by now: ECS has found room.
        seen.rollout.deployments[0].running = 1;
        assert_eq!(stuck(1, &seen), None);
    }

    #[test]
    fn none_wanted_is_ready_when_none_runs() {
        let stopping = seen(vec![deployment(
            "ecs-svc/2",
            NEW,
            RolloutState::InProgress,
            2,
        )]);
        assert_eq!(
            text(readiness(0, &stopping)),
            "pending: 2 tasks still to stop"
        );
        let stopped = seen(vec![deployment(
            "ecs-svc/2",
            NEW,
            RolloutState::InProgress,
            0,
        )]);
        assert_eq!(readiness(0, &stopped), Readiness::Ready);
    }

    #[test]
    fn a_service_that_is_being_deleted_never_serves() {
        let mut draining = seen(vec![deployment(
            "ecs-svc/2",
            NEW,
            RolloutState::Completed,
            1,
        )]);
        draining.draining = true;
        assert!(matches!(readiness(1, &draining), Readiness::Failed(_)));
    }

    #[test]
    fn a_deployment_of_somebody_elses_in_the_place_of_ours_is_told() {
        let ours = Deployment {
            primary: false,
            ..deployment("ecs-svc/2", NEW, RolloutState::InProgress, 1)
        };
        let theirs = deployment("ecs-svc/3", OLD, RolloutState::InProgress, 1);
        let Readiness::Failed(why) = readiness(1, &seen(vec![theirs.clone(), ours.clone()])) else {
            panic!("waits for what never comes");
        };
        assert!(why.contains("another deployment, of web:1,"), "{why}");
        // A new deployment of the same revision serves as well.
        let same = deployment("ecs-svc/3", NEW, RolloutState::Completed, 1);
        let both = waited_for(seen(vec![same, ours]), 1, 1);
        assert_eq!(readiness(1, &both), Readiness::Ready);
        // Not listed, and nobody knows which is the younger one: a read that does not show it yet.
        let mut alone = seen(vec![theirs]);
        assert!(matches!(readiness(1, &alone), Readiness::Pending(_)));
        alone.rollout.deployment_began = Some(101.0);
        assert!(matches!(readiness(1, &alone), Readiness::Pending(_)));
        alone.rollout.deployment_began = Some(99.0);
        assert!(text(readiness(1, &alone)).contains("another deployment, of web:1,"));
    }

    /// A forced deployment, or one for a moved tag, of the revision that ran before.
    fn undone() -> EcsServiceObserved {
        let back = Deployment {
            reason: "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1."
                .into(),
            ..deployment("ecs-svc/3", NEW, RolloutState::InProgress, 1)
        };
        let mut seen = seen(vec![back]);
        seen.rollout.events = vec![
            Event {
                at: 100.0,
                message: "(service web) rolling back to deployment ecs-svc/1.".into(),
            },
            Event {
                at: 100.0,
                message:
                    "(service web) (deployment ecs-svc/2) deployment failed: tasks failed to start."
                        .into(),
            },
        ];
        seen.rollout.stopped = vec![failing(1, 99.0)];
        seen
    }

    #[test]
    fn a_rollback_within_one_revision_is_a_failure_and_is_made_good_by_the_next_run() {
        let mut seen = undone();
        assert_eq!(
            text(readiness(1, &seen)),
            "failed: ECS rolled back to web:2: (deployment ecs-svc/2) deployment failed: tasks failed to start; \
             last task: container web exited with code 1 (image web:2)"
        );
        seen.rollout.deployments[0].state = RolloutState::Completed;
        seen.rollout.deployments[0].reason = "ECS deployment ecs-svc/3 completed.".into();
        assert!(matches!(readiness(1, &seen), Readiness::Failed(_)));
        assert_eq!(stuck(1, &seen).as_deref(), Some("rolled back"));
    }

    #[test]
    fn a_deployment_that_somebody_forced_after_a_rollback_counts() {
        let mut seen = undone();
        seen.rollout.deployments = vec![Deployment {
            created_at: 200.0,
            ..deployment("ecs-svc/4", NEW, RolloutState::Completed, 1)
        }];
        assert_eq!(stuck(1, &seen), None);
        let seen = waited_for(seen, 1, 1);
        assert_eq!(readiness(1, &seen), Readiness::Ready);
    }
}
