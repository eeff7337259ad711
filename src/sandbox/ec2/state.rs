//! What does EC2 hold in one region of one account?

use std::{collections::BTreeMap, net::Ipv4Addr};

use ipnet::Ipv4Net;
use serde::Serialize;

use super::vpc::Vpc;
use crate::sandbox::ids::Ids;

/// The address block of the default VPC, the same in every region.
const DEFAULT_VPC: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 31, 0, 0), 16);

#[derive(Debug, Default, Serialize)]
pub struct Ec2 {
    pub vpcs: BTreeMap<String, Vpc>,
}

impl Ec2 {
    /// Every region starts with AWS's default VPC: a stranger to whoever calls, to be left alone.
    pub fn with_default_vpc(_region: &str, account: &str, ids: &mut Ids) -> Self {
        let mut ec2 = Self::default();
        let mut vpc = Vpc::new(ids, account, DEFAULT_VPC);
        vpc.is_default = true;
        vpc.enable_dns_hostnames = true;
        ec2.vpcs.insert(vpc.id.clone(), vpc);
        ec2
    }
}
