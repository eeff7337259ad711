//! What is an action about? The resource types that the service authorization reference has for it, found in the
//! call's parameters. What isn't there is left to the service itself, which says so **[I]**.

use super::{Keys, Target};
use crate::sandbox::{call::Call, service::Service, tags::Tags, world::Context};

impl Target {
    /// The resource of this ARN, with its tags if it is there.
    pub(super) fn of(context: &Context<'_>, arn: String) -> Self {
        let tags = tags_at(context, &arn);
        Target {
            is_missing: tags.is_none(),
            keys: tags.map(keys_of).unwrap_or_default(),
            arn,
        }
    }
}

fn keys_of(tags: &Tags) -> Keys {
    let key =
        |(key, value): (&str, &str)| (format!("aws:ResourceTag/{key}"), vec![value.to_owned()]);
    tags.iter().map(key).collect()
}

/// Whatever has an ARN and tags, but for EC2's, which go by their identifiers.
fn tags_at<'a>(context: &'a Context<'_>, arn: &str) -> Option<&'a Tags> {
    macro_rules! among {
        ($($($part:ident).+;)*) => {
            $(for one in context.region.$($part).+.values() {
                if one.arn == arn {
                    return Some(&one.tags);
                }
            })*
        };
    }
    among! {
        elb.load_balancers;
        elb.target_groups;
        elb.listeners;
        elb.rules;
        ecs.clusters;
        ecs.services;
        ecs.tasks;
        ecs.task_definitions;
        acm.certificates;
        cloud_map.namespaces;
        cloud_map.services;
        application_auto_scaling.scalable_targets;
    }
    None
}

/// All resources of the call's own action.
pub fn of(context: &Context<'_>, call: &Call) -> Vec<Target> {
    match call.service {
        Service::Ec2 => ec2(context, call),
        Service::ElasticLoadBalancing => elb(context, call),
        Service::Ecs => ecs(context, call),
        Service::CloudMap => cloud_map(context, call),
        Service::Acm => arns(context, call, &["CertificateArn"]),
        Service::ApplicationAutoScaling => scaling(context, call),
        Service::Iam => iam(context, call),
        Service::Logs => logs(context, call),
        Service::Route53 => route53(call),
        Service::Ecr => ecr(context, call),
        Service::ServiceQuotas => {
            let parameters = call.parameters();
            let part = |name| parameters.string(name).unwrap_or_default().to_owned();
            let quota = format!("{}/{}", part("ServiceCode"), part("QuotaCode"));
            vec![Target::plain(context.arn("servicequotas", quota))]
        }
        Service::Sts => Vec::new(),
    }
}

/// What a creating call makes, by an ARN with `*` in place of what AWS is yet to choose.
pub fn made(call: &Call) -> Vec<Target> {
    let parameters = call.parameters();
    let text = |name| parameters.string(name).unwrap_or_default();
    let below = |arn: &str, from: &str, to: &str| format!("{}/*", arn.replacen(from, to, 1));
    let here = |service: &str, path: String| {
        format!("arn:aws:{service}:{}:{}:{path}", call.region, call.account)
    };
    let arn = match (call.service, call.operation.as_str()) {
        (Service::Ec2, operation) => {
            let kinds = EC2_MADE.iter();
            let kind = kinds
                .filter(|(create, _)| *create == operation)
                .map(|(_, kind)| *kind);
            return kind
                .map(|kind| Target::plain(here("ec2", format!("{kind}/*"))))
                .collect();
        }
        (Service::ElasticLoadBalancing, "CreateLoadBalancer") => here(
            "elasticloadbalancing",
            format!("loadbalancer/app/{}/*", text("Name")),
        ),
        (Service::ElasticLoadBalancing, "CreateTargetGroup") => here(
            "elasticloadbalancing",
            format!("targetgroup/{}/*", text("Name")),
        ),
        (Service::ElasticLoadBalancing, "CreateListener") => {
            below(text("LoadBalancerArn"), ":loadbalancer/", ":listener/")
        }
        (Service::ElasticLoadBalancing, "CreateRule") => {
            below(text("ListenerArn"), ":listener/", ":listener-rule/")
        }
        (Service::Ecs, "CreateCluster") => here("ecs", format!("cluster/{}", text("clusterName"))),
        (Service::Ecs, "CreateService") => {
            let cluster = last(text("cluster"));
            here("ecs", format!("service/{cluster}/{}", text("serviceName")))
        }
        (Service::Ecs, "RegisterTaskDefinition") => {
            here("ecs", format!("task-definition/{}:*", text("family")))
        }
        (Service::Acm, _) => here("acm", "certificate/*".to_owned()),
        (Service::ApplicationAutoScaling, _) => {
            here("application-autoscaling", "scalable-target/*".to_owned())
        }
        (Service::Iam, _) => format!("arn:aws:iam::{}:role/{}", call.account, text("RoleName")),
        (Service::Logs, _) => here("logs", format!("log-group:{}", text("logGroupName"))),
        // Cloud Map's can be tied to nothing.
        _ => return Vec::new(),
    };
    vec![Target::plain(arn)]
}

