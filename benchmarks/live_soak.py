"""A soak of `bodydouble live`: pages come and go, sources fail, one page never reads, and nothing may grow or be left.

    python benchmarks/live_soak.py [CLIP] [--minutes 10] [--chart soak.svg]

The program runs as its users have it, in a process of its own. Beside it, until time is over: visitors to every socket,
some of whom vanish without a word; a page that never reads; a browser's camera that comes and vanishes; a film that is
broken, removed and brought back while it is the camera; other characters, models, people and switches; recordings and
snapshots; a client of the motion; OSC. Every ten seconds the program is looked at from outside (/proc, so Linux only):
memory in MB, threads, open descriptors, latency in ms (p50 and p95, from capture until a page had posed), and how long
the server took to answer a ping, in ms.

After a first round of everything, all leave and the program comes to rest: that is what it is measured against in the
end. Exits with 1 if memory grew, if a thread or a descriptor was left, if the server stopped answering, if a recording
cannot be read, or if the program said or did what it should not.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from bodydouble.bench.chart import Box, Text, write_shapes
from bodydouble.bench.stand_in import StandIn
from bodydouble.outputs.take import read_take
from bodydouble.stage.frames import pack
from bodydouble.stage.messages import Binary

EVERY = 10.0  # seconds between looks
WARM = 0.2  # share of the time that is the first round: models and characters are loaded for the first time
REST = 12.0  # seconds in which all that was left must be gone: what is stuck is cut off after 20 at the latest
CUT_OFF = 25.0
ANSWERED = 60.0  # seconds for a command; a model is fetched and a film made by one thread after the other
GROWN = (1.08, 25.0)  # memory may grow by this factor, or this many MB: what the allocator keeps differs by as much
LEFT = 1  # threads and descriptors more than at rest before: one may just be coming or going
LAG = 500.0  # ms for a ping at p50, beside whatever else the machine does
MODELS = ("movenet-lightning", "blazepose-lite", "auto")


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one time; seconds since the start."""

    at: float
    megabytes: float
    threads: int
    descriptors: int
    posed: tuple[float, float]
    ping: tuple[float, float]
    done: int


@dataclass(slots=True)
class Told:
    """What the workers share: how often what was done, what went wrong, when to end."""

    done: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    pings: list[float] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)


class Program:
    """The program and its process."""

    def __init__(self, folder: Path, camera: Path, osc: int) -> None:
        self.folder = folder
        self.recordings = folder / "out"
        self.said = folder / "said.txt"
        paths = ["--settings", str(folder / "live.toml"), "--out", str(self.recordings)]
        options = ["--camera", str(camera), "--no-browser", "--port", "0", "--osc", f"127.0.0.1:{osc}"]
        with self.said.open("w") as said:
            command = [sys.executable, "-u", "-m", "bodydouble", "live", *options, *paths]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)
        line = self.process.stdout.readline() if self.process.stdout is not None else ""
        found = re.search(r"http://\S+:(\d+)/", line)
        if found is None:
            raise SystemExit(f"the program did not start: {self.said.read_text()}")
        self.port = int(found[1])
        self.proc = Path(f"/proc/{self.process.pid}")

    def socket(self, kind: str, **more: Any) -> ClientConnection:
        """A connection to /ws/KIND."""
        return connect(f"ws://127.0.0.1:{self.port}/ws/{kind}", open_timeout=ANSWERED, compression=None, **more)

    def counts(self) -> tuple[float, int, int]:
        """Megabytes, threads, descriptors."""
        status = (self.proc / "status").read_text()
        resident = re.search(r"VmRSS:\s+(\d+)", status)
        threads = re.search(r"Threads:\s+(\d+)", status)
        descriptors = len(list((self.proc / "fd").iterdir()))
        return int(resident[1]) / 1024 if resident else 0.0, int(threads[1]) if threads else 0, descriptors

    def names(self) -> Counter[str]:
        """Its threads by name, as far as the system keeps names."""
        return Counter(path.read_text().strip() for path in self.proc.glob("task/*/comm"))

    def files(self) -> Counter[str]:
        """Its descriptors by what they are."""
        return Counter(re.sub(r"\d+", "N", str(path.readlink())) for path in (self.proc / "fd").iterdir())


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
                elif said.get("kind") == "status":
                    self._told.status = said
                elif said.get("kind") == "answer":
                    with self._came:
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

    def close(self) -> None:
        """Leave."""
        self._open.close()
        self._thread.join()


