"""Are the sandbox's figures read as the sandbox reads them?"""

import unittest

from figures import Figures, Limit, merged

DATA = {
    "latencies": {
        "read": {"milliseconds": 80},
        "write": {"milliseconds": 150},
        "services": {"ec2": {"write": {"milliseconds": 300}}},
    },
    "limits": {
        "reads": {"service": "ec2", "operations": ["Describe", "Get"], "shared": False, "burst": 100, "per_second": 20},
        "writes": {"service": "ec2", "operations": [""], "shared": True, "burst": 50, "per_second": 5},
        "endpoints": {"service": "ec2", "operations": ["CreateVpcEndpoint"], "shared": True, "burst": 4, "per_second": 0.5},
    },
}


class Read(unittest.TestCase):
    def test_a_service_s_own_latency_goes_first(self):
        figures = Figures(DATA)
        self.assertEqual([figures.latency("ec2", kind) for kind in ("read", "write")], [0.08, 0.3])
        self.assertEqual(figures.latency("ecs", "write"), 0.15)
        self.assertAlmostEqual(figures.at(0.1).latency("ec2", "write"), 0.03)

    def test_the_limit_that_fits_best_holds(self):
        figures = Figures(DATA)
        self.assertEqual(figures.limit("ec2", "DescribeVpcs"), Limit("reads of DescribeVpcs", 100, 20))
        self.assertEqual(figures.limit("ec2", "CreateVpc"), figures.limit("ec2", "DeleteVpc"))
        self.assertEqual(figures.limit("ec2", "CreateVpcEndpoint"), Limit("endpoints", 4, 0.5))
        self.assertIsNone(figures.limit("ecs", "CreateService"))

    def test_rates_go_with_the_pace(self):
        figures = Figures(DATA)
        self.assertAlmostEqual(figures.at(0.1).limit("ec2", "CreateVpc").rate, 50)
        self.assertIsNone(figures.at(0).limit("ec2", "CreateVpc"))

    def test_entries_of_one_s_own_replace_the_built_in_ones(self):
        own = {"latencies": {"read": {"milliseconds": 5}}, "limits": {"writes": DATA["limits"]["reads"] | {"burst": 1}}}
        data = merged(own, DATA)
        self.assertEqual(data["latencies"]["write"], {"milliseconds": 150})
        self.assertEqual(data["latencies"]["read"], {"milliseconds": 5})
        self.assertEqual(data["limits"]["writes"]["operations"], ["Describe", "Get"])
        self.assertIn("endpoints", data["limits"])


if __name__ == "__main__":
    unittest.main()
