"""The parts of the comparison that run in rounds: which topologies, which cells."""
import dataclasses
import subprocess

import processes
import servers
from cells import Cell
from generator import Generator

FLOOR = "floor"  # raw epoll, a send per turn: what all is held against, and by which the rounds are judged

FAN_OUT = 1000  # subscribers
RELAY_RATE = 10_000  # messages a second
RELAY_WINDOW = 4096  # messages under way when a relay is saturated: its threads share a core, and fewer would measure their taking turns
HTTP_PUBLISHERS = 32
HTTP_BATCH = 10  # the default of max_event_batch_size


@dataclasses.dataclass(frozen=True)
class Section:
    """`topologies`: name -> (start(stack), arguments of the generator). `figures`: what its table shows."""
    name: str
    title: str
    topologies: dict
    cells: list
    figures: tuple
    compared: tuple = ("tulle",)  # whose ratios to the others are shown


def has_io_uring():
    """Whether the machine lets floor_uring run; it says why not."""
    with subprocess.Popen([processes.BIN / "floor_uring"], stdout=subprocess.PIPE, text=True) as child:
        is_there = child.stdout.readline().startswith("listening")
        child.terminate()
    return is_there


def _floor(stack):
    return servers.floor(stack, FLOOR, "floor_epoll")


def _floor_per_message(stack):
    return servers.floor(stack, "floor-per-message", "floor_epoll", "--send", "per-message")


def _floor_uring(stack):
    return servers.floor(stack, "floor-uring", "floor_uring")


def _tulle(stack):
    return servers.tulle(stack)


def _tulle_send(stack):
    return servers.tulle(stack, settings='flush = "send"')


def _tulle_uring(stack):
    return servers.tulle(stack, name="tulle-uring", settings='flush = "io_uring"')


def fan_out():
    many = {"subscribers": FAN_OUT}
    has_uring = has_io_uring()
    topologies = {
        FLOOR: (_floor, many),
        "floor-per-message": (_floor_per_message, many),
        **({"floor-uring": (_floor_uring, many)} if has_uring else {}),
        "tulle": (_tulle_send, many),
        **({"tulle-uring": (_tulle_uring, many)} if has_uring else {}),
        "redis": (servers.redis, many),
        "nats": (servers.nats, many),
        "ws": (servers.ws, many),
        "socketio": (servers.socketio, many),
        "socketio-redis": (servers.socketio_redis, many),
    }
    cells = [Cell(f"{payload} B b={size}", "burst", 0.4, (("payload", payload), ("b", size)))
             for payload, sizes in ((64, (1, 10, 100)), (512, (1, 100))) for size in sizes]
    return Section("fanout", f"Fan-out 1 → {FAN_OUT}, CPU µs per delivery", topologies, cells, ("cpu_us",),
                   compared=("tulle", "tulle-uring"))


def relay():
    one = {"subscribers": 1}
    topologies = {
        FLOOR: (_floor, one),
        "tulle": (_tulle, one),
        "tulle-2": (lambda stack: servers.tulle(stack, name="tulle-2", nodes=2), one),
        "redis": (servers.redis, one),
        "nats": (servers.nats, one),
        "nats-3": (lambda stack: servers.nats(stack, name="nats-3", nodes=3), one),
        "socketio": (servers.socketio, one),
        "socketio-redis": (lambda stack: servers.socketio_redis(stack, is_relay=True), one),
    }
    cells = [Cell(f"{RELAY_RATE}/s", "rate", 1.0, (("payload", 64), ("r", RELAY_RATE))),
             Cell("saturated", "saturate", 0.5, (("payload", 64), ("window", RELAY_WINDOW)))]
    return Section("relay", "1 → 1 (tulle-2, nats-3, socketio-redis: from one node to another)", topologies, cells,
                   ("p50_us", "p99_us", "cpu_us", "per_s"), compared=("tulle-2",))


def throughput():
    many = {"subscribers": FAN_OUT}
    cells = [Cell("1 M deliveries/s", "rate", 2.0, (("payload", 64), ("r", 1000)))]
    return Section("throughput", f"Open loop, {FAN_OUT} subscribers, 1000 messages a second",
                   {FLOOR: (_floor, many), "tulle": (_tulle, many)}, cells, ("p50_us", "p99_us", "cpu_us"))


def http():
    """Signed publishing without subscribers: what the request costs."""
    def by(events):
        return {"subscribers": 0, "publishers": HTTP_PUBLISHERS, "publish_via": "http", "http_batch": events}
    cells = [Cell("64 B", "saturate", 0.5, (("payload", 64), ("window", HTTP_BATCH)))]
    topologies = {"tulle": (_tulle, by(1)),
                  "tulle-batch": (lambda stack: servers.tulle(stack, name="tulle-batch"), by(HTTP_BATCH))}
    return Section("http", f"Signed HTTP publish, {HTTP_PUBLISHERS} connections, kept alive; batches of {HTTP_BATCH}", topologies,
                   cells, ("events_per_core_s", "events_per_s"))


IN_ROUNDS = {"fanout": fan_out, "relay": relay, "throughput": throughput, "http": http}


def start(stack, section, wanted):
    """The generators of the wanted topologies of a section, by name. The floor is always wanted."""
    generators = {}
    for name, (begin, load) in section.topologies.items():
        if wanted and name not in wanted and name != FLOOR:
            continue
        topology = begin(stack)
        generators[name] = stack.enter_context(Generator(f"{section.name}-{name}", topology.load(**load)))
        if name.startswith(FLOOR):
            generators[name].envelope = servers.ENVELOPE
        elif topology.protocol == "pusher" and load["subscribers"]:
            check_envelope(topology, generators[name])
    return generators


COUNTED_SECONDS = 5


def check_envelope(topology, generator, payload=64):
    """That the floor sends as many bytes for a message as Tulle does: the ratio would be none of like with like."""
    server = topology.processes[-1]
    frame = servers.frame_bytes(payload + servers.ENVELOPE)

    def counters():
        found = server.counters()
        return found["sent_bytes_total"], found["messages_sent_total"]

    def is_alike(before=counters()):
        sent, messages = (now - then for now, then in zip(counters(), before))
        return messages > 0 and sent == messages * frame

    generator.run("burst", seconds=0.05, b=1, payload=payload)
    server.wait_for(f"counts {frame} bytes for each message, as many as the floor sends", is_alike, COUNTED_SECONDS)
