//! The listener of a load balancer with its default action: how is it made, compared, changed and removed?

use std::collections::HashMap;

use aws_sdk_elasticloadbalancingv2::types::{Action, ProtocolEnum};
use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
use super::listener_action::ActionValue;
use super::load_balancer::LoadBalancer;
use super::target_group::TargetGroup;
use crate::aws::{Aws, Settle, describe_present, ours_or_taken, send, settle, tags, taken};
use crate::resource::{
    CallError, Change, Context, Effect, Known, Lookup, Ref, Resource, StepError, TagMap,
};

/// What clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ListenerProtocol {
    /// Plain.
    Http,
    /// With a certificate.
    Https,
}

/// Where the certificate of an HTTPS listener comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListenerCertificate {
    /// An issued one that the stack file names.
    Arn(String),
    /// One that the stack requests or looks up: `ready`, which means issued
    /// (aws-behaviour §1 row 18).
    Resource(Ref<Certificate>),
}

/// What happens to a request that no rule takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultAction {
    /// The load balancer answers itself.
    FixedResponse(FixedResponse),
    /// `exists` (aws-behaviour §1 row 19).
    Forward(Ref<TargetGroup>),
    /// The client is sent elsewhere.
    Redirect(Redirect),
}

/// An answer of the load balancer's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedResponse {
    /// `404`.
    pub status_code: u16,
    /// `text/plain`.
    pub content_type: String,
    /// The text.
    pub message_body: String,
}

/// Same host, path and query, but another protocol and port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// Where to.
    pub protocol: ListenerProtocol,
    /// Where to.
    pub port: u16,
    /// For how long.
    pub status_code: RedirectStatus,
}

