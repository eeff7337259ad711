//! How does `navi status` read?

use std::fmt::Write;

use super::standing::{Line, Standing};
use super::{ServiceStatus, Status};
use crate::aws::Moment;
use crate::environment::Costs;
use crate::report::{Cell, Palette, columns, counted};

/// So much of a digest tells two images apart, as Docker shortens it.
const DIGEST_SHOWN: usize = 12;

/// The whole of it. `all` lists every resource, also those that are as they should be.
pub fn text(status: &Status, all: bool, now: Moment, palette: &Palette) -> String {
    let Palette { heading, .. } = palette;
    let mut text = format!("{heading}{}{heading:#}: {}", status.stack, status.place);
    if let Some(since) = status.since {
        let _ = write!(text, ", up for {}", age(since, now));
    }
    text.push('\n');
    let parts = [
        services(&status.services, now, palette),
        endpoints(status, palette),
        names(status, palette),
        status
            .costs
            .as_ref()
            .map(|costs| reckoned(costs, status, palette))
            .unwrap_or_default(),
        resources(&status.resources, all, palette),
    ];
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let _ = write!(text, "\n{part}");
    }
    text
}

/// A heading row and what stands below it; nothing without rows.
fn titled(title: &[&str], rows: Vec<Vec<Cell>>, palette: &Palette) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let title = title
        .iter()
        .map(|word| Cell::styled(*word, palette.faint))
        .collect();
    let rows: Vec<Vec<Cell>> = std::iter::once(title).chain(rows).collect();
    columns(&rows)
}

fn services(services: &[ServiceStatus], now: Moment, palette: &Palette) -> String {
    let rows = services
        .iter()
        .map(|service| row(service, now, palette))
        .collect();
    titled(
        &["service", "tasks", "healthy", "since", "image"],
        rows,
        palette,
    )
}

fn row(service: &ServiceStatus, now: Moment, palette: &Palette) -> Vec<Cell> {
    let name = service.name.as_str().into();
    let Some(counts) = &service.counts else {
        return vec![name, Cell::styled("gone from ECS", palette.bad)];
    };
    let mut tasks = format!("{} of {}", counts.running, counts.wanted);
    if counts.pending > 0 {
        let _ = write!(tasks, ", {} starting", counts.pending);
    }
    let style = match service.rollout.as_deref() {
        Some("FAILED") => {
            tasks.push_str(", failed");
            palette.bad
        }
        _ if counts.running == counts.wanted => palette.good,
        _ => palette.warning,
    };
    let healthy = match service.healthy {
        None => Cell::styled("-", palette.faint),
        Some(healthy) => {
            let enough = usize::try_from(counts.wanted).is_ok_and(|wanted| healthy >= wanted);
            let style = if enough {
                palette.good
            } else {
                palette.warning
            };
            Cell::styled(format!("{healthy} of {}", counts.wanted), style)
        }
    };
    let since = match service.since {
        Some(since) => format!("{} ago", age(since, now)),
        None => "-".to_owned(),
    };
    let images: Vec<String> = service.images.iter().map(|image| short(image)).collect();
    vec![
        name,
        Cell::styled(tasks, style),
        healthy,
        since.into(),
        images.join(", ").into(),
    ]
}

/// An image without its registry, and with the beginning of its digest.
fn short(image: &str) -> String {
    let name = match image.split_once('/') {
        Some((registry, name)) if registry.contains(['.', ':']) => name,
        _ => image,
    };
    match name.split_once("@sha256:") {
        Some((name, digest)) => {
            format!("{name}@{}", digest.get(..DIGEST_SHOWN).unwrap_or(digest))
        }
        None => name.to_owned(),
    }
}

fn endpoints(status: &Status, palette: &Palette) -> String {
    let rows = status
        .endpoints
        .iter()
        .map(|endpoint| {
            vec![
                endpoint.url.as_str().into(),
                format!(
                    "{} ({}:{})",
                    endpoint.service, endpoint.container, endpoint.port
                )
                .into(),
            ]
        })
        .collect();
    titled(&["endpoint", "leads to"], rows, palette)
}

fn names(status: &Status, palette: &Palette) -> String {
    let rows = status
        .names
        .iter()
        .map(|name| {
            let addresses = match name.addresses.is_empty() {
                true => Cell::styled("none", palette.warning),
                false => name.addresses.join(", ").into(),
            };
            vec![name.name.as_str().into(), addresses]
        })
        .collect();
    titled(&["name", "A records"], rows, palette)
}

fn reckoned(costs: &Costs, status: &Status, palette: &Palette) -> String {
    if costs.drivers.is_empty() {
        return String::new();
    }
    let amount = |per_month: f64| format!("{per_month:>8.2}");
    let mut rows: Vec<Vec<Cell>> = costs
        .drivers
        .iter()
        .map(|driver| {
            vec![
                format!("{} {}", driver.count, driver.what).into(),
                amount(driver.per_month).into(),
            ]
        })
        .collect();
    let whose = match costs.prices_of == status.region {
        true => String::new(),
        false => format!(", those of {} being unknown", status.region),
    };
    rows.push(vec![
        "in all, about".into(),
        amount(costs.per_month).into(),
        Cell::styled(
            format!(
                "by {}'s list prices of {}{whose}; traffic, requests and logs come on top",
                costs.prices_of, costs.prices_as_of
            ),
            palette.faint,
        ),
    ]);
    let title = format!("{} a month", costs.currency);
    titled(&["costs by standing there", &title], rows, palette)
}

