//! What does the scheduler do? It looks at a service before every request, and starts, stops and replaces tasks until the service is as wanted.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use super::{
    breaker,
    deployment::Rollout,
    health::{Condition, condition},
    service::{self, Service, Status},
    task::{Stop, Task, TaskState},
    task_placement, task_stop,
};
use crate::sandbox::{pace::Doing, world::Context};

/// The longest gap between two attempts (aws-behaviour §2.18, "failing tasks").
const LONGEST_GAP: Duration = Duration::from_secs(900);

/// Starts looking after a service, for as long as there is one.
pub fn begin(context: &mut Context<'_>, arn: String) {
    look_soon(context, &arn);
    look_before_each_request(context, arn);
}

fn look_before_each_request(context: &mut Context<'_>, arn: String) {
    context.look_before_next_request(move |context| {
        if !has_settled(context, &arn) {
            reconcile(context, &arn);
        }
        if context.region.ecs.services.contains_key(&arn) {
            look_before_each_request(context, arn);
        }
    });
}

/// Time alone takes nothing away from a steady service: only what changes does.
fn has_settled(context: &Context<'_>, arn: &str) -> bool {
    let service = context.region.ecs.services.get(arn);
    service.is_some_and(|service| service.is_steady && service.steady_at == context.changes)
}

/// Looks when what happens now has happened.
pub fn look_soon(context: &mut Context<'_>, arn: &str) {
    let arn = arn.to_owned();
    context.schedule_after(Duration::ZERO, move |context| reconcile(context, &arn));
}

/// Counts a failure, and starts no other task for a while: longer with each failure in a row, until a new deployment. A task that had run
/// before is replaced without such a gap (aws-behaviour §2.18, "failing tasks").
pub fn back_off(context: &mut Context<'_>, arn: &str, deployment_id: &str, had_run: bool) {
    let Some(service) = context.region.ecs.services.get_mut(arn) else {
        return;
    };
    // What fails in an older deployment holds nothing back.
    let Some(primary) = service
        .deployments
        .first_mut()
        .filter(|primary| primary.id == deployment_id)
    else {
        return;
    };
    primary.failed_tasks += 1;
    let failures = primary.failed_tasks;
    let was_backing_off = std::mem::replace(&mut service.is_backing_off, true);
    if failures == 3 {
        service::tell(
            context,
            arn,
            "is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
        );
    }
    if was_backing_off {
        return;
    }
    let gap = match had_run {
        true => Duration::ZERO,
        false => gap_after(context, failures),
    };
    let (arn, deployment_id) = (arn.to_owned(), deployment_id.to_owned());
    let retry = move |context: &mut Context<'_>| {
        let service = context.region.ecs.services.get_mut(&arn);
        let is_primary = |service: &&mut Service| {
            service
                .deployments
                .first()
                .is_some_and(|primary| primary.id == deployment_id)
        };
        if let Some(service) = service.filter(is_primary) {
            service.is_backing_off = false;
            reconcile(context, &arn);
        }
    };
    if gap.is_zero() {
        context.schedule_for_next_request(retry);
    } else {
        context.schedule_after(gap, retry);
    }
}

fn gap_after(context: &Context<'_>, failures: i64) -> Duration {
    let doublings = u32::try_from(failures - 1).unwrap_or_default().min(10);
    let gap = context.tempo.duration(Doing::FailedTaskIsReplaced) * 2_u32.pow(doublings);
    gap.min(context.tempo.scale(LONGEST_GAP))
}

/// One look at a service.
pub fn reconcile(context: &mut Context<'_>, arn: &str) {
    match context
        .region
        .ecs
        .services
        .get(arn)
        .map(|service| service.status)
    {
        Some(Status::Active) => {
            stop_sick_tasks(context, arn);
            breaker::check(context, arn);
            start_missing_tasks(context, arn);
            stop_old_tasks(context, arn);
            stop_surplus_tasks(context, arn);
            settle(context, arn);
        }
        Some(Status::Draining) => drain(context, arn),
        Some(Status::Inactive) | None => {}
    }
}

