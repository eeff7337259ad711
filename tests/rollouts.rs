//! How does a service change while it serves: new revisions, forced deployments, other counts, and what comes of them?

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Ended, Inventory, Navi, delete, ecs, inventory, post_json, told};

const SERVICE: &str = "shop-web-service";

/// A sandbox, a stack file of one routed service in it, and how the account looked before.
struct Scene {
    navi: Navi,
    endpoint: String,
    before: Value,
}

impl Scene {
    /// With the service up and running as `settings` say, one YAML line each.
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
            "stack: shop\nservices:\n  web:\n{}    route: {{ to: \"web:80\" }}\n",
            lines.collect::<String>()
        );
        self.navi.write("shop.yaml", &text)
    }

    /// A command on the stack as `settings` say.
    fn run(&self, settings: &str, arguments: &[&str]) -> Ended {
        let file = self.file(settings);
        self.navi.sandboxed(&file, arguments)
    }

    /// From here on tasks with such an image end up so.
    fn tasks_of(&self, image: &str, outcome: &str) {
        let rule = json!({"image": image, "outcome": outcome});
        post_json(&self.endpoint, "/_navi/tasks", &rule);
    }

    /// The service, as boto3 sees it.
    fn service(&self) -> Value {
        let what = format!(
            "ecs.describe_services(cluster='shop-cluster', services=['{SERVICE}'])['services'][0]"
        );
        ecs(&self.endpoint, &what)
    }

    fn tasks(&self) -> Vec<Value> {
        let what = "sorted(ecs.list_tasks(cluster='shop-cluster')['taskArns'])";
        ecs(&self.endpoint, what).as_array().unwrap().clone()
    }

    /// What a visitor gets: the old tasks serve on whatever becomes of the new ones.
    #[track_caller]
    fn serves(&self) {
        let url = self
            .run("", &["outputs", "url", "--stack", "shop"])
            .expect(0)
            .stdout;
        let host = url.trim().trim_start_matches("http://");
        let visit = json!({"host": host, "path": "/", "port": 80});
        let answer = post_json(&self.endpoint, "/_navi/http", &visit);
        assert_eq!(answer["status"], 200, "{answer}");
    }

    fn found(&self) -> Value {
        inventory(&self.endpoint, &Inventory::Values { stack: "shop" })
    }

    #[track_caller]
    fn changes_nothing(&self, settings: &str, arguments: &[&str]) {
        self.navi.forget_calls();
        self.run(settings, arguments).expect(0);
        assert_eq!(self.navi.mutating_calls(), Vec::<String>::new());
    }

    /// Another `up` that changes nothing, and a `down` that leaves nothing.
    #[track_caller]
    fn ends(self, settings: &str) {
        self.changes_nothing(settings, &["up", "--yes"]);
        self.run(settings, &["down", "--yes"]).expect(0);
        assert_eq!(self.before, inventory(&self.endpoint, &Inventory::Ids));
    }
}

/// One container of this image, with the service's other settings.
fn web(image: &str, settings: &str) -> String {
    let container = format!("web: {{ image: public.ecr.aws/shop/{image}, ports: [80] }}");
    format!("{settings}\ncontainers:\n  {container}")
}

#[test]
fn a_change_of_the_definition_rolls_out_once_and_nothing_else_does() {
    let scene = Scene::up(&web("web:1", "count: 2"));
    let larger = "count: 2\ncpu: 512\nmemory: 1024";
    let changes = [
        ("another_image", web("web:2", "count: 2")),
        ("another_size", web("web:2", larger)),
        (
            "a_variable_more",
            web("web:2, environment: { MODE: fast }", larger),
        ),
    ];
    for (index, (name, settings)) in changes.iter().enumerate() {
        let (before, values) = (scene.tasks(), scene.found());
        let plan = scene.run(settings, &["plan", "--exit-code"]).expect(2);
        scene.navi.forget_calls();
        scene.run(settings, &["up", "--yes"]).expect(0);
        assert_eq!(
            scene.navi.mutating_calls(),
            ["RegisterTaskDefinition", "UpdateService"],
            "{settings}"
        );
        let service = scene.service();
        let definition = service["taskDefinition"].as_str().unwrap();
        assert!(
            definition.ends_with(&format!(":{}", index + 2)),
            "{definition}"
        );
        assert_eq!(service["runningCount"], 2, "{service}");
        assert!(scene.tasks().iter().all(|task| !before.contains(task)));
        scene.serves();
        insta::assert_snapshot!(*name, told(&plan.stdout, &values, &scene.found()));
        scene.changes_nothing(settings, &["up", "--yes"]);
    }
    // A count starts and stops tasks, and is no deployment.
    let before = scene.service()["deployments"][0]["id"].clone();
    let settings = changes[2].1.replace("count: 2", "count: 3");
    scene.navi.forget_calls();
    scene.run(&settings, &["up", "--yes"]).expect(0);
    assert_eq!(scene.navi.mutating_calls(), ["UpdateService"]);
    assert_eq!(scene.service()["deployments"][0]["id"], before);
    assert_eq!(scene.service()["runningCount"], 3);
    scene.ends(&settings);
}

