"""What is the least time when AWS takes only so many calls a second?

A bucket of tokens holds `burst` of them at most, and `rate` come in each second. Whatever calls of one bucket have to be made, the last
of them goes out no earlier than when there have been tokens enough since the first could go out, and what then still has to pass comes
behind it. Every set of calls gives such a bound; the highest holds.
"""

from collections import defaultdict
from dataclasses import dataclass

import bound


@dataclass
class Least:
    seconds: float
    # `its chain`, or the limit that takes longer.
    decided_by: str


def least(moments, goal, figures):
    """The longest chain, or what a limit on calls makes of it."""
    reached = bound.ends_of(moments)
    behind = tails(moments, goal)
    answer = Least(reached[goal], "its chain")
    buckets = defaultdict(list)
    for name, moment in moments.items():
        if moment.call and name in behind:
            limit = figures.limit(*moment.call)
            if limit:
                buckets[limit].append((reached[name] - moment.takes, behind[name]))
    for limit, calls in buckets.items():
        seconds = of_bucket(limit, calls)
        # The same sum in another order differs in its last bits.
        if seconds > answer.seconds + 1e-6:
            answer = Least(seconds, f"{limit.name}, {len(calls)} calls")
    return answer


def of_bucket(limit, calls):
    """`calls` are pairs: when one may go out at the earliest, and what has to pass from then on."""
    most = 0.0
    for earliest in {begins for begins, _ in calls}:
        left = sorted((tail for begins, tail in calls if begins >= earliest), reverse=True)
        for count, tail in enumerate(left, 1):
            most = max(most, earliest + max(0, count - limit.burst) / limit.rate + tail)
    return most


def tails(moments, goal):
    """From each moment's beginning to the goal, for those that lead to it."""
    longest = {goal: moments[goal].takes}
    for name in reversed(list(moments)):
        if name not in longest:
            continue
        for need in moments[name].needs:
            longest[need] = max(longest.get(need, 0.0), longest[name] + moments[need].takes)
    return longest
