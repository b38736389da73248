#!/usr/bin/env python3
"""The comparison: Tulle, its floors and its peers, interleaved in short cells. See README.md."""
import argparse
import contextlib
import json
import pathlib
import sys

import cells
import growth
import idle
import machine
import processes
import report
import sections
from processes import Failed

HERE = pathlib.Path(__file__).resolve().parent
DEFAULT_ROUNDS = 15
PARTS = [*sections.IN_ROUNDS, *idle.ONCE, "growth"]
DEFAULT_PARTS = [part for part in PARTS if part != "growth"]


def known_topologies():
    return {name for make in sections.IN_ROUNDS.values() for name in make().topologies} | {"tulle-uring", "floor-uring"}


def chosen(only):
    """(parts, topologies; an empty set for all) of a list of names, which are those of either."""
    names = {name for name in (only or "").split(",") if name}
    unknown = names - set(PARTS) - known_topologies()
    if unknown:
        raise Failed(f"--only: {', '.join(sorted(unknown))}: neither a part ({', '.join(PARTS)}) nor a topology "
                     f"({', '.join(sorted(known_topologies()))})")
    return [part for part in PARTS if part in names] or DEFAULT_PARTS, names - set(PARTS)


class Comparison:
    """Measures the parts one after the other. Prints what is found, and saves it as PART.txt, PART.json and plots."""

    def __init__(self, rounds, seed, wanted):
        self.rounds, self.seed, self.wanted = rounds, seed, wanted
        self.facts = machine.describe()
        self.result = {"machine": self.facts, "rounds": rounds, "seed": seed, "sections": {}}
        self.in_rounds, self.once = {}, {}
        self.faults = []
        self._said = []
        self._heading = "\n".join(f"{key}: {value}" for key, value in self.facts.items())
        print(f"\n{self._heading}\n", flush=True)

    def measure(self, part):
        """A part that can't be measured is a fault, and the others go on."""
        self._said = []
        try:
            found = self._measure(part)
        except Failed as failure:
            self.faults.append(f"{part}: {failure}")
            print(f"error: {part}: {failure}", file=sys.stderr)
            return
        if found is not None:
            self.result["sections"][part] = found
            report.save(f"{part}.txt", "\n\n".join([self._heading, *self._said, ""]))
            report.save(f"{part}.json", {"machine": self.facts, "rounds": self.rounds, "seed": self.seed, part: found})

    def judge(self):
        """Each target of what was measured."""
        targets = json.loads((HERE / "targets.json").read_text())
        judged = list(report.judge(targets, self.in_rounds, self.once))
        self.result["targets"] = [{**target, "found": found and vars(found), "verdict": verdict}
                                  for target, found, verdict in judged]
        if judged:
            self._say(report.targets_text(judged))
            report.save("targets.txt", "\n\n".join([self._heading, report.targets_text(judged), ""]))
        if self.faults:
            self._say("Not whole, so not counted:\n" + "\n".join(self.faults))

    def _measure(self, part):
        if part in sections.IN_ROUNDS:
            return self._measure_in_rounds(part)
        if part in idle.ONCE:
            run, title = idle.ONCE[part]
            self.once[part] = run(self.wanted)
            self._say(report.once_text(title, self.once[part]))
            return self.once[part]
        curves, faults = growth.measure(self.rounds, self._say)
        self.faults += faults
        return curves

    def _measure_in_rounds(self, part):
        section = sections.IN_ROUNDS[part]()
        with contextlib.ExitStack() as stack:
            generators = sections.start(stack, section, self.wanted)
            if not generators:
                return None
            samples = cells.measure(part, generators, section.cells, self.rounds, self.seed, sections.FLOOR)
        self.in_rounds[part] = samples
        self.faults += [f"{part}: {fault}" for fault in samples.faults]
        self._say(report.section_text(section, samples))
        report.save(f"{part}.svg", report.section_plot(section, samples))
        return report.section_json(samples, section.figures)

    def _say(self, text):
        self._said.append(text)
        print(f"\n{text}\n", flush=True)


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def main():
    processes.end_well_when_told()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=positive, default=DEFAULT_ROUNDS)
    parser.add_argument("--only", metavar="NAMES", help="parts or topologies, separated by commas")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--seed", type=int, default=1, help="of the order of cells and topologies")
    parser.add_argument("--keep", action="store_true", help="copy what was found to tests/bench/results, to be committed")
    arguments = parser.parse_args()
    parts, wanted = chosen(arguments.only)
    comparison = Comparison(arguments.rounds, arguments.seed, wanted)
    for part in parts:
        comparison.measure(part)
    comparison.judge()
    if arguments.json:
        arguments.json.write_text(json.dumps(comparison.result, indent=1) + "\n")
    if arguments.keep:
        report.keep(HERE / "results")
    return 1 if comparison.faults else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(1)