#[test]
fn a_tag_that_names_another_image_is_deployed_with_the_same_revision() {
    let settings = "count: 2\ncontainers:\n  web: { image: \"${ACCOUNT_ID}.dkr.ecr.${REGION}.amazonaws.com/web:latest\", ports: [80] }";
    let scene = Scene::up(settings);
    let digest = format!("sha256:{}", "c".repeat(64));
    let push = json!({"repository": "web", "tag": "latest", "digest": digest});
    post_json(&scene.endpoint, "/_navi/images", &push);
    let (before, old, values) = (scene.service(), scene.tasks(), scene.found());
    let plan = scene.run(settings, &["plan", "--exit-code"]).expect(2);
    scene.navi.forget_calls();
    scene.run(settings, &["up", "--yes"]).expect(0);
    assert_eq!(scene.navi.mutating_calls(), ["UpdateService"]);
    insta::assert_snapshot!("a_moved_tag", told(&plan.stdout, &values, &scene.found()));
    let (after, new) = (scene.service(), scene.tasks());
    assert_eq!(before["taskDefinition"], after["taskDefinition"]);
    assert!(
        new.len() == 2 && new.iter().all(|task| !old.contains(task)),
        "{old:?} {new:?}"
    );
    let what = "[task['containers'][0]['imageDigest'] for task in ecs.describe_tasks(cluster='shop-cluster', \
                tasks=ecs.list_tasks(cluster='shop-cluster')['taskArns'])['tasks']]";
    assert_eq!(ecs(&scene.endpoint, what), json!([digest, digest]));
    scene.serves();
    scene.ends(settings);
}

