"""What do navi's commands take on one stack file: up, the same again, plan, down?"""

import json
from dataclasses import dataclass, field

import process
import sandbox


@dataclass
class Command:
    seconds: float
    calls: int
    mutating_calls: int
    memory: int
    # Answers of AWS that were refusals, by their codes.
    refusals: dict
    # Seconds from the command's beginning until the last service served; only of what makes services.
    served: float = None
    # Bytes, writes and milliseconds of the journal, as navi counts them, and what the system wrote for the process.
    state: dict = field(default_factory=dict)
    disk: int = None
    # The chain that decided the time, as navi tells it.
    path: list = field(default_factory=list)
    steps: int = 0
    document: dict = field(default_factory=dict)


@dataclass
class Life:
    """One life of a stack: made, looked at, removed."""

    seed: int
    commands: dict
    violations: list
    state_bytes: int


class Stack:
    """A stack file in a sandbox of its own."""

    def __init__(self, world, file, name, services, extra=()):
        self.world, self.file, self.name, self.services, self.extra = world, file, name, services, extra

    def run(self, *arguments, serves=False):
        world = self.world
        world.forget_calls()
        command = [world.navi, *arguments, "--sandbox", "--state-dir", world.directory, "--output", "json", "-f", self.file]
        taken = process.run(command, environment=sandbox.environment())
        calls, mutating, refusals = world.calls()
        document = json.loads(taken.stdout) if taken.stdout.strip() else {}
        timeline = document.get("timeline") or {}
        return Command(
            seconds=taken.seconds,
            calls=calls,
            mutating_calls=mutating,
            memory=taken.memory,
            refusals=refusals,
            served=world.served_at(taken.began, self.services) if serves else None,
            state=document.get("state_written") or {},
            disk=taken.written,
            path=timeline.get("critical_path") or [],
            steps=len(timeline.get("steps") or []),
            document=document,
        )

    def up(self, **options):
        return self.run("up", "--yes", *self.extra, **options)

    def live(self, down=()):
        commands = {"up": self.up(serves=True)}
        state = self.state_bytes()
        commands["up again"] = self.up()
        commands["plan"] = self.run("plan")
        commands["down"] = self.run("down", "--yes", *down)
        changed = commands["up again"].mutating_calls + commands["plan"].mutating_calls
        if changed:
            raise RuntimeError(f"a second run of {self.name} made {changed} calls that change something")
        return Life(self.world.seed, commands, self.world.violations(), state)

    def state_bytes(self):
        import pathlib

        files = pathlib.Path(self.world.directory).rglob(f"{self.name}.json")
        return max((file.stat().st_size for file in files), default=0)
