//! Which actions do scalable targets and scaling policies take?

use super::service_linked_role;
use crate::kinds::scalable_target::ScalableTarget;
use crate::kinds::scaling_policy::ScalingPolicy;
use crate::resource::{Permissions, Permitted, Scope, Territory};

const SERVICE: &str = "application-autoscaling";
const TARGETS: &str = "scalable-target/*";

impl Permitted for ScalableTarget {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let own = || territory.own(SERVICE, &[TARGETS]);
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
            .look(Scope::none(), &seen)
            .look(
                territory.on(SERVICE, [TARGETS]),
                &["application-autoscaling:ListTagsForResource"],
            )
            .make(territory.made(SERVICE, &[TARGETS]), &register)
            .make(
                territory.made(SERVICE, &[TARGETS]),
                &["application-autoscaling:TagResource"],
            )
            // Other bounds for what is there are asked for with the same call, without tags.
            .make(own(), &register)
            .make(own(), &["application-autoscaling:UntagResource"])
            .make(Scope::none(), &tried)
            .make(territory.in_clusters(&["service"]), &["ecs:UpdateService"])
            .remove(own(), &["application-autoscaling:DeregisterScalableTarget"]);
        let service = "ecs.application-autoscaling.amazonaws.com";
        service_linked_role(permissions, territory, service)
    }
}

impl Permitted for ScalingPolicy {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let own = || territory.own(SERVICE, &[TARGETS]);
        Permissions::default()
            .look(
                Scope::none(),
                &["application-autoscaling:DescribeScalingPolicies"],
            )
            .make(own(), &["application-autoscaling:PutScalingPolicy"])
            .remove(own(), &["application-autoscaling:DeleteScalingPolicy"])
    }
}
