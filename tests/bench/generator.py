"""The load generator: one process of bench_load, which obeys commands and answers each with a line of JSON."""
import json
import select
import subprocess

import processes
from processes import Failed

CONNECT_SECONDS = 300
ANSWER_SLACK_SECONDS = 60  # a run lasts as long as it was told; then what is under way is awaited


class Generator(processes.Process):
    """`arguments` are those of bench_load. Connected and subscribed once constructed; `connected` is its first line.

    `envelope` is added to the payload of every run: bytes that other servers send around it (see servers.ENVELOPE).
    """

    envelope = 0

    def __init__(self, name, arguments):
        words = []
        for key, value in arguments.items():
            words += [f"--{key}", ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)]
        super().__init__(f"load-{name}", [processes.BIN / "bench_load", *words], processes.cores()[1],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self.connected = self._answer(CONNECT_SECONDS)
            if not self.connected.get("ready"):
                raise Failed(f"{self.name} is not ready: {self.connected}")
        except BaseException:
            self.stop()
            raise

    def run(self, command, seconds=0.0, **values):
        """One measured run. Failed when it could not be done; loss is the caller's to judge (see cells.py)."""
        if seconds:
            values["seconds"] = seconds
        if "payload" in values:
            values["payload"] += self.envelope
        self._say(" ".join([command, *(f"{key}={value}" for key, value in values.items())]))
        answer = self._answer(seconds + ANSWER_SLACK_SECONDS)
        if "error" in answer:
            raise Failed(f"{self.name}: {command} {values}: {answer['error']}")
        return answer

    def _say(self, line):
        try:
            self.child.stdin.write(line.encode() + b"\n")
            self.child.stdin.flush()
        except OSError as error:
            raise Failed(f"{self.name} takes no commands ({error}): {self.last_words()}") from error

    def _answer(self, seconds):
        ready, _, _ = select.select([self.child.stdout], [], [], seconds)
        if not ready:
            raise Failed(f"{self.name} has not answered within {seconds:.0f} s")
        line = self.child.stdout.readline()
        if not line:
            self.child.wait(processes.STOP_SECONDS)
            raise Failed(f"{self.name} has ended with code {self.child.returncode}: {self.last_words()}")
        return json.loads(line)
