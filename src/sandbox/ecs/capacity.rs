//! On which capacity do tasks run? Fargate's two providers, and how a strategy shares tasks out among them.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    request::{client, invalid, missing},
};
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    pace::Doing,
    world::Context,
};

/// What every account has; the sandbox has no machines of the account's own.
const PROVIDERS: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];
const MOST_SHARES: usize = 20;
const LARGEST_WEIGHT: i64 = 1000;
const LARGEST_BASE: i64 = 100_000;

/// One item of a capacity provider strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    pub provider: String,
    pub weight: i64,
    pub base: i64,
}

pub fn to_list(strategy: &[Share]) -> Value {
    strategy
        .iter()
        .map(|share| json!({"capacityProvider": share.provider, "weight": share.weight, "base": share.base}))
        .collect()
}

/// A strategy of a cluster or a service; each provider must be one of `available` (the API model's CapacityProviderStrategyItem).
pub fn read_strategy(asked: &[Parameters<'_>], available: &[String]) -> Result<Vec<Share>, Fault> {
    if asked.len() > MOST_SHARES {
        return Err(invalid(format!(
            "A capacity provider strategy can contain a maximum of {MOST_SHARES} capacity providers."
        )));
    }
    let mut strategy: Vec<Share> = Vec::new();
    for item in asked {
        let provider = item
            .string("capacityProvider")
            .ok_or_else(|| invalid("Capacity provider can not be blank."))?;
        if !available.iter().any(|name| name == provider) {
            return Err(invalid(
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.",
            ));
        }
        if strategy.iter().any(|share| share.provider == provider) {
            return Err(invalid(format!(
                "The capacity provider '{provider}' is named twice in the strategy."
            )));
        }
        let share = Share {
            provider: provider.to_owned(),
            weight: item.integer("weight")?.unwrap_or(0),
            base: item.integer("base")?.unwrap_or(0),
        };
        if !(0..=LARGEST_WEIGHT).contains(&share.weight)
            || !(0..=LARGEST_BASE).contains(&share.base)
        {
            return Err(invalid(format!(
                "The weight must be between 0 and {LARGEST_WEIGHT}, and the base between 0 and {LARGEST_BASE}."
            )));
        }
        strategy.push(share);
    }
    if strategy.iter().filter(|share| share.base > 0).count() > 1 {
        return Err(invalid(
            "Only one capacity provider in a capacity provider strategy can have a base defined.",
        ));
    }
    if strategy.len() > 1 && strategy.iter().all(|share| share.weight == 0) {
        return Err(invalid(
            "At least one capacity provider in a capacity provider strategy must have a weight value greater than zero.",
        ));
    }
    Ok(strategy)
}

/// The provider for the next task, when `count` says how many each has: first the base, then by weight.
pub fn choose(strategy: &[Share], count: impl Fn(&str) -> i64) -> Option<&str> {
    let beyond_base = |share: &Share| count(&share.provider) - share.base;
    let chosen = strategy
        .iter()
        .find(|share| beyond_base(share) < 0)
        .or_else(|| {
            strategy
                .iter()
                .filter(|share| share.weight > 0)
                .min_by_key(|share| beyond_base(share) * LARGEST_WEIGHT * 1000 / share.weight)
        })
        .or(strategy.first())?;
    Some(&chosen.provider)
}

/// The providers that a request names.
pub fn read_providers(parameters: &Parameters<'_>) -> Result<Vec<String>, Fault> {
    let names = parameters.strings("capacityProviders");
    if let Some(unknown) = names.iter().find(|name| !PROVIDERS.contains(name)) {
        return Err(client(format!(
            "The specified capacity provider '{unknown}' does not exist, or is not one that the sandbox serves."
        )));
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// Both lists are replaced whole; what tasks still run on can't be taken away (the API model's PutClusterCapacityProviders).
pub fn put(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    for name in ["capacityProviders", "defaultCapacityProviderStrategy"] {
        if !parameters.has(name) {
            return Err(call.service.missing_parameter(name));
        }
    }
    let ecs = &context.region.ecs;
    let cluster = ecs.cluster(parameters.string("cluster"))?;
    cluster.refuse_while_updating()?;
    let providers = read_providers(&parameters)?;
    let strategy = read_strategy(
        &parameters.list("defaultCapacityProviderStrategy"),
        &providers,
    )?;
    let arn = cluster.arn.clone();
    let is_in_use = ecs.tasks.values().any(|task| {
        task.cluster == arn
            && task
                .capacity_provider
                .as_ref()
                .is_some_and(|provider| !providers.contains(provider))
    });
    if is_in_use {
        return Err(Fault::new(
            "ResourceInUseException",
            "The specified capacity provider is in use and cannot be removed.",
        ));
    }
    let cluster = context
        .region
        .ecs
        .clusters
        .get_mut(&arn)
        .ok_or_else(super::cluster::not_found)?;
    cluster.capacity_providers = providers;
    cluster.default_strategy = strategy;
    begin_update(context, &arn);
    let ecs = &context.region.ecs;
    let answer = ecs.cluster(Some(&arn))?.to_value(ecs, true, true);
    Ok(json!({"cluster": answer}))
}

/// Fargate's two, which belong to AWS.
pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let wanted = parameters.strings("capacityProviders");
    let arn = |name: &str| context.arn("ecs", format_args!("capacity-provider/{name}"));
    let is_meant = |id: &str, name: &str| id == name || id == arn(name);
    let found: Value = PROVIDERS
        .into_iter()
        .filter(|name| wanted.is_empty() || wanted.iter().any(|id| is_meant(id, name)))
        .map(|name| json!({"capacityProviderArn": arn(name), "name": name, "status": "ACTIVE", "tags": []}))
        .collect();
    let failures: Value = wanted
        .iter()
        .filter(|id| !PROVIDERS.iter().any(|name| is_meant(id, name)))
        .map(|id| missing((*id).to_owned()))
        .collect();
    Ok(json!({"capacityProviders": found, "failures": failures}))
}

/// The cluster is busy for a moment after its providers changed (aws-behaviour §2.17).
pub fn begin_update(context: &mut Context<'_>, arn: &str) {
    let set = |context: &mut Context<'_>, arn: &str, is_updating: bool| {
        if let Some(cluster) = context.region.ecs.clusters.get_mut(arn) {
            cluster.is_updating = is_updating;
            cluster.is_provisioned |= !is_updating;
        }
    };
    set(context, arn, true);
    let arn = arn.to_owned();
    context.schedule(Doing::CapacityProvidersAttach, move |context| {
        set(context, &arn, false);
    });
}

impl Cluster {
    pub fn refuse_while_updating(&self) -> Result<(), Fault> {
        if !self.is_updating {
            return Ok(());
        }
        Err(Fault::new(
            "UpdateInProgressException",
            "The specified cluster is in a busy state. Cluster attachments are being updated.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_base_comes_first_and_weights_share_the_rest() {
        let share = |provider: &str, weight, base| Share {
            provider: provider.to_owned(),
            weight,
            base,
        };
        let strategy = [share("FARGATE", 1, 2), share("FARGATE_SPOT", 3, 0)];
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for _ in 0..10 {
            let count = |provider: &str| counts.get(provider).copied().unwrap_or(0);
            let chosen = choose(&strategy, count).unwrap().to_owned();
            *counts.entry(chosen).or_default() += 1;
        }
        assert_eq!((counts["FARGATE"], counts["FARGATE_SPOT"]), (4, 6));
        assert_eq!(choose(&[], |_| 0), None);
    }
}
