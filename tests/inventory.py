"""What is in an account, as somebody other than navi sees it?

`inventory.py ids`     every object's identity, to compare an account before and after;
`inventory.py values`  what each object is set to, with names in place of AWS's random IDs.

The endpoint comes from AWS_ENDPOINT_URL, as for any AWS client. Prints JSON to stdout.
"""

import json
import re
import sys

import boto3
from botocore.config import Config

CONFIG = Config(retries={"max_attempts": 2}, inject_host_prefix=False)
GONE_NAT_STATES = ("deleted", "failed")


class Account:
    """Everything that both forms of the inventory read, read once."""

    def __init__(self):
        session = boto3.Session()
        self.ec2 = session.client("ec2", config=CONFIG)
        self.elb = session.client("elbv2", config=CONFIG)
        self.ecs = session.client("ecs", config=CONFIG)
        self.iam = session.client("iam", config=CONFIG)
        self.logs = session.client("logs", config=CONFIG)
        self.acm = session.client("acm", config=CONFIG)
        self.route53 = session.client("route53", config=CONFIG)
        self.cloud_map = session.client("servicediscovery", config=CONFIG)
        self.scaling = session.client("application-autoscaling", config=CONFIG)

    def network(self):
        ec2 = self.ec2
        return {
            "vpcs": ec2.describe_vpcs()["Vpcs"],
            "subnets": ec2.describe_subnets()["Subnets"],
            "internet_gateways": ec2.describe_internet_gateways()["InternetGateways"],
            "elastic_ips": ec2.describe_addresses()["Addresses"],
            "nat_gateways": [
                gateway
                for gateway in ec2.describe_nat_gateways()["NatGateways"]
                if gateway["State"] not in GONE_NAT_STATES
            ],
            "route_tables": ec2.describe_route_tables()["RouteTables"],
            "vpc_endpoints": [
                endpoint
                for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]
                if endpoint["State"].lower() != "deleted"
            ],
            "security_groups": ec2.describe_security_groups()["SecurityGroups"],
            "network_interfaces": ec2.describe_network_interfaces()["NetworkInterfaces"],
        }

    def load_balancing(self):
        elb = self.elb
        balancers = elb.describe_load_balancers()["LoadBalancers"]
        listeners, rules = [], []
        for balancer in balancers:
            found = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])
            listeners.extend(found["Listeners"])
        for listener in listeners:
            found = elb.describe_rules(ListenerArn=listener["ListenerArn"])
            rules.extend(dict(rule, ListenerArn=listener["ListenerArn"]) for rule in found["Rules"])
        return {
            "load_balancers": balancers,
            "listeners": listeners,
            "rules": rules,
            "target_groups": elb.describe_target_groups()["TargetGroups"],
        }

    def containers(self):
        ecs = self.ecs
        clusters = []
        arns = ecs.list_clusters()["clusterArns"]
        if arns:
            clusters = ecs.describe_clusters(clusters=arns)["clusters"]
        clusters = [cluster for cluster in clusters if cluster["status"] != "INACTIVE"]
        services, tasks = [], []
        for cluster in clusters:
            arn = cluster["clusterArn"]
            names = ecs.list_services(cluster=arn)["serviceArns"]
            if names:
                found = ecs.describe_services(cluster=arn, services=names, include=["TAGS"])
                services.extend(s for s in found["services"] if s["status"] != "INACTIVE")
            running = ecs.list_tasks(cluster=arn)["taskArns"]
            if running:
                found = ecs.describe_tasks(cluster=arn, tasks=running, include=["TAGS"])
                tasks.extend(found["tasks"])
        definitions = ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]
        return {
            "clusters": clusters,
            "services": services,
            "tasks": tasks,
            "task_definitions": definitions,
        }

    def autoscaling(self):
        scaling = self.scaling
        return {
            "scalable_targets": scaling.describe_scalable_targets(ServiceNamespace="ecs")[
                "ScalableTargets"
            ],
            "scaling_policies": scaling.describe_scaling_policies(ServiceNamespace="ecs")[
                "ScalingPolicies"
            ],
        }

    def discovery(self):
        namespaces = self.cloud_map.list_namespaces()["Namespaces"]
        services = self.cloud_map.list_services()["Services"]
        return {
            "namespaces": [self.cloud_map.get_namespace(Id=n["Id"])["Namespace"] for n in namespaces],
            "services": [self.cloud_map.get_service(Id=s["Id"])["Service"] for s in services],
        }

    def zones(self):
        zones = self.route53.list_hosted_zones()["HostedZones"]
        for zone in zones:
            found = self.route53.list_resource_record_sets(HostedZoneId=zone["Id"])
            zone["Records"] = found["ResourceRecordSets"]
        return zones

    def certificates(self):
        found = self.acm.list_certificates()["CertificateSummaryList"]
        return [
            self.acm.describe_certificate(CertificateArn=c["CertificateArn"])["Certificate"]
            for c in found
        ]

    def roles(self):
        roles = self.iam.list_roles()["Roles"]
        return [
            role for role in roles if not role.get("Path", "/").startswith("/aws-service-role/")
        ]


