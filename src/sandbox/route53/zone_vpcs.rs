//! Which VPCs see a private zone?

use serde_json::{Value, json};

use super::{
    change,
    hosted_zone::{ZoneVpc, conflicting},
};
use crate::sandbox::{call::Call, fault::Fault, world::Context};

fn vpc_asked_for(call: &Call) -> Result<ZoneVpc, Fault> {
    let parameters = call.parameters();
    let vpc = parameters
        .structure("VPC")
        .ok_or_else(|| call.service.missing_parameter("vPC"))?;
    Ok(ZoneVpc {
        region: vpc.required_string("VPCRegion")?.to_owned(),
        id: vpc.required_string("VPCId")?.to_owned(),
    })
}

pub fn associate(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let vpc = vpc_asked_for(call)?;
    let route53 = &mut context.global.route53;
    let zone = route53.zone(call.parameters().required_string("Id")?)?;
    zone.refuse_if_linked()?;
    if !zone.is_private {
        return Err(Fault::new(
            "PublicZoneVPCAssociation",
            "You're trying to associate a VPC with a public hosted zone.",
        ));
    }
    let (id, name) = (zone.id.clone(), zone.name.clone());
    if let Some(conflict) = conflicting(route53.hosted_zones.values(), &name, &vpc) {
        return Err(conflict);
    }
    route53.zone_mut(&id)?.vpcs.push(vpc);
    Ok(json!({"ChangeInfo": change::submit(context, None)}))
}

pub fn disassociate(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let vpc = vpc_asked_for(call)?;
    let zone = context
        .global
        .route53
        .zone_mut(call.parameters().required_string("Id")?)?;
    zone.refuse_if_linked()?;
    if !zone.vpcs.contains(&vpc) {
        return Err(Fault::new(
            "VPCAssociationNotFound",
            format!(
                "The VPC {} in region {} that you provided is not associated with the hosted zone.",
                vpc.id, vpc.region
            ),
        )
        .with_status(404));
    }
    if zone.vpcs.len() == 1 {
        return Err(Fault::new(
            "LastVPCAssociation",
            "Cannot remove last VPC association for the private zone",
        ));
    }
    zone.vpcs.retain(|other| *other != vpc);
    Ok(json!({"ChangeInfo": change::submit(context, None)}))
}

pub fn list_zones(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let vpc_id = parameters.required_string("vpcid")?;
    let region = parameters.required_string("vpcregion")?;
    let account = context.account;
    let summaries: Value = context
        .global
        .route53
        .hosted_zones
        .values()
        .filter(|zone| {
            zone.vpcs
                .iter()
                .any(|vpc| vpc.id == vpc_id && vpc.region == region)
        })
        .map(|zone| {
            let owner = match &zone.linked_service {
                Some(linked) => json!({"OwningService": linked.principal}),
                None => json!({"OwningAccount": account}),
            };
            json!({"HostedZoneId": zone.id, "Name": zone.name, "Owner": owner})
        })
        .collect();
    Ok(json!({"HostedZoneSummaries": summaries, "MaxItems": "100"}))
}
