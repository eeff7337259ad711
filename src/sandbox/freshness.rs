//! Does EC2 know an identifier yet that it has just given? Its parts learn of it one after the other, and each call asks one of
//! them: looks flap until all know (aws-behaviour §2, EC2 eventual consistency).

use std::{collections::HashMap, time::Duration};

use serde_json::Value;

use super::{
    call::Call, call_log::is_mutating, clock::Moment, fault::Fault, ids::Ids, service::Service,
};

/// How many parts EC2 has, each of which answers for itself.
const PARTS: usize = 3;

/// How a kind of thing is known: by the member that carries its identifier, in the list that Describe answers, and by what is
/// said of one that is not known.
struct Kind {
    create: &'static str,
    describe: &'static str,
    prefix: &'static str,
    member: &'static str,
    not_found: &'static str,
}

const fn kind(
    create: &'static str,
    describe: &'static str,
    prefix: &'static str,
    member: &'static str,
    not_found: &'static str,
) -> Kind {
    Kind {
        create,
        describe,
        prefix,
        member,
        not_found,
    }
}

#[rustfmt::skip]
const KINDS: [Kind; 8] = [
    kind("CreateVpc", "DescribeVpcs", "vpc-", "vpcId", "InvalidVpcID.NotFound"),
    kind("CreateSubnet", "DescribeSubnets", "subnet-", "subnetId", "InvalidSubnetID.NotFound"),
    kind("CreateInternetGateway", "DescribeInternetGateways", "igw-", "internetGatewayId", "InvalidInternetGatewayID.NotFound"),
    kind("CreateRouteTable", "DescribeRouteTables", "rtb-", "routeTableId", "InvalidRouteTableID.NotFound"),
    kind("CreateSecurityGroup", "DescribeSecurityGroups", "sg-", "groupId", "InvalidGroup.NotFound"),
    kind("AllocateAddress", "DescribeAddresses", "eipalloc-", "allocationId", "InvalidAllocationID.NotFound"),
    kind("CreateNatGateway", "DescribeNatGateways", "nat-", "natGatewayId", "NatGatewayNotFound"),
    kind("CreateVpcEndpoint", "DescribeVpcEndpoints", "vpce-", "vpcEndpointId", "InvalidVpcEndpointId.NotFound"),
];

/// The identifiers that not every part knows yet.
#[derive(Debug)]
pub struct Freshness {
    /// How long the last part takes at most to learn of an identifier.
    longest: Duration,
    /// From when on each part knows it.
    fresh: HashMap<String, [Moment; PARTS]>,
    chance: Ids,
}

/// What the part of EC2 that a call went to doesn't know.
#[derive(Debug, Default)]
pub struct Part {
    unknown: Vec<String>,
}

impl Freshness {
    pub fn new(longest: Duration, seed: u64) -> Self {
        Self {
            longest,
            fresh: HashMap::new(),
            chance: Ids::new(seed),
        }
    }

    /// Lets one part take the call, which refuses what names an identifier that it doesn't know.
    pub fn take(&mut self, call: &Call, now: Moment) -> Result<Part, Fault> {
        if call.service != Service::Ec2 || self.longest.is_zero() {
            return Ok(Part::default());
        }
        self.fresh
            .retain(|_, known_from| known_from.iter().any(|from| *from > now));
        let unknown = self.unknown_to_a_part(now);
        match named_in(&call.parameters, &unknown) {
            Some(id) => Err(not_found(id)),
            None => Ok(Part { unknown }),
        }
    }

    /// Notes what the call made, and takes out of its answer what the part doesn't know.
    pub fn answer(&mut self, call: &Call, now: Moment, part: &Part, mut answer: Value) -> Value {
        if call.service == Service::Ec2 && !self.longest.is_zero() {
            match is_mutating(&call.operation) {
                true => self.note(call, &answer, now),
                false => leave_out(&mut answer, &call.operation, &part.unknown),
            }
        }
        answer
    }

    /// What the part doesn't know that happens to be asked.
    fn unknown_to_a_part(&mut self, now: Moment) -> Vec<String> {
        if self.fresh.is_empty() {
            return Vec::new();
        }
        let part = self.any_part();
        let unknown = self.fresh.iter().filter(|(_, from)| from[part] > now);
        unknown.map(|(id, _)| id.clone()).collect()
    }

    fn any_part(&mut self) -> usize {
        usize::try_from(self.chance.below(PARTS as u64)).unwrap_or_default()
    }