def identities(account):
    """Every object's ID or name, by kind, sorted."""
    network = account.network()
    balancing = account.load_balancing()
    containers = account.containers()
    autoscaling = account.autoscaling()
    discovery = account.discovery()
    zones = account.zones()
    result = {
        "vpcs": [v["VpcId"] for v in network["vpcs"]],
        "subnets": [s["SubnetId"] for s in network["subnets"]],
        "internet_gateways": [g["InternetGatewayId"] for g in network["internet_gateways"]],
        "elastic_ips": [a["AllocationId"] for a in network["elastic_ips"]],
        "nat_gateways": [g["NatGatewayId"] for g in network["nat_gateways"]],
        "route_tables": [t["RouteTableId"] for t in network["route_tables"]],
        "vpc_endpoints": [e["VpcEndpointId"] for e in network["vpc_endpoints"]],
        "security_groups": [g["GroupId"] for g in network["security_groups"]],
        "network_interfaces": [i["NetworkInterfaceId"] for i in network["network_interfaces"]],
        "load_balancers": [b["LoadBalancerArn"] for b in balancing["load_balancers"]],
        "listeners": [l["ListenerArn"] for l in balancing["listeners"]],
        "target_groups": [t["TargetGroupArn"] for t in balancing["target_groups"]],
        "clusters": [c["clusterArn"] for c in containers["clusters"]],
        "services": [s["serviceArn"] for s in containers["services"]],
        "tasks": [t["taskArn"] for t in containers["tasks"]],
        "task_definitions": containers["task_definitions"],
        "scalable_targets": [t["ResourceId"] for t in autoscaling["scalable_targets"]],
        "scaling_policies": [p["PolicyARN"] for p in autoscaling["scaling_policies"]],
        "namespaces": [n["Id"] for n in discovery["namespaces"]],
        "discovery_services": [s["Id"] for s in discovery["services"]],
        "hosted_zones": [z["Id"] for z in zones],
        "records": [f'{z["Name"]} {r["Name"]} {r["Type"]}' for z in zones for r in z["Records"]],
        "certificates": [c["CertificateArn"] for c in account.certificates()],
        "roles": [r["RoleName"] for r in account.roles()],
        "log_groups": [g["logGroupName"] for g in account.logs.describe_log_groups()["logGroups"]],
    }
    return {kind: sorted(ids) for kind, ids in result.items()}


def name_of(tags):
    return next((tag["Value"] for tag in tags or [] if tag["Key"] == "Name"), None)


def ports(permission):
    if permission["IpProtocol"] == "-1":
        return "all"
    return f'{permission["IpProtocol"]} {permission["FromPort"]}-{permission["ToPort"]}'


