//! Which certificates does the account have: which of them serves a domain best, which did a create request,
//! and which renew by the same records?

use std::collections::BTreeSet;

use aws_sdk_acm::types::{
    CertificateDetail, CertificateStatus, CertificateSummary, Filters, KeyAlgorithm,
};

use super::validation_records::validation_records;
use crate::aws::{Aws, canonical_name, send, tags};
use crate::resource::CallError;

pub(super) async fn described(
    aws: &Aws,
    arn: &str,
) -> Result<Option<CertificateDetail>, CallError> {
    let call = aws.acm.describe_certificate().certificate_arn(arn);
    match send("acm:DescribeCertificate", call.send()).await {
        Ok(answer) => Ok(answer.certificate),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The certificate for this domain that the create with this token requested.
pub(super) async fn made_by(
    aws: &Aws,
    domain: &str,
    token: &str,
) -> Result<Option<String>, CallError> {
    for summary in summaries(aws, false).await? {
        let (Some(arn), Some(name)) = (summary.certificate_arn, summary.domain_name) else {
            continue;
        };
        if canonical_name(&name) != canonical_name(domain) {
            continue;
        }
        let call = aws.acm.list_tags_for_certificate().certificate_arn(&arn);
        let tags = match send("acm:ListTagsForCertificate", call.send()).await {
            Ok(answer) => answer.tags.unwrap_or_default(),
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error),
        };
        let ours = tags
            .iter()
            .any(|tag| tag.key == tags::OPERATION && tag.value.as_deref() == Some(token));
        if ours {
            return Ok(Some(arn));
        }
    }
    Ok(None)
}

/// The names of validation records by which certificates other than `arn` prove any of these domains.
pub(super) async fn records_of_others(
    aws: &Aws,
    arn: &str,
    domains: &BTreeSet<String>,
) -> Result<BTreeSet<String>, CallError> {
    let mut needed = BTreeSet::new();
    for summary in summaries(aws, false).await? {
        let other = summary.certificate_arn.as_deref();
        let Some(other) = other.filter(|other| *other != arn) else {
            continue;
        };
        if !names_of(&summary).any(|name| domains.contains(&bare_domain(name))) {
            continue;
        }
        if let Some(detail) = described(aws, other).await?
            && !detail.status.as_ref().is_some_and(is_dead)
        {
            let records = validation_records(&detail);
            needed.extend(records.iter().map(|record| canonical_name(&record.name)));
        }
    }
    Ok(needed)
}

/// The certificates of the account. Without a list of key types ACM leaves out all but
/// RSA of at most 2048 bits.
pub(super) async fn summaries(
    aws: &Aws,
    issued_only: bool,
) -> Result<Vec<CertificateSummary>, CallError> {
    let key_types = KeyAlgorithm::values()
        .iter()
        .map(|name| KeyAlgorithm::from(*name))
        .collect();
    let filters = Filters::builder().set_key_types(Some(key_types)).build();
    let mut certificates = Vec::new();
    let mut next_token = None;
    loop {
        let page = send(
            "acm:ListCertificates",
            aws.acm
                .list_certificates()
                .includes(filters.clone())
                .set_certificate_statuses(issued_only.then(|| vec![CertificateStatus::Issued]))
                .set_next_token(next_token)
                .send(),
        )
        .await?;
        certificates.extend(page.certificate_summary_list.unwrap_or_default());
        next_token = page.next_token;
        if next_token.is_none() {
            return Ok(certificates);
        }
    }
}

/// The certificate that serves the domain best: one for just this name, else one that names it among
/// others, else a wildcard; of equals the one that lasts longest.
pub(super) fn best_match(domain: &str, certificates: &[CertificateSummary]) -> Option<String> {
    let domain = canonical_name(domain);
    let wildcard = domain
        .split_once('.')
        .map(|(_, parent)| format!("*.{parent}"));
    certificates
        .iter()
        .filter_map(|certificate| {
            let names: Vec<String> = names_of(certificate).map(canonical_name).collect();
            let rank = if names.first() == Some(&domain) {
                3
            } else if names.contains(&domain) {
                2
            } else if wildcard
                .as_ref()
                .is_some_and(|wildcard| names.contains(wildcard))
            {
                1
            } else {
                return None;
            };
            let lasts_until = certificate.not_after.map_or(0, |time| time.secs());
            let arn = certificate.certificate_arn.clone()?;
            Some((rank, lasts_until, arn))
        })
        .max()
        .map(|(_, _, arn)| arn)
}

fn names_of(certificate: &CertificateSummary) -> impl Iterator<Item = &str> {
    let others = certificate.subject_alternative_name_summaries();
    certificate
        .domain_name
        .iter()
        .chain(others)
        .map(String::as_str)
}

/// Statuses that a certificate never leaves.
pub(super) fn is_dead(status: &CertificateStatus) -> bool {
    matches!(
        status,
        CertificateStatus::Failed
            | CertificateStatus::ValidationTimedOut
            | CertificateStatus::Expired
            | CertificateStatus::Revoked
    )
}

/// The domain that a validation record is for: a wildcard's is its parent's.
pub(super) fn bare_domain(name: &str) -> String {
    let name = canonical_name(name);
    name.strip_prefix("*.").map(str::to_owned).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_certificate_wins_then_the_longest_lasting() {
        let certificate = |arn: &str, names: [&str; 2], until: i64| {
            CertificateSummary::builder()
                .certificate_arn(arn)
                .domain_name(names[0])
                .subject_alternative_name_summaries(names[0])
                .subject_alternative_name_summaries(names[1])
                .not_after(aws_sdk_acm::primitives::DateTime::from_secs(until))
                .build()
        };
        let all = [
            certificate("wildcard", ["*.example.com", "example.com"], 900),
            certificate("old", ["api.example.com", "x.org"], 100),
            certificate("new", ["api.example.com", "y.org"], 200),
            certificate("other", ["example.org", "www.example.org"], 999),
        ];
        assert_eq!(best_match("api.example.com", &all).as_deref(), Some("new"));
        assert_eq!(
            best_match("www.example.com", &all).as_deref(),
            Some("wildcard")
        );
        assert_eq!(best_match("example.com", &all).as_deref(), Some("wildcard"));
        assert_eq!(best_match("a.b.example.com", &all), None);
    }

    #[test]
    fn a_wildcard_is_proven_by_its_parents_record() {
        assert_eq!(bare_domain("*.Example.com"), "example.com");
        assert_eq!(bare_domain("api.example.com"), "api.example.com");
    }
}
