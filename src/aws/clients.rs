//! Which clients are there? One per service, all from one configuration.

use std::time::Duration;

use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;

use super::{Memo, Settle};

/// The clients of one account and region.
#[derive(Clone, Debug)]
pub struct Aws {
    /// EC2, for reads and calls that carry a token.
    pub ec2: aws_sdk_ec2::Client,
    /// EC2 without the SDK's retries, for the creates without a token (CreateVpc, CreateSubnet,
    /// CreateInternetGateway, AllocateAddress): the SDK sends again after time-outs and 5xx,
    /// and each sending would make one more (aws-behaviour §2, "calls without a token").
    pub ec2_once: aws_sdk_ec2::Client,
    /// ECS.
    pub ecs: aws_sdk_ecs::Client,
    /// ECS without the SDK's retries, for RegisterTaskDefinition (every call makes a revision).
    pub ecs_once: aws_sdk_ecs::Client,
    /// Application Auto Scaling.
    pub application_auto_scaling: aws_sdk_applicationautoscaling::Client,
    /// Elastic Container Registry.
    pub ecr: aws_sdk_ecr::Client,
    /// Elastic Load Balancing, version 2.
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    /// Cloud Map.
    pub cloud_map: aws_sdk_servicediscovery::Client,
    /// Route 53.
    pub route53: aws_sdk_route53::Client,
    /// IAM.
    pub iam: aws_sdk_iam::Client,
    /// CloudWatch Logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// Certificate Manager.
    pub acm: aws_sdk_acm::Client,
    /// Service Quotas.
    pub quotas: aws_sdk_servicequotas::Client,
    /// STS.
    pub sts: aws_sdk_sts::Client,
    /// The region, for ARNs and log configurations.
    pub region: String,
    /// Answers that several kinds need within one sweep (the records of a hosted zone).
    pub memo: Memo,
}

impl Aws {
    /// The clients for this configuration. Makes no call.
    pub fn new(config: &SdkConfig) -> Self {
        let once = config
            .to_builder()
            .retry_config(RetryConfig::disabled())
            .build();
        Aws {
            ec2: aws_sdk_ec2::Client::new(config),
            ec2_once: aws_sdk_ec2::Client::new(&once),
            ecs: aws_sdk_ecs::Client::new(config),
            ecs_once: aws_sdk_ecs::Client::new(&once),
            application_auto_scaling: aws_sdk_applicationautoscaling::Client::new(config),
            ecr: aws_sdk_ecr::Client::new(config),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(config),
            cloud_map: aws_sdk_servicediscovery::Client::new(config),
            route53: aws_sdk_route53::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            logs: aws_sdk_cloudwatchlogs::Client::new(config),
            acm: aws_sdk_acm::Client::new(config),
            quotas: aws_sdk_servicequotas::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
            region: config
                .region()
                .map(|region| region.as_ref().to_owned())
                .unwrap_or_default(),
            memo: Memo::default(),
        }
    }

    /// The account that the credentials belong to. The first call of all: a wrong endpoint, a proxy
    /// that leads nowhere and missing credentials show here, so it gives up after seconds, where
    /// all others have the patience of a run that is under way.
    pub async fn account(&self) -> Result<String, crate::resource::CallError> {
        let impatient = aws_sdk_sts::config::Builder::new()
            .retry_config(RetryConfig::standard().with_max_attempts(2))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(3))
                    .read_timeout(Duration::from_secs(5))
                    .build(),
            );
        let answer = super::settle("sts:GetCallerIdentity", Settle::Throttling, || {
            self.sts
                .get_caller_identity()
                .customize()
                .config_override(impatient.clone())
                .send()
        })
        .await?;
        answer.account.ok_or_else(|| {
            crate::resource::CallError::local(
                "sts:GetCallerIdentity",
                "the answer names no account",
            )
        })
    }

    /// The zones of the region that are open to the account, sorted by name.
    pub async fn zones(&self) -> Result<Vec<String>, crate::resource::CallError> {
        let answer = super::send(
            "ec2:DescribeAvailabilityZones",
            self.ec2.describe_availability_zones().send(),
        )
        .await?;
        let mut zones: Vec<String> = answer
            .availability_zones
            .unwrap_or_default()
            .into_iter()
            .filter(|zone| {
                zone.zone_type.as_deref().unwrap_or("availability-zone") == "availability-zone"
                    && zone.state == Some(aws_sdk_ec2::types::AvailabilityZoneState::Available)
            })
            .filter_map(|zone| zone.zone_name)
            .collect();
        zones.sort();
        Ok(zones)
    }
}
