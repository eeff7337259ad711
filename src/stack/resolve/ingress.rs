//! Which load balancer, which listener, which certificate and which zone?

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::stack::file;
use crate::stack::place::Place;
use crate::stack::problem::Problems;
use crate::stack::resolved::{
    Certificate, FixedResponse, HostedZone, Ingress, ListenerProtocol, Service,
};
use crate::stack::{scalars, variables};

const DEFAULT_TLS_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";
const EVERYBODY: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0);

pub(super) fn resolve(
    ingress: Option<&file::Ingress>,
    root: &Place,
    services: &[Service],
    problems: &mut Problems,
) -> Option<Ingress> {
    let place = &root.at("ingress");
    let is_routed = services.iter().any(|service| service.route.is_some());
    if ingress.is_none() && !is_routed {
        return None;
    }
    let fallback = file::Ingress::default();
    let ingress = ingress.unwrap_or(&fallback);
    let zone = ingress
        .zone
        .as_ref()
        .and_then(|zone| hosted_zone(zone, &place.at("zone"), problems));
    let certificate = ingress
        .certificate
        .as_ref()
        .and_then(|certificate| self::certificate(certificate, zone.as_ref(), place, problems));
    check_hosts(
        certificate.as_ref(),
        zone.as_ref(),
        services,
        &root.at("services"),
        problems,
    );
    let protocol = protocol(ingress, certificate, place, problems);
    let is_https = matches!(protocol, ListenerProtocol::Https { .. });
    let port = ingress
        .listen
        .as_ref()
        .and_then(|listen| listen.port)
        .unwrap_or(if is_https { 443 } else { 80 });
    let redirect_http = ingress.redirect_http.unwrap_or(is_https && port != 80);
    check_redirect(redirect_http, is_https, port, place, problems);
    Some(Ingress {
        port,
        protocol,
        redirect_http,
        hosted_zone: zone,
        allow: allow(ingress.allow.as_deref(), &place.at("allow"), problems),
        default_response: default_response(
            ingress.default.as_ref(),
            &place.at("default"),
            problems,
        ),
    })
}

fn protocol(
    ingress: &file::Ingress,
    certificate: Option<Certificate>,
    place: &Place,
    problems: &mut Problems,
) -> ListenerProtocol {
    let listen = place.at("listen");
    let given = ingress.listen.as_ref().and_then(|listen| listen.protocol);
    let policy = ingress
        .listen
        .as_ref()
        .and_then(|listen| listen.ssl_policy.clone());
    let has_certificate = place.at("certificate").is_given();
    if given == Some(file::Protocol::Http) && has_certificate {
        problems
            .error(
                &listen.at("protocol"),
                "an HTTP listener has no use for a certificate",
            )
            .also(place.key_of("certificate"), "the certificate")
            .hint("set `protocol: HTTPS`, or remove the certificate");
    }
    if given == Some(file::Protocol::Https) && !has_certificate {
        problems
            .error(&listen.at("protocol"), "an HTTPS listener needs a certificate")
            .label("no certificate")
            .hint("add `certificate:` under `ingress`, with `{ find: domain }`, `{ arn: … }` or `{ request: [domain] }`");
    }
    let is_https = given == Some(file::Protocol::Https) || (given.is_none() && has_certificate);
    if policy.is_some() && !is_https {
        problems
            .error(
                &listen.at("ssl_policy"),
                "an HTTP listener has no TLS policy",
            )
            .hint("set `protocol: HTTPS` and give a certificate, or remove `ssl_policy`");
    }
    if let Some(policy) = policy.as_deref().filter(|policy| !is_tls_policy(policy)) {
        problems
            .error(
                &listen.at("ssl_policy"),
                format!("`{policy}` is not a TLS policy of a load balancer"),
            )
            .label("not a policy")
            .hint(format!(
                "their names begin with `ELBSecurityPolicy-`, as in `{DEFAULT_TLS_POLICY}`"
            ));
    }
    match certificate {
        Some(certificate) if is_https => ListenerProtocol::Https {
            ssl_policy: policy.unwrap_or_else(|| DEFAULT_TLS_POLICY.to_owned()),
            certificate,
        },
        _ => ListenerProtocol::Http,
    }
}

fn is_tls_policy(policy: &str) -> bool {
    policy
        .strip_prefix("ELBSecurityPolicy-")
        .is_some_and(|rest| {
            !rest.is_empty()
                && rest
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || character == '-')
        })
}

