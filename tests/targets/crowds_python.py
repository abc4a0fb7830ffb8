#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Crowds of Python threads that leak and healthy ones.

crowds_python KIND[+KIND...] PLAN [name=number]...; plans and protocol: README.md, "Crowds".
"""

import concurrent.futures
import heapq
import itertools
import math
import os
import queue
import random
import select
import signal
import sys
import threading
import time

TICK_S = 0.1
CHURN_S = 0.1

options = {
    "rate": 120, "size": 200, "period": 120, "churn": 0, "pool": 0,
    "seconds": 0, "stdin": 1, "autogo": 0, "exit_when_done": 0,
}
counts_lock = threading.Lock()
counts = {"arrived": 0, "left": 0}


def count(what):
    with counts_lock:
        counts[what] += 1


class OnEvent:
    def __init__(self):
        self.event = threading.Event()

    def wait_for_event(self):
        self.event.wait()
        self.event.clear()

    park = wait_for_event

    def release(self):
        self.event.set()


class OnQueue:
    def __init__(self):
        self.replies = queue.Queue()

    def wait_for_reply(self):
        self.replies.get()

    park = wait_for_reply

    def release(self):
        self.replies.put(None)


class OnSharedQueue(OnQueue):
    tasks = queue.Queue()

    def __init__(self):
        self.replies = self.tasks


class OnCondition:
    def __init__(self):
        self.changed = threading.Condition()
        self.tokens = 0

    def wait_for_condition(self):
        with self.changed:
            self.changed.wait_for(lambda: self.tokens)
            self.tokens -= 1

    park = wait_for_condition

    def release(self):
        with self.changed:
            self.tokens += 1
            self.changed.notify()


class OnSleep:
    """Ends by the clock, as timers do: it looks every half second whether its time is up."""

    def __init__(self):
        self.over = False

    def sleep_on(self):
        while not self.over:
            time.sleep(0.5)

    park = sleep_on

    def release(self):
        self.over = True


KINDS = {
    "event": OnEvent,
    "queue": OnQueue,
    "shared_queue": OnSharedQueue,
    "condition": OnCondition,
    "sleep": OnSleep,
    "executor": OnEvent,
}


def plans():
    """Of each plan: units that come per second at t, for how long, and whether they work: stay 10
    to 30 s at a time."""
    rate, size, period = options["rate"] / 60, options["size"], options["period"]
    between = random.uniform

    def ever(t):
        return math.inf

    def autoscale(t):  # five steps up in the first half, down again in the second
        at = t % period
        return size / 5 if at < period / 2 and at % (period / 10) < 1 else 0

    return {
        "leak": (lambda t: rate, ever, False),
        "leak_stops": (lambda t: rate if t < period else 0, ever, False),
        "pool": (lambda t: size / 10 if t < 10 else 0, ever, True),
        "fill": (lambda t: rate if t < size / rate else 0, ever, True),
        "idle": (lambda t: rate if t < size / rate else 0, ever, False),
        "ramp": (lambda t: rate * (1 - abs(t % period - period / 2) / (period / 2)),
                 lambda t: between(2, 30), False),
        "autoscale": (autoscale, lambda t: period - 2 * (t % period), True),
        "batch": (lambda t: size / (period / 10) if t % period < period / 10 else 0,
                  lambda t: 0.8 * period - t % period, False),
        "sawtooth": (lambda t: rate, lambda t: period - t % period, False),
        "slower": (lambda t: rate, lambda t: min(0.1 + t / 10, period), False),
        # The new ones are there before the old ones leave.
        "reload": (lambda t: size if t % period < 1 else 0, lambda t: period - t % period + 2,
                   True),
        "bursts": (lambda t: size if t % period < 1 else 0, lambda t: between(2, 6), False),
        "sessions": (lambda t: rate, lambda t: between(0.1, 2) * period, False),
    }


class Crowd:
    def __init__(self, kinds, plan_name):
        self.kinds = kinds
        self.rate, self.life, self.works = plans()[plan_name]
        self.full = options["size"] * 60 / options["rate"] if plan_name == "fill" else 0
        self.turn = 0
        self.due = 0.0
        self.churn_due = 0.0
        self.members = []  # heap of those that will be released some day
        self.order = itertools.count()
        self.executor = None

    def stay(self, unit):
        while True:
            count("arrived")
            unit.park()
            count("left")
            # With a shared object another one than was meant may wake up.
            if unit.last:
                return

    def start(self, kind, t, life, works):
        unit = KINDS[kind]()
        unit.leaves, unit.last = t + life, not works
        due = unit.leaves
        if works:
            due = min(max(t, self.full) + random.uniform(10, 30), unit.leaves)
        if due < math.inf:
            heapq.heappush(self.members, (due, next(self.order), unit))
        if kind == "executor":
            if not self.executor:
                self.executor = concurrent.futures.ThreadPoolExecutor(options["size"])
            self.executor.submit(self.stay, unit)
        else:
            threading.Thread(target=self.stay, args=(unit,), name=kind, daemon=True).start()

    def step(self, t):
        while self.members and self.members[0][0] <= t:
            unit = heapq.heappop(self.members)[2]
            if unit.leaves > t:
                due = min(t + random.uniform(10, 30), unit.leaves)
                heapq.heappush(self.members, (due, next(self.order), unit))
            else:
                unit.last = True
            unit.release()
        self.due += self.rate(t) * TICK_S
        while self.due >= 1:
            self.due -= 1
            kind = self.kinds[self.turn % len(self.kinds)]
            self.start(kind, t, self.life(t), self.works)
            self.turn += 1
        self.churn_due += options["churn"] * TICK_S
        while self.churn_due >= 1:
            self.churn_due -= 1
            self.start(self.kinds[self.turn % len(self.kinds)], t, CHURN_S, False)


def report_counts():
    with counts_lock:
        print(f"stayed={counts['arrived'] - counts['left']} left={counts['left']}", flush=True)


def report():
    print(f"monotonic_ns={time.monotonic_ns()}")
    report_counts()
    print("end", flush=True)


def finish():
    print("final=1")
    report()
    os._exit(0)


def read_command():
    """Unbuffered, so that poll() sees every further line."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return "quit"
        line += byte
    return line.decode("ascii", "replace").strip()


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: crowds_python KIND[+KIND...] PLAN [name=number]...")
    kinds, plan_name = sys.argv[1].split("+"), sys.argv[2]
    for argument in sys.argv[3:]:
        name, _, value = argument.partition("=")
        if name not in options:
            sys.exit(f"unknown argument: {argument}")
        options[name] = int(value)
    if plan_name not in plans() or not all(kind in KINDS for kind in kinds):
        sys.exit(f"unknown kind or plan: {sys.argv[1]} {plan_name}")

    # SIGTERM wakes the poll below through this pipe, so none is lost.
    wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    poll = select.poll()
    poll.register(wake_read, select.POLLIN)
    if options["stdin"]:
        poll.register(0, select.POLLIN)

    random.seed(1)
    threading.stack_size(128 * 1024)
    print(f"pid={os.getpid()}")
    print("ready", flush=True)
    crowd = Crowd(kinds, plan_name)
    start = time.monotonic()
    for _ in range(options["pool"]):
        crowd.start("shared_queue", 0, math.inf, True)
    for tick in itertools.count(1):
        t = tick * TICK_S
        while (left := start + t - time.monotonic()) > 0:
            ready = dict(poll.poll(left * 1000))
            if wake_read in ready:
                finish()
            if 0 in ready:
                command = read_command()
                if command == "quit":
                    finish()
                if command != "report":
                    sys.exit(f"unknown command: {command}")
                report()
        if options["seconds"] and t >= options["seconds"]:
            finish()
        crowd.step(t)
        if tick % 10 == 0:
            report_counts()


main()
