//! What is a network interface? What an AWS service puts into a subnet for a task, a load balancer or a NAT gateway.

use std::{collections::BTreeSet, net::Ipv4Addr};

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    describe::{Listing, Noun},
    request::tag_set,
    state::Ec2,
    subnet::Subnet,
};
use crate::sandbox::{
    call::Call, clock::Moment, fault::Fault, ids::Ids, tags::Tags, world::Context,
};

#[derive(Clone, Debug, Serialize)]
pub struct NetworkInterface {
    pub id: String,
    pub owner: String,
    pub vpc_id: String,
    pub subnet_id: String,
    pub zone: String,
    pub zone_id: String,
    pub private_ip: Ipv4Addr,
    pub private_dns_name: String,
    pub mac_address: String,
    pub description: String,
    pub interface_type: &'static str,
    pub security_groups: Vec<String>,
    pub requester: String,
    pub attachment_id: String,
    pub attachment_owner: String,
    pub attached: Moment,
    pub association: Option<PublicAssociation>,
    pub tags: Tags,
}

/// The public address that is mapped to an interface.
#[derive(Clone, Debug, Serialize)]
pub struct PublicAssociation {
    pub public_ip: String,
    /// The account, or `amazon` for an address that AWS lends.
    pub owner: String,
    pub allocation_id: Option<String>,
    pub association_id: Option<String>,
}

/// The public address that a new interface is to have.
#[derive(Clone, Debug)]
pub enum PublicAddress {
    None,
    /// One that AWS lends for the life of the interface.
    Lent,
    Elastic(PublicAssociation),
}

/// What a service asks for when it makes an interface.
#[derive(Clone, Debug)]
pub struct NewInterface<'a> {
    pub subnet_id: &'a str,
    pub security_groups: Vec<String>,
    pub description: String,
    /// `interface` or `nat_gateway`.
    pub interface_type: &'static str,
    /// Who asked EC2 for it: `amazon-elb`, or a number for most services.
    pub requester: &'a str,
    /// Who owns what it is attached to: `amazon-elb`, `amazon-aws`, or the number of one of AWS's own accounts.
    pub attachment_owner: &'a str,
    pub public_address: PublicAddress,
}

/// Makes an interface, attached, with a free address of the subnet.
pub fn create(context: &mut Context<'_>, new: NewInterface<'_>) -> Result<NetworkInterface, Fault> {
    let ec2 = &mut context.region.ec2;
    let subnet = ec2.subnet(new.subnet_id)?;
    for group in &new.security_groups {
        if ec2.security_group(group)?.vpc_id != subnet.vpc_id {
            return Err(Fault::new(
                "InvalidGroup.NotFound",
                "You have specified two resources that belong to different networks.",
            ));
        }
    }
    let private_ip = free_address(ec2, subnet, context.ids)?;
    let association = match new.public_address {
        PublicAddress::None => None,
        PublicAddress::Elastic(association) => Some(association),
        PublicAddress::Lent => Some(lend_address(ec2, context.ids)?),
    };
    let interface = NetworkInterface {
        id: context.ids.resource("eni"),
        owner: context.account.to_owned(),
        vpc_id: subnet.vpc_id.clone(),
        subnet_id: subnet.id.clone(),
        zone: subnet.zone.clone(),
        zone_id: subnet.zone_id.clone(),
        private_ip,
        private_dns_name: private_dns_name(context.region_name, private_ip),
        mac_address: mac_address(context.ids),
        description: new.description,
        interface_type: new.interface_type,
        security_groups: new.security_groups,
        requester: new.requester.to_owned(),
        attachment_id: context.ids.resource("eni-attach"),
        attachment_owner: new.attachment_owner.to_owned(),
        attached: context.now,
        association,
        tags: Tags::default(),
    };
    ec2.network_interfaces
        .insert(interface.id.clone(), interface.clone());
    Ok(interface)
}

/// Removes an interface; one that is gone already stays gone.
pub fn delete(context: &mut Context<'_>, id: &str) {
    context.region.ec2.network_interfaces.remove(id);
}

