//! Do engine, kinds and sandbox get on at AWS's own pace? The real kinds, the real wire formats, and all the
//! waiting that AWS imposes, in virtual time: NAT gateways that take minutes, tasks that drain, network
//! interfaces that linger, deletes that AWS refuses until then.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use navi::aws::Aws;
use navi::execute::{Experience, Interrupt, Options, RunReport, execute};
use navi::graph::ResourceGraph;
use navi::model;
use navi::observe::{Refresh, observe, recorded_resources};
use navi::plan::{Plan, Recorded, plan_down, plan_up};
use navi::report::{Event, Sink};
use navi::resource::{Cause, Holder};
use navi::sandbox::{DEFAULT_ACCOUNT, Pace};
use navi::stack::{self, Variables};
use navi::state::{Access, MemoryStore, Session, recover};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::support::{InProcess, REGION};

/// Everything that was told of the runs, and when.
#[derive(Default)]
struct Events(Mutex<Vec<Event>>, Mutex<Vec<Instant>>);

impl Sink for Events {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
        self.1.lock().unwrap().push(Instant::now());
    }
}

impl Events {
    fn failures(&self) -> Vec<String> {
        let events = self.0.lock().unwrap();
        events
            .iter()
            .filter_map(|event| match event {
                Event::StepFailed {
                    address,
                    error,
                    holders,
                    ..
                } => Some(format!("{address}: {error} {}", Holder::sentence(holders))),
                _ => None,
            })
            .collect()
    }

    /// When something was told for the first time.
    fn first(&self, is_it: impl Fn(&Event) -> bool) -> Option<Instant> {
        let at = self.0.lock().unwrap().iter().position(is_it)?;
        Some(self.1.lock().unwrap()[at])
    }

    /// The code and the words of the one step that failed.
    fn failure(&self) -> (Option<Cause>, String) {
        let events = self.0.lock().unwrap();
        let mut failed = events.iter().filter_map(|event| match event {
            Event::StepFailed { code, error, .. } => Some((*code, error.message.clone())),
            _ => None,
        });
        let first = failed.next().expect("something fails");
        assert_eq!(failed.next(), None);
        first
    }

    fn progress(&self) -> Vec<String> {
        let events = self.0.lock().unwrap();
        events
            .iter()
            .filter_map(|event| match event {
                Event::StepProgress {
                    address, message, ..
                } => Some(format!("{address}: {message}")),
                _ => None,
            })
            .collect()
    }
}

struct Scene {
    sandbox: InProcess,
    aws: Aws,
    store: Arc<MemoryStore>,
    events: Events,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let sandbox = InProcess::new(Pace::REALISTIC, seed);
        Scene {
            aws: sandbox.aws(),
            sandbox,
            store: Arc::new(MemoryStore::default()),
            events: Events::default(),
        }
    }

    async fn plan(&self, session: &Session, desired: Option<&ResourceGraph>) -> Plan {
        let state = session.state();
        let resources = recorded_resources(&self.aws, &state).unwrap();
        match desired {
            Some(desired) => {
                let seen = observe(&self.aws, desired, &resources, &state, Refresh::All)
                    .await
                    .unwrap();
                plan_up(desired, &seen, &Recorded::new(&state, resources)).unwrap()
            }
            None => plan_down(&Recorded::new(&state, resources)),
        }
    }

    async fn run(&self, desired: Option<&ResourceGraph>) -> RunReport {
        let access = Access::Write {
            command: "up".to_owned(),
        };
        let session = Session::open(self.store.clone(), "ecs-navi", access)
            .await
            .unwrap();
        recover(&session, &self.aws).await.unwrap();
        let plan = self.plan(&session, desired).await;
        let (_keep, interrupts) = watch::channel(Interrupt::None);
        let options = Options {
            wait: true,
            timeout: None,
            drain: false,
            experience: Experience::default(),
        };
        let report = execute(
            &plan,
            &session,
            &self.aws,
            &self.events,
            options,
            interrupts,
        )
        .await;
        session.close().await.unwrap();
        report
    }

    /// How many resources of each kind there are, once lingering things have gone.
    async fn counts(&self) -> Value {
        tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
        self.sandbox.control("GET", "status").await["resources"].clone()
    }

    async fn mutating_calls(&self) -> u64 {
        self.sandbox.control("GET", "status").await["calls"]["mutating"]
            .as_u64()
            .unwrap()
    }
}

fn article(edit: impl FnOnce(String) -> String) -> ResourceGraph {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks/ecs-navi.yaml");
    let text = edit(std::fs::read_to_string(path).unwrap());
    let variables = Variables::default().with_account_id(DEFAULT_ACCOUNT);
    let loaded = stack::load("ecs-navi.yaml", &text, &variables).unwrap();
    model::build(&loaded.stack, REGION).unwrap()
}