def sources(permission):
    found = [entry["CidrIp"] for entry in permission.get("IpRanges", [])]
    found += [pair["GroupId"] for pair in permission.get("UserIdGroupPairs", [])]
    return found


def permissions(listed):
    return sorted(f"{ports(entry)} from {source}" for entry in listed for source in sources(entry))


def network_values(account, stack_only):
    network = account.network()
    vpcs = [vpc for vpc in network["vpcs"] if stack_only(vpc.get("Tags"))]
    ids = {vpc["VpcId"] for vpc in vpcs}
    attribute = account.ec2.describe_vpc_attribute
    values = {
        "vpcs": {
            name_of(vpc["Tags"]): {
                "cidr": vpc["CidrBlock"],
                "dns_support": attribute(VpcId=vpc["VpcId"], Attribute="enableDnsSupport")[
                    "EnableDnsSupport"
                ]["Value"],
                "dns_hostnames": attribute(VpcId=vpc["VpcId"], Attribute="enableDnsHostnames")[
                    "EnableDnsHostnames"
                ]["Value"],
            }
            for vpc in vpcs
        },
        "subnets": {
            name_of(subnet["Tags"]): {
                "vpc": subnet["VpcId"],
                "cidr": subnet["CidrBlock"],
                "zone": subnet["AvailabilityZone"],
                "public_ip_on_launch": subnet["MapPublicIpOnLaunch"],
            }
            for subnet in network["subnets"]
            if subnet["VpcId"] in ids
        },
        "internet_gateways": [
            [attachment["VpcId"] for attachment in gateway["Attachments"]]
            for gateway in network["internet_gateways"]
            if stack_only(gateway.get("Tags"))
        ],
        "nat_gateways": [
            {
                "subnet": gateway["SubnetId"],
                "state": gateway["State"],
                "connectivity": gateway.get("ConnectivityType", "public"),
                "elastic_ip": gateway["NatGatewayAddresses"][0]["AllocationId"],
            }
            for gateway in network["nat_gateways"]
            if gateway["VpcId"] in ids
        ],
        "elastic_ips": [
            address["Domain"]
            for address in network["elastic_ips"]
            if stack_only(address.get("Tags"))
        ],
        "route_tables": {
            name_of(table["Tags"]): {
                "routes": sorted(
                    f'{route["DestinationCidrBlock"]} to '
                    + (route.get("NatGatewayId") or route.get("GatewayId"))
                    for route in table["Routes"]
                    # A gateway endpoint's route leads to a list; the endpoint names its tables.
                    if "DestinationCidrBlock" in route
                ),
                "subnets": sorted(a["SubnetId"] for a in table["Associations"] if "SubnetId" in a),
            }
            for table in network["route_tables"]
            if table["VpcId"] in ids and stack_only(table.get("Tags"))
        },
        "vpc_endpoints": {
            name_of(endpoint["Tags"]): {
                "vpc": endpoint["VpcId"],
                "service": endpoint["ServiceName"],
                "type": endpoint["VpcEndpointType"],
                "state": endpoint["State"],
                "private_dns": endpoint.get("PrivateDnsEnabled"),
                "subnets": sorted(endpoint.get("SubnetIds", [])),
                "security_groups": sorted(g["GroupId"] for g in endpoint.get("Groups", [])),
                "route_tables": sorted(endpoint.get("RouteTableIds", [])),
            }
            for endpoint in network["vpc_endpoints"]
            if endpoint["VpcId"] in ids and stack_only(endpoint.get("Tags"))
        },
        "security_groups": {
            name_of(group["Tags"]): {
                "name": group["GroupName"],
                "vpc": group["VpcId"],
                "ingress": permissions(group["IpPermissions"]),
                "egress": permissions(group["IpPermissionsEgress"]),
            }
            for group in network["security_groups"]
            if group["VpcId"] in ids and stack_only(group.get("Tags"))
        },
    }
    return values, network


