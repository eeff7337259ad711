//! Can a command be run in this container? What ECS Exec needs (aws-behaviour §2.18 "exec", §2.19), one by one, with what to do about each that is missing.

use serde::Serialize;

use super::Service;
use crate::aws::{
    Allowance, Aws, ServiceNow, Task, TaskContainer, WayToService, role_allows, task_role,
    way_to_service,
};
use crate::resource::CallError;

/// What the agent in the task calls (ECS developer guide, ECS Exec, "IAM permissions required").
const ACTIONS: [&str; 4] = [
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
];

/// Where that agent connects to, called as in the name of its VPC endpoint.
const SERVICE: &str = "ssmmessages";

/// Whether a requirement is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Met {
    Yes,
    No,
    /// It can't be told: no reason not to try.
    Unknown,
}

/// One thing that a command in a container needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Requirement {
    /// What is needed, in a few words.
    pub name: &'static str,
    pub met: Met,
    /// What was found.
    pub found: String,
    /// What to do where it is missing.
    pub remedy: Option<String>,
}

impl Requirement {
    pub fn met(name: &'static str, found: impl Into<String>) -> Self {
        Requirement {
            name,
            met: Met::Yes,
            found: found.into(),
            remedy: None,
        }
    }

    pub fn missing(
        name: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Requirement {
            name,
            met: Met::No,
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }

    fn unknown(name: &'static str, found: impl Into<String>) -> Self {
        Requirement {
            met: Met::Unknown,
            ..Requirement::met(name, found)
        }
    }
}

/// What AWS says of each requirement, in the order in which one is mended before the next.
/// A question that AWS doesn't answer leaves its requirement unknown.
pub async fn command_requirements(
    aws: &Aws,
    service: &Service,
    now: Option<&ServiceNow>,
    task: &Task,
    container: &TaskContainer,
) -> Vec<Requirement> {
    let role = allowance(aws, task);
    let interface = task.network_interface.as_deref().unwrap_or_default();
    let way = way_to_service(aws, interface, SERVICE);
    let (role, way) = futures::join!(role, way);
    vec![
        enabled(service, now, task),
        permission(&role),
        way_to_ssm(&way),
        agent(service, container),
    ]
}

/// The role's name with what its policies allow.
async fn allowance(
    aws: &Aws,
    task: &Task,
) -> Result<(Option<String>, Option<Allowance>), CallError> {
    let Some(role) = task_role(aws, &task.task_definition).await? else {
        return Ok((None, None));
    };
    let name = role.rsplit('/').next().unwrap_or_default().to_owned();
    let allowance = role_allows(aws, &name, &ACTIONS).await;
    Ok((Some(name), Some(allowance)))
}

fn enabled(service: &Service, now: Option<&ServiceNow>, task: &Task) -> Requirement {
    const NAME: &str = "exec enabled";
    if task.execute_command {
        return Requirement::met(NAME, "the task was started to take commands");
    }
    let service = &service.name;
    match now.is_some_and(|now| now.execute_command) {
        // The flag is for new tasks only (aws-behaviour §2.18).
        true => Requirement::missing(
            NAME,
            "the service is enabled, but this task was started before that",
            format!("`navi redeploy {service}` starts new tasks"),
        ),
        false => Requirement::missing(
            NAME,
            "the service is not enabled",
            format!(
                "set `exec: true` for {service} in the stack file, then `navi up` and `navi redeploy {service}`"
            ),
        ),
    }
}

fn permission(read: &Result<(Option<String>, Option<Allowance>), CallError>) -> Requirement {
    const NAME: &str = "role may use ssmmessages";
    let remedy = "put `exec` under `role.policies` in the stack file (`exec: true` on a service does so by itself), then `navi up`";
    match read {
        Err(error) => Requirement::unknown(NAME, error.to_string()),
        Ok((Some(role), Some(Allowance::Allowed))) => {
            Requirement::met(NAME, format!("{role} allows it"))
        }
        Ok((Some(role), Some(Allowance::Missing(actions)))) => Requirement::missing(
            NAME,
            format!("{role} does not allow {}", actions.join(", ")),
            remedy,
        ),
        Ok((_, Some(Allowance::Unknown(reason)))) => Requirement::unknown(NAME, reason),
        Ok(_) => Requirement::missing(NAME, "the task has no role", remedy),
    }
}

fn way_to_ssm(way: &Result<WayToService, CallError>) -> Requirement {
    const NAME: &str = "way to Systems Manager";
    const WAYS: &str = "give the tasks one: `network.nat: single`, or `ssmmessages` under `network.endpoints` in the stack file, then `navi up`";
    match way {
        Err(error) => Requirement::unknown(NAME, error.to_string()),
        Ok(WayToService::Endpoint(id)) => Requirement::met(NAME, format!("VPC endpoint {id}")),
        Ok(WayToService::NatGateway(id)) => Requirement::met(NAME, format!("NAT gateway {id}")),
        Ok(WayToService::PublicAddress(address)) => {
            Requirement::met(NAME, format!("internet, from {address}"))
        }
        Ok(WayToService::Elsewhere(target)) => {
            Requirement::unknown(NAME, format!("everything goes to {target}"))
        }
        Ok(WayToService::ShutEndpoint(id)) => Requirement::missing(
            NAME,
            format!("the security groups of VPC endpoint {id} don't let the task in on port 443"),
            "let the task in there: the endpoint has the service's name, whatever other way there is",
        ),
        Ok(WayToService::NoPublicAddress) => Requirement::missing(
            NAME,
            "the subnet's way out is the internet gateway, and the task has no public address",
            WAYS,
        ),
        Ok(WayToService::BlackHole(target)) => Requirement::missing(
            NAME,
            format!("the subnet's default route leads to {target}, which is gone"),
            "`navi drift` shows what is gone, `navi up` makes it again",
        ),
        Ok(WayToService::NoRoute) => Requirement::missing(
            NAME,
            "the subnet has no way out, and the VPC no endpoint for ssmmessages",
            WAYS,
        ),
    }
}

fn agent(service: &Service, container: &TaskContainer) -> Requirement {
    const NAME: &str = "agent running";
    let service = &service.name;
    let reason = container.execute_command_agent_reason.as_deref();
    let because = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    match container.execute_command_agent.as_deref() {
        Some("RUNNING") => Requirement::met(NAME, format!("in {}", container.name)),
        Some("STOPPED") => Requirement::missing(
            NAME,
            format!("it has stopped in {}{because}", container.name),
            format!(
                "`navi redeploy {service}` starts new tasks; a full disk or no memory left ends the agent, too"
            ),
        ),
        Some(other) => Requirement::missing(
            NAME,
            format!("it is {other} in {}{because}", container.name),
            "wait some seconds and try again",
        ),
        None => Requirement::missing(
            NAME,
            format!("there is none in {}", container.name),
            "it comes with a task that was started to take commands",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> CallError {
        CallError::local("iam:GetRolePolicy", "no")
    }

    #[test]
    fn what_can_t_be_asked_stands_in_nobody_s_way() {
        assert_eq!(permission(&Err(refused())).met, Met::Unknown);
        assert_eq!(way_to_ssm(&Err(refused())).met, Met::Unknown);
        let transit = WayToService::Elsewhere("tgw-1".to_owned());
        assert_eq!(way_to_ssm(&Ok(transit)).met, Met::Unknown);
        let unread = Allowance::Unknown("iam:GetPolicy answered AccessDenied".to_owned());
        let read = Ok((Some("role".to_owned()), Some(unread)));
        assert_eq!(permission(&read).met, Met::Unknown);
    }

    #[test]
    fn each_way_that_leads_nowhere_has_its_remedy() {
        let id = || "vpce-1".to_owned();
        for (way, word) in [
            (WayToService::NoRoute, "network.endpoints"),
            (WayToService::NoPublicAddress, "network.nat"),
            (WayToService::BlackHole(id()), "navi drift"),
            (WayToService::ShutEndpoint(id()), "let the task in"),
        ] {
            let found = way_to_ssm(&Ok(way));
            assert_eq!(found.met, Met::No);
            assert!(found.remedy.as_deref().unwrap().contains(word), "{found:?}");
        }
    }
}
