"""Which moment of an environment's life needs which other, and what lies between?

The table of aws-behaviour §1 for `up` and of its §3 for `down`, as a graph of moments. A moment is reached when all that it
needs is reached and the calls or the wait before it are over. Only calls that AWS asks of everybody are in it: whoever
makes the environment by AWS's own APIs has to make them, in this order.
"""

from dataclasses import dataclass


@dataclass
class Moment:
    name: str
    needs: list
    # What has to pass once they are reached: a call, a look or a wait of AWS's.
    what: str
    takes: float
    source: str = ""
    # Service and operation, if it is a call that changes something.
    call: tuple = None


class Moments(dict):
    """By name, in an order in which each comes after what it needs."""

    def __init__(self, figures):
        super().__init__()
        self.figures = figures

    def add(self, moment):
        missing = [need for need in moment.needs if need not in self]
        if missing or moment.name in self:
            raise AssertionError(f"{moment.name}: {missing or 'is there twice'}")
        self[moment.name] = moment
        return moment.name

    def call(self, name, service, operation, needs=(), source=""):
        takes = self.figures.latency(service, "write")
        return self.add(Moment(name, list(needs), operation, takes, source, (service, operation)))

    def wait(self, name, duration, needs, source=""):
        """What AWS does by itself."""
        what = duration.replace("_", " ")
        return self.add(Moment(name, list(needs), what, self.figures.duration(duration), source))

    def look(self, name, service, needs):
        """Somebody has to ask once to know that it is so."""
        return self.add(Moment(name, list(needs), "a look", self.figures.latency(service, "read")))

    def chosen(self, name, seconds, what, needs, source=""):
        return self.add(Moment(name, list(needs), what, self.figures.chosen(seconds), source))

    def both(self, name, needs):
        """Nothing but the last of several."""
        return self.add(Moment(name, list(needs), "", 0.0))


SERVING, UP, DOWN = "everything serves", "up has ended", "nothing is left"


def up(environment, figures):
    moments = Moments(figures)
    network(moments, environment)
    identity(moments, environment)
    if environment.balanced:
        ingress(moments, environment)
    discovery(moments, environment)
    for service in in_order(environment.services):
        workload(moments, environment, service)
    names = [service.name for service in environment.services]
    moments.both(SERVING, [f"{name} serves" for name in names])
    moments.look(UP, "ecs", [f"{name} is complete" for name in names] + aliases(environment))
    return moments


def aliases(environment):
    has_host = any(service.has_host for service in environment.services)
    return ["alias records"] if environment.zone and has_host else []


def network(moments, environment):
    moments.call("vpc", "ec2", "CreateVpc")
    moments.call("internet gateway", "ec2", "CreateInternetGateway")
    attached = moments.call(
        "internet gateway attached", "ec2", "AttachInternetGateway", ["vpc", "internet gateway"], "row 5"
    )
    for tier, zones in (("public", environment.public_subnets), ("private", environment.private_subnets)):
        for zone in zones:
            moments.call(f"subnet {tier} {zone}", "ec2", "CreateSubnet", ["vpc"], "row 1")
    for zone in environment.nat_gateways:
        moments.call(f"address {zone}", "ec2", "AllocateAddress")
        needs = [f"subnet public {zone}", f"address {zone}", attached]
        made = moments.call(f"NAT gateway {zone}", "ec2", "CreateNatGateway", needs, "rows 7, 8")
        became = moments.wait(f"NAT gateway {zone} available", "nat_gateway_becomes_available", [made], "§2.6")
        moments.look(f"NAT gateway {zone} seen available", "ec2", [became])
    table(moments, "public", environment.public_subnets, [attached], "row 6")
    if environment.nat_gateways and environment.private_subnets:
        gateways = [f"NAT gateway {zone}" for zone in environment.nat_gateways]
        table(moments, "private", environment.private_subnets, gateways, "row 10")


