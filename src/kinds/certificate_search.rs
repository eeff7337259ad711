//! Which certificates does the account have, and which of them serves a domain best?

use aws_sdk_acm::types::{CertificateStatus, CertificateSummary, Filters, KeyAlgorithm};

use crate::aws::{Aws, canonical_name, send};
use crate::resource::CallError;

/// The certificates of the account. Without a list of key types ACM leaves out all but RSA 2048.
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

pub(super) fn names_of(certificate: &CertificateSummary) -> impl Iterator<Item = &str> {
    let others = certificate.subject_alternative_name_summaries();
    certificate
        .domain_name
        .iter()
        .chain(others)
        .map(String::as_str)
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
}
