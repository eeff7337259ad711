"""What did a command take: time, memory, bytes written?"""

import os
import pathlib
import subprocess
import threading
import time
from dataclasses import dataclass

SAMPLE_EVERY = 0.25


@dataclass
class Taken:
    exit_code: int
    began: float
    seconds: float
    # Resident at most, in bytes: of the largest process, or of all at one time where that was asked for.
    memory: int
    # What it made the system write to the disk, in bytes. The system counts whole pages.
    written: int
    stdout: str
    stderr: str


class Failed(Exception):
    pass


def run(command, directory=None, environment=None, with_children=False, accepted=(0,)):
    """Runs it without a terminal. `began` is of the clock that sandboxes are asked beside."""
    began, start = time.time(), time.monotonic()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    texts, threads = {}, []
    for name in ("stdout", "stderr"):
        threads.append(threading.Thread(target=drain, args=(texts, name, getattr(process, name))))
    sampler = Sampler(process.pid) if with_children else None
    for thread in threads + ([sampler] if sampler else []):
        thread.start()
    # Not reaped yet: what it wrote can be read as long as it is there.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    seconds = time.monotonic() - start
    written = bytes_written(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    for thread in threads:
        thread.join()
    memory = usage.ru_maxrss * 1024
    if sampler:
        memory = max(memory, sampler.stop())
    taken = Taken(process.returncode, began, seconds, memory, written, texts["stdout"], texts["stderr"])
    if process.returncode not in accepted:
        ending = "\n".join((taken.stdout + taken.stderr).splitlines()[-40:])
        raise Failed(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{ending}")
    return taken


def drain(texts, name, pipe):
    texts[name] = pipe.read().decode(errors="replace")


def bytes_written(pid):
    """None where the system doesn't tell (Linux does)."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return None
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


class Sampler(threading.Thread):
    """Looks how much memory all processes of a session have at one time."""

    def __init__(self, session):
        super().__init__(daemon=True)
        self.session, self.most, self.ended = session, 0, threading.Event()

    def run(self):
        while not self.ended.wait(SAMPLE_EVERY):
            self.most = max(self.most, sum(self.resident(entry) for entry in pathlib.Path("/proc").glob("[0-9]*")))

    def resident(self, entry):
        try:
            # Behind the name, which may hold anything: state, parent, group, session.
            if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[3]) != self.session:
                return 0
            return int((entry / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError, ValueError):
            return 0

    def stop(self):
        self.ended.set()
        self.join()
        return self.most
