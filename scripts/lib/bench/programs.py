# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs that a benchmark starts: what is measured, and the tools that watch it."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.path.join(ROOT, "build/release")
PARKSCOPE = os.path.join(BUILD, "parkscope")
NULL_SWITCH = os.path.join(BUILD, "tests/bench/null_switch")
STARTS_WITHIN_S = 60
ENDS_WITHIN_S = 15
PID_MAX = "/proc/sys/kernel/pid_max"


class BenchError(Exception):
    """Something without which a figure would be wrong."""


def target(name):
    return os.path.join(BUILD, "targets", name)


def say(text):
    print("bench:", text, file=sys.stderr, flush=True)


def run(name, main):
    """main() as a script does it, whose programs end with it, also when it is told to end."""
    if os.geteuid() != 0:
        sys.exit(f"{name}: must be root")
    # A shell has what it starts in the background ignore it, and all that is started there.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *ignored: sys.exit(143))
    try:
        main()
    except (BenchError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"{name}: {error}")


def wait_until(condition, what, within_s=STARTS_WITHIN_S):
    end = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise BenchError(f"not within {within_s} s: {what}")
        time.sleep(0.01)


class Target:
    """A program of tests/targets, which speaks their protocol (README.md there)."""

    def __init__(self, *command, ready="ready"):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.pid = self.process.pid
        self.await_line(ready)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        end(self.process, signal.SIGKILL)

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise BenchError(f"{self.process.args[0]} ended")
        return line.rstrip("\n")

    def await_line(self, wanted):
        line = self.read()
        while line != wanted:
            line = self.read()

    def tell(self, command):
        self.process.stdin.write(command + "\n")

    def report(self):
        """Its counters as numbers."""
        counters = {}
        self.tell("report")
        line = self.read()
        while line != "end":
            key, _, value = line.partition("=")
            if " " not in value:
                counters[key] = float(value)
            line = self.read()
        return counters


def end(process, how=signal.SIGINT):
    """Ends it, by force when it does not end by itself."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def hooks(pid):
    """How many programs and events a process has attached."""
    folder = f"/proc/{pid}/fd"
    count = 0
    for name in os.listdir(folder):
        try:
            kind = os.readlink(os.path.join(folder, name))
        except OSError:  # closed since, or of a process that nobody may look at
            continue
        count += "bpf_link" in kind or "perf_event" in kind
    return count


def attached(process):
    """Whether it has attached programs, and does not attach more."""
    if process.poll() is not None:
        raise BenchError(f"{' '.join(process.args[:3])} ended at its start")
    before = hooks(process.pid)
    time.sleep(0.3)
    return before > 0 and hooks(process.pid) == before


class Tool:
    """A tool while it traces; command None is nothing at all. Its output goes to a file."""

    def __init__(self, command, warm_up_s):
        self.output = tempfile.NamedTemporaryFile(prefix="parkscope-bench.")
        self.process = None
        if command is None:
            return
        if not shutil.which(command[0]):
            raise BenchError(f"{command[0]} is not there")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: attached(self.process), f"{command[0]} attached")
            time.sleep(warm_up_s)
        except BaseException:
            end(self.process, signal.SIGKILL)
            raise

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        if self.process:
            # What it prints at its end is not of interest, and naming it takes peers seconds.
            end(self.process, signal.SIGKILL)
            time.sleep(0.2)
        self.output.close()


def cpu_s(pid):
    """CPU time of all threads of a process so far, in seconds (nanoseconds resolved)."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        fields = dict(line.split(":", 1) for line in file if ":" in line)
    return int(fields["VmRSS"].split()[0]) / 1024


@contextlib.contextmanager
def running(*command, output=subprocess.DEVNULL):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                               stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        end(process)


@contextlib.contextmanager
def room_for_threads(count):
    """kernel.pid_max is 32768 on small hosts."""
    with open(PID_MAX, encoding="ascii") as file:
        before = file.read()
    if int(before) < 2 * count:
        say(f"kernel.pid_max is {before.strip()}: raised for a while")
        with open(PID_MAX, "w", encoding="ascii") as file:
            file.write(str(4 * count))
    try:
        yield
    finally:
        with open(PID_MAX, "w", encoding="ascii") as file:
            file.write(before)


def end_record(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            if record["event"]["dataset"] == "parkscope.end":
                return record["parkscope"]
    raise BenchError("parkscope wrote no end record")
