//! What exists, and what is going to happen to it by itself?

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use serde::Serialize;

use super::{
    acm::Acm,
    application_auto_scaling::ApplicationAutoScaling,
    clock::Moment,
    cloud_map::CloudMap,
    ec2::{self, Ec2},
    ecs::Ecs,
    elb::Elb,
    iam::Iam,
    ids::Ids,
    images::Images,
    logs::Logs,
    pace::{Doing, Tempo},
    route53::Route53,
    secrets::Secrets,
    task_outcome::TaskOutcomes,
    visit::Visits,
};

/// Everything in the sandbox.
#[derive(Debug)]
pub struct World {
    accounts: BTreeMap<String, Account>,
    pub task_outcomes: TaskOutcomes,
    pub images: Images,
    pub secrets: Secrets,
    pub visits: Visits,
    schedule: Schedule,
    ids: Ids,
    tempo: Tempo,
    changes: u64,
}

/// One AWS account: what each region holds, and what belongs to no region.
#[derive(Debug, Default, Serialize)]
pub struct Account {
    pub global: Global,
    pub regions: BTreeMap<String, Region>,
    /// What an operation of a global service gets for its region. It stays empty.
    #[serde(skip)]
    nowhere: Region,
}

/// The region of global services (IAM, Route 53, STS), whichever region their requests are signed for.
pub const GLOBAL: &str = "aws-global";

/// What an account has once, whatever the region.
#[derive(Debug, Default, Serialize)]
pub struct Global {
    pub iam: Iam,
    pub route53: Route53,
}

/// What one account has in one region.
#[derive(Debug, Default, Serialize)]
pub struct Region {
    pub acm: Acm,
    pub application_auto_scaling: ApplicationAutoScaling,
    pub cloud_map: CloudMap,
    pub ec2: Ec2,
    pub ecs: Ecs,
    pub elb: Elb,
    pub logs: Logs,
}

/// All that an operation, or something AWS does by itself, may touch: the caller's account and region, and time.
pub struct Context<'world> {
    pub account: &'world str,
    pub region_name: &'world str,
    pub region: &'world mut Region,
    pub global: &'world mut Global,
    pub ids: &'world mut Ids,
    pub task_outcomes: &'world TaskOutcomes,
    pub images: &'world Images,
    pub secrets: &'world Secrets,
    /// For a request the present; for a transition the moment it was due.
    pub now: Moment,
    pub tempo: &'world Tempo,
    /// How often anything may have changed until now: what has settled at one number stays so while it lasts.
    pub changes: u64,
    schedule: &'world mut Schedule,
}

/// Something AWS does by itself.
type Transition = Box<dyn FnOnce(&mut Context<'_>) + Send>;

struct Entry {
    account: String,
    region: String,
    transition: Transition,
    /// Whether it only looks, before each request, at what has changed by something else.
    is_look: bool,
}

/// What is going to happen, in the order in which it will: by due time, then by when it was scheduled.
#[derive(Default)]
struct Schedule {
    entries: BTreeMap<(Moment, u64), Entry>,
    next_request: Vec<Entry>,
    sequence: u64,
}

impl Schedule {
    fn add(&mut self, due: Moment, entry: Entry) {
        self.sequence += 1;
        self.entries.insert((due, self.sequence), entry);
    }

    fn pop_due(&mut self, now: Moment) -> Option<(Moment, Entry)> {
        let (&(due, _), _) = self.entries.first_key_value()?;
        if due > now {
            return None;
        }
        self.entries.pop_first().map(|(_, entry)| (due, entry))
    }
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Schedule({} due)", self.entries.len())
    }
}

