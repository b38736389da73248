"""Growth: what a delivered message costs as subscribers, channels, nodes and payload grow, and what a channel weighs."""
import contextlib

import cells
import idle
import plot
import processes
import report
import servers
from cells import Cell
from generator import Generator

SUBSCRIBERS = (1, 10, 100, 1000, 10_000)
CHANNELS = (1, 10, 100, 1000, 10_000, 100_000, 1_000_000)
NODES = (1, 2, 3, 4, 6, 8)
PAYLOADS = (16, 64, 256, 1024, 4096, 16_384, 65_536)
STORMS = (1000, 3000, 10_000)
FAN_OUT = 1000
MOST_CONNECTIONS = 1000  # that hold the channels: 1000 of a million each
SECONDS = 0.4
SIZES = (1, 10)
REFERENCE = f"floor-{FAN_OUT}"


def _burst(size, payload=64, seconds=SECONDS):
    return Cell(f"b={size}", "burst", seconds, (("payload", payload), ("b", size)))


def _floor(stack, name):
    return servers.floor(stack, name, "floor_epoll")


def _start(stack, name, topology, **load):
    generator = stack.enter_context(Generator(name, topology.load(**load)))
    generator.envelope = servers.ENVELOPE if topology.protocol == "ws" else 0
    return generator


def _curve(samples, prefix, sizes, cell, figure="cpu_us"):
    """(size, median) of the topologies PREFIX-SIZE."""
    points = [(size, samples.absolute(cell, f"{prefix}-{size}", figure)) for size in sizes]
    return [(size, found.median) for size, found in points if found]


def _rows(curves, sizes):
    return [[f"{size:,}", *(report.number(dict(points).get(size)) for points in curves.values())] for size in sizes]


