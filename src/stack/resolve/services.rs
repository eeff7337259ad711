//! What is each service, once its own settings and the stack's defaults are put together?

use crate::stack::file;
use crate::stack::place::Place;
use crate::stack::problem::Problems;
use crate::stack::resolved::{
    AllowRule, AllowSource, Architecture, Discovery, LEAST_EPHEMERAL_STORAGE, RecordType, Route,
    Service, ServiceNames, Spot, Tier,
};
use crate::stack::{fargate, scalars};

use super::{containers, count, deployment, routes};

/// What the rest of the stack means for a service.
pub(super) struct Context<'a> {
    pub stack: &'a str,
    /// Where services run that don't say.
    pub default_tier: Tier,
    pub has_namespace: bool,
}

/// One service as the file has it, beside the defaults.
pub(super) struct Settings<'a, 'tree> {
    pub name: &'a str,
    pub own: &'a file::Service,
    pub place: Place<'tree>,
    pub defaults: &'a file::Defaults,
    pub defaults_place: Place<'tree>,
}

impl<'tree> Settings<'_, 'tree> {
    /// Where a setting is made: in the service, or else in the defaults.
    pub(super) fn place_of(&self, key: &str) -> Place<'tree> {
        let own = self.place.at(key);
        if own.is_given() {
            own
        } else {
            self.defaults_place.at(key).or(own)
        }
    }

    /// Where a key within a setting is given; both levels are taken key by key.
    pub(super) fn place_within(&self, setting: &str, key: &str) -> Place<'tree> {
        let own = self.place.at(setting).at(key);
        if own.is_given() {
            own
        } else {
            self.defaults_place.at(setting).at(key).or(own)
        }
    }
}

pub(super) fn resolve(
    file: &file::StackFile,
    place: &Place,
    context: &Context,
    problems: &mut Problems,
) -> Vec<Service> {
    let fallback = file::Defaults::default();
    let defaults = file.defaults.as_ref().unwrap_or(&fallback);
    let defaults_place = place.at("defaults");
    check_defaults(&defaults_place, context, problems);
    let services_place = place.at("services");
    let entries = file
        .services
        .as_ref()
        .map_or(&[][..], |services| services.0.as_slice());
    if entries.is_empty() && file.services.is_some() && services_place.keys().is_empty() {
        problems
            .error(&services_place, "the stack has no services")
            .hint("name at least one under `services:`");
    }
    let mut services: Vec<Service> = entries
        .iter()
        .map(|(name, own)| {
            let place = services_place.at(name);
            check_name(name, services_place.key_of(name), problems);
            let settings = Settings {
                name,
                own,
                place,
                defaults,
                defaults_place: defaults_place.clone(),
            };
            service(&settings, context, problems)
        })
        .collect();
    routes::fill_priorities(&mut services);
    services
}

fn check_defaults(place: &Place, context: &Context, problems: &mut Problems) {
    if place.at("discovery").is_given() && !context.has_namespace {
        report_no_namespace(&place.at("discovery"), problems);
    }
}

/// The name is a part of physical names and of security group sources.
fn check_name(name: &str, span: std::ops::Range<usize>, problems: &mut Problems) {
    if name == "ingress" {
        problems
            .error(span, "a service cannot be called `ingress`")
            .hint("`from: ingress` means the load balancer; choose another name");
    } else if !is_name(name) {
        problems
            .error(span, format!("`{name}` cannot be the name of a service"))
            .label("not a name")
            .hint("letters, digits and single hyphens, beginning with a letter and not ending with a hyphen");
    }
}

/// What can be a part of every physical name; the load balancer's have the narrowest alphabet.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|character: char| character.is_ascii_alphabetic()) && scalars::is_label(name)
}

fn service(settings: &Settings, context: &Context, problems: &mut Problems) -> Service {
    let Settings { own, defaults, .. } = settings;
    let count = count::resolve(settings, problems);
    let (cpu, memory) = size(settings, problems);
    let subnets = match own.subnets.or(defaults.subnets) {
        Some(file::Tier::Public) => Tier::Public,
        Some(file::Tier::Private) => Tier::Private,
        None => context.default_tier,
    };
    let containers = containers::resolve(settings, context, problems);
    let route = own
        .route
        .as_ref()
        .and_then(|route| routes::resolve(route, settings, &containers, problems));
    if !settings.place.at("route").is_given() {
        routes::check_unrouted(settings, problems);
    }
    Service {
        name: settings.name.to_owned(),
        names: names(own.names.as_ref()),
        count,
        cpu,
        memory,
        architecture: match own.architecture.or(defaults.architecture) {
            Some(file::Architecture::Arm64) => Architecture::Arm64,
            Some(file::Architecture::X86_64) | None => Architecture::X86_64,
        },
        ephemeral_storage: own
            .ephemeral_storage
            .or(defaults.ephemeral_storage)
            .unwrap_or(LEAST_EPHEMERAL_STORAGE),
        spot: spot(settings, problems),
        subnets,
        exec: own.exec.or(defaults.exec).unwrap_or(false),
        allow: allow(settings, route.as_ref(), problems),
        route,
        discovery: discovery(settings, context, problems),
        depends_on: own.depends_on.clone().unwrap_or_default(),
        deployment: deployment::resolve(settings, count, problems),
        containers,
    }
}

