"""Cells: short measurements of many topologies, interleaved round by round so that the machine's moods meet all alike."""
import dataclasses
import random
import sys

import ratios
from processes import Failed


@dataclasses.dataclass(frozen=True)
class Cell:
    """One run of the generator; `values` are those of its command."""
    name: str
    command: str
    seconds: float
    values: tuple

    def run(self, generator):
        return generator.run(self.command, seconds=self.seconds, **dict(self.values))


def fault(answer):
    """What is wrong with an answer, in words; None when all that was sent has come once and in order."""
    wrong = [f"{answer[key]} {key.replace('_', ' ')}" for key in ("unsent", "duplicates", "out_of_order", "malformed")
             if answer.get(key)]
    if answer["received"] != answer["expected"]:
        wrong.append(f"{answer['received']} of {answer['expected']} deliveries arrived")
    if not answer["sent"]:
        wrong.append("nothing was sent")
    return ", ".join(wrong) or None


FIGURES = {  # what can be read off an answer
    "cpu_us": lambda answer: answer["cpu_ns"] / answer["received"] / 1000,
    "p50_us": lambda answer: answer["latency_us"]["p50"],
    "p99_us": lambda answer: answer["latency_us"]["p99"],
    "per_s": lambda answer: answer["deliveries_per_s"],
    "events_per_core_s": lambda answer: answer["sent"] / answer["cpu_ns"] * 1e9,  # of the server's CPU time
    "events_per_s": lambda answer: answer["sent"] / answer["seconds"],
    "loss": lambda answer: answer["expected"] - answer["received"],
}


class Samples:
    """Answers by cell, topology and round, and what went wrong."""

    def __init__(self, names, reference):
        self.names = names  # of the topologies, in the order in which they are shown
        self.reference = reference
        self.answers = {}
        self.faults = []

    def add(self, cell, topology, number, answer):
        self.answers.setdefault((cell, topology), {})[number] = answer

    def by_round(self, cell, topology, figure):
        answers = self.answers.get((cell, topology), {})
        return {number: FIGURES[figure](answer) for number, answer in answers.items()}

    def topologies(self):
        """Those that have an answer."""
        found = {topology for _, topology in self.answers}
        return [name for name in self.names if name in found]

    def cells(self):
        return list(dict.fromkeys(cell for cell, _ in self.answers))

    def kept(self, cell):
        """The rounds in which the reference's CPU was steady; all where there is no reference."""
        floor = self.by_round(cell, self.reference, "cpu_us")
        if self.reference not in self.topologies():
            return {number for (name, _), answers in self.answers.items() if name == cell for number in answers}
        return ratios.steady(floor)

    def dropped(self):
        """(rounds of cells that were dropped, of all)."""
        floors = [(cell, self.by_round(cell, self.reference, "cpu_us")) for cell in self.cells()]
        return sum(len(floor) - len(self.kept(cell)) for cell, floor in floors), sum(len(floor) for _, floor in floors)

    def absolute(self, cell, topology, figure):
        """An Estimate over the kept rounds; None when there is none."""
        values = self.by_round(cell, topology, figure)
        kept = [values[number] for number in sorted(self.kept(cell)) if number in values]
        return ratios.estimate(kept) if kept else None

    def ratio(self, cell, ours, theirs, figure):
        """The same of ours / theirs, round by round."""
        found = ratios.per_round(self.by_round(cell, ours, figure), self.by_round(cell, theirs, figure), self.kept(cell))
        return ratios.estimate(found) if found else None


def measure(section, generators, cells, rounds, seed, reference):
    """Runs every cell of every topology once in each round, in an order that the seed decides. `generators`: by name."""
    samples = Samples(list(generators), reference)
    order = random.Random(f"{section} {seed}")
    for number in range(1, rounds + 1):
        for cell in order.sample(cells, len(cells)):
            for name in order.sample(sorted(generators), len(generators)):
                _measure_one(samples, cell, name, generators[name], number)
        print(f"{section}: round {number} of {rounds}", file=sys.stderr, flush=True)
    return samples


def _measure_one(samples, cell, name, generator, number):
    try:
        answer = cell.run(generator)
    except Failed as failure:
        samples.faults.append(f"{name}, {cell.name}, round {number}: {failure}")
        return
    wrong = fault(answer)
    if wrong:
        samples.faults.append(f"{name}, {cell.name}, round {number}: {wrong}")
    else:
        samples.add(cell.name, name, number, answer)
