"""How long does AWS take, by the data that the sandbox goes by?"""

import subprocess
from dataclasses import dataclass

import yaml_subset


@dataclass(frozen=True)
class Limit:
    """A bucket of tokens, one for each call."""

    name: str
    burst: float
    # Tokens that come in a second.
    rate: float


class Figures:
    """Seconds at a pace: 1 is AWS's own."""

    def __init__(self, data, pace=1.0):
        self.data, self.pace = data, pace

    def at(self, pace):
        return Figures(self.data, pace)

    def duration(self, name):
        return self.data["durations"][name]["seconds"] * self.pace

    def chosen(self, seconds):
        """A duration that the caller of AWS chose, like a deregistration delay."""
        return seconds * self.pace

    def latency(self, service, kind):
        """Of a call that reads or writes."""
        latencies = self.data.get("latencies") or {}
        own = (latencies.get("services") or {}).get(service) or {}
        entry = own.get(kind) or latencies.get(kind)
        return entry["milliseconds"] / 1000 * self.pace if entry else 0.0

    def limit(self, service, operation):
        """The bucket that calls of the operation take from; none if AWS tells of none."""
        fits = {
            name: max(len(prefix) for prefix in entry["operations"] if operation.startswith(prefix))
            for name, entry in sorted((self.data.get("limits") or {}).items())
            if entry["service"] == service and operation.startswith(tuple(entry["operations"]))
        }
        if not fits or not self.pace:
            return None
        best = max(fits, key=fits.get)
        entry = self.data["limits"][best]
        name = best if entry["shared"] else f"{best} of {operation}"
        return Limit(name, entry["burst"], entry["per_second"] / self.pace)


def merged(over, under):
    """The entries of one file, with those of another over them."""
    if not isinstance(over, dict) or not isinstance(under, dict):
        return over
    return under | {name: merged(value, under.get(name)) for name, value in over.items()}


def built_in(navi):
    printed = subprocess.run([navi, "sandbox", "durations"], check=True, capture_output=True, text=True)
    return yaml_subset.read(printed.stdout)


def read(navi, file=None):
    """The built-in figures, with those of a file of one's own over them."""
    data = built_in(navi)
    if file:
        data = merged(yaml_subset.read(file.read_text()) or {}, data)
    return Figures(data)
