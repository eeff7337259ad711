//! Does the engine keep its promises? In virtual time: as fast as the longest chain, forward only,
//! nothing lost and nothing twice wherever it is cut off.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tokio::sync::watch;
use tokio::time::Instant;

use super::simulation::{CALL, Fault, Simulation, Slow};
use super::{Experience, Interrupt, Options, RunReport, execute};
use crate::graph::{GraphBuilder, ResourceGraph};
use crate::observe::{Refresh, observe, recorded_resources};
use crate::plan::{Action, Plan, Recorded, plan_down, plan_up};
use crate::report::event::{self, After, Event, Sink, Until};
use crate::resource::{Address, Cause, Ref};
use crate::state::{Access, MemoryStore, Session, recover};

#[derive(Default)]
pub(super) struct Events(Mutex<Vec<Event>>);

impl Sink for Events {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// One stack's state and cloud over several runs.
pub(super) struct Bench {
    store: Arc<MemoryStore>,
    pub(super) cloud: Simulation,
    events: Events,
}

impl Bench {
    pub(super) fn new() -> Self {
        Bench {
            store: Arc::new(MemoryStore::default()),
            cloud: Simulation::default(),
            events: Events::default(),
        }
    }

    pub(super) async fn open(&self) -> Session {
        let access = Access::Write {
            command: "up".to_owned(),
        };
        let session = Session::open(self.store.clone(), "test", access)
            .await
            .unwrap();
        recover(&session, &self.cloud).await.unwrap();
        session
    }

    async fn plan(&self, session: &Session, desired: Option<&ResourceGraph>) -> Plan {
        let state = session.state();
        let resources = recorded_resources(&self.cloud, &state).unwrap();
        match desired {
            Some(desired) => {
                let seen = observe(&self.cloud, desired, &resources, &state, Refresh::All)
                    .await
                    .unwrap();
                plan_up(desired, &seen, &Recorded::new(&state, resources)).unwrap()
            }
            None => plan_down(&Recorded::new(&state, resources)),
        }
    }

    pub(super) async fn run(&self, desired: Option<&ResourceGraph>) -> RunReport {
        let (_keep, interrupts) = watch::channel(Interrupt::None);
        self.run_with(desired, interrupts).await
    }

    async fn run_after(&self, experience: &Experience, desired: &ResourceGraph) -> RunReport {
        let (_keep, interrupts) = watch::channel(Interrupt::None);
        self.run_knowing(experience, Some(desired), interrupts)
            .await
    }

    async fn run_with(
        &self,
        desired: Option<&ResourceGraph>,
        interrupts: watch::Receiver<Interrupt>,
    ) -> RunReport {
        self.run_knowing(&Experience::default(), desired, interrupts)
            .await
    }

    async fn run_knowing(
        &self,
        experience: &Experience,
        desired: Option<&ResourceGraph>,
        interrupts: watch::Receiver<Interrupt>,
    ) -> RunReport {
        let session = self.open().await;
        let plan = self.plan(&session, desired).await;
        let options = Options {
            wait: true,
            timeout: None,
            drain: false,
            experience: experience.clone(),
        };
        let report = execute(
            &plan,
            &session,
            &self.cloud,
            &self.events,
            options,
            interrupts,
        )
        .await;
        session.close().await.unwrap();
        report
    }