fn resources(lines: &[Line], all: bool, palette: &Palette) -> String {
    let mut text = String::new();
    let ready = lines.iter().filter(|one| one.standing == Standing::Ready);
    let ready = ready.count();
    let told = lines
        .iter()
        .filter(|line| all || line.standing != Standing::Ready);
    for line in told {
        let style = match line.standing {
            Standing::Ready => palette.good,
            Standing::Failed { .. } | Standing::Gone => palette.bad,
            _ => palette.warning,
        };
        let faint = palette.faint;
        let id = line.id.as_deref().unwrap_or_default();
        let row = format!(
            "{style}{:<9}{style:#} {:<40} {faint}{id}{faint:#}",
            line.standing.word(),
            line.address
        );
        text.push_str(row.trim_end());
        text.push('\n');
        if let Some(remark) = line.standing.remark() {
            let _ = writeln!(text, "          {remark}");
        }
    }
    let _ = match ready == lines.len() {
        true => writeln!(text, "all {} are ready", counted(lines.len(), "resource")),
        false => writeln!(
            text,
            "{ready} of {} ready",
            counted(lines.len(), "resource")
        ),
    };
    text
}

/// How long ago, in the two largest units that say something.
fn age(since: Moment, now: Moment) -> String {
    let seconds = since.milliseconds_until(now) / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!(
            "{} {} h",
            counted(usize::try_from(days).unwrap_or(usize::MAX), "day"),
            hours % 24
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Counts, Endpoint, NameStatus};
    use super::*;
    use crate::environment::Driver;
    use crate::resource::Address;

    const NOW: i64 = 1_700_000_000_000;

    fn status() -> Status {
        let ago = |seconds: i64| Some(Moment::from_milliseconds(NOW - 1000 * seconds));
        let line = |kind: &str, name: &str, standing: Standing| Line {
            address: Address::new(kind, name),
            id: Some("id-1".to_owned()),
            standing,
        };
        Status {
            stack: "ecs-navi".to_owned(),
            account: "123456789012".to_owned(),
            region: "eu-south-2".to_owned(),
            place: "account 123456789012, eu-south-2".to_owned(),
            since: ago(3 * 86_400 + 7200),
            services: vec![
                ServiceStatus {
                    name: "backend".to_owned(),
                    counts: Some(Counts {
                        wanted: 3,
                        running: 2,
                        pending: 1,
                    }),
                    healthy: Some(2),
                    images: vec![format!(
                        "123456789012.dkr.ecr.eu-south-2.amazonaws.com/backend@sha256:{}",
                        "ab".repeat(32)
                    )],
                    since: ago(90),
                    rollout: Some("IN_PROGRESS".to_owned()),
                },
                ServiceStatus {
                    name: "worker".to_owned(),
                    counts: None,
                    healthy: None,
                    images: vec!["worker:1".to_owned()],
                    since: None,
                    rollout: None,
                },
            ],
            endpoints: vec![Endpoint {
                url: "https://api.ecs-navi.site".to_owned(),
                service: "backend".to_owned(),
                container: "backend".to_owned(),
                port: 3000,
            }],
            names: vec![NameStatus {
                name: "backend.ecs-navi.local".to_owned(),
                addresses: vec!["10.0.10.7".to_owned(), "10.0.11.9".to_owned()],
            }],
            costs: Some(Costs {
                currency: "USD",
                prices_of: "us-east-1".to_owned(),
                prices_as_of: "2026-03".to_owned(),
                drivers: vec![Driver {
                    what: "NAT gateway".to_owned(),
                    count: 1,
                    per_month: 32.85,
                }],
                per_month: 32.85,
            }),
            resources: vec![
                line("vpc", "main", Standing::Ready),
                line("ecs_service", "worker", Standing::Gone),
            ],
            urls: Vec::new(),
        }
    }

    #[test]
    fn it_reads_from_services_to_what_is_not_as_it_should_be() {
        let now = Moment::from_milliseconds(NOW);
        insta::assert_snapshot!(text(&status(), false, now, &Palette::plain()));
    }

    #[test]
    fn images_are_known_by_their_last_part_and_a_short_digest() {
        assert_eq!(short("nginx:1.27"), "nginx:1.27");
        assert_eq!(
            short("public.ecr.aws/nginx/nginx:stable"),
            "nginx/nginx:stable"
        );
        assert_eq!(short("localhost:5000/web"), "web");
        assert_eq!(short("library/nginx"), "library/nginx");
    }

    #[test]
    fn ages_have_two_units_at_most() {
        let now = Moment::from_milliseconds(NOW);
        let read = |seconds: i64| age(Moment::from_milliseconds(NOW - 1000 * seconds), now);
        assert_eq!(read(59), "59 s");
        assert_eq!(read(3599), "59 min");
        assert_eq!(read(3 * 3600 + 120), "3 h 2 min");
        assert_eq!(read(86_400), "1 day 0 h");
    }
}
