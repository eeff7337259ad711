//! How many tasks run: a number, or as many as it takes between two bounds?

use super::super::file;
use super::super::problem::Problems;
use super::super::resolved::{Autoscaling, Count};
use super::services::Settings;

/// The service's own count over the defaults'; bounds are taken key by key.
pub(super) fn resolve(settings: &Settings, problems: &mut Problems) -> Count {
    let nothing = file::Autoscaling::default();
    let (own, defaults) = match (&settings.own.count, &settings.defaults.count) {
        (Some(file::Count::Fixed(count)), _) | (None, Some(file::Count::Fixed(count))) => {
            return Count::Fixed(*count);
        }
        (None, None) => return Count::Fixed(1),
        (Some(file::Count::Scaled(own)), Some(file::Count::Scaled(defaults))) => (own, defaults),
        (Some(file::Count::Scaled(own)), _) => (own, &nothing),
        (None, Some(file::Count::Scaled(defaults))) => (&nothing, defaults),
    };
    let min = own.min.or(defaults.min).unwrap_or(1);
    let autoscaling = Autoscaling {
        min,
        max: own.max.or(defaults.max).unwrap_or(min),
        cpu: own.cpu.or(defaults.cpu),
        memory: own.memory.or(defaults.memory),
        requests: own.requests.or(defaults.requests),
    };
    check(&autoscaling, settings, problems);
    Count::Autoscaled(autoscaling)
}

fn check(count: &Autoscaling, settings: &Settings, problems: &mut Problems) {
    let place = |key: &str| settings.place_within("count", key);
    let service = format!("for the service `{}`", settings.name);
    if !place("max").is_given() {
        problems
            .error(
                &settings.place_of("count"),
                format!("the count of `{}` has no `max`", settings.name),
            )
            .label(service.clone())
            .hint("say how many tasks may run at most, as in `count: { min: 1, max: 4, cpu: 60 }`");
    } else if !place("max").is_faulty() && !place("min").is_faulty() && count.max < count.min {
        problems
            .error(
                &place("max"),
                format!(
                    "the count of `{}` cannot be at most {} and at least {}",
                    settings.name, count.max, count.min
                ),
            )
            .label("less than the least")
            .hint("`max` is `min` or more");
    }
    let metrics = ["cpu", "memory", "requests"];
    if !metrics.iter().any(|metric| place(metric).is_given()) {
        problems
            .error(
                &settings.place_of("count"),
                format!(
                    "nothing says when `{}` is to have more tasks, and when fewer",
                    settings.name
                ),
            )
            .label(service.clone())
            .hint("add what each task should have to do: `cpu: 60` or `memory: 70` in percent, or `requests: 500` a minute");
    }
    if count.requests.is_some() && !settings.place.at("route").is_given() {
        problems
            .error(
                &place("requests"),
                format!(
                    "`{}` has no route, so no load balancer counts its requests",
                    settings.name
                ),
            )
            .label(service)
            .hint("give the service a `route`, or scale it by `cpu` or `memory`");
    }
}
