//! Which tags does a certificate have?

use serde_json::{Value, json};

use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    tags::Tags,
    world::Context,
};

pub fn read(parameters: &Parameters<'_>) -> Result<Tags, Fault> {
    Tags::from_list(&parameters.list("Tags"), "Key", "Value").map_err(refuse)
}

fn refuse(sentence: String) -> Fault {
    let code = if sentence.starts_with("The maximum number") {
        "TooManyTagsException"
    } else {
        "InvalidTagException"
    };
    Fault::new(code, sentence)
}

pub fn add(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let tags = read(&parameters)?;
    let arn = parameters.required_string("CertificateArn")?;
    let certificate = context.region.acm.certificate_mut(arn)?;
    let mut all = certificate.tags.clone();
    all.merge(&tags).map_err(refuse)?;
    certificate.tags = all;
    Ok(Value::Null)
}

/// A tag that is named with a value goes only if it has that value.
pub fn remove(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("CertificateArn")?;
    let certificate = context.region.acm.certificate_mut(arn)?;
    for tag in parameters.list("Tags") {
        let key = tag.required_string("Key")?;
        let value = tag.string("Value");
        if value.is_none() || certificate.tags.get(key) == value {
            certificate.tags.remove(key);
        }
    }
    Ok(Value::Null)
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let arn = call.parameters().required_string("CertificateArn")?;
    let certificate = context.region.acm.certificate(arn)?;
    Ok(json!({"Tags": certificate.tags.to_list("Key", "Value")}))
}
