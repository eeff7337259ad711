//! The certificate: for which names, and how far is it?

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    certificate_tags,
    validation::{self, DomainValidation},
};
use crate::sandbox::{
    call::Call, client_token::Replay, clock::Moment, elb, fault::Fault, tags::Tags, world::Context,
};

/// Names per certificate (aws-behaviour §5).
const MOST_NAMES: usize = 10;
/// How long ACM remembers idempotency tokens (aws-behaviour §2.11).
const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
/// Amazon's certificates are valid for 13 months.
const VALIDITY: Duration = Duration::from_secs(395 * 24 * 3600);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Status {
    #[serde(rename = "PENDING_VALIDATION")]
    PendingValidation,
    #[serde(rename = "ISSUED")]
    Issued,
    #[serde(rename = "VALIDATION_TIMED_OUT")]
    ValidationTimedOut,
}

#[derive(Debug, Serialize)]
pub struct Certificate {
    pub arn: String,
    pub domain_name: String,
    /// The domain name comes first.
    pub names: Vec<String>,
    pub method: String,
    pub validations: Vec<DomainValidation>,
    pub status: Status,
    pub created: Moment,
    pub issued: Option<Moment>,
    pub serial: String,
    pub transparency_logging: String,
    pub tags: Tags,
}

impl Certificate {
    fn to_value(&self, users: &[String]) -> Value {
        let validations: Value = self
            .validations
            .iter()
            .map(|validation| validation.to_value(&self.method, self.status))
            .collect();
        let mut value = json!({
            "CertificateArn": self.arn,
            "DomainName": self.domain_name,
            "SubjectAlternativeNames": self.names,
            "DomainValidationOptions": validations,
            "Subject": format!("CN={}", self.domain_name),
            "Issuer": "Amazon",
            "CreatedAt": self.created.seconds(),
            "Status": self.status,
            "KeyAlgorithm": "RSA-2048",
            "SignatureAlgorithm": "SHA256WITHRSA",
            "InUseBy": users,
            "Type": "AMAZON_ISSUED",
            "KeyUsages": [],
            "ExtendedKeyUsages": [],
            "RenewalEligibility": eligibility(!users.is_empty()),
            "Options": {"CertificateTransparencyLoggingPreference": self.transparency_logging},
        });
        self.add_validity(&mut value);
        if self.issued.is_some() {
            value["Serial"] = json!(self.serial);
            value["KeyUsages"] =
                json!([{"Name": "DIGITAL_SIGNATURE"}, {"Name": "KEY_ENCIPHERMENT"}]);
            value["ExtendedKeyUsages"] =
                json!([{"Name": "TLS_WEB_SERVER_AUTHENTICATION", "OID": "1.3.6.1.5.5.7.3.1"}]);
        }
        value
    }

    pub fn summary(&self, is_in_use: bool) -> Value {
        let mut value = json!({
            "CertificateArn": self.arn,
            "DomainName": self.domain_name,
            "SubjectAlternativeNameSummaries": self.names,
            "HasAdditionalSubjectAlternativeNames": false,
            "Status": self.status,
            "Type": "AMAZON_ISSUED",
            "KeyAlgorithm": "RSA-2048",
            "KeyUsages": [],
            "ExtendedKeyUsages": [],
            "InUse": is_in_use,
            "RenewalEligibility": eligibility(is_in_use),
            "CreatedAt": self.created.seconds(),
        });
        self.add_validity(&mut value);
        value
    }

    fn add_validity(&self, value: &mut Value) {
        if let Some(issued) = self.issued {
            value["IssuedAt"] = json!(issued.seconds());
            value["NotBefore"] = json!(issued.seconds());
            value["NotAfter"] = json!((issued + VALIDITY).seconds());
        }
    }
}

/// ACM only renews what is in use.
fn eligibility(is_in_use: bool) -> &'static str {
    if is_in_use { "ELIGIBLE" } else { "INELIGIBLE" }
}

