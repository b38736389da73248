"""What a figure belongs to: machine, versions, commit."""
import datetime
import json
import os
import platform
import subprocess

import processes

PACKAGES = ("g++", "libboost1.81-dev", "libzmq5", "libssl3", "liburing2", "libjemalloc2", "valgrind", "strace", "redis-server", "nats-server")


def _output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=processes.ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _cpu():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())


def _distribution():
    values = platform.freedesktop_os_release()
    return values.get("PRETTY_NAME", "")


def _npm():
    lock = json.loads((processes.ROOT / "tests" / "bench" / "package-lock.json").read_text())
    wanted = lock["packages"][""]["dependencies"]
    return {f"npm {name}": lock["packages"][f"node_modules/{name}"]["version"] for name in wanted}


def describe():
    """All of it as a flat dictionary of texts."""
    facts = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _output("git", "describe", "--always", "--dirty", "--exclude=*"),
        "cpu": f"{_cpu()}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        "distribution": _distribution(),
    }
    for package in PACKAGES:
        facts[package] = _output("dpkg-query", "--show", "--showformat=${Version}", package) or "not installed"
    facts["Node.js"] = _output("node", "--version") or "not installed"
    facts.update(_npm())
    return facts