const EC2_MADE: [(&str, &str); 8] = [
    ("AllocateAddress", "elastic-ip"),
    ("CreateInternetGateway", "internet-gateway"),
    ("CreateNatGateway", "natgateway"),
    ("CreateRouteTable", "route-table"),
    ("CreateSecurityGroup", "security-group"),
    ("CreateSubnet", "subnet"),
    ("CreateVpc", "vpc"),
    ("CreateVpcEndpoint", "vpc-endpoint"),
];

/// The parameters that name what EC2's actions are about. Others that name something too are not looked at.
const EC2_NAMED: &[(&str, &[&str])] = &[
    ("AssociateRouteTable", &["RouteTableId", "SubnetId"]),
    ("AttachInternetGateway", &["InternetGatewayId", "VpcId"]),
    ("AuthorizeSecurityGroupEgress", &["GroupId"]),
    ("AuthorizeSecurityGroupIngress", &["GroupId"]),
    ("CreateNatGateway", &["AllocationId", "SubnetId"]),
    ("CreateRoute", &["RouteTableId"]),
    ("CreateRouteTable", &["VpcId"]),
    ("CreateSecurityGroup", &["VpcId"]),
    ("CreateSubnet", &["VpcId"]),
    ("CreateTags", &["ResourceId"]),
    (
        "CreateVpcEndpoint",
        &["VpcId", "RouteTableId", "SecurityGroupId", "SubnetId"],
    ),
    ("DeleteInternetGateway", &["InternetGatewayId"]),
    ("DeleteNatGateway", &["NatGatewayId"]),
    ("DeleteRoute", &["RouteTableId"]),
    ("DeleteRouteTable", &["RouteTableId"]),
    ("DeleteSecurityGroup", &["GroupId"]),
    ("DeleteSubnet", &["SubnetId"]),
    ("DeleteTags", &["ResourceId"]),
    ("DeleteVpc", &["VpcId"]),
    ("DeleteVpcEndpoints", &["VpcEndpointId"]),
    ("DescribeVpcAttribute", &["VpcId"]),
    ("DetachInternetGateway", &["InternetGatewayId", "VpcId"]),
    ("ModifySubnetAttribute", &["SubnetId"]),
    ("ModifyVpcAttribute", &["VpcId"]),
    (
        "ModifyVpcEndpoint",
        &[
            "VpcEndpointId",
            "AddRouteTableId",
            "AddSecurityGroupId",
            "AddSubnetId",
            "RemoveRouteTableId",
            "RemoveSecurityGroupId",
            "RemoveSubnetId",
        ],
    ),
    ("ReleaseAddress", &["AllocationId"]),
    ("ReplaceRoute", &["RouteTableId"]),
    ("ReplaceRouteTableAssociation", &["RouteTableId"]),
    ("RevokeSecurityGroupEgress", &["GroupId"]),
    ("RevokeSecurityGroupIngress", &["GroupId"]),
];

/// How EC2's identifiers begin, and what they are of.
const EC2_KINDS: [(&str, &str); 11] = [
    ("acl", "network-acl"),
    ("eipalloc", "elastic-ip"),
    ("eni", "network-interface"),
    ("igw", "internet-gateway"),
    ("nat", "natgateway"),
    ("rtb", "route-table"),
    ("sg", "security-group"),
    ("sgr", "security-group-rule"),
    ("subnet", "subnet"),
    ("vpc", "vpc"),
    ("vpce", "vpc-endpoint"),
];

