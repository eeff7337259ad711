"""How does what was measured read? It becomes docs/PERFORMANCE.md."""

import statistics

import bound
import edges

# What navi promises, as a multiple of the bound.
PROMISED_UP, PROMISED_DOWN = 1.05, 1.15
MEGABYTE = 1_000_000


def median(lives, command, value):
    values = [value(life.commands[command]) for life in lives if command in life.commands]
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def seconds(value):
    if value is None:
        return "–"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s" if value < 100 else f"{value:.0f} s"


def exactly(value):
    return "–" if value is None else f"{value:.1f} s"


def ratio(value, least):
    # At instant pace nothing takes any time.
    return f"{value / least:.3f}" if value is not None and least else "–"


def megabytes(value):
    return "–" if value is None else f"{value / MEGABYTE:.0f} MB"


def kilobytes(value):
    return "–" if value is None else f"{value / 1000:.1f} kB"


def number(value):
    return "–" if value is None else f"{value:,.0f}".replace(",", " ")


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def chain(moments, goal):
    """The chain of moments, those that hardly count taken together."""
    rows = [
        (exactly(link.begins), exactly(link.moment.takes), link.moment.name, link.moment.what, link.moment.source)
        for link in bound.chain(moments, goal)
    ]
    return table(["from", "takes", "until", "what passes", "aws-behaviour"], rows)


def path(links):
    """navi's own account of what decided the time."""
    rows = [
        (
            exactly(link["at_milliseconds"] / 1000),
            exactly(link["milliseconds"] / 1000),
            f"`{link['address']}`",
            link["action"] + (f", {ENDS[link['until']]}" if link.get("until") else ""),
        )
        for link in links
        if link["milliseconds"] >= 100
    ]
    return table(["from", "takes", "step", ""], rows)


ENDS = {"exists": "until it existed", "ready": "until it was ready", "gone": "until it was gone", "complete": "until it was complete"}


