# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whether somebody else uses the CPUs while we measure, and waiting until nobody does."""

import os
import time

from bench.programs import hooks, say

# Of one CPU. What is left of compilers and the like beside it changes caches more than time.
OTHERS_MOST = 0.1
LOOK_S = 1
# In all of one run; after that all is measured as it is, and that is said.
PATIENCE_S = 180
KTHREADD = 2

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_disturbed = 0
_patience_s = PATIENCE_S


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
    """What others do, from when it was made."""

    def __init__(self):
        self.begin = time.monotonic()
        self.before = _others(_processes())
        self.traced = _trace(self.before)

    def disturb(self):
        """What they do that disturbs, in words, or nothing."""
        after = _others(_processes())
        # Those that have ended are in the time of their parents.
        used = sum(after.values()) - sum(self.before.values())
        share = used / _TICKS_PER_S / (time.monotonic() - self.begin)
        if share > OTHERS_MOST:
            return f"others take {100 * share:.0f} % of a CPU"
        if self.traced or _trace(after):
            return "others trace"
        return ""


def _trace(pids):
    """Whether any of them has programs or events attached."""
    for pid in pids:
        try:
            if hooks(pid):
                return True
        except FileNotFoundError:
            continue
    return False


def _wait():
    """Until others leave the host alone, or patience ends."""
    global _patience_s
    quiet = False
    while not quiet and _patience_s > 0:
        others = Others()
        time.sleep(LOOK_S)
        _patience_s -= LOOK_S
        quiet = not others.disturb()


def measured(measure):
    """measure()'s value from a time at which nobody else used the CPUs or traced."""
    global _disturbed
    while True:
        others = Others()
        value = measure()
        disturbance = others.disturb()
        if not disturbance:
            return value
        if _patience_s <= 0:
            _disturbed += 1
            return value
        say(f"{disturbance}: waiting for a quiet time")
        _wait()


def disturbed():
    """How many measurements were beside others, since the last call."""
    global _disturbed
    count, _disturbed = _disturbed, 0
    return count
