# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is traced by bench-overhead. Each says what an operation costs right now."""

import statistics
import time

from bench.programs import BenchError, Target, target

NULL = "null sched_switch program"
PARKSCOPE = "parkscope"
BYSTANDER = "parkscope -p another process"
EXACT = "parkscope --exact"
OFFCPUTIME = "offcputime"
BPFTRACE = "bpftrace, futex with ustack"
ALL = [NULL, PARKSCOPE, BYSTANDER, EXACT, OFFCPUTIME, BPFTRACE]


class Workload:
    """A program that runs all the time; a cost is the median of some short windows."""

    windows = 5
    window_s = 0.2
    rounds = 10
    form = "{:.0f}"
    traced_by = ALL
    ratios = []  # (configuration, another, what it is called, at most): of what they add
    losses = []  # (configuration, what it is called, at most): added, in percent

    def __init__(self):
        self.target = Target(*self.command)

    def __enter__(self):
        self.target.tell("go")
        time.sleep(0.5)
        return self

    def __exit__(self, *ignored):
        self.target.__exit__()

    def cost(self):
        costs = []
        before = self.target.report()
        for _ in range(self.windows):
            time.sleep(self.window_s)
            after = self.target.report()
            costs.append(self.window_cost(
                {key: after[key] - before[key] for key in before if key in after}))
            before = after
        return statistics.median(costs)

    def window_cost(self, moved):
        """From how far the counters have moved: by default ns per operation."""
        if not moved[self.counter]:
            raise BenchError(f"{self.name} does nothing")
        return moved["monotonic_ns"] / moved[self.counter]


class PingPong(Workload):
    name = "pingpong"
    title = "Futex ping-pong"
    about = ("Two threads on one CPU wake each other; each of the two waits of a round trip blocks, 25 "
             "frames deep (SCHED_BATCH, so that the one that is woken does not run at once and the "
             "waits become none).")
    unit = "ns a round trip"
    counter = "rounds"
    command = ["taskset", "-c", "0", "chrt", "-b", "0", target("futex_pingpong"), "rounds=0", "frames=25"]
    ratios = [
        (PARKSCOPE, OFFCPUTIME, "ping-pong: parkscope ÷ offcputime, added cost", 0.12),
        (PARKSCOPE, BPFTRACE, "ping-pong: parkscope ÷ bpftrace with ustack, added cost", 0.15),
        (BYSTANDER, NULL, "ping-pong of a bystander: parkscope -p ÷ null program, added cost", 1.5),
        (EXACT, OFFCPUTIME, "ping-pong, 25 frames: parkscope --exact ÷ offcputime, added cost", 1.0),
    ]

    def window_cost(self, moved):
        if moved["waits"] < 1.9 * moved["rounds"]:
            raise BenchError("the waits of the ping-pong do not block")
        return super().window_cost(moved)


SUBJECTS = {subject.name: subject for subject in (PingPong,)}