def last_path(lives, command):
    """Of the run whose time is the median, or next to it."""
    runs = sorted((life.commands[command] for life in lives), key=lambda run: run.seconds)
    return runs[(len(runs) - 1) // 2].path


def command_rows(lives, names):
    return [
        (
            f"`{name}`",
            seconds(median(lives, name, lambda run: run.seconds)),
            number(median(lives, name, lambda run: run.calls)),
            number(median(lives, name, lambda run: run.mutating_calls)),
            megabytes(median(lives, name, lambda run: run.memory)),
        )
        for name in names
    ]


def spread(lives, command, value):
    values = [value(life.commands[command]) for life in lives]
    return f"{min(values):.1f} to {max(values):.1f} s" if len(values) > 1 else "one run"


def violations(lives):
    return sum(len(life.violations) for life in lives)


class Document:
    """`results` is what benches/measure has gathered."""

    def __init__(self, results):
        self.results = results

    def text(self):
        parts = [self.head(), self.summary(), self.method(), self.article(), self.terraform(), self.growth(), self.again()]
        return "\n\n".join(part for part in parts if part) + "\n"

    def head(self):
        return HEAD

    # What is compared with its bound: the name, the lives, the environment, the command, the value, goal and promise.
    def compared(self):
        results = self.results
        for key, title in (("article", "the article"), ("unordered", "the article, no service waiting for another")):
            lives = results["lives"].get(key)
            if not lives:
                continue
            least = results["bounds"][key]
            yield f"{title}: everything serves", median(lives, "up", lambda run: run.served), least["serving"], PROMISED_UP
            yield f"{title}: `up` has ended", median(lives, "up", lambda run: run.seconds), least["up"], PROMISED_UP
            yield f"{title}: `down`", median(lives, "down", lambda run: run.seconds), least["down"], PROMISED_DOWN
        lives = results["lives"].get("drain")
        if lives:
            least = results["bounds"]["drain"]["down"]
            yield "the article: `down --drain`", median(lives, "down", lambda run: run.seconds), least, PROMISED_DOWN

    def summary(self):
        rows = []
        for what, value, least, promise in self.compared():
            verdict = "–" if value is None or not least else "yes" if value <= promise * least else "**no**"
            rows.append((what, exactly(least), exactly(value), ratio(value, least), f"{promise:.2f}", verdict))
        if not rows:
            return ""
        heads = ["what", "lower bound", "navi, median", "ratio", "promised", "kept"]
        return f"## How near to the bound\n\n{table(heads, rows)}\n\n{BOUND}"

    def method(self):
        run = self.results["run"]
        lines = [
            "## What was run",
            "",
            "```sh",
            run["command"],
            "```",
            "",
            f"navi {run['version']}, {run['profile']}; {run['machine']}; {run['date']}. The sandbox ran at pace {run['pace']}"
            f" with {run['figures']}; each run with a seed of its own, {run['runs']}, {run['beside']}. Figures are medians.",
        ]
        return "\n".join(lines)

    def article(self):
        lives = self.results["lives"].get("article")
        if not lives:
            return ""
        moments = self.results["moments"]
        heads = ["", "time", "calls", "of them changing", "memory"]
        parts = [
            "## The article's environment",
            f"`stacks/ecs-navi.yaml`, {counted(len(lives), 'run')}; {number(lives[0].commands['up'].steps)} resources, "
            f"{counted(violations(lives), 'violation')}.",
            table(heads, command_rows(lives, ["up", "up again", "plan", "down"])),
            f"`up` took {spread(lives, 'up', lambda run: run.seconds)}, `down` {spread(lives, 'down', lambda run: run.seconds)}. "
            f"{self.refusals(lives)}",
            "### The chain of `up`",
            "The least time until everything serves is that of this chain:",
            chain(moments["article"]["up"], edges.SERVING),
            "What decided navi's time, by its own account (`navi up --timings`):",
            path(last_path(lives, "up")),
            "### The chain of `down`",
            chain(moments["article"]["down"], edges.DOWN),
            "navi's own account:",
            path(last_path(lives, "down")),
        ]
        drain = self.results["lives"].get("drain")
        if drain:
            parts += [
                "### With `--drain`",
                f"Target groups keep their deregistration delay ({counted(len(drain), 'run')}, "
                f"{counted(violations(drain), 'violation')}):",
                chain(moments["drain"]["down"], edges.DOWN),
            ]
        unordered = self.results["lives"].get("unordered")
        if unordered:
            parts += [
                "### Without the order of the services",
                UNORDERED,
                f"{counted(len(unordered), 'run')}, {counted(violations(unordered), 'violation')}:",
                table(heads, command_rows(unordered, ["up", "up again", "plan", "down"])),
                chain(moments["unordered"]["up"], edges.SERVING),
                "navi's own account:",
                path(last_path(unordered, "up")),
            ]
        return "\n\n".join(parts)

    def refusals(self, lives):
        found = {}
        for life in lives:
            for command in life.commands.values():
                for code, times in command.refusals.items():
                    found[code] = found.get(code, 0) + times
        if not found:
            return "AWS refused no call."
        listed = ", ".join(f"{times} × `{code}`" for code, times in sorted(found.items()))
        return f"AWS's refusals in all of these runs: {listed}."

    def terraform(self):
        reason = self.results.get("no_terraform")
        if reason:
            return f"## Beside Terraform\n\nNot measured: {reason}."
        lives = self.results["lives"].get("terraform")
        if not lives:
            return ""
        against, drain = self.results["lives"]["unordered"], self.results["lives"].get("drain")
        compared = [
            ("navi `up`", against, "up"),
            ("Terraform `apply`", lives, "apply"),
            ("navi `plan`, no change", against, "plan"),
            ("Terraform `plan`, no change", lives, "plan"),
            ("navi `down`", against, "down"),
            ("navi `down --drain`", drain, "down"),
            ("Terraform `destroy`", lives, "destroy"),
        ]
        rows = [
            (
                title,
                exactly(median(of, name, lambda run: run.seconds)),
                exactly(median(of, name, lambda run: run.served)),
                number(median(of, name, lambda run: run.calls)),
                number(median(of, name, lambda run: run.mutating_calls)),
                megabytes(median(of, name, lambda run: run.memory)),
            )
            for title, of, name in compared
            if of
        ]
        heads = ["", "time", "everything served at", "calls", "of them changing", "memory"]
        return "\n\n".join(
            [
                "## Beside Terraform",
                f"{self.results['terraform']}, {counted(len(lives), 'run')}, in sandboxes at the same pace, in the same run as navi's.",
                table(heads, rows),
                f"Violations by Terraform's `destroy`: {violations(lives)}; by navi's `down`: {violations(against)}. "
                "Terraform's memory is that of itself and its provider together.",
                TERRAFORM,
            ]
        )

    def growth(self):
        grown = self.results["lives"].get("growth")
        if not grown:
            return ""
        times, costs = [], []
        for size, lives in sorted(grown.items()):
            least = self.results["bounds"]["growth"][size]
            served = median(lives, "up", lambda run: run.served)
            up, down = (median(lives, name, lambda run: run.seconds) for name in ("up", "down"))
            times.append(
                (
                    size,
                    number(lives[0].commands["up"].steps),
                    exactly(least["serving"]),
                    exactly(served),
                    ratio(served, least["serving"]),
                    exactly(up),
                    ratio(up, least["up"]),
                    exactly(least["down"]),
                    exactly(down),
                    ratio(down, least["down"]),
                    least["decided_by"],
                )
            )
            steps = lives[0].commands["up"].steps
            journal = median(lives, "up", lambda run: run.state.get("bytes"))
            costs.append(
                (
                    size,
                    seconds(median(lives, "up again", lambda run: run.seconds)),
                    *(number(median(lives, name, lambda run: run.calls)) for name in ("up", "up again", "down")),
                    megabytes(median(lives, "up", lambda run: run.memory)),
                    kilobytes(statistics.median(life.state_bytes for life in lives)),
                    kilobytes(journal),
                    "–" if not journal else f"{journal / steps:.0f}",
                    number(median(lives, "up", lambda run: run.state.get("writes"))),
                    "–" if not journal else f"{median(lives, 'up', lambda run: run.state.get('milliseconds')) / steps:.2f} ms",
                    "–" if not journal else kilobytes((median(lives, "up", lambda run: run.disk) or 0) / steps),
                )
            )
        one = next(iter(grown.values()))
        return "\n\n".join(
            [
                "## Growth",
                f"So many services behind one load balancer, each with its name in the namespace; {counted(len(one), 'run')} of each size.",
                table(
                    ["services", "steps", "bound, serving", "served", "ratio", "`up`", "ratio", "bound, `down`", "`down`", "ratio", "bound by"],
                    times,
                ),
                table(
                    [
                        "services",
                        "`up`, no change",
                        "calls: `up`",
                        "no change",
                        "`down`",
                        "memory",
                        "state",
                        "journal of `up`",
                        "bytes a step",
                        "writes",
                        "waiting for the disk, a step",
                        "to the disk, a step",
                    ],
                    costs,
                ),
                GROWTH,
            ]
        )

    def again(self):
        return AGAIN


def counted(number, what):
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


HEAD = """\
# Performance

How long navi takes, and how near that is to what AWS's own waits leave at least. `benches/measure` has measured it in the
sandbox at AWS's pace ([SANDBOX.md](SANDBOX.md), "Time") and written this page; it is not edited by hand. The durations are
those of the sandbox's data, which say where they are from. On a real account AWS takes what it takes, and the bound moves with it."""

BOUND = """\
The bound is the longest chain through the moments of an environment's life: a call takes its latency, and what AWS does by
itself takes its duration. `benches/edges.py` has the moments and their edges, from the table of aws-behaviour §1 (for `up`) and
§3 (for `down`), and never asks navi. Everything serves when every target is healthy behind an active load balancer and every
instance is registered; `up` has ended when ECS calls every deployment completed and somebody has looked. `down` lowers the deregistration
delay to 5 s before it lets tasks drain; `--drain` keeps the delay."""

UNORDERED = """\
The stack file says that `nginx-proxy` starts when `backend` is registered, for nginx looks its upstream up when it starts. That order is
part of the bound above. Here is the same file without `depends_on`: both services start at once, as they do with Terraform, and on AWS the proxy
may have to be started again until it finds the other."""

TERRAFORM = """\
The files are `benches/terraform/`: the same environment value for value, with the edges written out that a correct configuration needs. The hosted
zone is there before; navi makes it. navi's figures are those without the order of services, which Terraform's files don't have either.
Terraform's `apply` ends before the services serve; navi's `up` ends after. Terraform's `destroy` keeps the deregistration delay, as `down --drain` does.

In Terraform's sandboxes EC2 knows new identifiers at once: its provider does not repeat a ModifySubnetAttribute that is refused with
`InvalidSubnetID.NotFound`, and its `apply` would end there. navi's sandboxes keep the delay."""

GROWTH = """\
The journal's bytes, its writes and the time that they wait for the disk are navi's own count (`state_written` in its JSON document); what reaches
the disk is the system's count for the whole process, in pages, with the snapshot and the timings. Per step they stay the same or fall: writing is linear."""

AGAIN = """\
## Again

```sh
cargo build --release
benches/measure                                  # all of this; most of its time is waiting
benches/measure --quick                          # whether it works: one run, ten times as fast
benches/measure --only article --runs 5          # a part: article, terraform, growth
benches/measure --durations my-durations.yaml    # with what you measured; `navi sandbox durations` prints the built-in file
```

It needs Python 3.10, and for the comparison `terraform` on the PATH and its provider for AWS in a directory that `--terraform-plugins` names. CI does
not run it, for it waits for the better part of an hour; CI runs the tests of the bound's computation."""
