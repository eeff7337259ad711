//! Which network ACLs are there? The one that every VPC is born with; the sandbox makes no others.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    describe::{Listing, Noun},
    request::tag_set,
    state::Ec2,
};
use crate::sandbox::{call::Call, fault::Fault, ids::Ids, tags::Tags, world::Context};

#[derive(Debug, Serialize)]
pub struct NetworkAcl {
    pub id: String,
    pub owner: String,
    pub vpc_id: String,
    pub tags: Tags,
}

impl NetworkAcl {
    pub fn new(ids: &mut Ids, owner: &str, vpc_id: &str) -> Self {
        Self {
            id: ids.resource("acl"),
            owner: owner.to_owned(),
            vpc_id: vpc_id.to_owned(),
            tags: Tags::default(),
        }
    }

    fn to_value(&self, ec2: &Ec2) -> Value {
        let associations: Value = ec2
            .subnets
            .values()
            .filter(|subnet| subnet.vpc_id == self.vpc_id)
            .map(|subnet| {
                json!({
                    "networkAclAssociationId": subnet.network_acl_association_id,
                    "networkAclId": self.id,
                    "subnetId": subnet.id,
                })
            })
            .collect();
        let entry = |egress: bool, number: u32, action: &str| {
            json!({
                "cidrBlock": "0.0.0.0/0",
                "egress": egress,
                "protocol": "-1",
                "ruleAction": action,
                "ruleNumber": number,
            })
        };
        json!({
            "networkAclId": self.id,
            "ownerId": self.owner,
            "vpcId": self.vpc_id,
            "default": true,
            "associationSet": associations,
            "entrySet": [
                entry(true, 100, "allow"),
                entry(true, 32767, "deny"),
                entry(false, 100, "allow"),
                entry(false, 32767, "deny"),
            ],
            "tagSet": tag_set(&self.tags),
        })
    }
}

impl Noun for NetworkAcl {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filter_values(&self, filter: &str) -> Option<Vec<String>> {
        let value = match filter {
            "network-acl-id" => self.id.clone(),
            "vpc-id" => self.vpc_id.clone(),
            "owner-id" => self.owner.clone(),
            "default" => "true".to_owned(),
            _ => return None,
        };
        Some(vec![value])
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "InvalidNetworkAclID.NotFound",
        format!("The networkAcl ID '{id}' does not exist"),
    )
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let ec2 = &context.region.ec2;
    Listing {
        ids: "NetworkAclId",
        set: "networkAclSet",
        not_found,
    }
    .answer(call, &ec2.network_acls, |acl| acl.to_value(ec2))
}