/// AWS keeps the first four addresses and the last of every subnet.
fn free_address(ec2: &Ec2, subnet: &Subnet, ids: &mut Ids) -> Result<Ipv4Addr, Fault> {
    let taken: BTreeSet<Ipv4Addr> = ec2
        .network_interfaces
        .values()
        .filter(|interface| interface.subnet_id == subnet.id)
        .map(|interface| interface.private_ip)
        .collect();
    let first = u32::from(subnet.cidr.network()).saturating_add(4);
    let count = u32::from(subnet.cidr.broadcast()).saturating_sub(first);
    // Not always the lowest: an address that has just been freed is not at once somebody else's.
    let start = u32::try_from(ids.below(u64::from(count))).unwrap_or_default();
    (0..count)
        .map(|step| Ipv4Addr::from(first + (start + step) % count))
        .find(|address| !taken.contains(address))
        .ok_or_else(|| {
            Fault::new(
                "InsufficientFreeAddressesInSubnet",
                format!("The specified subnet '{}' does not have enough free addresses to satisfy the request.", subnet.id),
            )
        })
}

fn lend_address(ec2: &Ec2, ids: &mut Ids) -> Result<PublicAssociation, Fault> {
    let public_ip = ids
        .public_address(|address| ec2.is_public_address_taken(address))
        .ok_or_else(super::elastic_ip::none_left)?;
    Ok(PublicAssociation {
        public_ip,
        owner: "amazon".to_owned(),
        allocation_id: None,
        association_id: None,
    })
}

fn private_dns_name(region: &str, address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    let domain = match region {
        "us-east-1" => "ec2.internal".to_owned(),
        _ => format!("{region}.compute.internal"),
    };
    format!("ip-{a}-{b}-{c}-{d}.{domain}")
}

fn mac_address(ids: &mut Ids) -> String {
    (0..5).fold("02".to_owned(), |text, _| {
        format!("{text}:{}", ids.hexadecimal(2))
    })
}

impl NetworkInterface {
    fn to_value(&self, ec2: &Ec2) -> Value {
        let groups: Value = self
            .security_groups
            .iter()
            .map(|id| {
                let name = ec2.security_groups.get(id).map(|group| group.name.as_str());
                json!({"groupId": id, "groupName": name})
            })
            .collect();
        let association = self.association.as_ref().map(|association| {
            json!({
                "publicIp": association.public_ip,
                "ipOwnerId": association.owner,
                "allocationId": association.allocation_id,
                "associationId": association.association_id,
            })
        });
        json!({
            "networkInterfaceId": self.id,
            "ownerId": self.owner,
            "vpcId": self.vpc_id,
            "subnetId": self.subnet_id,
            "availabilityZone": self.zone,
            "availabilityZoneId": self.zone_id,
            "description": self.description,
            "interfaceType": self.interface_type,
            "status": "in-use",
            "requesterId": self.requester,
            "requesterManaged": true,
            "sourceDestCheck": self.interface_type != "nat_gateway",
            "macAddress": self.mac_address,
            "privateIpAddress": self.private_ip,
            "privateDnsName": self.private_dns_name,
            "groupSet": groups,
            "association": association,
            "attachment": {
                "attachmentId": self.attachment_id,
                "attachTime": self.attached,
                "deleteOnTermination": false,
                "deviceIndex": 1,
                "instanceOwnerId": self.attachment_owner,
                "status": "attached",
            },
            "privateIpAddressesSet": [{
                "primary": true,
                "privateIpAddress": self.private_ip,
                "privateDnsName": self.private_dns_name,
                "association": association,
            }],
            "ipv6AddressesSet": [],
            "tagSet": tag_set(&self.tags),
        })
    }
}

