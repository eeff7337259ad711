//! Where does a new task go? Into the zone that has the fewest tasks of its service.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    capacity,
    container_start::{self, ContainerHealth},
    service::{self, Service},
    service_settings::{Network, Settings},
    state::Ecs,
    task::{Container, Interface, Task, TaskState},
    task_definition::TaskDefinition,
    task_start,
};
use crate::sandbox::{
    ec2::{
        Ec2,
        network_interface::{self, NewInterface, PublicAddress},
    },
    fault::Fault,
    pace::Doing,
    tags::Tags,
    task_outcome::TaskOutcome,
    world::Context,
};

/// One of AWS's own accounts, in which Fargate's machines are.
const FARGATE_ACCOUNT: &str = "578734482556";

/// GiB that every task on Fargate has.
const LEAST_STORAGE: i64 = 20;

/// Launches a task of the service's primary deployment. An error says why there is no room.
pub fn launch(context: &mut Context<'_>, arn: &str) -> Result<(), Fault> {
    let ecs = &context.region.ecs;
    let Some((service, primary)) = ecs
        .services
        .get(arn)
        .and_then(|service| Some((service.clone(), service.deployments.first()?.clone())))
    else {
        return Ok(());
    };
    let Some(network) = primary.settings.network.clone() else {
        return Ok(());
    };
    check_room(context, &primary.settings)?;
    let subnet_id = choose_subnet(&context.region.ec2, ecs, arn, &network);
    let attachment_id = context.ids.uuid();
    let interface = network_interface::create(
        context,
        NewInterface {
            subnet_id: &subnet_id,
            security_groups: network.security_groups,
            description: context.arn("ecs", format_args!("attachment/{attachment_id}")),
            interface_type: "interface",
            requester: FARGATE_ACCOUNT,
            attachment_owner: FARGATE_ACCOUNT,
            public_address: match network.assigns_public_ip {
                true => PublicAddress::Lent,
                false => PublicAddress::None,
            },
        },
    )?;
    let zone = interface.zone.clone();
    let interface = Interface {
        attachment_id,
        id: interface.id,
        subnet_id,
        mac_address: interface.mac_address,
        private_dns_name: interface.private_dns_name,
        private_ip: interface.private_ip,
        public_ip: interface
            .association
            .map(|association| association.public_ip),
    };
    let task = make(
        context,
        &service,
        &primary.settings,
        &primary.id,
        zone,
        interface,
    )?;
    let (id, task_arn) = (task.id.clone(), task.arn.clone());
    context.region.ecs.tasks.insert(task_arn.clone(), task);
    service::tell(context, arn, &format!("has started 1 tasks: (task {id})."));
    context.schedule(Doing::TaskIsProvisioned, move |context| {
        task_start::provisioned(context, task_arn);
    });
    Ok(())
}

/// What somebody told of how much room Fargate has for such tasks.
fn check_room(context: &Context<'_>, settings: &Settings) -> Result<(), Fault> {
    let ecs = &context.region.ecs;
    let definition = ecs.task_definition(&settings.task_definition)?;
    let images = definition.containers().iter();
    let mut images = images.filter_map(|container| container["image"].as_str());
    let refusal = images.find_map(|image| context.task_outcomes.of(image).placement_refusal());
    match refusal {
        Some(reason) => Err(Fault::new("ClientException", reason)),
        None => Ok(()),
    }
}

fn choose_subnet(ec2: &Ec2, ecs: &Ecs, service: &str, network: &Network) -> String {
    let count = |is_counted: &dyn Fn(&Task) -> bool| {
        ecs.tasks_of(service)
            .filter(|task| task.is_wanted && is_counted(task))
            .count()
    };
    let zone_of = |subnet: &str| ec2.subnets.get(subnet).map_or("", |subnet| &subnet.zone);
    network
        .subnets
        .iter()
        .min_by_key(|subnet| {
            let zone = zone_of(subnet);
            let in_zone = count(&|task| task.zone == zone);
            let in_subnet = count(&|task| task.interface.subnet_id == **subnet);
            (in_zone, in_subnet)
        })
        .cloned()
        .unwrap_or_default()
}