class Growth:
    """Measures each curve, shows it as a table and saves its plot."""

    def __init__(self, rounds, show):
        self.rounds, self.show = rounds, show
        self.result = {}
        self.faults = []

    def _present(self, name, title, x_label, y_label, curves, sizes):
        self.show(f"{title}\n\n{report.table([x_label, *curves], _rows(curves, sizes))}")
        report.save(f"growth-{name}.svg", plot.lines(title, curves, x_label, y_label))
        self.result[name] = curves

    def _measure(self, name, generators, runs):
        samples = cells.measure(name, generators, runs, self.rounds, 1, REFERENCE)
        self.faults += [f"growth of {name}: {fault}" for fault in samples.faults]
        return samples

    def subscribers(self):
        with contextlib.ExitStack() as stack:
            generators = {}
            for size in SUBSCRIBERS:
                for name, topology in ((f"floor-{size}", _floor(stack, f"floor-{size}")),
                                       (f"tulle-{size}", servers.tulle(stack, name=f"tulle-{size}"))):
                    generators[name] = _start(stack, name, topology, subscribers=size)
            runs = [_burst(size) for size in SIZES]
            samples = self._measure("subscribers", generators, runs)
        curves = {f"{server}, {run.name}": _curve(samples, server, SUBSCRIBERS, run.name)
                  for server in ("floor", "tulle") for run in runs}
        self._present("subscribers", "64 B to n subscribers of one channel, CPU per delivery", "subscribers", "CPU µs/delivery",
                      curves, SUBSCRIBERS)

    def channels(self):
        """One subscriber for each channel, whatever their number: a message is one delivery, out of ever more channels."""
        memory, took = {}, []
        with contextlib.ExitStack() as stack:
            generators = {REFERENCE: _start(stack, REFERENCE, _floor(stack, REFERENCE), subscribers=FAN_OUT)}
            for size in CHANNELS:
                name = f"tulle-{size}"
                topology = servers.tulle(stack, name=name)
                connections = min(size, MOST_CONNECTIONS)
                generators[name] = _start(stack, name, topology, subscribers=connections, channels=size,
                                          subscriptions_per_connection=size // connections)
                if size >= MOST_CONNECTIONS:
                    memory[size] = processes.resident_bytes(topology.pids[0])
                    took.append((size, generators[name].connected["connect_seconds"] / size * 1e6))
            runs = [_burst(size) for size in (1, 100)]
            samples = self._measure("channels", generators, runs)
        curves = {f"tulle, {run.name}": _curve(samples, "tulle", CHANNELS, run.name) for run in runs}
        self._present("channels", "64 B to one of n channels with a subscriber each, CPU per delivery", "channels",
                      "CPU µs/delivery", curves, CHANNELS)
        where = f"n channels with a subscriber each, on {MOST_CONNECTIONS} connections"
        self._present("channel-time", f"Time to subscribe to {where}", "channels", "µs/channel", {"tulle": took}, list(memory))
        least = min(memory)  # what the connections take is in it
        weight = [(size, (used - memory[least]) / (size - least)) for size, used in memory.items() if size > least]
        self._present("channel-memory", f"Memory of {where}: of each with its subscription", "channels", "bytes/channel",
                      {"tulle": weight}, [size for size, _ in weight])

    def nodes(self):
        """The same number of subscribers, on ever more nodes; a message is published at the first."""
        with contextlib.ExitStack() as stack:
            generators = {REFERENCE: _start(stack, REFERENCE, _floor(stack, REFERENCE), subscribers=FAN_OUT)}
            for size in NODES:
                name = f"tulle-{size}"
                topology = servers.tulle(stack, name=name, nodes=size)
                topology.subscribe = [node.ports["listen"] for node in topology.processes]
                generators[name] = _start(stack, name, topology, subscribers=FAN_OUT)
            runs = [_burst(size) for size in SIZES]
            samples = self._measure("nodes", generators, runs)
        curves = {f"tulle, {run.name}": _curve(samples, "tulle", NODES, run.name) for run in runs}
        self._present("nodes", f"64 B to {FAN_OUT} subscribers on n nodes, CPU of all nodes per delivery", "nodes",
                      "CPU µs/delivery", curves, NODES)

    def payload(self):
        with contextlib.ExitStack() as stack:
            generators = {"floor": _start(stack, "floor", _floor(stack, "floor"), subscribers=FAN_OUT),
                          "tulle": _start(stack, "tulle", servers.tulle(stack), subscribers=FAN_OUT)}
            runs = [Cell(str(size), "burst", SECONDS, (("payload", size), ("b", 1))) for size in PAYLOADS]
            samples = cells.measure("payload", generators, runs, self.rounds, 1, "floor")
            self.faults += [f"growth of payload: {fault}" for fault in samples.faults]
        curves = {name: [(size, found.median) for size in PAYLOADS if (found := samples.absolute(str(size), name, "cpu_us"))]
                  for name in generators}
        self._present("payload", f"n bytes to {FAN_OUT} subscribers, b=1, CPU per delivery", "payload bytes", "CPU µs/delivery",
                      curves, PAYLOADS)

    def storm(self):
        """All connect and subscribe at once: time until the last is subscribed, by connection."""
        points = []
        for size in STORMS:
            with contextlib.ExitStack() as stack:
                load = _start(stack, "storm", servers.tulle(stack), subscribers=size)
                points.append((size, load.connected["connect_seconds"] / size * 1e6))
        self._present("storm", "n clients connect and subscribe at once, time for each", "clients", "µs/client",
                      {"tulle": points}, STORMS)

    def memory(self):
        curve = [(each, idle.subscription_bytes(each=each)) for each in (10, 100, 1000)]
        self._present("subscription-memory", f"Memory of a further subscription of {idle.SUBSCRIPTION_CONNECTIONS} connections",
                      "subscriptions each", "bytes/subscription", {"tulle": curve}, [size for size, _ in curve])


def measure(rounds, show):
    """(curves by name, faults)"""
    growth = Growth(rounds, show)
    for part in (growth.subscribers, growth.channels, growth.nodes, growth.payload, growth.memory, growth.storm):
        part()
    return growth.result, growth.faults
