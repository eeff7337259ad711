"""Makes what Terraform made of the article's configuration, and prints the state that Terraform would keep of it.

tests/fixtures/terraform.tfstate is such a state, as Terraform 1.11 with version 5.100 of its provider for AWS wrote it.
Each of its objects is made anew, with the calls and the values of Terraform, and without any tag of navi's. The state
that is printed has the new objects' IDs, ARNs and DNS names in place of the old ones.

The endpoint comes from AWS_ENDPOINT_URL, as for any AWS client.
"""

import json
import pathlib
import re
import sys
import time
import uuid

import boto3
from botocore.config import Config

STATE = pathlib.Path(__file__).parent / "fixtures" / "terraform.tfstate"
CONFIG = Config(retries={"max_attempts": 2}, inject_host_prefix=False)
SESSION = boto3.Session()
COMMENT = "Managed by Terraform"

# What depends on nothing that is still to be made goes in this order. A listener takes a certificate once it is
# issued, and a service a target group once a rule leads to it; neither is among the dependencies of a state.
ORDER = [
    "aws_vpc",
    "aws_internet_gateway",
    "aws_subnet",
    "aws_eip",
    "aws_nat_gateway",
    "aws_route_table",
    "aws_route_table_association",
    "aws_security_group",
    "aws_iam_role",
    "aws_iam_role_policy",
    "aws_cloudwatch_log_group",
    "aws_route53_zone",
    "aws_acm_certificate",
    "aws_route53_record",
    "aws_acm_certificate_validation",
    "aws_lb",
    "aws_lb_target_group",
    "aws_lb_listener",
    "aws_lb_listener_rule",
    "aws_service_discovery_private_dns_namespace",
    "aws_service_discovery_service",
    "aws_ecs_cluster",
    "aws_ecs_task_definition",
    "aws_ecs_service",
]

LOAD_BALANCER_ATTRIBUTES = {
    "client_keep_alive": "client_keep_alive.seconds",
    "desync_mitigation_mode": "routing.http.desync_mitigation_mode",
    "drop_invalid_header_fields": "routing.http.drop_invalid_header_fields.enabled",
    "enable_deletion_protection": "deletion_protection.enabled",
    "enable_http2": "routing.http2.enabled",
    "enable_tls_version_and_cipher_suite_headers": "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
    "enable_waf_fail_open": "waf.fail_open.enabled",
    "enable_xff_client_port": "routing.http.xff_client_port.enabled",
    "enable_zonal_shift": "zonal_shift.config.enabled",
    "idle_timeout": "idle_timeout.timeout_seconds",
    "preserve_host_header": "routing.http.preserve_host_header.enabled",
    "xff_header_processing_mode": "routing.http.xff_header_processing.mode",
}

# What AWS itself calls things. Whatever of the state looks like this must have been replaced.
IDENTIFIER = re.compile(r"\b(?:[a-z]+-[0-9a-f]{17}|(?:ns|srv)-[0-9a-z]{16}|[0-9a-f]{16}|[0-9a-f]{32})\b")


def tags(wanted):
    return [{"Key": key, "Value": value} for key, value in (wanted["tags"] or {}).items()]


def ec2_tags(kind, wanted):
    """The argument for tags of an EC2 create, which AWS does not take without any."""
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags(wanted)}]} if tags(wanted) else {}


def text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def permissions(rules):
    found = []
    for rule in rules:
        permission = {"IpProtocol": rule["protocol"]}
        if rule["protocol"] != "-1":
            permission |= {"FromPort": rule["from_port"], "ToPort": rule["to_port"]}
        if rule["cidr_blocks"]:
            permission["IpRanges"] = [{"CidrIp": block} for block in rule["cidr_blocks"]]
        if rule["security_groups"]:
            permission["UserIdGroupPairs"] = [{"GroupId": group} for group in rule["security_groups"]]
        found.append(permission)
    return found


