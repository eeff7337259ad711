//! What is an internet gateway? A VPC's door to the internet.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    describe::{Listing, Noun},
    request::{done, tag_set, tags_at_create},
};
use crate::sandbox::{call::Call, fault::Fault, tags::Tags, world::Context};

/// A region's default quota (aws-behaviour §5).
const MOST_GATEWAYS: usize = 5;

#[derive(Debug, Serialize)]
pub struct InternetGateway {
    pub id: String,
    pub owner: String,
    pub vpc_id: Option<String>,
    pub tags: Tags,
}

impl InternetGateway {
    fn to_value(&self) -> Value {
        // An attached gateway says available, not attached (aws-behaviour §2.3).
        let attachments: Value = self
            .vpc_id
            .iter()
            .map(|vpc| json!({"vpcId": vpc, "state": "available"}))
            .collect();
        json!({
            "internetGatewayId": self.id,
            "ownerId": self.owner,
            "attachmentSet": attachments,
            "tagSet": tag_set(&self.tags),
        })
    }
}

impl Noun for InternetGateway {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filter_values(&self, filter: &str) -> Option<Vec<String>> {
        let attached = self.vpc_id.iter();
        Some(match filter {
            "internet-gateway-id" => vec![self.id.clone()],
            "owner-id" => vec![self.owner.clone()],
            "attachment.vpc-id" => attached.cloned().collect(),
            "attachment.state" => attached.map(|_| "available".to_owned()).collect(),
            _ => return None,
        })
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "InvalidInternetGatewayID.NotFound",
        format!("The internetGateway ID '{id}' does not exist"),
    )
}

/// Makes a gateway without asking whether there are too many.
pub fn establish(context: &mut Context<'_>, tags: Tags) -> InternetGateway {
    InternetGateway {
        id: context.ids.resource("igw"),
        owner: context.account.to_owned(),
        vpc_id: None,
        tags,
    }
}

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let tags = tags_at_create(call, "internet-gateway")?;
    if context.region.ec2.internet_gateways.len() >= MOST_GATEWAYS {
        return Err(Fault::new(
            "InternetGatewayLimitExceeded",
            "The maximum number of internet gateways has been reached.",
        ));
    }
    let gateway = establish(context, tags);
    let answer = gateway.to_value();
    context
        .region
        .ec2
        .internet_gateways
        .insert(gateway.id.clone(), gateway);
    Ok(json!({"internetGateway": answer}))
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    Listing {
        ids: "InternetGatewayId",
        set: "internetGatewaySet",
        not_found,
    }
    .answer(
        call,
        &context.region.ec2.internet_gateways,
        InternetGateway::to_value,
    )
}

pub fn attach(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = parameters.required_string("InternetGatewayId")?;
    let vpc_id = parameters.required_string("VpcId")?;
    let ec2 = &mut context.region.ec2;
    ec2.vpc(vpc_id)?;
    let has_another = ec2.has_internet_gateway(vpc_id);
    let gateway = ec2
        .internet_gateways
        .get_mut(id)
        .ok_or_else(|| not_found(id))?;
    if let Some(attached) = &gateway.vpc_id {
        return Err(Fault::new(
            "Resource.AlreadyAssociated",
            format!("resource {id} is already attached to network {attached}"),
        ));
    }
    if has_another {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Network {vpc_id} already has an internet gateway attached"),
        ));
    }
    gateway.vpc_id = Some(vpc_id.to_owned());
    Ok(done())
}

/// Refused while any public address is mapped in the VPC: NAT gateways, load balancer nodes, tasks (aws-behaviour §2.3).
pub fn detach(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let id = parameters.required_string("InternetGatewayId")?;
    let vpc_id = parameters.required_string("VpcId")?;
    let ec2 = &mut context.region.ec2;
    let has_mapped_address = ec2
        .network_interfaces
        .values()
        .any(|interface| interface.vpc_id == vpc_id && interface.association.is_some());
    let gateway = ec2
        .internet_gateways
        .get_mut(id)
        .ok_or_else(|| not_found(id))?;
    if gateway.vpc_id.as_deref() != Some(vpc_id) {
        return Err(Fault::new(
            "Gateway.NotAttached",
            format!("resource {id} is not attached to network {vpc_id}"),
        ));
    }
    if has_mapped_address {
        return Err(Fault::new(
            "DependencyViolation",
            format!(
                "Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."
            ),
        ));
    }
    gateway.vpc_id = None;
    Ok(done())
}

pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = call.parameters().required_string("InternetGatewayId")?;
    let gateways = &mut context.region.ec2.internet_gateways;
    let gateway = gateways.get(id).ok_or_else(|| not_found(id))?;
    if gateway.vpc_id.is_some() {
        return Err(Fault::new(
            "DependencyViolation",
            format!("The internetGateway '{id}' has dependencies and cannot be deleted."),
        ));
    }
    gateways.remove(id);
    Ok(done())
}
