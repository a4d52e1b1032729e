"""Films of recordings, made one after the other by another process of low priority, so that the live run goes on.

The process ends, and removes what it has half made, when this one closes its standard input or is gone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bodydouble.outputs.files import beside

MODULE = "bodydouble.cli.filming"
PATIENCE = 1.0  # seconds that a film being cancelled has to clean up before it is killed and that is done for it


@dataclass(frozen=True, slots=True)
class FilmState:
    """busy: films are being made or wait; progress: 0..1 of the current one. film: the last one made.

    message: what became of the last one, one sentence, "" before the first and while one is made.
    """

    busy: bool = False
    progress: float = 0.0
    film: Path | None = None
    message: str = ""


class Filming:
    """Makes films of takes, in the order asked for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Path] = deque()
        self._state = FilmState()
        self._child: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._cancelled: list[Path] = []

    @property
    def cancelled(self) -> tuple[Path, ...]:
        """Takes of which no film was made because of `close`."""
        return tuple(self._cancelled)

    @property
    def state(self) -> FilmState:
        """How it goes."""
        return self._state

    def make(self, take: Path) -> None:
        """Film `take` as it was shown live, beside it; returns at once."""
        with self._changed:
            if self._closed.is_set():
                return
            self._waiting.append(take)
            self._state = replace(self._state, busy=True, message="")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="bodydouble-filming", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all films are made; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._state.busy, timeout)

    def close(self) -> None:
        """Cancel what is being made and what waits; nothing half-made stays. Closing twice is allowed."""
        with self._changed:
            self._closed.set()
            self._cancelled += self._waiting
            self._waiting.clear()
            child, thread = self._child, self._thread
            self._changed.notify_all()
        if child is not None:
            _cancel(child)
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed.is_set() or self._waiting)
                if self._closed.is_set():
                    self._state = replace(self._state, busy=False, progress=0.0)
                    self._changed.notify_all()
                    return
                take = self._waiting.popleft()
            film, message = self._film(take)
            with self._changed:
                self._state = FilmState(bool(self._waiting), 0.0, film or self._state.film, message)
                self._changed.notify_all()

    def _film(self, take: Path) -> tuple[Path | None, str]:
        """The film's path, None if there is none, and what to say."""
        with self._changed:
            if self._closed.is_set():
                self._cancelled.insert(0, take)
                return None, ""
            try:
                child = self._child = _begin(take)
            except OSError as error:
                return None, f"no film of {take.name} could be made ({error.strerror or error})"
        last, film = "", None
        for line in child.stdout or ():
            told = _told(line)
            if told is None:
                last = line.strip() or last
            elif "film" in told:
                film = Path(str(told["film"]))
            else:
                self._state = replace(self._state, progress=float(told["progress"]))
        code = child.wait()
        _let_go(child)
        with self._changed:
            self._child = None
        if code != 0 and film is not None:  # killed: it could not clean up itself
            beside(film, f"{child.pid}.part").unlink(missing_ok=True)
        if code == 0 and film is not None:
            return film, f"the film is ready: {film.name}"
        if self._closed.is_set():
            self._cancelled.insert(0, take)
            return None, ""
        return None, f"no film of {take.name} was made: {last or f'its process ended with {code}'}"


def _begin(take: Path) -> subprocess.Popen[str]:
    """The process that makes a film; it hears neither our Ctrl-C nor our priority."""
    command = [sys.executable, "-m", MODULE, str(take)]
    pipe = subprocess.PIPE
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW}
    return subprocess.Popen(
        command,
        stdin=pipe,
        stdout=pipe,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",  # libraries may print what they like
        **apart,
    )


def _told(line: str) -> dict[str, Any] | None:
    """What the process says of how it goes; None for any other line."""
    if not line.startswith("{"):
        return None
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _let_go(child: subprocess.Popen[str]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _cancel(child: subprocess.Popen[str]) -> None:
    """End the process: by closing its input, and if that does not help, by force."""
    if child.stdin is not None:
        with suppress(OSError):
            child.stdin.close()
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
