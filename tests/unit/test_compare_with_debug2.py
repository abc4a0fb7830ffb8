#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""tests/e2e/compare-with-debug2 must say yes to what is the same and no to everything else."""
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "e2e" / "compare-with-debug2"
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("compare_with_debug2", str(SCRIPT))
compare = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
loader.exec_module(compare)

# What Go 1.24 writes, shortened.
OWN = """\
goroutine 9 [running]:
runtime/pprof.writeGoroutineStacks({0x5c7a40, 0xc000012018})
\t/go/src/runtime/pprof/pprof.go:772 +0x66
main.writeStacks({0xc00001a0f7, 0x9})
\t/src/protocol.go:129 +0x105
created by main.serve in goroutine 1
\t/src/protocol.go:181 +0x4f1

goroutine 1 [select]:
main.serve(0x56fa30, 0x56fa38)
\t/src/protocol.go:168 +0x3b3
main.main(...)
\t/src/main.go:51

goroutine 18 [chan send, 3 minutes]:
main.(*box[...]).put(0xc000014090, {0x0, 0x1})
\t/src/generics.go:32 +0x25
created by main.init.2.func3 in goroutine 1
\t/src/generics.go:14 +0x5e

goroutine 19 [chan send]:
main.(*box[...]).put(0xc0000140a0, {0x0, 0x1})
\t/src/generics.go:32 +0x25
created by main.init.2.func3 in goroutine 1
\t/src/generics.go:14 +0x5e

goroutine 20 [chan receive, locked to thread]:
main.waitLocked(0x0?)
\t/src/waits.go:318 +0x25
created by main.init.0.func27 in goroutine 18
\t/src/waits.go:51 +0x5e
"""

# The same by parkscope: other order, no arguments, offsets or minutes.
OURS = """\
goroutine 20 [chan receive, locked to thread]:
main.waitLocked(...)
\t/src/waits.go:318
created by main.init.0.func27 in goroutine 18
\t/src/waits.go:51

goroutine 1 [select]:
main.serve(...)
\t/src/protocol.go:168
main.main(...)
\t/src/main.go:51

goroutine 18 [chan send, 2 minutes]:
main.(*box[...]).put(...)
\t/src/generics.go:32
created by main.init.2.func3 in goroutine 1
\t/src/generics.go:14

goroutine 19 [chan send]:
main.(*box[...]).put(...)
\t/src/generics.go:32
created by main.init.2.func3 in goroutine 1
\t/src/generics.go:14
"""


def deep(count, elided=""):
    frame = "main.recurse(...)\n\t/src/shapes.go:197\n"
    return f"goroutine 5 [chan receive]:\n{frame * count}{elided}created by main.init\n\t/src/shapes.go:40\n"


