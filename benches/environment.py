"""Which environment does a stack file ask for?

This reads the file as docs/STACK_FILE.md describes it, without asking navi, and only what bears on time. What it
doesn't know is refused: a bound that leaves something out would be too low without saying so.
"""

from dataclasses import dataclass, field

import yaml_subset


class NotCovered(Exception):
    pass


@dataclass
class Service:
    name: str
    count: int = 1
    routed: bool = False
    has_host: bool = False
    discovered: bool = False
    private: bool = False
    deregistration_delay: float = 30
    log_groups: tuple = ()
    allows_services: tuple = ()
    depends_on: tuple = ()


@dataclass
class Environment:
    name: str
    public_subnets: list
    private_subnets: list
    # The public subnets with a NAT gateway.
    nat_gateways: list
    services: list
    balanced: bool = False
    has_redirect: bool = False
    certificate: bool = False
    zone: str = None
    makes_zone: bool = False
    namespace: bool = False
    ingress_ranges: int = 1
    extra: dict = field(default_factory=dict)

    def without_order(self):
        """The same, with no service that waits for another."""
        from dataclasses import replace

        return replace(self, services=[replace(service, depends_on=()) for service in self.services])


def seconds(text):
    if isinstance(text, (int, float)):
        return float(text)
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1])
    if unit is None:
        raise NotCovered(f"{text} is no duration")
    return float(text[:-1]) * unit


def read(text):
    file = yaml_subset.read(text)
    network, ingress = file.get("network") or {}, file.get("ingress") or {}
    for key in ("vpc", "endpoints"):
        if key in network:
            raise NotCovered(f"network.{key} is not covered by the bound")
    nat = network.get("nat", "none")
    zones = network.get("subnets") or {"public": ["zone-1", "zone-2"]} | (
        {"private": ["zone-1", "zone-2"]} if nat != "none" else {}
    )
    public, private = list(zones.get("public") or []), list(zones.get("private") or [])
    gateways = {"none": [], "single": public[:1], "per-zone": [zone for zone in private if zone in public]}[nat]

    certificate, zone = ingress.get("certificate") or {}, ingress.get("zone") or {}
    if certificate and "request" not in certificate:
        raise NotCovered("of certificates the bound covers those that are requested")
    defaults = file.get("defaults") or {}
    services = [service(name, body or {}, defaults, file, nat) for name, body in file["services"].items()]
    return Environment(
        name=file["stack"],
        public_subnets=public,
        private_subnets=private,
        nat_gateways=gateways,
        services=services,
        balanced=any(service.routed for service in services),
        has_redirect=bool(certificate) and ingress.get("redirect_http", True),
        certificate=bool(certificate),
        zone=zone.get("create") or zone.get("find"),
        makes_zone="create" in zone,
        namespace="namespace" in file,
    )


def service(name, body, defaults, file, nat):
    def setting(key, default):
        return body.get(key, defaults.get(key, default))

    for key in ("count", "spot"):
        if isinstance(setting(key, None), dict):
            raise NotCovered(f"{key} of {name} is not covered by the bound")
    discovery = (defaults.get("discovery") or {}) | (body.get("discovery") or {})
    route = body.get("route")
    groups = []
    for container, settings in body["containers"].items():
        logs = (defaults.get("logs") or {}) | (settings.get("logs") or {})
        if logs.get("driver") != "none":
            groups.append(logs.get("group", f"/ecs/{file['stack']}/{name}/{container}"))
        if "depends_on" in settings or "health_check" in settings:
            raise NotCovered(f"the order and the health of containers of {name} are not covered by the bound")
    return Service(
        name=name,
        count=setting("count", 1),
        routed=route is not None,
        has_host=bool((route or {}).get("host")),
        discovered="namespace" in file and discovery.get("enabled", True),
        private=setting("subnets", "private" if nat != "none" else "public") == "private",
        deregistration_delay=seconds(setting("deregistration_delay", "30s")),
        log_groups=tuple(groups),
        allows_services=tuple(rule["from"] for rule in body.get("allow") or [] if rule["from"] in file["services"]),
        depends_on=tuple(body.get("depends_on") or ()),
    )
