//! How does ACM find out that a name is the requester's? By a CNAME that it asks for, in a public hosted zone.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use serde::Serialize;
use serde_json::{Value, json};

use super::certificate::Status;
use crate::sandbox::{
    fault::Fault,
    ids::Ids,
    pace::Doing,
    route53::{DnsName, Route53},
    world::Context,
};

/// ACM gives up then (aws-behaviour §2.11).
const PATIENCE: Duration = Duration::from_secs(72 * 3600);

#[derive(Debug, Serialize)]
pub struct DomainValidation {
    pub domain: String,
    pub record_name: DnsName,
    pub record_value: DnsName,
    /// The record is told a few seconds after the request (aws-behaviour §1 row 22).
    pub is_told: bool,
}

impl DomainValidation {
    /// An account gets the same record for a name each time, and a wildcard the one of the name below it (aws-behaviour §2.11).
    pub fn new(account: &str, domain: &str) -> Self {
        let base = domain.strip_prefix("*.").unwrap_or(domain);
        let mut hasher = DefaultHasher::new();
        (account, base).hash(&mut hasher);
        let mut ids = Ids::new(hasher.finish());
        Self {
            domain: domain.to_owned(),
            record_name: DnsName::new(&format!("_{}.{base}", ids.hexadecimal(32))),
            record_value: DnsName::new(&format!(
                "_{}.{}.acm-validations.aws",
                ids.hexadecimal(32),
                ids.alphanumeric(10)
            )),
            is_told: false,
        }
    }

    pub fn to_value(&self, method: &str, status: Status) -> Value {
        let status = match status {
            Status::PendingValidation => "PENDING_VALIDATION",
            Status::Issued => "SUCCESS",
            Status::ValidationTimedOut => "FAILED",
        };
        let mut value = json!({
            "DomainName": self.domain,
            "ValidationDomain": self.domain,
            "ValidationStatus": status,
            "ValidationMethod": method,
        });
        if method == "DNS" && self.is_told {
            value["ResourceRecord"] = json!({
                "Name": self.record_name,
                "Type": "CNAME",
                "Value": self.record_value,
            });
        }
        value
    }

    fn is_shown(&self, route53: &Route53) -> bool {
        route53
            .public_records(&self.record_name)
            .into_iter()
            .filter(|record| record.kind == "CNAME")
            .flat_map(|record| &record.values)
            .any(|value| DnsName::new(value) == self.record_value)
    }
}

pub fn check_name(name: &str) -> Result<(), Fault> {
    let host = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || character == '-')
    };
    if name.len() <= 253 && host.contains('.') && host.split('.').all(is_label) {
        return Ok(());
    }
    Err(Fault::new(
        "ValidationException",
        format!(
            "1 validation error detected: Value '{name}' at 'domainName' failed to satisfy constraint: Member must be a domain name of at least two labels"
        ),
    ))
}

/// Starts what ACM does with a request.
pub fn begin(context: &mut Context<'_>, arn: &str) {
    let arn = arn.to_owned();
    context.schedule(Doing::ValidationRecordAppears, move |context| {
        if let Some(certificate) = context.region.acm.certificates.get_mut(&arn) {
            for validation in &mut certificate.validations {
                validation.is_told = true;
            }
        }
        look(context, arn);
    });
}

/// Looks for the records before every request, until they are there, the certificate is gone or ACM's patience is at its end.
fn look(context: &mut Context<'_>, arn: String) {
    let now = context.now;
    let Some(certificate) = context.region.acm.certificates.get_mut(&arn) else {
        return;
    };
    if now.since(certificate.created) > PATIENCE {
        certificate.status = Status::ValidationTimedOut;
        return;
    }
    let route53 = &context.global.route53;
    let are_shown = certificate.method == "DNS"
        && certificate
            .validations
            .iter()
            .all(|validation| validation.is_shown(route53));
    if !are_shown {
        context.schedule_for_next_request(move |context| look(context, arn));
        return;
    }
    context.schedule(Doing::CertificateIsIssued, move |context| {
        let now = context.now;
        if let Some(certificate) = context.region.acm.certificates.get_mut(&arn) {
            certificate.status = Status::Issued;
            certificate.issued = Some(now);
        }
    });
}
