"""How does a stack of many services look? One load balancer, and each service found by its name."""

HEAD = """\
stack: {name}
ingress: {{ zone: {{ create: {name}.test }} }}
namespace: {{ name: {name}.local }}
services:
"""
SERVICE = """\
  s{number}:
    route: {{ host: s{number}.{name}.test, to: "web:80" }}
    containers:
      web: {{ image: "public.ecr.aws/{name}/s{number}:1", ports: [80] }}
"""


def name(services):
    return f"grown-{services}"


def stack_file(services):
    called = name(services)
    bodies = [SERVICE.format(name=called, number=number) for number in range(services)]
    return HEAD.format(name=called) + "".join(bodies)
