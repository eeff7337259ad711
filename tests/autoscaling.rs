//! Whose is the count of a service: the file's, or Application Auto Scaling's, and how does it change hands?

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Ended, Inventory, Navi, REGION, boto3, inventory, post_json, told};

const TARGET: &str = "service/shop-cluster/shop-web-service";

/// A sandbox with a stack of one routed service, and how the account looked before.
struct Scene {
    navi: Navi,
    endpoint: String,
    before: Value,
}

impl Scene {
    fn up(settings: &str) -> Self {
        let navi = Navi::new();
        let endpoint = navi.endpoint();
        let scene = Scene {
            before: inventory(&endpoint, &Inventory::Ids),
            navi,
            endpoint,
        };
        scene.run(settings, &["up", "--yes"]).expect(0);
        scene
    }

    fn file(&self, settings: &str) -> PathBuf {
        let lines = settings.lines().map(|line| format!("    {line}\n"));
        let text = format!(
            "stack: shop\nservices:\n  web:\n{}    route: {{}}\n    containers:\n      web: {{ image: \"public.ecr.aws/shop/web:1\", ports: [80] }}\n",
            lines.collect::<String>()
        );
        self.navi.write("shop.yaml", &text)
    }

    fn run(&self, settings: &str, arguments: &[&str]) -> Ended {
        let file = self.file(settings);
        self.navi.sandboxed(&file, arguments)
    }

    /// An `up` with exactly these mutating calls, in whatever order, and another one with none. Answers the
    /// plan, and what boto3 sees otherwise than before.
    #[track_caller]
    fn changes(&self, settings: &str, calls: &[&str]) -> String {
        let before = self.found();
        let plan = self.run(settings, &["plan", "--exit-code"]).expect(2);
        self.navi.forget_calls();
        self.run(settings, &["up", "--yes"]).expect(0);
        let mut made = self.navi.mutating_calls();
        made.sort();
        assert_eq!(made, calls);
        self.changes_nothing(settings, &["up", "--yes"]);
        told(&plan.stdout, &before, &self.found())
    }

    #[track_caller]
    fn changes_nothing(&self, settings: &str, arguments: &[&str]) {
        self.navi.forget_calls();
        self.run(settings, arguments).expect(0);
        assert_eq!(self.navi.mutating_calls(), Vec::<String>::new());
    }

    fn found(&self) -> Value {
        inventory(&self.endpoint, &Inventory::Values { stack: "shop" })
    }

    /// What the alarm of a policy would do.
    fn alarm(&self, desired: u32) {
        let service = format!("arn:aws:ecs:{REGION}:123456789012:{TARGET}");
        let scale = json!({"service": service, "desired": desired});
        post_json(&self.endpoint, "/_navi/scale", &scale);
    }

    fn desired(&self) -> Value {
        self.desired_of("shop-web-service")
    }

    fn desired_of(&self, service: &str) -> Value {
        let what = format!(
            "client.describe_services(cluster='shop-cluster', services=['{service}'])['services'][0]['desiredCount']"
        );
        boto3(&self.endpoint, "ecs", &what)
    }

    /// Bounds by service, as boto3 sees them.
    fn bounds(&self) -> Value {
        let what = "{t['ResourceId']: [t['MinCapacity'], t['MaxCapacity']] for t in \
                    client.describe_scalable_targets(ServiceNamespace='ecs')['ScalableTargets']}";
        boto3(&self.endpoint, "application-autoscaling", what)
    }

    /// The values by policy, as boto3 sees them.
    fn policies(&self) -> Value {
        let what = "{p['PolicyName']: p['TargetTrackingScalingPolicyConfiguration']['TargetValue'] for p in \
                    client.describe_scaling_policies(ServiceNamespace='ecs')['ScalingPolicies']}";
        boto3(&self.endpoint, "application-autoscaling", what)
    }

    #[track_caller]
    fn ends(self, settings: &str) {
        self.changes_nothing(settings, &["up", "--yes"]);
        self.run(settings, &["down", "--yes"]).expect(0);
        assert_eq!(self.before, inventory(&self.endpoint, &Inventory::Ids));
    }
}

