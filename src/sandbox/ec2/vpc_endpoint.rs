//! Which VPC endpoints are there? The sandbox makes none, but what looks a VPC over asks for them.

use serde_json::{Value, json};

use crate::sandbox::{call::Call, fault::Fault, world::Context};

pub fn describe(_context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    match call.parameters().strings("VpcEndpointId").first() {
        Some(id) => Err(Fault::new(
            "InvalidVpcEndpointId.NotFound",
            format!("The Vpc Endpoint Id '{id}' does not exist"),
        )),
        None => Ok(json!({"vpcEndpointSet": []})),
    }
}
