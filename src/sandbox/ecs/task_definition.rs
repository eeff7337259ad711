//! What is a task definition? Which containers make a task. Every registration is a new revision.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    container_definition::{self, log_target},
    fargate,
    request::{client, includes, is_name, tag_list, tags_at_create},
};
use crate::sandbox::{call::Call, clock::Moment, fault::Fault, tags::Tags, world::Context};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Status {
    #[serde(rename = "ACTIVE")]
    Active,
    #[serde(rename = "INACTIVE")]
    Inactive,
    #[serde(rename = "DELETE_IN_PROGRESS")]
    DeleteInProgress,
}

#[derive(Debug, Serialize)]
pub struct TaskDefinition {
    pub arn: String,
    pub family: String,
    pub revision: u64,
    /// As registered, with ECS's defaults.
    pub definition: Map<String, Value>,
    pub status: Status,
    pub registered: Moment,
    pub registered_by: String,
    pub deregistered: Option<Moment>,
    pub tags: Tags,
}

/// What a registration may carry; anything else is not kept.
const KEPT: [&str; 12] = [
    "containerDefinitions",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "volumes",
    "placementConstraints",
    "runtimePlatform",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "ephemeralStorage",
    "pidMode",
];

impl TaskDefinition {
    pub fn to_value(&self) -> Value {
        let mut value = Map::from_iter([
            ("taskDefinitionArn".to_owned(), json!(self.arn)),
            ("family".to_owned(), json!(self.family)),
            ("revision".to_owned(), json!(self.revision)),
            ("status".to_owned(), json!(self.status)),
            ("requiresAttributes".to_owned(), json!([])),
            ("compatibilities".to_owned(), self.compatibilities()),
            ("registeredAt".to_owned(), json!(self.registered.seconds())),
            ("registeredBy".to_owned(), json!(self.registered_by)),
        ]);
        if let Some(moment) = self.deregistered {
            value.insert("deregisteredAt".to_owned(), json!(moment.seconds()));
        }
        value.extend(self.definition.clone());
        value.into()
    }

    fn compatibilities(&self) -> Value {
        match self.is_awsvpc() && fargate::check_size(&json!(self.definition)).is_ok() {
            true => json!(["EC2", "FARGATE"]),
            false => json!(["EC2"]),
        }
    }

    pub fn supports_fargate(&self) -> bool {
        let required = self.definition.get("requiresCompatibilities");
        match required.and_then(Value::as_array) {
            Some(list) if !list.is_empty() => list.contains(&json!("FARGATE")),
            _ => self
                .compatibilities()
                .as_array()
                .is_some_and(|list| list.contains(&json!("FARGATE"))),
        }
    }

    pub fn is_awsvpc(&self) -> bool {
        self.text("networkMode") == Some("awsvpc")
    }

    pub fn containers(&self) -> &[Value] {
        self.definition
            .get("containerDefinitions")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// ARNs of the roles that ECS and the containers take on.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        let names = ["executionRoleArn", "taskRoleArn"].into_iter();
        names.filter_map(|name| self.text(name))
    }

    /// The log groups of a region that its containers write to.
    pub fn log_groups(&self, region: &str) -> impl Iterator<Item = &str> {
        let targets = self.containers().iter().filter_map(log_target);
        let here = targets.filter(move |target| target.region == region);
        here.map(|target| target.group)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.definition.get(name)?.as_str()
    }
}

pub fn not_found() -> Fault {
    client("Unable to describe task definition.")
}

/// `family`, or `family:revision`.
pub fn name_in(id: &str) -> &str {
    id.rsplit_once("task-definition/")
        .map_or(id, |(_, name)| name)
}

