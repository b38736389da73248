#!/usr/bin/env python3
"""What the Redis edge costs beside Debian's redis-server, as ratios within one run: CPU of a delivery for publishes of one
client to 1 and to 100 subscribers, one at a time and in pipelines of 50; memory of an idle connection; the time of a
message, and of PUBSUB NUMSUB, through two nodes; CPU of GET, SET and INCR; the time of a SET and of an INCR in a mesh of
three nodes. Starts redis-server and nodes of its own with one shard. Prints each
figure with its aim, and exits 1 past one.

The two servers take turns, and CPU is what the scheduler gave the server, so other load on the machine changes the ratios
little. redis-benchmark (redis-tools) publishes.
"""
import contextlib
import json
import os
import pathlib
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

BIN = pathlib.Path(os.environ.get("TULLE_BIN_DIR", pathlib.Path(__file__).parents[2] / "build/release/bin"))
AIM_CPU = 1.1  # times redis-server
AIM_IDLE_BYTES = 5 * 1024
AIM_TWO_NODES_MS = 0.5
AIM_GET_US = 10  # of CPU: 100,000 a second on a core
AIM_SET_MS = 0.7
STORE_BYTES = 256 << 20
PAYLOAD = 100
ROUNDS = 5
SHAPES = [("1 to 1", 1, 1, 30_000), ("1 to 1, pipelines of 50", 1, 50, 500_000),
          ("1 to 100", 100, 1, 3_000), ("1 to 100, pipelines of 50", 100, 50, 10_000)]


