"""Does a limit on calls move the bound when, and only when, it takes longer than the chain?"""

import unittest
from types import SimpleNamespace

import bound
import edges
import rates
from figures import Limit

GOAL = "all"


def world(calls, limit):
    """So many calls after a first one, each followed by ten seconds."""
    figures = SimpleNamespace(
        latency=lambda service, kind: 0.5,
        duration=lambda name: 10.0,
        limit=lambda service, operation: limit if operation == "CreateService" else None,
    )
    moments = edges.Moments(figures)
    moments.call("first", "ec2", "CreateVpc")
    starts = []
    for number in range(calls):
        made = moments.call(f"made {number}", "ecs", "CreateService", ["first"])
        starts.append(moments.wait(f"runs {number}", "task_starts", [made]))
    moments.both(GOAL, starts)
    moments.call("after all", "ecs", "CreateService", [GOAL])
    return moments, figures


class Rates(unittest.TestCase):
    def test_few_calls_leave_the_chain_as_it_is(self):
        moments, figures = world(5, Limit("ecs writes", 5, 1))
        self.assertEqual(rates.least(moments, GOAL, figures), rates.Least(11.0, "its chain"))

    def test_many_calls_wait_for_tokens(self):
        moments, figures = world(25, Limit("ecs writes", 5, 2))
        # 20 tokens come in 10 s after the first call's 0.5 s; the last service's own 10.5 s come behind it. What happens after
        # the goal takes no token from it.
        answer = rates.least(moments, GOAL, figures)
        self.assertAlmostEqual(answer.seconds, 0.5 + 10 + 10.5)
        self.assertEqual(answer.decided_by, "ecs writes, 25 calls")

    def test_the_set_with_the_longest_tails_is_found(self):
        limit = Limit("writes", 1, 1)
        # Ten calls with nothing behind them cost less than two with much.
        calls = [(0.0, 0.5)] * 10 + [(0.0, 60.0)] * 2
        self.assertAlmostEqual(rates.of_bucket(limit, calls), 61.0)

    def test_tails_are_of_what_leads_to_the_goal(self):
        moments, _ = world(2, None)
        behind = rates.tails(moments, GOAL)
        self.assertNotIn("after all", behind)
        self.assertAlmostEqual(behind["first"], bound.least(moments, GOAL))
