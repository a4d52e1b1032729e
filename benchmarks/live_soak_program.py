"""The program as benchmarks/live_soak.py has it: in a process of its own, steered by a control page without a picture.

Looked at from outside: megabytes, threads and descriptors come from /proc, so this is for Linux. The names of its
threads, which the system does not keep, the process writes to a file when it is sent SIGUSR1.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

ANSWERED = 60.0  # seconds for a command on a machine that is busy
# The program, which says besides what its threads are called. Its arguments: where to, then its own.
NAMING = """
import pathlib, runpy, signal, sys, threading
told = pathlib.Path(sys.argv.pop(1))
def tell(*_):
    told.with_suffix(".part").write_text("".join(f"{one.native_id} {one.name}\\n" for one in threading.enumerate()))
    told.with_suffix(".part").rename(told)
signal.signal(signal.SIGUSR1, tell)
runpy.run_module("bodydouble", run_name="__main__", alter_sys=True)
"""


@dataclass(slots=True)
class Told:
    """What the workers share: how often what was done, what went wrong, the pings in ms, the newest status."""

    done: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    pings: list[float] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)


class Program:
    """The program and its process, with a film as its camera and a receiver of OSC."""

    def __init__(self, folder: Path, camera: Path, osc: int) -> None:
        self.recordings = folder / "out"
        self.said = folder / "said.txt"
        self._names = folder / "threads.txt"
        paths = ["--settings", str(folder / "live.toml"), "--out", str(self.recordings)]
        options = ["--camera", str(camera), "--no-browser", "--port", "0", "--osc", f"127.0.0.1:{osc}"]
        with self.said.open("w") as said:
            command = [sys.executable, "-u", "-c", NAMING, str(self._names), "live", *options, *paths]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)
        line = self.process.stdout.readline() if self.process.stdout is not None else ""
        found = re.search(r"http://\S+:(\d+)/", line)
        if found is None:
            raise SystemExit(f"the program did not start: {self.said.read_text()}")
        self.port = int(found[1])
        self.address = found[0]
        self._proc = Path(f"/proc/{self.process.pid}")

    def socket(self, kind: str, **more: Any) -> ClientConnection:
        """A connection to /ws/KIND."""
        return connect(f"ws://127.0.0.1:{self.port}/ws/{kind}", open_timeout=ANSWERED, compression=None, **more)

    def fetch(self) -> None:
        """Have the control page sent once. The server's file threads that were idle for ten seconds end at that."""
        with urlopen(self.address, timeout=ANSWERED) as page:
            page.read()

    def counts(self) -> tuple[float, int, int]:
        """Megabytes, threads, descriptors."""
        status = (self._proc / "status").read_text()
        resident = re.search(r"VmRSS:\s+(\d+)", status)
        threads = re.search(r"Threads:\s+(\d+)", status)
        descriptors = len(list((self._proc / "fd").iterdir()))
        return int(resident[1]) / 1024 if resident else 0.0, int(threads[1]) if threads else 0, descriptors

    def threads(self) -> Counter[str]:
        """Its threads: Python's by their names, others by what the system calls them."""
        self._names.unlink(missing_ok=True)
        self.process.send_signal(signal.SIGUSR1)
        until = time.monotonic() + ANSWERED
        while not self._names.exists() and time.monotonic() < until:
            time.sleep(0.1)
        lines = self._names.read_text().splitlines() if self._names.exists() else []
        names = {number: name for number, _, name in (line.partition(" ") for line in lines)}
        found: Counter[str] = Counter()
        for path in self._proc.glob("task/*/comm"):
            try:
                found[names.get(path.parent.name) or f"native {path.read_text().strip()}"] += 1
            except OSError:
                continue  # it has just ended
        return found

    def files(self) -> Counter[str]:
        """Its descriptors by what they are."""
        found: Counter[str] = Counter()
        for path in (self._proc / "fd").iterdir():
            try:
                found[re.sub(r"\d+", "N", str(path.readlink()))] += 1
            except OSError:
                continue  # it has just been closed
        return found


class Control:
    """A control page without a picture, kept for the whole soak: says what it is told to, and hears the status."""

    def __init__(self, program: Program, told: Told) -> None:
        self._told = told
        self._number = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._came = threading.Condition()
        self._lock = threading.Lock()
        self._open = ExitStack()
        self._socket = self._open.enter_context(program.socket("control", max_queue=None))
        self._thread = threading.Thread(target=self._hear, name="soak-control", daemon=True)
        self._thread.start()

    def _hear(self) -> None:
        try:
            for data in self._socket:
                said = json.loads(data) if isinstance(data, str) else {}
                if said.get("kind") == "pong":
                    self._told.pings.append(1e3 * (time.monotonic() - said["sent"]))
                elif said.get("kind") in ("status", "answer"):
                    with self._came:
                        if said["kind"] == "status":
                            self._told.status = said
                        else:
                            self._answers[said["id"]] = said
                        self._came.notify_all()
        except ConnectionClosed:
            return

    def ping(self) -> None:
        """Ask for the time."""
        with self._lock:
            self._socket.send(json.dumps({"kind": "ping", "sent": time.monotonic()}))

    def ask(self, kind: str, **values: Any) -> dict[str, Any]:
        """Have something done; the answer."""
        with self._lock:
            self._number += 1
            number = self._number
            self._socket.send(json.dumps({"kind": kind, "id": number, **values}))
        with self._came:
            if not self._came.wait_for(lambda: number in self._answers, ANSWERED):
                self._told.faults.append(f"{kind} {values} was not answered within {ANSWERED:.0f} s")
                return {"ok": False, "message": "no answer"}
            return self._answers.pop(number)

    def change(self, **settings: Any) -> None:
        """Other settings, which must not be refused."""
        answer = self.ask("change", settings=settings)
        if not answer["ok"]:
            self._told.faults.append(f"{settings} was refused: {answer['message']}")

    def wait(self, what: str, holds: Callable[[dict[str, Any]], bool], seconds: float = ANSWERED) -> None:
        """Wait until a new status says that it is so. what: for the words of a fault."""
        with self._came:
            self._told.status = {}
            if not self._came.wait_for(lambda: bool(self._told.status) and holds(self._told.status), seconds):
                self._told.faults.append(f"{what}: not so within {seconds:.0f} s; {self._told.status}")

    def close(self) -> None:
        """Leave."""
        self._open.close()
        self._thread.join()