/// Service-linked roles are the account's and stay.
fn without_account_s_own(mut counts: Value) -> Value {
    counts["iam.roles"] = Value::Null;
    // Deregistered task definitions are still described, as on AWS.
    counts
}

/// The SDK is built unoptimised, and an unoptimised future of its calls is deep: a test thread's 2 MiB are too
/// few for it. navi itself runs on the main thread.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Runs in virtual time: whenever everybody waits, the clock jumps to whoever wakes next.
fn in_virtual_time<F: Future<Output = ()>>(life: impl FnOnce() -> F + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
    };
    let life = move || runtime().block_on(life());
    if let Err(panic) = thread.spawn(life).unwrap().join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn the_article_s_life_at_aws_s_pace() {
    // Each seed is another order of latencies, and other identifiers that are not known yet when they are used.
    for seed in 1..=5 {
        in_virtual_time(move || article_s_life(seed));
    }
}

async fn article_s_life(seed: u64) {
    let scene = Scene::new(seed);
    // A first look brings the region's own things into being.
    scene.aws.zones().await.unwrap();
    let before = scene.counts().await;

    let began = Instant::now();
    let desired = article(|text| text);
    let report = scene.run(Some(&desired)).await;
    assert!(report.complete(), "{:#?}", scene.events.failures());
    println!("up: {} s of virtual time", began.elapsed().as_secs());
    let serving = scene.sandbox.control("GET", "serving").await;
    let serving = serving.as_array().unwrap();
    assert_eq!(serving.len(), 2);
    assert!(serving.iter().all(|service| service["served_at"].is_f64()));

    let calls = scene.mutating_calls().await;
    let report = scene.run(Some(&desired)).await;
    assert!(report.complete());
    assert_eq!(scene.mutating_calls().await, calls);

    let three = article(|text| text.replace("  backend:\n", "  backend:\n    count: 3\n"));
    let report = scene.run(Some(&three)).await;
    assert!(report.complete(), "{:#?}", scene.events.failures());

    let began = Instant::now();
    let report = scene.run(None).await;
    assert!(report.complete(), "{:#?}", scene.events.failures());
    println!("down: {} s of virtual time", began.elapsed().as_secs());
    // Nothing went that the services still needed, while they started, changed, drained.
    let violations = scene.sandbox.control("GET", "violations").await;
    assert_eq!(violations, serde_json::json!([]));
    // Something was in the way for a while, and navi said what.
    let held = scene.events.progress();
    assert!(
        held.iter().any(|line| line.contains("held by")),
        "{held:#?}"
    );
    assert_eq!(
        without_account_s_own(before),
        without_account_s_own(scene.counts().await)
    );
}

#[test]
fn down_gives_up_on_what_others_hold_when_its_budget_is_spent_and_ends_at_the_next_run() {
    in_virtual_time(held_up_life);
}

async fn held_up_life() {
    let scene = Scene::new(1);
    scene.aws.zones().await.unwrap();
    let before = scene.counts().await;
    let report = scene.run(Some(&article(|text| text))).await;
    assert!(report.complete(), "{:#?}", scene.events.failures());

    // Somebody else's group has a rule that names one of the stack's, and their policy is attached to its role.
    let ec2 = &scene.aws.ec2;
    let groups = ec2.describe_security_groups().send().await.unwrap();
    let ours = groups
        .security_groups()
        .iter()
        .find(|group| group.group_name() == Some("ecs-navi-sg"))
        .unwrap();
    let theirs = ec2.create_security_group().group_name("theirs");
    let theirs = theirs.description("theirs").vpc_id(ours.vpc_id().unwrap());
    let theirs = theirs.send().await.unwrap().group_id.unwrap();
    ec2.authorize_security_group_ingress()
        .group_id(&theirs)
        .ip_permissions(
            aws_sdk_ec2::types::IpPermission::builder()
                .ip_protocol("-1")
                .user_id_group_pairs(
                    aws_sdk_ec2::types::UserIdGroupPair::builder()
                        .group_id(ours.group_id().unwrap())
                        .build(),
                )
                .build(),
        )
        .send()
        .await
        .unwrap();
    let role = "ecs-navi-ecs-task-execution-role";
    let policy = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let attach = scene.aws.iam.attach_role_policy().role_name(role);
    attach.policy_arn(policy).send().await.unwrap();

    let began = Instant::now();
    let report = scene.run(None).await;
    let took = began.elapsed();
    assert_eq!((report.failed, report.blocked), (2, 1), "{report:?}");
    let failures = scene.events.failures();
    let held = |address: &str, holder: &str| {
        let of = failures.iter().find(|line| line.starts_with(address));
        assert!(
            of.is_some_and(|line| line.contains(holder)),
            "{failures:#?}"
        );
    };
    held("security_group.ingress: ", &format!("held by {theirs} "));
    held("role.main: ", &format!("held by {policy} "));
    // Twenty minutes for a group, from when its services are gone; all else went on and was done long before.
    assert!(took >= Duration::from_secs(20 * 60), "{took:?}");
    assert!(took < Duration::from_secs(40 * 60), "{took:?}");

    let delete = ec2.delete_security_group().group_id(&theirs);
    delete.send().await.unwrap();
    let detach = scene.aws.iam.detach_role_policy().role_name(role);
    detach.policy_arn(policy).send().await.unwrap();
    let calls = scene.mutating_calls().await;
    let report = scene.run(None).await;
    assert!(report.complete(), "{:#?}", scene.events.failures());
    // The group, the role without its policy, which went before, and the VPC that had to wait for the group.
    assert_eq!(scene.mutating_calls().await - calls, 3);
    assert_eq!(
        without_account_s_own(before),
        without_account_s_own(scene.counts().await)
    );
}