fn check_redirect(
    redirect: bool,
    is_https: bool,
    port: u16,
    place: &Place,
    problems: &mut Problems,
) {
    let listener_is_faulty = place.at("certificate").is_given()
        || place.at("listen").at("protocol").text() == Some("HTTPS");
    let place = place.at("redirect_http");
    // A listener that should have been HTTPS has its own error.
    if redirect && !is_https && !listener_is_faulty {
        problems
            .error(&place, "there is no HTTPS listener to redirect to")
            .hint("give a certificate, or remove `redirect_http`");
    } else if redirect && is_https && port == 80 {
        problems
            .error(
                &place,
                "port 80 is the listener's own, so it cannot redirect to it",
            )
            .hint("listen on 443, or set `redirect_http: false`");
    }
}

fn hosted_zone(
    zone: &file::HostedZone,
    place: &Place,
    problems: &mut Problems,
) -> Option<HostedZone> {
    let what = "the name of a hosted zone";
    match zone {
        file::HostedZone::Find(name) => {
            scalars::domain(name, what, &place.at("find"), problems).map(HostedZone::Find)
        }
        file::HostedZone::Create(name) => {
            scalars::domain(name, what, &place.at("create"), problems).map(HostedZone::Create)
        }
    }
}

fn certificate(
    certificate: &file::Certificate,
    zone: Option<&HostedZone>,
    ingress: &Place,
    problems: &mut Problems,
) -> Option<Certificate> {
    let place = ingress.at("certificate");
    match certificate {
        file::Certificate::Arn(arn) => {
            let is_arn = is_certificate_arn(&variables::with_sample_values(arn));
            if !is_arn {
                problems
                    .error(
                        &place.at("arn"),
                        format!("`{arn}` is not the ARN of a certificate"),
                    )
                    .label("not an ARN")
                    .hint("write `arn:aws:acm:region:account:certificate/id`");
            }
            is_arn.then(|| Certificate::Arn(arn.clone()))
        }
        file::Certificate::Find(domain) => {
            scalars::certificate_name(domain, &place.at("find"), problems).map(Certificate::Find)
        }
        file::Certificate::Request(names) => requested(names, zone, ingress, problems),
    }
}

fn is_certificate_arn(arn: &str) -> bool {
    match arn.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", partition, "acm", region, account, resource] => {
            partition.starts_with("aws")
                && !region.is_empty()
                && account.len() == 12
                && account.chars().all(|digit| digit.is_ascii_digit())
                && resource
                    .strip_prefix("certificate/")
                    .is_some_and(|id| !id.is_empty() && !id.contains('/'))
        }
        _ => false,
    }
}

fn requested(
    written: &[String],
    zone: Option<&HostedZone>,
    ingress: &Place,
    problems: &mut Problems,
) -> Option<Certificate> {
    let place = ingress.at("certificate").at("request");
    let errors = problems.error_count();
    let names: Vec<String> = written
        .iter()
        .enumerate()
        .filter_map(|(index, name)| scalars::certificate_name(name, &place.item(index), problems))
        .collect();
    if !ingress.at("zone").is_given() {
        problems
            .error(&place, "a requested certificate is validated by records in a hosted zone, and none is given")
            .hint("add `zone: { find: domain }` or `zone: { create: domain }` under `ingress`");
    }
    for (index, name) in names.iter().enumerate() {
        let here = place.item(index);
        let base = name.strip_prefix("*.").unwrap_or(name);
        if let Some(zone) = zone.filter(|zone| !zone.holds(base)) {
            problems
                .error(
                    &here,
                    format!(
                        "`{name}` cannot be validated by a record in the zone `{}`",
                        zone.name()
                    ),
                )
                .label("outside the zone")
                .hint("ask for names within the zone, or use a certificate that is already issued");
        }
        if names[..index].contains(name) {
            problems
                .error(&here, format!("`{name}` is named twice"))
                .hint("remove one of them");
        }
    }
    check_count(&names, &place, problems);
    let (domain, alternative_names) = names.split_first()?;
    let sound = problems.error_count() == errors;
    sound.then(|| Certificate::Request {
        domain: domain.clone(),
        alternative_names: alternative_names.to_vec(),
    })
}