impl Noun for NetworkInterface {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filter_values(&self, filter: &str) -> Option<Vec<String>> {
        let association = self.association.as_ref();
        let optional = |value: Option<&String>| value.into_iter().cloned().collect::<Vec<_>>();
        Some(match filter {
            "group-id" => self.security_groups.clone(),
            "association.public-ip" | "addresses.association.public-ip" => {
                optional(association.map(|association| &association.public_ip))
            }
            "association.allocation-id" => {
                optional(association.and_then(|association| association.allocation_id.as_ref()))
            }
            "association.association-id" => {
                optional(association.and_then(|association| association.association_id.as_ref()))
            }
            "association.ip-owner-id" => {
                optional(association.map(|association| &association.owner))
            }
            "network-interface-id" => vec![self.id.clone()],
            "vpc-id" => vec![self.vpc_id.clone()],
            "subnet-id" => vec![self.subnet_id.clone()],
            "availability-zone" => vec![self.zone.clone()],
            "description" => vec![self.description.clone()],
            "interface-type" => vec![self.interface_type.to_owned()],
            "owner-id" => vec![self.owner.clone()],
            "requester-id" => vec![self.requester.clone()],
            "requester-managed" => vec!["true".to_owned()],
            "status" => vec!["in-use".to_owned()],
            "mac-address" => vec![self.mac_address.clone()],
            "private-ip-address" | "addresses.private-ip-address" => {
                vec![self.private_ip.to_string()]
            }
            "private-dns-name" => vec![self.private_dns_name.clone()],
            "attachment.attachment-id" => vec![self.attachment_id.clone()],
            "attachment.instance-owner-id" => vec![self.attachment_owner.clone()],
            "attachment.status" => vec!["attached".to_owned()],
            _ => return None,
        })
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "InvalidNetworkInterfaceID.NotFound",
        format!("The networkInterface ID '{id}' does not exist"),
    )
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let ec2 = &context.region.ec2;
    Listing {
        ids: "NetworkInterfaceId",
        set: "networkInterfaceSet",
        not_found,
    }
    .answer(call, &ec2.network_interfaces, |interface| {
        interface.to_value(ec2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{
        ec2::Egress,
        figures::Figures,
        pace::{Pace, Tempo},
        world::World,
    };

    fn in_default_subnet<T>(action: impl FnOnce(&mut Context<'_>, &str) -> T) -> T {
        let mut world = World::new(Tempo::new(Pace::INSTANT, &Figures::built_in()), 1);
        world.within("1", "eu-west-1", Moment::default(), |context| {
            let subnet = context.region.ec2.subnets.keys().next().unwrap().clone();
            action(context, &subnet)
        })
    }

    fn task_interface(subnet_id: &str) -> NewInterface<'_> {
        NewInterface {
            subnet_id,
            security_groups: Vec::new(),
            description: "task".to_owned(),
            interface_type: "interface",
            requester: "578734482556",
            attachment_owner: "578734482556",
            public_address: PublicAddress::Lent,
        }
    }

    #[test]
    fn addresses_are_the_subnets_own_and_given_once() {
        in_default_subnet(|context, subnet| {
            let small: ipnet::Ipv4Net = "172.31.0.0/28".parse().unwrap();
            context.region.ec2.subnets.get_mut(subnet).unwrap().cidr = small;
            let taken: BTreeSet<Ipv4Addr> = (0..11)
                .map(|_| create(context, task_interface(subnet)).unwrap().private_ip)
                .collect();
            let expected: BTreeSet<Ipv4Addr> = (4..15)
                .map(|last| Ipv4Addr::new(172, 31, 0, last))
                .collect();
            assert_eq!(taken, expected);
            let refusal = create(context, task_interface(subnet)).unwrap_err();
            assert_eq!(refusal.code, "InsufficientFreeAddressesInSubnet");
        });
    }

    #[test]
    fn an_interface_holds_its_subnet_and_its_groups() {
        in_default_subnet(|context, subnet| {
            let ec2 = &context.region.ec2;
            let vpc_id = ec2.subnet(subnet).unwrap().vpc_id.clone();
            let group = ec2.default_security_group(&vpc_id).unwrap().id.clone();
            let new = NewInterface {
                security_groups: vec![group.clone()],
                ..task_interface(subnet)
            };
            let interface = create(context, new).unwrap();
            assert_eq!(interface.association.unwrap().owner, "amazon");
            assert_eq!(context.region.ec2.interfaces_in_subnet(subnet), 1);
            delete(context, &interface.id);
            assert_eq!(context.region.ec2.interfaces_in_subnet(subnet), 0);
            let unknown = NewInterface {
                security_groups: vec!["sg-0".to_owned()],
                ..task_interface(subnet)
            };
            assert_eq!(
                create(context, unknown).unwrap_err().code,
                "InvalidGroup.NotFound"
            );
        });
    }

    #[test]
    fn the_way_out_follows_the_main_route_table() {
        in_default_subnet(|context, subnet| {
            assert_eq!(context.region.ec2.egress(subnet), Egress::InternetGateway);
            for gateway in context.region.ec2.internet_gateways.values_mut() {
                gateway.vpc_id = None;
            }
            assert_eq!(context.region.ec2.egress(subnet), Egress::Nothing);
        });
    }
}
