//! What is a NAT gateway? How private subnets reach the internet. It takes minutes to come and to go, and fails late.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    describe::{Listing, Noun},
    elastic_ip,
    network_interface::{self, NewInterface, PublicAddress, PublicAssociation},
    request::{remembered, tag_set, tags_at_create},
};
use crate::sandbox::{
    call::Call, clock::Moment, fault::Fault, pace::Doing, tags::Tags, world::Context,
};

/// How long a gateway that is deleted or failed stays listed (aws-behaviour §2.6).
const AFTERLIFE: std::time::Duration = std::time::Duration::from_secs(3600);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NatState {
    Pending,
    Available,
    Failed,
    Deleting,
    Deleted,
}

impl NatState {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

#[derive(Debug, Serialize)]
pub struct NatGateway {
    pub id: String,
    pub vpc_id: String,
    pub subnet_id: String,
    pub state: NatState,
    pub is_public: bool,
    pub created: Moment,
    pub deleted: Option<Moment>,
    pub failure: Option<Failure>,
    pub allocation_id: Option<String>,
    pub interface: Option<Interface>,
    pub tags: Tags,
}

/// Why a gateway failed, in AWS's words.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    pub code: String,
    pub message: String,
}

/// The gateway's own interface, as long as it has one.
#[derive(Debug, Serialize)]
pub struct Interface {
    pub id: String,
    pub private_ip: String,
    pub public_ip: Option<String>,
    pub association_id: Option<String>,
}

impl NatGateway {
    fn to_value(&self) -> Value {
        // While pending only the allocation is shown.
        let interface = self
            .interface
            .as_ref()
            .filter(|_| self.state != NatState::Pending);
        let status = match self.state {
            NatState::Failed => "failed",
            NatState::Pending => "associating",
            _ => "succeeded",
        };
        let address = json!({
            "allocationId": self.allocation_id,
            "networkInterfaceId": interface.map(|interface| &interface.id),
            "privateIp": interface.map(|interface| &interface.private_ip),
            "publicIp": interface.map(|interface| &interface.public_ip),
            "associationId": interface.map(|interface| &interface.association_id),
            "isPrimary": true,
            "status": status,
        });
        json!({
            "natGatewayId": self.id,
            "vpcId": self.vpc_id,
            "subnetId": self.subnet_id,
            "state": self.state.name(),
            "connectivityType": if self.is_public { "public" } else { "private" },
            "createTime": self.created,
            "deleteTime": self.deleted,
            "failureCode": self.failure.as_ref().map(|failure| &failure.code),
            "failureMessage": self.failure.as_ref().map(|failure| &failure.message),
            "natGatewayAddressSet": [address],
            "tagSet": tag_set(&self.tags),
        })
    }
}

impl Noun for NatGateway {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filter_values(&self, filter: &str) -> Option<Vec<String>> {
        let value = match filter {
            "nat-gateway-id" => self.id.clone(),
            "vpc-id" => self.vpc_id.clone(),
            "subnet-id" => self.subnet_id.clone(),
            "state" => self.state.name().to_owned(),
            _ => return None,
        };
        Some(vec![value])
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "NatGatewayNotFound",
        format!("The Nat Gateway {id} was not found"),
    )
}

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    remembered(context, call, "CreateNatGateway", |context| {
        let gateway = begin(context, call)?;
        let answer = json!({
            "natGateway": gateway.to_value(),
            "clientToken": call.parameters().string("ClientToken"),
        });
        let id = gateway.id.clone();
        context.region.ec2.nat_gateways.insert(id.clone(), gateway);
        context.schedule(Doing::NatGatewayBecomesAvailable, move |context| {
            become_ready(context, &id)
        });
        Ok(answer)
    })
}

fn begin(context: &mut Context<'_>, call: &Call) -> Result<NatGateway, Fault> {
    let parameters = call.parameters();
    let subnet_id = parameters.required_string("SubnetId")?;
    let is_public = parameters.string("ConnectivityType") != Some("private");
    let allocation_id = match is_public {
        true => Some(parameters.required_string("AllocationId")?.to_owned()),
        false => None,
    };
    let tags = tags_at_create(call, "natgateway")?;
    let ec2 = &context.region.ec2;
    let vpc_id = ec2.subnet(subnet_id)?.vpc_id.clone();
    if let Some(id) = &allocation_id
        && !ec2.addresses.contains_key(id)
    {
        return Err(elastic_ip::not_found(id));
    }
    let mut gateway = NatGateway {
        id: context.ids.resource("nat"),
        vpc_id,
        subnet_id: subnet_id.to_owned(),
        state: NatState::Pending,
        is_public,
        created: context.now,
        deleted: None,
        failure: None,
        allocation_id,
        interface: None,
        tags,
    };
    if let Err(failure) = occupy(context, &mut gateway) {
        gateway.failure = Some(failure);
    }
    Ok(gateway)
}