def action_values(actions):
    kept = ("Type", "TargetGroupArn", "FixedResponseConfig", "RedirectConfig")
    return [{key: action[key] for key in kept if key in action} for action in actions]


def paths(rule):
    """Nothing where a rule takes every path."""
    found = [
        value
        for condition in rule["Conditions"]
        if condition["Field"] == "path-pattern"
        for value in condition.get("Values") or condition["PathPatternConfig"]["Values"]
    ]
    return {"paths": found} if found else {}


def load_balancing_values(account):
    balancing = account.load_balancing()
    health = account.elb.describe_target_health
    attributes = {
        b["LoadBalancerArn"]: {
            a["Key"]: a["Value"]
            for a in account.elb.describe_load_balancer_attributes(
                LoadBalancerArn=b["LoadBalancerArn"]
            )["Attributes"]
        }
        for b in balancing["load_balancers"]
    }
    values = {
        "load_balancers": {
            b["LoadBalancerName"]: {
                "scheme": b["Scheme"],
                "type": b["Type"],
                "state": b["State"]["Code"],
                "vpc": b["VpcId"],
                "subnets": sorted(zone["SubnetId"] for zone in b["AvailabilityZones"]),
                "security_groups": sorted(b["SecurityGroups"]),
                "deletion_protection": attributes[b["LoadBalancerArn"]].get(
                    "deletion_protection.enabled"
                ),
            }
            for b in balancing["load_balancers"]
        },
        "target_groups": {
            t["TargetGroupName"]: {
                "port": t["Port"],
                "protocol": t["Protocol"],
                "type": t["TargetType"],
                "vpc": t["VpcId"],
                "path": t["HealthCheckPath"],
                "interval": t["HealthCheckIntervalSeconds"],
                "timeout": t["HealthCheckTimeoutSeconds"],
                "healthy": t["HealthyThresholdCount"],
                "unhealthy": t["UnhealthyThresholdCount"],
                "matcher": t["Matcher"]["HttpCode"],
                "targets": sorted(
                    f'port {d["Target"]["Port"]} {d["TargetHealth"]["State"]}'
                    for d in health(TargetGroupArn=t["TargetGroupArn"])["TargetHealthDescriptions"]
                ),
            }
            for t in balancing["target_groups"]
        },
        "listeners": [
            {
                "load_balancer": l["LoadBalancerArn"],
                "port": l["Port"],
                "protocol": l["Protocol"],
                "ssl_policy": l.get("SslPolicy"),
                "certificates": [c["CertificateArn"] for c in l.get("Certificates", [])],
                "default_action": action_values(l["DefaultActions"]),
                "rules": {
                    rule["Priority"]: {
                        "hosts": [
                            value
                            for condition in rule["Conditions"]
                            if condition["Field"] == "host-header"
                            for value in condition.get("Values")
                            or condition["HostHeaderConfig"]["Values"]
                        ],
                        **paths(rule),
                        "actions": action_values(rule["Actions"]),
                    }
                    for rule in balancing["rules"]
                    if rule["ListenerArn"] == l["ListenerArn"] and rule["Priority"] != "default"
                },
            }
            for l in sorted(balancing["listeners"], key=lambda l: l["Port"])
        ],
    }
    return values, balancing


def container_values(definition):
    kept = (
        "name",
        "image",
        "portMappings",
        "environment",
        "logConfiguration",
        "essential",
        "secrets",
        "environmentFiles",
        "dependsOn",
        "healthCheck",
        "stopTimeout",
    )
    shown = {key: definition[key] for key in kept if definition.get(key) not in (None, [])}
    shown["portMappings"] = [
        {"containerPort": m["containerPort"], "protocol": m.get("protocol", "tcp")}
        for m in definition.get("portMappings", [])
    ]
    return shown


def running_on(service):
    strategy = service.get("capacityProviderStrategy")
    if strategy:
        return {"capacity_provider_strategy": strategy}
    return {"launch_type": service["launchType"]}


