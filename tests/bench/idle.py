"""What is measured once, not in rounds: connections that idle, their memory, and storms of them."""
import contextlib

import processes
import servers
from generator import Generator

IDLE_CONNECTIONS = 15_000
STORM_CONNECTIONS = 10_000
# Pinged four times as often as by default, so that every connection is pinged and answers within the window.
ACTIVITY_TIMEOUT = 30
IDLE_SECONDS = 30.0
SUBSCRIPTION_CONNECTIONS, SUBSCRIPTIONS_EACH = 1000, 100

PEERS = {
    "floor": lambda stack: servers.floor(stack, "floor", "floor_epoll"),
    "tulle": lambda stack: servers.tulle(stack, settings=f"activity_timeout = {ACTIVITY_TIMEOUT}"),
    "redis": servers.redis,
    "nats": servers.nats,
    "ws": servers.ws,
    "socketio": servers.socketio,
}


def _resident(topology):
    return sum(processes.resident_bytes(pid) for pid in topology.pids)


def idle(wanted):
    """{topology: {cell: figures}}: memory of a connection with one subscription, CPU while nothing happens."""
    found = {}
    for name, begin in PEERS.items():
        if wanted and name not in wanted:
            continue
        with contextlib.ExitStack() as stack:
            topology = begin(stack)
            before = _resident(topology)
            load = stack.enter_context(Generator(f"idle-{name}", topology.load(IDLE_CONNECTIONS)))
            answer = load.run("idle", seconds=IDLE_SECONDS)
            found[name] = {f"{IDLE_CONNECTIONS} connections": {
                "bytes_per_connection": (_resident(topology) - before) / IDLE_CONNECTIONS,
                "cpu_share": answer["cpu_ns"] / 1e9 / answer["seconds"]}}
    if not wanted or "tulle" in wanted:
        found.setdefault("tulle", {})["many subscriptions"] = {"bytes_per_subscription": subscription_bytes()}
    return found


def subscription_bytes(connections=SUBSCRIPTION_CONNECTIONS, each=SUBSCRIPTIONS_EACH):
    """What a further subscription of a connection takes: the same connections with many, less those with one each.

    The channels are the same few for all connections, so that what a channel takes hardly shows.
    """
    used = []
    for subscriptions in (1, each):
        with contextlib.ExitStack() as stack:
            topology = servers.tulle(stack)
            stack.enter_context(Generator("subscriptions", topology.load(
                connections, channels=each, subscriptions_per_connection=subscriptions)))
            used.append(_resident(topology))
    return (used[1] - used[0]) / (connections * (each - 1))


def storm(wanted):
    """{topology: {cell: figures}}: all connect and subscribe at once, as fast as the server takes them."""
    found = {}
    for name, begin in PEERS.items():
        if wanted and name not in wanted:
            continue
        with contextlib.ExitStack() as stack:
            topology = begin(stack)
            load = stack.enter_context(Generator(f"storm-{name}", topology.load(STORM_CONNECTIONS)))
            found[name] = {f"{STORM_CONNECTIONS} connections": {
                "connect_s": load.connected["connect_seconds"],
                "connect_p50_us": load.connected["connect_latency_us"]["p50"],
                "connect_p99_us": load.connected["connect_latency_us"]["p99"]}}
    return found


ONCE = {"idle": (idle, "Idle connections, each with one subscription"),
        "storm": (storm, "All connect and subscribe at once")}
