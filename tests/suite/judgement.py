# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the suite expects of each program, and what was said of it."""

import collections
import datetime
import pathlib

Row = collections.namedtuple("Row", "name language unit expected klass site rate due run command")
# A change of verdict: seconds since parkscope began to watch, site id, its frames.
Change = collections.namedtuple("Change", "at site unit verdict was stopped frames message")
LEAKS = ("leaking", "stops")
EXPECTED = ("steady", "growing-or-steady", "undecidable", *LEAKS)


class Program:
    """Rows of one name."""

    def __init__(self, name):
        self.name = name
        self.rows = []
        self.changes = []

    @property
    def command(self):
        return self.rows[0].command

    @property
    def run_s(self):
        return self.rows[0].run

    @property
    def leaks(self):
        return self.rows[0].expected in LEAKS


def read_programs(path):
    programs = {}
    for line in pathlib.Path(path).read_text(encoding="ascii").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        row = Row(*line.split(maxsplit=len(Row._fields) - 1))
        if row.expected not in EXPECTED:
            raise ValueError(f"{path}: {row.name}: unknown verdict {row.expected}")
        row = row._replace(due=int(row.due) if row.expected in LEAKS else None,
                           run=int(row.run))
        program = programs.setdefault(row.name, Program(row.name))
        program.rows.append(row)
        if row.command != program.command or row.run != program.run_s:
            raise ValueError(f"{path}: {row.name}: two commands under one name")
    return programs


def seconds_of(record):
    return datetime.datetime.fromisoformat(record["@timestamp"]).timestamp()


def change_of(record, start_s):
    parkscope = record["parkscope"]
    # The verdict on a whole process has no site.
    return Change(seconds_of(record) - start_s, parkscope.get("site", parkscope["kind"]),
                  parkscope["unit"], parkscope["verdict"], parkscope["was"],
                  parkscope["stopped"], parkscope.get("stack", []), parkscope["message"])


def is_at(row, change):
    return row.unit == change.unit and any(row.site in frame for frame in change.frames)


Finding = collections.namedtuple("Finding", "row found at ok due")


def judge_leak(row, changes, watched_s):
    """The first verdict `leaking` at its site must come in time, and stay as long as it leaks."""
    due = row.due <= watched_s
    first = next((c for c in changes if c.verdict == "leaking" and is_at(row, c)), None)
    if not first:
        last = [c.verdict for c in changes if is_at(row, c)]
        return Finding(row, last[-1] if last else "steady", None, not due, due)
    later = [c for c in changes if c.site == first.site and c.at > first.at]
    cleared = next((c for c in later if c.verdict != "leaking" and not c.stopped), None)
    if cleared:
        return Finding(row, f"{cleared.verdict} again at {cleared.at:.0f} s", first.at, False, due)
    stopped = any(c.stopped for c in later)
    if stopped != (row.expected == "stops") and watched_s >= row.run:
        return Finding(row, "stopped" if stopped else "goes on", first.at, False, due)
    return Finding(row, "leaking" if first.at <= row.due else "late", first.at,
                   first.at <= row.due, due)


def judge_healthy(row, program, watched_s):
    at_end = {change.site: change.verdict for change in program.changes}
    found = "growing" if "growing" in at_end.values() else "steady"
    # While it warms up it may grow.
    ok = row.expected != "steady" or found == "steady" or watched_s < row.run
    return Finding(row, found, None, ok, True)


def judge_undecidable(row, program, watched_s):
    """It may be called a leak until its units leave, but only once, and then not any more."""
    alarms = [c for c in program.changes if c.verdict == "leaking" and is_at(row, c)]
    at_end = {c.site: c for c in program.changes if is_at(row, c)}
    still = any(c.verdict == "leaking" for c in at_end.values())
    ok = watched_s < row.run or (not still and len(alarms) <= 1)
    found = f"leaking, {'still' if still else 'taken back'}" if alarms else "not leaking"
    return Finding(row, found, alarms[0].at if alarms else None, ok, True)


def false_alarms(program):
    """Sites that are called a leak and are none; one change each."""
    if program.rows[0].expected == "undecidable":
        return []
    rows = [row for row in program.rows if row.expected in LEAKS]
    alarms = {}
    for change in program.changes:
        if change.verdict == "leaking" and not any(is_at(row, change) for row in rows):
            alarms.setdefault(change.site, change)
    return list(alarms.values())


def findings(program, watched_s):
    if program.leaks:
        return [judge_leak(row, program.changes, watched_s) for row in program.rows]
    if program.rows[0].expected == "undecidable":
        return [judge_undecidable(row, program, watched_s) for row in program.rows]
    return [judge_healthy(row, program, watched_s) for row in program.rows]


def leaf_of(frames):
    return next((frame for frame in frames if not frame.endswith("[k]")), "?")


class Score:
    """Of all programs that were judged."""

    def __init__(self):
        self.found = self.missed = self.alarms = self.not_due = self.failed = 0
        self.undecidable = 0
        self.delays = collections.defaultdict(list)

    def add(self, program, watched_s):
        """Prints what was found; the lines of the table."""
        for finding in findings(program, watched_s):
            row, mark = finding.row, "ok"
            if not finding.due and finding.ok and finding.at is None:
                self.not_due += 1
                mark = "not due"
            elif not finding.ok:
                self.failed += 1
                mark = "WRONG"
            if row.expected in LEAKS and mark != "not due":
                self.found += finding.ok
                self.missed += not finding.ok
                if finding.ok:
                    self.delays[row.klass, row.rate].append(finding.at)
            self.undecidable += row.expected == "undecidable" and finding.at is not None
            when = "-" if finding.at is None else f"{finding.at:.0f} s"
            print(f"{mark:7} {row.name:22} {row.expected:17} {finding.found:17} {when:>7} "
                  f"{row.site}", flush=True)
        for alarm in false_alarms(program):
            self.alarms += 1
            self.failed += 1
            print(f"WRONG   {program.name:22} {'':17} {'leaking':17} {alarm.at:5.0f} s "
                  f"{leaf_of(alarm.frames)}: {alarm.message}", flush=True)

    def summary(self):
        yield (f"leaks found {self.found}, missed {self.missed}, not due {self.not_due}, "
               f"false alarms {self.alarms}, undecidable {self.undecidable}")
        claimed, real = self.found + self.alarms, self.found + self.missed
        yield (f"precision {self.found / claimed:.3f}" if claimed else "precision -") + \
            (f", recall {self.found / real:.3f}" if real else ", recall -")
        for (klass, rate), delays in sorted(self.delays.items()):
            yield (f"{klass} at {rate}/min: {len(delays)} found after {min(delays):.0f} "
                   f"to {max(delays):.0f} s")
