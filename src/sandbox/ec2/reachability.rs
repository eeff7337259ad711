//! Can one network interface talk to another? Their security groups decide.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{
    network_interface::NetworkInterface,
    security_group_rule::{Peer, SecurityGroupRule},
    state::Ec2,
};

impl Ec2 {
    /// Whether TCP from one interface gets to a port of another: out of the groups of the one and into those of the other.
    pub fn lets_through(&self, from: &NetworkInterface, to: &NetworkInterface, port: i64) -> bool {
        self.allows(from, true, to, port) && self.allows(to, false, from, port)
    }

    /// Whether anybody on the internet gets to a port of an interface that has a public address.
    pub fn is_open_to_the_world(&self, interface: &NetworkInterface, port: i64) -> bool {
        const ANYBODY: &str = "0.0.0.0/0";
        interface.association.is_some()
            && self
                .security_group_rules
                .values()
                .filter(|rule| {
                    !rule.is_egress && interface.security_groups.contains(&rule.group_id)
                })
                .any(|rule| rule.covers(port) && rule.peer == Peer::Ipv4(ANYBODY.to_owned()))
    }

    fn allows(
        &self,
        interface: &NetworkInterface,
        is_egress: bool,
        peer: &NetworkInterface,
        port: i64,
    ) -> bool {
        self.security_group_rules
            .values()
            .filter(|rule| {
                rule.is_egress == is_egress && interface.security_groups.contains(&rule.group_id)
            })
            .any(|rule| rule.covers(port) && is_for(&rule.peer, peer))
    }
}

impl SecurityGroupRule {
    /// Whether it is about this port of TCP.
    pub fn covers(&self, port: i64) -> bool {
        match self.ports.protocol.as_str() {
            "-1" => true,
            "tcp" => (self.ports.from..=self.ports.to).contains(&port),
            _ => false,
        }
    }
}

fn is_for(peer: &Peer, interface: &NetworkInterface) -> bool {
    match peer {
        Peer::Ipv4(block) => contains(block, interface.private_ip),
        Peer::Group { id, .. } => interface.security_groups.contains(id),
        Peer::Ipv6(_) | Peer::PrefixList(_) => false,
    }
}

fn contains(block: &str, address: Ipv4Addr) -> bool {
    block
        .parse::<Ipv4Net>()
        .is_ok_and(|block| block.contains(&address))
}
