//! How do tags look in each service's own types?

use crate::resource::{CallError, TagMap};

use super::{Aws, send};

pub use crate::resource::{OPERATION_TAG as OPERATION, STACK_TAG as STACK};

/// The tag that carries the address within the stack.
pub const ADDRESS: &str = "navi:address";

/// The tags of a create: the spec's, and the token of this very create.
pub fn with_token(tags: &TagMap, token: &str) -> TagMap {
    let mut tags = tags.clone();
    tags.insert(OPERATION.to_owned(), token.to_owned());
    tags
}

/// The tags that a comparison may see: AWS's own are never ours (aws-behaviour §2, tags), and the
/// token of the create is not part of the spec.
pub fn comparable(tags: impl IntoIterator<Item = (String, String)>) -> TagMap {
    tags.into_iter()
        .filter(|(key, _)| !key.starts_with("aws:") && key != OPERATION)
        .collect()
}

/// The tags as EC2's creates take them.
pub fn specification(
    of: aws_sdk_ec2::types::ResourceType,
    tags: &TagMap,
    token: &str,
) -> aws_sdk_ec2::types::TagSpecification {
    aws_sdk_ec2::types::TagSpecification::builder()
        .resource_type(of)
        .set_tags(Some(ec2(&with_token(tags, token))))
        .build()
}

/// A filter that finds what the create with this token made.
pub fn made_by(token: &str) -> aws_sdk_ec2::types::Filter {
    aws_sdk_ec2::types::Filter::builder()
        .name(format!("tag:{OPERATION}"))
        .values(token)
        .build()
}

/// A filter that finds what carries the tag of this stack.
pub fn of_stack(stack: &str) -> aws_sdk_ec2::types::Filter {
    aws_sdk_ec2::types::Filter::builder()
        .name(format!("tag:{STACK}"))
        .values(stack)
        .build()
}

/// Every tag of an EC2 object, the token among them.
pub fn all_ec2(tags: Option<Vec<aws_sdk_ec2::types::Tag>>) -> TagMap {
    tags.unwrap_or_default()
        .into_iter()
        .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
        .collect()
}

/// Whether the create with this token made what carries these tags: the filter's question, asked of
/// an answer.
pub fn are_made_by(tags: Option<&[aws_sdk_ec2::types::Tag]>, token: &str) -> bool {
    tags.unwrap_or_default()
        .iter()
        .any(|tag| tag.key() == Some(OPERATION) && tag.value() == Some(token))
}

/// Tags as EC2 takes them.
pub fn ec2(tags: &TagMap) -> Vec<aws_sdk_ec2::types::Tag> {
    tags.iter()
        .map(|(key, value)| {
            aws_sdk_ec2::types::Tag::builder()
                .key(key)
                .value(value)
                .build()
        })
        .collect()
}

/// Tags as EC2 answers them.
pub fn from_ec2(tags: Option<Vec<aws_sdk_ec2::types::Tag>>) -> TagMap {
    comparable(
        tags.unwrap_or_default()
            .into_iter()
            .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))),
    )
}

/// Sets an EC2 object's tags to the wanted ones. `dropped` are the keys to take away, from
/// `Change::dropped_tag_keys`.
pub async fn retag_ec2(
    aws: &Aws,
    id: &str,
    wanted: &TagMap,
    dropped: &[String],
) -> Result<(), CallError> {
    untag_ec2(aws, id, dropped).await?;
    if !wanted.is_empty() {
        send(
            "ec2:CreateTags",
            aws.ec2
                .create_tags()
                .resources(id)
                .set_tags(Some(ec2(wanted)))
                .send(),
        )
        .await?;
    }
    Ok(())
}

/// Takes these tags off an EC2 object.
pub async fn untag_ec2(aws: &Aws, id: &str, keys: &[String]) -> Result<(), CallError> {
    // Without keys EC2 would take all of them off.
    if keys.is_empty() {
        return Ok(());
    }
    let tags = keys
        .iter()
        .map(|key| aws_sdk_ec2::types::Tag::builder().key(key).build())
        .collect();
    let call = aws.ec2.delete_tags().resources(id);
    send("ec2:DeleteTags", call.set_tags(Some(tags)).send())
        .await
        .map(drop)
}

/// Tags as IAM takes them.
pub fn iam(tags: &TagMap) -> Vec<aws_sdk_iam::types::Tag> {
    // The builder refuses nothing but a tag without key or value.
    tags.iter()
        .filter_map(|(key, value)| {
            let tag = aws_sdk_iam::types::Tag::builder().key(key).value(value);
            tag.build().ok()
        })
        .collect()
}

/// Tags as Certificate Manager takes them.
pub fn acm(tags: &TagMap) -> Vec<aws_sdk_acm::types::Tag> {
    // The builder refuses nothing but a tag without a key.
    tags.iter()
        .filter_map(|(key, value)| {
            let tag = aws_sdk_acm::types::Tag::builder().key(key).value(value);
            tag.build().ok()
        })
        .collect()
}

/// Tags as Route 53 takes them.
pub fn route53(tags: &TagMap) -> Vec<aws_sdk_route53::types::Tag> {
    tags.iter()
        .map(|(key, value)| {
            let tag = aws_sdk_route53::types::Tag::builder().key(key).value(value);
            tag.build()
        })
        .collect()
}