/// Takes the address and an interface. What goes wrong here is told later, by the state `failed` (aws-behaviour §2.6).
fn occupy(context: &mut Context<'_>, gateway: &mut NatGateway) -> Result<(), Failure> {
    let public_address = match &gateway.allocation_id {
        None => PublicAddress::None,
        Some(allocation_id) => public_address(context, gateway, allocation_id)?,
    };
    let subnet_id = gateway.subnet_id.clone();
    let interface = network_interface::create(
        context,
        NewInterface {
            subnet_id: &subnet_id,
            security_groups: Vec::new(),
            description: format!("Interface for NAT Gateway {}", gateway.id),
            interface_type: "nat_gateway",
            requester: "amazon-nat",
            attachment_owner: "amazon-aws",
            public_address,
        },
    )
    .map_err(|fault| Failure {
        code: fault.code,
        message: fault.message,
    })?;
    let association = interface.association.as_ref();
    if let Some(association) = association
        && let Some(allocation_id) = &association.allocation_id
        && let Some(address) = context.region.ec2.addresses.get_mut(allocation_id)
    {
        address.association = Some(elastic_ip::Association {
            id: association.association_id.clone().unwrap_or_default(),
            network_interface_id: interface.id.clone(),
            interface_owner: interface.owner.clone(),
            private_ip: interface.private_ip.to_string(),
        });
    }
    gateway.interface = Some(Interface {
        private_ip: interface.private_ip.to_string(),
        public_ip: association.map(|association| association.public_ip.clone()),
        association_id: association.and_then(|association| association.association_id.clone()),
        id: interface.id,
    });
    Ok(())
}

fn public_address(
    context: &mut Context<'_>,
    gateway: &NatGateway,
    allocation_id: &str,
) -> Result<PublicAddress, Failure> {
    let ec2 = &context.region.ec2;
    if !ec2.has_internet_gateway(&gateway.vpc_id) {
        return Err(Failure {
            code: "Gateway.NotAttached".to_owned(),
            message: format!(
                "Network {} has no Internet gateway attached",
                gateway.vpc_id
            ),
        });
    }
    match ec2.addresses.get(allocation_id) {
        Some(address) if address.association.is_none() => {
            Ok(PublicAddress::Elastic(PublicAssociation {
                public_ip: address.public_ip.clone(),
                owner: context.account.to_owned(),
                allocation_id: Some(allocation_id.to_owned()),
                association_id: Some(context.ids.resource("eipassoc")),
            }))
        }
        Some(_) => Err(Failure {
            code: "Resource.AlreadyAssociated".to_owned(),
            message: format!("Elastic IP address [{allocation_id}] is already associated"),
        }),
        None => Err(Failure {
            code: "InvalidAllocationID.NotFound".to_owned(),
            message: format!("The allocation ID '{allocation_id}' does not exist"),
        }),
    }
}

fn become_ready(context: &mut Context<'_>, id: &str) {
    let Some(gateway) = context.region.ec2.nat_gateways.get_mut(id) else {
        return;
    };
    if gateway.state != NatState::Pending {
        return;
    }
    if gateway.failure.is_none() {
        gateway.state = NatState::Available;
        return;
    }
    gateway.state = NatState::Failed;
    gateway.deleted = Some(context.now);
    forget_later(context, id);
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    Listing {
        ids: "NatGatewayId",
        set: "natGatewaySet",
        not_found,
    }
    .answer(call, &context.region.ec2.nat_gateways, NatGateway::to_value)
}

/// Until it is deleted it holds its subnet, its address and the internet gateway (aws-behaviour §2.6).
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = call.parameters().required_string("NatGatewayId")?;
    let gateway = context
        .region
        .ec2
        .nat_gateways
        .get_mut(id)
        .filter(|gateway| gateway.state != NatState::Deleted)
        .ok_or_else(|| not_found(id))?;
    if gateway.state != NatState::Deleting {
        gateway.state = NatState::Deleting;
        let own = id.to_owned();
        context.schedule(Doing::NatGatewayIsDeleted, move |context| {
            become_deleted(context, &own)
        });
    }
    Ok(json!({"natGatewayId": id}))
}

fn become_deleted(context: &mut Context<'_>, id: &str) {
    let Some(gateway) = context.region.ec2.nat_gateways.get_mut(id) else {
        return;
    };
    gateway.state = NatState::Deleted;
    gateway.deleted = Some(context.now);
    let interface = gateway
        .interface
        .as_ref()
        .map(|interface| interface.id.clone());
    if let Some(interface) = interface {
        for address in context.region.ec2.addresses.values_mut() {
            let is_own = |association: &elastic_ip::Association| {
                association.network_interface_id == interface
            };
            if address.association.as_ref().is_some_and(is_own) {
                address.association = None;
            }
        }
        network_interface::delete(context, &interface);
    }
    forget_later(context, id);
}

fn forget_later(context: &mut Context<'_>, id: &str) {
    let id = id.to_owned();
    context.schedule_after(AFTERLIFE, move |context| {
        context.region.ec2.nat_gateways.remove(&id);
    });
}
