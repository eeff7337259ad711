"""Is YAML read as it is meant, and what isn't understood refused with its line?"""

import unittest

import yaml_subset


class YamlSubset(unittest.TestCase):
    def test_block_and_flow_collections_nest(self):
        text = """\
# A comment.
stack: shop
network:
  subnets: { public: { 1a: 10.0.1.0/24 }, private: {} }   # another
services:
  web:
    allow:
      - { from: api, port: 80 }
      - from: ingress
        port: 3000
    containers:
      web:
        image: "example.org/web:1" # not a key
        ports: [80, 443]
"""
        self.assertEqual(
            yaml_subset.read(text),
            {
                "stack": "shop",
                "network": {"subnets": {"public": {"1a": "10.0.1.0/24"}, "private": {}}},
                "services": {
                    "web": {
                        "allow": [{"from": "api", "port": 80}, {"from": "ingress", "port": 3000}],
                        "containers": {"web": {"image": "example.org/web:1", "ports": [80, 443]}},
                    }
                },
            },
        )

    def test_scalars_have_their_types(self):
        text = "a: 12\nb: 0.5\nc: true\nd: ~\ne: '12'\nf: 30s\ng: a#b\nh:\n"
        expected = {"a": 12, "b": 0.5, "c": True, "d": None, "e": "12", "f": "30s", "g": "a#b", "h": None}
        self.assertEqual(yaml_subset.read(text), expected)

    def test_nothing_is_nothing(self):
        self.assertIsNone(yaml_subset.read("# only a comment\n"))

    def test_what_is_not_understood_is_refused(self):
        for text, line in (
            ("a: 1\na: 2\n", 2),
            ("a:\n  b: 1\n c: 2\n", 3),
            ("a: { b: 1\n", 1),
            ("a: [1] 2\n", 1),
            ("a: 1\njust text\n", 2),
        ):
            with self.subTest(text), self.assertRaisesRegex(yaml_subset.NotUnderstood, f"line {line}:"):
                yaml_subset.read(text)
