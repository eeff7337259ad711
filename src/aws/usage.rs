//! How much of what AWS counts does the account have already? Each service answers for its own.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::Filter;
use aws_sdk_ecs::types::{DesiredStatus, LaunchType};
use futures::future::try_join_all;

use super::namesakes::{load_balancers_of_the_region, target_groups_of_the_region};
use super::{Aws, cloud_map, send};
use crate::resource::CallError;

/// DescribeClusters and DescribeTasks take this many per call.
const PER_CALL: usize = 100;

/// The VPCs of the region.
pub async fn vpcs(aws: &Aws) -> Result<usize, CallError> {
    let pages = aws.ec2.describe_vpcs().into_paginator().items().send();
    let vpcs: Vec<_> = send("ec2:DescribeVpcs", pages.collect::<Result<_, _>>()).await?;
    Ok(vpcs.len())
}

/// The internet gateways of the region.
pub async fn internet_gateways(aws: &Aws) -> Result<usize, CallError> {
    let pages = aws.ec2.describe_internet_gateways().into_paginator();
    let gateways: Vec<_> = send(
        "ec2:DescribeInternetGateways",
        pages.items().send().collect::<Result<_, _>>(),
    )
    .await?;
    Ok(gateways.len())
}

/// The elastic IPs of the region.
pub async fn elastic_ips(aws: &Aws) -> Result<usize, CallError> {
    let answer = send("ec2:DescribeAddresses", aws.ec2.describe_addresses().send()).await?;
    Ok(answer.addresses.unwrap_or_default().len())
}

/// The subnet of each NAT gateway of the region that counts: a deleted one is shown for an hour more.
pub async fn nat_gateways(aws: &Aws) -> Result<Vec<String>, CallError> {
    let living = Filter::builder()
        .name("state")
        .set_values(Some(vec![
            "pending".to_owned(),
            "available".to_owned(),
            "deleting".to_owned(),
        ]))
        .build();
    let pages = aws.ec2.describe_nat_gateways().filter(living);
    let gateways: Vec<_> = send(
        "ec2:DescribeNatGateways",
        pages
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>(),
    )
    .await?;
    Ok(gateways
        .into_iter()
        .map(|gateway| gateway.subnet_id.unwrap_or_default())
        .collect())
}

/// The zone of each of these subnets.
pub async fn zones_of_subnets(
    aws: &Aws,
    subnet_ids: &[String],
) -> Result<BTreeMap<String, String>, CallError> {
    let by_id = Filter::builder()
        .name("subnet-id")
        .set_values(Some(subnet_ids.to_vec()))
        .build();
    let pages = aws.ec2.describe_subnets().filters(by_id).into_paginator();
    let subnets: Vec<_> = send(
        "ec2:DescribeSubnets",
        pages.items().send().collect::<Result<_, _>>(),
    )
    .await?;
    Ok(subnets
        .into_iter()
        .filter_map(|subnet| Some((subnet.subnet_id?, subnet.availability_zone?)))
        .collect())
}

/// The application load balancers of the region.
pub async fn application_load_balancers(aws: &Aws) -> Result<usize, CallError> {
    let balancers = load_balancers_of_the_region(aws).await?;
    Ok(balancers
        .iter()
        .filter(|balancer| balancer.is_application)
        .count())
}

/// The target groups of the region.
pub async fn target_groups(aws: &Aws) -> Result<usize, CallError> {
    Ok(target_groups_of_the_region(aws).await?.len())
}

/// The Cloud Map namespaces of the region.
pub async fn namespaces(aws: &Aws) -> Result<usize, CallError> {
    Ok(cloud_map::namespaces(aws).await?.len())
}

/// CPU units of Fargate tasks, by what they count against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FargateUnits {
    /// On-Demand.
    pub on_demand: u64,
    /// Spot.
    pub spot: u64,
}

/// The clusters of the region that have tasks, and how many those are. A region without clusters takes
/// one call.
pub async fn busy_clusters(aws: &Aws) -> Result<BTreeMap<String, u64>, CallError> {
    let pages = aws.ecs.list_clusters().into_paginator().items().send();
    let arns: Vec<String> = send("ecs:ListClusters", pages.collect::<Result<_, _>>()).await?;
    let mut busy = BTreeMap::new();
    for some in arns.chunks(PER_CALL) {
        let call = aws.ecs.describe_clusters();
        let answer = send(
            "ecs:DescribeClusters",
            call.set_clusters(Some(some.to_vec())).send(),
        )
        .await?;
        for cluster in answer.clusters.unwrap_or_default() {
            let tasks = cluster.running_tasks_count + cluster.pending_tasks_count;
            let tasks = u64::try_from(tasks).unwrap_or_default();
            if let (Some(arn), 1..) = (cluster.cluster_arn, tasks) {
                busy.insert(arn, tasks);
            }
        }
    }
    Ok(busy)
}

/// What the Fargate tasks of these clusters use. ECS tells no sum, so every task is read.
pub async fn fargate_units<'a>(
    aws: &Aws,
    clusters: impl IntoIterator<Item = &'a String>,
) -> Result<FargateUnits, CallError> {
    let units = clusters.into_iter().map(|cluster| units_of(aws, cluster));
    let units = try_join_all(units).await?;
    Ok(units
        .into_iter()
        .fold(FargateUnits::default(), |sum, units| FargateUnits {
            on_demand: sum.on_demand + units.on_demand,
            spot: sum.spot + units.spot,
        }))
}

async fn units_of(aws: &Aws, cluster: &str) -> Result<FargateUnits, CallError> {
    let pages = aws
        .ecs
        .list_tasks()
        .cluster(cluster)
        .launch_type(LaunchType::Fargate)
        .desired_status(DesiredStatus::Running)
        .into_paginator();
    let arns: Vec<String> = send(
        "ecs:ListTasks",
        pages.items().send().collect::<Result<_, _>>(),
    )
    .await?;
    let mut units = FargateUnits::default();
    for some in arns.chunks(PER_CALL) {
        let call = aws.ecs.describe_tasks().cluster(cluster);
        let answer = send(
            "ecs:DescribeTasks",
            call.set_tasks(Some(some.to_vec())).send(),
        )
        .await?;
        for task in answer.tasks.unwrap_or_default() {
            let cpu = task.cpu.as_deref().unwrap_or_default();
            let cpu: u64 = cpu.parse().unwrap_or_default();
            match task.capacity_provider_name.as_deref() {
                Some("FARGATE_SPOT") => units.spot += cpu,
                _ => units.on_demand += cpu,
            }
        }
    }
    Ok(units)
}
