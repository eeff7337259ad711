//! Which certificates are there?

use serde_json::{Value, json};

use crate::sandbox::{
    call::Call,
    elb,
    fault::Fault,
    pagination::{InvalidToken, paginate},
    world::Context,
};

const PAGE: i64 = 1000;

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let statuses = parameters.strings("CertificateStatuses");
    let key_types = parameters
        .structure("Includes")
        .map(|includes| includes.strings("keyTypes"))
        .unwrap_or_default();
    let size = parameters.integer("MaxItems")?.unwrap_or(PAGE);
    let size = usize::try_from(size).ok().filter(|size| *size > 0).ok_or_else(|| {
        Fault::new(
            "ValidationException",
            format!("1 validation error detected: Value '{size}' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"),
        )
    })?;
    let mut summaries = Vec::new();
    for (arn, certificate) in &context.region.acm.certificates {
        let is_in_use = !elb::users_of_certificate(context.region, arn).is_empty();
        let summary = certificate.summary(is_in_use);
        let status = summary["Status"].as_str().unwrap_or_default();
        let is_asked_for = (statuses.is_empty() || statuses.contains(&status))
            && (key_types.is_empty() || key_types.contains(&"RSA_2048"));
        if is_asked_for {
            summaries.push((arn.clone(), summary));
        }
    }
    let page = paginate(summaries, size, parameters.string("NextToken"))
        .map_err(|InvalidToken| Fault::new("InvalidArgsException", "Invalid NextToken"))?;
    let mut answer = json!({"CertificateSummaryList": page.items});
    if let Some(next) = page.next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}
