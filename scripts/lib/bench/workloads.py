# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is traced by bench-overhead. Each says what an operation costs right now."""

import os
import re
import select
import shutil
import statistics
import subprocess
import tempfile
import time

from bench.programs import BenchError, Target, end, target, wait_until
from bench.tools import BPFTRACE, BYSTANDER, EXACT, NULL, OFFCPUTIME, PARKSCOPE, PERF

PEERS = [OFFCPUTIME, BPFTRACE]


class Workload:
    """A program that runs all the time; a cost is the median of some short windows."""

    name = title = about = unit = ""
    command = []
    counter = ""  # of operations, in the program's report
    windows = 5
    window_s = 0.2
    warm_up_s = 0.5
    goes = True  # whether it begins by "go"
    rounds = 5
    form = "{:.0f}"
    relative = True  # whether what is added means something as a part of the whole
    traced_by = [PARKSCOPE, *PEERS]
    ratios = []  # (configuration, another, what it is called, at most): of what they add
    losses = []  # (configuration, what it is called, at most): added, in percent

    def __init__(self):
        self.target = Target(*self.command)

    def __enter__(self):
        if self.goes:
            self.target.tell("go")
        time.sleep(self.warm_up_s)
        return self

    def __exit__(self, *ignored):
        self.target.__exit__()

    def cost(self):
        costs = []
        before = self.target.report()
        for _ in range(3 * self.windows):
            time.sleep(self.window_s)
            after = self.target.report()
            moved = {key: after[key] - before[key] for key in before}
            before = after
            if self.is_valid(moved):
                costs.append(self.window_cost(moved))
            if len(costs) == self.windows:
                return statistics.median(costs)
        raise BenchError(f"{self.name} is not what it should be, too often: is the host busy?")

    def is_valid(self, moved):
        """Whether the window has what it is meant to have."""
        return True

    def window_cost(self, moved):
        """From how far the counters have moved: by default ns per operation."""
        if not moved[self.counter]:
            raise BenchError(f"{self.name} does nothing")
        return moved["monotonic_ns"] / moved[self.counter]


class PingPong(Workload):
    name = "pingpong"
    title = "Futex ping-pong"
    about = ("Two threads on one CPU wake each other. Both waits of a round trip block, 25 frames deep "
             "(SCHED_BATCH, or the one that is woken would run at once, and hardly a wait would block).")
    unit = "ns a round trip"
    counter = "rounds"
    command = ["taskset", "-c", "0", "chrt", "-b", "0", target("futex_pingpong"), "rounds=0", "frames=25"]
    traced_by = [NULL, PARKSCOPE, BYSTANDER, EXACT, *PEERS, PERF]
    rounds = 6
    ratios = [
        (PARKSCOPE, OFFCPUTIME, "ping-pong, added cost: parkscope ÷ offcputime", 0.12),
        (PARKSCOPE, BPFTRACE, "ping-pong, added cost: parkscope ÷ bpftrace with ustack", 0.15),
        (BYSTANDER, NULL, "ping-pong of a bystander, added cost: parkscope -p ÷ null program", 1.5),
        (EXACT, OFFCPUTIME, "ping-pong, 25 frames, added cost: parkscope --exact ÷ offcputime", 1.0),
    ]

    def is_valid(self, moved):
        # When others use the CPU, too, one may find the answer there, and not wait.
        return moved["waits"] >= 1.9 * moved["rounds"]


class Mutex(Workload):
    name = "mutex"
    title = "Contended mutex"
    about = "Four threads fight for one mutex, which each holds for 1 µs."
    unit = "ns a turn"
    counter = "acquired"
    command = [target("mutex_contention"), "free=1", "threads=4"]
    goes = False
    traced_by = [NULL, PARKSCOPE, *PEERS]


class Births(Workload):
    name = "births"
    title = "Thread create and join storm"
    about = "Batches of 8 threads are started and joined, as fast as it goes."
    unit = "ns a thread"
    counter = "created"
    command = [target("churn")]


class SystemCalls(Workload):
    name = "syscalls"
    title = "Loop of system calls that do nothing"
    about = "`getppid`, the least of ten batches of 300,000: what a tracer costs those who never wait."
    unit = "ns a call"
    form = "{:.1f}"
    command = [target("getppid_loop"), "calls=300000"]
    traced_by = [NULL, PARKSCOPE, *PEERS]
    losses = [(PARKSCOPE, "loop of system calls: what parkscope adds (1 % is noise)", 1.0)]
    goes = False

    def cost(self):
        self.target.tell("go")
        self.target.await_line("done=1")
        return self.target.report()["ns_per_call"]


class CpuTaken(Workload):
    """What a program and its tracer take of the CPUs, by what is left of them."""

    unit = "% of one CPU"
    form = "{:.1f}"
    relative = False
    windows = 3
    window_s = 1

    def __init__(self):
        super().__init__()
        self.spare = Target(target("spare_cpu"))

    def __exit__(self, *ignored):
        self.spare.__exit__()
        super().__exit__()

    def __enter__(self):
        super().__enter__()
        # How fast the machine is when nobody traces; the same for all that follows.
        time.sleep(1)
        before = self.spare.report()
        time.sleep(3)
        after = self.spare.report()
        self.loops_per_ns = (after["loops"] - before["loops"]) / (after["cpu_ns"] - before["cpu_ns"])
        return self

    def cost(self):
        self.target, workload = self.spare, self.target
        try:
            return super().cost()
        finally:
            self.target = workload

    def window_cost(self, moved):
        cpus = self.spare.report()["cpus"]
        return 100 * (cpus - moved["loops"] / self.loops_per_ns / moved["monotonic_ns"])