    /// The run, cut off after `after` as by kill -9: nothing is closed, the lock is let go.
    pub(super) async fn killed(&self, desired: Option<&ResourceGraph>, after: Duration) {
        let _ = tokio::time::timeout(after, self.run(desired)).await;
        // A write that was handed over at that very moment ends by itself, and only then is the lock free.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// The addresses of everything in the cloud, sorted.
    pub(super) fn there(&self) -> Vec<String> {
        let mut there: Vec<String> = self
            .cloud
            .objects()
            .iter()
            .map(|object| object.address.name().to_owned())
            .collect();
        there.sort();
        there
    }
}

/// One object of the cloud without its ID: address, setting, shape, the addresses that it leads to.
pub(super) type Shape = (String, u32, u32, Vec<String>);

impl Bench {
    /// What is in the cloud, told by what users asked for: no IDs, no names.
    pub(super) fn shapes(&self) -> Vec<Shape> {
        let objects = self.cloud.objects();
        let address_of = |id: &String| {
            let found = objects.iter().find(|object| object.id == *id);
            found.map_or(format!("nothing ({id})"), |object| {
                object.address.to_string()
            })
        };
        let mut shapes: Vec<Shape> = objects
            .iter()
            .map(|object| {
                let mut leads_to: Vec<String> = object.leads_to.iter().map(address_of).collect();
                leads_to.dedup();
                (
                    object.address.to_string(),
                    object.setting,
                    object.shape,
                    leads_to,
                )
            })
            .collect();
        shapes.sort();
        shapes
    }
}

fn slow(ready_after_seconds: u64, needs: Vec<Ref<Slow>>) -> Slow {
    Slow {
        name: String::new(),
        setting: 0,
        shape: 0,
        ready_after_seconds,
        serves_after_seconds: ready_after_seconds,
        gone_after_seconds: 10,
        needs,
    }
}

/// `gateway` takes long; `route` needs it to exist, `service` needs it ready.
fn gateway_stack() -> ResourceGraph {
    let mut graph = GraphBuilder::default();
    graph.add("gateway", slow(90, vec![]));
    graph.add("route", slow(0, vec![Ref::exists("gateway")]));
    graph.add(
        "service",
        slow(40, vec![Ref::ready("gateway"), Ref::exists("route")]),
    );
    graph.add("balancer", slow(120, vec![]));
    graph.finish().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_run_takes_as_long_as_its_longest_chain() {
    let bench = Bench::new();
    let began = Instant::now();
    let report = bench.run(Some(&gateway_stack())).await;
    assert!(report.complete(), "{report:?}");
    // Gateway created and ready, then the service created and ready: two calls, 90 s and 40 s; each
    // wait may be seen a look (one pause and one call) late.
    let chain = 2 * CALL + Duration::from_secs(130);
    let late = 2 * (Duration::from_secs(1) + CALL);
    let took = began.elapsed();
    assert!(took >= chain && took <= chain + late, "{took:?}");
    let second = bench.open().await;
    assert!(bench.plan(&second, Some(&gateway_stack())).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn every_step_says_what_it_waited_for_last_and_what_is_expected_of_it() {
    let bench = Bench::new();
    let mut experience = Experience::default();
    let gateway = Address::new("slow", "gateway");
    experience.learn(&gateway, event::Action::Create, 500, 90_000);
    let service = Address::new("slow", "service");
    experience.learn(&service, event::Action::Create, 500, 40_000);
    bench.run_after(&experience, &gateway_stack()).await;
    let events = bench.events.0.lock().unwrap();
    let began = |name: &str| {
        let mut found = events.iter().filter_map(|event| match event {
            Event::StepBegan {
                address,
                after,
                expected_milliseconds,
                remaining_milliseconds,
                ..
            } if address.name() == name => Some((
                after.clone(),
                *expected_milliseconds,
                *remaining_milliseconds,
            )),
            _ => None,
        });
        found.next().unwrap()
    };
    let awaited = events.iter().find_map(|event| match event {
        Event::StepBegan {
            address,
            awaited_by,
            ..
        } if *address == gateway => Some(awaited_by.clone()),
        _ => None,
    });
    // The route needs it to exist only.
    assert_eq!(awaited, Some(vec![service.clone()]));
    assert_eq!(began("gateway"), (None, 90_000, 130_000));
    let after = |until| {
        Some(After {
            address: gateway.clone(),
            until,
        })
    };
    // Nothing is known of it: what its kind took elsewhere, on the average, and then the service.
    assert_eq!(began("route"), (after(Until::Exists), 65_000, 65_000));
    assert_eq!(began("service"), (after(Until::Ready), 40_000, 40_000));
}

#[tokio::test(start_paused = true)]
async fn what_took_longest_in_earlier_runs_goes_first() {
    for slowest in ["one", "two"] {
        let bench = Bench::new();
        let mut graph = GraphBuilder::default();
        let mut experience = Experience::default();
        for name in ["one", "two"] {
            graph.add(name, slow(0, vec![]));
            let took = if name == slowest { 100_000 } else { 50_000 };
            let address = Address::new("slow", name);
            experience.learn(&address, event::Action::Create, 500, took);
        }
        bench.run_after(&experience, &graph.finish().unwrap()).await;
        assert_eq!(bench.cloud.calls()[0], format!("create slow.{slowest}"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_exists_edge_does_not_wait_for_ready() {
    let bench = Bench::new();
    bench.run(Some(&gateway_stack())).await;
    let calls = bench.cloud.calls();
    let position = |call: &str| calls.iter().position(|made| made == call).unwrap();
    assert!(position("create slow.route") < position("create slow.service"));
    let events = bench.events.0.lock().unwrap();
    let began = events.iter().position(
        |event| matches!(event, Event::StepBegan { address, .. } if address.name() == "route"),
    );
    let ready = events.iter().position(
        |event| matches!(event, Event::StepDone { address, .. } if address.name() == "gateway"),
    );
    assert!(
        began < ready,
        "the route waited for the gateway to be ready"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dependent_goes_on_once_the_other_serves_and_the_run_ends_when_both_are_ready() {
    let bench = Bench::new();
    let mut graph = GraphBuilder::default();
    let mut backend = slow(100, vec![]);
    backend.serves_after_seconds = 40;
    graph.add("backend", backend);
    graph.add("proxy", slow(30, vec![Ref::ready("backend")]));
    let began = Instant::now();
    let report = bench.run(Some(&graph.finish().unwrap())).await;
    assert!(report.complete());
    assert_eq!(report.done, 2);
    // The proxy is done at 70 s, within the backend's own 100 s.
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(100), "{took:?}");
    assert!(took < Duration::from_secs(104), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_blocks_its_dependents_only_and_the_next_run_does_the_rest() {
    let bench = Bench::new();
    // The most urgent call goes first: the gateway's create.
    bench.cloud.arm(0, Fault::Refused);
    let report = bench.run(Some(&gateway_stack())).await;
    assert_eq!((report.failed, report.blocked, report.done), (1, 2, 1));
    assert_eq!(bench.there(), ["balancer"]);
    let report = bench.run(Some(&gateway_stack())).await;
    assert!(report.complete());
    assert_eq!(report.done, 3);
    assert_eq!(bench.there(), ["balancer", "gateway", "route", "service"]);
}

#[tokio::test(start_paused = true)]
async fn what_another_removes_while_it_is_waited_for_ends_the_wait_and_the_next_run_makes_it_anew()
{
    let mut graph = GraphBuilder::default();
    graph.add("gateway", slow(3000, vec![]));
    let graph = graph.finish().unwrap();
    let bench = Bench::new();
    let began = Instant::now();
    let removal = async {
        tokio::time::sleep(Duration::from_secs(100)).await;
        bench.cloud.removed_by_another(0);
    };
    let (report, ()) = tokio::join!(bench.run(Some(&graph)), removal);
    assert_eq!((report.failed, report.done), (1, 0));
    // A minute, in which AWS may have hidden it for a moment, and not the hour that it may take.
    let took = began.elapsed();
    assert!(
        took > Duration::from_secs(160) && took < Duration::from_secs(165),
        "{took:?}"
    );
    let told = bench.events.0.lock().unwrap().iter().any(|event| {
        matches!(event, Event::StepFailed { error, code, .. } if error.message.contains("somebody has deleted it") && *code == Some(Cause::Vanished))
    });
    assert!(told, "{:?}", bench.events.0.lock().unwrap());
    assert!(bench.run(Some(&graph)).await.complete());
    assert_eq!(bench.there(), ["gateway"]);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_shows_nothing_for_a_moment_is_no_removal() {
    let mut graph = GraphBuilder::default();
    graph.add("gateway", slow(200, vec![]));
    let bench = Bench::new();
    let blindness = async {
        tokio::time::sleep(Duration::from_secs(100)).await;
        bench.cloud.hide_from_reads(30);
    };
    let graph = graph.finish().unwrap();
    let (report, ()) = tokio::join!(bench.run(Some(&graph)), blindness);
    assert!(report.complete(), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_loses_nothing_and_makes_nothing_twice() {
    for call in 0..4 {
        for fault in [Fault::AnswerLost, Fault::RequestLost] {
            let bench = Bench::new();
            bench.cloud.arm(call, fault);
            bench.run(Some(&gateway_stack())).await;
            let report = bench.run(Some(&gateway_stack())).await;
            assert!(report.complete(), "{fault:?} at call {call}: {report:?}");
            assert_eq!(bench.there(), ["balancer", "gateway", "route", "service"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn down_removes_dependents_first_and_leaves_nothing() {
    let bench = Bench::new();
    bench.run(Some(&gateway_stack())).await;
    let report = bench.run(None).await;
    assert!(report.complete());
    assert_eq!(bench.there(), Vec::<String>::new());
    let calls = bench.cloud.calls();
    let position = |call: &str| calls.iter().position(|made| made == call).unwrap();
    assert!(position("delete slow.service") < position("delete slow.route"));
    assert!(position("delete slow.route") < position("delete slow.gateway"));
    assert!(bench.open().await.state().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_first_interrupt_starts_nothing_more_and_keeps_what_is_there() {
    let bench = Bench::new();
    let (interrupt, interrupts) = watch::channel(Interrupt::None);
    let stack = gateway_stack();
    let (report, ()) = tokio::join!(bench.run_with(Some(&stack), interrupts), async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        interrupt.send_replace(Interrupt::Once);
    });
    assert!(report.interrupted);
    assert_eq!(bench.there(), ["balancer", "gateway", "route"]);
    let report = bench.run(Some(&stack)).await;
    assert!(report.complete());
    assert_eq!(bench.there(), ["balancer", "gateway", "route", "service"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_made_in_place_and_a_resource_no_longer_wanted_goes() {
    let bench = Bench::new();
    bench.run(Some(&gateway_stack())).await;
    let mut graph = GraphBuilder::default();
    let mut changed = slow(90, vec![]);
    changed.setting = 7;
    graph.add("gateway", changed);
    let report = bench.run(Some(&graph.finish().unwrap())).await;
    assert!(report.complete());
    assert_eq!(bench.there(), ["gateway"]);
    assert_eq!(bench.cloud.objects()[0].setting, 7);
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_changes_nothing_in_aws_orders_the_removal_all_the_same() {
    let bench = Bench::new();
    let stack = |needs| {
        let mut graph = GraphBuilder::default();
        graph.add("gateway", slow(0, vec![]));
        graph.add("service", slow(0, needs));
        graph.finish().unwrap()
    };
    bench.run(Some(&stack(vec![]))).await;
    let made = bench.cloud.calls().len();
    let related = stack(vec![Ref::removal_only("gateway")]);
    let report = bench.run(Some(&related)).await;
    assert!(report.complete());
    assert_eq!(bench.cloud.calls().len(), made, "no call was needed");
    let session = bench.open().await;
    assert!(bench.plan(&session, Some(&related)).await.is_empty());
    drop(session);
    bench.run(None).await;
    let calls = bench.cloud.calls();
    assert_eq!(
        calls[made..],
        ["delete slow.service", "delete slow.gateway"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_read_does_not_show_for_a_moment_is_not_made_again() {
    let bench = Bench::new();
    bench.run(Some(&gateway_stack())).await;
    for blind in 1..=2 {
        bench.cloud.hide_from_reads(blind);
        let session = bench.open().await;
        let plan = bench.plan(&session, Some(&gateway_stack())).await;
        assert!(plan.is_empty(), "{blind} reads showed nothing");
        drop(session);
    }
    bench.cloud.hide_from_reads(3);
    let session = bench.open().await;
    let plan = bench.plan(&session, Some(&gateway_stack())).await;
    assert_eq!(plan.count(Action::Create), 4, "gone for good is made again");
}

/// A random resource: ready after, gone after (seconds), setting, needs (which, ready or exists), shape.
pub(super) type RandomResource = (u64, u64, u32, Vec<(usize, bool)>, u32);

/// A random stack: each resource may need some of those before it.
pub(super) fn stacks() -> impl Strategy<Value = Vec<RandomResource>> {
    let resource = (
        0u64..60,
        0u64..30,
        0u32..3,
        prop::collection::vec((0usize..8, any::<bool>()), 0..3),
        0u32..2,
    );
    prop::collection::vec(resource, 1..8)
}

pub(super) fn graph_of(resources: &[RandomResource]) -> ResourceGraph {
    let mut graph = GraphBuilder::default();
    for (index, (ready, gone, setting, needs, shape)) in resources.iter().enumerate() {
        let needs = needs
            .iter()
            .filter(|_| index > 0)
            .map(|(other, ready)| {
                let name = format!("r{}", other % index);
                match ready {
                    true => Ref::ready(name),
                    false => Ref::exists(name),
                }
            })
            .collect();
        graph.add(
            format!("r{index}"),
            Slow {
                name: format!("r{index}"),
                setting: *setting,
                shape: *shape,
                ready_after_seconds: *ready,
                serves_after_seconds: *ready / 2,
                gone_after_seconds: *gone,
                needs,
            },
        );
    }
    graph.finish().unwrap()
}

pub(super) fn virtual_time() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever fails and wherever the process is killed: the next run converges, with every resource
    /// once, and after that there is nothing to do. `down`, cut off as well, leaves nothing.
    #[test]
    fn any_stack_converges_however_it_is_cut_off(
        resources in stacks(),
        kills in prop::collection::vec(0u64..150_000, 0..4),
        faults in prop::collection::vec((0usize..20, 0u8..3), 0..4),
        kills_of_down in prop::collection::vec(0u64..60_000, 0..3),
    ) {
        virtual_time().block_on(async {
            let bench = Bench::new();
            let desired = graph_of(&resources);
            for (call, fault) in faults {
                let fault = [Fault::Refused, Fault::AnswerLost, Fault::RequestLost][usize::from(fault)];
                bench.cloud.arm(call, fault);
            }
            for kill in kills {
                bench.killed(Some(&desired), Duration::from_millis(kill)).await;
            }
            // Each fault costs at most one run: there are at most four.
            for _ in 0..5 {
                bench.run(Some(&desired)).await;
            }
            let expected: Vec<String> = (0..resources.len()).map(|index| format!("r{index}")).collect();
            assert_eq!(bench.there(), expected);
            for object in bench.cloud.objects() {
                let index: usize = object.address.name()[1..].parse().unwrap();
                assert_eq!(object.setting, resources[index].2);
            }
            let calls = bench.cloud.calls().len();
            let report = bench.run(Some(&desired)).await;
            assert!(report.complete());
            assert_eq!(bench.cloud.calls().len(), calls, "the second run changed something");
            for kill in kills_of_down {
                bench.killed(None, Duration::from_millis(kill)).await;
            }
            for _ in 0..5 {
                bench.run(None).await;
            }
            assert_eq!(bench.there(), Vec::<String>::new());
            assert!(bench.open().await.state().is_empty());
        });
    }

    /// From any stack to any other, whatever fails on the way and wherever the process is killed: the cloud
    /// ends as a fresh `up` of the second would leave it, nothing was taken from under another or made with
    /// a name that was taken, and after that there is nothing to do.
    #[test]
    fn any_stack_becomes_any_other(
        first in stacks(),
        second in stacks(),
        kills in prop::collection::vec(0u64..200_000, 0..4),
        faults in prop::collection::vec((0usize..30, 0u8..3), 0..4),
    ) {
        virtual_time().block_on(async {
            let bench = Bench::new();
            assert!(bench.run(Some(&graph_of(&first))).await.complete());
            let desired = graph_of(&second);
            let before = bench.cloud.calls().len();
            for (call, fault) in faults {
                let fault = [Fault::Refused, Fault::AnswerLost, Fault::RequestLost][usize::from(fault)];
                bench.cloud.arm(before + call, fault);
            }
            for kill in kills {
                bench.killed(Some(&desired), Duration::from_millis(kill)).await;
            }
            for _ in 0..5 {
                bench.run(Some(&desired)).await;
            }
            let calls = bench.cloud.calls().len();
            let report = bench.run(Some(&desired)).await;
            assert!(report.complete(), "{report:?}");
            assert_eq!(bench.cloud.calls().len(), calls, "the second run changed something");

            let fresh = Bench::new();
            assert!(fresh.run(Some(&desired)).await.complete());
            assert_eq!(bench.shapes(), fresh.shapes());
            assert_eq!(bench.cloud.violations(), Vec::<String>::new());
            // Faults that are still armed may strike here.
            for _ in 0..5 {
                bench.run(None).await;
            }
            assert_eq!(bench.there(), Vec::<String>::new());
            assert!(bench.open().await.state().is_empty());
        });
    }
}
