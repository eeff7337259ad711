//! Which repositories are there? Whichever are asked for, and those that somebody spoke of.

use serde_json::{Value, json};

use super::{Registry, invalid, page};
use crate::sandbox::{call::Call, clock::Moment, fault::Fault, world::Context};

const MOST_NAMES: usize = 100;

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let registry = Registry::of(context, &parameters);
    let asked = parameters.strings("repositoryNames");
    if asked.len() > MOST_NAMES {
        return Err(invalid(format!(
            "Invalid parameter at 'repositoryNames' failed to satisfy constraint: 'Member must have length less than or equal to {MOST_NAMES}'"
        )));
    }
    let names = match asked.is_empty() {
        true => context.images.repositories(&registry.host),
        false => asked.into_iter().map(str::to_owned).collect(),
    };
    let mut shown = Vec::new();
    for name in names {
        registry.check(context, &name)?;
        let arn = format!(
            "arn:aws:ecr:{}:{}:repository/{name}",
            context.region_name, registry.account
        );
        let repository = json!({
            "repositoryArn": arn,
            "registryId": registry.account,
            "repositoryName": name,
            "repositoryUri": format!("{}/{name}", registry.host),
            "createdAt": Moment::default().seconds(),
            "imageTagMutability": "MUTABLE",
            "imageScanningConfiguration": {"scanOnPush": false},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        });
        shown.push((name, repository));
    }
    page(&parameters, "repositoryNames", "repositories", shown)
}