class Crowd:
    """Everybody who makes use of the program, each in a thread."""

    def __init__(self, program: Program, control: Control, film: Path, told: Told, seed: int) -> None:
        self._program, self._control, self._film, self._told = program, control, film, told
        self._whole = film.with_name("whole" + film.suffix)
        self._random = random.Random(seed)
        self._ended = threading.Event()
        works = (self._visit, self._visit, self._never_read, self._give_camera, self._spoil, self._choose, self._record)
        self._threads = [
            threading.Thread(target=self._keep, args=(work,), name=f"soak-{work.__name__}", daemon=True)
            for work in (*works, self._ping)
        ]
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        """All stop what they do; the film is whole again and the camera, with one character and one model."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        shutil.copy(self._whole, self._film)
        self._control.ask("change", settings={"camera": str(self._film), "character": "fox", "person": "largest"})
        self._control.ask("change", settings={"model": MODELS[1], "mirror": True, "smooth": 0.5})

    def _keep(self, work: Callable[[], None]) -> None:
        """Do it again and again. A connection that is cut is what a user may have, anything else a fault."""
        while not self._ended.is_set():
            try:
                work()
            except (ConnectionClosed, ConnectionError, InvalidHandshake) as fault:
                self._told.done[f"cut off: {type(fault).__name__}"] += 1
                self._pause(0.2, 1)
            except Exception as fault:  # noqa: BLE001
                self._told.faults.append(f"{work.__name__}: {type(fault).__name__}: {fault}")
                self._pause(0.2, 1)

    def _pause(self, least: float, most: float) -> None:
        self._ended.wait(self._random.uniform(least, most))

    def _ping(self) -> None:
        self._control.ping()
        self._pause(0.1, 0.3)

    def _visit(self) -> None:
        """A page comes, looks for a while, and leaves or vanishes; at times several a second."""
        kind = self._random.choice(("control", "stage", "stage", "motion"))
        hurried = self._random.random() < 0.7
        with self._program.socket(kind, max_queue=None, close_timeout=1) as page:
            if kind == "control":
                page.send(json.dumps({"kind": "preview", "on": True, "width": 480}))
            self._pause(0, 0.2 if hurried else 4)
            if self._random.random() < 0.3:
                page.socket.shutdown(socket.SHUT_RDWR)  # without a goodbye
        self._told.done["visits"] += 1

    def _never_read(self) -> None:
        """A page that is open and never reads, nor answers."""
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that it is full soon
        raw.connect(("127.0.0.1", self._program.port))
        with self._program.socket(self._random.choice(("motion", "stage")), sock=raw, max_queue=1, close_timeout=0.5):
            self._pause(10, 40)
        self._told.done["never read"] += 1

    def _give_camera(self) -> None:
        """A browser's camera for a while, which then vanishes."""
        if not self._control.ask("change", settings={"camera": "browser"})["ok"]:
            self._told.faults.append("the browser's camera was refused")
        with self._program.socket("camera", close_timeout=1) as page:
            for number in range(self._random.randint(10, 120)):
                picture = np.full((360, 640, 3), number % 200, np.uint8)
                jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
                values = {"type": Binary.CAMERA, "pad": 0, "pad2": 0, "width": 640, "height": 360, "jpeg": jpeg}
                page.send(pack("CameraFrame", {**values, "captured": time.monotonic()}))
                if self._ended.wait(1 / 30):
                    break
            page.socket.shutdown(socket.SHUT_RDWR)
        self._told.done["browser cameras"] += 1
        self._pause(0.5, 3)
        self._control.ask("change", settings={"camera": str(self._film)})
        self._pause(3, 10)

    def _spoil(self) -> None:
        """The film is broken, cut short or gone, and whole again."""
        self._pause(2, 6)
        how = self._random.choice(("gone", "broken", "short"))
        if how == "gone":
            self._film.unlink(missing_ok=True)
        elif how == "broken":
            self._film.write_bytes(self._random.randbytes(5000))
        else:
            self._film.write_bytes(self._whole.read_bytes()[: self._whole.stat().st_size // 3])
        self._pause(0.5, 4)
        shutil.copy(self._whole, self._film)
        self._told.done[f"film {how}"] += 1

    def _choose(self) -> None:
        """Other settings."""
        name, values = self._random.choice(
            (
                ("character", ("fox", "mira")),
                ("model", MODELS),
                ("mirror", (True, False)),
                ("smooth", (0.1, 0.5, 0.9)),
                ("person", ("largest", "all")),
                ("framing", ("full", "half", "head")),
                ("background", ("transparent", "#00b140")),
            )
        )
        answer = self._control.ask("change", settings={name: self._random.choice(values)})
        if not answer["ok"]:
            self._told.faults.append(f"{name} was refused: {answer['message']}")
        self._told.done["settings"] += 1
        self._pause(0.1, 2.5)

    def _record(self) -> None:
        """A recording or a snapshot."""
        if self._random.random() < 0.4:
            answer = self._control.ask("snapshot", transparent=True)
            self._told.done["snapshots"] += answer["ok"]
        answer = self._control.ask("record", on=True, film=False)
        if not answer["ok"]:
            self._told.faults.append(f"no recording: {answer['message']}")
            return
        self._pause(0.5, 6)
        answer = self._control.ask("record", on=False, film=False)
        if not answer["ok"] and "no picture came" not in answer["message"]:
            self._told.faults.append(f"a recording was lost: {answer['message']}")
        self._told.done["recordings"] += answer["ok"]
        self._pause(0.2, 1)


def look(program: Program, told: Told, start: float) -> Look:
    """The program as it is now."""
    megabytes, threads, descriptors = program.counts()
    pings, told.pings = told.pings, []
    posed = told.status.get("latency", {}).get("posed", (0.0, 0.0))
    ping = (float(np.percentile(pings, 50)), float(np.percentile(pings, 95))) if pings else (0.0, 0.0)
    done = sum(told.done.values())
    return Look(time.monotonic() - start, megabytes, threads, descriptors, (posed[0], posed[1]), ping, done)


def rested(program: Program, told: Told, start: float) -> tuple[Look, Counter[str], Counter[str]]:
    """The program once all has gone that will go: what it looks like, its threads and its descriptors."""
    best = look(program, told, start)
    until = time.monotonic() + CUT_OFF
    while time.monotonic() < until:
        time.sleep(REST / 6)
        now = look(program, told, start)
        if (now.threads, now.descriptors) <= (best.threads, best.descriptors):
            best = now
    return best, program.names(), program.files()


@contextmanager
def receiver() -> Iterator[int]:
    """Somebody who takes OSC and does nothing with it; the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def judged(looks: list[Look], rests: list[tuple[Look, Counter[str], Counter[str]]]) -> list[str]:
    """What is not as it should be."""
    faults = []
    third = max(len(looks) // 3, 1)
    first, last = (float(np.median([one.megabytes for one in part])) for part in (looks[:third], looks[-third:]))
    if last > first * GROWN[0] and last > first + GROWN[1]:
        faults.append(f"memory grew from {first:.0f} to {last:.0f} MB")
    (before, threads, files), (after, threads_after, files_after) = rests
    if after.threads > before.threads + LEFT:
        faults.append(f"threads: {before.threads}, then {after.threads}; more: {threads_after - threads}")
    if after.descriptors > before.descriptors + LEFT:
        faults.append(f"descriptors: {before.descriptors}, then {after.descriptors}; more: {files_after - files}")
    lag = float(np.median([one.ping[0] for one in looks]))
    if lag > LAG or not all(one.ping[0] for one in looks):
        faults.append(f"a ping was answered after {lag:.0f} ms")
    print(f"memory {first:.0f} MB, then {last:.0f} MB; at rest {before.megabytes:.0f}, then {after.megabytes:.0f} MB")
    print(f"threads at rest {before.threads}, then {after.threads}")
    print(f"descriptors at rest {before.descriptors}, then {after.descriptors}")
    return faults


def read_all(folder: Path) -> list[str]:
    """Read every recording; those that cannot be."""
    faults, frames, count = [], 0, 0
    for path in sorted(folder.iterdir()):
        if path.suffix == ".parquet":
            try:
                take = read_take(path)
                frames += sum(1 for _ in take)
                count += 1
            except Exception as fault:  # noqa: BLE001
                faults.append(f"{path.name}: {fault}")
        elif path.suffix != ".png":
            faults.append(f"{path.name} was left lying about")
    print(f"{count} recordings read, {frames} frames")
    return faults


def chart(looks: list[Look], path: Path) -> None:
    """Five rows of bars, one for each look: memory, threads, descriptors, latency, ping."""
    rows: list[tuple[str, list[float], list[float]]] = [
        ("memory, MB", [one.megabytes for one in looks], []),
        ("threads", [float(one.threads) for one in looks], []),
        ("open descriptors", [float(one.descriptors) for one in looks], []),
        ("posed after, ms (light: p95)", [one.posed[0] for one in looks], [one.posed[1] for one in looks]),
        ("ping answered after, ms (light: p95)", [one.ping[0] for one in looks], [one.ping[1] for one in looks]),
    ]
    width, high, left = 900, 70, 240
    step = (width - left - 20) / max(len(looks), 1)
    shapes: list[Box | Text] = []
    for number, (name, values, above) in enumerate(rows):
        bottom = 30 + (number + 1) * (high + 24)
        most = max([*values, *above, 1e-9])
        shapes += [Text(12, bottom - 4, name), Text(left - 8, bottom - high + 10, f"{most:.0f}", anchor="end", size=11)]
        for series, colour in ((above, "#b9cfe6"), (values, "#2f6db3")):
            for place, value in enumerate(series):
                tall = high * value / most
                shapes.append(Box(left + place * step, bottom - tall, 0.8 * step, tall, colour))
    minutes = looks[-1].at / 60
    shapes.append(
        Text(left, 24, f"bodydouble live: a soak of {minutes:.0f} minutes, a bar every {EVERY:.0f} s", bold=True)
    )
    write_shapes(shapes, (width, 30 + len(rows) * (high + 24) + 20), path)


def soak(program: Program, film: Path, seconds: float, told: Told) -> tuple[list[Look], list[str]]:
    """All of it; what was seen, and what went wrong."""
    control = Control(program, told)
    start = time.monotonic()
    with StandIn(program.port):  # a page that reads and acknowledges, so that there is a latency
        crowd = Crowd(program, control, film, told, seed=0)
        warm = max(WARM * seconds, 3 * EVERY)
        time.sleep(warm)
        crowd.leave()
        rests = [rested(program, told, start)]
        looks = []
        crowd = Crowd(program, control, film, told, seed=1)
        begun = time.monotonic()
        print("     s     MB  threads  descriptors  posed p50  p95 ms  ping p50  p95 ms  things done", flush=True)
        while time.monotonic() < begun + seconds - warm and program.process.poll() is None:
            time.sleep(EVERY)
            looks.append(one := look(program, told, start))
            print(
                f"{one.at:6.0f} {one.megabytes:6.0f} {one.threads:8d} {one.descriptors:12d} {one.posed[0]:10.0f}"
                f" {one.posed[1]:7.0f} {one.ping[0]:9.1f} {one.ping[1]:7.1f} {one.done:12d}",
                flush=True,
            )
        crowd.leave()
        rests.append(rested(program, told, start))
    control.close()
    return looks, judged(looks, rests)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--chart", type=Path)
    options = parser.parse_args()
    if options.clip is None:
        from bodydouble.models import fetch

        options.clip = fetch("walk-front")
    told = Told()
    with TemporaryDirectory(prefix="bodydouble-soak-") as name, receiver() as osc:
        folder = Path(name)
        film = folder / f"film{options.clip.suffix}"
        for copy in (film, film.with_name("whole" + film.suffix)):
            shutil.copy(options.clip, copy)
        program = Program(folder, film, osc)
        try:
            looks, faults = soak(program, film, 60 * options.minutes, told)
            program.process.send_signal(2)
            out, _ = program.process.communicate(timeout=ANSWERED)
        finally:
            if program.process.poll() is None:
                program.process.kill()
        said = program.said.read_text()
        print(out.strip().splitlines()[-1] if out.strip() else "")
        print(", ".join(f"{count} {what}" for what, count in told.done.most_common()))
        if program.process.returncode != 0 or "Traceback" in said:
            faults.append(f"the program ended with {program.process.returncode} and said: {said[-2000:]}")
        faults += read_all(program.recordings) + [
            f"{count} times: {what}" for what, count in Counter(told.faults).items()
        ]
        if options.chart is not None:
            chart(looks, options.chart)
    for fault in faults:
        print(f"FAULT {fault}")
    print("all is well" if not faults else f"{len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
