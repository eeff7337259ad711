//! What does Certificate Manager know of a certificate that is there already?

use aws_sdk_acm::types::RenewalEligibility;

use super::routing::name_in;
use super::{Aws, canonical_name, send};
use crate::resource::{CallError, Holder};

/// What decides whether a listener can use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The names it is for, in lower case.
    pub names: Vec<String>,
    /// `ISSUED`, `PENDING_VALIDATION`, …
    pub status: String,
    /// When it ends, in seconds since 1970; unknown before it is issued.
    pub not_after: Option<i64>,
    /// Whether Certificate Manager renews it by itself.
    pub renews: bool,
    /// `RSA_2048`, `EC_prime256v1`, …
    pub key_algorithm: String,
}

/// What is known of the certificate, `None` when there is none of this ARN in this region.
pub async fn facts(aws: &Aws, arn: &str) -> Result<Option<CertificateFacts>, CallError> {
    let call = aws.acm.describe_certificate().certificate_arn(arn);
    let detail = match send("acm:DescribeCertificate", call.send()).await {
        Ok(answer) => answer.certificate,
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error),
    };
    Ok(detail.map(|detail| {
        let mut names: Vec<String> = detail
            .subject_alternative_names()
            .iter()
            .chain(&detail.domain_name)
            .map(|name| canonical_name(name))
            .collect();
        names.sort();
        names.dedup();
        CertificateFacts {
            names,
            status: detail
                .status
                .map(|status| status.as_str().to_owned())
                .unwrap_or_default(),
            not_after: detail.not_after.map(|time| time.secs()),
            renews: detail.renewal_eligibility == Some(RenewalEligibility::Eligible),
            key_algorithm: detail
                .key_algorithm
                .map(|algorithm| algorithm.as_str().to_owned())
                .unwrap_or_default(),
        }
    }))
}

/// The load balancers that use the certificate, as holders; empty when AWS can't be asked.
pub async fn holders_of(aws: &Aws, arn: &str) -> Vec<Holder> {
    let call = aws.acm.describe_certificate().certificate_arn(arn);
    let answer = send("acm:DescribeCertificate", call.send()).await;
    let detail = answer.ok().and_then(|answer| answer.certificate);
    detail
        .and_then(|detail| detail.in_use_by)
        .unwrap_or_default()
        .into_iter()
        .map(|user| Holder {
            what: match user.contains(":loadbalancer/") {
                true => format!("load balancer {}", name_in(&user)),
                false => "another user of the certificate".to_owned(),
            },
            id: user,
        })
        .collect()
}
