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


def run_in_rounds(part, rounds, seed, wanted):
    section = sections.IN_ROUNDS[part]()
    with contextlib.ExitStack() as stack:
        generators = sections.start(stack, section, wanted)
        if not generators:
            return section, None
        return section, cells.measure(part, generators, section.cells, rounds, seed, sections.FLOOR)


def show(text):
    print(f"\n{text}\n", flush=True)


def measure(parts, wanted, rounds, seed):
    """Measures and prints the parts. (all figures for JSON, whether nothing was lost)"""
    facts = machine.describe()
    show("\n".join(f"{key}: {value}" for key, value in facts.items()))
    result = {"machine": facts, "rounds": rounds, "seed": seed, "sections": {}}
    in_rounds, once, faults = {}, {}, []
    for part in parts:
        if part in sections.IN_ROUNDS:
            section, samples = run_in_rounds(part, rounds, seed, wanted)
            if samples is None:
                continue
            in_rounds[part] = samples
            faults += [f"{part}: {fault}" for fault in samples.faults]
            show(report.section_text(section, samples))
            result["sections"][part] = report.section_json(samples, section.figures)
            report.save(f"{part}.svg", report.section_plot(section, samples))
        elif part in idle.ONCE:
            run, title = idle.ONCE[part]
            once[part] = run(wanted)
            show(report.once_text(title, once[part]))
            result["sections"][part] = once[part]
        else:
            result["sections"][part], growth_faults = growth.measure(rounds, show)
            faults += growth_faults
    judged = list(report.judge(json.loads((HERE / "targets.json").read_text()), in_rounds, once))
    if judged:
        show(report.targets_text(judged))
        result["targets"] = [{**target, "found": found and vars(found), "verdict": verdict} for target, found, verdict in judged]
    if faults:
        show("Not whole, so not counted:\n" + "\n".join(faults))
    return result, not faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=DEFAULT_ROUNDS)
    parser.add_argument("--only", metavar="NAMES")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--seed", type=int, default=1, help="of the order of cells and topologies")
    arguments = parser.parse_args()
    parts, wanted = chosen(arguments.only)
    result, is_whole = measure(parts, wanted, arguments.rounds, arguments.seed)
    report.save("comparison.json", result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if is_whole else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(1)