/// What the steps of one look go by.
struct View {
    service: Service,
    primary: String,
    /// Those that are to run.
    tasks: Vec<(Task, Condition)>,
}

impl View {
    fn of(context: &Context<'_>, arn: &str) -> Option<Self> {
        let ecs = &context.region.ecs;
        let service = ecs.services.get(arn)?.clone();
        let seconds = u64::try_from(service.grace_period).unwrap_or_default();
        let grace_period = context.tempo.scale(Duration::from_secs(seconds));
        let tasks = ecs
            .tasks_of(arn)
            .filter(|task| task.is_wanted)
            .map(|task| (task.clone(), condition(context, task, grace_period)))
            .collect();
        Some(Self {
            primary: service.deployments.first()?.id.clone(),
            service,
            tasks,
        })
    }

    fn of_primary(&self) -> impl Iterator<Item = &(Task, Condition)> {
        self.tasks
            .iter()
            .filter(|(task, _)| task.deployment == self.primary)
    }

    fn has_failed(&self) -> bool {
        self.service
            .deployments
            .first()
            .is_some_and(|primary| primary.rollout == Rollout::Failed)
    }

    fn percent(&self, name: &str, default: i64) -> i64 {
        let percent = self.service.deployment_configuration[name].as_i64();
        self.service
            .desired_count
            .saturating_mul(percent.unwrap_or(default))
    }

    fn most_tasks(&self) -> usize {
        let most = self.percent("maximumPercent", 200) / 100;
        usize::try_from(most).unwrap_or_default()
    }

    fn fewest_healthy(&self) -> usize {
        let fewest = (self.percent("minimumHealthyPercent", 100) + 99) / 100;
        usize::try_from(fewest).unwrap_or_default()
    }

    fn desired(&self) -> usize {
        usize::try_from(self.service.desired_count).unwrap_or_default()
    }
}

fn stop_sick_tasks(context: &mut Context<'_>, arn: &str) {
    let Some(view) = View::of(context, arn) else {
        return;
    };
    for (task, condition) in view.tasks {
        let Condition::Bad { event, reason } = condition else {
            continue;
        };
        service::tell(context, arn, &event);
        task_stop::count_failure(context, &task.arn);
        let stop = Stop {
            code: "ServiceSchedulerInitiated",
            reason,
        };
        task_stop::stop(context, &task.arn, stop, true);
    }
}

fn start_missing_tasks(context: &mut Context<'_>, arn: &str) {
    loop {
        let Some(view) = View::of(context, arn) else {
            return;
        };
        let is_full = view.of_primary().count() >= view.desired()
            || view.tasks.len() >= view.most_tasks().max(1);
        if is_full || view.has_failed() || view.service.is_backing_off {
            return;
        }
        if let Err(fault) = task_placement::launch(context, arn) {
            let message = format!("was unable to place a task. Reason: {}", fault.message);
            service::tell(context, arn, &message);
            back_off(context, arn, &view.primary, false);
        }
    }
}

/// Tasks of older deployments make room as the new ones become good. After a deployment has failed they stay.
fn stop_old_tasks(context: &mut Context<'_>, arn: &str) {
    let Some(view) = View::of(context, arn).filter(|view| !view.has_failed()) else {
        return;
    };
    let is_good = |condition: &Condition| *condition == Condition::Good;
    let mut good = view
        .tasks
        .iter()
        .filter(|(_, condition)| is_good(condition))
        .count();
    let mut old: Vec<&(Task, Condition)> = view
        .tasks
        .iter()
        .filter(|(task, _)| task.deployment != view.primary)
        .collect();
    old.sort_by_key(|(task, condition)| (is_good(condition), task.created));
    for (task, condition) in old {
        if is_good(condition) {
            if good <= view.fewest_healthy() {
                continue;
            }
            good -= 1;
        }
        stop_for_scheduler(context, arn, task);
    }
}