#[test]
fn a_count_goes_to_auto_scaling_and_comes_back() {
    let scene = Scene::up("count: 1");
    let bounds = "count: { min: 3, max: 5, cpu: 60 }";

    let calls = ["PutScalingPolicy", "RegisterScalableTarget"];
    insta::assert_snapshot!("a_count_becomes_bounds", scene.changes(bounds, &calls));
    assert_eq!(scene.desired(), 3, "AWS brings it within the bounds");
    assert_eq!(scene.bounds(), json!({TARGET: [3, 5]}));
    assert_eq!(scene.policies(), json!({"shop-web-cpu": 60.0}));

    scene.alarm(5);
    assert_eq!(scene.desired(), 5);
    let plan = scene.run(bounds, &["plan", "--exit-code"]).expect(0).stdout;
    assert!(plan.contains("Nothing to do"), "{plan}");
    assert!(!plan.contains("Changed by others"), "{plan}");
    let drift = ["drift", "--sandbox", "--stack", "shop", "--region", REGION];
    scene.navi.run(&drift).expect(0);
    scene.changes_nothing(bounds, &["up", "--yes"]);
    scene.changes_nothing(bounds, &["up", "--yes", "--keep-counts"]);

    let calls = [
        "DeleteScalingPolicy",
        "DeregisterScalableTarget",
        "UpdateService",
    ];
    insta::assert_snapshot!("bounds_become_a_count", scene.changes("count: 2", &calls));
    assert_eq!(scene.desired(), 2);
    assert_eq!(scene.bounds(), json!({}));
    scene.ends("count: 2");
}

#[test]
fn bounds_and_metrics_change_in_place() {
    let bounds = "count: { min: 1, max: 5, cpu: 60 }";
    let scene = Scene::up(bounds);
    assert_eq!(scene.bounds(), json!({TARGET: [1, 5]}));
    assert_eq!(scene.policies(), json!({"shop-web-cpu": 60.0}));
    scene.alarm(5);

    let narrower = "count: { min: 1, max: 4, cpu: 60 }";
    insta::assert_snapshot!(
        "other_bounds",
        scene.changes(narrower, &["RegisterScalableTarget"])
    );
    assert_eq!(scene.bounds(), json!({TARGET: [1, 4]}));
    assert_eq!(scene.desired(), 4);
    let busier = "count: { min: 1, max: 4, cpu: 50 }";
    insta::assert_snapshot!(
        "another_value_of_a_metric",
        scene.changes(busier, &["PutScalingPolicy"])
    );
    assert_eq!(scene.policies(), json!({"shop-web-cpu": 50.0}));
    let other = "count: { min: 1, max: 4, memory: 70, requests: 900 }";
    let calls = [
        "DeleteScalingPolicy",
        "PutScalingPolicy",
        "PutScalingPolicy",
    ];
    insta::assert_snapshot!("other_metrics", scene.changes(other, &calls));
    assert_eq!(
        scene.policies(),
        json!({"shop-web-memory": 70.0, "shop-web-requests": 900.0})
    );
    scene.ends(other);
}

#[test]
fn a_deployment_leaves_the_count_alone() {
    let bounds = "count: { min: 1, max: 5, cpu: 60 }";
    let scene = Scene::up(bounds);
    scene.alarm(4);
    let larger = format!("{bounds}\ncpu: 512");
    scene.changes(&larger, &["RegisterTaskDefinition", "UpdateService"]);
    assert_eq!(scene.desired(), 4);
    scene
        .navi
        .sandboxed(&scene.file(&larger), &["redeploy", "web", "--yes"])
        .expect(0);
    assert_eq!(scene.desired(), 4);
    scene.ends(&larger);
}

#[test]
fn a_count_of_somebody_else_s_is_not_scaled() {
    let bounds = "count: { min: 2, max: 5, cpu: 60 }";
    let scene = Scene::up(bounds);
    scene.navi.forget_calls();
    let refused = scene.run(bounds, &["scale", "web=1", "--yes"]).expect(1);
    let told = &refused.stderr;
    assert!(
        told.contains(
            "the number of tasks of `web` is Application Auto Scaling's, between 2 and 5"
        ),
        "{told}"
    );
    assert!(told.contains("under `count` in the stack file"), "{told}");
    assert_eq!(scene.navi.mutating_calls(), Vec::<String>::new());
    assert_eq!(scene.desired(), 2);
    scene.ends(bounds);
}