/// Tags as Elastic Load Balancing takes them.
pub fn elb(tags: &TagMap) -> Vec<aws_sdk_elasticloadbalancingv2::types::Tag> {
    tags.iter()
        .map(|(key, value)| {
            let tag = aws_sdk_elasticloadbalancingv2::types::Tag::builder();
            tag.key(key).value(value).build()
        })
        .collect()
}

/// The tags of one load balancer, target group, listener or rule, AWS's own and the token included.
pub async fn of_elb(aws: &Aws, arn: &str) -> Result<TagMap, CallError> {
    let answer = send(
        "elb:DescribeTags",
        aws.elb.describe_tags().resource_arns(arn).send(),
    )
    .await?;
    Ok(answer
        .tag_descriptions
        .unwrap_or_default()
        .into_iter()
        .flat_map(|description| description.tags.unwrap_or_default())
        .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
        .collect())
}

/// Whether the create with this token made the load balancer, target group, listener or rule.
/// Elastic Load Balancing has no client tokens and no tag filters, so the tag is read.
pub async fn made_elb(aws: &Aws, arn: &str, token: &str) -> Result<bool, CallError> {
    match of_elb(aws, arn).await {
        Ok(tags) => Ok(tags.get(OPERATION).is_some_and(|value| value == token)),
        // Gone between two calls.
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sets the tags of a load balancer, target group, listener or rule to the wanted ones.
pub async fn retag_elb(
    aws: &Aws,
    arn: &str,
    wanted: &TagMap,
    dropped: Vec<String>,
) -> Result<(), CallError> {
    untag_elb(aws, arn, &dropped).await?;
    if !wanted.is_empty() {
        let call = aws.elb.add_tags().resource_arns(arn);
        send("elb:AddTags", call.set_tags(Some(elb(wanted))).send()).await?;
    }
    Ok(())
}

/// Takes these tags off a load balancer, target group, listener or rule.
pub async fn untag_elb(aws: &Aws, arn: &str, keys: &[String]) -> Result<(), CallError> {
    if keys.is_empty() {
        return Ok(());
    }
    let call = aws.elb.remove_tags().resource_arns(arn);
    let call = call.set_tag_keys(Some(keys.to_vec()));
    send("elb:RemoveTags", call.send()).await.map(drop)
}

/// Tags as ECS takes them.
pub fn ecs(tags: &TagMap) -> Vec<aws_sdk_ecs::types::Tag> {
    tags.iter()
        .map(|(key, value)| {
            aws_sdk_ecs::types::Tag::builder()
                .key(key)
                .value(value)
                .build()
        })
        .collect()
}

/// Tags as ECS answers them.
pub fn from_ecs(tags: Option<Vec<aws_sdk_ecs::types::Tag>>) -> TagMap {
    comparable(
        tags.unwrap_or_default()
            .into_iter()
            .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))),
    )
}

/// Whether ECS's tags say that the create with this token made the object.
pub fn ecs_made_by(tags: Option<&[aws_sdk_ecs::types::Tag]>, token: &str) -> bool {
    tags.unwrap_or_default()
        .iter()
        .any(|tag| tag.key() == Some(OPERATION) && tag.value() == Some(token))
}

/// Sets an ECS object's tags to the wanted ones.
pub async fn retag_ecs(
    aws: &Aws,
    arn: &str,
    wanted: &TagMap,
    dropped: &[String],
) -> Result<(), CallError> {
    untag_ecs(aws, arn, dropped).await?;
    if !wanted.is_empty() {
        let call = aws.ecs.tag_resource().resource_arn(arn);
        send("ecs:TagResource", call.set_tags(Some(ecs(wanted))).send()).await?;
    }
    Ok(())
}

/// Takes these tags off an ECS object.
pub async fn untag_ecs(aws: &Aws, arn: &str, keys: &[String]) -> Result<(), CallError> {
    if keys.is_empty() {
        return Ok(());
    }
    let call = aws.ecs.untag_resource().resource_arn(arn);
    let call = call.set_tag_keys(Some(keys.to_vec()));
    send("ecs:UntagResource", call.send()).await.map(drop)
}

/// Tags as Cloud Map takes them.
pub fn cloud_map(tags: &TagMap) -> Vec<aws_sdk_servicediscovery::types::Tag> {
    tags.iter()
        .map(|(key, value)| {
            aws_sdk_servicediscovery::types::Tag::builder()
                .key(key)
                .value(value)
                .build()
                .expect("both required members are set")
        })
        .collect()
}

/// Sets a Cloud Map object's tags to the wanted ones.
pub async fn retag_cloud_map(
    aws: &Aws,
    arn: &str,
    wanted: &TagMap,
    dropped: &[String],
) -> Result<(), CallError> {
    untag_cloud_map(aws, arn, dropped).await?;
    if !wanted.is_empty() {
        let call = aws.cloud_map.tag_resource().resource_arn(arn);
        send(
            "servicediscovery:TagResource",
            call.set_tags(Some(cloud_map(wanted))).send(),
        )
        .await?;
    }
    Ok(())
}

/// Takes these tags off a Cloud Map object.
pub async fn untag_cloud_map(aws: &Aws, arn: &str, keys: &[String]) -> Result<(), CallError> {
    if keys.is_empty() {
        return Ok(());
    }
    let call = aws.cloud_map.untag_resource().resource_arn(arn);
    let call = call.set_tag_keys(Some(keys.to_vec()));
    send("servicediscovery:UntagResource", call.send())
        .await
        .map(drop)
}
