//! What makes a service's tasks what they are? A change of any of it is a new deployment (aws-behaviour §2.18).

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    request::{client, invalid},
    task_definition::{Status, TaskDefinition},
};
use crate::sandbox::{
    call::Parameters, cloud_map::CloudMap, ec2::Ec2, elb::Elb, fault::Fault, world::Region,
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// An ARN.
    pub task_definition: String,
    pub platform_version: String,
    pub network: Option<Network>,
    pub load_balancers: Vec<LoadBalancing>,
    pub registries: Vec<Registry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Network {
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
    pub assigns_public_ip: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadBalancing {
    pub target_group: String,
    pub container: String,
    pub port: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Registry {
    pub arn: String,
    /// Of the Cloud Map service.
    pub service_id: String,
    pub port: Option<i64>,
    pub container: Option<String>,
    pub container_port: Option<i64>,
}

impl Network {
    pub fn to_value(&self) -> Value {
        json!({"awsvpcConfiguration": {
            "subnets": self.subnets,
            "securityGroups": self.security_groups,
            "assignPublicIp": if self.assigns_public_ip { "ENABLED" } else { "DISABLED" },
        }})
    }
}

impl LoadBalancing {
    pub fn to_value(&self) -> Value {
        json!({
            "targetGroupArn": self.target_group,
            "containerName": self.container,
            "containerPort": self.port,
        })
    }
}

impl Registry {
    pub fn to_value(&self) -> Value {
        let mut value = Map::from_iter([("registryArn".to_owned(), json!(self.arn))]);
        if let Some(port) = self.port {
            value.insert("port".to_owned(), json!(port));
        }
        if let Some(container) = &self.container {
            value.insert("containerName".to_owned(), json!(container));
        }
        if let Some(port) = self.container_port {
            value.insert("containerPort".to_owned(), json!(port));
        }
        value.into()
    }
}

impl Settings {
    /// The request's members over those there are, each list replaced whole.
    pub fn read(
        region: &Region,
        parameters: &Parameters<'_>,
        before: Option<&Settings>,
    ) -> Result<Self, Fault> {
        let id = match (parameters.string("taskDefinition"), before) {
            (Some(id), _) => id,
            (None, Some(before)) => &before.task_definition,
            (None, None) => return Err(invalid("TaskDefinition can not be blank.")),
        };
        let definition = region
            .ecs
            .task_definition(id)
            .map_err(|_| client("TaskDefinition not found."))?;
        let is_new = before.is_none_or(|before| before.task_definition != definition.arn);
        if is_new && definition.status != Status::Active {
            return Err(client("TaskDefinition is inactive"));
        }
        let kept = |name| (!parameters.has(name)).then_some(before).flatten();
        Ok(Self {
            task_definition: definition.arn.clone(),
            platform_version: match (parameters.string("platformVersion"), before) {
                (Some(version), _) => version.to_owned(),
                (None, Some(before)) => before.platform_version.clone(),
                (None, None) => "LATEST".to_owned(),
            },
            network: match kept("networkConfiguration") {
                Some(before) => before.network.clone(),
                None => read_network(&region.ec2, parameters, definition)?,
            },
            load_balancers: match kept("loadBalancers") {
                Some(before) => before.load_balancers.clone(),
                None => read_load_balancers(&region.elb, parameters, definition)?,
            },
            registries: match kept("serviceRegistries") {
                Some(before) => before.registries.clone(),
                None => read_registries(&region.cloud_map, parameters, definition)?,
            },
        })
    }
}

fn read_network(
    ec2: &Ec2,
    parameters: &Parameters<'_>,
    definition: &TaskDefinition,
) -> Result<Option<Network>, Fault> {
    let config = parameters
        .structure("networkConfiguration")
        .and_then(|network| network.structure("awsvpcConfiguration"));
    let Some(config) = config else {
        return match definition.is_awsvpc() {
            true => Err(invalid(
                "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
            )),
            false => Ok(None),
        };
    };
    let subnets = config.strings("subnets");
    if subnets.is_empty() {
        return Err(invalid("subnets can not be empty."));
    }
    let mut vpcs = Vec::new();
    for id in &subnets {
        let subnet = ec2
            .subnet(id)
            .map_err(|fault| explain("subnet", id, &fault))?;
        vpcs.push(subnet.vpc_id.as_str());
    }
    if vpcs.iter().any(|vpc| *vpc != vpcs[0]) {
        return Err(invalid("subnets must all belong to the same VPC."));
    }
    let groups = config.strings("securityGroups");
    for id in &groups {
        let group = ec2
            .security_group(id)
            .map_err(|fault| explain("security group", id, &fault))?;
        if group.vpc_id != vpcs[0] {
            return Err(invalid(format!(
                "The security group {id} and the subnets belong to different VPCs."
            )));
        }
    }
    let default = || {
        ec2.default_security_group(vpcs[0])
            .map(|group| group.id.clone())
    };
    let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
    Ok(Some(Network {
        subnets: owned(subnets),
        security_groups: match groups.is_empty() {
            true => default().into_iter().collect(),
            false => owned(groups),
        },
        assigns_public_ip: config.string("assignPublicIp") == Some("ENABLED"),
    }))
}

fn explain(what: &str, id: &str, fault: &Fault) -> Fault {
    invalid(format!(
        "Error retrieving {what} information for [{id}]: {} (ErrorCode: {})",
        fault.message, fault.code
    ))
}

/// The target group must be in use by a rule already (aws-behaviour §1 row 30).
fn read_load_balancers(
    elb: &Elb,
    parameters: &Parameters<'_>,
    definition: &TaskDefinition,
) -> Result<Vec<LoadBalancing>, Fault> {
    let read = |asked: Parameters<'_>| {
        let arn = asked
            .string("targetGroupArn")
            .ok_or_else(|| invalid("Target group ARN can not be blank."))?;
        let group = elb.target_group(arn).map_err(|_| {
            invalid(format!(
                "The target group with targetGroupArn {arn} does not exist."
            ))
        })?;
        if elb.load_balancers_using(arn).is_empty() {
            return Err(invalid(format!(
                "The target group with targetGroupArn {arn} does not have an associated load balancer."
            )));
        }
        let target_type = &group.settings.target_type;
        if definition.is_awsvpc() && target_type != "ip" {
            return Err(invalid(format!(
                "The provided target group {arn} has target type {target_type}, which is incompatible with the awsvpc network mode specified in the task definition."
            )));
        }
        let container = asked
            .string("containerName")
            .ok_or_else(|| invalid("Container name can not be blank."))?;
        let port = asked
            .integer("containerPort")?
            .ok_or_else(|| invalid("Container port can not be blank."))?;
        check_port(definition, container, port)?;
        Ok(LoadBalancing {
            target_group: arn.to_owned(),
            container: container.to_owned(),
            port,
        })
    };
    parameters
        .list("loadBalancers")
        .into_iter()
        .map(read)
        .collect()
}

fn check_port(definition: &TaskDefinition, container: &str, port: i64) -> Result<(), Fault> {
    let found = definition
        .containers()
        .iter()
        .find(|candidate| candidate["name"] == container)
        .ok_or_else(|| {
            invalid(format!(
                "The container {container} does not exist in the task definition."
            ))
        })?;
    let has_port = found["portMappings"].as_array().is_some_and(|mappings| {
        mappings
            .iter()
            .any(|mapping| mapping["containerPort"] == port)
    });
    if has_port {
        return Ok(());
    }
    Err(invalid(format!(
        "The container {container} did not have a container port {port} defined."
    )))
}

fn read_registries(
    cloud_map: &CloudMap,
    parameters: &Parameters<'_>,
    definition: &TaskDefinition,
) -> Result<Vec<Registry>, Fault> {
    let asked = parameters.list("serviceRegistries");
    if asked.len() > 1 {
        return Err(invalid("Only one service registry can be specified."));
    }
    let read = |asked: Parameters<'_>| {
        let arn = asked
            .string("registryArn")
            .ok_or_else(|| invalid("Registry ARN can not be blank."))?;
        let service = cloud_map
            .service(arn)
            .map_err(|_| invalid(format!("The service registry {arn} does not exist.")))?;
        let container = asked.string("containerName");
        let container_port = asked.integer("containerPort")?;
        if let (Some(container), Some(port)) = (container, container_port) {
            check_port(definition, container, port)?;
        }
        Ok(Registry {
            arn: arn.to_owned(),
            service_id: service.id.clone(),
            port: asked.integer("port")?,
            container: container.map(str::to_owned),
            container_port,
        })
    };
    asked.into_iter().map(read).collect()
}
