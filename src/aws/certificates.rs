//! What does Certificate Manager know of a certificate that is there already?

use aws_sdk_acm::types::RenewalEligibility;

use super::{Aws, canonical_name, send};
use crate::resource::CallError;

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
