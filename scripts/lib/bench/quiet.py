# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whether somebody else uses the CPUs while we measure, and waiting until nobody does."""

import os
import time

from bench.programs import say

# Of one CPU. What is left of compilers and the like beside it changes caches more than time.
OTHERS_MOST = 0.1
LOOK_S = 1
# After that it is measured as it is, and said.
PATIENCE_S = 600
KTHREADD = 2

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_disturbed = 0


def _processes():
    """PID: (parent, CPU time in ticks, with that of children it has waited for)."""
    processes = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        processes[int(name)] = int(fields[1]), sum(map(int, fields[11:15]))
    return processes


def _others(processes):
    """CPU time of processes that are neither ours nor the kernel's."""
    ours = {os.getpid(), KTHREADD}
    kin = dict(processes)
    while True:
        found = [pid for pid, (parent, _) in kin.items() if parent in ours or pid in ours]
        if not found:
            return {pid: ticks for pid, (_, ticks) in kin.items()}
        ours.update(found)
        for pid in found:
            del kin[pid]


class Others:
    """What others take, from when it was made."""

    def __init__(self):
        self.begin = time.monotonic()
        self.before = _others(_processes())

    def share(self):
        """In CPUs. Of those that end, their parents keep the time."""
        used = sum(ticks - self.before.get(pid, 0) for pid, ticks in _others(_processes()).items())
        return used / _TICKS_PER_S / (time.monotonic() - self.begin)


def wait():
    """Until others leave the CPUs alone; False when patience ends before."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        others = Others()
        time.sleep(LOOK_S)
        if others.share() <= OTHERS_MOST:
            return True
    return False


def measured(measure):
    """measure()'s value from a time at which nobody else used the CPUs."""
    global _disturbed
    while True:
        others = Others()
        value = measure()
        share = others.share()
        if share <= OTHERS_MOST:
            return value
        say(f"others took {100 * share:.0f} % of a CPU: waiting for a quiet time")
        if not wait():
            _disturbed += 1
            return measure()


def disturbed():
    """How many measurements were beside others, since the last call."""
    global _disturbed
    count, _disturbed = _disturbed, 0
    return count