pub fn not_found(arn: &str) -> Fault {
    Fault::new(
        "ResourceNotFoundException",
        format!("Could not find certificate {arn}."),
    )
}

/// The same token and the same request within an hour give the same certificate (aws-behaviour §2.11).
pub fn request(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let token = call.parameters().string("IdempotencyToken");
    if let Some(token) = token
        && let Some(arn) = requested_before(context, call, token)?
    {
        return Ok(json!({"CertificateArn": arn}));
    }
    let arn = make(context, call)?;
    if let Some(token) = token {
        let now = context.now;
        let tokens = &mut context.region.acm.tokens;
        tokens.remember(
            "RequestCertificate",
            token,
            &call.parameters,
            json!(arn),
            now,
        );
    }
    Ok(json!({"CertificateArn": arn}))
}

/// A certificate that was deleted since is requested anew: ACM gives certificates, not answers.
fn requested_before(
    context: &Context<'_>,
    call: &Call,
    token: &str,
) -> Result<Option<String>, Fault> {
    let acm = &context.region.acm;
    let seen = acm.tokens.look(
        "RequestCertificate",
        token,
        &call.parameters,
        context.now,
        TOKEN_LIFETIME,
    );
    match seen {
        Replay::Same(arn) => Ok(arn
            .as_str()
            .filter(|arn| acm.certificates.contains_key(*arn))
            .map(str::to_owned)),
        Replay::Mismatch => Err(Fault::new(
            "InvalidParameterException",
            "The idempotency token was used within the last hour for a request with other parameters.",
        )),
        Replay::New => Ok(None),
    }
}

fn make(context: &mut Context<'_>, call: &Call) -> Result<String, Fault> {
    let parameters = call.parameters();
    let domain_name = parameters.required_string("DomainName")?.to_lowercase();
    let mut names = vec![domain_name.clone()];
    for name in parameters.strings("SubjectAlternativeNames") {
        let name = name.to_lowercase();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
        .iter()
        .try_for_each(|name| validation::check_name(name))?;
    if names.len() > MOST_NAMES {
        return Err(Fault::new(
            "LimitExceededException",
            format!(
                "Error: the number of domain names in a certificate is limited to {MOST_NAMES}."
            ),
        ));
    }
    let tags = certificate_tags::read(&parameters)?;
    let identifier = context.ids.uuid();
    let certificate = Certificate {
        arn: context.arn("acm", format_args!("certificate/{identifier}")),
        domain_name,
        validations: names
            .iter()
            .map(|name| DomainValidation::new(context.account, name))
            .collect(),
        names,
        method: parameters
            .string("ValidationMethod")
            .unwrap_or("EMAIL")
            .to_owned(),
        status: Status::PendingValidation,
        created: context.now,
        issued: None,
        serial: context.ids.hexadecimal(32),
        transparency_logging: parameters
            .structure("Options")
            .and_then(|options| options.string("CertificateTransparencyLoggingPreference"))
            .unwrap_or("ENABLED")
            .to_owned(),
        tags,
    };
    let arn = certificate.arn.clone();
    context
        .region
        .acm
        .certificates
        .insert(arn.clone(), certificate);
    validation::begin(context, &arn);
    Ok(arn)
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let arn = call.parameters().required_string("CertificateArn")?;
    let users = elb::users_of_certificate(context.region, arn);
    let certificate = context.region.acm.certificate(arn)?;
    Ok(json!({"Certificate": certificate.to_value(&users)}))
}

/// Refused while a listener presents it (aws-behaviour §2.11).
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let arn = call.parameters().required_string("CertificateArn")?;
    context.region.acm.certificate(arn)?;
    if !elb::users_of_certificate(context.region, arn).is_empty() {
        return Err(Fault::new(
            "ResourceInUseException",
            format!(
                "Certificate {arn} in account {} is in use.",
                context.account
            ),
        ));
    }
    context.region.acm.certificates.remove(arn);
    Ok(Value::Null)
}
