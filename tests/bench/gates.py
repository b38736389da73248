#!/usr/bin/env python3
"""The repeatable gates: what a delivery costs `tulled` in user instructions and system calls, against budgets.json.

Instructions are counted by callgrind in the real server with 1000 subscribers, switched on for the measured window alone;
system calls by strace, attached for the window. Both count every thread, what idles included. How a burst falls into turns
of the loop is up to the machine's scheduler, and each further turn costs a further send for each subscriber: of several
windows the least counts, which is the one where bursts fell apart least. The cost of mesh keys is a ratio of CPU times in one
run (keys_gate.py). Prints figure, budget and target; exits 1 when a
figure is past its budget.
"""
import argparse
import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import sys

import http_publish
import keys_gate
import processes
import servers
from generator import Generator
from processes import Failed

HERE = pathlib.Path(__file__).resolve().parent
SUBSCRIBERS = 1000
PAYLOAD = 64
SETTINGS = 'flush = "send"'  # what every machine has
WARM_UP_SECONDS = 0.3
CALLGRIND_WINDOWS = 12
CALLGRIND_SECONDS = 0.15  # of bursts in one window: few, so that some windows have only whole ones
STRACE_WINDOWS = 5
STRACE_SECONDS = 0.25
HTTP_WINDOWS = 8
HTTP_REQUESTS = 60  # of one window


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise Failed(f"{command[0]} ended with code {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Callgrind:
    """A node under callgrind that counts only inside `window`."""

    def __init__(self, stack):
        directory = processes.OUTPUT / "callgrind"  # kept for callgrind_annotate until the next run
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        self._file = directory / "out"
        self.topology = servers.tulle(
            stack, name="tulle-callgrind", settings=SETTINGS,
            wrapper=["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={self._file}"])
        self._pid = self.topology.pids[0]
        self._dumps = 0
        self.counted = 0

    @contextlib.contextmanager
    def window(self):
        run("callgrind_control", "--instr=on", self._pid)
        yield
        run("callgrind_control", "--instr=off", self._pid)
        run("callgrind_control", "--dump", self._pid)
        self._dumps += 1
        self.counted = self._instructions(pathlib.Path(f"{self._file}.{self._dumps}"))

    @staticmethod
    def _instructions(file):
        """A dump ends with the sum of what it has; the dump sets the counters back to nothing."""
        found = re.findall(r"^(?:totals|summary): (\d+)", file.read_text(), re.MULTILINE)
        if not found:
            raise Failed(f"{file} has no totals")
        return int(found[-1])


@contextlib.contextmanager
def strace(pid):
    """Counts the calls of all threads of a process; yields a list that holds the number afterwards."""
    summary = processes.OUTPUT / "strace.out"
    tracer = processes.Process("strace", ["strace", "-f", "-c", "-o", summary, "-p", pid], processes.cores()[1])
    calls = []
    with tracer:
        tracer.wait_for("attaches", lambda: re.search(r"Process \d+ attached", tracer.log.read_text()))  # to all threads
        yield calls
        tracer.interrupt()
    total = re.search(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s+(?:\d+\s+)?total$", summary.read_text(), re.MULTILINE)
    if not total:
        raise Failed(f"{summary} has no total")
    calls.append(int(total.group(1)))


def burst(load, size, seconds):
    """The deliveries of a run of bursts, all of which have arrived."""
    answer = load.run("burst", b=size, payload=PAYLOAD, seconds=seconds)
    if answer["received"] != answer["expected"] or answer["received"] == 0:
        raise Failed(f"of {answer['expected']} deliveries {answer['received']} arrived")
    return answer["received"]


def instructions_per_delivery(callgrind, load, size):
    burst(load, size, WARM_UP_SECONDS)
    figures = []
    for _ in range(CALLGRIND_WINDOWS):
        with callgrind.window():
            deliveries = burst(load, size, CALLGRIND_SECONDS)
        figures.append(callgrind.counted / deliveries)
    return min(figures)


def system_calls_per_delivery(pid, load, size):
    burst(load, size, WARM_UP_SECONDS)
    figures = []
    for _ in range(STRACE_WINDOWS):
        with strace(pid) as calls:
            deliveries = burst(load, size, STRACE_SECONDS)
        figures.append(calls[0] / deliveries)
    return min(figures)


def instructions_per_http_event(callgrind, events):
    """Without subscribers: the request alone, from the socket into the hub and the answer back."""
    request = http_publish.single(PAYLOAD) if events == 1 else http_publish.batch(PAYLOAD, events)
    figures = []
    with http_publish.Publisher(callgrind.topology.publish[0]) as publisher:
        for _ in range(HTTP_REQUESTS):
            publisher.publish(request)
        for _ in range(HTTP_WINDOWS):
            with callgrind.window():
                for _ in range(HTTP_REQUESTS):
                    publisher.publish(request)
            figures.append(callgrind.counted / (HTTP_REQUESTS * events))
    return min(figures)


def measure_instructions(figures):
    with contextlib.ExitStack() as stack:
        callgrind = Callgrind(stack)
        for name, events in (("single", 1), ("batch of 10", 10)):
            figures["instructions_per_http_event"][name] = instructions_per_http_event(callgrind, events)
        load = stack.enter_context(Generator("gates", callgrind.topology.load(SUBSCRIBERS)))
        for size in (1, 10):
            figures["instructions_per_delivery"][f"b={size}"] = instructions_per_delivery(callgrind, load, size)


def measure_system_calls(figures):
    with contextlib.ExitStack() as stack:
        topology = servers.tulle(stack, name="tulle-strace", settings=SETTINGS)
        load = stack.enter_context(Generator("gates", topology.load(SUBSCRIBERS)))
        for size in (1, 10, 100):
            calls = system_calls_per_delivery(topology.pids[0], load, size)
            figures["system_calls_per_delivery"][f"b={size}"] = calls


def verdicts(figures, budgets):
    """(gate, case, figure, budget, target, is within) of each budget; a figure without a budget is not judged."""
    for gate, cases in budgets.items():
        for case, limits in cases.items():
            figure = figures[gate][case]
            budget = limits.get("budget")
            yield gate, case, figure, budget, limits.get("target"), budget is None or figure <= budget


def number(value):
    if value is None:
        return "-"
    return f"{value:.4f}" if value < 10 else f"{value:.1f}"


def main():
    processes.end_well_when_told()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="measure N times; every time must be within budget")
    arguments = parser.parse_args()
    budgets = json.loads((HERE / "budgets.json").read_text())
    rounds = []
    has_passed = True
    for _ in range(arguments.rounds):
        figures = {gate: {} for gate in budgets}
        measure_instructions(figures)
        measure_system_calls(figures)
        figures["cpu_with_mesh_keys_by_without"] = {name: median for name, (median, _, _) in keys_gate.ratios().items()}
        rounds.append(figures)
        print(f"{'gate':30} {'case':12} {'figure':>10} {'budget':>10} {'target':>10}")
        for gate, case, figure, budget, target, is_within in verdicts(figures, budgets):
            has_passed = has_passed and is_within
            print(f"{gate:30} {case:12} {number(figure):>10} {number(budget):>10} {number(target):>10}"
                  f"{'' if is_within else '  PAST ITS BUDGET'}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rounds, indent=1) + "\n")
    return 0 if has_passed else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(1)