#[test]
fn a_redeployed_service_has_new_tasks_of_the_same_revision() {
    let settings = web("web:latest", "count: 2");
    let scene = Scene::up(&settings);
    let (before, old) = (scene.service(), scene.tasks());
    scene.navi.forget_calls();
    let ended = scene
        .run(&settings, &["redeploy", "web", "web", "--yes"])
        .expect(0);
    assert_eq!(scene.navi.mutating_calls(), ["UpdateService"]);
    assert!(
        ended.stderr.contains("deployment: ecs-svc/"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("web of shop runs on new tasks"),
        "{}",
        ended.stderr
    );
    let (after, new) = (scene.service(), scene.tasks());
    assert_eq!(before["taskDefinition"], after["taskDefinition"]);
    assert_ne!(
        before["deployments"][0]["id"],
        after["deployments"][0]["id"]
    );
    assert_eq!(after["deployments"].as_array().unwrap().len(), 1, "{after}");
    assert!(
        new.len() == 2 && new.iter().all(|task| !old.contains(task)),
        "{old:?} {new:?}"
    );
    scene.ends(&settings);
}

#[test]
fn redeploy_needs_no_stack_file_and_knows_the_services() {
    let settings = web("web:latest", "count: 1");
    let scene = Scene::up(&settings);
    let missing = scene.navi.folder().join("gone.yaml");
    scene
        .navi
        .sandboxed(&missing, &["redeploy", "web", "--yes"])
        .expect(0);
    scene.navi.forget_calls();
    let ended = scene
        .run(&settings, &["redeploy", "wbe", "--yes"])
        .expect(1);
    assert!(
        ended.stderr.contains("stack `shop` has no service `wbe`"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("did you mean `web`?"),
        "{}",
        ended.stderr
    );
    assert_eq!(scene.navi.calls(), 0);
    let ended = scene.run(&settings, &["redeploy", "web"]).expect(1);
    assert!(
        ended.stderr.contains("nobody can answer"),
        "{}",
        ended.stderr
    );
    scene.ends(&settings);
}

#[test]
fn a_count_set_by_hand_holds_until_the_next_up_or_is_kept() {
    let settings = web("web:1", "count: 1");
    let scene = Scene::up(&settings);
    scene.navi.forget_calls();
    let ended = scene.run(&settings, &["scale", "web=3", "--yes"]).expect(0);
    assert_eq!(scene.navi.mutating_calls(), ["UpdateService"]);
    assert!(
        ended.stderr.contains("desired_count: 1 → 3"),
        "{}",
        ended.stderr
    );
    assert!(
        ended
            .stderr
            .contains("web: 3 tasks; the stack file says 1: `navi up` goes back to that"),
        "{}",
        ended.stderr
    );
    assert_eq!(scene.service()["runningCount"], 3);

    // Again: it is so already.
    scene.changes_nothing(&settings, &["scale", "web=3", "--yes"]);
    // Kept, although the file says otherwise; also a count that somebody else set.
    scene.changes_nothing(&settings, &["up", "--yes", "--keep-counts"]);
    let what = format!(
        "ecs.update_service(cluster='shop-cluster', service='{SERVICE}', desiredCount=2)['service']"
    );
    ecs(&scene.endpoint, &what);
    scene.changes_nothing(&settings, &["up", "--yes", "--keep-counts"]);
    assert_eq!(scene.service()["desiredCount"], 2);
    scene
        .run(&settings, &["plan", "--keep-counts", "--exit-code"])
        .expect(0);

    let plan = scene.run(&settings, &["plan", "--exit-code"]).expect(2);
    assert!(
        plan.stdout.contains("desired_count: 2 → 1"),
        "{}",
        plan.stdout
    );
    scene.run(&settings, &["up", "--yes"]).expect(0);
    assert_eq!(scene.service()["runningCount"], 1);
    scene.ends(&settings);
}

#[test]
fn to_none_and_back() {
    let settings = web("web:1", "count: 1");
    let scene = Scene::up(&settings);
    scene.run(&settings, &["scale", "web=0", "--yes"]).expect(0);
    assert_eq!(scene.service()["runningCount"], 0);
    scene.run(&settings, &["scale", "web=1", "--yes"]).expect(0);
    assert_eq!(scene.service()["runningCount"], 1);
    scene.serves();
    scene.ends(&settings);
}

#[test]
fn a_bad_count_is_refused_before_anything_is_called() {
    let settings = web("web:1", "count: 1");
    let scene = Scene::up(&settings);
    scene.navi.forget_calls();
    for (argument, said) in [
        ("web", "as in `backend=3`"),
        ("web=many", "`many` is not a number of tasks"),
        ("web=-1", "a whole number from 0 to 5000"),
        ("web=5001", "a whole number from 0 to 5000"),
        ("wbe=2", "did you mean `web`?"),
    ] {
        let ended = scene
            .run(&settings, &["scale", argument, "--yes"])
            .expect(1);
        assert!(ended.stderr.contains(said), "{argument}: {}", ended.stderr);
    }
    let ended = scene
        .run(&settings, &["scale", "web=1", "web=2", "--yes"])
        .expect(1);
    assert!(
        ended.stderr.contains("two numbers of tasks for `web`"),
        "{}",
        ended.stderr
    );
    assert_eq!(scene.navi.calls(), 0);
    scene.ends(&settings);
}

/// An update to an image that never comes up fails, and its old tasks serve on.
fn failed_update(deployment: &str, outcome: &str, said: &[&str]) {
    let with = |image| web(image, &format!("count: 2\n{deployment}"));
    let scene = Scene::up(&with("web:1"));
    let old = scene.tasks();
    scene.tasks_of("web:2", outcome);
    for _ in 0..2 {
        // The second run tries again, and is not told that all is well.
        let ended = scene.run(&with("web:2"), &["up", "--yes"]);
        assert_ne!(ended.code, 0, "{}", ended.stderr);
        for text in said {
            assert!(
                ended.stderr.contains(text),
                "no `{text}` in\n{}",
                ended.stderr
            );
        }
        scene.serves();
        // A rollback is a deployment too: it may put tasks of its own in their place.
        let (tasks, rolls_back) = (scene.tasks(), deployment.ends_with("true }"));
        let stay = old.iter().all(|task| tasks.contains(task));
        assert!(stay || rolls_back, "an old task is gone");
    }
    scene.tasks_of("web:2", "runs");
    scene.run(&with("web:2"), &["up", "--yes"]).expect(0);
    let service = scene.service();
    assert_eq!(
        service["deployments"].as_array().unwrap().len(),
        1,
        "{service}"
    );
    assert!(scene.tasks().iter().all(|task| !old.contains(task)));
    scene.ends(&with("web:2"));
}

#[test]
fn without_a_circuit_breaker_navi_sees_that_tasks_keep_failing() {
    failed_update(
        "",
        "cannot-pull",
        &[
            "tasks stopped for the same reason",
            "CannotPullContainerError",
        ],
    );
}

#[test]
fn a_circuit_breaker_without_rollback_gives_the_deployment_up() {
    failed_update(
        "deployment: { circuit_breaker: true, rollback: false }",
        "cannot-pull",
        &["ECS gave the deployment up", "CannotPullContainerError"],
    );
}

#[test]
fn a_rollback_is_a_failure_with_its_reason() {
    failed_update(
        "deployment: { circuit_breaker: true }",
        "cannot-pull",
        &[
            "ECS rolled back to shop-web-task:1",
            "CannotPullContainerError",
        ],
    );
}

#[test]
fn new_tasks_that_fail_their_health_check_fail_the_update() {
    failed_update("", "unhealthy", &["failed ELB health checks"]);
}

#[test]
fn a_rollback_to_the_same_revision_is_no_success_either() {
    let settings = web(
        "web:latest",
        "count: 2\ndeployment: { circuit_breaker: true }",
    );
    let scene = Scene::up(&settings);
    scene.tasks_of("web:latest", "cannot-pull");
    let ended = scene.run(&settings, &["redeploy", "web", "--yes"]);
    assert_ne!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("ECS rolled back to shop-web-task:1"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("CannotPullContainerError"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("navi redeploy web"),
        "{}",
        ended.stderr
    );
    scene.serves();
    // The old tasks still run, of the very revision that the file wants, and that is not what was asked for.
    scene.tasks_of("web:latest", "runs");
    let old = scene.tasks();
    let plan = scene.run(&settings, &["plan", "--exit-code"]).expect(2);
    assert!(
        plan.stdout
            .contains("deployment: rolled back → (a new one)"),
        "{}",
        plan.stdout
    );
    scene.run(&settings, &["up", "--yes"]).expect(0);
    assert!(scene.tasks().iter().all(|task| !old.contains(task)));
    scene.ends(&settings);
}

#[test]
fn a_deployment_that_somebody_else_replaces_is_told() {
    let (one, two) = (web("web:1", "count: 1"), web("web:2", "count: 1"));
    let scene = Scene::up(&one);
    // navi can't look at its deployment until another client has begun one of its own.
    let fault =
        json!({"operation": "DescribeServices", "at_call": 2, "do": "throttle", "times": 1000});
    post_json(&scene.endpoint, "/_navi/faults", &fault);
    let file = scene.file(&two);
    let mut run = scene
        .navi
        .command(&[
            "up",
            "--yes",
            "--sandbox",
            "--output",
            "json",
            "--region",
            crate::support::REGION,
        ])
        .arg("-f")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    let mut told = String::new();
    for line in &mut lines {
        let line = line.unwrap();
        told.push_str(&line);
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["event"] == "step_exists" && event["address"] == "ecs_service.web" {
            break;
        }
    }
    let what = format!(
        "ecs.update_service(cluster='shop-cluster', service='{SERVICE}', taskDefinition='shop-web-task:1', forceNewDeployment=True)['service']"
    );
    ecs(&scene.endpoint, &what);
    delete(&scene.endpoint, "/_navi/faults");
    for line in lines {
        told.push_str(&line.unwrap());
    }
    assert_eq!(run.wait().unwrap().code(), Some(3), "{told}");
    assert!(
        told.contains("another deployment, of shop-web-task:1"),
        "{told}"
    );
    assert!(told.contains("\"code\":\"NAVI0113\""), "{told}");
    scene.run(&two, &["up", "--yes"]).expect(0);
    assert!(
        scene.service()["taskDefinition"]
            .as_str()
            .unwrap()
            .ends_with(":2")
    );
    scene.ends(&two);
}
