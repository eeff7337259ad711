"""What does Terraform with its provider for AWS take for the same environment, in the same sandbox?"""

import json
import os
import pathlib
import shutil
import tempfile

import figures
import process
import sandbox
import yaml_subset
from runs import Command, Life

FILES = pathlib.Path(__file__).parent / "terraform"
PROVIDER = "registry.terraform.io/hashicorp/aws"
# Where providers lie that need not be downloaded, by Terraform's documentation and by custom.
USUAL = ("~/.terraform.d/plugins", "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins", "/opt/*")
SERVICES = 2
ZONE = "ecs-navi.site"


# Its provider gives up where EC2 doesn't know a new subnet yet (ModifySubnetAttribute), and would never come to the end.
KNOWN_AT_ONCE = {"durations": {"id_becomes_known": {"seconds": 0}}}


def durations(own):
    """A file of durations as text: those of the user's own, and new identifiers known at once. JSON is YAML."""
    return json.dumps(figures.merged(KNOWN_AT_ONCE, yaml_subset.read(own) or {}))


class NotInstalled(Exception):
    pass


def find(plugins=None):
    """The program, and the directory with its provider."""
    program = shutil.which("terraform")
    if not program:
        raise NotInstalled("there is no `terraform` on the PATH")
    places = [plugins] if plugins else [place for pattern in USUAL for place in expanded(pattern)]
    for place in places:
        if (pathlib.Path(place) / PROVIDER).is_dir():
            return program, str(place)
    where = plugins or ", ".join(USUAL)
    raise NotInstalled(f"there is no {PROVIDER} in {where}; --terraform-plugins says where it is")


def expanded(pattern):
    path = pathlib.Path(pattern).expanduser()
    return sorted(pathlib.Path(path.anchor).glob(str(path.relative_to(path.anchor))))


class Terraform:
    """A working directory of Terraform beside a sandbox."""

    def __init__(self, world, program, plugins):
        self.world, self.program, self.plugins = world, program, plugins

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="navi-measure-terraform-")
        for file in FILES.glob("*.tf"):
            shutil.copy(file, self.directory)
        self.run("init", f"-plugin-dir={self.plugins}")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def run(self, *arguments, accepted=(0,)):
        environment = sandbox.environment() | {
            "TF_VAR_endpoint": self.world.endpoint,
            "CHECKPOINT_DISABLE": "1",
            # Nothing of the user's own configuration.
            "TF_CLI_CONFIG_FILE": os.devnull,
        }
        command = [self.program, *arguments, "-no-color", "-input=false"]
        return process.run(command, self.directory, environment, with_children=True, accepted=accepted)

    def measured(self, *arguments, serves=False):
        self.world.forget_calls()
        taken = self.run(*arguments)
        calls, mutating, refusals = self.world.calls()
        return Command(
            seconds=taken.seconds,
            calls=calls,
            mutating_calls=mutating,
            memory=taken.memory,
            refusals=refusals,
            served=self.world.served_at(taken.began, SERVICES) if serves else None,
            disk=taken.written,
        )

    def live(self):
        commands = {
            "apply": self.measured("apply", "-auto-approve", serves=True),
            # Ends with 2 if there is something to do.
            "plan": self.measured("plan", "-detailed-exitcode"),
            "destroy": self.measured("destroy", "-auto-approve"),
        }
        return Life(self.world.seed, commands, self.world.violations(), 0)


def versions(program, plugins):
    told = process.run([program, "version", "-json"], environment=sandbox.environment() | {"CHECKPOINT_DISABLE": "1"})
    provider = max(entry.name for entry in (pathlib.Path(plugins) / PROVIDER).iterdir())
    return f"Terraform {json.loads(told.stdout)['terraform_version']} with version {provider} of its provider for AWS"
