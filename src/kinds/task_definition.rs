//! The Fargate task definition: how is a revision registered, compared, superseded and removed?

mod container;

use std::collections::BTreeMap;

use aws_sdk_ecs::types as api;
use aws_sdk_ecs::types::{TaskDefinitionField, TaskDefinitionStatus};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

pub use container::{
    ContainerDefinition, ContainerDependency, ContainerHealthCheck, DependencyCondition,
    LogConfiguration, PortMapping, Protocol,
};
use container::{
    ContainerObserved, NONE, compare_container, container_definition, observe_container,
};

use super::role::Role;
use crate::aws::{Aws, Settle, send, settle, tags};
use crate::resource::{
    CallError, Change, Context, Effect, ErrorClass, Known, Lookup, Ref, Resource, StepError, TagMap,
};

/// A revision that a create just made is among the newest of its family.
const NEWEST: i32 = 20;
/// DeleteTaskDefinitions takes this many per call.
const DELETES_PER_CALL: usize = 10;
/// The disk of a task for which nothing is said (the API model's EphemeralStorage, which begins at 21).
const DEFAULT_STORAGE_GIB: u32 = 20;
/// Calls about single revisions that are under way at the same time.
const AT_ONCE: usize = 8;

/// What the stack wants: a task for Fargate, with an address of its own (`awsvpc`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// The name that its revisions share.
    pub family: String,
    /// CPU units of the task; 1024 are one vCPU.
    pub cpu: u32,
    /// MiB of the task.
    pub memory: u32,
    /// What the containers may do. `Ref::exists`: aws-behaviour §1 row 27, only the ARN is needed.
    pub task_role: Ref<Role>,
    /// What pulls the images and writes the logs. `Ref::exists`: row 27.
    pub execution_role: Ref<Role>,
    /// Which processors it runs on.
    #[serde(default, skip_serializing_if = "Architecture::is_default")]
    pub architecture: Architecture,
    /// GiB of disk; `None` is Fargate's own 20, which AWS takes no number for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage_gib: Option<u32>,
    /// The containers.
    pub containers: Vec<ContainerDefinition>,
    /// Tags.
    pub tags: TagMap,
}

/// The processors that a task runs on. Linux is the only operating system here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Architecture {
    /// What AWS takes where nothing is said.
    #[default]
    #[serde(rename = "X86_64")]
    X86_64,
    /// Graviton.
    #[serde(rename = "ARM64")]
    Arm64,
}

impl Architecture {
    fn is_default(&self) -> bool {
        *self == Architecture::default()
    }

