//! The ACM certificate, looked up by domain or requested and validated by DNS: how is it made, followed and removed?

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_acm::types::{CertificateDetail, CertificateStatus, ValidationMethod};
use aws_sdk_route53::types::{ChangeAction, ResourceRecordSet};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::certificate_search::{
    bare_domain, best_match, described, is_dead, made_by, records_of_others, summaries,
};
use super::hosted_zone::HostedZone;
pub use super::validation_records::ValidationRecord;
use super::validation_records::{missing, record_set, validation_records};
use crate::aws::{
    Aws, Settle, canonical_name, certificates, change_records, remove_records, send, settle, tags,
    zone_records,
};
use crate::resource::{
    CallError, Cause, Change, Context, Diagnosis, Effect, Holder, Known, Lookup, Readiness, Ref,
    Resource, StepError, TagMap, Timing,
};

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// `example.com`.
    pub domain_name: String,
    /// Further names, `*.example.com`; without `domain_name`.
    pub subject_alternative_names: Vec<String>,
    /// Where the validation records go: `exists` (aws-behaviour §1 rows 21 to 23). `None` when an issued
    /// certificate for the domain is looked up instead.
    pub hosted_zone: Option<Ref<HostedZone>>,
    /// Tags of a certificate that the stack requests.
    pub tags: TagMap,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct CertificateObserved {
    /// `arn:aws:acm:…`.
    pub arn: String,
    /// The first name.
    pub domain_name: String,
    /// The other names, sorted.
    pub subject_alternative_names: Vec<String>,
    /// How far it is.
    pub status: CertificateStatus,
    /// AWS's word for what failed.
    pub failure_reason: Option<String>,
    /// The CNAMEs that AWS asks for, each once.
    pub validation_records: Vec<ValidationRecord>,
    /// The names of validation records that the zone lacks, as far as it was read.
    pub missing_records: Vec<String>,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateOutputs {
    /// `arn:aws:acm:…`.
    pub arn: String,
    /// The CNAMEs that prove the domain.
    pub validation_records: Vec<ValidationRecord>,
}

impl Resource for Certificate {
    const KIND: &'static str = "certificate";
    // aws-behaviour §2.11 and §6.4: issued in about 23 s, given up after 75 minutes; on delete
    // ResourceInUse lags the listener's deletion by up to 20 minutes.
    const TIMING: Timing = Timing {
        ready: Duration::from_secs(25),
        ready_within: Duration::from_secs(75 * 60),
        ..Timing::IMMEDIATE
    };
    type Cloud = Aws;
    type Observed = CertificateObserved;
    type Outputs = CertificateOutputs;

    fn is_lookup(&self) -> bool {
        self.hosted_zone.is_none()
    }

    fn diff(&self, seen: &CertificateObserved, recorded: Option<&Self>, _known: &Known) -> Change {
        let mut change = Change::default();
        if self.is_lookup() {
            return change;
        }
        change.field(
            "domain_name",
            &seen.domain_name,
            &self.domain_name,
            Effect::Replace,
        );
        change.field(
            "subject_alternative_names",
            &seen.subject_alternative_names,
            &sorted(&self.subject_alternative_names),
            Effect::Replace,
        );
        if is_dead(&seen.status) {
            let old = seen.status.as_str().to_owned();
            change.condition("status", old, "ISSUED".to_owned(), Effect::Replace);
        } else if seen.validation_records.is_empty() {
            // A run broke off before AWS had told the records, so nobody wrote them.
            note_records(&mut change, "validation");
        } else if !seen.missing_records.is_empty() {
            note_records(&mut change, &seen.missing_records.join(", "));
        }
        change.recorded_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &CertificateObserved) -> CertificateOutputs {
        CertificateOutputs {
            arn: seen.arn.clone(),
            validation_records: match self.is_lookup() {
                true => Vec::new(),
                false => seen.validation_records.clone(),
            },
        }
    }

    fn readiness(&self, seen: &CertificateObserved) -> Readiness {
        match &seen.status {
            CertificateStatus::Issued => Readiness::Ready,
            CertificateStatus::PendingValidation => Readiness::Pending(pending(seen)),
            status => {
                let reason = seen.failure_reason.as_deref().unwrap_or("no reason given");
                Readiness::Failed(format!(
                    "the certificate for {} is {}: {reason}",
                    seen.domain_name,
                    status.as_str()
                ))
            }
        }
    }

    fn diagnosis(&self, _seen: &CertificateObserved) -> Diagnosis {
        Cause::CertificateNotIssued.into()
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<CertificateObserved>>, CallError> {
        // ACM describes one certificate per call.
        try_join_all(lookups.iter().map(|lookup| observe(aws, lookup))).await
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<CertificateOutputs>, CallError> {
        let aws = context.cloud;
        if self.is_lookup() {
            // Nobody asks for another's validation records, so this saves the second call.
            let arn = best_match(&self.domain_name, &summaries(aws, true).await?);
            return Ok(arn.map(requested));
        }
        let Some(arn) = made_by(aws, &self.domain_name, context.token).await? else {
            return Ok(None);
        };
        let detail = described(aws, &arn).await?;
        Ok(detail.map(|detail| self.outputs(&observed(detail))))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<CertificateOutputs, StepError> {
        const OPERATION: &str = "acm:RequestCertificate";
        let aws = context.cloud;
        let others = &self.subject_alternative_names;
        let tagged = tags::acm(&tags::with_token(&self.tags, context.token));
        // The token makes a repetition within the hour harmless (aws-behaviour §2.11).
        let answer = settle(OPERATION, Settle::Throttling, || {
            aws.acm
                .request_certificate()
                .domain_name(&self.domain_name)
                .set_subject_alternative_names((!others.is_empty()).then(|| others.clone()))
                .validation_method(ValidationMethod::Dns)
                .idempotency_token(context.token)
                .set_tags(Some(tagged.clone()))
                .send()
        })
        .await?;
        let arn = answer
            .certificate_arn
            .ok_or_else(|| CallError::incomplete(OPERATION, "the answer holds no ARN"))?;
        self.validate(context, requested(arn)).await
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &CertificateOutputs,
        _seen: &CertificateObserved,
        change: &Change,
    ) -> Result<CertificateOutputs, StepError> {
        let aws = context.cloud;
        let mut outputs = outputs.clone();
        if change.touches("validation_records") {
            outputs = self.validate(context, outputs).await?;
        }
        if change.touches("tags") {
            self.retag(aws, &outputs.arn, change).await?;
        }
        Ok(outputs)
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &CertificateOutputs,
    ) -> Result<(), StepError> {
        let Some(hosted_zone) = &self.hosted_zone else {
            return Ok(());
        };
        let aws = context.cloud;
        let call = aws.acm.delete_certificate().certificate_arn(&outputs.arn);
        match send("acm:DeleteCertificate", call.send()).await {
            Err(error) if !error.is_not_found() => return Err(error.into()),
            _ => {}
        }
        // Without a zone there is no record either.
        let Some(zone) = context.known.outputs(hosted_zone) else {
            return Ok(());
        };
        // A domain has one record per account, however many certificates renew by it.
        let needed = records_of_others(aws, &outputs.arn, &self.domains()).await?;
        let ours: Vec<ResourceRecordSet> = outputs
            .validation_records
            .iter()
            .filter(|record| !needed.contains(&canonical_name(&record.name)))
            .map(record_set)
            .collect::<Result<_, _>>()?;
        Ok(remove_records(aws, &zone.zone_id, ours).await?)
    }

    async fn holders(
        &self,
        context: &Context<'_, Aws>,
        outputs: &CertificateOutputs,
    ) -> Vec<Holder> {
        certificates::holders_of(context.cloud, &outputs.arn).await
    }
}

impl Certificate {
    /// Waits for the records that AWS wants to see, and writes them into the zone in one batch.
    async fn validate(
        &self,
        context: &Context<'_, Aws>,
        earlier: CertificateOutputs,
    ) -> Result<CertificateOutputs, StepError> {
        let aws = context.cloud;
        let records = awaited_records(aws, &earlier.arn)
            .await
            .map_err(|error| StepError::after(&earlier, error))?;
        let outputs = CertificateOutputs {
            validation_records: records,
            ..earlier
        };
        self.publish(context, &outputs.validation_records)
            .await
            .map_err(|error| StepError::after(&outputs, error))?;
        Ok(outputs)
    }

    async fn publish(
        &self,
        context: &Context<'_, Aws>,
        records: &[ValidationRecord],
    ) -> Result<(), CallError> {
        let Some(hosted_zone) = &self.hosted_zone else {
            return Ok(());
        };
        let zone = context.outputs(hosted_zone)?;
        // UPSERT: name and value follow from account and domain, so a record that is there already is
        // the one of an earlier certificate for the same domain (aws-behaviour §2.11).
        let changes = records
            .iter()
            .map(|record| Ok((ChangeAction::Upsert, record_set(record)?)))
            .collect::<Result<_, CallError>>()?;
        change_records(context.cloud, &zone.zone_id, changes).await
    }

    fn domains(&self) -> BTreeSet<String> {
        std::iter::once(&self.domain_name)
            .chain(&self.subject_alternative_names)
            .map(|name| bare_domain(name))
            .collect()
    }

    async fn retag(&self, aws: &Aws, arn: &str, change: &Change) -> Result<(), CallError> {
        untag(aws, arn, &change.dropped_tag_keys(&self.tags)).await?;
        if !self.tags.is_empty() {
            let call = aws.acm.add_tags_to_certificate().certificate_arn(arn);
            let call = call.set_tags(Some(tags::acm(&self.tags)));
            send("acm:AddTagsToCertificate", call.send()).await?;
        }
        Ok(())
    }
}

/// Takes these tags off a certificate, by key alone, whatever the value has become since.
pub(super) async fn untag(aws: &Aws, arn: &str, keys: &[String]) -> Result<(), CallError> {
    let keys = keys.iter();
    let tags: Vec<_> = keys
        .filter_map(|key| aws_sdk_acm::types::Tag::builder().key(key).build().ok())
        .collect();
    if tags.is_empty() {
        return Ok(());
    }
    let call = aws.acm.remove_tags_from_certificate().certificate_arn(arn);
    send(
        "acm:RemoveTagsFromCertificate",
        call.set_tags(Some(tags)).send(),
    )
    .await
    .map(drop)
}

/// What the request alone tells.
fn requested(arn: String) -> CertificateOutputs {
    CertificateOutputs {
        arn,
        validation_records: Vec::new(),
    }
}

/// The records that AWS wants to see. They are part of the object that the create makes but arrive
/// "several seconds" after the request (aws-behaviour §1 row 22), hence this loop, bounded as the
/// row's sources bound theirs.
async fn awaited_records(aws: &Aws, arn: &str) -> Result<Vec<ValidationRecord>, CallError> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(250);
    loop {
        if let Some(detail) = described(aws, arn).await? {
            if let Some(reason) = &detail.failure_reason {
                let reason = reason.as_str();
                return Err(CallError::local(
                    "acm:RequestCertificate",
                    format!("the request failed: {reason}"),
                ));
            }
            let options = detail.domain_validation_options();
            if !options.is_empty()
                && options
                    .iter()
                    .all(|option| option.resource_record.is_some())
            {
                return Ok(validation_records(&detail));
            }
        }
        if began.elapsed() > Duration::from_secs(300) {
            return Err(CallError::local(
                "acm:DescribeCertificate",
                "five minutes after the request AWS has not told the validation records; run this again",
            ));
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

async fn observe(
    aws: &Aws,
    lookup: &Lookup<'_, Certificate>,
) -> Result<Option<CertificateObserved>, CallError> {
    let Some(detail) = described(aws, &lookup.outputs.arn).await? else {
        return Ok(None);
    };
    let mut seen = observed(detail);
    let zone = lookup.spec.hosted_zone.as_ref();
    // While somebody waits for it to be issued the records were just written, and Route 53's five
    // requests a second are for others (aws-behaviour §4).
    if let Some(zone) = zone
        .and_then(|zone| lookup.known.outputs(zone))
        .filter(|_| !lookup.waiting)
    {
        let records = zone_records(aws, &zone.zone_id).await?;
        let held = records.as_ref().as_deref().unwrap_or_default();
        seen.missing_records = missing(&seen.validation_records, held);
    }
    Ok(Some(seen))
}

fn observed(detail: CertificateDetail) -> CertificateObserved {
    let validation_records = validation_records(&detail);
    let domain_name = canonical_name(&detail.domain_name.unwrap_or_default());
    // AWS repeats the first name among the others.
    let others: Vec<String> = detail
        .subject_alternative_names
        .unwrap_or_default()
        .into_iter()
        .filter(|name| canonical_name(name) != domain_name)
        .collect();
    CertificateObserved {
        arn: detail.certificate_arn.unwrap_or_default(),
        subject_alternative_names: sorted(&others),
        domain_name,
        status: detail
            .status
            .unwrap_or(CertificateStatus::PendingValidation),
        failure_reason: detail
            .failure_reason
            .map(|reason| reason.as_str().to_owned()),
        validation_records,
        missing_records: Vec::new(),
    }
}

fn note_records(change: &mut Change, missing: &str) {
    change.note(
        "validation_records",
        format!("CNAME {missing} is not in the zone"),
        "in the zone".to_owned(),
        Effect::InPlace,
    );
}

fn pending(seen: &CertificateObserved) -> String {
    let names: Vec<&str> = seen
        .validation_records
        .iter()
        .map(|record| record.name.trim_end_matches('.'))
        .collect();
    match names.as_slice() {
        [] => format!(
            "AWS has not told the validation records of {} yet",
            seen.domain_name
        ),
        names => format!(
            "AWS has not seen the CNAME {} yet; if that takes more than a few minutes, check that the \
             registrar delegates the domain to the hosted zone's name servers",
            names.join(", ")
        ),
    }
}

fn sorted(names: &[String]) -> Vec<String> {
    let names: BTreeSet<String> = names.iter().map(|name| canonical_name(name)).collect();
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::validation_records::tests::validation;
    use super::*;
    use crate::kinds::every_field::{Edit, Row, each_field};

    fn wanted() -> Certificate {
        Certificate {
            domain_name: "example.com".into(),
            subject_alternative_names: vec!["*.example.com".into(), "api.example.org".into()],
            hosted_zone: Some(Ref::exists("example.com")),
            tags: TagMap::from([("team".into(), "web".into())]),
        }
    }

    fn seen() -> CertificateObserved {
        observed(
            CertificateDetail::builder()
                .certificate_arn("arn:aws:acm:ap-northeast-1:123456789012:certificate/1")
                .domain_name("example.com")
                .set_subject_alternative_names(Some(vec![
                    "example.com".into(),
                    "api.example.org".into(),
                    "*.example.com".into(),
                ]))
                .status(CertificateStatus::Issued)
                .domain_validation_options(validation("example.com", "_x.example.com."))
                .domain_validation_options(validation("*.example.com", "_x.example.com."))
                .domain_validation_options(validation("api.example.org", "_z.api.example.org."))
                .build(),
        )
    }

    #[test]
    fn what_aws_repeats_or_reorders_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &Known::default());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<Certificate>] = &[
            (
                "domain_name",
                |certificate| certificate.domain_name = "a.org".into(),
                Effect::Replace,
            ),
            (
                "subject_alternative_names",
                |certificate| certificate.subject_alternative_names.clear(),
                Effect::Replace,
            ),
            (
                "tags.team",
                |certificate| certificate.tags.clear(),
                Effect::InPlace,
            ),
        ];
        let diff =
            |changed: &Certificate| changed.diff(&seen(), Some(&wanted()), &Known::default());
        let no_difference: &[(&str, Edit<Certificate>)] = &[
            // Whether its records are there is looked at, wherever they are.
            ("hosted_zone", |certificate| {
                certificate.hosted_zone = Some(Ref::exists("other"));
            }),
        ];
        each_field(&wanted(), diff, rows, no_difference);
    }

    #[test]
    fn what_becomes_of_it_is_a_difference() {
        type Event = fn(&mut CertificateObserved);
        let cases: [(&str, Event, Effect); 4] = [
            (
                "status",
                |seen| seen.status = CertificateStatus::ValidationTimedOut,
                Effect::Replace,
            ),
            (
                "status",
                |seen| seen.status = CertificateStatus::Expired,
                Effect::Replace,
            ),
            (
                "validation_records",
                |seen| seen.missing_records = vec!["_x.example.com".into()],
                Effect::InPlace,
            ),
            (
                "validation_records",
                |seen| seen.validation_records.clear(),
                Effect::InPlace,
            ),
        ];
        for (field, event, effect) in cases {
            let mut seen = seen();
            event(&mut seen);
            let change = wanted().diff(&seen, Some(&wanted()), &Known::default());
            assert_eq!(change.fields.len(), 1, "{field}: {change:?}");
            assert_eq!(change.fields[0].field, field);
            assert_eq!(change.fields[0].effect, effect, "{field}");
        }
    }

    #[test]
    fn a_certificate_that_is_looked_up_never_differs() {
        let mut wanted = wanted();
        wanted.hosted_zone = None;
        wanted.subject_alternative_names.clear();
        assert!(Resource::is_lookup(&wanted));
        assert!(wanted.diff(&seen(), None, &Known::default()).is_empty());
    }

    #[test]
    fn a_waiting_user_reads_which_record_to_check() {
        let mut seen = seen();
        assert_eq!(wanted().readiness(&seen), Readiness::Ready);
        seen.status = CertificateStatus::PendingValidation;
        let Readiness::Pending(text) = wanted().readiness(&seen) else {
            panic!("pending")
        };
        assert!(
            text.contains("_x.example.com") && text.contains("delegates"),
            "{text}"
        );
    }

    #[test]
    fn a_failed_validation_is_final_and_says_why() {
        for status in [
            CertificateStatus::Failed,
            CertificateStatus::ValidationTimedOut,
        ] {
            let mut seen = seen();
            seen.status = status;
            seen.failure_reason = Some("CAA_ERROR".into());
            let Readiness::Failed(text) = wanted().readiness(&seen) else {
                panic!("failed")
            };
            assert!(text.ends_with("CAA_ERROR"), "{text}");
        }
    }
}
