"""What is the least time in which an environment can be had, or be gone? The longest chain through its moments."""

from dataclasses import dataclass


@dataclass
class Link:
    moment: object
    begins: float
    ends: float


def ends_of(moments):
    """When each moment is reached at the earliest."""
    reached = {}
    for name, moment in moments.items():
        begins = max((reached[need] for need in moment.needs), default=0.0)
        reached[name] = begins + moment.takes
    return reached


def least(moments, goal):
    return ends_of(moments)[goal]


def chain(moments, goal):
    """The moments that decide when the goal is reached, from the first to the last."""
    reached, links, name = ends_of(moments), [], goal
    while name:
        moment = moments[name]
        before = max(moment.needs, key=reached.__getitem__, default=None)
        links.append(Link(moment, reached[before] if before else 0.0, reached[name]))
        name = before
    return [link for link in reversed(links) if link.moment.what]
