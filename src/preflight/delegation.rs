//! Does the world find the hosted zone? A domain leads to it only once the registrar, or the zone above, names the
//! name servers that Route 53 gave it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{RData, RecordType};

use super::finding::{Check, Finding};
use super::wanted::Wanted;
use crate::kinds::alias_records::AliasRecords;
use crate::kinds::certificate::Certificate;
use crate::kinds::hosted_zone::HostedZone;
use crate::resource::{Address, Cause, Ref};

/// How long one name server is waited for. A look that may fail must not hold `up` up.
const PATIENCE: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 2;

/// Who is asked where a domain leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dns {
    /// The resolver that the machine is set to.
    OfThisMachine,
    /// Nobody, for this reason.
    Nobody(&'static str),
}

/// A zone in which something is to be written, and what for.
struct Use<'a> {
    address: &'a Address,
    domain: &'a str,
    name_servers: BTreeSet<String>,
    /// A certificate that is issued only once the world sees its records there.
    proves: bool,
}

pub async fn findings(wanted: Wanted<'_>, dns: &Dns) -> Vec<Finding> {
    let uses = uses(wanted);
    if uses.is_empty() {
        return Vec::new();
    }
    let resolver = match dns {
        Dns::Nobody(why) => {
            let domains: Vec<&str> = uses.iter().map(|zone| zone.domain).collect();
            let what = format!("{}: {why}", domains.join(", "));
            return vec![Finding::skipped(Check::Delegation, what)];
        }
        Dns::OfThisMachine => match of_this_machine() {
            Ok(resolver) => resolver,
            Err(error) => {
                let what = format!("this machine's DNS settings can't be used: {error}");
                return vec![Finding::skipped(Check::Delegation, what)];
            }
        },
    };
    join_all(uses.iter().map(async |zone| {
        let found = name_servers(&resolver, zone.domain).await;
        judge(zone, found).at(zone.address)
    }))
    .await
}

/// The zones that are there, in which the plan writes. One that is yet to be made has no name servers to compare with.
fn uses(wanted: Wanted<'_>) -> Vec<Use<'_>> {
    let records = wanted.touched::<AliasRecords>();
    let records = records.map(|(_, records)| (&records.hosted_zone, false));
    let certificates = wanted.touched::<Certificate>();
    let certificates = certificates.filter_map(|(_, certificate)| {
        let zone = certificate.hosted_zone.as_ref()?;
        Some((zone, true))
    });
    let mut zones: BTreeMap<&Address, (&Ref<HostedZone>, bool)> = BTreeMap::new();
    for (zone, proves) in records.chain(certificates) {
        let (_, proven) = zones.entry(zone.address()).or_insert((zone, false));
        *proven |= proves;
    }
    zones
        .into_iter()
        .filter_map(|(address, (zone, proves))| {
            let name_servers = wanted.outputs(zone)?.name_servers;
            Some(Use {
                address,
                domain: &wanted.spec(zone)?.name,
                name_servers: name_servers.iter().map(|name| bare(name)).collect(),
                proves,
            })
        })
        .collect()
}

fn of_this_machine() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    patient(builder.options_mut());
    builder.build()
}

fn patient(options: &mut hickory_resolver::config::ResolverOpts) {
    options.timeout = PATIENCE;
    options.attempts = ATTEMPTS;
    options.cache_size = 0;
}

/// The name servers that the world is told for a domain; none if there is no such domain.
async fn name_servers(resolver: &TokioResolver, domain: &str) -> Result<BTreeSet<String>, String> {
    // With its dot: never a name below the machine's own domain.
    match resolver.lookup(format!("{domain}."), RecordType::NS).await {
        Ok(answer) => Ok(answer
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::NS(name) => Some(bare(&name.0.to_string())),
                _ => None,
            })
            .collect()),
        Err(error) if error.is_no_records_found() || error.is_nx_domain() => Ok(BTreeSet::new()),
        Err(error) => Err(error.to_string()),
    }
}

