//! Who chooses how many tasks of a service run? Bounds for Application Auto Scaling, and a policy for each metric.

use super::{Builder, MAIN};
use crate::kinds::scalable_target::ScalableTarget;
use crate::kinds::scaling_policy::{MetricType, RequestsOf, ScalingPolicy};
use crate::resource::Ref;
use crate::stack::{Count, Service, names};

impl Builder<'_> {
    /// Nothing for a service with a count of its own.
    pub(super) fn autoscaling(&mut self, service: &Service) {
        let Count::Autoscaled(autoscaling) = service.count else {
            return;
        };
        let tags = self.tags::<ScalableTarget>(&service.name, &names::service(self.stack, service));
        self.graph.add(
            &service.name,
            ScalableTarget {
                service: Ref::exists(&service.name),
                min_capacity: autoscaling.min,
                max_capacity: autoscaling.max,
                tags,
            },
        );
        for (predefined_metric_type, value) in [
            (MetricType::Cpu, autoscaling.cpu),
            (MetricType::Memory, autoscaling.memory),
            (MetricType::Requests, autoscaling.requests),
        ] {
            let Some(target_value) = value else { continue };
            let metric = predefined_metric_type.word();
            let requests_of =
                (predefined_metric_type == MetricType::Requests).then(|| RequestsOf {
                    load_balancer: Ref::exists(MAIN),
                    target_group: Ref::exists(&service.name),
                    listener_rule: Ref::exists(&service.name),
                });
            self.graph.add(
                format!("{}/{metric}", service.name),
                ScalingPolicy {
                    scalable_target: Ref::exists(&service.name),
                    policy_name: names::scaling_policy(self.stack, service, metric),
                    predefined_metric_type,
                    requests_of,
                    target_value,
                },
            );
        }
    }
}
