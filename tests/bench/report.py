"""What was found, as text, as JSON and as plots."""
import json
import shutil

import plot
import processes
import ratios

LABELS = {
    "cpu_us": "CPU µs/delivery", "p50_us": "p50 µs", "p99_us": "p99 µs", "per_s": "deliveries/s",
    "events_per_core_s": "events per s of CPU", "events_per_s": "events/s", "loss": "lost",
    "bytes_per_connection": "bytes/connection", "cpu_share": "share of a core",
    "bytes_per_subscription": "bytes/subscription", "connect_s": "all connected, s", "connect_p50_us": "p50 µs",
    "connect_p99_us": "p99 µs",
}


def number(value):
    if value is None:
        return "-"
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def table(head, rows):
    """Aligned text: the first column to the left, the others to the right."""
    columns = list(zip(*([head] + rows)))
    widths = [max(len(str(word)) for word in column) for column in columns]
    def one(row):
        words = [str(row[0]).ljust(widths[0])] + [str(word).rjust(width) for word, width in zip(row[1:], widths[1:])]
        return "  ".join(words).rstrip()
    return "\n".join([one(head), "  ".join("-" * width for width in widths), *(one(row) for row in rows)])


def with_interval(found):
    if found is None:
        return "-"
    if found.low is None or found.count == 1:
        return number(found.median)
    return f"{number(found.median)} [{number(found.low)}, {number(found.high)}]"


def section_text(section, samples):
    """Absolute figures of each topology, then the ratios of ours to every other one."""
    cells, names = [cell.name for cell in section.cells], samples.topologies()
    blocks = [f"{section.title}"]
    for figure in section.figures:
        rows = [[name, *(number(_median(samples.absolute(cell, name, figure))) for cell in cells)] for name in names]
        blocks.append(table([LABELS[figure], *cells], rows))
    for ours in section.compared:
        blocks += _ratio_tables(section, samples, cells, ours)
    dropped, total = samples.dropped()
    if total:
        blocks.append(f"{dropped} of {total} rounds of cells were dropped, as the floor had moved by more than {ratios.UNSTEADY}×.")
    return "\n\n".join(blocks)


def _ratio_tables(section, samples, cells, ours):
    """One for each figure; none without ours or the reference, as then there is nothing to divide by."""
    names = samples.topologies()
    others = [name for name in names if name != ours]
    if ours not in names or samples.reference not in names or not others:
        return []
    return [table([f"ratio of {LABELS[figure]}", *cells],
                  [[f"{ours} / {name}", *(with_interval(samples.ratio(cell, ours, name, figure)) for cell in cells)]
                   for name in others])
            for figure in section.figures]


def once_text(title, found):
    blocks = [title]
    for cell in dict.fromkeys(cell for cells in found.values() for cell in cells):
        rows = [(name, cells[cell]) for name, cells in found.items() if cell in cells]
        figures = list(rows[0][1])
        blocks.append(table([cell, *(LABELS[figure] for figure in figures)],
                            [[name, *(number(values[figure]) for figure in figures)] for name, values in rows]))
    return "\n\n".join(blocks)


def _median(found):
    return None if found is None else found.median


def judge(targets, samples_by_section, once_by_section):
    """(target, Estimate or None, verdict) of each target whose section was measured."""
    for target in targets:
        section = target["section"]
        found = None
        if section in samples_by_section:
            samples = samples_by_section[section]
            if "theirs" in target:
                found = samples.ratio(target["cell"], target["ours"], target["theirs"], target["figure"])
            else:
                found = samples.absolute(target["cell"], target["ours"], target["figure"])
        elif section in once_by_section:
            value = once_by_section[section].get(target["ours"], {}).get(target["cell"], {}).get(target["figure"])
            found = None if value is None else ratios.Estimate(value, value, value, 1)
        else:
            continue
        yield target, found, _verdict(target, found)


def _verdict(target, found):
    if found is None:
        return "not measured"
    is_met = ratios.reaches(found, target.get("at_most", target.get("at_least")), "at_most" in target)
    return {True: "met", False: "NOT met", None: "too few rounds"}[is_met]


def targets_text(judged):
    rows = []
    for target, found, verdict in judged:
        ours = f"{target['ours']} / {target['theirs']}" if "theirs" in target else target["ours"]
        limit = f"≤ {number(target['at_most'])}" if "at_most" in target else f"≥ {number(target['at_least'])}"
        what = f"{target['section']} {target['cell']}: {ours}, {LABELS[target['figure']]}"
        rows.append([what, limit, with_interval(found), verdict])
    return "Targets (met when the interval of the median reaches them)\n\n" + table(["", "target", "found", ""], rows)


def section_json(samples, figures):
    """By cell and topology: each figure's values by round, which rounds were kept, and the estimate."""
    result = {"faults": samples.faults, "cells": {}}
    for cell in samples.cells():
        kept = samples.kept(cell)
        result["cells"][cell] = {"kept_rounds": sorted(kept), "topologies": {}}
        for name in samples.topologies():
            result["cells"][cell]["topologies"][name] = {
                figure: {"by_round": samples.by_round(cell, name, figure),
                         "median": _median(samples.absolute(cell, name, figure))} for figure in figures}
    return result


def section_plot(section, samples):
    """Bars of the first figure."""
    figure, cells = section.figures[0], [cell.name for cell in section.cells]
    series = {}
    for name in samples.topologies():
        points = [samples.absolute(cell, name, figure) for cell in cells]
        series[name] = [point and (point.median, point.low, point.high) for point in points]
    return plot.bars(section.title, cells, series, LABELS[figure])


_saved = []


def save(name, content):
    """Writes into build/bench; nothing when there is nothing to write."""
    if content is None:
        return
    processes.OUTPUT.mkdir(parents=True, exist_ok=True)
    path = processes.OUTPUT / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1) + "\n")
    _saved.append(path)
    print(f"wrote {path.relative_to(processes.ROOT)}")


def keep(directory):
    """Copies what this run has saved into a directory."""
    directory.mkdir(exist_ok=True)
    for path in _saved:
        shutil.copy(path, directory / path.name)
    print(f"copied {len(_saved)} files to {directory.relative_to(processes.ROOT)}")