/// The service's own settings over the defaults', key by key. A share of 0 is no Spot at all.
fn spot(settings: &Settings, problems: &mut Problems) -> Option<Spot> {
    let nothing = file::Spot::default();
    let own = settings.own.spot.as_ref().unwrap_or(&nothing);
    let defaults = settings.defaults.spot.as_ref().unwrap_or(&nothing);
    let share = own.share.or(defaults.share);
    let base = own.base.or(defaults.base);
    let is_given = |key: &str| settings.place_within("spot", key).is_given();
    if is_given("base") && !is_given("share") {
        problems
            .error(
                &settings.place_within("spot", "base"),
                "without a `share` no task runs on Fargate Spot, whatever `base` says",
            )
            .label(format!("for the service `{}`", settings.name))
            .hint("add `share: 50` beside it, for every second task beyond those");
    }
    let share = share.filter(|share| *share > 0)?;
    Some(Spot {
        share,
        base: base.unwrap_or(0),
    })
}

fn names(file: Option<&file::ServiceNames>) -> ServiceNames {
    let file = file.cloned().unwrap_or_default();
    ServiceNames {
        service: file.service,
        family: file.family,
        target_group: file.target_group,
        security_group: file.security_group,
    }
}

fn size(settings: &Settings, problems: &mut Problems) -> (u32, u32) {
    let cpu = settings.own.cpu.or(settings.defaults.cpu).unwrap_or(256);
    let memories = fargate::memories(cpu);
    let Some(least) = memories.first().copied() else {
        let cpus: Vec<String> = fargate::CPUS.iter().map(u32::to_string).collect();
        problems
            .error(
                &settings.place_of("cpu"),
                format!("Fargate has no tasks of {cpu} CPU units"),
            )
            .label(format!("for the service `{}`", settings.name))
            .hint(format!(
                "possible are {}; 1024 are one vCPU",
                cpus.join(", ")
            ));
        return (cpu, 0);
    };
    let memory = settings
        .own
        .memory
        .or(settings.defaults.memory)
        .unwrap_or(least);
    if !memories.contains(&memory) {
        let mut place = settings.place_of("memory");
        if !place.is_given() {
            place = settings.place_of("cpu");
        }
        problems
            .error(
                &place,
                format!("Fargate has no tasks of {cpu} CPU units and {memory} MiB"),
            )
            .label(format!("for the service `{}`", settings.name))
            .hint(format!(
                "with cpu {cpu} the memory can be {}",
                fargate::describe_memories(cpu)
            ));
    }
    (cpu, memory)
}

/// The length of time if it is given and good, the default otherwise.
pub(super) fn seconds(
    text: Option<&file::DurationText>,
    (default, bounds): (u32, std::ops::RangeInclusive<u32>),
    place: &Place,
    problems: &mut Problems,
) -> u32 {
    text.and_then(|text| scalars::seconds(&text.0, bounds, place, problems))
        .unwrap_or(default)
}

fn allow(settings: &Settings, route: Option<&Route>, problems: &mut Problems) -> Vec<AllowRule> {
    let services = settings.own.allow.as_ref();
    let place = settings.place.at("allow");
    let mut rules: Vec<AllowRule> = Vec::new();
    for (index, rule) in services.into_iter().flatten().enumerate() {
        let place = place.item(index);
        let (Some(from), Some(port)) = (rule.from.as_deref(), rule.port) else {
            continue;
        };
        let from = match from {
            "ingress" => AllowSource::Ingress,
            range if range.contains(['/', ':']) || range.parse::<std::net::Ipv4Addr>().is_ok() => {
                match scalars::address_range(range, &place.at("from"), problems) {
                    Some(range) => AllowSource::Cidr(range),
                    None => continue,
                }
            }
            service => AllowSource::Service(service.to_owned()),
        };
        let rule = AllowRule { from, port };
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    let implied = route.map(|route| AllowRule {
        from: AllowSource::Ingress,
        port: route.container_port,
    });
    if let Some(implied) = implied.filter(|implied| !rules.contains(implied)) {
        rules.insert(0, implied);
    }
    rules
}

fn discovery(settings: &Settings, context: &Context, problems: &mut Problems) -> Option<Discovery> {
    let own_fallback = file::Discovery::default();
    let own = settings.own.discovery.as_ref().unwrap_or(&own_fallback);
    let defaults_fallback = file::DiscoveryDefaults::default();
    let defaults = settings
        .defaults
        .discovery
        .as_ref()
        .unwrap_or(&defaults_fallback);
    let enabled = own.enabled.or(defaults.enabled).unwrap_or(true);
    let own_place = settings.place.at("discovery");
    if own_place.is_given() && enabled && !context.has_namespace {
        report_no_namespace(&own_place, problems);
    }
    if !enabled || !context.has_namespace {
        return None;
    }
    let ttl = own.ttl.as_ref().or(defaults.ttl.as_ref());
    let name = own.name.clone().unwrap_or_else(|| settings.name.to_owned());
    let is_host = name.len() <= 63
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'));
    if !is_host || name.is_empty() {
        problems
            .error(&own_place.at("name"), format!("`{name}` cannot be a name under the namespace"))
            .label("not a name")
            .hint("one label of at most 63 letters, digits, `-` and `_`; the namespace comes after it by itself");
    }
    let record_type = match own.record_type.or(defaults.record_type) {
        Some(file::RecordType::A) | None => RecordType::A,
    };
    Some(Discovery {
        name,
        record_type,
        ttl_seconds: seconds(
            ttl,
            (10, 0..=86_400),
            &settings.place_within("discovery", "ttl"),
            problems,
        ),
        failure_threshold: own
            .failure_threshold
            .or(defaults.failure_threshold)
            .unwrap_or(1),
    })
}

fn report_no_namespace(place: &Place, problems: &mut Problems) {
    problems
        .error(place, "there is no namespace for service discovery")
        .label("needs a namespace")
        .hint("add `namespace: { name: my-environment.local }` at the top of the file");
}
