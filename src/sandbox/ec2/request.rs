//! What do EC2's requests have in common? Tags and tokens at create, dry runs, address blocks.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::state::TOKEN_LIFETIME;
use crate::sandbox::{
    call::Call, client_token::Replay, fault::Fault, service::Service, tags::Tags, world::Context,
};

/// The tags of a `TagSpecification` for the kind that the operation makes.
pub fn tags_at_create(call: &Call, resource_type: &str) -> Result<Tags, Fault> {
    let mut tags = Tags::default();
    for specification in call.parameters().list("TagSpecification") {
        let given = specification.required_string("ResourceType")?;
        if given != resource_type {
            return Err(Fault::new(
                "InvalidParameterValue",
                format!("'{given}' is not a valid taggable resource type for this operation."),
            ));
        }
        let listed = Tags::from_list(&specification.list("Tag"), "Key", "Value")
            .and_then(|listed| tags.merge(&listed));
        listed.map_err(invalid_tags)?;
    }
    Ok(tags)
}

pub fn invalid_tags(sentence: String) -> Fault {
    let code = if sentence.starts_with("The maximum number") {
        "TagLimitExceeded"
    } else {
        "InvalidParameterValue"
    };
    Fault::new(code, sentence)
}

/// EC2 writes tags as `tagSet`.
pub fn tag_set(tags: &Tags) -> Value {
    tags.to_list("key", "value")
}

/// What many of EC2's operations answer when they have nothing to say.
pub fn done() -> Value {
    json!({"return": true})
}

pub fn refuse_dry_run(call: &Call) -> Result<(), Fault> {
    if call.service == Service::Ec2 && call.parameters().boolean("DryRun")? == Some(true) {
        return Err(Fault::new(
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
        )
        .with_status(412));
    }
    Ok(())
}

/// An IPv4 block. AWS takes host bits that are set and clears them.
pub fn network(text: &str) -> Result<Ipv4Net, Fault> {
    text.parse::<Ipv4Net>().map(|net| net.trunc()).map_err(|_| {
        Fault::new(
            "InvalidParameterValue",
            format!(
                "Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
            ),
        )
    })
}

/// Creates with a client token: the same token and parameters give the same answer, other parameters a refusal.
pub fn remembered(
    context: &mut Context<'_>,
    call: &Call,
    operation: &'static str,
    create: impl FnOnce(&mut Context<'_>) -> Result<Value, Fault>,
) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let Some(token) = parameters
        .string("ClientToken")
        .filter(|token| !token.is_empty())
    else {
        return create(context);
    };
    let tokens = &context.region.ec2.client_tokens;
    match tokens.look(
        operation,
        token,
        &call.parameters,
        context.now,
        TOKEN_LIFETIME,
    ) {
        Replay::Same(answer) => return Ok(answer),
        Replay::Mismatch => {
            return Err(Fault::new(
                "IdempotentParameterMismatch",
                "The client token you have provided is associated with a resource that was created with different parameters.",
            ));
        }
        Replay::New => {}
    }
    let answer = create(context)?;
    let now = context.now;
    context.region.ec2.client_tokens.remember(
        operation,
        token,
        &call.parameters,
        answer.clone(),
        now,
    );
    Ok(answer)
}
