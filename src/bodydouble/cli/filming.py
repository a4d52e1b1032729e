"""A live recording becomes a film: what `live` runs as another process (live/filming.py), not a command of its own.

python -m bodydouble.cli.filming TAKE: a line of JSON for each step, {"film": PATH} first. It ends, leaving nothing
half-made, when its standard input is closed.
"""

from __future__ import annotations

import _thread
import json
import os
import sys
import threading
import time
from pathlib import Path

from bodydouble.cli.options import typed
from bodydouble.types import BodyDoubleError

PAUSE = 0.2  # seconds between two steps that are told
NICENESS = 10  # of 19: whatever is live goes first
CANCELLED = 130


class Told:
    """Tells the steps of a run (films.Told) as lines."""

    def __init__(self) -> None:
        self._next = 0.0

    def step(self, done: int, total: int | None, text: str) -> None:
        """`done` of `total` (None: unknown)."""
        if total and time.monotonic() >= self._next:
            self._next = time.monotonic() + PAUSE
            print(json.dumps({"progress": min(1.0, done / total)}), flush=True)

    def say(self, line: str) -> None:
        """Nothing: who asked knows."""


def film(take: Path) -> None:
    """Make the film of a take beside it, as it was shown live: WebM if the background is transparent, else MP4."""
    from bodydouble.films import Look
    from bodydouble.films import film as make
    from bodydouble.live.look import from_settings
    from bodydouble.outputs.take import read_take

    look = from_settings(read_take(take).info)
    out = film_path(take, look.background)
    print(json.dumps({"film": str(out)}), flush=True)
    film_look = Look(background=look.background, rate=look.fps, framing=look.framing, shadow=look.shadow)
    make(take, look.character, out, look.config, film_look, neutral=look.calibration, alive=True, told=Told())


def film_path(take: Path, background: str) -> Path:
    """Where the film of a take goes: beside it, in a name that is free."""
    from bodydouble.films import TRANSPARENT
    from bodydouble.outputs.names import free

    return free(take.parent, take.stem, [".webm" if background == TRANSPARENT else ".mp4"])


def how_to_film(take: Path) -> str:
    """The command that makes the film of a take, to be typed."""
    from bodydouble.live.look import from_settings
    from bodydouble.outputs.take import read_take

    out = film_path(take, from_settings(read_take(take).info).background)
    return typed("bodydouble", "animate", str(take), "--as-live", "-o", str(out))


def main() -> None:
    """Exit code 0: done; 2: the user can mend it, one line says how; 130: cancelled."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_watch, name="bodydouble-parent", daemon=True).start()
    try:
        film(Path(sys.argv[1]))
    except BodyDoubleError as error:
        print(str(error), flush=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(CANCELLED)


def _watch() -> None:
    """Stop when whoever started this closes the pipe, or ends in any way."""
    while os.read(0, 4096):  # not through sys.stdin: a thread that holds its lock breaks the end of the interpreter
        pass
    _thread.interrupt_main()


if __name__ == "__main__":
    main()
