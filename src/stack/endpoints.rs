//! For which of AWS's services can a stack have VPC endpoints, and what takes which?

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::resolved::{SecretSource, Service};

/// One of AWS's services that tasks reach without a way to the internet.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// The account's registry: two endpoints, `ecr.api` and `ecr.dkr`. An image takes `s3` as well, where its layers are.
    Ecr,
    /// S3, by a route in the private subnets' tables; costs nothing.
    S3,
    /// DynamoDB, by a route in the private subnets' tables; costs nothing.
    DynamoDb,
    /// CloudWatch Logs.
    Logs,
    /// Sessions in containers: `exec: true`.
    SsmMessages,
    /// Secrets that are parameters.
    Ssm,
    /// Secrets of Secrets Manager.
    SecretsManager,
    /// Key Management Service.
    Kms,
    /// Security Token Service.
    Sts,
    /// CloudWatch's metrics.
    Monitoring,
    /// Simple Queue Service.
    Sqs,
    /// Simple Notification Service.
    Sns,
    /// EventBridge.
    Events,
    /// Lambda.
    Lambda,
}

impl Endpoint {
    /// As the stack file writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Endpoint::Ecr => "ecr",
            Endpoint::S3 => "s3",
            Endpoint::DynamoDb => "dynamodb",
            Endpoint::Logs => "logs",
            Endpoint::SsmMessages => "ssmmessages",
            Endpoint::Ssm => "ssm",
            Endpoint::SecretsManager => "secretsmanager",
            Endpoint::Kms => "kms",
            Endpoint::Sts => "sts",
            Endpoint::Monitoring => "monitoring",
            Endpoint::Sqs => "sqs",
            Endpoint::Sns => "sns",
            Endpoint::Events => "events",
            Endpoint::Lambda => "lambda",
        }
    }

    /// AWS's names of the endpoint services, after `com.amazonaws.REGION.`. Fargate pulls by both of the
    /// registry's (aws-behaviour §2.19).
    pub fn services(self) -> &'static [&'static str] {
        match self {
            Endpoint::Ecr => &["ecr.api", "ecr.dkr"],
            Endpoint::S3 => &["s3"],
            Endpoint::DynamoDb => &["dynamodb"],
            Endpoint::Logs => &["logs"],
            Endpoint::SsmMessages => &["ssmmessages"],
            Endpoint::Ssm => &["ssm"],
            Endpoint::SecretsManager => &["secretsmanager"],
            Endpoint::Kms => &["kms"],
            Endpoint::Sts => &["sts"],
            Endpoint::Monitoring => &["monitoring"],
            Endpoint::Sqs => &["sqs"],
            Endpoint::Sns => &["sns"],
            Endpoint::Events => &["events"],
            Endpoint::Lambda => &["lambda"],
        }
    }

    /// Whether it is a route and no interface: the two services that have such endpoints.
    pub fn is_gateway(self) -> bool {
        matches!(self, Endpoint::S3 | Endpoint::DynamoDb)
    }
}

/// What a service's tasks need to start and to write their logs, each with the reason (aws-behaviour §2.19).
pub fn needed_by(service: &Service) -> BTreeMap<Endpoint, &'static str> {
    let mut needed = BTreeMap::from([
        (Endpoint::Ecr, "its images"),
        (Endpoint::S3, "its images' layers"),
    ]);
    if service.exec {
        needed.insert(Endpoint::SsmMessages, "`exec`");
    }
    for container in &service.containers {
        if container.logs.is_some() {
            needed.insert(Endpoint::Logs, "its logs");
        }
        for secret in container.secrets.values() {
            match secret {
                SecretSource::ParameterName(_) | SecretSource::ParameterArn(_) => {
                    needed.insert(Endpoint::Ssm, "its secrets");
                }
                SecretSource::Secret { .. } => {
                    needed.insert(Endpoint::SecretsManager, "its secrets");
                }
            }
        }
    }
    needed
}

/// Whether the image lies in ECR, in this region as far as that is known: by no endpoint does a task get at another
/// registry. The host may hold `${ACCOUNT_ID}` or `${REGION}`.
pub fn is_within_reach(image: &str, region: Option<&str>) -> bool {
    let host = image.split('/').next().unwrap_or_default();
    let labels = host
        .split_once(".dkr.ecr.")
        .or_else(|| host.split_once(".dkr-ecr."));
    let Some((_, rest)) = labels else {
        return false;
    };
    let own = rest
        .split_once(".amazonaws.com")
        .or_else(|| rest.split_once(".on.aws"));
    match (own, region) {
        (Some((found, _)), Some(region)) => found == region || found == "${REGION}",
        (Some(_), None) => true,
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_the_file_s() {
        let all = [
            Endpoint::Ecr,
            Endpoint::S3,
            Endpoint::DynamoDb,
            Endpoint::Logs,
            Endpoint::SsmMessages,
            Endpoint::Ssm,
            Endpoint::SecretsManager,
            Endpoint::Kms,
            Endpoint::Sts,
            Endpoint::Monitoring,
            Endpoint::Sqs,
            Endpoint::Sns,
            Endpoint::Events,
            Endpoint::Lambda,
        ];
        for endpoint in all {
            let written = serde_json::to_value(endpoint).unwrap();
            assert_eq!(written, endpoint.as_str());
            assert!(!endpoint.services().is_empty());
        }
    }

    #[test]
    fn only_the_region_s_own_registry_is_within_reach() {
        let region = Some("eu-west-1");
        for image in [
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1",
            "${ACCOUNT_ID}.dkr.ecr.${REGION}.amazonaws.com/team/web",
            "123456789012.dkr-ecr.eu-west-1.on.aws/web",
        ] {
            assert!(is_within_reach(image, region), "{image}");
            assert!(is_within_reach(image, None), "{image}");
        }
        for image in [
            "nginx",
            "public.ecr.aws/nginx/nginx:stable",
            "ghcr.io/dkr.ecr/web",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1",
        ] {
            assert!(!is_within_reach(image, region), "{image}");
        }
    }
}