fn ec2(context: &Context<'_>, call: &Call) -> Vec<Target> {
    let mut targets = made(call);
    let operation = call.operation.as_str();
    if operation.starts_with("AuthorizeSecurityGroup") {
        targets.push(Target::plain(context.arn("ec2", "security-group-rule/*")));
    }
    let ec2 = &context.region.ec2;
    let named = EC2_NAMED.iter().filter(|(name, _)| *name == operation);
    let parameters = call.parameters();
    let mut ids: Vec<&str> = named
        .flat_map(|(_, names)| names.iter())
        .flat_map(|name| match parameters.string(name) {
            Some(id) => vec![id],
            None => parameters.strings(name),
        })
        .collect();
    // An association is known by its table and its subnet.
    let association = parameters.string("AssociationId").unwrap_or_default();
    if operation.contains("RouteTable") {
        for table in ec2.route_tables.values() {
            let mut all = table.associations.iter();
            if let Some(found) = all.find(|one| one.id == association) {
                ids.extend([table.id.as_str()]);
                ids.extend(found.subnet_id.as_deref());
            }
        }
    }
    // A gateway's VPC is that of its subnet.
    if operation == "CreateNatGateway"
        && let Some(subnet) = ec2
            .subnets
            .get(parameters.string("SubnetId").unwrap_or_default())
    {
        ids.push(&subnet.vpc_id);
    }
    let all = ec2.all_tags();
    targets.extend(ids.into_iter().filter_map(|id| {
        let prefix = id.split_once('-').map_or("", |(prefix, _)| prefix);
        let (_, kind) = EC2_KINDS.iter().find(|(known, _)| *known == prefix)?;
        let found = all.iter().find(|(_, known, _)| *known == id);
        Some(Target {
            arn: context.arn("ec2", format!("{kind}/{id}")),
            keys: found.map(|(_, _, tags)| keys_of(tags)).unwrap_or_default(),
            is_missing: found.is_none(),
        })
    }));
    targets
}

/// The resources whose ARNs these parameters hold.
fn arns(context: &Context<'_>, call: &Call, names: &[&str]) -> Vec<Target> {
    let parameters = call.parameters();
    names
        .iter()
        .flat_map(|name| match parameters.string(name) {
            Some(arn) => vec![arn],
            None => parameters.strings(name),
        })
        .map(|arn| Target::of(context, arn.to_owned()))
        .collect()
}

/// Its listings can be tied to nothing.
fn elb(context: &Context<'_>, call: &Call) -> Vec<Target> {
    match call.operation.as_str() {
        operation if operation.starts_with("Describe") => Vec::new(),
        "CreateLoadBalancer" | "CreateTargetGroup" => made(call),
        "SetRulePriorities" => {
            let list = call.parameters().list("RulePriorities");
            let arns = list.iter().filter_map(|one| one.string("RuleArn"));
            arns.map(|arn| Target::of(context, arn.to_owned()))
                .collect()
        }
        _ => {
            let names = [
                "LoadBalancerArn",
                "ListenerArn",
                "RuleArn",
                "TargetGroupArn",
                "ResourceArns",
            ];
            arns(context, call, &names)
        }
    }
}

fn ecs(context: &Context<'_>, call: &Call) -> Vec<Target> {
    let parameters = call.parameters();
    let cluster = last(parameters.string("cluster").unwrap_or("default"));
    let named = |path: String| Target::of(context, context.arn("ecs", path));
    let each = |list: &str, kind: &str| -> Vec<Target> {
        let names = parameters.strings(list).into_iter().map(last);
        names
            .map(|name| named(format!("{kind}/{cluster}/{name}")))
            .collect()
    };
    match call.operation.as_str() {
        "CreateCluster" | "CreateService" | "RegisterTaskDefinition" => made(call),
        "DescribeClusters" => {
            let names = parameters.strings("clusters").into_iter().map(last);
            names.map(|name| named(format!("cluster/{name}"))).collect()
        }
        "DeleteCluster" | "PutClusterCapacityProviders" | "UpdateCluster" => {
            vec![named(format!("cluster/{cluster}"))]
        }
        "DescribeServices" => each("services", "service"),
        "UpdateService" | "DeleteService" => {
            let name = last(parameters.string("service").unwrap_or_default());
            vec![named(format!("service/{cluster}/{name}"))]
        }
        "DescribeTasks" => each("tasks", "task"),
        "StopTask" => {
            let id = last(parameters.string("task").unwrap_or_default());
            vec![named(format!("task/{cluster}/{id}"))]
        }
        "ExecuteCommand" => {
            let id = last(parameters.string("task").unwrap_or_default());
            vec![
                named(format!("cluster/{cluster}")),
                named(format!("task/{cluster}/{id}")),
            ]
        }
        "ListTasks" => vec![named(format!("container-instance/{cluster}/*"))],
        "DeleteTaskDefinitions" => {
            let all = parameters.strings("taskDefinitions").into_iter();
            all.map(|arn| Target::of(context, arn.to_owned())).collect()
        }
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            arns(context, call, &["resourceArn"])
        }
        _ => Vec::new(),
    }
}

