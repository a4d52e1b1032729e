"""A soak of `bodydouble live`: pages come and go, sources fail, one page never reads, and nothing may grow or be left.

    python benchmarks/live_soak.py [CLIP] [--minutes 10] [--chart soak.svg]

The program runs as its users have it, in a process of its own. Beside it, until time is over: visitors to every socket,
some of whom vanish without a word; real browsers with both pages; a page that never reads; a browser's camera that
comes and vanishes; a film that is broken, removed and brought back while it is the camera; other characters, models,
people and switches; clicks and calibrations; recordings, films of them, and snapshots; a client of the motion; OSC.
Every ten seconds the program is looked at from outside (/proc, so Linux only): memory in MB, threads, open descriptors,
latency in ms (p50 and p95, from capture until a page had posed), and how long the server took to answer a ping, in ms.

First each of these is done once, then all of it for a while; then all leave, everything is put back, and the program
comes to rest: that is what it is measured against in the end, thread for thread and descriptor for descriptor. Exits
with 1 if memory grew, if a thread or a descriptor was left, if the server stopped answering, if a recording or a film
cannot be read, or if the program or a page said or did what it should not.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from live_soak_crowd import Crowd
from live_soak_program import ANSWERED, Control, Program, Told

from bodydouble.bench.chart import Box, Text, write_shapes
from bodydouble.bench.stand_in import StandIn
from bodydouble.outputs.take import read_take
from bodydouble.sources import open_source

EVERY = 10.0  # seconds between looks
WARM = 0.2  # share of the time that is the first round: models and characters are loaded for the first time
CUT_OFF = 25.0  # seconds in which all that was left must be gone: what is stuck is cut off after 20 at the latest
OFTEN = 2.0  # seconds between looks at a program that comes to rest
GROWN = (1.08, 25.0)  # memory may grow by this factor, or this many MB: what the allocator keeps differs by as much
FILMS = (".mp4", ".webm")  # the latter where the background is transparent
LAG = 500.0  # ms for a ping at p50, beside whatever else the machine does


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


def look(program: Program, told: Told, start: float) -> Look:
    """The program as it is now."""
    megabytes, threads, descriptors = program.counts()
    pings, told.pings = told.pings, []
    posed = told.status.get("latency", {}).get("posed", (0.0, 0.0))
    ping = (float(np.percentile(pings, 50)), float(np.percentile(pings, 95))) if pings else (0.0, 0.0)
    done = sum(told.done.values())
    return Look(time.monotonic() - start, megabytes, threads, descriptors, (posed[0], posed[1]), ping, done)


@dataclass(frozen=True, slots=True)
class Rest:
    """The program when all has gone that will go, with its threads and descriptors by what they are."""

    look: Look
    threads: Counter[str]
    files: Counter[str]


def rested(program: Program, told: Told, start: float) -> Rest:
    """Wait until the program is at rest: the fewest threads and descriptors it has for as long as anything may last."""
    best = Rest(look(program, told, start), program.threads(), program.files())
    until = time.monotonic() + CUT_OFF
    while time.monotonic() < until:
        program.fetch()
        time.sleep(OFTEN)
        now = look(program, told, start)
        if (now.threads, now.descriptors) <= (best.look.threads, best.look.descriptors):
            best = Rest(now, program.threads(), program.files())
    return best


@contextmanager
def receiver() -> Iterator[int]:
    """Somebody who takes OSC and does nothing with it; the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def judged(looks: list[Look], before: Rest, after: Rest) -> list[str]:
    """What is not as it should be. Prints the figures that it judges by."""
    faults = []
    third = max(len(looks) // 3, 1)
    first, last = (float(np.median([one.megabytes for one in part])) for part in (looks[:third], looks[-third:]))
    rest, rest_after = before.look, after.look
    for when, then, now in (("", first, last), (" at rest", rest.megabytes, rest_after.megabytes)):
        print(f"memory{when} {then:.0f} MB, then {now:.0f} MB")
        if now > then * GROWN[0] and now > then + GROWN[1]:
            faults.append(f"memory{when} grew from {then:.0f} to {now:.0f} MB")
    for what, then, now, more in (
        ("threads", rest.threads, rest_after.threads, after.threads - before.threads),
        ("descriptors", rest.descriptors, rest_after.descriptors, after.files - before.files),
    ):
        print(f"{what} at rest {then}, then {now}")
        if now > then:
            faults.append(f"{what}: {then}, then {now}; more: {dict(more)}")
    lag = float(np.median([one.ping[0] for one in looks]))
    if lag > LAG or not all(one.ping[0] for one in looks):
        faults.append(f"a ping was answered after {lag:.0f} ms")
    return faults


def read_all(folder: Path) -> list[str]:
    """Read every recording, film and snapshot; those that cannot be."""
    faults = []
    counts: Counter[str] = Counter()
    for path in sorted(folder.iterdir()):
        try:
            if path.suffix == ".parquet":
                counts["frames"] += sum(1 for _ in read_take(path))
            elif path.suffix in FILMS:
                counts["pictures"] += sum(1 for _ in open_source(path))
                counts["films"] += 1
            elif path.suffix != ".png" or cv2.imread(str(path), cv2.IMREAD_UNCHANGED) is None:
                faults.append(f"{path.name} was left lying about")
            counts[path.suffix] += 1
        except Exception as fault:  # noqa: BLE001
            faults.append(f"{path.name}: {type(fault).__name__}: {fault}")
    print(
        f"{counts['.parquet']} recordings read with {counts['frames']} frames, "
        f"{counts['films']} films with {counts['pictures']} pictures, {counts['.png']} snapshots"
    )
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
    looks: list[Look] = []
    rests: list[Rest] = []
    warm = max(WARM * seconds, 3 * EVERY)
    with StandIn(program.port):  # a page that reads and acknowledges, so that there is a latency
        for seed, lasts in ((0, warm), (1, seconds - warm)):
            crowd = Crowd(program, control, film, told, seed)
            crowd.everything()
            crowd.start()
            begun = time.monotonic()
            looks = watch(program, told, start, begun + lasts)
            crowd.leave()
            rests.append(rested(program, told, start))
            one = rests[-1]
            print(f"at rest {one.look.threads} threads, {dict(one.threads)}", flush=True)
            print(f"        {one.look.descriptors} descriptors, {dict(one.files)}", flush=True)
    control.close()
    return looks, judged(looks, *rests)


def watch(program: Program, told: Told, start: float, until: float) -> list[Look]:
    """Look at the program until time is over or it has ended; prints what is seen."""
    looks = []
    print("     s     MB  threads  descriptors  posed p50  p95 ms  ping p50  p95 ms  things done", flush=True)
    while time.monotonic() < until and program.process.poll() is None:
        time.sleep(EVERY)
        looks.append(one := look(program, told, start))
        print(
            f"{one.at:6.0f} {one.megabytes:6.0f} {one.threads:8d} {one.descriptors:12d} {one.posed[0]:10.0f}"
            f" {one.posed[1]:7.0f} {one.ping[0]:9.1f} {one.ping[1]:7.1f} {one.done:12d}",
            flush=True,
        )
    return looks


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
            program.process.send_signal(signal.SIGINT)
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