class Differences(unittest.TestCase):
    def differences(self, ours, own):
        return compare.differences(compare.parse(ours), compare.parse(own))

    def assert_differs(self, old, new, *said):
        self.assertIn(old, OURS)
        found = self.differences(OURS.replace(old, new, 1), OWN)
        self.assertEqual(len(found), 1, found)
        for words in said:
            self.assertIn(words, found[0])

    def test_same(self):
        self.assertEqual(self.differences(OURS, OWN), [])
        self.assertEqual(self.differences(OWN, OWN), [])

    def test_number_of_goroutines_compared(self):
        self.assertEqual(len(compare.parse(OWN)), 4)

    def test_count(self):
        block = OURS[OURS.index("goroutine 19"):]
        found = self.differences(OURS.replace(block, ""), OWN)
        self.assertEqual(len(found), 1)
        self.assertIn("parkscope has 1, the program 2", found[0])

    def test_missing_group(self):
        block = OURS[:OURS.index("goroutine 1 ")]
        found = self.differences(OURS.replace(block, ""), OWN)
        self.assertEqual(len(found), 1)
        self.assertIn("parkscope has none of 1", found[0])
        self.assertIn("main.waitLocked  /src/waits.go:318", found[0])

    def test_surplus_group(self):
        more = "\ngoroutine 77 [sleep]:\ntime.Sleep(...)\n\t/go/src/runtime/time.go:195\n"
        found = self.differences(OURS + more, OWN)
        self.assertEqual(len(found), 1)
        self.assertIn("parkscope has 1 that the program has not", found[0])

    def test_state(self):
        self.assert_differs("[select]", "[select (no cases)]", "[select]", "[select (no cases)]")

    def test_locked(self):
        self.assert_differs(", locked to thread", "", "locked to thread")

    def test_function(self):
        self.assert_differs("main.waitLocked(", "main.waitFree(", "main.waitLocked", "main.waitFree")

    def test_file(self):
        self.assert_differs("/src/waits.go:318", "/src/shapes.go:318", "/src/shapes.go:318")

    def test_line(self):
        self.assert_differs("/src/waits.go:318", "/src/waits.go:317", "/src/waits.go:317")

    def test_lost_inlined_frame(self):
        self.assert_differs("main.main(...)\n\t/src/main.go:51\n", "", "main.main")

    def test_order_of_frames(self):
        self.assert_differs("main.serve(...)\n\t/src/protocol.go:168\nmain.main(...)\n\t/src/main.go:51\n",
                            "main.main(...)\n\t/src/main.go:51\nmain.serve(...)\n\t/src/protocol.go:168\n")

    def test_creator(self):
        self.assert_differs("created by main.init.0.func27", "created by main.init.0.func28", "func27", "func28")

    def test_line_of_creator(self):
        self.assert_differs("/src/waits.go:51", "/src/waits.go:52", "/src/waits.go:52")

    def test_missing_creator(self):
        self.assert_differs("created by main.init.0.func27 in goroutine 18\n\t/src/waits.go:51\n", "", "func27")

    def test_parent(self):
        self.assert_differs("func27 in goroutine 18", "func27 in goroutine 1", "parents 1 instead of 18")

    def test_parents_where_one_side_has_none(self):
        without = "\n".join(line.split(" in goroutine")[0] for line in OURS.split("\n"))
        self.assertEqual(self.differences(without, OWN), [])

    def test_minutes(self):
        self.assert_differs("2 minutes", "9 minutes", "minutes [0, 9] instead of [0, 3]")

    def test_unavailable_stack_is_a_difference(self):
        self.assert_differs("main.waitLocked(...)\n\t/src/waits.go:318\n", compare.UNAVAILABLE + "\n",
                            "stack unavailable")

    def test_long_stacks(self):
        self.assertEqual(self.differences(deep(128), deep(50, "...100 frames elided...\n")), [])
        self.assertEqual(self.differences(deep(203), deep(97)), [])
        self.assertNotEqual(self.differences(deep(203), deep(60)), [])
        self.assertNotEqual(self.differences(deep(89), deep(90)), [])

    def test_arguments(self):
        for call, function in (("main.f(0x1, {0x2, (0x3)})", "main.f"), ("main.f(...)", "main.f"),
                               ("main.(*T).f(...)", "main.(*T).f"), ("main.f()", "main.f"),
                               ("panic({0x1?, 0x2?})", "panic"),
                               ("main.g[go.shape.struct { F func(int) }](0x1)",
                                "main.g[go.shape.struct { F func(int) }]")):
            self.assertEqual(compare.without_arguments(call), function)

    def test_what_is_not_in_the_format(self):
        for text in ("nonsense\n", OWN + "\nmore\n", OWN.replace("\t/src/main.go:51", "main.go"),
                     OWN.replace("main.main(...)", "main.main"), OWN.replace("main.main(...)", "(...)"),
                     OWN.replace("main.main(...)", "main.main...)"), OWN + "\n" + OWN,
                     OWN.replace("goroutine 1 [select]", "goroutine 1 select")):
            with self.assertRaises(compare.NotDebug2):
                compare.parse(text)


class Program(unittest.TestCase):
    def run_on(self, ours, own):
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder, name) for name in ("ours", "own")]
            for path, text in zip(paths, (ours, own)):
                path.write_text(text, encoding="utf-8")
            return subprocess.run([SCRIPT, *paths], capture_output=True, text=True, check=False)

    def test_exit_status(self):
        same = self.run_on(OURS, OWN)
        self.assertEqual(same.returncode, 0)
        self.assertEqual(same.stdout, "4 goroutines against 4 in 3 groups, 0 differences\n")
        differs = self.run_on(OURS.replace("[select]", "[sleep]"), OWN)
        self.assertEqual(differs.returncode, 1)
        self.assertIn("1 differences", differs.stdout)
        # Nothing compared is no success.
        self.assertEqual(self.run_on("", "").returncode, 1)
        self.assertEqual(self.run_on("nonsense", OWN).returncode, 2)
        self.assertEqual(subprocess.run([SCRIPT], capture_output=True, check=False).returncode, 2)


unittest.main()
