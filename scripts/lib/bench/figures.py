# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Medians and quartiles, and how the report prints them (Markdown)."""

import json
import os
import random
import statistics


class Figure:
    """The median of values, and their quartiles."""

    def __init__(self, values):
        self.values = list(values)
        self.median = statistics.median(self.values)
        if len(self.values) > 1:
            self.low, _, self.high = statistics.quantiles(self.values, n=4, method="inclusive")
        else:
            self.low = self.high = self.median

    def text(self, form="{:.2f}", unit=""):
        return (f"{form.format(self.median)}{unit} ({form.format(self.low)} to "
                f"{form.format(self.high)})")


def ratio(ours, theirs, samples=2000):
    """
    Of two medians, with what chance makes of it (bootstrap: of rounds that are drawn again and
    again). A ratio in each round would say more of noise where what is divided by is small.
    """
    chance = random.Random(1)
    rounds = list(zip(ours, theirs))
    drawn = [chance.choices(rounds, k=len(rounds)) for _ in range(samples)]
    medians = [[statistics.median(column) for column in zip(*pairs)] for pairs in drawn]
    figure = Figure(our / their for our, their in medians if their)
    figure.median = statistics.median(ours) / statistics.median(theirs)
    return figure


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def goal(what, figure, form, unit, most):
    """Notes one figure of those to reach; scripts/bench makes the first table of them."""
    verdict = "reached" if figure.median <= most else "**missed**"
    row = [what, f"≤ {form.format(most)}{unit}", figure.text(form, unit), verdict]
    print(f"To reach: {row[0]} {row[1]}: {row[2]}, {verdict}.\n")
    note_goal(row)


def not_measured(what, why):
    """As goal(), of one that could not be measured."""
    print(f"Not measured: {what}: {why}.\n")
    note_goal([what, "", f"not measured: {why}", "**unknown**"])


def note_goal(row):
    if "BENCH_GOALS" in os.environ:
        with open(os.environ["BENCH_GOALS"], "a", encoding="utf-8") as file:
            json.dump(row, file, ensure_ascii=False)
            file.write("\n")
