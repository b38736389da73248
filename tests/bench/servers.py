"""What is measured: each function starts a topology inside an ExitStack and says how the generator reaches it."""
import dataclasses
import http.client
import json
import tempfile
import pathlib

import processes
from processes import Failed, Process

APP = {"app-id": "bench", "app-key": "bench-key", "app-secret": "bench-secret"}

# The limits of the app that a benchmark has to lift; all others are the defaults, and all are checked as ever.
APP_FILE = """
[[apps]]
id = "bench"
key = "bench-key"
secret = "bench-secret"
client_events = true
client_events_per_second = 0
"""

# What Tulle sends around the text of a message: a floor sends text that is so much longer, hence as many bytes.
ENVELOPE = len('{"channel":"private-bench-0","event":"client-bench","data":""}')


def frame_bytes(payload):
    """Of a WebSocket frame from a server."""
    return payload + (2 if payload < 126 else 4 if payload < 65536 else 10)


@dataclasses.dataclass
class Topology:
    """Running servers. `subscribe` and `publish` are addresses; `processes` all that work for them."""
    name: str
    protocol: str
    processes: list
    subscribe: list
    publish: list
    credentials: dict = dataclasses.field(default_factory=dict)

    @property
    def pids(self):
        return [process.pid for process in self.processes]

    def load(self, subscribers, **more):
        """The arguments of a generator for it."""
        arguments = {"protocol": self.protocol, "subscribe": self.subscribe, "publish": self.publish,
                     "subscribers": subscribers, "pids": self.pids, **self.credentials}
        arguments.update({key.replace("_", "-"): value for key, value in more.items()})
        return arguments


def get(address, path):
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


class Node(Process):
    """One tulled, on ephemeral ports; ready once constructed. `wrapper` goes before it (valgrind)."""

    def __init__(self, name, directory, peers=(), wrapper=(), settings="", app_settings="", environment=None):
        file = pathlib.Path(directory) / f"{name}.toml"
        ports = pathlib.Path(directory) / f"{name}.ports.json"
        peer_list = ", ".join(f'"{peer}"' for peer in peers)
        file.write_text(f'name = "{name}"\nshards = 1\nlog_level = "warn"\npeers = [{peer_list}]\n'
                        f'ports_file = "{ports}"\nlisten = "127.0.0.1:0"\nmesh = "127.0.0.1:0"\n'
                        f'mesh_data = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\n{settings}\n{APP_FILE}{app_settings}\n')
        super().__init__(name, [*wrapper, processes.BIN / "tulled", "--config", file], processes.cores()[0],
                         environment=environment)
        try:
            self.ports = json.loads(self.wait_for("binds its ports", lambda: ports.exists() and ports.read_text()))
            self.wait_for("is ready", lambda: get(self.ports["admin"], "/ready")[0] == 200)
        except BaseException:
            self.stop()
            raise

    def status(self):
        """What /v1/status says; empty when it does not answer."""
        code, body = get(self.ports["admin"], "/v1/status")
        return json.loads(body) if code == 200 else {}

    def counters(self):
        return self.status()["counters"]

    def others_alive(self):
        """The other members that it sees alive; None when it does not answer."""
        members = self.status().get("members")
        return None if members is None else sum(member["state"] == "alive" for member in members)


def tulle(stack, name="tulle", nodes=1, **options):
    """One node, or a mesh: subscribers at all but the first, publishers at the first."""
    processes.OUTPUT.mkdir(parents=True, exist_ok=True)
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{name}-", dir=processes.OUTPUT))
    members = []
    for i in range(nodes):
        peers = [member.ports["mesh"] for member in members]
        members.append(stack.enter_context(Node(f"{name}-{i + 1}", directory, peers, **options)))
    for member in members:
        member.wait_for(f"sees {nodes - 1} others alive", lambda one=member: one.others_alive() == nodes - 1)
    listen = [member.ports["listen"] for member in members]
    return Topology(name, "pusher", members, listen[1:] or listen, listen[:1], APP)


def floor(stack, name, program, *arguments):
    server = stack.enter_context(Process(name, [processes.BIN / program, *arguments], processes.cores()[0]))
    address = server.announced()
    return Topology(name, "ws", [server], [address], [address])


def _redis_server(stack, name):
    port = processes.free_ports(1)[0]
    command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
               "--maxclients", 19000, "--client-output-buffer-limit", "pubsub 0 0 0", "--tcp-backlog", 4096,
               "--daemonize", "no"]
    server = stack.enter_context(Process(name, command, processes.cores()[0]))
    server.wait_for("accepts connections", lambda: processes.accepts(f"127.0.0.1:{port}"))
    return server, port


def redis(stack, name="redis"):
    server, port = _redis_server(stack, name)
    address = f"127.0.0.1:{port}"
    return Topology(name, "redis", [server], [address], [address])


def nats(stack, name="nats", nodes=1):
    """One server, or a cluster: subscribers at the second, publishers at the first."""
    ports = processes.free_ports(3 * nodes)
    clients, routes, monitors = ports[:nodes], ports[nodes:2 * nodes], ports[2 * nodes:]
    servers = []
    for i in range(nodes):
        command = ["nats-server", "-a", "127.0.0.1", "-p", clients[i], "-m", monitors[i]]
        if nodes > 1:
            others = ",".join(f"nats://127.0.0.1:{port}" for port in routes)
            command += ["--cluster_name", "bench", "--cluster", f"nats://127.0.0.1:{routes[i]}", "--routes", others]
        servers.append(stack.enter_context(Process(f"{name}-{i + 1}", command, processes.cores()[0])))
    addresses = [f"127.0.0.1:{port}" for port in clients]
    for i, server in enumerate(servers):
        server.wait_for("accepts connections", lambda at=addresses[i]: processes.accepts(at))
    if nodes > 1:
        for server, monitor in zip(servers, monitors):
            server.wait_for("has its routes", lambda at=monitor: _routes(at) == nodes - 1)
    return Topology(name, "nats", servers, addresses[1:2] or addresses, addresses[:1])


def _routes(monitor):
    """Other servers that a nats-server has a route to."""
    status, body = get(f"127.0.0.1:{monitor}", "/routez")
    return len({route["remote_id"] for route in json.loads(body)["routes"]}) if status == 200 else 0


def _node_script(stack, name, script, *arguments):
    modules = processes.ROOT / "tests" / "bench" / "node_modules"
    if not modules.is_dir():
        raise Failed(f"{modules} is missing: tools/bench installs it (npm ci)")
    path = processes.ROOT / "tests" / "bench" / "peers" / script
    server = stack.enter_context(Process(name, ["node", path, *arguments], processes.cores()[0]))
    return server, server.announced()


def ws(stack, name="ws"):
    server, address = _node_script(stack, name, "ws.mjs")
    return Topology(name, "ws", [server], [address], [address])


def socketio(stack, name="socketio"):
    server, address = _node_script(stack, name, "socketio.mjs")
    return Topology(name, "socketio", [server], [address], [address])


def socketio_redis(stack, name="socketio-redis", is_relay=False):
    """Two processes of socket.io and their Redis. In a relay the subscribers are at the second, else at both."""
    store, port = _redis_server(stack, f"{name}-store")
    first, first_at = _node_script(stack, f"{name}-1", "socketio.mjs", "--redis", port)
    second, second_at = _node_script(stack, f"{name}-2", "socketio.mjs", "--redis", port)
    subscribe = [second_at] if is_relay else [first_at, second_at]
    return Topology(name, "socketio", [store, first, second], subscribe, [first_at])