fn make(
    context: &mut Context<'_>,
    service: &Service,
    settings: &Settings,
    deployment: &str,
    zone: String,
    interface: Interface,
) -> Result<Task, Fault> {
    let cluster = service.path().split('/').next().unwrap_or_default();
    let id = context.ids.hexadecimal(32);
    let arn = context.arn("ecs", format_args!("task/{cluster}/{id}"));
    let definition = context
        .region
        .ecs
        .task_definition(&settings.task_definition)?;
    let mut containers: Vec<Container> = definition.containers().iter().map(container).collect();
    let text = |name: &str| definition.text(name).unwrap_or_default().to_owned();
    let (cpu, memory) = (text("cpu"), text("memory"));
    let member = |name: &str| definition.definition.get(name).unwrap_or(&Value::Null);
    let cpu_architecture = match member("runtimePlatform")["cpuArchitecture"].as_str() {
        Some("ARM64") => "arm64",
        _ => "x86_64",
    };
    let ephemeral_storage = member("ephemeralStorage")["sizeInGiB"]
        .as_i64()
        .unwrap_or(LEAST_STORAGE);
    let on_provider = |provider: &str| {
        let tasks =
            context.region.ecs.tasks_of(&service.arn).filter(|task| {
                task.is_wanted && task.capacity_provider.as_deref() == Some(provider)
            });
        i64::try_from(tasks.count()).unwrap_or(i64::MAX)
    };
    let capacity_provider = capacity::choose(&service.strategy, on_provider).map(str::to_owned);
    let tags = tags(service, definition, cluster);
    for container in &mut containers {
        container.outcome = context.task_outcomes.of(&container.image);
        container.says = context.task_outcomes.lines_of(&container.image);
        container.seconds_to_health = container_start::seconds_to_health(definition, container);
        let identifier = context.ids.uuid();
        container.arn = context.arn("ecs", format_args!("container/{cluster}/{id}/{identifier}"));
        container.runtime_id = format!("{id}-{}", 1_000_000_000 + context.ids.below(9_000_000_000));
    }
    Ok(Task {
        arn,
        id,
        cluster: service.cluster.clone(),
        service: Some(service.arn.clone()),
        service_name: service.name.clone(),
        task_definition: settings.task_definition.clone(),
        deployment: deployment.to_owned(),
        state: TaskState::Provisioning,
        is_wanted: true,
        platform_version: settings.platform_version.clone(),
        capacity_provider,
        cpu_architecture,
        ephemeral_storage,
        cpu,
        memory,
        zone,
        interface,
        containers,
        load_balancers: settings.load_balancers.clone(),
        registries: settings.registries.clone(),
        enables_execute_command: service.enables_execute_command,
        tags,
        created: context.now,
        pull_started: None,
        started: None,
        stopping: None,
        stopped: None,
        stop: None,
        version: 1,
    })
}

fn container(definition: &Value) -> Container {
    let text = |name: &str| definition[name].as_str().unwrap_or_default().to_owned();
    let ports = definition["portMappings"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    Container {
        arn: String::new(),
        name: text("name"),
        image: text("image"),
        runtime_id: String::new(),
        cpu: definition["cpu"].as_i64().unwrap_or_default(),
        is_essential: definition["essential"] != Value::Bool(false),
        ports: ports
            .iter()
            .filter_map(|mapping| mapping["containerPort"].as_i64())
            .collect(),
        exit_code: None,
        reason: None,
        image_digest: None,
        outcome: TaskOutcome::default(),
        says: Vec::new(),
        checks_health: container_start::checks_health(definition),
        seconds_to_health: 0,
        health: ContainerHealth::Unknown,
    }
}

fn tags(service: &Service, definition: &TaskDefinition, cluster: &str) -> Tags {
    let mut tags = match service.propagates_tags.as_str() {
        "SERVICE" => service.tags.clone(),
        "TASK_DEFINITION" => definition.tags.clone(),
        _ => Tags::default(),
    };
    if service.enables_managed_tags {
        let managed = BTreeMap::from([
            ("aws:ecs:clusterName", cluster),
            ("aws:ecs:serviceName", &service.name),
        ]);
        for (key, value) in managed {
            tags.insert_reserved(key, value);
        }
    }
    tags
}