/// What comes after the last slash: the name in an ARN, or the name itself.
fn last(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}

fn cloud_map(context: &Context<'_>, call: &Call) -> Vec<Target> {
    let parameters = call.parameters();
    let id = |name: &str| last(parameters.string(name).unwrap_or_default()).to_owned();
    let namespace = |id: String| {
        Target::of(
            context,
            context.arn("servicediscovery", format!("namespace/{id}")),
        )
    };
    let service = |id: String| {
        Target::of(
            context,
            context.arn("servicediscovery", format!("service/{id}")),
        )
    };
    match call.operation.as_str() {
        "CreateService" => vec![
            namespace(id("NamespaceId")),
            Target::plain(context.arn("servicediscovery", "service/*")),
        ],
        "GetNamespace" | "DeleteNamespace" | "UpdatePrivateDnsNamespace" => {
            vec![namespace(id("Id"))]
        }
        "GetService" | "DeleteService" | "UpdateService" => vec![service(id("Id"))],
        "DeregisterInstance"
        | "GetInstance"
        | "GetInstancesHealthStatus"
        | "ListInstances"
        | "RegisterInstance" => vec![service(id("ServiceId"))],
        // GetOperation's is only known from the operation, and is left open here.
        _ => Vec::new(),
    }
}

fn scaling(context: &Context<'_>, call: &Call) -> Vec<Target> {
    let parameters = call.parameters();
    match call.operation.as_str() {
        operation if operation.starts_with("Describe") => Vec::new(),
        "ListTagsForResource" | "TagResource" | "UntagResource" => {
            arns(context, call, &["ResourceARN"])
        }
        _ => {
            let id = parameters.string("ResourceId").unwrap_or_default();
            let all = &context.region.application_auto_scaling.scalable_targets;
            let found = all.values().find(|target| target.resource_id == id);
            let unknown = || context.arn("application-autoscaling", "scalable-target/*");
            let arn = found.map_or_else(unknown, |target| target.arn.clone());
            vec![Target::of(context, arn)]
        }
    }
}

fn iam(context: &Context<'_>, call: &Call) -> Vec<Target> {
    let parameters = call.parameters();
    let Some(name) = parameters.string("RoleName") else {
        let policy = parameters.string("PolicyArn").map(str::to_owned);
        return policy.map(Target::plain).into_iter().collect();
    };
    let known = context.global.iam.roles.get(name);
    let unknown = || format!("arn:aws:iam::{}:role/{name}", context.account);
    vec![Target::plain(
        known.map_or_else(unknown, |role| role.arn.clone()),
    )]
}

/// Tags go by the group, everything else by its streams.
fn logs(context: &Context<'_>, call: &Call) -> Vec<Target> {
    let parameters = call.parameters();
    if let Some(arn) = parameters.string("resourceArn") {
        return vec![Target::plain(arn.trim_end_matches(":*").to_owned())];
    }
    let name = parameters
        .string("logGroupName")
        .or_else(|| parameters.string("logGroupIdentifier"));
    let path = |name: &str| format!("log-group:{name}:log-stream:");
    name.map(|name| Target::plain(context.arn("logs", path(name))))
        .into_iter()
        .collect()
}

fn route53(call: &Call) -> Vec<Target> {
    let parameters = call.parameters();
    let zone = |id: &str| Target::plain(format!("arn:aws:route53:::hostedzone/{}", last(id)));
    let named = ["Id", "ResourceId"];
    let one = named.iter().filter_map(|name| parameters.string(name));
    let many = parameters.strings("ResourceIds");
    one.chain(many).map(zone).collect()
}

fn ecr(context: &Context<'_>, call: &Call) -> Vec<Target> {
    let parameters = call.parameters();
    let Some(name) = parameters.string("repositoryName") else {
        return Vec::new();
    };
    let registry = parameters.string("registryId").unwrap_or(context.account);
    let region = &call.region;
    let arn = format!("arn:aws:ecr:{region}:{registry}:repository/{name}");
    vec![Target::plain(arn)]
}
