//! What is a listener? A port of a load balancer, and what happens to requests that no rule is for.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    action::{self, Action},
    attributes::{self, Attributes},
    request::{invalid, page, required_integer, tags_at_create},
    rule::{self, Rule},
    state::Elb,
};
use crate::sandbox::{
    acm::{Acm, Status},
    call::{Call, Parameters},
    fault::Fault,
    tags::Tags,
    world::{Context, Region},
};

const MOST_LISTENERS: usize = 50;
/// What the API takes when the caller names none.
const DEFAULT_POLICY: &str = "ELBSecurityPolicy-2016-08";

#[derive(Debug, Serialize)]
pub struct Listener {
    pub arn: String,
    pub load_balancer: String,
    pub port: i64,
    pub protocol: String,
    pub certificate: Option<String>,
    pub ssl_policy: Option<String>,
    pub default_actions: Vec<Action>,
    pub attributes: Attributes,
    pub tags: Tags,
}

impl Listener {
    fn to_value(&self) -> Value {
        let mut value = Map::from_iter([
            ("ListenerArn".to_owned(), json!(self.arn)),
            ("LoadBalancerArn".to_owned(), json!(self.load_balancer)),
            ("Port".to_owned(), json!(self.port)),
            ("Protocol".to_owned(), json!(self.protocol)),
        ]);
        if let Some(certificate) = &self.certificate {
            value.insert(
                "Certificates".to_owned(),
                json!([{"CertificateArn": certificate}]),
            );
            value.insert("SslPolicy".to_owned(), json!(self.ssl_policy));
            value.insert("MutualAuthentication".to_owned(), json!({"Mode": "off"}));
        }
        value.insert(
            "DefaultActions".to_owned(),
            action::to_list(&self.default_actions),
        );
        value.into()
    }

    /// What the ARNs of its rules have in common.
    fn path(&self) -> &str {
        self.arn
            .split_once(":listener/")
            .map_or("", |(_, path)| path)
    }

    pub fn rule_path(&self, id: &str) -> String {
        format!("listener-rule/{}/{id}", self.path())
    }
}

pub fn not_found() -> Fault {
    Fault::new("ListenerNotFound", "One or more listeners not found")
}

/// Protocol, and what HTTPS needs.
struct Security {
    protocol: String,
    certificate: Option<String>,
    ssl_policy: Option<String>,
}

fn read_security(
    acm: &Acm,
    parameters: &Parameters<'_>,
    protocol: &str,
    before: Option<&Listener>,
) -> Result<Security, Fault> {
    let certificates = parameters.list("Certificates");
    let given = match certificates.as_slice() {
        [] => None,
        [one] => Some(one.required_string("CertificateArn")?),
        _ => {
            return Err(Fault::new(
                "TooManyCertificates",
                "Only one certificate can be specified for a listener",
            ));
        }
    };
    match protocol {
        "HTTP" if given.is_some() => Err(invalid(
            "Certificates cannot be specified for HTTP listeners",
        )),
        "HTTP" => Ok(Security {
            protocol: protocol.to_owned(),
            certificate: None,
            ssl_policy: None,
        }),
        "HTTPS" => {
            let certificate = given
                .or_else(|| before?.certificate.as_deref())
                .ok_or_else(|| invalid("A certificate must be specified for HTTPS listeners"))?;
            check_certificate(acm, certificate)?;
            let policy = parameters
                .string("SslPolicy")
                .or_else(|| before?.ssl_policy.as_deref())
                .unwrap_or(DEFAULT_POLICY);
            if !policy.starts_with("ELBSecurityPolicy-") {
                return Err(Fault::new(
                    "SSLPolicyNotFound",
                    format!("SSL policy '{policy}' not found"),
                ));
            }
            Ok(Security {
                protocol: protocol.to_owned(),
                certificate: Some(certificate.to_owned()),
                ssl_policy: Some(policy.to_owned()),
            })
        }
        other => Err(Fault::new(
            "UnsupportedProtocol",
            format!("Listener protocol '{other}' must be one of 'HTTP, HTTPS'"),
        )),
    }
}

/// A certificate that is not issued yet is refused in misleading words (aws-behaviour §1 row 18).
fn check_certificate(acm: &Acm, arn: &str) -> Result<(), Fault> {
    match acm.certificates.get(arn) {
        None => Err(Fault::new(
            "CertificateNotFound",
            format!("Certificate '{arn}' not found"),
        )),
        Some(certificate) if certificate.status != Status::Issued => Err(Fault::new(
            "UnsupportedCertificate",
            format!(
                "The certificate '{arn}' must have a fully-qualified domain name, a supported signature, and a supported key size."
            ),
        )),
        Some(_) => Ok(()),
    }
}

fn read_port(parameters: &Parameters<'_>) -> Result<i64, Fault> {
    let port = required_integer(parameters, "Port")?;
    if (1..=65535).contains(&port) {
        return Ok(port);
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{port}' at 'port' failed to satisfy constraint: Member must have value between 1 and 65535"
    )))
}

