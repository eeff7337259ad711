"""Makes objects that are nobody's in navi's eyes, as a person at the console would, and prints their IDs.

usage: namesakes.py WHAT [ARGUMENT...], with the endpoint and the credentials in the environment
"""

import json
import sys

import boto3


def client(service):
    return boto3.client(service)


def network(ec2):
    """A VPC with two subnets."""
    vpc = ec2.create_vpc(CidrBlock="10.90.0.0/16")["Vpc"]["VpcId"]
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.90.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(zones[:2])
    ]
    return vpc, subnets


def role(tags):
    """A role of the article's name, for tasks."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    client("iam").create_role(
        RoleName="ecs-navi-ecs-task-execution-role",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        Tags=tags,
    )


def loose():
    """One object of every kind that stands by itself, under the names that the article's stack gives."""
    client("logs").create_log_group(logGroupName="/ecs/nginx")
    role([])
    client("ecs").create_cluster(clusterName="ecs-navi-cluster")
    zone("ecs-navi.site")


def namesakes():
    """One object of every kind whose name the article's stack gives."""
    vpc, subnets = network(client("ec2"))
    client("logs").create_log_group(logGroupName="/ecs/nginx")
    role([{"Key": "navi:stack", "Value": "other"}, {"Key": "navi:address", "Value": "role.main"}])
    client("ecs").create_cluster(clusterName="ecs-navi-cluster")
    elb = client("elbv2")
    elb.create_target_group(Name="ecs-navi-backend-tg", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
    elb.create_load_balancer(Name="ecs-navi-lb", Subnets=subnets, Scheme="internal")
    client("route53").create_hosted_zone(Name="ecs-navi.site", CallerReference="somebody")


def log_group(name, stack, address):
    """A log group with navi's tags, as a run that broke off leaves it."""
    client("logs").create_log_group(logGroupName=name, tags={"navi:stack": stack, "navi:address": address})


def inside(vpc_name, group, cluster, service, family):
    """A security group in a stack's VPC, and a service in its cluster."""
    ec2 = client("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [vpc_name]}])["Vpcs"][0]["VpcId"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    # Names differ by more than the case of their letters.
    created = ec2.create_security_group(GroupName=group.upper(), Description="of somebody else", VpcId=vpc)
    client("ecs").create_service(
        cluster=cluster,
        serviceName=service,
        taskDefinition=family,
        desiredCount=0,
        launchType="FARGATE",
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": [subnets[0]["SubnetId"]],
                "securityGroups": [created["GroupId"]],
            }
        },
    )


def zone(name):
    """One more public zone of this name."""
    route53 = client("route53")
    number = len(route53.list_hosted_zones()["HostedZones"])
    return route53.create_hosted_zone(Name=name, CallerReference=f"somebody-{number}")["HostedZone"]["Id"]


def record(zone_name, name, kind, value):
    """A record in the zone of this name."""
    route53 = client("route53")
    zones = route53.list_hosted_zones_by_name(DNSName=zone_name)["HostedZones"]
    route53.change_resource_record_sets(
        HostedZoneId=zones[0]["Id"],
        ChangeBatch={
            "Changes": [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": name,
                        "Type": kind,
                        "TTL": 60,
                        "ResourceRecords": [{"Value": value}],
                    },
                }
            ]
        },
    )


def certificate(domain):
    """A certificate that nobody has proven."""
    return client("acm").request_certificate(DomainName=domain, ValidationMethod="DNS")["CertificateArn"]


def issued_certificate():
    """The ARN of the account's one certificate."""
    return client("acm").list_certificates()["CertificateSummaryList"][0]["CertificateArn"]


def vpcs(number):
    """So many VPCs."""
    ec2 = client("ec2")
    for index in range(int(number)):
        ec2.create_vpc(CidrBlock=f"10.{100 + index}.0.0/16")


what, *arguments = sys.argv[1:]
print(json.dumps(globals()[what](*arguments)))