    /// Nothing for AWS's own choice, so that the definition is the one that it always was.
    fn runtime_platform(self) -> Option<api::RuntimePlatform> {
        let platform = api::RuntimePlatform::builder()
            .cpu_architecture(api::CpuArchitecture::Arm64)
            .operating_system_family(api::OsFamily::Linux)
            .build();
        (self == Architecture::Arm64).then_some(platform)
    }
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskDefinitionObserved {
    /// `arn:aws:ecs:…:task-definition/family:revision`.
    pub arn: String,
    /// The family.
    pub family: String,
    /// The revision.
    pub revision: i32,
    /// CPU units.
    pub cpu: String,
    /// MiB.
    pub memory: String,
    /// ARN of the task role.
    pub task_role: String,
    /// ARN of the execution role.
    pub execution_role: String,
    /// The processors.
    pub architecture: Architecture,
    /// `None`: 20.
    pub ephemeral_storage_gib: Option<u32>,
    /// The containers by name: AWS does not keep their order.
    pub containers: BTreeMap<String, ContainerObserved>,
    /// Tags but AWS's own.
    pub tags: TagMap,
    /// Revisions that this one superseded; AWS does not tell, the record does.
    pub earlier: Vec<String>,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDefinitionOutputs {
    /// `arn:aws:ecs:…:task-definition/family:revision`.
    pub arn: String,
    /// The family.
    pub family: String,
    /// The revision.
    pub revision: i32,
    /// ARNs of the revisions that this stack registered before. They stay usable until the stack goes:
    /// a service still runs on the last of them while it moves.
    pub earlier: Vec<String>,
}

impl Resource for TaskDefinition {
    const KIND: &'static str = "task_definition";
    type Cloud = Aws;
    type Observed = TaskDefinitionObserved;
    type Outputs = TaskDefinitionOutputs;

    /// A family goes on with its next revision.
    fn identity(&self) -> Option<String> {
        Some(self.family.clone())
    }

    fn diff(
        &self,
        seen: &TaskDefinitionObserved,
        recorded: Option<&Self>,
        known: &Known,
    ) -> Change {
        let mut change = Change::default();
        change.field("family", &seen.family, &self.family, Effect::Replace);
        change.field("cpu", &seen.cpu, &self.cpu.to_string(), Effect::InPlace);
        change.field(
            "memory",
            &seen.memory,
            &self.memory.to_string(),
            Effect::InPlace,
        );
        for (field, seen, wanted) in [
            ("task_role", &seen.task_role, &self.task_role),
            ("execution_role", &seen.execution_role, &self.execution_role),
        ] {
            let wanted = known.get(wanted, |role| role.arn);
            change.reference(field, seen, wanted.as_ref(), Effect::InPlace);
        }
        change.field(
            "architecture",
            &seen.architecture,
            &self.architecture,
            Effect::InPlace,
        );
        change.field(
            "ephemeral_storage_gib",
            &seen.ephemeral_storage_gib.unwrap_or(DEFAULT_STORAGE_GIB),
            &self.ephemeral_storage_gib.unwrap_or(DEFAULT_STORAGE_GIB),
            Effect::InPlace,
        );
        for wanted in &self.containers {
            compare_container(&mut change, seen.containers.get(&wanted.name), wanted);
        }
        for (name, container) in &seen.containers {
            if !self.containers.iter().any(|wanted| wanted.name == *name) {
                let field = format!("containers.{name}");
                change.note(
                    &field,
                    container.image.clone(),
                    NONE.to_owned(),
                    Effect::InPlace,
                );
            }
        }
        change.tags(&seen.tags, &self.tags);
        change.dropped_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &TaskDefinitionObserved) -> TaskDefinitionOutputs {
        TaskDefinitionOutputs {
            arn: seen.arn.clone(),
            family: seen.family.clone(),
            revision: seen.revision,
            earlier: seen.earlier.clone(),
        }
    }

    fn renews_outputs(&self, change: &Change) -> bool {
        needs_revision(change)
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<TaskDefinitionObserved>>, CallError> {
        // ECS describes one revision per call.
        try_join_all(lookups.iter().map(async |lookup| {
            let found = describe(aws, &lookup.outputs.arn).await?;
            Ok(found
                .filter(|(definition, _)| {
                    definition.status() == Some(&TaskDefinitionStatus::Active)
                })
                .map(|(definition, tags)| {
                    observe(definition, tags, lookup.outputs.earlier.clone())
                }))
        }))
        .await
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<TaskDefinitionOutputs>, CallError> {
        let call = context
            .cloud
            .ecs
            .list_task_definitions()
            .family_prefix(&self.family)
            .status(TaskDefinitionStatus::Active)
            .sort(api::SortOrder::Desc)
            .max_results(NEWEST);
        let answer = send("ecs:ListTaskDefinitions", call.send()).await?;
        for arn in answer.task_definition_arns() {
            let Some((definition, found)) = describe(context.cloud, arn).await? else {
                continue;
            };
            if tags::ecs_made_by(Some(&found), context.token) {
                return outputs_of(definition, Vec::new()).map(Some);
            }
        }
        Ok(None)
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<TaskDefinitionOutputs, StepError> {
        self.register(context, Vec::new()).await
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &TaskDefinitionOutputs,
        _seen: &TaskDefinitionObserved,
        change: &Change,
    ) -> Result<TaskDefinitionOutputs, StepError> {
        if needs_revision(change) {
            return self.go_on_from(context, outputs).await;
        }
        let dropped = change.dropped_tag_keys(&self.tags);
        tags::retag_ecs(context.cloud, &outputs.arn, &self.tags, &dropped).await?;
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &TaskDefinitionOutputs,
    ) -> Result<(), StepError> {
        let aws = context.cloud;
        let mut arns = outputs.earlier.clone();
        arns.push(outputs.arn.clone());
        let unrecorded = self.unrecorded(aws, &arns).await?;
        arns.extend(unrecorded.into_iter().map(|(arn, _)| arn));
        let deregistered = stream::iter(arns.clone()).map(async |arn: String| {
            let call = aws.ecs.deregister_task_definition().task_definition(arn);
            match send("ecs:DeregisterTaskDefinition", call.send()).await {
                Err(error) if error.is_not_found() => Ok(()),
                other => other.map(|_| ()),
            }
        });
        deregistered
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        for some in arns.chunks(DELETES_PER_CALL) {
            delete_definitions(aws, some).await?;
        }
        Ok(())
    }
}

impl TaskDefinition {
    /// The next revision. One that is as it is wanted, and later than the recorded one, was registered by a run that did not
    /// live to hear of it: it is taken. Others of the kind are recorded as earlier ones, so that none is left behind.
    async fn go_on_from(
        &self,
        context: &Context<'_, Aws>,
        outputs: &TaskDefinitionOutputs,
    ) -> Result<TaskDefinitionOutputs, StepError> {
        let mut earlier = outputs.earlier.clone();
        earlier.push(outputs.arn.clone());
        let mut unrecorded = self.unrecorded(context.cloud, &earlier).await?;
        unrecorded.sort_by_key(|(_, (definition, _))| definition.revision);
        let is_wanted = |(_, (definition, tags)): &(String, Described)| {
            let seen = observe(definition.clone(), tags.clone(), Vec::new());
            definition.revision > outputs.revision
                && !needs_revision(&self.diff(&seen, None, context.known))
        };
        let wanted = unrecorded.iter().rposition(is_wanted);
        let wanted = wanted.map(|index| unrecorded.remove(index));
        earlier.extend(unrecorded.into_iter().map(|(arn, _)| arn));
        let Some((arn, (definition, found))) = wanted else {
            return self.register(context, earlier).await;
        };
        let seen = tags::from_ecs(Some(found));
        if self
            .tags
            .iter()
            .any(|(key, value)| seen.get(key) != Some(value))
        {
            tags::retag_ecs(context.cloud, &arn, &self.tags, &[]).await?;
        }
        Ok(outputs_of(definition, earlier)?)
    }

    /// Registers a revision. Without a token every sending makes one, hence the client without the SDK's
    /// retries (aws-behaviour §2.17).
    async fn register(
        &self,
        context: &Context<'_, Aws>,
        earlier: Vec<String>,
    ) -> Result<TaskDefinitionOutputs, StepError> {
        let task_role = context.outputs(&self.task_role)?.arn;
        let execution_role = context.outputs(&self.execution_role)?.arn;
        let storage = self.ephemeral_storage_gib.map(|size| {
            let size = i32::try_from(size).unwrap_or(i32::MAX);
            api::EphemeralStorage::builder().size_in_gib(size).build()
        });
        let containers: Vec<_> = self
            .containers
            .iter()
            .map(container_definition)
            .collect::<Result<_, _>>()?;
        let wanted = tags::ecs(&tags::with_token(&self.tags, context.token));
        let answer = settle("ecs:RegisterTaskDefinition", Settle::Throttling, || {
            context
                .cloud
                .ecs_once
                .register_task_definition()
                .family(&self.family)
                .requires_compatibilities(api::Compatibility::Fargate)
                .network_mode(api::NetworkMode::Awsvpc)
                .cpu(self.cpu.to_string())
                .memory(self.memory.to_string())
                .task_role_arn(&task_role)
                .execution_role_arn(&execution_role)
                .set_runtime_platform(self.architecture.runtime_platform())
                .set_ephemeral_storage(storage.clone())
                .set_container_definitions(Some(containers.clone()))
                .set_tags(Some(wanted.clone()))
                .send()
        })
        .await?;
        let definition = answer.task_definition.ok_or_else(|| {
            CallError::incomplete("ecs:RegisterTaskDefinition", "the answer holds no revision")
        })?;
        Ok(outputs_of(definition, earlier)?)
    }

    /// Revisions of the family that carry this stack's tags and are in no record: a run that was killed
    /// after AWS registered one, and before the answer arrived, leaves such.
    async fn unrecorded(
        &self,
        aws: &Aws,
        recorded: &[String],
    ) -> Result<Vec<(String, Described)>, CallError> {
        let mine: Vec<_> = self
            .tags
            .iter()
            .filter(|(key, _)| key.starts_with("navi:"))
            .collect();
        if mine.is_empty() {
            return Ok(Vec::new());
        }
        let listing = aws
            .ecs
            .list_task_definitions()
            .family_prefix(&self.family)
            .status(TaskDefinitionStatus::Active);
        let pages: Vec<_> = send(
            "ecs:ListTaskDefinitions",
            listing.into_paginator().send().collect::<Result<_, _>>(),
        )
        .await?;
        let unknown = pages
            .into_iter()
            .flat_map(|page| page.task_definition_arns.unwrap_or_default())
            .filter(|arn| !recorded.contains(arn));
        let described: Vec<_> = stream::iter(unknown)
            .map(async |arn| describe(aws, &arn).await.map(|found| (arn, found)))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(described
            .into_iter()
            .filter_map(|(arn, found)| Some((arn, found?)))
            .filter(|(_, (_, found))| {
                let found = tags::from_ecs(Some(found.clone()));
                mine.iter()
                    .all(|(key, value)| found.get(*key) == Some(value))
            })
            .collect())
    }
}

/// Anything but tags is fixed when a revision is registered.
fn needs_revision(change: &Change) -> bool {
    change
        .fields
        .iter()
        .any(|field| !field.field.starts_with("tags."))
}

pub(super) type Described = (api::TaskDefinition, Vec<api::Tag>);

pub(super) async fn describe(aws: &Aws, arn: &str) -> Result<Option<Described>, CallError> {
    let call = aws
        .ecs
        .describe_task_definition()
        .task_definition(arn)
        .include(TaskDefinitionField::Tags);
    match send("ecs:DescribeTaskDefinition", call.send()).await {
        Ok(answer) => Ok(answer
            .task_definition
            .map(|definition| (definition, answer.tags.unwrap_or_default()))),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes deregistered revisions for good. AWS answers refusals as items, not as an error.
async fn delete_definitions(aws: &Aws, arns: &[String]) -> Result<(), CallError> {
    const OPERATION: &str = "ecs:DeleteTaskDefinitions";
    let call = aws
        .ecs
        .delete_task_definitions()
        .set_task_definitions(Some(arns.to_vec()));
    let answer = match send(OPERATION, call.send()).await {
        Ok(answer) => answer,
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => return Err(error),
    };
    let Some(failure) = answer
        .failures()
        .iter()
        .find(|failure| !is_absence(failure))
    else {
        return Ok(());
    };
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    let (arn, reason, detail) = (
        said(&failure.arn),
        said(&failure.reason),
        said(&failure.detail),
    );
    let mut error = CallError::local(OPERATION, format!("{arn}: {reason} {detail}").trim());
    // Deregistering takes a moment to be seen everywhere.
    error.class = match reason.contains("ACTIVE") || detail.contains("ACTIVE") {
        true => ErrorClass::InUse,
        false => ErrorClass::Other,
    };
    Err(error)
}

/// Whether the refusal says that there is nothing to delete any more.
fn is_absence(failure: &api::Failure) -> bool {
    [failure.reason(), failure.detail()]
        .into_iter()
        .flatten()
        .any(|text| text.contains("MISSING") || text.contains("does not exist"))
}

fn outputs_of(
    definition: api::TaskDefinition,
    earlier: Vec<String>,
) -> Result<TaskDefinitionOutputs, CallError> {
    let arn = definition.task_definition_arn.ok_or_else(|| {
        CallError::incomplete("ecs:RegisterTaskDefinition", "the answer holds no ARN")
    })?;
    Ok(TaskDefinitionOutputs {
        arn,
        family: definition.family.unwrap_or_default(),
        revision: definition.revision,
        earlier,
    })
}

fn observe(
    definition: api::TaskDefinition,
    found: Vec<api::Tag>,
    earlier: Vec<String>,
) -> TaskDefinitionObserved {
    TaskDefinitionObserved {
        arn: definition.task_definition_arn.unwrap_or_default(),
        family: definition.family.unwrap_or_default(),
        revision: definition.revision,
        cpu: definition.cpu.unwrap_or_default(),
        memory: definition.memory.unwrap_or_default(),
        task_role: definition.task_role_arn.unwrap_or_default(),
        execution_role: definition.execution_role_arn.unwrap_or_default(),
        architecture: match definition
            .runtime_platform
            .and_then(|platform| platform.cpu_architecture)
        {
            Some(api::CpuArchitecture::Arm64) => Architecture::Arm64,
            _ => Architecture::X86_64,
        },
        ephemeral_storage_gib: definition
            .ephemeral_storage
            .and_then(|storage| u32::try_from(storage.size_in_gib).ok()),
        containers: definition
            .container_definitions
            .unwrap_or_default()
            .into_iter()
            .map(|mut container| {
                (
                    container.name.take().unwrap_or_default(),
                    observe_container(container),
                )
            })
            .collect(),
        tags: tags::from_ecs(Some(found)),
        earlier,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Row, all_edited, each_field, edited, reached};
    use crate::resource::Confidential;

    fn text(value: &str) -> Confidential {
        Confidential::from(value.to_owned())
    }

    fn wanted() -> TaskDefinition {
        TaskDefinition {
            family: "ecs-navi-nginx-task".into(),
            cpu: 256,
            memory: 512,
            task_role: Ref::exists("main"),
            execution_role: Ref::exists("main"),
            architecture: Architecture::X86_64,
            ephemeral_storage_gib: None,
            containers: vec![ContainerDefinition {
                name: "nginx".into(),
                image: "nginx:1".into(),
                essential: true,
                port_mappings: vec![PortMapping {
                    container_port: 80,
                    protocol: Protocol::Tcp,
                }],
                environment: BTreeMap::from([("PASSWORD".into(), text("hunter2"))]),
                secrets: BTreeMap::from([("KEY".into(), "/shop/key".into())]),
                environment_files: vec!["arn:aws:s3:::b/a.env".into()],
                depends_on: Vec::new(),
                health_check: Some(ContainerHealthCheck {
                    command: vec!["CMD-SHELL".into(), "true".into()],
                    interval_seconds: 30,
                    timeout_seconds: 5,
                    retries: 3,
                    start_period_seconds: 0,
                }),
                stop_timeout_seconds: None,
                entry_point: Vec::new(),
                command: vec!["nginx".into()],
                log_configuration: Some(LogConfiguration {
                    log_group: Ref::exists("/ecs/nginx"),
                    group: "/ecs/nginx".into(),
                    region: "eu-west-1".into(),
                    stream_prefix: "ecs-nginx".into(),
                }),
            }],
            tags: TagMap::from([("team".into(), "a".into())]),
        }
    }

    /// The definition as AWS gives it back: with all that §2.17 says it fills in.
    fn answered(wanted: &TaskDefinition) -> TaskDefinitionObserved {
        let mut containers: Vec<_> = wanted
            .containers
            .iter()
            .map(|container| container_definition(container).unwrap())
            .collect();
        for container in &mut containers {
            container.mount_points = Some(Vec::new());
            container.volumes_from = Some(Vec::new());
            container.system_controls = Some(Vec::new());
        }
        containers.reverse();
        let definition = api::TaskDefinition::builder()
            .task_definition_arn(
                "arn:aws:ecs:eu-west-1:123456789012:task-definition/ecs-navi-nginx-task:3",
            )
            .family(&wanted.family)
            .revision(3)
            .cpu(wanted.cpu.to_string())
            .memory(wanted.memory.to_string())
            .task_role_arn("arn:role")
            .execution_role_arn("arn:role")
            .set_runtime_platform(wanted.architecture.runtime_platform())
            .set_ephemeral_storage(wanted.ephemeral_storage_gib.map(|size| {
                let storage = api::EphemeralStorage::builder();
                storage.size_in_gib(i32::try_from(size).unwrap()).build()
            }))
            .set_container_definitions(Some(containers))
            .build();
        observe(definition, tags::ecs(&wanted.tags), vec!["arn:2".into()])
    }

    fn known() -> Known {
        let mut known = Known::default();
        known.insert(
            "role.main".parse().unwrap(),
            json!({ "role_name": "r", "arn": "arn:role" }),
        );
        known
    }

    #[test]
    fn what_aws_fills_in_is_no_difference() {
        let mut two = wanted();
        two.containers.push(ContainerDefinition {
            name: "api".into(),
            ..two.containers[0].clone()
        });
        let change = two.diff(&answered(&two), Some(&two), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn every_field_but_family_and_tags_takes_a_new_revision() {
        fn container(definition: &mut TaskDefinition) -> &mut ContainerDefinition {
            &mut definition.containers[0]
        }
        fn health_check(definition: &mut TaskDefinition) -> &mut ContainerHealthCheck {
            container(definition).health_check.as_mut().unwrap()
        }
        let rows: &[Row<TaskDefinition>] = &[
            ("family", |task| task.family = "x".into(), Effect::Replace),
            ("cpu", |task| task.cpu = 512, Effect::InPlace),
            ("memory", |task| task.memory = 1024, Effect::InPlace),
            (
                "task_role",
                |task| task.task_role = Ref::exists("new"),
                Effect::InPlace,
            ),
            (
                "architecture",
                |task| task.architecture = Architecture::Arm64,
                Effect::InPlace,
            ),
            (
                "ephemeral_storage_gib",
                |task| task.ephemeral_storage_gib = Some(50),
                Effect::InPlace,
            ),
            (
                "containers.nginx.secrets.KEY",
                |task| {
                    drop(
                        container(task)
                            .secrets
                            .insert("KEY".into(), "/other".into()),
                    )
                },
                Effect::InPlace,
            ),
            (
                "containers.nginx.secrets.KEY",
                |task| container(task).secrets.clear(),
                Effect::InPlace,
            ),
            (
                "containers.nginx.environment_files",
                |task| {
                    container(task)
                        .environment_files
                        .push("arn:aws:s3:::b/b.env".into())
                },
                Effect::InPlace,
            ),
            (
                "containers.nginx.depends_on",
                |task| {
                    container(task).depends_on = vec![ContainerDependency {
                        container_name: "side".into(),
                        condition: DependencyCondition::Start,
                    }];
                },
                Effect::InPlace,
            ),
            (
                "containers.nginx.health_check",
                |task| container(task).health_check = None,
                Effect::InPlace,
            ),
            (
                "containers.nginx.stop_timeout_seconds",
                |task| container(task).stop_timeout_seconds = Some(60),
                Effect::InPlace,
            ),
            (
                "containers.nginx.image",
                |task| container(task).image = "nginx:2".into(),
                Effect::InPlace,
            ),
            (
                "containers.nginx.essential",
                |task| container(task).essential = false,
                Effect::InPlace,
            ),
            (
                "containers.nginx.port_mappings",
                |task| container(task).port_mappings.clear(),
                Effect::InPlace,
            ),
            (
                "containers.nginx.entry_point",
                |task| container(task).entry_point = vec!["sh".into()],
                Effect::InPlace,
            ),
            (
                "containers.nginx.command",
                |task| container(task).command.clear(),
                Effect::InPlace,
            ),
            (
                "containers.nginx.log_configuration",
                |task| container(task).log_configuration = None,
                Effect::InPlace,
            ),
            (
                "containers.nginx.environment.NEW",
                |task| drop(container(task).environment.insert("NEW".into(), text("1"))),
                Effect::InPlace,
            ),
            (
                "tags.team",
                |task| drop(task.tags.insert("team".into(), "b".into())),
                Effect::InPlace,
            ),
            (
                "execution_role",
                |task| task.execution_role = Ref::exists("new"),
                Effect::InPlace,
            ),
            (
                "containers.nginx.health_check",
                |task| health_check(task).command = vec!["CMD".into(), "true".into()],
                Effect::InPlace,
            ),
            (
                "containers.nginx.health_check",
                |task| health_check(task).interval_seconds = 60,
                Effect::InPlace,
            ),
            (
                "containers.nginx.health_check",
                |task| health_check(task).timeout_seconds = 6,
                Effect::InPlace,
            ),
            (
                "containers.nginx.health_check",
                |task| health_check(task).retries = 4,
                Effect::InPlace,
            ),
            (
                "containers.nginx.health_check",
                |task| health_check(task).start_period_seconds = 10,
                Effect::InPlace,
            ),
        ];
        let seen = answered(&wanted());
        let diff = |changed: &TaskDefinition| changed.diff(&seen, Some(&wanted()), &known());
        each_field(&wanted(), diff, rows, &[]);
        let mut changed = all_edited(&wanted(), rows);
        for ((field, ..), changed) in rows.iter().zip(&changed) {
            let renews = changed.renews_outputs(&diff(changed));
            assert_eq!(renews, !field.starts_with("tags."), "{field}");
        }
        // By another name it is another container: containers_that_come_and_go_are_named.
        let renamed = |task: &mut TaskDefinition| container(task).name = "api".into();
        changed.push(edited(&wanted(), renamed));
        reached::<_, ContainerDefinition>(&wanted(), &changed, "/containers/0");
        let place = "/containers/0/health_check";
        reached::<_, ContainerHealthCheck>(&wanted(), &changed, place);
    }

    #[test]
    fn what_the_stack_gives_up_goes_back_to_aws_s_own() {
        let mut large = wanted();
        large.architecture = Architecture::Arm64;
        large.ephemeral_storage_gib = Some(50);
        large.containers[0].stop_timeout_seconds = Some(60);
        assert!(
            large
                .diff(&answered(&large), Some(&large), &known())
                .is_empty()
        );
        let change = wanted().diff(&answered(&large), Some(&large), &known());
        let fields: Vec<_> = change
            .fields
            .iter()
            .map(|field| field.field.as_str())
            .collect();
        assert_eq!(
            fields,
            [
                "architecture",
                "ephemeral_storage_gib",
                "containers.nginx.stop_timeout_seconds"
            ]
        );
        assert_eq!(change.fields[1].new, "20");
    }

    #[test]
    fn a_health_check_is_compared_with_what_aws_fills_in() {
        let mut seen = answered(&wanted());
        let bare = api::ContainerDefinition::builder()
            .health_check(
                api::HealthCheck::builder()
                    .command("CMD-SHELL")
                    .command("true")
                    .build()
                    .unwrap(),
            )
            .build();
        let nginx = seen.containers.get_mut("nginx").unwrap();
        nginx.health_check = observe_container(bare).health_check;
        let change = wanted().diff(&seen, Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn an_older_record_still_reads() {
        let mut recorded = serde_json::to_value(wanted()).unwrap();
        let container = recorded["containers"][0].as_object_mut().unwrap();
        for added in ["secrets", "environment_files", "health_check"] {
            container.remove(added).unwrap();
        }
        let read: TaskDefinition = serde_json::from_value(recorded).unwrap();
        assert_eq!(read.architecture, Architecture::X86_64);
        assert_eq!(read.containers[0].health_check, None);
    }

    #[test]
    fn containers_that_come_and_go_are_named() {
        let mut other = wanted();
        other.containers[0].name = "api".into();
        let change = other.diff(&answered(&wanted()), Some(&wanted()), &known());
        let fields: Vec<_> = change
            .fields
            .iter()
            .map(|field| field.field.as_str())
            .collect();
        assert_eq!(fields, ["containers.api", "containers.nginx"]);
    }

    #[test]
    fn a_changed_secret_is_seen_and_not_shown() {
        let mut rotated = wanted();
        rotated.containers[0]
            .environment
            .insert("PASSWORD".into(), text("hunter3"));
        let change = rotated.diff(&answered(&wanted()), Some(&wanted()), &known());
        assert_eq!(
            change.fields[0].field,
            "containers.nginx.environment.PASSWORD"
        );
        let everything = format!("{change:?} {rotated:?} {:?}", answered(&rotated));
        assert!(!everything.contains("hunter"), "{everything}");
        assert!(!serde_json::to_string(&rotated).unwrap().contains("hunter"));
    }

    #[test]
    fn what_the_record_withholds_is_no_drift() {
        let recorded: TaskDefinition =
            serde_json::from_value(serde_json::to_value(wanted()).unwrap()).unwrap();
        let mut seen = answered(&wanted());
        let change = recorded.diff(&seen, Some(&recorded), &known());
        assert!(change.is_empty(), "{change:?}");
        // A variable that is gone can be told.
        let nginx = seen.containers.get_mut("nginx").unwrap();
        nginx.environment.clear();
        let change = recorded.diff(&seen, Some(&recorded), &known());
        assert_eq!(
            change.fields[0].field,
            "containers.nginx.environment.PASSWORD"
        );
    }

    #[test]
    fn a_spec_from_the_record_is_never_registered() {
        let recorded: TaskDefinition =
            serde_json::from_value(serde_json::to_value(wanted()).unwrap()).unwrap();
        let error = container_definition(&recorded.containers[0]).unwrap_err();
        assert!(error.message.contains("PASSWORD"), "{error}");
    }

    #[test]
    fn a_revision_that_is_gone_already_is_no_refusal() {
        let failure = |reason: &str| api::Failure::builder().reason(reason).build();
        assert!(is_absence(&failure("MISSING")));
        assert!(is_absence(&failure(
            "The specified task definition does not exist."
        )));
        assert!(!is_absence(&failure(
            "The specified task definition is still in ACTIVE status."
        )));
    }

    #[test]
    fn a_revision_remembers_those_before_it() {
        assert_eq!(wanted().outputs(&answered(&wanted())).earlier, ["arn:2"]);
    }
}