def cpu(pid):
    """Seconds that the scheduler has given to the threads of the process. The times in /proc/PID/stat are sampled a hundred times a
    second, which is too coarse for a server that works for 20 us at a time."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def until_it_answers(port):
    for _ in range(200):
        with contextlib.suppress(OSError), connect(port) as connection:
            connection.sendall(b"PING\r\n")
            if connection.recv(100).startswith(b"+PONG"):
                return
        time.sleep(0.05)
    sys.exit(f"nobody serves on port {port}")


class Node:
    """A node with one shard; `peers`: the mesh endpoints of others."""

    def __init__(self, directory, name, peers=()):
        ports = pathlib.Path(directory) / f"{name}.json"
        any_port = [word for role in ("listen", "mesh", "mesh-data", "admin", "redis-listen") for word in (f"--{role}", "127.0.0.1:0")]
        known = ["--peers", ",".join(peers)] if peers else []
        self.process = subprocess.Popen([BIN / "tulled", "--name", name, *any_port, *known, "--shards", "1", "--ports-file", ports,
                                         "--redis-store-bytes", str(STORE_BYTES),
                                         "--log-level", "error"])
        for _ in range(200):
            if ports.exists():
                break
            time.sleep(0.05)
        bound = json.loads(ports.read_text())
        self.mesh = bound["mesh"]
        self.port = int(bound["redis"].rsplit(":", 1)[1])
        until_it_answers(self.port)


class Redis:
    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--save", "", "--appendonly", "no",
                                         "--client-output-buffer-limit", "pubsub 0 0 0"], stdout=subprocess.DEVNULL)
        until_it_answers(self.port)


class Subscribers(threading.Thread):
    """Reads, and counts the bytes."""

    def __init__(self, port, count):
        super().__init__(daemon=True)
        self.bytes = 0
        self.is_over = False
        self.connections = [connect(port) for _ in range(count)]
        for connection in self.connections:
            connection.sendall(b"SUBSCRIBE ch\r\n")
            connection.recv(100)
            connection.setblocking(False)

    def run(self):
        ready = selectors.DefaultSelector()
        for connection in self.connections:
            ready.register(connection, selectors.EVENT_READ)
        buffer = bytearray(1 << 20)
        while not self.is_over:
            for key, _ in ready.select(0.1):
                with contextlib.suppress(BlockingIOError):
                    self.bytes += key.fileobj.recv_into(buffer)

    def end(self):
        self.is_over = True
        self.join()
        for connection in self.connections:
            connection.close()


def delivery_us(server, subscribers, pipeline, publishes):
    """CPU of the server for a delivery, in microseconds."""
    audience = Subscribers(server.port, subscribers)
    audience.start()
    frame = len(f"*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n${PAYLOAD}\r\n\r\n") + PAYLOAD
    before = cpu(server.process.pid)
    subprocess.run(["redis-benchmark", "-p", str(server.port), "-n", str(publishes), "-c", "1", "-P", str(pipeline), "PUBLISH", "ch",
                    "x" * PAYLOAD], check=True, capture_output=True)
    deadline = time.monotonic() + 60
    while audience.bytes < publishes * subscribers * frame:
        if time.monotonic() > deadline:
            sys.exit(f"{audience.bytes} bytes have come, not {publishes * subscribers * frame}")
        time.sleep(0.005)
    spent = cpu(server.process.pid) - before
    audience.end()
    return spent / (publishes * subscribers) * 1e6


def rss(pid):
    return int(next(line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def idle_bytes(node):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = min(10_000, most - 1_000)
    before = rss(node.process.pid)
    idle = []
    for _ in range(count):
        idle.append(connect(node.port))
        idle[-1].sendall(b"HELLO 3\r\n")
        idle[-1].recv(1_000)
    grown = rss(node.process.pid) - before
    for connection in idle:
        connection.close()
    return grown / count


def through_two_nodes(first, second):
    """Median times in ms: of a message, and of PUBSUB NUMSUB."""
    subscriber, publisher = connect(first.port), connect(second.port)
    subscriber.sendall(b"SUBSCRIBE ch\r\n")
    subscriber.recv(100)

    def median(command, wait):
        times = []
        for _ in range(2_000):
            begun = time.perf_counter()
            publisher.sendall(command)
            wait()
            times.append((time.perf_counter() - begun) * 1e3)
        return statistics.median(times)

    def message():
        subscriber.recv(1_000)
        publisher.recv(100)

    return median(b"PUBLISH ch x\r\n", message), median(b"PUBSUB NUMSUB ch\r\n", lambda: publisher.recv(100))


def command_us(server, name, pipeline, commands):
    """CPU of the server for a command on keys, in microseconds, with 20 clients."""
    before = cpu(server.process.pid)
    subprocess.run(["redis-benchmark", "-p", str(server.port), "-t", name, "-n", str(commands), "-c", "20", "-P", str(pipeline), "-d", "200",
                    "-r", "1000"], check=True, capture_output=True)
    return (cpu(server.process.pid) - before) / commands * 1e6


def answered_ms(node, command):
    """Median time until one client is answered, in ms, by a node of a mesh."""
    client = connect(node.port)
    times = []
    for i in range(3_000):
        begun = time.perf_counter()
        client.sendall(command(i))
        client.recv(1_000)
        times.append((time.perf_counter() - begun) * 1e3)
    client.close()
    return statistics.median(times)


def main():
    is_good = True

    def say(what, figure, aim, unit=""):
        nonlocal is_good
        is_good = is_good and figure <= aim
        print(f"{what}: {figure:.2f}{unit}, aim {aim}{unit}{'' if figure <= aim else ': not reached'}", flush=True)

    with tempfile.TemporaryDirectory() as directory:
        node, redis = Node(directory, "n1"), Redis()
        try:
            for name, subscribers, pipeline, publishes in SHAPES:
                rounds = [(delivery_us(node, subscribers, pipeline, publishes), delivery_us(redis, subscribers, pipeline, publishes))
                          for _ in range(ROUNDS)]
                ours, theirs = (statistics.median(column) for column in zip(*rounds))
                say(f"CPU of a delivery, {name} ({ours:.2f} and {theirs:.2f} us)", ours / theirs, AIM_CPU, " times redis-server")
            for pipeline, commands in [(1, 50_000), (16, 400_000)]:
                for name in ("get", "set", "incr"):
                    rounds = [(command_us(node, name, pipeline, commands), command_us(redis, name, pipeline, commands)) for _ in range(ROUNDS)]
                    ours, theirs = (statistics.median(column) for column in zip(*rounds))
                    print(f"CPU of {name.upper()}, pipelines of {pipeline}: {ours:.2f} us, {ours / theirs:.2f} times redis-server", flush=True)
                    if name == "get":
                        say("CPU of a GET", ours, AIM_GET_US, " us")
            say("an idle connection", idle_bytes(node), AIM_IDLE_BYTES, " bytes")
            second = Node(directory, "n2", [node.mesh])
            try:
                message, number = through_two_nodes(node, second)
                say("a message through two nodes", message, AIM_TWO_NODES_MS, " ms")
                print(f"PUBSUB NUMSUB over two nodes: {number:.2f} ms")
                third = Node(directory, "n3", [node.mesh, second.mesh])
                try:
                    say("a SET in a mesh of three nodes", answered_ms(second, lambda i: b"SET k%d v EX 100\r\n" % (i % 100)), AIM_SET_MS, " ms")
                    number = answered_ms(second, lambda i: b"INCR n%d\r\n" % (i % 100))
                    print(f"an INCR in a mesh of three nodes: {number:.2f} ms")
                finally:
                    third.process.terminate()
            finally:
                second.process.terminate()
        finally:
            node.process.terminate()
            redis.process.terminate()
    sys.exit(0 if is_good else 1)


main()
