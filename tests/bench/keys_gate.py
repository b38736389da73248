"""What mesh keys cost the relay: CPU time of both nodes for a message from one to the other, with keys / without, in rounds that
alternate. `single`: 1000 messages a second, each in a frame of its own. `saturated`: as many as go, in full frames."""
import contextlib
import statistics
import subprocess

import processes
import servers
from cells import Cell, fault
from generator import Generator
from processes import Failed

ROUNDS = 9
CELLS = {"single": Cell("single", "rate", 1.0, (("payload", 64), ("r", 1000))),
         "saturated": Cell("saturated", "saturate", 0.5, (("payload", 64), ("window", 4096)))}


def _mesh(stack, name, settings=""):
    topology = servers.tulle(stack, name=name, nodes=2, settings=settings)
    return stack.enter_context(Generator(name, topology.load(1)))


def ratios():
    """{cell: (median of the rounds' ratios, least, most)}."""
    key = processes.OUTPUT / "mesh.key"
    key.parent.mkdir(parents=True, exist_ok=True)
    key.unlink(missing_ok=True)
    subprocess.run([processes.BIN / "tulle", "keygen", "-o", key], check=True, capture_output=True)
    found = {name: [] for name in CELLS}
    with contextlib.ExitStack() as stack:
        meshes = {"open": _mesh(stack, "keys-open"), "closed": _mesh(stack, "keys-closed", f'mesh_keys = ["{key}"]')}
        for number in range(ROUNDS):
            for name, cell in CELLS.items():
                costs = {}
                for kind in sorted(meshes, reverse=number % 2 == 1):
                    answer = cell.run(meshes[kind])
                    if wrong := fault(answer):
                        raise Failed(f"keys, {kind}, {name}: {wrong}")
                    costs[kind] = answer["cpu_ns"] / answer["received"]
                found[name].append(costs["closed"] / costs["open"])
    return {name: (statistics.median(values), min(values), max(values)) for name, values in found.items()}


if __name__ == "__main__":
    for case, (median, least, most) in ratios().items():
        print(f"{case}: {median:.3f} ({least:.3f} to {most:.3f})")
