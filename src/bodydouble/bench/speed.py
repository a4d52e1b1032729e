"""The speed of several models on several devices and of their peers, on the same frames in the same run.

Each has a process of its own. They take turns, a few frames each, so that a busy machine slows all alike; only those of
one model are open at a time. Milliseconds from uint8 image to keypoints.
"""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bodydouble import models
from bodydouble.bench.contenders import Contender, Running, Tools, ours, peer
from bodydouble.estimate import choose_providers
from bodydouble.estimate import models as known_models
from bodydouble.estimate.session import default_threads
from bodydouble.sources import open_source
from bodydouble.types import BodyDoubleError

CLIP = "walk-front"
MOST_FRAMES = 60  # of the clip that are kept in memory and looked at again and again
TURN = 6  # frames in a row for each; the first of them, with cold caches, does not count
ALL = "all"


class Told(Protocol):
    """Who hears how it goes."""

    def step(self, done: int, total: int | None, text: str) -> None:
        """`done` of `total` of what `text` names."""

    def say(self, line: str) -> None:
        """One line worth keeping."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. models, devices, against: names. threads: None for the default. rounds: turns of each."""

    models: tuple[str, ...]
    devices: tuple[str, ...] = ("auto",)
    against: tuple[str, ...] = ()
    threads: int | None = None
    people: int = 1
    rounds: int = 10
    tools: Tools = field(default_factory=Tools)


@dataclass
class Measured:
    """One contender's figures. about: of its start. answers: of each frame that counts."""

    contender: Contender
    about: dict[str, Any]
    answers: list[dict[str, Any]] = field(default_factory=list)

    def values(self, name: str) -> np.ndarray:
        """A figure of every frame, empty where the contender does not give it."""
        return np.array([answer[name] for answer in self.answers if answer.get(name) is not None], dtype=np.float64)

    def typical(self, name: str) -> float | None:
        """The median of a figure, None where the contender does not give it."""
        values = self.values(name)
        return float(np.median(values)) if len(values) else None


@dataclass
class Results:
    """All figures. clip, size: what was looked at. complete: nobody stopped it. faults: who did not run, and why."""

    clip: str
    size: tuple[int, int]
    threads: int
    measured: list[Measured] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    complete: bool = True
    machine: str = ""


def chosen_models(text: str) -> tuple[str, ...]:
    """`all`, or names with commas between them. Raises BodyDoubleError for an unknown one."""
    known = known_models()
    if text == ALL:
        return known
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise BodyDoubleError(f'no pose model "{", ".join(unknown)}"; choose from {ALL}, {", ".join(known)}')
    return names


def measure_models(clip: Path | None, plan: Plan, told: Told) -> Results:
    """Measure what is planned. Ctrl-C ends it with what was measured so far; who does not run is told, in `faults`.

    Raises BodyDoubleError for an unknown device or peer, a clip that cannot be read, and if nothing could be measured.
    """
    for device in plan.devices:
        choose_providers(device)
    told.step(0, None, "reading the clip")
    path = clip or models.fetch(CLIP, told.step)
    frames = read_frames(path)
    threads = plan.threads or default_threads()
    results = Results(path.name, (frames.shape[2], frames.shape[1]), threads, machine=machine())
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "frames.npy"
        np.save(stored, frames)
        try:
            for number, model in enumerate(plan.models):
                whole = len(plan.models) * plan.rounds
                _measure_model(model, plan, stored, results, _Steps(told, number * plan.rounds, whole))
        except KeyboardInterrupt:
            results.complete = False
    results.measured = [one for one in results.measured if one.answers]
    if not results.measured:
        raise BodyDoubleError("; ".join(results.faults) or "stopped before anything was measured")
    return results


@dataclass(frozen=True, slots=True)
class _Steps:
    """Progress of one model within the whole."""

    told: Told
    before: int
    total: int

    def __call__(self, done: int, text: str) -> None:
        self.told.step(self.before + done, self.total, text)


def _measure_model(model: str, plan: Plan, frames: Path, results: Results, step: _Steps) -> None:
    """All contenders with one model, in turns."""
    with ExitStack() as stack:
        step(0, f"{model}: starting")
        running: list[tuple[Running, Measured]] = []
        for contender in contenders(model, plan, results.threads):
            try:
                process = stack.enter_context(closing(Running(contender, frames)))
            except BodyDoubleError as fault:
                results.faults.append(str(fault))
                continue
            running.append((process, Measured(contender, process.about)))
        results.measured.extend(measured for _, measured in running)
        for done in range(plan.rounds if running else 0):
            step(done, model)
            for process, measured in list(running):
                try:
                    turn = [process(1 + done * TURN + frame) for frame in range(TURN)]
                except BodyDoubleError as fault:
                    results.faults.append(str(fault))
                    running.remove((process, measured))
                    continue
                measured.answers.extend(turn[1:])


def contenders(model: str, plan: Plan, threads: int) -> Iterator[Contender]:
    """Ours on every device asked for, then the peers that have the model."""
    for device in plan.devices:
        yield ours(model, device, plan.threads, plan.people)
    for name in plan.against:
        other = peer(name, model, threads, plan.tools)
        if other is not None:
            yield other


def read_frames(path: Path) -> np.ndarray:
    """(N, H, W, 3) the first frames of a clip; pictures of a folder that differ in size end it."""
    with open_source(path) as source:
        images = [frame.image for frame in islice(source, MOST_FRAMES)]
    if not images:
        raise BodyDoubleError(f"{path.name} has no frames; give a clip that has some with --clip")
    return np.stack([image for image in images if image.shape == images[0].shape])


def machine() -> str:
    """The processor and the system, in words."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = f"{lines[0].split(':')[1].strip()}, {len(lines)} cores" if lines else name
    return f"{name}, {platform.system()}"


def ratio(one: Measured, other: Measured, figure: str = "ms") -> float:
    """The typical ratio of a figure of theirs on the same frames of the same turns."""
    mine, theirs = one.values(figure), other.values(figure)
    count = min(len(mine), len(theirs))
    return float(np.median(mine[:count] / theirs[:count]))


def peers_of(measured: Measured, among: Sequence[Measured]) -> list[Measured]:
    """The peers that were measured with the same model."""
    return [other for other in among if other.contender.peer and other.contender.model == measured.contender.model]