def autoscaling_values(account):
    """Nothing where nothing is scaled."""
    found = account.autoscaling()
    if not found["scalable_targets"]:
        return {}
    return {
        "scalable_targets": {
            t["ResourceId"]: {"min": t["MinCapacity"], "max": t["MaxCapacity"]}
            for t in found["scalable_targets"]
        },
        "scaling_policies": {
            p["PolicyName"]: {
                "of": p["ResourceId"],
                "type": p["PolicyType"],
                "configuration": p["TargetTrackingScalingPolicyConfiguration"],
            }
            for p in found["scaling_policies"]
        },
    }


def ecs_values(account):
    containers = account.containers()
    definitions = {}
    for arn in containers["task_definitions"]:
        definition = account.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        definitions[definition["family"]] = {
            "cpu": definition["cpu"],
            "memory": definition["memory"],
            "network_mode": definition["networkMode"],
            "requires": definition.get("requiresCompatibilities"),
            "task_role": definition["taskRoleArn"],
            "execution_role": definition["executionRoleArn"],
            "containers": [container_values(c) for c in definition["containerDefinitions"]],
        }
        for key in ("runtimePlatform", "ephemeralStorage"):
            if key in definition:
                definitions[definition["family"]][key] = definition[key]
    values = {
        "clusters": {c["clusterName"]: c["status"] for c in containers["clusters"]},
        "task_definitions": definitions,
        "services": {
            s["serviceName"]: {
                "cluster": s["clusterArn"],
                "task_definition": s["taskDefinition"],
                "desired": s["desiredCount"],
                "running": s["runningCount"],
                **running_on(s),
                "exec": s.get("enableExecuteCommand"),
                "subnets": sorted(s["networkConfiguration"]["awsvpcConfiguration"]["subnets"]),
                "security_groups": s["networkConfiguration"]["awsvpcConfiguration"][
                    "securityGroups"
                ],
                "public_ip": s["networkConfiguration"]["awsvpcConfiguration"].get(
                    "assignPublicIp", "DISABLED"
                ),
                "load_balancers": s["loadBalancers"],
                "registries": [r["registryArn"] for r in s["serviceRegistries"]],
            }
            for s in containers["services"]
        },
    }
    providers = {
        c["clusterName"]: c["capacityProviders"]
        for c in containers["clusters"]
        if c.get("capacityProviders")
    }
    if providers:
        values["capacity_providers"] = providers
    return values, containers


def discovery_values(account):
    discovery = account.discovery()
    instances = account.cloud_map.list_instances
    values = {
        "namespaces": {
            n["Name"]: {"type": n["Type"], "description": n.get("Description")}
            for n in discovery["namespaces"]
        },
        "discovery_services": {
            s["Name"]: {
                "namespace": s["NamespaceId"],
                "records": s["DnsConfig"]["DnsRecords"],
                "custom_health": "HealthCheckCustomConfig" in s,
                "instances": len(instances(ServiceId=s["Id"])["Instances"]),
            }
            for s in discovery["services"]
        },
    }
    return values, discovery


def zone_values(account):
    values = {}
    for zone in account.zones():
        records = {}
        for record in zone["Records"]:
            if record["Type"] in ("NS", "SOA"):
                continue
            shown = records.setdefault(f'{record["Name"]} {record["Type"]}', [])
            if "AliasTarget" in record:
                alias = record["AliasTarget"]
                shown.append(f'alias evaluate_target_health={alias["EvaluateTargetHealth"]}')
            elif record["Type"] == "A":
                shown.extend(["address"] * len(record["ResourceRecords"]))
            else:
                shown.append("value")
            if "TTL" in record:
                shown.append(f'ttl {record["TTL"]}')
        # A validation record's name is random.
        records = {re.sub(r"^_[0-9a-f]+", "_validation", name): shown for name, shown in records.items()}
        values[zone["Name"]] = {"private": zone["Config"]["PrivateZone"], "records": records}
    return values


