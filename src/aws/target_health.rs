//! How do the targets of a target group do, one by one?

use serde::Serialize;

use super::{Aws, send};
use crate::resource::CallError;

/// One target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Its address.
    pub address: String,
    /// Its port.
    pub port: i32,
    /// `healthy`, `unhealthy`, `initial`, `draining`, `unused`, …
    pub state: String,
    /// Why it is not healthy, in the load balancer's words.
    pub reason: Option<String>,
}

impl Target {
    /// Whether it gets requests.
    pub fn is_healthy(&self) -> bool {
        self.state == "healthy"
    }
}

/// The targets of a group by their addresses; none when the group is gone.
pub async fn targets_of(aws: &Aws, group_arn: &str) -> Result<Vec<Target>, CallError> {
    let call = aws.elb.describe_target_health().target_group_arn(group_arn);
    let answer = match send("elb:DescribeTargetHealth", call.send()).await {
        Ok(answer) => answer,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let descriptions = answer.target_health_descriptions.unwrap_or_default();
    let mut targets: Vec<Target> = descriptions
        .into_iter()
        .filter_map(|description| {
            let target = description.target?;
            let health = description.target_health?;
            let code = || health.reason().map(|reason| reason.as_str().to_owned());
            Some(Target {
                address: target.id.unwrap_or_default(),
                port: target.port.unwrap_or_default(),
                reason: health.description.clone().or_else(code),
                state: health
                    .state()
                    .map(|state| state.as_str().to_owned())
                    .unwrap_or_default(),
            })
        })
        .collect();
    targets.sort_by(|one, other| (&one.address, one.port).cmp(&(&other.address, other.port)));
    Ok(targets)
}
