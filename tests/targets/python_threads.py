#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Python threads parked on an Event, a Queue and a Lock; per=N of each. Protocol: README.md."""

import os
import queue
import select
import signal
import sys
import threading
import time

options = {"per": 2, "seconds": 0, "stdin": 1, "autogo": 0, "exit_when_done": 0}
event = threading.Event()
requests = queue.Queue()
lock = threading.Lock()


def say(key, value):
    print(f"{key}={value}", flush=True)


def wait_for_event():
    event.wait()


def wait_for_queue():
    requests.get()


def wait_for_lock():
    with lock:
        pass


def task_file(tid, name):
    with open(f"/proc/self/task/{tid}/{name}", encoding="ascii", errors="replace") as file:
        return file.read()


def wait_parked(thread):
    """Until the thread sleeps in futex(): a lock of CPython is a POSIX semaphore.

    The thread may also sleep in futex() for the interpreter's lock, which this thread gives away
    only in here, so it must be seen asleep while this thread holds it: several times in a row.
    """
    number = "202" if os.uname().machine == "x86_64" else "98"
    seen, last = 0, None
    limit = time.monotonic() + 60
    while seen < 3:
        if time.monotonic() > limit:
            sys.exit(f"thread {thread.name} does not sleep as it should")
        try:
            state = task_file(thread.native_id, "stat").rpartition(")")[2].split()[0]
            call = task_file(thread.native_id, "syscall").split()
            switches = task_file(thread.native_id, "status").split("nonvoluntary")[0]
            switches = switches.rsplit(":", 1)[1].strip()
        except FileNotFoundError:
            sys.exit(f"thread {thread.name} is gone")
        parked = state == "S" and call[0] == number
        now = (call, switches)
        seen = seen + 1 if parked and now == last else 0
        last = now
        time.sleep(0.005)


def report(parked):
    say("monotonic_ns", time.monotonic_ns())
    say("threads", parked)
    print("end", flush=True)


def main():
    for argument in sys.argv[1:]:
        name, _, value = argument.partition("=")
        if name not in options:
            sys.exit(f"unknown argument: {argument}")
        options[name] = int(value)

    # SIGTERM wakes the poll below through this pipe, so none is lost.
    wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    end = time.monotonic() + options["seconds"] if options["seconds"] else None

    say("pid", os.getpid())
    lock.acquire()
    threads = []
    for _ in range(options["per"]):
        for run in (wait_for_event, wait_for_queue, wait_for_lock):
            thread = threading.Thread(target=run, name=run.__name__, daemon=True)
            thread.start()
            wait_parked(thread)
            threads.append(thread)
            print(f"thread={run.__name__} tid={thread.native_id}", flush=True)
    say("threads", len(threads))
    print("ready", flush=True)

    poll = select.poll()
    poll.register(wake_read, select.POLLIN)
    if options["stdin"]:
        poll.register(0, select.POLLIN)
    while True:
        left = None if end is None else max(0, end - time.monotonic()) * 1000
        ready = dict(poll.poll(left))
        if wake_read in ready or (not ready and end is not None and time.monotonic() >= end):
            break
        if 0 not in ready:
            continue
        # Unbuffered, so that poll() sees every further line.
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(0, 1)
            if not byte:
                break
            line += byte
        if line in (b"", b"quit\n"):
            break
        if line == b"report\n":
            report(len(threads))
        elif line not in (b"go\n", b"stop\n"):
            sys.exit(f"unknown command: {line!r}")
    say("final", 1)
    report(len(threads))
    sys.stdout.flush()
    os._exit(0)


main()