impl Context<'_> {
    /// Lets `transition` happen when AWS would be done with `doing`.
    pub fn schedule(
        &mut self,
        doing: Doing,
        transition: impl FnOnce(&mut Context<'_>) + Send + 'static,
    ) {
        self.schedule_after(self.tempo.duration(doing), transition);
    }

    /// Lets `transition` happen after a duration (already at the sandbox's pace). With none it happens before the next request
    /// is answered, and so does all that it schedules in turn with none.
    pub fn schedule_after(
        &mut self,
        delay: Duration,
        transition: impl FnOnce(&mut Context<'_>) + Send + 'static,
    ) {
        let entry = self.entry(transition);
        self.schedule.add(self.now + delay, entry);
    }

    /// The same for a look that finds nothing to do unless something else has changed: it counts as no change itself.
    pub fn look_before_next_request(
        &mut self,
        look: impl FnOnce(&mut Context<'_>) + Send + 'static,
    ) {
        let entry = Entry {
            is_look: true,
            ..self.entry(look)
        };
        self.schedule.next_request.push(entry);
    }

    /// Lets `transition` happen one request later than `schedule_after(ZERO)` would. What repeats for ever (a service replacing a task
    /// that fails) must take this way, or at instant pace it would never let a request be answered.
    pub fn schedule_for_next_request(
        &mut self,
        transition: impl FnOnce(&mut Context<'_>) + Send + 'static,
    ) {
        let entry = self.entry(transition);
        self.schedule.next_request.push(entry);
    }

    fn entry(&self, transition: impl FnOnce(&mut Context<'_>) + Send + 'static) -> Entry {
        Entry {
            account: self.account.to_owned(),
            region: self.region_name.to_owned(),
            transition: Box::new(transition),
            is_look: false,
        }
    }

    /// An ARN in the caller's account and region.
    pub fn arn(&self, service: &str, resource: impl std::fmt::Display) -> String {
        format!(
            "arn:aws:{service}:{}:{}:{resource}",
            self.region_name, self.account
        )
    }
}

impl World {
    pub fn new(tempo: Tempo, seed: u64) -> Self {
        Self {
            accounts: BTreeMap::new(),
            task_outcomes: TaskOutcomes::default(),
            images: Images::default(),
            secrets: Secrets::default(),
            visits: Visits::default(),
            schedule: Schedule::default(),
            ids: Ids::new(seed),
            tempo,
            changes: 0,
        }
    }

    /// Lets everything happen that is due. Called before each request, so that nothing runs while nobody looks.
    pub fn advance(&mut self, now: Moment) {
        for entry in std::mem::take(&mut self.schedule.next_request) {
            self.schedule.add(now, entry);
        }
        while let Some((due, entry)) = self.schedule.pop_due(now) {
            let Entry {
                account,
                region,
                transition,
                is_look,
            } = entry;
            if !is_look {
                self.note_change();
            }
            self.look_within(&account, &region, due, transition);
        }
    }

    /// Something has changed, or may have.
    pub fn note_change(&mut self) {
        self.changes += 1;
    }

    /// Runs `action` in an account and region, which come into being when first named.
    pub fn within<T>(
        &mut self,
        account: &str,
        region: &str,
        now: Moment,
        action: impl FnOnce(&mut Context<'_>) -> T,
    ) -> T {
        self.note_change();
        self.look_within(account, region, now, action)
    }

    /// The same for an `action` that changes nothing.
    pub fn look_within<T>(
        &mut self,
        account: &str,
        region: &str,
        now: Moment,
        action: impl FnOnce(&mut Context<'_>) -> T,
    ) -> T {
        let place = self.accounts.entry(account.to_owned()).or_default();
        let is_new = region != GLOBAL && !place.regions.contains_key(region);
        let mut context = Context {
            account,
            region_name: region,
            region: match region {
                GLOBAL => &mut place.nowhere,
                _ => place.regions.entry(region.to_owned()).or_default(),
            },
            global: &mut place.global,
            ids: &mut self.ids,
            task_outcomes: &self.task_outcomes,
            images: &self.images,
            secrets: &self.secrets,
            now,
            tempo: &self.tempo,
            changes: self.changes,
            schedule: &mut self.schedule,
        };
        if is_new {
            ec2::create_default_vpc(&mut context);
        }
        action(&mut context)
    }

    /// The first that is found in any account and region, in their order.
    pub fn find<T>(
        &mut self,
        now: Moment,
        mut look: impl FnMut(&Context<'_>) -> Option<T>,
    ) -> Option<T> {
        let places: Vec<(String, String)> = self
            .accounts
            .iter()
            .flat_map(|(account, place)| {
                let regions = place.regions.keys().map(String::as_str);
                regions
                    .chain([GLOBAL])
                    .map(|region| (account.clone(), region.to_owned()))
                    .collect::<Vec<_>>()
            })
            .collect();
        places.iter().find_map(|(account, region)| {
            self.look_within(account, region, now, |context| look(context))
        })
    }

    /// Everything that exists, for inventories: account → region → service → kind → resources.
    pub fn dump(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::to_value(&self.accounts)
    }

    /// How many resources of each kind exist, over all accounts and regions.
    pub fn counts(&self) -> serde_json::Result<BTreeMap<String, usize>> {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for account in self.accounts.values() {
            let mut parts = vec![serde_json::to_value(&account.global)?];
            for region in account.regions.values() {
                parts.push(serde_json::to_value(region)?);
            }
            for part in &parts {
                count_kinds(part, &mut counts);
            }
        }
        Ok(counts.into_iter().collect())
    }
}

/// Each service is an object whose members are its kinds, and each kind an object keyed by identifier.
fn count_kinds(services: &serde_json::Value, counts: &mut HashMap<String, usize>) {
    for (service, kinds) in services.as_object().into_iter().flatten() {
        for (kind, resources) in kinds.as_object().into_iter().flatten() {
            let count = resources.as_object().map_or(0, serde_json::Map::len);
            *counts.entry(format!("{service}.{kind}")).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::sandbox::{figures::Figures, pace::Pace};

    fn world(pace: Pace) -> World {
        World::new(Tempo::new(pace, &Figures::built_in()), 1)
    }

    type Diary = Arc<Mutex<Vec<(u64, &'static str)>>>;

    fn write(diary: &Diary, context: &Context<'_>, what: &'static str) {
        let at = context.now.since(Moment::default()).as_secs();
        diary.lock().unwrap().push((at, what));
    }

    #[test]
    fn transitions_happen_in_order_of_due_time_and_cascade() {
        let mut world = world(Pace::REALISTIC);
        let diary = Diary::default();
        let start = Moment::default();
        let (first, second) = (diary.clone(), diary.clone());
        world.within("1", "eu-west-1", start, |context| {
            context.schedule_after(Duration::from_secs(30), move |context| {
                write(&second, context, "late")
            });
            context.schedule_after(Duration::from_secs(10), move |context| {
                write(&first, context, "early");
                context.schedule_after(Duration::from_secs(5), move |context| {
                    write(&first, context, "after early");
                });
            });
        });
        world.advance(start + Duration::from_secs(9));
        assert!(diary.lock().unwrap().is_empty());
        world.advance(start + Duration::from_secs(100));
        assert_eq!(
            *diary.lock().unwrap(),
            [(10, "early"), (15, "after early"), (30, "late")]
        );
    }

    #[test]
    fn what_repeats_for_ever_happens_once_per_request() {
        fn again(diary: Diary, context: &mut Context<'_>) {
            write(&diary, context, "again");
            context.schedule_for_next_request(move |context| again(diary, context));
        }
        let mut world = world(Pace::INSTANT);
        let diary = Diary::default();
        let start = Moment::default();
        let own = diary.clone();
        world.within("1", "eu-west-1", start, |context| again(own, context));
        world.advance(start);
        world.advance(start);
        assert_eq!(diary.lock().unwrap().len(), 3);
    }

    #[test]
    fn accounts_and_regions_are_apart() {
        let mut world = world(Pace::INSTANT);
        let start = Moment::default();
        let vpc = |context: &mut Context<'_>| context.region.ec2.vpcs.keys().next().cloned();
        let here = world.within("1", "eu-west-1", start, vpc);
        let there = world.within("1", "eu-west-2", start, vpc);
        let theirs = world.within("2", "eu-west-1", start, vpc);
        assert_ne!(here, there);
        assert_ne!(here, theirs);
        assert_eq!(here, world.within("1", "eu-west-1", start, vpc));
        assert_eq!(None, world.within("1", GLOBAL, start, vpc));
        assert_eq!(world.counts().unwrap()["ec2.vpcs"], 3);
    }
}
