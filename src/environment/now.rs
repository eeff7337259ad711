//! How does an environment do right now? Its services, tasks, targets and names, all asked at once.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use serde::Serialize;

use super::{Environment, NameNow, Service, names_now};
use crate::aws::{Aws, ServiceNow, Target, Task, Wanted, services_now, targets_of, tasks_of};
use crate::resource::CallError;

/// What AWS tells of an environment's services, by their names in the stack file.
#[derive(Clone, Debug, Default)]
pub struct Now {
    /// A service that is gone is missing.
    pub services: BTreeMap<String, ServiceNow>,
    /// Those that are kept, oldest first.
    pub tasks: BTreeMap<String, Vec<Task>>,
    /// For services behind the load balancer.
    pub targets: BTreeMap<String, Vec<TargetGroupNow>>,
    /// For services with a name.
    pub names: BTreeMap<String, NameNow>,
}

/// A target group of a service.
#[derive(Clone, Debug, Serialize)]
pub struct TargetGroupNow {
    pub arn: String,
    pub targets: Vec<Target>,
}

/// Looks at these services and at nothing else.
pub async fn now(aws: &Aws, environment: &Environment) -> Result<Now, CallError> {
    let living: Vec<(&Service, &str, &str)> = environment
        .services
        .iter()
        .filter_map(|service| {
            let outputs = service.outputs.as_ref()?;
            Some((service, outputs.cluster.as_str(), outputs.arn.as_str()))
        })
        .collect();
    let services = services_now(aws, living.iter().map(|(_, cluster, arn)| (*cluster, *arn)));
    let tasks = try_join_all(living.iter().map(async |(service, cluster, arn)| {
        let tasks = tasks_of(aws, cluster, arn, Wanted::Running).await?;
        Ok::<_, CallError>((service.name.clone(), tasks))
    }));
    let targets = try_join_all(living.iter().map(async |(service, _, _)| {
        let groups = groups_of(service).into_iter().map(async |arn| {
            let targets = targets_of(aws, &arn).await?;
            Ok::<_, CallError>(TargetGroupNow { arn, targets })
        });
        Ok((service.name.clone(), try_join_all(groups).await?))
    }));
    let names: Vec<_> = living
        .iter()
        .filter_map(|(service, _, _)| service.discovered_as.clone())
        .collect();
    let names = names_now(aws, &names);
    let (mut services, tasks, targets, names) =
        futures::try_join!(services, tasks, targets, names)?;
    Ok(Now {
        services: living
            .iter()
            .filter_map(|(service, _, arn)| Some((service.name.clone(), services.remove(*arn)?)))
            .collect(),
        tasks: tasks.into_iter().collect(),
        targets: targets
            .into_iter()
            .filter(|(_, groups): &(String, Vec<_>)| !groups.is_empty())
            .collect(),
        names: names
            .into_iter()
            .map(|name| (name.service.clone(), name))
            .collect(),
    })
}

fn groups_of(service: &Service) -> Vec<String> {
    let mut arns: Vec<String> = service
        .routes
        .iter()
        .filter_map(|route| route.target_group_arn.clone())
        .collect();
    arns.dedup();
    arns
}
