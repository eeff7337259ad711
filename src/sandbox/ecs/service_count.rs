//! How many tasks does a service have to have? Application Auto Scaling asks, and changes it.
//!
//! It names services by their path, `service/CLUSTER/SERVICE`.

use super::{scheduler, service::Status};
use crate::sandbox::world::Context;

fn arn(context: &Context<'_>, path: &str) -> String {
    context.arn("ecs", path)
}

pub fn is_active_service(context: &Context<'_>, path: &str) -> bool {
    let service = context.region.ecs.services.get(&arn(context, path));
    service.is_some_and(|service| service.status == Status::Active)
}

pub fn desired_count(context: &Context<'_>, path: &str) -> Option<i64> {
    let services = &context.region.ecs.services;
    services
        .get(&arn(context, path))
        .filter(|service| service.status == Status::Active)
        .map(|service| service.desired_count)
}

/// As UpdateService does it: no new deployment.
pub fn set_desired_count(context: &mut Context<'_>, path: &str, count: i64) {
    let arn = arn(context, path);
    if let Some(service) = context.region.ecs.services.get_mut(&arn) {
        service.desired_count = count;
        service.is_steady = false;
        scheduler::look_soon(context, &arn);
    }
}