/// The load balancer need only exist (aws-behaviour §1 row 17); same port and settings: the existing one.
pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let Region { elb, acm, .. } = &mut *context.region;
    let load_balancer = elb.load_balancer(parameters.required_string("LoadBalancerArn")?)?;
    let arn = load_balancer.arn.clone();
    let port = read_port(&parameters)?;
    let security = read_security(
        acm,
        &parameters,
        parameters.required_string("Protocol")?,
        None,
    )?;
    let default_actions = action::read(elb, &arn, &parameters.list("DefaultActions"))?;
    let tags = tags_at_create(&parameters)?;
    let others = elb.listeners_of(&arn);
    if let Some(existing) = others.iter().find(|other| other.port == port) {
        let is_same = existing.protocol == security.protocol
            && existing.certificate == security.certificate
            && existing.ssl_policy == security.ssl_policy
            && existing.default_actions == default_actions;
        if is_same {
            return Ok(json!({"Listeners": [existing.to_value()]}));
        }
        return Err(Fault::new(
            "DuplicateListener",
            format!("A listener already exists on this port for this load balancer '{arn}'"),
        ));
    }
    if others.len() >= MOST_LISTENERS {
        return Err(Fault::new(
            "TooManyListeners",
            format!("The maximum number of listeners has been reached on load balancer '{arn}'"),
        ));
    }
    let path = load_balancer.path().to_owned();
    let id = context.ids.hexadecimal(16);
    let listener = Listener {
        arn: context.arn("elasticloadbalancing", format_args!("listener/{path}/{id}")),
        load_balancer: arn,
        port,
        attributes: attributes::of_listener(&security.protocol, &Attributes::new()),
        protocol: security.protocol,
        certificate: security.certificate,
        ssl_policy: security.ssl_policy,
        default_actions,
        tags,
    };
    let answer = listener.to_value();
    let default_rule = Rule::default_of(context, &listener);
    let elb = &mut context.region.elb;
    elb.rules.insert(default_rule.arn.clone(), default_rule);
    elb.listeners.insert(listener.arn.clone(), listener);
    Ok(json!({"Listeners": [answer]}))
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let elb = &context.region.elb;
    let arns = parameters.strings("ListenerArns");
    let load_balancer = parameters.string("LoadBalancerArn");
    let listeners = match load_balancer {
        Some(arn) => {
            elb.load_balancer(arn)?;
            elb.listeners_of(arn)
        }
        None if arns.is_empty() => {
            return Err(invalid(
                "You must specify either listener ARNs or a load balancer ARN",
            ));
        }
        None => arns
            .iter()
            .map(|arn| elb.listener(arn))
            .collect::<Result<_, _>>()?,
    };
    let shown = listeners
        .into_iter()
        .map(|listener| (listener.arn.clone(), listener.to_value()))
        .collect::<std::collections::BTreeMap<_, _>>();
    page(&parameters, "Listeners", shown.into_iter().collect())
}

/// What is not given stays; a new list of actions replaces the old one, in the default rule too (aws-behaviour §2.15).
pub fn modify(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("ListenerArn")?;
    let Region { elb, acm, .. } = &mut *context.region;
    let before = elb.listener(arn)?;
    let load_balancer = before.load_balancer.clone();
    let port = match parameters.has("Port") {
        true => read_port(&parameters)?,
        false => before.port,
    };
    let is_taken = elb
        .listeners_of(&load_balancer)
        .iter()
        .any(|other| other.port == port && other.arn != arn);
    if is_taken {
        return Err(Fault::new(
            "DuplicateListener",
            format!(
                "A listener already exists on this port for this load balancer '{load_balancer}'"
            ),
        ));
    }
    let protocol = parameters.string("Protocol").unwrap_or(&before.protocol);
    let security = read_security(acm, &parameters, protocol, Some(before))?;
    let actions = match parameters.has("DefaultActions") {
        true => action::read(elb, &load_balancer, &parameters.list("DefaultActions"))?,
        false => before.default_actions.clone(),
    };
    rule::set_default_actions(elb, arn, &actions);
    let listener = elb.listener_mut(arn)?;
    listener.port = port;
    listener.attributes = attributes::of_listener(&security.protocol, &listener.attributes);
    listener.protocol = security.protocol;
    listener.certificate = security.certificate;
    listener.ssl_policy = security.ssl_policy;
    listener.default_actions = actions;
    Ok(json!({"Listeners": [listener.to_value()]}))
}

pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let arn = call.parameters().required_string("ListenerArn")?;
    context.region.elb.listener(arn)?;
    remove(&mut context.region.elb, arn);
    Ok(json!({}))
}

/// Its rules go with it.
pub fn remove(elb: &mut Elb, arn: &str) {
    elb.rules.retain(|_, rule| rule.listener != arn);
    elb.listeners.remove(arn);
}

/// The listener's own certificate; the sandbox adds no others.
pub fn describe_certificates(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let listener = context
        .region
        .elb
        .listener(parameters.required_string("ListenerArn")?)?;
    let certificates = listener
        .certificate
        .iter()
        .map(|arn| {
            (
                arn.clone(),
                json!({"CertificateArn": arn, "IsDefault": true}),
            )
        })
        .collect();
    page(&parameters, "Certificates", certificates)
}