fn stop_surplus_tasks(context: &mut Context<'_>, arn: &str) {
    let Some(view) = View::of(context, arn) else {
        return;
    };
    let mut tasks: Vec<&Task> = view.of_primary().map(|(task, _)| task).collect();
    while tasks.len() > view.desired() {
        let mut per_zone: BTreeMap<&str, usize> = BTreeMap::new();
        for task in &tasks {
            *per_zone.entry(&task.zone).or_default() += 1;
        }
        // What does not run yet goes first, then out of the fullest zone, the newest first.
        let Some(index) = (0..tasks.len()).max_by_key(|index| {
            let task = tasks[*index];
            (
                task.state.is_pending(),
                per_zone[task.zone.as_str()],
                task.created,
                Reverse(task.arn.as_str()),
            )
        }) else {
            return;
        };
        stop_for_scheduler(context, arn, tasks.remove(index));
    }
}

fn stop_for_scheduler(context: &mut Context<'_>, arn: &str, task: &Task) {
    service::tell(
        context,
        arn,
        &format!("has stopped 1 running tasks: (task {}).", task.id),
    );
    let stop = Stop {
        code: "ServiceSchedulerInitiated",
        reason: format!(
            "Scaling activity initiated by (deployment {})",
            task.deployment
        ),
    };
    task_stop::stop(context, &task.arn, stop, true);
}

/// A service with all of its tasks good and no others left is steady, and its primary deployment done.
fn settle(context: &mut Context<'_>, arn: &str) {
    let Some(view) = View::of(context, arn) else {
        return;
    };
    let are_good = view
        .of_primary()
        .all(|(_, condition)| *condition == Condition::Good);
    let is_complete = view.of_primary().count() == view.desired() && are_good;
    let others_remain = context
        .region
        .ecs
        .tasks_of(arn)
        .any(|task| task.deployment != view.primary && task.state < TaskState::Stopping);
    let now = context.now;
    let Some(service) = context.region.ecs.services.get_mut(arn) else {
        return;
    };
    if !is_complete || others_remain {
        service.is_steady = false;
        return;
    }
    let Some(primary) = service.deployments.first_mut() else {
        return;
    };
    primary.failed_tasks = 0;
    let is_news = primary.rollout == Rollout::InProgress;
    if is_news {
        let reason = format!("ECS deployment {} completed.", primary.id);
        primary.finish(Rollout::Completed, reason, now);
    }
    let past = service.deployments.split_off(1);
    service.past_deployments.extend(past);
    let was_steady = std::mem::replace(&mut service.is_steady, true);
    service.steady_at = context.changes;
    if is_news {
        service::tell(
            context,
            arn,
            &format!("(deployment {}) deployment completed.", view.primary),
        );
    }
    if !was_steady {
        service::tell(context, arn, "has reached a steady state.");
    }
}

/// A service that was deleted lets its tasks go; it is inactive when the last one is stopping (aws-behaviour §2.18).
fn drain(context: &mut Context<'_>, arn: &str) {
    let ecs = &context.region.ecs;
    let tasks: Vec<(String, bool, TaskState)> = ecs
        .tasks_of(arn)
        .map(|task| (task.arn.clone(), task.is_wanted, task.state))
        .collect();
    for (task, is_wanted, _) in &tasks {
        if *is_wanted {
            let stop = Stop {
                code: "ServiceSchedulerInitiated",
                reason: "Service was deleted or drained".to_owned(),
            };
            task_stop::stop(context, task, stop, true);
        }
    }
    if tasks
        .iter()
        .any(|(_, is_wanted, state)| *is_wanted || *state < TaskState::Stopping)
    {
        return;
    }
    let ecs = &mut context.region.ecs;
    if let Some(mut service) = ecs.services.remove(arn) {
        service.status = Status::Inactive;
        let past = std::mem::take(&mut service.deployments);
        service.past_deployments.extend(past);
        ecs.inactive_services.insert(arn.to_owned(), service);
    }
}