    fn note(&mut self, call: &Call, answer: &Value, now: Moment) {
        let Some(kind) = KINDS.iter().find(|kind| kind.create == call.operation) else {
            return;
        };
        if let Some(id) = made(answer, kind.member) {
            let longest = u64::try_from(self.longest.as_micros()).unwrap_or(u64::MAX);
            let mut known_from =
                [(); PARTS].map(|()| now + Duration::from_micros(self.chance.below(longest)));
            // The part that made it knows it at once.
            known_from[self.any_part()] = now;
            // A client token that is sent again is answered with what has long been known.
            self.fresh.entry(id.to_owned()).or_insert(known_from);
        }
    }
}

/// The identifier of what was made: beside the answer's other members, or in the one structure that describes it.
fn made<'a>(answer: &'a Value, member: &str) -> Option<&'a str> {
    let nested = answer.as_object()?.values();
    [answer]
        .into_iter()
        .chain(nested)
        .find_map(|place| place.get(member)?.as_str())
}

/// One of the identifiers, wherever it stands among the parameters.
fn named_in<'a>(parameters: &Value, identifiers: &'a [String]) -> Option<&'a str> {
    match parameters {
        Value::String(text) => identifiers
            .iter()
            .find(|id| *id == text)
            .map(String::as_str),
        Value::Array(items) => items.iter().find_map(|item| named_in(item, identifiers)),
        Value::Object(members) => members
            .values()
            .find_map(|member| named_in(member, identifiers)),
        _ => None,
    }
}

fn not_found(id: &str) -> Fault {
    let kind = KINDS.iter().find(|kind| id.starts_with(kind.prefix));
    let code = kind.map_or("InvalidParameterValue", |kind| kind.not_found);
    Fault::new(code, format!("The ID '{id}' does not exist"))
}

fn leave_out(answer: &mut Value, operation: &str, unknown: &[String]) {
    let Some(kind) = KINDS.iter().find(|kind| kind.describe == operation) else {
        return;
    };
    let lists = answer.as_object_mut().into_iter();
    let lists = lists.flat_map(|members| members.values_mut().filter_map(Value::as_array_mut));
    for list in lists {
        list.retain(|item| {
            let id = item.get(kind.member).and_then(Value::as_str);
            !id.is_some_and(|id| unknown.iter().any(|unknown| unknown == id))
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sandbox::{
        pace::Pace,
        server::{Options, Sandbox},
        test_client::{TestClient, text},
    };

    /// What of a create's follow-ups is answered how, until everybody knows of it.
    #[tokio::test(start_paused = true)]
    async fn a_fresh_identifier_is_unknown_to_some_for_a_while() {
        let client = TestClient::of(Sandbox::new(Options {
            pace: Pace::REALISTIC,
            ..Options::default()
        }));
        let mut looks = BTreeSet::new();
        let mut lists = BTreeSet::new();
        for _ in 0..4 {
            let made = client
                .ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")])
                .await
                .unwrap();
            let id = text(&made, "vpcId");
            for _ in 0..6 {
                let look = client.ec2("DescribeVpcs", &[("VpcId.1", &id)]).await;
                looks.insert(
                    look.map_or_else(|refusal| text(&refusal, "Code"), |_| "known".to_owned()),
                );
                let list = client.ec2("DescribeVpcs", &[]).await.unwrap();
                lists.insert(list.contains(&id));
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
            for _ in 0..10 {
                client
                    .ec2("DescribeVpcs", &[("VpcId.1", &id)])
                    .await
                    .unwrap();
            }
        }
        let expected = ["InvalidVpcID.NotFound", "known"].map(str::to_owned);
        assert_eq!(looks, BTreeSet::from(expected));
        assert_eq!(lists, BTreeSet::from([false, true]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_made_in_something_fresh_may_be_refused() {
        let client = TestClient::of(Sandbox::new(Options {
            pace: Pace::REALISTIC,
            ..Options::default()
        }));
        let mut answers = BTreeSet::new();
        // As many as a region has room for beside its default one.
        for _ in 0..4 {
            let made = client
                .ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")])
                .await
                .unwrap();
            let id = text(&made, "vpcId");
            let subnet = [("VpcId", id.as_str()), ("CidrBlock", "10.0.0.0/24")];
            let answer = client.ec2("CreateSubnet", &subnet).await;
            answers.insert(
                answer.map_or_else(|refusal| text(&refusal, "Code"), |_| "made".to_owned()),
            );
        }
        let expected = ["InvalidVpcID.NotFound", "made"].map(str::to_owned);
        assert_eq!(answers, BTreeSet::from(expected));
    }
}