#[test]
fn what_others_did_to_the_scaling_is_brought_back() {
    let bounds = "count: { min: 2, max: 5, cpu: 60 }";
    let scene = Scene::up(bounds);
    let identity = format!(
        "ServiceNamespace='ecs', ScalableDimension='ecs:service:DesiredCount', ResourceId='{TARGET}'"
    );
    let change = |what: &str| boto3(&scene.endpoint, "application-autoscaling", what);

    change(&format!(
        "client.register_scalable_target({identity}, MaxCapacity=9)"
    ));
    let plan = scene.run(bounds, &["plan", "--exit-code"]).expect(2).stdout;
    assert!(plan.contains("max_capacity"), "{plan}");
    scene.changes(bounds, &["RegisterScalableTarget"]);

    change(&format!(
        "client.delete_scaling_policy({identity}, PolicyName='shop-web-cpu')"
    ));
    scene.changes(bounds, &["PutScalingPolicy"]);

    // With its policy.
    change(&format!("client.deregister_scalable_target({identity})"));
    scene.changes(bounds, &["PutScalingPolicy", "RegisterScalableTarget"]);
    assert_eq!(scene.bounds(), json!({TARGET: [2, 5]}));
    scene.ends(bounds);
}

#[test]
fn the_scaling_of_a_stranger_is_left_alone() {
    let scene = Scene::up("count: 1");
    let identity = format!(
        "ServiceNamespace='ecs', ScalableDimension='ecs:service:DesiredCount', ResourceId='{TARGET}'"
    );
    let change = |what: &str| boto3(&scene.endpoint, "application-autoscaling", what);
    change(&format!(
        "client.register_scalable_target({identity}, MinCapacity=1, MaxCapacity=3)"
    ));
    let ended = scene
        .run("count: { min: 2, max: 5, cpu: 60 }", &["up", "--yes"])
        .expect(1);
    assert!(
        ended.stderr.contains("does not belong to this stack"),
        "{}",
        ended.stderr
    );
    assert_eq!(scene.bounds(), json!({TARGET: [1, 3]}));
    change(&format!("client.deregister_scalable_target({identity})"));
    scene.run("count: 1", &["up", "--yes"]).expect(0);
    scene.ends("count: 1");
}

#[test]
fn a_successor_begins_with_as_many_tasks_and_is_scaled_in_its_turn() {
    let bounds = "count: { min: 1, max: 6, requests: 500 }";
    let scene = Scene::up(bounds);
    scene.alarm(4);
    let renamed = format!("{bounds}\nnames: {{ service: other }}");
    scene.run(&renamed, &["up", "--yes"]).expect(0);
    assert_eq!(scene.desired_of("other"), 4);
    assert_eq!(
        scene.bounds(),
        json!({"service/shop-cluster/other": [1, 6]})
    );
    scene.changes_nothing(&renamed, &["up", "--yes"]);

    // The requests are counted where they arrive.
    let moved = format!("{renamed}\nroute: {{ target_group_port: 81 }}");
    let file = scene.file(&moved);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("    route: {}\n", "")).unwrap();
    scene.navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let what = "[p['TargetTrackingScalingPolicyConfiguration']['PredefinedMetricSpecification']['ResourceLabel'] \
                for p in client.describe_scaling_policies(ServiceNamespace='ecs')['ScalingPolicies']]";
    let labels = boto3(&scene.endpoint, "application-autoscaling", what);
    let labels = labels.as_array().unwrap();
    let what = "client.describe_target_groups()['TargetGroups'][0]['TargetGroupArn']";
    let group = boto3(&scene.endpoint, "elbv2", what);
    let group = group
        .as_str()
        .unwrap()
        .rsplit(':')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(labels.len(), 1);
    assert!(
        labels[0].as_str().unwrap().ends_with(&group),
        "{labels:?} {group}"
    );
    scene.navi.forget_calls();
    scene.navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(scene.navi.mutating_calls(), Vec::<String>::new());
    scene.navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(scene.before, inventory(&scene.endpoint, &Inventory::Ids));
}
