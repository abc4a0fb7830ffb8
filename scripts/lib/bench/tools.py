# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The tools that are compared, and the hooks that each of them uses."""

import json
import os
import subprocess

from bench import programs

# As the tables print them.
NULL = "null sched_switch program"
PARKSCOPE = "parkscope"
BYSTANDER = "parkscope -p another process"
EXACT = "parkscope --exact"
OFFCPUTIME = "offcputime"
BPFTRACE = "bpftrace, futex with ustack"
PERF = "perf record, sched_switch with stacks"

# Until parkscope has adapted its sampling: more than one default interval.
WARM_UP_OURS_S = 6
WARM_UP_S = 1

BPFTRACE_FUTEX = """
tracepoint:syscalls:sys_enter_futex /(args->op & 127) == 0 || (args->op & 127) == 9/ {
	@since[tid] = nsecs;
}
tracepoint:syscalls:sys_exit_futex /@since[tid]/ {
	@blocked_ns[comm, ustack] = sum(nsecs - @since[tid]);
	delete(@since[tid]);
}
"""


class Configuration:
    def __init__(self, name, command, warm_up_s=WARM_UP_S):
        self.name = name
        self.command = command
        self.warm_up_s = warm_up_s


def configurations(other_pid):
    """By the name that the tables print."""
    ours = programs.PARKSCOPE
    known = [
        Configuration(NULL, [programs.NULL_SWITCH]),
        Configuration(PARKSCOPE, [ours], WARM_UP_OURS_S),
        Configuration(BYSTANDER, [ours, "-p", str(other_pid)]),
        Configuration(EXACT, [ours, "--exact"]),
        Configuration(OFFCPUTIME, ["offcputime"]),
        Configuration(BPFTRACE, ["bpftrace", "-e", BPFTRACE_FUTEX]),
        Configuration(PERF, ["perf", "record", "-q", "-a", "-g", "-e", "sched:sched_switch",
                                       "-o", "/dev/null"]),
    ]
    return {configuration.name: configuration for configuration in known}


def bpftool(what):
    text = subprocess.run(["bpftool", "-j", what, "show"], capture_output=True, text=True, check=True)
    return json.loads(text.stdout)


def links():
    """Where BPF links attach programs, by id."""
    return {link["id"]: f"{link['type']} {link.get('tp_name') or link.get('target_name') or ''}".strip()
            for link in bpftool("link")}


def hooks_in_use():
    """Rows: each tool and what it attaches, as bpftool sees it while the tool runs."""
    before = links()
    for name, tool in configurations(os.getpid()).items():
        with programs.Tool(tool.command, 0) as running:
            hooks = [where for link, where in links().items() if link not in before]
            # A link of a perf event does not say of which; and raw tracepoints are in both lists.
            hooks = [hook for hook in hooks if hook != "perf_event"]
            hooks += [f"{event['fd_type']} {event['tracepoint']}" for event in bpftool("perf")
                      if event["pid"] == running.process.pid and event["fd_type"] == "tracepoint"]
        yield [name, ", ".join(hooks) if hooks else "no BPF: perf events"]
