"""How is a sandbox started at a pace, asked what became of it, and stopped?"""

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections import Counter

# A service that doesn't serve this long after the command that made it has ended never will.
PATIENCE = 600


class Sandbox:
    """One in a state directory of its own, which goes with it."""

    def __init__(self, navi, pace, seed, durations=None):
        self.navi, self.pace, self.seed, self.durations = navi, pace, seed, durations

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="navi-measure-")
        command = ["sandbox", "start", "--pace", str(self.pace), "--seed", str(self.seed), "--output", "json"]
        if self.durations:
            command += ["--durations", str(self.durations)]
        try:
            self.endpoint = json.loads(self.run(command))["endpoint"]
        except BaseException:
            shutil.rmtree(self.directory)
            raise
        return self

    def __exit__(self, *_):
        try:
            self.run(["sandbox", "stop"])
        finally:
            shutil.rmtree(self.directory)

    def run(self, arguments):
        command = [self.navi, *arguments, "--state-dir", self.directory]
        done = subprocess.run(command, capture_output=True, text=True, env=environment())
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
        return done.stdout

    def ask(self, what, method="GET"):
        request = urllib.request.Request(f"{self.endpoint}/_navi/{what}", method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def forget_calls(self):
        self.ask("calls/reset", "POST")

    def calls(self):
        """How many there were, how many of them change something, and the refusals by AWS's codes."""
        counted = self.ask("status")["calls"]
        errors = Counter(call["error"] for call in self.ask("calls") if "error" in call)
        return counted["total"], counted["mutating"], dict(errors)

    def violations(self):
        return self.ask("violations")

    def make_zone(self, name):
        """A public hosted zone, as it is there before an environment is."""
        body = (
            '<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/">'
            f"<Name>{name}</Name><CallerReference>{self.seed}</CallerReference></CreateHostedZoneRequest>"
        )
        # The sandbox wants a signature to be there, and doesn't verify it.
        signed = (
            "AWS4-HMAC-SHA256 Credential=sandbox/20260101/us-east-1/route53/aws4_request, "
            "SignedHeaders=host;x-amz-date, Signature=0"
        )
        headers = {"Authorization": signed, "Content-Type": "text/xml", "X-Amz-Date": "20260101T000000Z"}
        url = f"{self.endpoint}/2013-04-01/hostedzone"
        urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers)).close()

    def served_at(self, began, services, patience=PATIENCE):
        """Seconds after that moment in which the last of so many services first served."""
        deadline = time.monotonic() + patience
        while True:
            moments = [service["served_at"] for service in self.ask("serving") if service["served_at"]]
            if len(moments) >= services:
                return max(moments) - began
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {len(moments)} of {services} services ever served")
            time.sleep(0.5)


def environment():
    """Without what leads to real accounts, and without colours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_", "NAVI_"))}
    return kept | {"NO_COLOR": "1"}
