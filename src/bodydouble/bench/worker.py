"""One model on one device in a process of its own: its start-up and memory are nobody else's.

    python -m bodydouble.bench.worker FRAMES.npy MODEL DEVICE THREADS PEOPLE

FRAMES: (N, H, W, 3) uint8 RGB. THREADS: 0 for the default. Answers lines of JSON: first {device, runtime, threads,
seconds, people} of the start, the first frame included; then for each frame number on standard input {ms, cpu, graph,
crop, bytes_in, bytes_out, megabytes, people}: milliseconds from image to keypoints on the clock and of CPU time, those
in the graphs and those of crops that are made outside them, bytes that went in and out. A BodyDoubleError is {error}.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bodydouble.bench.memory import peak_megabytes
from bodydouble.types import BodyDoubleError, Frame

RATE = 30.0  # frames a second that the frames are taken to be apart


class Frames:
    """The frames of a .npy file, read one by one: a mapped file would count as this process's memory."""

    def __init__(self, path: str) -> None:
        mapped = np.load(path, mmap_mode="r")
        self._path, self._offset, self._shape = path, int(mapped.offset), mapped.shape

    def frame(self, number: int) -> Frame:
        """A frame by its number, from the start again after the last."""
        size = int(np.prod(self._shape[1:]))
        place = self._offset + size * (number % self._shape[0])
        image = np.fromfile(self._path, np.uint8, size, offset=place).reshape(self._shape[1:])
        image.setflags(write=False)
        return Frame(image, number / RATE, number)


class Clock:
    """Seconds spent in functions that were put on it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def on(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time counted."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - begun

        return timed


def main() -> None:
    """Serve until standard input ends."""
    path, model, device, threads, people = sys.argv[1:6]
    frames = Frames(path)
    try:
        serve(frames, model, device, int(threads) or None, int(people))
    except BodyDoubleError as error:
        tell(error=str(error))


def serve(frames: Frames, model: str, device: str, threads: int | None, people: int) -> None:
    """Load the model, look at the first frame, then at those asked for."""
    begun = time.perf_counter()
    from bodydouble.estimate import cropping, load
    from bodydouble.estimate.session import opened

    crops = Clock()
    for name in ("cut", "whole"):
        setattr(cropping, name, crops.on(getattr(cropping, name)))
    with opened() as sessions:
        estimate = load(model, device=device, people=people, threads=threads)
    found = estimate(frames.frame(0))
    tell(
        device=estimate.provider,
        runtime=sessions[0].runtime if sessions else "",
        threads=sessions[0].threads if sessions else 0,
        seconds=time.perf_counter() - begun,
        people=len(found),
    )
    for line in sys.stdin:
        frame = frames.frame(int(line))
        before = [(s.seconds, s.total_in, s.total_out) for s in sessions]
        crops.seconds = 0.0
        begun, begun_cpu = time.perf_counter(), time.process_time()
        found = estimate(frame)
        spent, spent_cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
        after = [(s.seconds, s.total_in, s.total_out) for s in sessions]
        graph, came, went = np.subtract(after, before).sum(axis=0) if sessions else np.zeros(3)
        tell(
            ms=1e3 * spent,
            cpu=1e3 * spent_cpu,
            graph=1e3 * graph,
            crop=1e3 * crops.seconds,
            bytes_in=int(came),
            bytes_out=int(went),
            megabytes=peak_megabytes(),
            people=len(found),
        )


def tell(**values: Any) -> None:
    """One line of JSON."""
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
