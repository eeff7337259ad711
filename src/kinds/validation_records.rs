//! Which CNAMEs prove to ACM that a domain is the account's, and does the zone hold them?

use std::collections::BTreeSet;

use aws_sdk_acm::types::CertificateDetail;
use aws_sdk_route53::types::{ResourceRecord, ResourceRecordSet, RrType};
use serde::{Deserialize, Serialize};

use crate::aws::canonical_name;
use crate::resource::CallError;

/// A CNAME by which ACM sees that the domain is the account's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ValidationRecord {
    /// `_x.example.com.`
    pub name: String,
    /// `_y.acm-validations.aws.`
    pub value: String,
}

/// Each record once: a domain and its wildcard share theirs (aws-behaviour §2.11).
pub(super) fn validation_records(detail: &CertificateDetail) -> Vec<ValidationRecord> {
    let records: BTreeSet<ValidationRecord> = detail
        .domain_validation_options()
        .iter()
        .filter_map(|option| option.resource_record.as_ref())
        .map(|record| ValidationRecord {
            name: record.name.clone(),
            value: record.value.clone(),
        })
        .collect();
    records.into_iter().collect()
}

pub(super) fn missing(wanted: &[ValidationRecord], held: &[ResourceRecordSet]) -> Vec<String> {
    wanted
        .iter()
        .filter(|wanted| {
            !held.iter().any(|held| {
                held.r#type == RrType::Cname
                    && canonical_name(&held.name) == canonical_name(&wanted.name)
                    && held
                        .resource_records()
                        .iter()
                        .any(|value| canonical_name(&value.value) == canonical_name(&wanted.value))
            })
        })
        .map(|wanted| canonical_name(&wanted.name))
        .collect()
}

pub(super) fn record_set(record: &ValidationRecord) -> Result<ResourceRecordSet, CallError> {
    ResourceRecord::builder()
        .value(&record.value)
        .build()
        .and_then(|value| {
            ResourceRecordSet::builder()
                .name(&record.name)
                .r#type(RrType::Cname)
                .ttl(300)
                .resource_records(value)
                .build()
        })
        .map_err(|error| CallError::local("route53:ChangeResourceRecordSets", error.to_string()))
}

#[cfg(test)]
pub(super) mod tests {
    use aws_sdk_acm::types::{DomainValidation, RecordType};

    use super::*;

    /// What AWS answers of one domain.
    pub fn validation(domain: &str, record: &str) -> DomainValidation {
        let record = aws_sdk_acm::types::ResourceRecord::builder()
            .name(record)
            .r#type(RecordType::Cname)
            .value("_y.acm-validations.aws.")
            .build()
            .unwrap();
        DomainValidation::builder()
            .domain_name(domain)
            .resource_record(record)
            .build()
            .unwrap()
    }

    fn records() -> Vec<ValidationRecord> {
        validation_records(
            &CertificateDetail::builder()
                .domain_validation_options(validation("example.com", "_x.example.com."))
                .domain_validation_options(validation("*.example.com", "_x.example.com."))
                .domain_validation_options(validation("api.example.org", "_z.api.example.org."))
                .build(),
        )
    }

    #[test]
    fn a_domain_and_its_wildcard_share_one_record() {
        let names: Vec<_> = records().into_iter().map(|record| record.name).collect();
        assert_eq!(names, ["_x.example.com.", "_z.api.example.org."]);
    }

    #[test]
    fn a_record_in_the_zone_is_recognised_in_route_53s_spelling() {
        let wanted = records();
        let mut held: Vec<_> = wanted
            .iter()
            .map(|record| record_set(record).unwrap())
            .collect();
        held[0].name = "_X.example.com".into();
        assert!(missing(&wanted, &held).is_empty());
        assert_eq!(missing(&wanted, &held[1..]), ["_x.example.com"]);
    }

    #[test]
    fn a_record_with_another_value_is_missing() {
        let wanted = records();
        let stale = ValidationRecord {
            value: "_old.acm-validations.aws.".into(),
            ..wanted[0].clone()
        };
        let held = [record_set(&stale).unwrap(), record_set(&wanted[1]).unwrap()];
        assert_eq!(missing(&wanted, &held), ["_x.example.com"]);
    }
}
