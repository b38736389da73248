"""The processes of a measurement: started on a core of their own, awaited, ended. Nothing outlives its `with`."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "bench"
BIN = pathlib.Path(os.environ.get("TULLE_BIN_DIR", ROOT / "build" / "release" / "bin"))

SERVER_CORE = 0
GENERATOR_CORE = 1

START_SECONDS = 60  # of a server, with room for one that runs under valgrind
STOP_SECONDS = 20
POLL_SECONDS = 0.01


class Failed(Exception):
    """What a measurement needs did not happen; the text says what."""


def end_well_when_told():
    """SIGTERM unwinds the stack as Ctrl-C does, so that no server is left behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def wait_until(what, is_so, seconds):
    """What `is_so` returns as soon as that is true; Failed when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = is_so()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Failed(f"{what} did not happen within {seconds} s")
        time.sleep(POLL_SECONDS)


def cores():
    """(of the servers, of the generator); the same one where there is only one."""
    available = sorted(os.sched_getaffinity(0))
    return available[SERVER_CORE], available[min(GENERATOR_CORE, len(available) - 1)]


def free_ports(count):
    """Ports of 127.0.0.1 that were free a moment ago, for servers that can't choose one themselves."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def accepts(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


class Process:
    """One program with its output in build/bench/logs/NAME.log. Use as a context."""

    def __init__(self, name, command, core, environment=None, stdin=None, stdout=None):
        self.name = name
        logs = OUTPUT / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self.log = logs / f"{name}.log"
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen(
                ["taskset", "--cpu-list", str(core), *map(str, command)], stdin=stdin, stdout=stdout or log,
                stderr=log, env={**os.environ, **(environment or {})}, cwd=ROOT, start_new_session=True)
        self.pid = self.child.pid  # taskset becomes the program

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def must_run(self):
        if self.child.poll() is not None:
            raise Failed(f"{self.name} has ended with code {self.child.returncode}: {self.last_words()}")

    def last_words(self):
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " | ".join(lines[-3:]) or f"nothing in {self.log}"

    def wait_for(self, what, is_so, seconds=START_SECONDS):
        def check():
            self.must_run()
            return is_so()
        return wait_until(f"{self.name}: {what}", check, seconds)

    def announced(self):
        """The address in its line "listening HOST:PORT"."""
        def find():
            for line in self.log.read_text(errors="replace").splitlines():
                if line.startswith("listening "):
                    return line.split()[1]
            return None
        return self.wait_for("says where it listens", find)

    def interrupt(self, seconds=STOP_SECONDS):
        """For programs that report when they are interrupted."""
        self.child.send_signal(signal.SIGINT)
        self.child.wait(seconds)

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        for stream in (self.child.stdin, self.child.stdout):
            if stream:
                stream.close()


def resident_bytes(pid):
    """Resident memory of a process, without the kernel's share for its sockets."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