/// Whether clients may remember a redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RedirectStatus {
    /// They may.
    #[serde(rename = "HTTP_301")]
    Permanent,
    /// They may not.
    #[serde(rename = "HTTP_302")]
    Temporary,
}

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listener {
    /// `exists`: it need not be active (aws-behaviour §1 row 17).
    pub load_balancer: Ref<LoadBalancer>,
    /// Unique per load balancer.
    pub port: u16,
    /// What clients speak.
    pub protocol: ListenerProtocol,
    /// `ELBSecurityPolicy-…`. `None` leaves it to AWS.
    pub ssl_policy: Option<String>,
    /// For HTTPS.
    pub certificate: Option<ListenerCertificate>,
    /// For requests that no rule takes.
    pub default_action: DefaultAction,
    /// Tags.
    pub tags: TagMap,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenerObserved {
    /// `arn:aws:elasticloadbalancing:…:listener/app/…`.
    pub arn: String,
    /// The load balancer's ARN.
    pub load_balancer_arn: String,
    /// Its port.
    pub port: u16,
    /// `HTTP` or `HTTPS`.
    pub protocol: String,
    /// The TLS policy, AWS's default among them.
    pub ssl_policy: Option<String>,
    /// The default certificate's ARN.
    pub certificate_arn: Option<String>,
    /// The default action.
    pub default_action: ActionValue,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListenerOutputs {
    /// `arn:aws:elasticloadbalancing:…:listener/app/…`.
    pub arn: String,
}

impl Resource for Listener {
    const KIND: &'static str = "listener";
    const KNOWN_BY: &'static [&'static str] = &["port", "protocol"];
    type Cloud = Aws;
    type Observed = ListenerObserved;
    type Outputs = ListenerOutputs;

    fn claim(&self) -> Option<String> {
        Some(format!(
            "{} port {}",
            self.load_balancer.address(),
            self.port
        ))
    }

    fn diff(&self, seen: &ListenerObserved, recorded: Option<&Self>, known: &Known) -> Change {
        let mut change = Change::default();
        let load_balancer_arn = known.get(&self.load_balancer, |balancer| balancer.arn);
        change.reference(
            "load_balancer",
            &seen.load_balancer_arn,
            load_balancer_arn.as_ref(),
            Effect::Replace,
        );
        change.field("port", &seen.port, &self.port, Effect::InPlace);
        change.field(
            "protocol",
            seen.protocol.as_str(),
            self.protocol.as_str(),
            Effect::InPlace,
        );
        if let Some(wanted) = &self.ssl_policy {
            let seen = seen.ssl_policy.as_deref().unwrap_or("(none)");
            change.field("ssl_policy", seen, wanted.as_str(), Effect::InPlace);
        }
        if let Some(wanted) = &self.certificate {
            let seen = seen
                .certificate_arn
                .clone()
                .unwrap_or_else(|| "(none)".to_owned());
            let arn = wanted.arn(known);
            change.reference("certificate", &seen, arn.as_ref(), Effect::InPlace);
        }
        let action = self.default_action.value(known);
        change.reference(
            "default_action",
            &seen.default_action,
            action.as_ref(),
            Effect::InPlace,
        );
        change.recorded_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &ListenerObserved) -> ListenerOutputs {
        ListenerOutputs {
            arn: seen.arn.clone(),
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<ListenerObserved>>, CallError> {
        let arns: Vec<String> = lookups
            .iter()
            .map(|lookup| lookup.outputs.arn.clone())
            .collect();
        let found = describe_present(&arns, 20, |arns| async move {
            let call = aws.elb.describe_listeners().set_listener_arns(Some(arns));
            let answer = send("elb:DescribeListeners", call.send()).await?;
            Ok(answer.listeners.unwrap_or_default())
        })
        .await?;
        let found: HashMap<_, _> = found
            .into_iter()
            .map(observed)
            .map(|listener| (listener.arn.clone(), listener))
            .collect();
        Ok(arns.iter().map(|arn| found.get(arn).cloned()).collect())
    }

    async fn find(&self, context: &Context<'_, Aws>) -> Result<Option<ListenerOutputs>, CallError> {
        match self.existing(context).await? {
            Some(arn) if tags::made_elb(context.cloud, &arn, context.token).await? => {
                Ok(Some(ListenerOutputs { arn }))
            }
            _ => Ok(None),
        }
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<ListenerOutputs, StepError> {
        const OPERATION: &str = "elb:CreateListener";
        let aws = context.cloud;
        let what = format!("the listener on port {}", self.port);
        // AWS answers a create of the same port and settings with the listener that is there
        // (aws-behaviour §2, name-idempotent): so look first.
        if let Some(arn) = self.existing(context).await? {
            return match tags::made_elb(aws, &arn, context.token).await? {
                true => Ok(ListenerOutputs { arn }),
                false => Err(taken(OPERATION, &what).into()),
            };
        }
        let balancer = context.outputs(&self.load_balancer)?;
        let action = self.default_action(context)?;
        let certificate = self.certificate_arn(context)?;
        let tagged = tags::elb(&tags::with_token(&self.tags, context.token));
        let created = settle(OPERATION, self.patience(), || {
            aws.elb
                .create_listener()
                .load_balancer_arn(&balancer.arn)
                .port(i32::from(self.port))
                .protocol(ProtocolEnum::from(self.protocol.as_str()))
                .set_ssl_policy(self.ssl_policy.clone())
                .set_certificates(certificates(certificate.as_ref()))
                .default_actions(action.clone())
                .set_tags(Some(tagged.clone()))
                .send()
        })
        .await;
        match created {
            Ok(answer) => answer
                .listeners
                .unwrap_or_default()
                .into_iter()
                .find_map(|listener| listener.listener_arn)
                .map(|arn| ListenerOutputs { arn })
                .ok_or_else(|| {
                    CallError::incomplete(OPERATION, "the answer holds no listener").into()
                }),
            Err(error) => Ok(ours_or_taken(error, &what, || self.find(context)).await?),
        }
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &ListenerOutputs,
        _seen: &ListenerObserved,
        change: &Change,
    ) -> Result<ListenerOutputs, StepError> {
        let aws = context.cloud;
        let fields = [
            "port",
            "protocol",
            "ssl_policy",
            "certificate",
            "default_action",
        ];
        if fields.iter().any(|field| change.touches(field)) {
            let action = self.default_action(context)?;
            let certificate = self.certificate_arn(context)?;
            // All of it, since the fields depend on each other: HTTPS needs its certificate in the same call.
            settle("elb:ModifyListener", self.patience(), || {
                aws.elb
                    .modify_listener()
                    .listener_arn(&outputs.arn)
                    .port(i32::from(self.port))
                    .protocol(ProtocolEnum::from(self.protocol.as_str()))
                    .set_ssl_policy(self.ssl_policy.clone())
                    .set_certificates(certificates(certificate.as_ref()))
                    .default_actions(action.clone())
                    .send()
            })
            .await?;
        }
        if change.touches("tags") {
            let dropped = change.dropped_tag_keys(&self.tags);
            tags::retag_elb(aws, &outputs.arn, &self.tags, dropped).await?;
        }
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &ListenerOutputs,
    ) -> Result<(), StepError> {
        let call = context
            .cloud
            .elb
            .delete_listener()
            .listener_arn(&outputs.arn);
        match send("elb:DeleteListener", call.send()).await {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl ListenerProtocol {
    fn as_str(self) -> &'static str {
        match self {
            ListenerProtocol::Http => "HTTP",
            ListenerProtocol::Https => "HTTPS",
        }
    }
}

impl RedirectStatus {
    fn as_str(self) -> &'static str {
        match self {
            RedirectStatus::Permanent => "HTTP_301",
            RedirectStatus::Temporary => "HTTP_302",
        }
    }
}

impl ListenerCertificate {
    fn arn(&self, known: &Known) -> Option<String> {
        match self {
            ListenerCertificate::Arn(arn) => Some(arn.clone()),
            ListenerCertificate::Resource(certificate) => {
                known.get(certificate, |certificate| certificate.arn)
            }
        }
    }
}

impl DefaultAction {
    fn value(&self, known: &Known) -> Option<ActionValue> {
        match self {
            DefaultAction::FixedResponse(response) => {
                Some(ActionValue::FixedResponse(response.clone()))
            }
            DefaultAction::Forward(group) => {
                known.get(group, |group| ActionValue::Forward(group.arn))
            }
            DefaultAction::Redirect(redirect) => Some(ActionValue::Redirect {
                protocol: redirect.protocol.as_str().to_owned(),
                port: redirect.port.to_string(),
                status_code: redirect.status_code.as_str().to_owned(),
            }),
        }
    }
}

impl Listener {
    /// The ARN of the listener on this port, whosever it is.
    async fn existing(&self, context: &Context<'_, Aws>) -> Result<Option<String>, CallError> {
        let aws = context.cloud;
        let balancer = context.outputs(&self.load_balancer)?;
        let mut marker = None;
        loop {
            let call = aws
                .elb
                .describe_listeners()
                .load_balancer_arn(&balancer.arn);
            let page = match send("elb:DescribeListeners", call.set_marker(marker).send()).await {
                Ok(page) => page,
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(error),
            };
            let found = page
                .listeners
                .unwrap_or_default()
                .into_iter()
                .find(|listener| listener.port == Some(i32::from(self.port)));
            if let Some(listener) = found {
                return Ok(listener.listener_arn);
            }
            marker = page.next_marker;
            if marker.is_none() {
                return Ok(None);
            }
        }
    }

    fn default_action(&self, context: &Context<'_, Aws>) -> Result<Action, CallError> {
        if let DefaultAction::Forward(group) = &self.default_action {
            let group = context.outputs(group)?;
            return Ok(ActionValue::Forward(group.arn).to_action());
        }
        let value = self.default_action.value(context.known);
        // Only a forward waits for another resource.
        let value = value.unwrap_or_else(|| ActionValue::Other("unknown".to_owned()));
        Ok(value.to_action())
    }

    fn certificate_arn(&self, context: &Context<'_, Aws>) -> Result<Option<String>, CallError> {
        match &self.certificate {
            None => Ok(None),
            Some(ListenerCertificate::Arn(arn)) => Ok(Some(arn.clone())),
            Some(ListenerCertificate::Resource(certificate)) => {
                Ok(Some(context.outputs(certificate)?.arn))
            }
        }
    }

    /// A certificate issued a moment ago may be unknown to the load balancer for minutes
    /// (aws-behaviour §1 row 18); one that the file names is old, and its absence a mistake to tell soon.
    fn patience(&self) -> Settle {
        match self.certificate {
            Some(ListenerCertificate::Resource(_)) => Settle::Spreading,
            _ => Settle::Fresh,
        }
    }
}

fn certificates(
    arn: Option<&String>,
) -> Option<Vec<aws_sdk_elasticloadbalancingv2::types::Certificate>> {
    let certificate = aws_sdk_elasticloadbalancingv2::types::Certificate::builder();
    arn.map(|arn| vec![certificate.certificate_arn(arn).build()])
}

fn observed(listener: aws_sdk_elasticloadbalancingv2::types::Listener) -> ListenerObserved {
    let protocol = listener.protocol.as_ref().map(ProtocolEnum::as_str);
    let certificate = listener.certificates().first();
    ListenerObserved {
        protocol: protocol.unwrap_or_default().to_owned(),
        certificate_arn: certificate.and_then(|certificate| certificate.certificate_arn.clone()),
        default_action: listener
            .default_actions()
            .first()
            .map_or_else(|| ActionValue::Other("none".to_owned()), ActionValue::of),
        arn: listener.listener_arn.unwrap_or_default(),
        load_balancer_arn: listener.load_balancer_arn.unwrap_or_default(),
        port: listener
            .port
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or_default(),
        ssl_policy: listener.ssl_policy,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Row, each_field};
    use crate::resource::Address;

    fn not_found() -> FixedResponse {
        FixedResponse {
            status_code: 404,
            content_type: "text/plain".into(),
            message_body: "404 Not Found".into(),
        }
    }

    fn wanted() -> Listener {
        Listener {
            load_balancer: Ref::exists("main"),
            port: 443,
            protocol: ListenerProtocol::Https,
            ssl_policy: Some("ELBSecurityPolicy-2016-08".into()),
            certificate: Some(ListenerCertificate::Resource(Ref::ready("example.com"))),
            default_action: DefaultAction::FixedResponse(not_found()),
            tags: TagMap::from([("team".into(), "web".into())]),
        }
    }

    fn seen() -> ListenerObserved {
        let certificate = certificates(Some(&"arn:certificate".to_owned()));
        let listener = aws_sdk_elasticloadbalancingv2::types::Listener::builder()
            .listener_arn("arn:listener")
            .load_balancer_arn("arn:lb")
            .port(443)
            .protocol(ProtocolEnum::Https)
            .ssl_policy("ELBSecurityPolicy-2016-08")
            .set_certificates(certificate)
            .default_actions(ActionValue::FixedResponse(not_found()).to_action())
            .build();
        observed(listener)
    }

    fn known() -> Known {
        let mut known = Known::default();
        known.insert(
            Address::new("load_balancer", "main"),
            json!({ "arn": "arn:lb", "dns_name": "x", "canonical_hosted_zone_id": "Z1" }),
        );
        known.insert(
            Address::new("certificate", "example.com"),
            json!({ "arn": "arn:certificate", "validation_records": [] }),
        );
        known.insert(
            Address::new("target_group", "web"),
            json!({ "arn": "arn:tg", "deregistration_delay_seconds": null }),
        );
        known
    }

    #[test]
    fn a_listener_as_made_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
        let mut left_to_aws = wanted();
        left_to_aws.ssl_policy = None;
        assert!(
            left_to_aws
                .diff(&seen(), Some(&wanted()), &known())
                .is_empty()
        );
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<Listener>] = &[
            (
                "load_balancer",
                |listener| listener.load_balancer = Ref::exists("new"),
                Effect::Replace,
            ),
            ("port", |listener| listener.port = 8443, Effect::InPlace),
            (
                "protocol",
                |listener| listener.protocol = ListenerProtocol::Http,
                Effect::InPlace,
            ),
            (
                "ssl_policy",
                |listener| listener.ssl_policy = Some("ELBSecurityPolicy-TLS13-1-2-2021-06".into()),
                Effect::InPlace,
            ),
            (
                "certificate",
                |listener| {
                    listener.certificate = Some(ListenerCertificate::Arn("arn:other".into()))
                },
                Effect::InPlace,
            ),
            (
                "default_action",
                |listener| listener.default_action = DefaultAction::Forward(Ref::exists("web")),
                Effect::InPlace,
            ),
            (
                "default_action",
                |listener| {
                    let response = FixedResponse {
                        status_code: 503,
                        ..not_found()
                    };
                    listener.default_action = DefaultAction::FixedResponse(response);
                },
                Effect::InPlace,
            ),
            (
                "tags.team",
                |listener| listener.tags.clear(),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &Listener| changed.diff(&seen(), Some(&wanted()), &known());
        each_field(&wanted(), diff, rows, &[]);
    }

    #[test]
    fn only_a_fresh_certificate_is_waited_for_long() {
        assert_eq!(wanted().patience(), Settle::Spreading);
        let mut listener = wanted();
        listener.certificate = Some(ListenerCertificate::Arn("arn:old".into()));
        assert_eq!(listener.patience(), Settle::Fresh);
    }
}
