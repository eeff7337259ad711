//! EC2: networks and what stands in them.

mod describe;
mod request;
mod state;
mod vpc;

pub use request::refuse_dry_run;
pub use state::Ec2;

use super::dispatch::Operation;

pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateVpc" => vpc::create,
        "DescribeVpcs" => vpc::describe,
        "DeleteVpc" => vpc::delete,
        "DescribeVpcAttribute" => vpc::describe_attribute,
        "ModifyVpcAttribute" => vpc::modify_attribute,
        _ => return None,
    })
}