def table(moments, tier, zones, targets, source):
    """One for a tier: more for its zones would be made beside it, in the same time."""
    made = moments.call(f"route table {tier}", "ec2", "CreateRouteTable", ["vpc"], "row 1")
    moments.call(f"route {tier}", "ec2", "CreateRoute", [made, *targets], source)
    for zone in zones:
        needs = [made, f"subnet {tier} {zone}"]
        moments.call(f"association {tier} {zone}", "ec2", "AssociateRouteTable", needs, "row 11")


def identity(moments, environment):
    role = moments.call("role", "iam", "CreateRole")
    moments.call("role policy", "iam", "PutRolePolicy", [role])
    moments.call("cluster", "ecs", "CreateCluster")
    for group in sorted({group for service in environment.services for group in service.log_groups}):
        moments.call(f"log group {group}", "logs", "CreateLogGroup")


def ingress(moments, environment):
    zone = environment.zone
    if environment.makes_zone:
        moments.call("hosted zone", "route53", "CreateHostedZone")
    in_zone = ["hosted zone"] if environment.makes_zone else []
    group = moments.call("ingress group", "ec2", "CreateSecurityGroup", ["vpc"], "row 1")
    moments.call("ingress group rules", "ec2", "AuthorizeSecurityGroupIngress", [group])
    subnets = [f"subnet public {zone}" for zone in environment.public_subnets]
    needs = [*subnets, group, "internet gateway attached"]
    made = moments.call("load balancer", "elasticloadbalancing", "CreateLoadBalancer", needs, "rows 13, 14")
    moments.wait("load balancer active", "load_balancer_becomes_active", [made], "§2.13")
    needs = [made]
    if environment.certificate:
        asked = moments.call("certificate", "acm", "RequestCertificate")
        told = moments.wait("validation record", "validation_record_appears", [asked], "row 22")
        seen = moments.look("validation record seen", "acm", [told])
        record = moments.call(
            "validation record made", "route53", "ChangeResourceRecordSets", [seen, *in_zone], "rows 21, 22"
        )
        issued = moments.wait("certificate issued", "certificate_is_issued", [record], "row 23")
        needs.append(moments.look("certificate seen issued", "acm", [issued]))
    moments.call("listener", "elasticloadbalancing", "CreateListener", needs, "rows 17, 18")
    if environment.has_redirect:
        moments.call("redirecting listener", "elasticloadbalancing", "CreateListener", [made], "row 17")
    if zone and aliases(environment):
        moments.call("alias records", "route53", "ChangeResourceRecordSets", [made, *in_zone], "rows 20, 21")


def discovery(moments, environment):
    if not environment.namespace:
        return
    made = moments.call("namespace asked for", "servicediscovery", "CreatePrivateDnsNamespace", ["vpc"], "row 24")
    ready = moments.wait("namespace", "namespace_operation", [made], "§2.16")
    seen = moments.look("namespace seen", "servicediscovery", [ready])
    for service in environment.services:
        if service.discovered:
            moments.call(f"{service.name} discovery", "servicediscovery", "CreateService", [seen], "row 25")


def in_order(services):
    """Those that others wait for first."""
    left, done = list(services), []
    while left:
        names = {service.name for service in done}
        able = [service for service in left if set(service.depends_on) <= names]
        if not able:
            raise AssertionError("services that wait for each other")
        done += able
        left = [service for service in left if service not in able]
    return done


