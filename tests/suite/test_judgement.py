#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What counts as found, late, missed and false; and that the table of programs can be read."""

import contextlib
import io
import pathlib
import unittest

from judgement import LEAKS, Change, Program, Row, Score, false_alarms, findings, read_programs


def program(*expected, due=35):
    """One with a row for each expected verdict."""
    made = Program("p")
    for verdict, site in zip(expected, ("main.leak", "main.hole")):
        made.rows.append(Row("p", "go", "goroutine", verdict, "proof", site, "120",
                             due if verdict in LEAKS else None, 95, "crowds_go send leak"))
    return made


def change(at, verdict, frame="main.leak (main.go:1)", site="1", unit="goroutine", stopped=False):
    return Change(at, site, unit, verdict, "steady", stopped, ["do_futex+0x1 [k]", frame], "so")


class TestJudgement(unittest.TestCase):
    def found(self, judged, watched_s=95):
        return [(finding.found, finding.ok) for finding in findings(judged, watched_s)]

    def test_leak_in_time(self):
        leak = program("leaking")
        leak.changes = [change(20, "growing"), change(35, "leaking")]
        self.assertEqual(self.found(leak), [("leaking", True)])
        self.assertEqual(findings(leak, 95)[0].at, 35)
        self.assertEqual(false_alarms(leak), [])

    def test_leak_too_late(self):
        leak = program("leaking")
        leak.changes = [change(36, "leaking")]
        self.assertEqual(self.found(leak), [("late", False)])

    def test_leak_taken_back(self):
        leak = program("leaking")
        leak.changes = [change(28, "leaking"), change(60, "growing")]
        self.assertEqual(self.found(leak), [("growing again at 60 s", False)])

    def test_leak_that_stops(self):
        for expected, verdict, ok in (("stops", "stopped", True), ("leaking", "stopped", False)):
            leak = program(expected)
            leak.changes = [change(28, "leaking"), change(90, "growing", stopped=True)]
            self.assertEqual(self.found(leak), [("leaking" if ok else verdict, ok)])
        leak = program("stops")
        leak.changes = [change(28, "leaking")]
        self.assertEqual(self.found(leak), [("goes on", False)])
        self.assertEqual(self.found(leak, 60), [("leaking", True)])

    def test_leak_never_found(self):
        self.assertEqual(self.found(program("leaking")), [("steady", False)])

    def test_leak_not_due(self):
        leak = program("leaking", due=780)
        leak.changes = [change(40, "growing")]
        self.assertEqual(self.found(leak, 100), [("growing", True)])
        self.assertFalse(findings(leak, 100)[0].due)

    def test_leak_at_another_site(self):
        leak = program("leaking")
        leak.changes = [change(28, "leaking", frame="main.other (main.go:9)"),
                        change(28, "leaking", unit="thread", site="2")]
        self.assertEqual(self.found(leak), [("steady", False)])
        self.assertEqual([alarm.site for alarm in false_alarms(leak)], ["1", "2"])

    def test_two_leaks(self):
        leak = program("leaking", "leaking")
        leak.changes = [change(28, "leaking", frame="main.hole (main.go:5)", site="2")]
        self.assertEqual(self.found(leak), [("steady", False), ("leaking", True)])
        self.assertEqual(false_alarms(leak), [])

    def test_undecidable(self):
        for changes, found, ok in (
                ([], "not leaking", True),
                ([change(28, "leaking"), change(90, "steady")], "leaking, taken back", True),
                ([change(28, "leaking")], "leaking, still", False),
                ([change(28, "leaking"), change(60, "steady"), change(70, "leaking"),
                  change(80, "steady")], "leaking, taken back", False)):
            late = program("undecidable")
            late.changes = changes
            self.assertEqual(self.found(late), [(found, ok)])
            self.assertEqual(false_alarms(late), [])
            self.assertTrue(findings(late, 60)[0].ok)

    def test_healthy(self):
        for expected, verdict, ok in (("steady", "steady", True), ("steady", "growing", False),
                                      ("growing-or-steady", "growing", True)):
            healthy = program(expected)
            healthy.changes = [change(20, "growing"), change(60, verdict)]
            self.assertEqual(self.found(healthy), [(verdict, ok)])
            self.assertEqual(false_alarms(healthy), [])
        warming_up = program("steady")
        warming_up.changes = [change(20, "growing")]
        self.assertEqual(self.found(warming_up, 60), [("growing", True)])

    def test_false_alarm_counts_once_for_each_site(self):
        healthy = program("growing-or-steady")
        healthy.changes = [change(20, "leaking"), change(60, "steady"), change(90, "leaking")]
        self.assertEqual([alarm.at for alarm in false_alarms(healthy)], [20])

    def test_score(self):
        score = Score()
        leak, missed, alarm = (program("leaking"), program("leaking"),
                               program("growing-or-steady"))
        leak.changes = [change(28, "leaking")]
        alarm.changes = [change(40, "leaking")]
        with contextlib.redirect_stdout(io.StringIO()):
            for judged in (leak, missed, alarm):
                score.add(judged, 95)
            score.add(program("leaking", due=780), 95)
            late = program("undecidable")
            late.changes = [change(28, "leaking"), change(60, "steady")]
            score.add(late, 95)
        self.assertEqual(score.failed, 2)
        self.assertEqual(list(score.summary()),
                         ["leaks found 1, missed 1, not due 1, false alarms 1, undecidable 1",
                          "precision 0.500, recall 0.500",
                          "proof at 120/min: 1 found after 28 to 28 s"])


class TestPrograms(unittest.TestCase):
    def test_table(self):
        programs = read_programs(pathlib.Path(__file__).parent / "programs").values()
        leaking = [p for p in programs if p.leaks]
        self.assertGreaterEqual(len(leaking), 20)
        self.assertGreaterEqual(len(programs) - len(leaking), 30)
        for row in (row for p in programs for row in p.rows):
            self.assertIn(row.unit, ("thread", "goroutine"))
            self.assertIn(row.klass, ("proof", "untimed", "never"))
            if row.expected in LEAKS:
                self.assertLess(row.due, row.run)


unittest.main()
