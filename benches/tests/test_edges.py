"""Is the least time that of the chain that AWS's durations make, whatever they are?"""

import pathlib
import unittest

import bound
import edges
import environment
import growth
from figures import Figures, merged

STACKS = pathlib.Path(__file__).resolve().parents[2] / "stacks"
DURATIONS = {
    "nat_gateway_becomes_available": 90,
    "nat_gateway_is_deleted": 65,
    "load_balancer_becomes_active": 120,
    "load_balancer_interfaces_go": 20,
    "namespace_operation": 38,
    "instance_operation": 5,
    "validation_record_appears": 3,
    "certificate_is_issued": 20,
    "task_is_provisioned": 10,
    "task_starts": 30,
    "task_stops": 30,
    "task_interface_goes": 20,
    "target_becomes_healthy": 1,
    "service_settles": 2,
}
LATENCIES = {"read": {"milliseconds": 100}, "write": {"milliseconds": 500}}


def figures(**durations):
    listed = {name: {"seconds": seconds} for name, seconds in (DURATIONS | durations).items()}
    return Figures({"durations": listed, "latencies": LATENCIES})


def article():
    return environment.read((STACKS / "ecs-navi.yaml").read_text())


def names(moments, goal):
    return [link.moment.name for link in bound.chain(moments, goal)]


class Up(unittest.TestCase):
    def test_without_an_order_of_services_the_nat_gateway_and_a_task_s_start_decide(self):
        moments = edges.up(article().without_order(), figures())
        # VPC, subnet and gateway are calls; then 90 s, a look, the service's call, 40 s, and 5 s until it is registered.
        self.assertAlmostEqual(bound.least(moments, edges.SERVING), 3 * 0.5 + 90 + 0.1 + 0.5 + 40 + 5)
        self.assertAlmostEqual(bound.least(moments, edges.UP), 3 * 0.5 + 90 + 0.1 + 0.5 + 40 + 5 + 0.1)

    def test_a_service_that_waits_for_another_comes_a_start_later(self):
        moments = edges.up(article(), figures())
        first = 3 * 0.5 + 90 + 0.1 + 0.5 + 40 + 5
        self.assertAlmostEqual(bound.least(moments, edges.SERVING), first + 0.1 + 0.5 + 40 + 5)
        chain = names(moments, edges.SERVING)
        self.assertEqual(chain[:3], ["vpc", "subnet public 1a", "NAT gateway 1a"])
        self.assertIn("backend registered", chain)
        self.assertEqual(chain[-1], "nginx-proxy registered")

    def test_a_slow_load_balancer_decides_through_its_targets_health(self):
        moments = edges.up(article().without_order(), figures(load_balancer_becomes_active=400))
        self.assertAlmostEqual(bound.least(moments, edges.SERVING), 3 * 0.5 + 400 + 1)
        self.assertEqual(names(moments, edges.SERVING)[-2:], ["load balancer active", "backend healthy"])

    def test_a_slow_certificate_decides_through_the_listener(self):
        moments = edges.up(article().without_order(), figures(certificate_is_issued=900))
        chain = names(moments, edges.SERVING)
        self.assertEqual(chain[0], "certificate")
        for name in ("certificate seen issued", "listener", "backend rule", "backend"):
            self.assertIn(name, chain)

    def test_a_slow_namespace_decides_through_the_services_in_it(self):
        moments = edges.up(article().without_order(), figures(namespace_operation=900))
        self.assertIn("namespace seen", names(moments, edges.SERVING))
        self.assertIn("backend discovery", names(moments, edges.SERVING))

    def test_services_in_public_subnets_wait_for_no_gateway(self):
        wanted = environment.read(growth.stack_file(3))
        self.assertEqual(len(wanted.services), 3)
        moments = edges.up(wanted, figures())
        self.assertFalse([name for name in moments if "NAT" in name])
        self.assertAlmostEqual(bound.least(moments, edges.SERVING), 3 * 0.5 + 120 + 1)

    def test_a_pace_scales_all_of_it(self):
        whole = bound.least(edges.up(article(), figures()), edges.UP)
        tenth = bound.least(edges.up(article(), figures().at(0.1)), edges.UP)
        self.assertAlmostEqual(tenth, whole / 10)


class Down(unittest.TestCase):
    # Until all services are seen inactive, with the delay lowered to five seconds.
    INACTIVE = 0.5 + 0.5 + 5 + 0.1

    def test_with_the_delay_lowered_the_nat_gateway_decides(self):
        moments = edges.down(article(), figures(), 5)
        # Delete, 65 s, a look; then the gateway is detached, or a subnet goes, and the VPC last.
        self.assertAlmostEqual(bound.least(moments, edges.DOWN), self.INACTIVE + 0.5 + 65 + 0.1 + 0.5 + 0.5)
        self.assertEqual(names(moments, edges.DOWN)[-1], "vpc gone")

    def test_with_the_delay_kept_it_comes_before_all_else(self):
        moments = edges.down(article(), figures())
        inactive = 0.5 + 300 + 0.1
        self.assertAlmostEqual(bound.least(moments, edges.DOWN), inactive + 0.5 + 65 + 0.1 + 0.5 + 0.5)

    def test_interfaces_that_linger_hold_the_network(self):
        moments = edges.down(article(), figures(load_balancer_interfaces_go=300), 5)
        self.assertAlmostEqual(bound.least(moments, edges.DOWN), self.INACTIVE + 0.5 + 300 + 0.1 + 0.5 + 0.5)

    def test_tasks_that_linger_hold_it_too(self):
        moments = edges.down(article(), figures(task_stops=300), 5)
        drained = 0.5 + 0.5 + 5
        self.assertAlmostEqual(bound.least(moments, edges.DOWN), drained + 300 + 20 + 0.5 + 0.5)


class Environments(unittest.TestCase):
    def test_what_the_bound_does_not_cover_is_refused(self):
        plain = "stack: a\nservices: { web: { containers: { web: { image: b } } } }\n"
        environment.read(plain)
        for more in (
            "network: { vpc: { find: vpc-1 } }\n",
            "network: { endpoints: [s3] }\n",
            "ingress: { certificate: { find: a.test } }\n",
            "defaults: { count: { min: 1, max: 2, cpu: 50 } }\n",
        ):
            with self.subTest(more), self.assertRaises(environment.NotCovered):
                environment.read(plain + more)

    def test_the_article_is_understood(self):
        wanted = article()
        self.assertEqual([service.name for service in wanted.services], ["backend", "nginx-proxy"])
        self.assertTrue(all(s.private and s.routed and s.discovered for s in wanted.services))
        self.assertEqual(wanted.services[0].log_groups, ("/ecs/nginx", "/ecs/api"))
        self.assertEqual(wanted.services[1].log_groups, ())
        self.assertEqual(wanted.services[0].deregistration_delay, 300)
        self.assertEqual(wanted.nat_gateways, ["1a"])

    def test_a_file_of_one_s_own_goes_over_the_built_in_one(self):
        under = {"durations": {"a": {"seconds": 1, "source": "x"}, "b": {"seconds": 2}}}
        over = {"durations": {"a": {"seconds": 5}}}
        self.assertEqual(
            merged(over, under), {"durations": {"a": {"seconds": 5, "source": "x"}, "b": {"seconds": 2}}}
        )