class Account:
    """Makes objects: a method for each of Terraform's types, which takes the attributes that the state holds, and answers
    those in which the new object differs from the one that they were of."""

    def __init__(self):
        for name in ("ec2", "iam", "logs", "acm", "route53", "elbv2", "servicediscovery", "ecs", "sts"):
            setattr(self, name, SESSION.client(name, config=CONFIG))
        self.number = self.sts.get_caller_identity()["Account"]

    def aws_vpc(self, wanted):
        vpc = self.ec2.create_vpc(
            CidrBlock=wanted["cidr_block"],
            InstanceTenancy=wanted["instance_tenancy"],
            AmazonProvidedIpv6CidrBlock=False,
            **ec2_tags("vpc", wanted),
        )["Vpc"]
        id_ = vpc["VpcId"]
        self.ec2.modify_vpc_attribute(VpcId=id_, EnableDnsHostnames={"Value": wanted["enable_dns_hostnames"]})
        inside = {"Name": "vpc-id", "Values": [id_]}
        tables = self.ec2.describe_route_tables(Filters=[inside, {"Name": "association.main", "Values": ["true"]}])
        groups = self.ec2.describe_security_groups(Filters=[inside, {"Name": "group-name", "Values": ["default"]}])
        lists = self.ec2.describe_network_acls(Filters=[inside, {"Name": "default", "Values": ["true"]}])
        return {
            "id": id_,
            "dhcp_options_id": vpc["DhcpOptionsId"],
            "main_route_table_id": tables["RouteTables"][0]["RouteTableId"],
            "default_security_group_id": groups["SecurityGroups"][0]["GroupId"],
            "default_network_acl_id": lists["NetworkAcls"][0]["NetworkAclId"],
        }

    def aws_internet_gateway(self, wanted):
        id_ = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=id_, VpcId=wanted["vpc_id"])
        return {"id": id_}

    def aws_subnet(self, wanted):
        subnet = self.ec2.create_subnet(
            VpcId=wanted["vpc_id"],
            CidrBlock=wanted["cidr_block"],
            AvailabilityZone=wanted["availability_zone"],
            **ec2_tags("subnet", wanted),
        )["Subnet"]
        id_ = subnet["SubnetId"]
        if wanted["map_public_ip_on_launch"]:
            self.ec2.modify_subnet_attribute(SubnetId=id_, MapPublicIpOnLaunch={"Value": True})
        return {"id": id_, "availability_zone_id": subnet["AvailabilityZoneId"]}

    def aws_eip(self, wanted):
        address = self.ec2.allocate_address(Domain=wanted["domain"])
        public = address["PublicIp"]
        name = wanted["public_dns"].replace(wanted["public_ip"].replace(".", "-"), public.replace(".", "-"))
        return {"id": address["AllocationId"], "public_ip": public, "public_dns": name}

    def aws_nat_gateway(self, wanted):
        id_ = self.ec2.create_nat_gateway(
            SubnetId=wanted["subnet_id"],
            AllocationId=wanted["allocation_id"],
            ConnectivityType=wanted["connectivity_type"],
        )["NatGateway"]["NatGatewayId"]
        # Only then does it tell its address, and lead out.
        self.ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[id_], WaiterConfig={"Delay": 1})
        gateway = self.ec2.describe_nat_gateways(NatGatewayIds=[id_])["NatGateways"][0]
        address = gateway["NatGatewayAddresses"][0]
        return {
            "id": id_,
            "association_id": address["AssociationId"],
            "network_interface_id": address["NetworkInterfaceId"],
            "private_ip": address["PrivateIp"],
        }

    def aws_route_table(self, wanted):
        id_ = self.ec2.create_route_table(VpcId=wanted["vpc_id"])["RouteTable"]["RouteTableId"]
        for route in wanted["route"]:
            targets = {"GatewayId": route["gateway_id"], "NatGatewayId": route["nat_gateway_id"]}
            self.ec2.create_route(
                RouteTableId=id_,
                DestinationCidrBlock=route["cidr_block"],
                **{name: target for name, target in targets.items() if target},
            )
        return {"id": id_}

    def aws_route_table_association(self, wanted):
        associated = self.ec2.associate_route_table(
            RouteTableId=wanted["route_table_id"], SubnetId=wanted["subnet_id"]
        )
        return {"id": associated["AssociationId"]}

    def aws_security_group(self, wanted):
        id_ = self.ec2.create_security_group(
            GroupName=wanted["name"],
            Description=wanted["description"],
            VpcId=wanted["vpc_id"],
            **ec2_tags("security-group", wanted),
        )["GroupId"]
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        self.ec2.revoke_security_group_egress(GroupId=id_, IpPermissions=everything)
        self.ec2.authorize_security_group_ingress(GroupId=id_, IpPermissions=permissions(wanted["ingress"]))
        self.ec2.authorize_security_group_egress(GroupId=id_, IpPermissions=permissions(wanted["egress"]))
        return {"id": id_}

    def aws_iam_role(self, wanted):
        role = self.iam.create_role(
            RoleName=wanted["name"],
            Path=wanted["path"],
            AssumeRolePolicyDocument=wanted["assume_role_policy"],
            MaxSessionDuration=wanted["max_session_duration"],
            Tags=tags(wanted),
        )["Role"]
        return {
            "arn": role["Arn"],
            "unique_id": role["RoleId"],
            "create_date": f"{role['CreateDate']:%Y-%m-%dT%H:%M:%SZ}",
        }

    def aws_iam_role_policy(self, wanted):
        self.iam.put_role_policy(
            RoleName=wanted["role"], PolicyName=wanted["name"], PolicyDocument=wanted["policy"]
        )
        return {}

    def aws_cloudwatch_log_group(self, wanted):
        self.logs.create_log_group(logGroupName=wanted["name"])
        self.logs.put_retention_policy(
            logGroupName=wanted["name"], retentionInDays=wanted["retention_in_days"]
        )
        return {}

    def aws_route53_zone(self, wanted):
        made = self.route53.create_hosted_zone(
            Name=wanted["name"],
            CallerReference=f"terraform-{uuid.uuid4()}",
            HostedZoneConfig={"Comment": wanted["comment"]},
        )
        servers = made["DelegationSet"]["NameServers"]
        return {
            "zone_id": made["HostedZone"]["Id"].removeprefix("/hostedzone/"),
            "name_servers": sorted(servers),
        }

    def aws_acm_certificate(self, wanted):
        domain = wanted["domain_name"]
        others = [name for name in wanted["subject_alternative_names"] if name != domain]
        arn = self.acm.request_certificate(
            DomainName=domain,
            SubjectAlternativeNames=[domain, *others],
            ValidationMethod=wanted["validation_method"],
            IdempotencyToken=uuid.uuid4().hex,
        )["CertificateArn"]
        # The records to prove the names by are told some time after the request.
        while not all("ResourceRecord" in option for option in self.options_of(arn)):
            time.sleep(1)
        options = [
            {
                "resource_record_name": option["ResourceRecord"]["Name"],
                "resource_record_value": option["ResourceRecord"]["Value"],
            }
            for option in sorted(self.options_of(arn), key=lambda option: option["DomainName"])
        ]
        return {"arn": arn, "domain_validation_options": options}

    def options_of(self, certificate):
        described = self.acm.describe_certificate(CertificateArn=certificate)["Certificate"]
        return described.get("DomainValidationOptions") or [{}]

    def aws_acm_certificate_validation(self, wanted):
        named = {"CertificateArn": wanted["certificate_arn"]}
        self.acm.get_waiter("certificate_validated").wait(**named, WaiterConfig={"Delay": 1})
        issued = self.acm.describe_certificate(**named)["Certificate"]["IssuedAt"]
        return {"id": f"{issued:%Y-%m-%d %H:%M:%S.%f} +0000 UTC"}

    def aws_route53_record(self, wanted):
        record = {"Name": wanted["name"], "Type": wanted["type"]}
        for alias in wanted["alias"]:
            record["AliasTarget"] = {
                "DNSName": alias["name"],
                "HostedZoneId": alias["zone_id"],
                "EvaluateTargetHealth": alias["evaluate_target_health"],
            }
        if wanted["records"]:
            record["TTL"] = wanted["ttl"]
            record["ResourceRecords"] = [{"Value": value} for value in wanted["records"]]
        self.route53.change_resource_record_sets(
            HostedZoneId=wanted["zone_id"],
            ChangeBatch={
                "Comment": COMMENT,
                "Changes": [{"Action": "CREATE", "ResourceRecordSet": record}],
            },
        )
        return {}

    def aws_lb(self, wanted):
        balancer = self.elbv2.create_load_balancer(
            Name=wanted["name"],
            Type=wanted["load_balancer_type"],
            Subnets=wanted["subnets"],
            SecurityGroups=wanted["security_groups"],
        )["LoadBalancers"][0]
        values = {key: wanted[name] for name, key in LOAD_BALANCER_ATTRIBUTES.items()}
        for logs in ("access_logs", "connection_logs"):
            values[f"{logs}.s3.enabled"] = wanted[logs][0]["enabled"]
        arn = balancer["LoadBalancerArn"]
        self.elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=arn,
            Attributes=[{"Key": key, "Value": text(value)} for key, value in values.items()],
        )
        return {
            "arn": arn,
            "arn_suffix": arn.split(":loadbalancer/")[1],
            "dns_name": balancer["DNSName"],
            "zone_id": balancer["CanonicalHostedZoneId"],
        }

    def aws_lb_target_group(self, wanted):
        check = wanted["health_check"][0]
        arn = self.elbv2.create_target_group(
            Name=wanted["name"],
            Port=wanted["port"],
            Protocol=wanted["protocol"],
            VpcId=wanted["vpc_id"],
            TargetType=wanted["target_type"],
            HealthCheckEnabled=check["enabled"],
            HealthCheckPath=check["path"],
            HealthCheckPort=check["port"],
            HealthCheckProtocol=check["protocol"],
            HealthCheckIntervalSeconds=check["interval"],
            HealthCheckTimeoutSeconds=check["timeout"],
            HealthyThresholdCount=check["healthy_threshold"],
            UnhealthyThresholdCount=check["unhealthy_threshold"],
            Matcher={"HttpCode": check["matcher"]},
        )["TargetGroups"][0]["TargetGroupArn"]
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": wanted["deregistration_delay"]}
        self.elbv2.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[delay])
        return {"arn": arn, "arn_suffix": arn.rsplit(":", 1)[1]}

    def aws_lb_listener(self, wanted):
        action = wanted["default_action"][0]
        response = action["fixed_response"][0]
        listener = self.elbv2.create_listener(
            LoadBalancerArn=wanted["load_balancer_arn"],
            Port=wanted["port"],
            Protocol=wanted["protocol"],
            SslPolicy=wanted["ssl_policy"],
            Certificates=[{"CertificateArn": wanted["certificate_arn"]}],
            DefaultActions=[
                {
                    "Type": action["type"],
                    "Order": 1,
                    "FixedResponseConfig": {
                        "ContentType": response["content_type"],
                        "MessageBody": response["message_body"],
                        "StatusCode": response["status_code"],
                    },
                }
            ],
        )["Listeners"][0]
        return {"arn": listener["ListenerArn"]}

    def aws_lb_listener_rule(self, wanted):
        action = wanted["action"][0]
        hosts = wanted["condition"][0]["host_header"][0]["values"]
        rule = self.elbv2.create_rule(
            ListenerArn=wanted["listener_arn"],
            Priority=wanted["priority"],
            Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": hosts}}],
            Actions=[{"Type": action["type"], "Order": 1, "TargetGroupArn": action["target_group_arn"]}],
        )["Rules"][0]
        return {"arn": rule["RuleArn"]}

    def aws_service_discovery_private_dns_namespace(self, wanted):
        operation = self.servicediscovery.create_private_dns_namespace(
            Name=wanted["name"], Description=wanted["description"], Vpc=wanted["vpc"]
        )["OperationId"]
        while True:
            begun = self.servicediscovery.get_operation(OperationId=operation)["Operation"]
            if begun["Status"] == "SUCCESS":
                break
            if begun["Status"] == "FAIL":
                sys.exit(f"the namespace could not be made: {begun}")
            time.sleep(1)
        id_ = begun["Targets"]["NAMESPACE"]
        namespace = self.servicediscovery.get_namespace(Id=id_)["Namespace"]
        zone = namespace["Properties"]["DnsProperties"]["HostedZoneId"]
        return {"id": id_, "hosted_zone": zone}

    def aws_service_discovery_service(self, wanted):
        dns = wanted["dns_config"][0]
        custom = wanted["health_check_custom_config"][0]
        service = self.servicediscovery.create_service(
            Name=wanted["name"],
            DnsConfig={
                "NamespaceId": dns["namespace_id"],
                "RoutingPolicy": dns["routing_policy"],
                "DnsRecords": [{"Type": r["type"], "TTL": r["ttl"]} for r in dns["dns_records"]],
            },
            HealthCheckCustomConfig={"FailureThreshold": custom["failure_threshold"]},
        )["Service"]
        return {"id": service["Id"]}

    def aws_ecs_cluster(self, wanted):
        return {"arn": self.ecs.create_cluster(clusterName=wanted["name"])["cluster"]["clusterArn"]}

    def aws_ecs_task_definition(self, wanted):
        containers = [
            {key: value for key, value in container.items() if value != []}
            for container in json.loads(wanted["container_definitions"])
        ]
        # A state lists containers by their names. They were registered in the article's order: nginx, with its port, is first.
        containers.sort(key=lambda container: "portMappings" not in container)
        registered = self.ecs.register_task_definition(
            family=wanted["family"],
            cpu=wanted["cpu"],
            memory=wanted["memory"],
            networkMode=wanted["network_mode"],
            requiresCompatibilities=wanted["requires_compatibilities"],
            taskRoleArn=wanted["task_role_arn"],
            executionRoleArn=wanted["execution_role_arn"],
            containerDefinitions=containers,
        )["taskDefinition"]
        return {"arn": registered["taskDefinitionArn"]}

    def aws_ecs_service(self, wanted):
        network = wanted["network_configuration"][0]
        service = self.ecs.create_service(
            cluster=wanted["cluster"],
            serviceName=wanted["name"],
            taskDefinition=wanted["task_definition"],
            desiredCount=wanted["desired_count"],
            launchType=wanted["launch_type"],
            schedulingStrategy=wanted["scheduling_strategy"],
            availabilityZoneRebalancing=wanted["availability_zone_rebalancing"],
            enableExecuteCommand=wanted["enable_execute_command"],
            deploymentConfiguration={
                "maximumPercent": wanted["deployment_maximum_percent"],
                "minimumHealthyPercent": wanted["deployment_minimum_healthy_percent"],
            },
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": network["subnets"],
                    "securityGroups": network["security_groups"],
                    "assignPublicIp": "ENABLED" if network["assign_public_ip"] else "DISABLED",
                }
            },
            loadBalancers=[
                {
                    "targetGroupArn": balancer["target_group_arn"],
                    "containerName": balancer["container_name"],
                    "containerPort": balancer["container_port"],
                }
                for balancer in wanted["load_balancer"]
            ],
            serviceRegistries=[{"registryArn": r["registry_arn"]} for r in wanted["service_registries"]],
        )["service"]
        return {"id": service["serviceArn"]}


