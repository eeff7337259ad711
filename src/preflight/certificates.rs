//! Can the listener's certificate serve what is routed? Looked at where a listener is to use one that
//! is there already.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::join_all;

use super::finding::{Check, Finding};
use super::wanted::Wanted;
use crate::aws::certificates::{CertificateFacts, facts};
use crate::aws::{Aws, canonical_name};
use crate::kinds::listener::{Listener, ListenerCertificate};
use crate::kinds::listener_rule::ListenerRule;
use crate::resource::{Address, Cause};

/// How long before its end a certificate that doesn't renew by itself is worth a word: what Certificate
/// Manager itself begins to renew at, 60 days, would be early for a warning at every `up`.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);
const DAY: i64 = 24 * 3600;

pub async fn findings(aws: &Aws, wanted: Wanted<'_>, now: SystemTime) -> Vec<Finding> {
    let now = now
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or_default();
    // One look per certificate, however many listeners use it.
    let mut by_arn: BTreeMap<String, (Address, BTreeSet<String>)> = BTreeMap::new();
    for (address, listener) in listeners_to_look_at(wanted) {
        if let Some(arn) = existing(wanted, listener) {
            let (_, hosts) = by_arn
                .entry(arn)
                .or_insert_with(|| (address.clone(), BTreeSet::new()));
            hosts.extend(hosts_of(wanted, address));
        }
    }
    let looks = by_arn.iter().map(async |(arn, (address, hosts))| {
        if let Some(elsewhere) = other_region(arn, &aws.region) {
            return vec![elsewhere.at(address)];
        }
        match facts(aws, arn).await {
            Ok(facts) => judge(arn, facts.as_ref(), hosts, now)
                .into_iter()
                .map(|finding| finding.at(address))
                .collect(),
            Err(error) => vec![Finding::unanswered(
                Check::Certificates,
                &format!("the certificate {arn}"),
                &error,
            )],
        }
    });
    join_all(looks).await.concat()
}

/// Listeners that are made or changed, or get other rules.
fn listeners_to_look_at(wanted: Wanted<'_>) -> Vec<(&Address, &Listener)> {
    let touched: BTreeSet<&Address> = wanted
        .touched::<Listener>()
        .map(|(step, _)| &step.address)
        .chain(
            wanted
                .touched::<ListenerRule>()
                .map(|(_, rule)| rule.listener.address()),
        )
        .collect();
    wanted
        .all::<Listener>()
        .filter(|(address, _)| touched.contains(address))
        .collect()
}

/// The ARN of the listener's certificate, if that is there already and not the stack's to request.
fn existing(wanted: Wanted<'_>, listener: &Listener) -> Option<String> {
    match listener.certificate.as_ref()? {
        ListenerCertificate::Arn(arn) => Some(arn.clone()),
        ListenerCertificate::Resource(certificate) => {
            use crate::resource::Resource as _;
            wanted
                .spec(certificate)
                .filter(|certificate| certificate.is_lookup())?;
            Some(wanted.outputs(certificate)?.arn)
        }
    }
}

/// The hosts that the listener routes.
fn hosts_of(wanted: Wanted<'_>, listener: &Address) -> BTreeSet<String> {
    wanted
        .all::<ListenerRule>()
        .filter(|(_, rule)| rule.listener.address() == listener)
        .flat_map(|(_, rule)| &rule.host_headers)
        .map(|host| canonical_name(host))
        .collect()
}

/// A load balancer takes certificates of its own region only.
fn other_region(arn: &str, region: &str) -> Option<Finding> {
    let theirs = arn.split(':').nth(3)?;
    (theirs != region).then(|| {
        Finding::error(
            Check::Certificates,
            format!("the certificate {arn} is in {theirs}, and the stack in {region}"),
        )
        .cause(Cause::CertificateUnusable)
        .because("a load balancer uses certificates of its own region only")
        .hint(format!(
            "request or import one in {region}, or let navi request it with `certificate: {{ request: [domain] }}`"
        ))
    })
}

/// What to say of a certificate that is to serve these hosts.
fn judge(
    arn: &str,
    facts: Option<&CertificateFacts>,
    hosts: &BTreeSet<String>,
    now: i64,
) -> Vec<Finding> {
    let error = |what: String| Finding::error(Check::Certificates, what);
    let Some(facts) = facts else {
        return vec![
            error(format!("there is no certificate {arn}"))
                .cause(Cause::LookedUpMissing)
                .because("AWS would refuse the listener")
                .hint(
                    "look at `aws acm list-certificates`, or let navi find one by its domain with \
                     `certificate: { find: domain }`",
                ),
        ];
    };
    let mut findings = Vec::new();
    if facts.status != "ISSUED" {
        findings.push(
            error(format!("the certificate {arn} is {}", facts.status))
                .cause(Cause::CertificateNotIssued)
                .because("AWS would refuse the listener")
                .hint(match facts.status.as_str() {
                    "PENDING_VALIDATION" => {
                        "prove the domain first: Certificate Manager shows the records it waits for"
                    }
                    _ => "use another, or let navi request one with `certificate: { request: [domain] }`",
                }),
        );
    }
    findings.extend(facts.not_after.and_then(|end| ending(arn, facts, end, now)));
    // Of Certificate Manager's algorithms, load balancers refuse this one alone.
    if facts.key_algorithm == "RSA_1024" {
        findings.push(
            error(format!("the certificate {arn} has a key of 1024 bits"))
                .cause(Cause::CertificateUnusable)
                .because("load balancers take RSA keys of 2048 bits and more, and ECDSA keys")
                .hint("use one with a longer key"),
        );
    }
    let left_out: Vec<&str> = hosts
        .iter()
        .filter(|host| !facts.names.iter().any(|name| covers(name, host)))
        .map(String::as_str)
        .collect();
    if !left_out.is_empty() {
        findings.push(
            error(format!(
                "the certificate {arn} is for {}, and not for {}",
                facts.names.join(", "),
                left_out.join(", ")
            ))
            .cause(Cause::CertificateNames)
            .because("browsers would refuse the connection")
            .hint(
                "use a certificate that names the host, or let navi request one with \
                 `certificate: { request: [domain, host] }`",
            ),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            Check::Certificates,
            match hosts.is_empty() {
                true => format!("{arn} is issued"),
                false => format!("{arn} is issued and covers every routed host"),
            },
        ));
    }
    findings
}