fn bare(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn judge(zone: &Use<'_>, found: Result<BTreeSet<String>, String>) -> Finding {
    let domain = zone.domain;
    let found = match found {
        Ok(found) => found,
        Err(why) => {
            return Finding::warning(
                Check::Delegation,
                format!("where {domain} leads to could not be asked: {why}"),
            );
        }
    };
    if !found.is_disjoint(&zone.name_servers) {
        return Finding::ok(Check::Delegation, format!("{domain} leads to its zone"));
    }
    let what = match found.is_empty() {
        true => format!("{domain} leads nowhere: the world knows no name server for it"),
        false => format!(
            "{domain} leads to {}, and not to its hosted zone",
            listed(&found)
        ),
    };
    let hint = format!(
        "have the registrar, or the zone above, name {} for {domain}",
        listed(&zone.name_servers)
    );
    let finding = match zone.proves {
        // Certificate Manager looks for 72 hours, and `up` waits with it (aws-behaviour §2.11).
        true => Finding::error(Check::Delegation, what)
            .because("the certificate would never be issued: its proof stands in that zone"),
        false => Finding::warning(Check::Delegation, what)
            .because("nobody would find the hosts that are written there"),
    };
    finding.cause(Cause::NotDelegated).hint(hint)
}

fn listed(names: &BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;
    use tokio::net::UdpSocket;

    use super::super::finding::Severity;
    use super::*;

    /// A name server on loopback that knows one domain's name servers, and of any other domain that there is none. It
    /// writes the answers byte by byte, as RFC 1035 §4 has them.
    async fn name_server(domain: &'static str, servers: &'static [&'static str]) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut packet = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut packet).await {
                let answer = answer(&packet[..length], domain, servers);
                let _ = socket.send_to(&answer, from).await;
            }
        });
        address
    }

    fn wire(name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        for label in name.split('.') {
            bytes.push(label.len() as u8);
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
        bytes
    }

    fn answer(question: &[u8], domain: &str, servers: &[&str]) -> Vec<u8> {
        let name_ends = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
        let asked = question[12..name_ends].to_ascii_lowercase();
        let known = asked == wire(domain);
        let count = if known { servers.len() as u8 } else { 0 };
        let mut bytes = question[..2].to_vec();
        // An answer, recursion available; 3 is "no such domain".
        bytes.extend([
            0x81,
            if known { 0x80 } else { 0x83 },
            0,
            1,
            0,
            count,
            0,
            0,
            0,
            0,
        ]);
        bytes.extend(&question[12..name_ends + 4]);
        for server in servers.iter().take(count.into()) {
            let name = wire(server);
            // The asked name, NS, IN, 60 seconds.
            bytes.extend([0xc0, 12, 0, 2, 0, 1, 0, 0, 0, 60, 0, name.len() as u8]);
            bytes.extend(name);
        }
        bytes
    }

    fn asking(server: SocketAddr) -> TokioResolver {
        let mut connection = ConnectionConfig::udp();
        connection.port = server.port();
        let server = NameServerConfig::new(server.ip(), true, vec![connection]);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let provider = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(config, provider);
        patient(builder.options_mut());
        builder.build().unwrap()
    }

    #[tokio::test]
    async fn the_name_servers_of_a_domain_are_asked_for() {
        let server = name_server(
            "example.com",
            &["ns-1.awsdns-01.org", "NS-2.awsdns-02.co.uk"],
        );
        let resolver = asking(server.await);
        let found = name_servers(&resolver, "example.com").await.unwrap();
        assert_eq!(listed(&found), "ns-1.awsdns-01.org, ns-2.awsdns-02.co.uk");
        let none = name_servers(&resolver, "example.org").await.unwrap();
        assert_eq!(none, BTreeSet::new());
    }

    #[test]
    fn a_domain_that_leads_elsewhere_is_told_and_stops_a_certificate() {
        let address = Address::new("hosted_zone", "example.com");
        let zone = |proves| Use {
            address: &address,
            domain: "example.com",
            name_servers: BTreeSet::from(["ns-1.awsdns-01.org".to_owned()]),
            proves,
        };
        let elsewhere = || Ok(BTreeSet::from(["ns.registrar.example".to_owned()]));
        for (proves, found, severity, part) in [
            (
                true,
                Ok(zone(true).name_servers),
                Severity::Ok,
                "leads to its zone",
            ),
            (
                true,
                elsewhere(),
                Severity::Error,
                "leads to ns.registrar.example, and not",
            ),
            (
                false,
                elsewhere(),
                Severity::Warning,
                "leads to ns.registrar.example, and not",
            ),
            (true, Ok(BTreeSet::new()), Severity::Error, "leads nowhere"),
            (
                true,
                Err("timed out".to_owned()),
                Severity::Warning,
                "timed out",
            ),
        ] {
            let finding = judge(&zone(proves), found);
            assert_eq!(finding.severity, severity, "{part}");
            let leads_elsewhere = part.contains("leads") && severity > Severity::Skipped;
            assert_eq!(finding.code, leads_elsewhere.then_some(Cause::NotDelegated));
            assert!(finding.what.contains(part), "{}", finding.what);
        }
    }
}