class Names:
    """What the objects of the state are called now."""

    def __init__(self):
        self.new = {}

    def learn(self, old, new):
        """Pairs the texts of two values of the same shape."""
        if isinstance(new, dict):
            for key in new:
                self.learn(old[key], new[key])
        elif isinstance(new, list):
            for pair in zip(old, new, strict=True):
                self.learn(*pair)
        else:
            self.new[old] = new
            # Records are named without the dot with which ACM ends their names.
            if old.endswith(".") and new.endswith("."):
                self.new[old[:-1]] = new[:-1]

    def translate(self, string):
        """All names at once: a new one may be what another object was called before."""
        longest_first = sorted(self.new, key=len, reverse=True)
        if not longest_first:
            return string
        names = "|".join(re.escape(name) for name in longest_first)
        return re.sub(rf"(?<!\d)(?:{names})(?!\d)", lambda match: self.new[match[0]], string)

    def unknown(self, string):
        """What is left of the string's identifiers once those that are known are taken away."""
        longest_first = sorted(self.new, key=len, reverse=True)
        names = "|".join(re.escape(name) for name in longest_first)
        return set(IDENTIFIER.findall(re.sub(names, "", string)))


def instances(state):
    """The address of each resource, its type, what it needs, and its attributes."""
    for resource in state["resources"]:
        for instance in resource["instances"]:
            address = f'{resource["type"]}.{resource["name"]}'
            yield address, resource["type"], set(instance.get("dependencies", [])), instance["attributes"]


def main():
    if sys.argv[1:]:
        sys.exit("usage: terraform.py")
    original = STATE.read_text()
    account, names = Account(), Names()
    waiting = sorted(instances(json.loads(original)), key=lambda instance: ORDER.index(instance[1]))
    vpc = next(before for _, kind, _, before in waiting if kind == "aws_vpc")
    names.learn(vpc["owner_id"], account.number)
    while waiting:
        missing = {address for address, *_ in waiting}
        ready = next(index for index, entry in enumerate(waiting) if not entry[2] & missing)
        _, kind, _, before = waiting.pop(ready)
        wanted = json.loads(names.translate(json.dumps(before)))
        names.learn(before, getattr(account, kind)(wanted))
    if left := names.unknown(original):
        sys.exit(f"not made again: {', '.join(sorted(left))}")
    sys.stdout.write(names.translate(original))


main()
