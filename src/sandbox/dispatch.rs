//! Which function answers an operation?

use serde_json::Value;

use super::{
    acm, application_auto_scaling, call::Call, cloud_map, ec2, ecr, ecs, elb, fault::Fault, iam,
    logs, route53, service::Service, sts, world::Context,
};

/// An operation: it reads and changes what the context reaches, and answers in the service's own wire names.
pub type Operation = fn(&mut Context<'_>, &Call) -> Result<Value, Fault>;

/// Each service's `operation` maps its operations' names to functions, one line each.
pub fn find(call: &Call) -> Result<Operation, Fault> {
    let name = call.operation.as_str();
    let found = match call.service {
        Service::Acm => acm::operation(name),
        Service::ApplicationAutoScaling => application_auto_scaling::operation(name),
        Service::CloudMap => cloud_map::operation(name),
        Service::Ec2 => ec2::operation(name),
        Service::Ecr => ecr::operation(name),
        Service::Ecs => ecs::operation(name),
        Service::ElasticLoadBalancing => elb::operation(name),
        Service::Iam => iam::operation(name),
        Service::Logs => logs::operation(name),
        Service::Route53 => route53::operation(name),
        Service::ServiceQuotas => None,
        Service::Sts => sts::operation(name),
    };
    let found = found.ok_or_else(|| {
        let service = call.service.signing_name();
        Fault::new(
            "NotImplemented",
            format!(
                "the sandbox does not serve {service}:{name}; docs/SANDBOX.md lists what it serves"
            ),
        )
        .with_status(501)
    })?;
    ec2::refuse_dry_run(call)?;
    Ok(found)
}