fn ending(arn: &str, facts: &CertificateFacts, end: i64, now: i64) -> Option<Finding> {
    let left = end - now;
    let soon = i64::try_from(SOON.as_secs()).unwrap_or(i64::MAX);
    if left <= 0 {
        return Some(
            Finding::error(
                Check::Certificates,
                format!("the certificate {arn} has expired"),
            )
            .cause(Cause::CertificateExpired)
            .because("browsers would refuse the connection")
            .hint("renew it, or let navi request one with `certificate: { request: [domain] }`"),
        );
    }
    (left < soon && !facts.renews).then(|| {
        Finding::warning(
            Check::Certificates,
            format!(
                "the certificate {arn} expires in {}",
                match left / DAY {
                    0 => "less than a day".to_owned(),
                    1 => "a day".to_owned(),
                    days => format!("{days} days"),
                }
            ),
        )
        .cause(Cause::CertificateExpired)
        .because("Certificate Manager does not renew it by itself")
        .hint("renew it, or let navi request one with `certificate: { request: [domain] }`")
    })
}

/// Whether a certificate's name covers a host. A wildcard stands for one label (RFC 6125 §6.4.3); a
/// routed pattern such as `*.example.com` needs the same wildcard.
fn covers(name: &str, host: &str) -> bool {
    let one_label_below = |parent: &str| {
        host.split_once('.')
            .is_some_and(|(label, rest)| rest == parent && !label.is_empty())
    };
    name == host || name.strip_prefix("*.").is_some_and(one_label_below)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn issued(names: &[&str]) -> CertificateFacts {
        CertificateFacts {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            status: "ISSUED".to_owned(),
            not_after: Some(NOW + 300 * DAY),
            renews: true,
            key_algorithm: "RSA_2048".to_owned(),
        }
    }

    fn judged(facts: Option<&CertificateFacts>, hosts: &[&str]) -> Vec<(Severity, String)> {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        judge("arn:c", facts, &hosts, NOW)
            .into_iter()
            .map(|finding| (finding.severity, finding.what))
            .collect()
    }

    #[test]
    fn names_cover_hosts_as_browsers_see_it() {
        for (name, host, covered) in [
            ("example.com", "example.com", true),
            ("example.com", "www.example.com", false),
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "*.example.com", true),
            ("www.example.com", "*.example.com", false),
        ] {
            assert_eq!(covers(name, host), covered, "{name} {host}");
        }
    }

    #[test]
    fn an_issued_one_that_covers_all_hosts_is_fine() {
        let facts = issued(&["*.example.com", "example.com"]);
        let found = judged(Some(&facts), &["example.com", "api.example.com"]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, Severity::Ok);
    }

    #[test]
    fn each_fault_is_told() {
        let (error, warning) = (Severity::Error, Severity::Warning);
        let good = issued(&["example.com"]);
        let with = |edit: fn(&mut CertificateFacts)| {
            let mut facts = good.clone();
            edit(&mut facts);
            Some(facts)
        };
        let cases = [
            (None, error, "there is no certificate"),
            (
                with(|facts| facts.status = "PENDING_VALIDATION".to_owned()),
                error,
                "is PENDING_VALIDATION",
            ),
            (
                with(|facts| facts.not_after = Some(NOW)),
                error,
                "has expired",
            ),
            (
                with(|facts| (facts.not_after, facts.renews) = (Some(NOW + 3 * DAY), false)),
                warning,
                "expires in 3 days",
            ),
            (
                with(|facts| facts.key_algorithm = "RSA_1024".to_owned()),
                error,
                "1024 bits",
            ),
            (
                with(|facts| facts.names = vec!["example.org".to_owned()]),
                error,
                "is for example.org, and not for example.com",
            ),
        ];
        for (facts, severity, part) in cases {
            let found = judged(facts.as_ref(), &["example.com"]);
            assert_eq!(found.len(), 1, "{part}: {found:?}");
            assert_eq!(found[0].0, severity, "{part}");
            assert!(found[0].1.contains(part), "{found:?}");
        }
    }

    #[test]
    fn one_that_has_ended_or_soon_does_is_told_by_its_code() {
        for end in [NOW, NOW + 3 * DAY] {
            let mut facts = issued(&["example.com"]);
            (facts.not_after, facts.renews) = (Some(end), false);
            let hosts = BTreeSet::from(["example.com".to_owned()]);
            let found = judge("arn:c", Some(&facts), &hosts, NOW);
            assert_eq!(found[0].code, Some(Cause::CertificateExpired));
        }
    }

    #[test]
    fn one_that_renews_by_itself_may_end_soon() {
        let mut facts = issued(&["example.com"]);
        facts.not_after = Some(NOW + DAY);
        assert_eq!(judged(Some(&facts), &["example.com"])[0].0, Severity::Ok);
    }

    #[test]
    fn a_certificate_of_another_region_is_refused_without_asking() {
        let arn = "arn:aws:acm:us-east-1:123456789012:certificate/x";
        assert!(other_region(arn, "us-east-1").is_none());
        assert!(other_region(arn, "eu-west-1").is_some());
    }
}
