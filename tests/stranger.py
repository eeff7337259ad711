"""Makes and changes things in an account as somebody other than navi would.

`stranger.py network`                 a VPC called `main` with two public subnets, two private ones and their way out;
                                      prints its IDs as JSON
`stranger.py call SERVICE OPERATION JSON`  one call of boto3; prints its answer
`stranger.py do LINES`                several: lines of Python over the clients by their names (`ec2.delete_vpc(…)`)

The endpoint comes from AWS_ENDPOINT_URL, as for any AWS client.
"""

import json
import sys

import boto3
from botocore.config import Config

CONFIG = Config(retries={"max_attempts": 2}, inject_host_prefix=False)
SESSION = boto3.Session()


def named(kind, name):
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]


def network():
    ec2 = SESSION.client("ec2", config=CONFIG)
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16", TagSpecifications=named("vpc", "main"))["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnets = {}
    for index, (tier, zone) in enumerate((t, z) for t in ("public", "private") for z in zones):
        subnets.setdefault(tier, []).append(
            ec2.create_subnet(
                VpcId=vpc,
                CidrBlock=f"10.7.{index}.0/24",
                AvailabilityZone=zone,
                TagSpecifications=named("subnet", f"{tier} {zone}"),
            )["Subnet"]["SubnetId"]
        )
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnets["public"][0], AllocationId=address)
    nat = nat["NatGateway"]["NatGatewayId"]
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat], WaiterConfig={"Delay": 1})
    for tier, target in (("public", {"GatewayId": gateway}), ("private", {"NatGatewayId": nat})):
        table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
        for subnet in subnets[tier]:
            ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    return {"vpc": vpc, "zones": zones, **subnets}


def call(service, operation, parameters):
    client = SESSION.client(service, config=CONFIG)
    answer = getattr(client, operation)(**json.loads(parameters))
    answer.pop("ResponseMetadata", None)
    return answer


class Clients(dict):
    """Makes each client when it is named first."""

    def __missing__(self, name):
        if name.startswith("__"):
            raise KeyError(name)
        self[name] = SESSION.client(name, config=CONFIG)
        return self[name]


def do(lines):
    exec(lines, Clients(json=json, next=next))  # the test's own lines


def main():
    match sys.argv[1:]:
        case ["network"]:
            result = network()
        case ["call", service, operation, parameters]:
            result = call(service, operation, parameters)
        case ["do", lines]:
            result = do(lines)
        case _:
            sys.exit("usage: stranger.py network | call SERVICE OPERATION JSON | do LINES")
    json.dump(result, sys.stdout, indent=1, sort_keys=True, default=str)
    print()


main()
