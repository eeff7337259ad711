//! What is a VPC endpoint? A private way to one of AWS's services: interfaces in subnets, or a route in route tables.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    describe::{Listing, Noun},
    endpoint_service::{dns_label, prefix_list_id, private_dns_names},
    request::tag_set,
    state::Ec2,
};
use crate::sandbox::{call::Call, clock::Moment, fault::Fault, tags::Tags, world::Context};

/// Above it is cut, below it is taken as it is (the API model's DescribeVpcEndpoints).
const LARGEST_PAGE: i64 = 1000;

/// The zone of AWS's own in which the endpoints' names are.
const HOSTED_ZONE: &str = "Z2E726K9Y6RL4W";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum EndpointKind {
    Gateway,
    Interface,
}

impl EndpointKind {
    pub fn text(self) -> &'static str {
        match self {
            Self::Gateway => "Gateway",
            Self::Interface => "Interface",
        }
    }
}

/// AWS answers these in small letters, although its own model lists them with capitals (aws/aws-sdk issue 360).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointState {
    Pending,
    Available,
    Deleting,
}

impl EndpointState {
    fn text(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Deleting => "deleting",
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct VpcEndpoint {
    pub id: String,
    pub owner: String,
    pub region: String,
    pub vpc_id: String,
    /// As after `com.amazonaws.REGION.`.
    pub service: &'static str,
    pub kind: EndpointKind,
    pub state: EndpointState,
    pub policy_document: String,
    /// Of a gateway endpoint.
    pub route_tables: Vec<String>,
    /// Of an interface endpoint, by subnet.
    pub interfaces: BTreeMap<String, String>,
    pub security_groups: Vec<String>,
    pub has_private_dns: bool,
    /// What makes its public names its own.
    pub dns_suffix: String,
    pub created: Moment,
    pub tags: Tags,
}

impl VpcEndpoint {
    pub fn service_name(&self) -> String {
        format!("com.amazonaws.{}.{}", self.region, self.service)
    }

    pub fn prefix_list_id(&self) -> String {
        prefix_list_id(self.service, &self.region)
    }

    pub fn to_value(&self, ec2: &Ec2) -> Value {
        let groups: Value = self
            .security_groups
            .iter()
            .map(|id| {
                let name = ec2.security_groups.get(id).map(|group| group.name.as_str());
                json!({"groupId": id, "groupName": name})
            })
            .collect();
        let record_type = match self.kind {
            EndpointKind::Gateway => "service-defined",
            EndpointKind::Interface => "ipv4",
        };
        json!({
            "vpcEndpointId": self.id,
            "vpcEndpointType": self.kind.text(),
            "vpcId": self.vpc_id,
            "ownerId": self.owner,
            "serviceName": self.service_name(),
            "serviceRegion": self.region,
            "state": self.state.text(),
            "policyDocument": self.policy_document,
            "routeTableIdSet": self.route_tables,
            "subnetIdSet": self.interfaces.keys().collect::<Vec<_>>(),
            "networkInterfaceIdSet": self.interfaces.values().collect::<Vec<_>>(),
            "groupSet": groups,
            "ipAddressType": "ipv4",
            "dnsOptions": {"dnsRecordIpType": record_type},
            "privateDnsEnabled": self.has_private_dns,
            "requesterManaged": false,
            "dnsEntrySet": self.dns_entries(ec2),
            "creationTimestamp": self.created,
            "tagSet": tag_set(&self.tags),
        })
    }

    /// One name for all of its addresses, one for each zone, and those of the service itself with private DNS.
    fn dns_entries(&self, ec2: &Ec2) -> Value {
        if self.kind == EndpointKind::Gateway {
            return json!([]);
        }
        let domain = format!(
            "{}.vpce.amazonaws.com",
            dns_label(self.service, &self.region)
        );
        let own = format!("{}-{}", self.id, self.dns_suffix);
        let zones = self
            .interfaces
            .keys()
            .filter_map(|subnet| ec2.subnets.get(subnet))
            .map(|subnet| format!("{own}-{}.{domain}", subnet.zone));
        let private = match self.has_private_dns {
            true => private_dns_names(self.service, &self.region),
            false => Vec::new(),
        };
        [format!("{own}.{domain}")]
            .into_iter()
            .chain(zones)
            .map(|name| json!({"dnsName": name, "hostedZoneId": HOSTED_ZONE}))
            .chain(
                private
                    .into_iter()
                    .map(|name| json!({"dnsName": name, "hostedZoneId": "ZONEIDPENDING"})),
            )
            .collect()
    }
}

impl Noun for VpcEndpoint {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filter_values(&self, filter: &str) -> Option<Vec<String>> {
        let value = match filter {
            "vpc-endpoint-id" => self.id.clone(),
            "vpc-id" => self.vpc_id.clone(),
            "service-name" => self.service_name(),
            "service-region" => self.region.clone(),
            "vpc-endpoint-state" => self.state.text().to_owned(),
            "vpc-endpoint-type" => self.kind.text().to_owned(),
            "ip-address-type" => "ipv4".to_owned(),
            _ => return None,
        };
        Some(vec![value])
    }
}

pub fn not_found(id: &str) -> Fault {
    Fault::new(
        "InvalidVpcEndpointId.NotFound",
        format!("The Vpc Endpoint Id '{id}' does not exist"),
    )
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let size = call.parameters().integer("MaxResults")?;
    let size = size.map(|size| size.clamp(1, LARGEST_PAGE));
    let ec2 = &context.region.ec2;
    Listing {
        ids: "VpcEndpointId",
        set: "vpcEndpointSet",
        not_found,
    }
    .answer_in_pages(
        call,
        &ec2.vpc_endpoints,
        size.and_then(|size| usize::try_from(size).ok()),
        VpcEndpoint::filter_values,
        |endpoint| endpoint.to_value(ec2),
    )
}