def role_values(account):
    values = {}
    for role in account.roles():
        name = role["RoleName"]
        policies = account.iam.list_role_policies(RoleName=name)["PolicyNames"]
        values[name] = {
            "trust": role["AssumeRolePolicyDocument"],
            "policies": {
                policy: account.iam.get_role_policy(RoleName=name, PolicyName=policy)[
                    "PolicyDocument"
                ]
                for policy in policies
            },
        }
    return values


def settings(account, stack):
    """What everything is set to, with names for IDs."""

    def stack_only(tags):
        return any(tag["Key"] == "navi:stack" and tag["Value"] == stack for tag in tags or [])

    network, raw_network = network_values(account, stack_only)
    balancing, raw_balancing = load_balancing_values(account)
    containers, raw_containers = ecs_values(account)
    discovery, raw_discovery = discovery_values(account)
    certificates = account.certificates()
    values = {
        **network,
        **balancing,
        **containers,
        **autoscaling_values(account),
        **discovery,
        "hosted_zones": zone_values(account),
        "roles": role_values(account),
        "log_groups": {
            group["logGroupName"]: group.get("retentionInDays")
            for group in account.logs.describe_log_groups()["logGroups"]
        },
        "certificates": {
            c["DomainName"]: {
                "names": sorted(c["SubjectAlternativeNames"]),
                "status": c["Status"],
                "validation": sorted({o["ValidationMethod"] for o in c["DomainValidationOptions"]}),
            }
            for c in certificates
        },
    }
    names = {}
    for kind, key in (
        ("vpcs", "VpcId"),
        ("subnets", "SubnetId"),
        ("internet_gateways", "InternetGatewayId"),
        ("nat_gateways", "NatGatewayId"),
        ("elastic_ips", "AllocationId"),
        ("route_tables", "RouteTableId"),
        ("security_groups", "GroupId"),
    ):
        for item in raw_network[kind]:
            if name_of(item.get("Tags")):
                names[item[key]] = name_of(item["Tags"])
    names.update({b["LoadBalancerArn"]: b["LoadBalancerName"] for b in raw_balancing["load_balancers"]})
    names.update({t["TargetGroupArn"]: t["TargetGroupName"] for t in raw_balancing["target_groups"]})
    names.update({c["clusterArn"]: c["clusterName"] for c in raw_containers["clusters"]})
    names.update({s["Arn"]: s["Name"] for s in raw_discovery["services"]})
    names.update({n["Id"]: n["Name"] for n in raw_discovery["namespaces"]})
    names.update({c["CertificateArn"]: c["DomainName"] for c in certificates})
    # In a scaling policy's label the ends of both ARNs stand; last, for the ARNs hold them too.
    for arn, name in [
        *((b["LoadBalancerArn"], b["LoadBalancerName"]) for b in raw_balancing["load_balancers"]),
        *((t["TargetGroupArn"], t["TargetGroupName"]) for t in raw_balancing["target_groups"]),
    ]:
        names[arn.rsplit("/", 1)[1]] = "ID"
    values = named(values, names)
    # Where two stand side by side, IDs give no order that another run would share.
    values["nat_gateways"].sort(key=lambda gateway: gateway["subnet"])
    return values


def named(value, names):
    """The value with every known ID replaced by the object's name."""
    if isinstance(value, dict):
        return {key: named(item, names) for key, item in value.items()}
    if isinstance(value, list):
        items = [named(item, names) for item in value]
        # IDs give no order that another account would share.
        return sorted(items) if all(isinstance(item, str) for item in items) else items
    if isinstance(value, str):
        for identity, name in names.items():
            value = value.replace(identity, name)
        return value
    return value


def main():
    account = Account()
    match sys.argv[1:]:
        case ["ids"]:
            result = identities(account)
        case ["values", stack]:
            result = settings(account, stack)
        case _:
            sys.exit("usage: inventory.py ids | values STACK")
    json.dump(result, sys.stdout, indent=1, sort_keys=True, default=str)
    print()


main()
