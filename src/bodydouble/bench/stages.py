"""How long each stage takes on a clip: one stage after the other on the same frames, in milliseconds a frame.

Stages run alone, in turn, as nothing but their own time is meant; `animate` overlaps them, and its frames a second are
measured apart. A peer runs in an interpreter of its own, as its requirements may clash with ours.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bodydouble import characters, models
from bodydouble.bench.memory import peak_megabytes
from bodydouble.films import Look, Silent, film
from bodydouble.outputs.draw import Figure, Stage
from bodydouble.outputs.video import VideoWriter
from bodydouble.pipeline import Act, Config, Steady, Watch
from bodydouble.sources import open_source
from bodydouble.types import BodyDoubleError, Frame

CLIP = "walk-front"
MOST_FRAMES = 300  # of a clip that are measured
WARM_UP = 5  # frames at the start that do not count: sessions and caches settle
STAGES = ("decode", "estimate", "smooth", "retarget", "draw", "encode")
PEERS = ("mediapipe",)
COMPLEXITY = {"blazepose-lite": 0, "blazepose-full": 1, "blazepose-heavy": 2}

# Runs in the peer's interpreter: times MediaPipe's tracking on the frames of a clip, decoded by OpenCV.
MEDIAPIPE = """
import json, sys, time
import cv2, mediapipe
complexity, limit = int(sys.argv[2]), int(sys.argv[3])
pose = mediapipe.solutions.pose.Pose(model_complexity=complexity)
clip, times = cv2.VideoCapture(sys.argv[1]), []
while len(times) < limit:
    more, frame = clip.read()
    if not more:
        break
    frame = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    begun = time.perf_counter()
    pose.process(frame)
    times.append(time.perf_counter() - begun)
print(json.dumps({"seconds": times}))
"""


@dataclass
class Stopwatch:
    """Seconds of each frame in each stage."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Times the block as one frame of `stage`."""
        begun = time.perf_counter()
        yield
        self.seconds[stage].append(time.perf_counter() - begun)


def measure(
    clip: Path | None,
    *,
    character: str,
    model: str,
    device: str,
    size: tuple[int, int],
    against: str = "",
    peer_python: Path | None = None,
    threads: int | None = None,
) -> None:
    """Print the table of stages, and the ratio to a peer if one is asked for. Raises BodyDoubleError for bad input."""
    if against and against not in PEERS:
        raise BodyDoubleError(f'--against "{against}"; choose from {", ".join(PEERS)}')
    clip = clip or models.fetch(CLIP)
    console = Console()
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        config = Config(model=model, device=device, threads=threads)
        provider = _stages(clip, character, config, size, watch, Path(folder) / "stages.mp4")
        frames, seconds = _whole(clip, character, config, size, Path(folder) / "whole.mp4")
    console.print(f"{clip.name}: {model} on {provider}, drawn {size[0]}x{size[1]}", soft_wrap=True, highlight=False)
    table = Table("stage", "p50 ms", "p95 ms")
    for stage, values in watch.seconds.items():
        p50, p95 = np.percentile(1000 * np.array(values[WARM_UP:] or values), (50, 95))
        table.add_row(stage, f"{p50:.2f}", f"{p95:.2f}")
    console.print(table)
    whole = f"animate: {frames} pictures in {seconds:.2f} s, {frames / seconds:.1f} a second in all"
    console.print(whole, soft_wrap=True, highlight=False)
    machine = f"{platform.machine()}, {platform.processor() or platform.system()}"
    console.print(f"peak memory {peak_megabytes():.0f} MB; {machine}", soft_wrap=True, highlight=False)
    if against:
        theirs = _mediapipe(clip, model, peer_python or Path(sys.executable))
        ours = float(np.median(watch.seconds["estimate"][WARM_UP:]))
        console.print(
            f"estimate against MediaPipe, same frames, same model: {1000 * ours:.2f} ms to {1000 * theirs:.2f} ms, "
            f"ratio {ours / theirs:.2f}",
            soft_wrap=True,
            highlight=False,
        )


def _stages(clip: Path, character: str, config: Config, size: tuple[int, int], watch: Stopwatch, out: Path) -> str:
    """Run the stages in turn over the clip; returns the provider in use."""
    puppet = characters.load(character)
    see, steady, stage = Watch(config), Steady(config.smooth), Stage(size)
    with open_source(clip) as source, VideoWriter(out, size, source=clip) as video:
        act = Act(puppet.rig, config, source.info.size)
        for frame in _decoded(iter(source), watch):
            with watch.time("estimate"):
                found = see.estimate(frame)
            with watch.time("smooth"):
                people = steady(see.identify(found, frame.size, frame.time), frame.time)
            with watch.time("retarget"):
                rigs = [act(pose) for pose in people[:1]] or [act.idle(frame.time)]
            with watch.time("draw"):
                picture = stage.render([Figure(puppet, rig) for rig in rigs])
            with watch.time("encode"):
                video.write(picture, frame.time)
    return see.estimate.provider


def _decoded(frames: Iterator[Frame], watch: Stopwatch) -> Iterator[Frame]:
    """The first MOST_FRAMES frames, timed."""
    for _ in range(MOST_FRAMES):
        begun = time.perf_counter()
        frame = next(frames, None)
        if frame is None:
            return
        watch.seconds["decode"].append(time.perf_counter() - begun)
        yield frame


def _whole(clip: Path, character: str, config: Config, size: tuple[int, int], out: Path) -> tuple[int, float]:
    """Pictures and seconds of one `animate` of the whole clip, the opening of the model included."""
    counter = _Counter()
    begun = time.perf_counter()
    film(clip, character, out, config, Look(size=size), told=counter)
    return counter.done, time.perf_counter() - begun


class _Counter(Silent):
    """Remembers how far a run came."""

    done = 0

    def step(self, done: int, total: int | None, text: str) -> None:
        """Keep `done`."""
        self.done = done


def _mediapipe(clip: Path, model: str, python: Path) -> float:
    """MediaPipe's median seconds a frame."""
    if model not in COMPLEXITY:
        raise BodyDoubleError(f'MediaPipe has no "{model}"; choose from {", ".join(COMPLEXITY)}')
    command = [str(python), "-c", MEDIAPIPE, str(clip), str(COMPLEXITY[model]), str(MOST_FRAMES)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        lines = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise BodyDoubleError(
            f"MediaPipe does not run in {python} ({lines[-1] if lines else error}); "
            "name one that has mediapipe 0.10.21 with --peer-python"
        ) from error
    seconds = json.loads(run.stdout.strip().splitlines()[-1])["seconds"]
    return float(np.median(seconds[WARM_UP:]))