def workload(moments, environment, service):
    name = service.name
    group = moments.call(f"{name} group", "ec2", "CreateSecurityGroup", ["vpc"], "row 1")
    needs = ["cluster", "role policy", group]
    needs += [f"log group {log_group}" for log_group in service.log_groups]
    needs.append(moments.call(f"{name} definition", "ecs", "RegisterTaskDefinition", ["role"], "row 27"))
    tier = "private" if service.private else "public"
    subnets = environment.private_subnets if service.private else environment.public_subnets
    # Rows 34 and 1.
    needs += [f"route {tier}"] + [f"association {tier} {zone}" for zone in subnets]
    if service.private:
        needs += [f"NAT gateway {zone} seen available" for zone in environment.nat_gateways]
    if service.routed:
        target_group = moments.call(f"{name} targets", "elasticloadbalancing", "CreateTargetGroup", ["vpc"], "row 1")
        rule_needs = ["listener", target_group]
        needs.append(moments.call(f"{name} rule", "elasticloadbalancing", "CreateRule", rule_needs, "row 19"))
        rules = moments.call(f"{name} group rules", "ec2", "AuthorizeSecurityGroupIngress", [group, "ingress group"], "row 12")
        needs.append(rules)
    if service.discovered:
        needs.append(f"{name} discovery")
    for other in service.depends_on:
        needs.append(f"{other} seen")
    made = moments.call(name, "ecs", "CreateService", needs, "rows 25, 30, 34, 36")
    provisioned = moments.wait(f"{name} task provisioned", "task_is_provisioned", [made], "§6.3")
    running = moments.wait(f"{name} task running", "task_starts", [provisioned], "§6.3")
    serves, seen_by = [running], "ecs"
    if service.discovered:
        serves.append(moments.wait(f"{name} registered", "instance_operation", [running], "§2.16"))
        moments.look(f"{name} seen", "servicediscovery", [serves[-1]])
    settled = moments.wait(f"{name} settled", "service_settles", [running], "§2.18")
    if service.routed:
        needs = [running, "load balancer active"]
        healthy = moments.wait(f"{name} healthy", "target_becomes_healthy", needs, "§2.14")
        serves.append(healthy)
        settled = moments.both(f"{name} settled and healthy", [settled, healthy])
    if not service.discovered:
        moments.look(f"{name} seen", "elasticloadbalancing" if service.routed else seen_by, [serves[-1]])
    moments.both(f"{name} serves", serves)
    moments.both(f"{name} is complete", [settled, f"{name} serves"])


def down(environment, figures, delay=None):
    """`delay` is what target groups' deregistration delays are lowered to before tasks drain; none leaves them as they are."""
    moments = Moments(figures)
    services = environment.services
    for service in services:
        drain(moments, service, delay)
    names = [service.name for service in services]
    inactive = moments.both("all services inactive", [f"{name} seen inactive" for name in names])
    stopped = [f"{name} tasks gone" for name in names]
    ends = [
        moments.call("cluster gone", "ecs", "DeleteCluster", stopped, "§2.17"),
        moments.call("role policy gone", "iam", "DeleteRolePolicy", [inactive], "row 33"),
    ]
    ends.append(moments.call("role gone", "iam", "DeleteRole", ["role policy gone"], "§2.8"))
    for service in services:
        ends.append(moments.call(f"{service.name} definition gone", "ecs", "DeregisterTaskDefinition", [inactive], "§2.17"))
    for group in sorted({group for service in services for group in service.log_groups}):
        ends.append(moments.call(f"log group {group} gone", "logs", "DeleteLogGroup", [inactive], "row 28"))
    ends += end_discovery(moments, environment)
    interfaces = list(stopped)
    if environment.balanced:
        interfaces.append(end_ingress(moments, environment, ends))
    end_network(moments, environment, interfaces, ends)
    moments.both(DOWN, ends)
    return moments


def drain(moments, service, delay):
    name, needs = service.name, []
    keeps = service.deregistration_delay
    if service.routed and delay is not None and delay < keeps:
        needs = [moments.call(f"{name} delay lowered", "elasticloadbalancing", "ModifyTargetGroupAttributes", [], "§2.14")]
        keeps = delay
    told = moments.call(f"{name} told to go", "ecs", "DeleteService", needs, "§2.18")
    drained = told
    if service.routed:
        drained = moments.chosen(f"{name} drained", keeps, "deregistration delay", [told], "§2.18")
    # Inactive when the tasks are stopping; gone when their interfaces are.
    moments.look(f"{name} seen inactive", "ecs", [drained])
    stopped = moments.wait(f"{name} tasks stopped", "task_stops", [drained], "§2.18")
    moments.wait(f"{name} tasks gone", "task_interface_goes", [stopped], "§2.7")
    if service.discovered:
        moments.wait(f"{name} deregistered", "instance_operation", [told], "§2.16")


