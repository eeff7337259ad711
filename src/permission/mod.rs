//! What must whoever runs navi be allowed on AWS for one stack? Each kind tells what its calls take (`kinds/permitted`);
//! this room puts it together as IAM's policy documents.

mod commands;
mod document;

use std::collections::BTreeSet;

pub use commands::of_commands;
pub use document::{LARGEST_DOCUMENT, documents, size};

use crate::kinds::cluster::Cluster;
use crate::kinds::load_balancer::LoadBalancer;
use crate::kinds::role::Role;
use crate::kinds::vpc::Vpc;
use crate::resource::{AnyResource, CallError, Permission, Territory};

/// Stands for the account in a stack that is read before anybody has told it. No account has this number.
pub const SAMPLE_ACCOUNT: &str = "000000000000";
/// The same for the region.
pub const SAMPLE_REGION: &str = "xx-sample-0";

/// Where the stack is, as far as it is known; `*` for what isn't.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// The account, or `*`.
    pub account: String,
    /// The region, or `*`.
    pub region: String,
}

/// Everything that the resources of a stack and navi's commands about it may take.
pub fn of_stack(
    stack: &str,
    whereabouts: &Whereabouts,
    resources: &[&dyn AnyResource],
) -> Result<Vec<Permission>, CallError> {
    let territory = territory(stack, whereabouts, resources);
    let mut all = of_commands(&territory).0;
    for resource in resources {
        all.extend(crate::kinds::permissions(*resource, &territory)?.0);
    }
    for permission in &mut all {
        let resources = std::mem::take(&mut permission.scope.resources);
        permission.scope.resources = resources
            .into_iter()
            .map(|arn| without_samples(&arn, whereabouts))
            .collect();
    }
    Ok(all)
}

/// An image's reference may hold account and region, and so does its repository's ARN.
fn without_samples(arn: &str, whereabouts: &Whereabouts) -> String {
    let samples = [
        (SAMPLE_ACCOUNT, &whereabouts.account),
        (SAMPLE_REGION, &whereabouts.region),
    ];
    samples.iter().fold(arn.to_owned(), |arn, (sample, known)| {
        arn.replace(&format!(":{sample}:"), &format!(":{known}:"))
    })
}

fn territory(stack: &str, whereabouts: &Whereabouts, resources: &[&dyn AnyResource]) -> Territory {
    let region = &whereabouts.region;
    let partition = match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let vpcs = all::<Vpc>(resources).filter_map(|vpc| vpc.lookup.as_ref());
    Territory {
        partition: partition.to_owned(),
        region: region.clone(),
        account: whereabouts.account.clone(),
        stack: stack.to_owned(),
        clusters: all::<Cluster>(resources)
            .map(|cluster| cluster.name.clone())
            .collect(),
        load_balancers: all::<LoadBalancer>(resources)
            .map(|load_balancer| load_balancer.name.clone())
            .collect(),
        roles: all::<Role>(resources)
            .map(|role| role.role_name.clone())
            .collect(),
        existing_vpcs: vpcs
            .map(|lookup| match lookup.find.starts_with("vpc-") {
                true => lookup.find.clone(),
                false => "*".to_owned(),
            })
            .collect::<BTreeSet<_>>(),
    }
}

fn all<'a, K: 'static>(resources: &'a [&dyn AnyResource]) -> impl Iterator<Item = &'a K> {
    resources
        .iter()
        .filter_map(|resource| resource.as_any().downcast_ref::<K>())
}