pub fn register(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let family = parameters.string("family").unwrap_or_default();
    if !is_name(family) {
        return Err(client(
            "Family should be a string of 1 to 255 letters, digits, hyphens and underscores.",
        ));
    }
    let tags = tags_at_create(&parameters)?;
    let definition = read(&call.parameters)?;
    let ecs = &mut context.region.ecs;
    let last = ecs.last_revisions.entry(family.to_owned()).or_default();
    *last += 1;
    let revision = *last;
    let definition = TaskDefinition {
        arn: context.arn("ecs", format_args!("task-definition/{family}:{revision}")),
        family: family.to_owned(),
        revision,
        definition,
        status: Status::Active,
        registered: context.now,
        registered_by: format!("arn:aws:iam::{}:user/sandbox", context.account),
        deregistered: None,
        tags,
    };
    let answer = json!({
        "taskDefinition": definition.to_value(),
        "tags": tag_list(&definition.tags),
    });
    context
        .region
        .ecs
        .task_definitions
        .insert(definition.arn.clone(), definition);
    Ok(answer)
}

fn read(given: &Value) -> Result<Map<String, Value>, Fault> {
    let mut definition: Map<String, Value> = KEPT
        .into_iter()
        .filter_map(|name| {
            let value = given.get(name).filter(|value| !value.is_null())?;
            Some((name.to_owned(), value.clone()))
        })
        .collect();
    for name in ["volumes", "placementConstraints"] {
        definition
            .entry(name.to_owned())
            .or_insert_with(|| json!([]));
    }
    normalise_size(&mut definition);
    fargate::check_platform(&definition)?;
    let is_awsvpc = definition.get("networkMode") == Some(&json!("awsvpc"));
    let has_execution_role = definition.contains_key("executionRoleArn");
    let wants_fargate = definition
        .get("requiresCompatibilities")
        .and_then(Value::as_array)
        .is_some_and(|list| list.contains(&json!("FARGATE")));
    let Some(Value::Array(containers)) = definition.get_mut("containerDefinitions") else {
        return Err(client("Container list cannot be empty."));
    };
    if containers.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    container_definition::normalise(containers, is_awsvpc, wants_fargate)?;
    let has_secrets = |container: &Value| {
        let secrets = container["secrets"].as_array();
        secrets.is_some_and(|secrets| !secrets.is_empty())
    };
    if !has_execution_role && containers.iter().any(has_secrets) {
        return Err(client(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ));
    }
    if wants_fargate {
        check_fargate(&definition, is_awsvpc)?;
    }
    Ok(definition)
}

/// `1 vCPU` becomes `1024` (aws-behaviour §2.17).
fn normalise_size(definition: &mut Map<String, Value>) {
    type Parse = fn(&str) -> Option<u64>;
    let units: [(&str, Parse); 2] = [("cpu", fargate::cpu_units), ("memory", fargate::memory_mib)];
    for (name, parse) in units {
        if let Some(number) = definition.get(name).and_then(Value::as_str).and_then(parse) {
            definition.insert(name.to_owned(), json!(number.to_string()));
        }
    }
}

fn check_fargate(definition: &Map<String, Value>, is_awsvpc: bool) -> Result<(), Fault> {
    if !is_awsvpc {
        return Err(client("Fargate only supports network mode 'awsvpc'."));
    }
    fargate::check_size(&json!(definition))?;
    if definition.contains_key("executionRoleArn") {
        return Ok(());
    }
    let containers = definition["containerDefinitions"].as_array();
    for container in containers.into_iter().flatten() {
        if container["logConfiguration"]["logDriver"] == "awslogs" {
            return Err(client(
                "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
            ));
        }
        if container["image"]
            .as_str()
            .is_some_and(|image| image.contains(".dkr.ecr."))
        {
            return Err(client(
                "Fargate requires task definition to have execution role ARN to support ECR images.",
            ));
        }
    }
    Ok(())
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = parameters
        .string("taskDefinition")
        .ok_or_else(|| client("TaskDefinition can not be blank."))?;
    let definition = context.region.ecs.task_definition(id)?;
    let mut answer = json!({"taskDefinition": definition.to_value()});
    if includes(&parameters, "TAGS") {
        answer["tags"] = tag_list(&definition.tags);
    }
    Ok(answer)
}
