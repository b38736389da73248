#!/usr/bin/env python3
"""What TLS costs a node beside plain connections, as ratios within one run: memory of an idle WebSocket, CPU of a delivery
of a single message, and CPU of a handshake, full and resumed. Starts a node of its own with one shard and makes a
certificate (P-256). Prints each figure with its budget, and exits 1 past one.

Between rounds plain and TLS take turns, and CPU is what the scheduler gave the node, so other load on the machine changes
the ratios little.
"""
import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import resource
import select
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

BIN = pathlib.Path(os.environ.get("TULLE_BIN_DIR", pathlib.Path(__file__).parents[2] / "build/release/bin"))
BUDGET_BYTES = 15_360  # beyond a plain connection; 7.6 KB are OpenSSL's own structure of a connection
BUDGET_DELIVERY = 2.0  # times a plain delivery
WARM_UP = 50  # connections of each kind
ROUNDS = 7
MESSAGES = 30  # of a round
HANDSHAKES = 150  # of a round
KEY = base64.b64encode(bytes(16)).decode()
UPGRADE = (f"GET /app/app-key?protocol=7 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n").encode()


class Node:
    """A node with both listeners."""

    def __init__(self, directory):
        self.certificate = directory / "a.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-keyout", directory / "a.key", "-out", self.certificate, "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        (directory / "a.key").chmod(0o600)
        ports = directory / "ports.json"
        any_port = [word for role in ("listen", "mesh", "mesh-data", "admin", "tls-listen") for word in (f"--{role}", "127.0.0.1:0")]
        self.process = subprocess.Popen([BIN / "tulled", *any_port, "--shards", "1", "--ports-file", ports, "--tls-cert-file", self.certificate,
                                         "--tls-key-file", directory / "a.key", "--log-level", "warn"])
        for _ in range(200):
            if ports.exists():
                break
            time.sleep(0.05)
        self.ports = {role: (at.rsplit(":", 1)[0], int(at.rsplit(":", 1)[1])) for role, at in json.loads(ports.read_text()).items()}
        self.context = ssl.create_default_context(cafile=self.certificate)

    def connect(self, is_tls, session=None):
        plain = socket.create_connection(self.ports["tls_listen" if is_tls else "listen"])
        return self.context.wrap_socket(plain, server_hostname="localhost", session=session) if is_tls else plain

    def subscriber(self, is_tls, channel):
        connection = self.connect(is_tls)
        connection.sendall(UPGRADE)
        read_until(connection, b"connection_established")
        body = json.dumps({"event": "pusher:subscribe", "data": {"channel": channel}}).encode()
        connection.sendall(bytes([0x81, 0x80 | len(body)]) + bytes(4) + body)
        read_until(connection, b"subscription_succeeded")
        return connection

    def private_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Private_Dirty"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no Private_Dirty")

    def cpu_seconds(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def read_until(connection, text):
    got = b""
    while text not in got:
        part = connection.recv(4096)
        if not part:
            raise RuntimeError(f"ended before {text}: {got}")
        got += part


def publish(connection, channel):
    body = json.dumps({"name": "e", "channels": [channel], "data": "x" * 64})
    query = f"auth_key=app-key&auth_timestamp={int(time.time())}&auth_version=1.0&body_md5={hashlib.md5(body.encode()).hexdigest()}"
    signature = hmac.new(b"app-secret", f"POST\n/apps/app-id/events\n{query}".encode(), hashlib.sha256).hexdigest()
    connection.sendall(f"POST /apps/app-id/events?{query}&auth_signature={signature} HTTP/1.1\r\nHost: x\r\n"
                       f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    read_until(connection, b"\r\n\r\n{}")


@contextlib.contextmanager
def drained(connections):
    """Takes what comes, without decrypting it."""
    poll = select.poll()
    for connection in connections:
        poll.register(connection, select.POLLIN)
    over = threading.Event()

    def run():
        while not over.is_set():
            for number, _ in poll.poll(100):
                os.read(number, 1 << 16)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    over.set()
    thread.join()


def median(values):
    return sorted(values)[len(values) // 2]


def deliveries(node, count):
    """Microseconds of a delivery, plain and TLS, in turns."""
    publisher = node.connect(False)
    spent = {"plain": [], "tls": []}
    for _ in range(ROUNDS):
        for channel, list_of in spent.items():
            before = node.cpu_seconds()
            for _ in range(MESSAGES):
                publish(publisher, channel)
                time.sleep(0.003)
            time.sleep(0.2)
            list_of.append((node.cpu_seconds() - before) / (MESSAGES * count) * 1e6)
    return median(spent["plain"]), median(spent["tls"])


def handshakes(node):
    """Microseconds of a handshake, full and resumed, in turns, with the connection before and its end after."""
    first = node.connect(True)
    first.sendall(b"GET /up HTTP/1.1\r\nHost: x\r\n\r\n")
    read_until(first, b"OK")
    kinds = [(None, []), (first.session, [])]
    for _ in range(ROUNDS):
        for session, list_of in kinds:
            before = node.cpu_seconds()
            for _ in range(HANDSHAKES):
                connection = node.connect(True, session)
                if connection.session_reused != (session is not None):
                    raise RuntimeError("the session was not taken up as wanted")
                connection.close()
            time.sleep(0.1)
            list_of.append((node.cpu_seconds() - before) / HANDSHAKES * 1e6)
    return tuple(median(list_of) for _, list_of in kinds)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--connections", type=int, default=1000, help="of each kind")
    count = arguments.parse_args().connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    with tempfile.TemporaryDirectory() as name:
        node = Node(pathlib.Path(name))
        try:
            held = [node.subscriber(is_tls, "warm-up") for is_tls in (False, True) for _ in range(WARM_UP)]
            steps = [node.private_bytes()]
            for channel in ("plain", "tls"):
                held += [node.subscriber(channel == "tls", channel) for _ in range(count)]
                time.sleep(1)
                steps.append(node.private_bytes())
            plain_bytes, tls_bytes = ((steps[i + 1] - steps[i]) / count for i in (0, 1))
            with drained(held):
                plain_us, tls_us = deliveries(node, count)
            full_us, resumed_us = handshakes(node)
        finally:
            node.process.kill()
            node.process.wait()
    more, ratio = tls_bytes - plain_bytes, tls_us / plain_us
    print(f"idle connection: plain {plain_bytes:,.0f} bytes, TLS {tls_bytes:,.0f}: {more:,.0f} more (budget {BUDGET_BYTES:,})")
    print(f"delivery, single messages: plain {plain_us:.2f} us, TLS {tls_us:.2f} us: {ratio:.2f} times (budget {BUDGET_DELIVERY})")
    print(f"handshake: full {full_us:.0f} us, resumed {resumed_us:.0f} us: {resumed_us / full_us:.2f} times")
    return 1 if more > BUDGET_BYTES or ratio > BUDGET_DELIVERY else 0


if __name__ == "__main__":
    sys.exit(main())
