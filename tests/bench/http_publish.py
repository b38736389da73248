"""Signed requests of the HTTP API, one at a time over one connection: for what is counted, not timed."""
import hashlib
import hmac
import json
import socket
import time

import servers


def signed(path, body):
    """The bytes of a POST as a server SDK would send it."""
    parameters = {"auth_key": servers.APP["app-key"], "auth_timestamp": str(int(time.time())), "auth_version": "1.0",
                  "body_md5": hashlib.md5(body).hexdigest()}
    query = "&".join(f"{key}={value}" for key, value in sorted(parameters.items()))
    text = f"POST\n{path}\n{query}".encode()
    signature = hmac.new(servers.APP["app-secret"].encode(), text, hashlib.sha256).hexdigest()
    return (f"POST {path}?{query}&auth_signature={signature} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


def single(payload):
    """A request of one event."""
    body = json.dumps({"name": "bench", "channel": "bench-0", "data": "x" * payload}).encode()
    return signed(f"/apps/{servers.APP['app-id']}/events", body)


def batch(payload, events):
    body = json.dumps({"batch": [{"name": "bench", "channel": "bench-0", "data": "x" * payload}] * events}).encode()
    return signed(f"/apps/{servers.APP['app-id']}/batch_events", body)


class Publisher:
    """A keep-alive connection. Use as a context."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def publish(self, request):
        """Sends one request and reads its answer. Raises ConnectionError unless that is 200."""
        self._socket.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._read()
        head, body = answer.split(b"\r\n\r\n", 1)
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += self._read()
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(f"publishing was answered with {answer.decode(errors='replace')}")

    def _read(self):
        got = self._socket.recv(65536)
        if not got:
            raise ConnectionError("the server has closed the connection")
        return got