def end_discovery(moments, environment):
    if not environment.namespace:
        return []
    gone = [
        moments.call(
            f"{service.name} discovery gone",
            "servicediscovery",
            "DeleteService",
            ["all services inactive", f"{service.name} deregistered"],
            "§2.16",
        )
        for service in environment.services
        if service.discovered
    ]
    asked = moments.call("namespace told to go", "servicediscovery", "DeleteNamespace", gone, "§2.16")
    done = moments.wait("namespace gone", "namespace_operation", [asked], "§2.16")
    return [moments.look("namespace seen gone", "servicediscovery", [done])]


def end_ingress(moments, environment, ends):
    """The moment in which the load balancer's interfaces are seen to be gone."""
    inactive = "all services inactive"
    if aliases(environment):
        moments.call("alias records gone", "route53", "ChangeResourceRecordSets", [inactive], "§3 step 2")
    gone = moments.call("load balancer gone", "elasticloadbalancing", "DeleteLoadBalancer", [inactive], "§3 step 2")
    for service in environment.services:
        if service.routed:
            name = f"{service.name} targets gone"
            ends.append(moments.call(name, "elasticloadbalancing", "DeleteTargetGroup", [gone], "§3 step 3"))
    if environment.certificate:
        moments.call("certificate gone", "acm", "DeleteCertificate", [gone], "§3 step 3")
        ends.append(
            moments.call(
                "validation records gone", "route53", "ChangeResourceRecordSets", ["certificate gone"], "§2.11"
            )
        )
    if environment.makes_zone:
        needs = [name for name in ("alias records gone", "validation records gone") if name in moments]
        ends.append(moments.call("hosted zone gone", "route53", "DeleteHostedZone", needs or [inactive], "§2.12"))
    elif aliases(environment):
        ends.append("alias records gone")
    left = moments.wait("load balancer's interfaces gone", "load_balancer_interfaces_go", [gone], "§2.13")
    return moments.look("load balancer's interfaces seen gone", "ec2", [left])


def end_network(moments, environment, interfaces, ends):
    public, private = [], []
    for zone in environment.nat_gateways:
        asked = moments.call(
            f"NAT gateway {zone} told to go", "ec2", "DeleteNatGateway", ["all services inactive"], "§3 step 2"
        )
        gone = moments.wait(f"NAT gateway {zone} gone", "nat_gateway_is_deleted", [asked], "§2.6")
        seen = moments.look(f"NAT gateway {zone} seen gone", "ec2", [gone])
        public.append(seen)
        ends.append(moments.call(f"address {zone} gone", "ec2", "ReleaseAddress", [seen], "§2.5"))
    groups = ["ingress group"] if environment.balanced else []
    groups += [f"{service.name} group" for service in environment.services]
    # All that keeps the VPC: its subnets, groups, tables and the attachment of its internet gateway.
    keeps = [moments.call(f"{group} gone", "ec2", "DeleteSecurityGroup", interfaces, "§3 step 4") for group in groups]
    detached = moments.call("internet gateway detached", "ec2", "DetachInternetGateway", interfaces + public, "§2.3")
    keeps.append(detached)
    for tier, zones, more in (
        ("public", environment.public_subnets, public),
        ("private", environment.private_subnets, private),
    ):
        for zone in zones:
            keeps.append(
                moments.call(f"subnet {tier} {zone} gone", "ec2", "DeleteSubnet", interfaces + more, "§2.2")
            )
    tables = ["public"] + (["private"] if environment.nat_gateways else [])
    for tier in tables:
        keeps.append(moments.call(f"route table {tier} gone", "ec2", "DeleteRouteTable", ["all services inactive"], "§2.4"))
    ends.insert(0, moments.call("vpc gone", "ec2", "DeleteVpc", keeps, "§2.1"))
    ends.append(moments.call("internet gateway gone", "ec2", "DeleteInternetGateway", [detached], "§2.3"))
