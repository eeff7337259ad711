//! Which actions do scalable targets and scaling policies take?

use super::service_linked_role;
use crate::kinds::scalable_target::ScalableTarget;
use crate::kinds::scaling_policy::ScalingPolicy;
use crate::resource::{Bounds, Limit, Permissions, Permitted};

const SERVICE: &str = "application-autoscaling";
const TARGETS: &str = "scalable-target/*";

impl Permitted for ScalableTarget {
    fn permissions(&self, bounds: &Bounds) -> Permissions {
        let own = || bounds.own(SERVICE, &[TARGETS]);
        let seen = ["application-autoscaling:DescribeScalableTargets"];
        let register = ["application-autoscaling:RegisterScalableTarget"];
        // Before it takes a target, the service tries whether the caller may do all this itself, with requests that name
        // no alarm (Application Auto Scaling's user guide, "Permissions validation").
        let tried = [
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:PutMetricAlarm",
            "ecs:DescribeServices",
        ];
        let permissions = Permissions::default()
            .look(Limit::none(), &seen)
            .look(
                bounds.on(SERVICE, [TARGETS]),
                &["application-autoscaling:ListTagsForResource"],
            )
            .make(bounds.made(SERVICE, &[TARGETS]), &register)
            .make(
                bounds.made(SERVICE, &[TARGETS]),
                &["application-autoscaling:TagResource"],
            )
            // Other bounds for what is there are asked for with the same call, without tags.
            .make(own(), &register)
            .make(own(), &["application-autoscaling:UntagResource"])
            .make(Limit::none(), &tried)
            .make(bounds.in_clusters(&["service"]), &["ecs:UpdateService"])
            .remove(own(), &["application-autoscaling:DeregisterScalableTarget"]);
        let service = "ecs.application-autoscaling.amazonaws.com";
        service_linked_role(permissions, bounds, service)
    }
}

impl Permitted for ScalingPolicy {
    fn permissions(&self, bounds: &Bounds) -> Permissions {
        let own = || bounds.own(SERVICE, &[TARGETS]);
        Permissions::default()
            .look(
                Limit::none(),
                &["application-autoscaling:DescribeScalingPolicies"],
            )
            .make(own(), &["application-autoscaling:PutScalingPolicy"])
            .remove(own(), &["application-autoscaling:DeleteScalingPolicy"])
    }
}