/// A service that needs nothing but to run.
const SMALL: &str = "\
stack: ecs-navi
services:
  web:
    containers:
      web: { image: example.com/web:1 }
";

fn small() -> ResourceGraph {
    let loaded = stack::load("small.yaml", SMALL, &Variables::default());
    model::build(&loaded.unwrap().stack, REGION).unwrap()
}

/// A run of a service whose tasks end up so: which cause it is told by, in which words, how many tasks were started,
/// how long after the first of them had failed that was told for the first time, and when the wait was over.
async fn failing(outcome: &str, stopped: &str) -> (Option<Cause>, String, usize, Duration) {
    let scene = Scene::new(1);
    let rule = json!({"image": "example.com/web", "outcome": outcome});
    scene.sandbox.tell("tasks", &rule).await;
    let began = Instant::now();
    let report = scene.run(Some(&small())).await;
    let took = began.elapsed();
    assert_eq!(report.failed, 1);
    let (cause, words) = scene.events.failure();
    // Not by the time-out of twenty minutes.
    assert!(took < Duration::from_secs(6 * 60), "{took:?}");
    let code = format!("({})", cause.map_or("none", Cause::code));
    let of_service = |event: &Event, is_it: &dyn Fn(&Event) -> bool| {
        is_it(event) && format!("{event:?}").contains("ecs_service")
    };
    let exists = |event: &Event| matches!(event, Event::StepExists { .. });
    let created = scene
        .events
        .first(|event| of_service(event, &exists))
        .unwrap();
    let with_code = |event: &Event| matches!(event, Event::StepProgress { message, .. } if message.contains(&code));
    let told = scene
        .events
        .first(|event| of_service(event, &with_code))
        .unwrap();
    // Who was it that failed first, and when?
    let call = scene.aws.ecs.list_tasks().cluster("ecs-navi-cluster");
    let call = call.desired_status(aws_sdk_ecs::types::DesiredStatus::Stopped);
    let tasks = call
        .send()
        .await
        .unwrap()
        .task_arns
        .unwrap_or_default()
        .len();
    assert!(words.contains(stopped), "{words}");
    (cause, words, tasks, told - created)
}

#[test]
fn the_same_failure_three_times_ends_the_wait_and_the_first_is_told_at_once() {
    in_virtual_time(|| async {
        // It runs, and dies 5 s later; ECS starts the next one without a gap.
        let (cause, words, tasks, told) = failing("exit-1", "exited with code 1").await;
        assert_eq!(cause, Some(Cause::ContainerExits));
        assert!(
            words.starts_with("3 tasks stopped for the same reason"),
            "{words}"
        );
        assert!((3..=4).contains(&tasks), "{tasks}");
        // A start of 40 s, the 5 s, the end of 50 s at most; then within seconds.
        assert!(told < Duration::from_secs(40 + 5 + 60), "{told:?}");

        // It never runs: ECS waits for 30 s and for 60 s before it tries again.
        let (cause, words, tasks, told) = failing("cannot-pull", "not found").await;
        assert_eq!(cause, Some(Cause::ImageMissing));
        assert!(
            words.starts_with("3 tasks stopped for the same reason"),
            "{words}"
        );
        assert_eq!(tasks, 3);
        assert!(told < Duration::from_secs(40 + 60), "{told:?}");

        // Not even placed.
        let (cause, words, tasks, told) = failing("no-vcpus", "vCPUs").await;
        assert_eq!(cause, Some(Cause::FargateQuota));
        assert!(
            words.starts_with("3 times ECS could not place a task"),
            "{words}"
        );
        assert_eq!(tasks, 0);
        assert!(told < Duration::from_secs(10), "{told:?}");
    });
}

#[test]
fn an_account_that_is_throttled_for_long_is_told() {
    in_virtual_time(|| async {
        let scene = Scene::new(1);
        let fault = json!({"operation": "CreateCluster", "do": "throttle", "times": 1_000_000});
        scene.sandbox.tell("faults", &fault).await;
        let report = scene.run(Some(&small())).await;
        assert_eq!(report.failed, 1);
        assert_eq!(scene.events.failure().0, Some(Cause::Throttled));
    });
}