fn check_count(names: &[String], place: &Place, problems: &mut Problems) {
    match names.first() {
        None if place.item(0).is_given() => {}
        None => {
            problems
                .error(place, "a certificate needs at least one name")
                .hint("write `request: [example.com]`");
        }
        // The domain of a certificate is its common name (aws-behaviour §2.11).
        Some(domain) if domain.len() > 64 => {
            problems
                .error(
                    &place.item(0),
                    format!(
                        "`{domain}` is {} characters long; a certificate's domain can have 64",
                        domain.len()
                    ),
                )
                .hint("put a shorter name first; the others can be longer");
        }
        Some(_) if names.len() > 10 => {
            problems
                .warning(place, format!("{} names are more than the 10 that ACM grants by default", names.len()))
                .hint("ask for one name with a wildcard, as in `*.example.com`, or have the quota raised");
        }
        Some(_) => {}
    }
}

/// A host that the certificate or the zone doesn't cover is reachable only for who knows better than navi.
fn check_hosts(
    certificate: Option<&Certificate>,
    zone: Option<&HostedZone>,
    services: &[Service],
    services_place: &Place,
    problems: &mut Problems,
) {
    for service in services {
        let Some(host) = service
            .route
            .as_ref()
            .and_then(|route| route.host.as_deref())
        else {
            continue;
        };
        let place = services_place.at(&service.name).at("route").at("host");
        if certificate.is_some_and(|certificate| !covers(certificate, host)) {
            problems
                .warning(
                    &place,
                    format!("the certificate does not cover `{host}`, so browsers will refuse it"),
                )
                .label("not covered")
                .hint("add it to the names of `ingress.certificate`");
        }
        if let Some(zone) = zone.filter(|zone| !zone.holds(host)) {
            problems
                .warning(
                    &place,
                    format!(
                        "`{host}` is not in the zone `{}`, so no record is made for it",
                        zone.name()
                    ),
                )
                .label("outside the zone")
                .hint("make its record by hand, an alias or CNAME to the load balancer");
        }
    }
}

fn covers(certificate: &Certificate, host: &str) -> bool {
    let covers_one = |name: &str| {
        name == host
            || name
                .strip_prefix("*.")
                .is_some_and(|parent| host.split_once('.').is_some_and(|(_, rest)| rest == parent))
    };
    match certificate {
        // Which names an existing certificate has, only ACM can tell.
        Certificate::Arn(_) | Certificate::Find(_) => true,
        Certificate::Request {
            domain,
            alternative_names,
        } => covers_one(domain) || alternative_names.iter().any(|name| covers_one(name)),
    }
}

fn allow(ranges: Option<&[String]>, place: &Place, problems: &mut Problems) -> Vec<Ipv4Net> {
    let Some(ranges) = ranges else {
        return vec![EVERYBODY];
    };
    if ranges.is_empty() && !place.item(0).is_given() {
        problems
            .warning(place, "nobody may reach the load balancer")
            .hint("remove `allow` to let everybody in");
    }
    let mut allowed: Vec<Ipv4Net> = Vec::new();
    for (index, text) in ranges.iter().enumerate() {
        match scalars::address_range(text, &place.item(index), problems) {
            Some(range) if !allowed.contains(&range) => allowed.push(range),
            _ => {}
        }
    }
    allowed
}

fn default_response(
    response: Option<&file::FixedResponse>,
    place: &Place,
    problems: &mut Problems,
) -> FixedResponse {
    let fallback = file::FixedResponse::default();
    let response = response.unwrap_or(&fallback);
    let status = response.status.unwrap_or(404);
    if !matches!(status, 200..=299 | 400..=599) {
        problems
            .error(
                &place.at("status"),
                format!("a load balancer cannot answer with status {status}"),
            )
            .hint("2xx, 4xx or 5xx");
    }
    let body = response
        .body
        .as_ref()
        .map_or("404 Not Found", |text| &text.0);
    if body.chars().count() > 1024 {
        problems.error(
            &place.at("body"),
            "the default answer is longer than the 1024 characters a load balancer keeps",
        );
    }
    let content_type = match response.content_type {
        Some(file::ContentType::Plain) | None => "text/plain",
        Some(file::ContentType::Css) => "text/css",
        Some(file::ContentType::Html) => "text/html",
        Some(file::ContentType::JavaScript) => "application/javascript",
        Some(file::ContentType::Json) => "application/json",
    };
    FixedResponse {
        status,
        content_type: content_type.to_owned(),
        body: body.to_owned(),
    }
}