class TimedWaits(CpuTaken):
    name = "waits"
    title = "200 threads that wait 10 ms at a time"
    about = "`pthread_cond_timedwait` that times out, 25 frames deep: 20,000 waits a second."
    command = [target("timed_waits"), "threads=200", "ms=10", "count=0", "frames=25"]
    traced_by = [PARKSCOPE, EXACT, *PEERS]
    rounds = 4


class Jvm(Workload):
    name = "jvm"
    title = "JVM"
    about = ("8 clients hand requests to 8 workers through a queue; an answer is a digest of 64 KiB. Both "
             "CPUs are busy: whatever a tool takes, in the kernel or beside, is missing here.")
    unit = "µs a request"
    form = "{:.1f}"
    counter = "requests"
    command = [target("java_requests"), "kib=64"]
    goes = False
    windows = 7
    window_s = 0.5
    rounds = 7
    warm_up_s = 5  # until what matters is compiled
    losses = [(PARKSCOPE, "JVM: throughput lost", 1.0)]

    def window_cost(self, moved):
        return super().window_cost(moved) / 1000


class JvmHandOver(Jvm):
    name = "jvm_handover"
    title = "JVM that does little but hand over"
    about = "The same with answers of 4 KiB, so that threads wait more than 100,000 times a second."
    command = [target("java_requests"), "kib=4"]
    losses = [(PARKSCOPE, "JVM that does little but hand over: throughput lost", 1.0)]


class Http(Workload):
    name = "http"
    title = "HTTP service in Go with 10,000 parked goroutines"
    about = "Requests by wrk over 8 connections that stay; each waits for one of 8 workers."
    unit = "ns a request"
    counter = "requests"
    command = [target("parked_goroutines"), "n=10000"]
    goes = False
    windows = 7
    window_s = 0.5
    rounds = 7
    warm_up_s = 2
    losses = [(PARKSCOPE, "HTTP service in Go: throughput lost", 1.0)]

    def __enter__(self):
        self.target.tell("serve")
        url = self.target.read().removeprefix("url=")
        self.load = subprocess.Popen(
            ["wrk", "-t", "1", "-c", "8", "-d", "86400s", url + "?order=1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return super().__enter__()

    def __exit__(self, *ignored):
        end(self.load)
        super().__exit__()


class MariaDb(Workload):
    name = "mariadb"
    title = "MariaDB"
    about = "sysbench oltp_read_write, 8 connections, 4 tables of 10,000 rows in memory. Both CPUs are busy."
    unit = "µs a transaction"
    rounds = 8
    windows = 4  # of a second: sysbench says no more often how fast it is
    warm_up_s = 10
    losses = [(PARKSCOPE, "MariaDB: throughput lost", 1.0)]

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="parkscope-bench.", dir="/dev/shm")
        self.server = self.load = None

    def sysbench(self, *arguments):
        return ["sysbench", "oltp_read_write", f"--mysql-socket={self.folder}/socket", "--mysql-user=root",
                "--mysql-db=mysql", "--tables=4", "--table-size=10000", "--threads=8", *arguments]

    def __enter__(self):
        # Not as root, or the server refuses.
        shutil.chown(self.folder, "nobody")
        as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*as_nobody, "mariadb-install-db", "--no-defaults", "--skip-test-db",
                        "--auth-root-authentication-method=normal", f"--datadir={self.folder}/data"],
                       check=True, **quiet)
        self.server = subprocess.Popen(
            [*as_nobody, "mariadbd", "--no-defaults", f"--datadir={self.folder}/data", "--skip-networking",
             f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid",
             "--innodb-buffer-pool-size=256M", "--innodb-flush-log-at-trx-commit=0"], **quiet)
        wait_until(lambda: os.path.exists(f"{self.folder}/socket"), "MariaDB serves")
        subprocess.run(self.sysbench("prepare"), check=True, **quiet)
        self.load = subprocess.Popen(
            self.sysbench("--time=0", "--report-interval=1", "run"), stdout=subprocess.PIPE, bufsize=0)
        time.sleep(self.warm_up_s)
        return self

    def __exit__(self, *ignored):
        for process in (self.load, self.server):
            if process:
                end(process)
        shutil.rmtree(self.folder)

    def next_rate(self):
        line = self.load.stdout.readline().decode()
        if not line:
            raise BenchError("sysbench ended")
        found = re.search(r" tps: ([0-9.]+) ", line)
        return float(found[1]) if found else self.next_rate()

    def cost(self):
        # What is in the pipe is of before. So may be the first second that ends from now on.
        while select.select([self.load.stdout], [], [], 0)[0] and os.read(self.load.stdout.fileno(), 4096):
            pass
        self.next_rate()
        return 1e6 / statistics.median(self.next_rate() for _ in range(self.windows))


SUBJECTS = {subject.name: subject for subject in (
    PingPong, TimedWaits, Mutex, Births, SystemCalls, Jvm, JvmHandOver, MariaDb, Http)}
