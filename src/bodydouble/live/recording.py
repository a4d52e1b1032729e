"""Recording while live: what was measured to a take, and after it, if asked for, a film of the character.

The take holds the poses as measured and how they were shown (look.py), so that it can be animated anew. Seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from bodydouble.live.config import LiveConfig
from bodydouble.live.filming import Filming
from bodydouble.live.look import is_live, look_of, to_settings
from bodydouble.live.moment import LiveMoment, LiveReport
from bodydouble.live.tape import KEPT, Tape
from bodydouble.outputs import recovery
from bodydouble.outputs.names import dated, ready_folder
from bodydouble.outputs.recovery import Recovered
from bodydouble.outputs.take_format import TakeInfo
from bodydouble.skeletons import BLAZEPOSE_33
from bodydouble.types import BodyDoubleError, SourceInfo


class Recorded(Protocol):
    """What is wanted of a live run here."""

    @property
    def config(self) -> LiveConfig: ...  # noqa: D102

    def listen(self, callback: Callable[[LiveMoment], None]) -> Callable[[], None]: ...  # noqa: D102

    def report(self) -> LiveReport: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class RecordingState:
    """state: "off", "recording", or "saving": a take is being completed or a film made, `progress` 0..1 of it.

    path: of the current or last take. film: of the last film, None if none was made. message: one sentence, "" if there
    is nothing to say. unfilmed: takes of which no film was made because the run ended.
    """

    state: str = "off"
    path: Path | None = None
    seconds: float = 0.0
    frames: int = 0
    progress: float = 0.0
    message: str = ""
    film: Path | None = None
    unfilmed: tuple[Path, ...] = ()


class Recorder:
    """Records a live run, one recording at a time. Every name may be used from any thread; `stop` may take a while."""

    def __init__(self, *, pictures: Path | None = None) -> None:
        """pictures: the folder of the backgrounds called "picture:NAME"."""
        self._pictures = pictures
        self._lock = threading.Lock()
        self._tape: Tape | None = None
        self._stop_listening: Callable[[], None] = lambda: None
        self._saving = False
        self._film = False
        self._message = ""
        self._filming = Filming()

    def start(self, live: Recorded, folder: Path, film: bool = False) -> Path:
        """Begin a recording in `folder`, which is made if need be; returns the take's path to be.

        film: also make a film of it once it is stopped. Raises BodyDoubleError if it is recording already, or the
        folder cannot be written to.
        """
        with self._lock:
            if self._tape is not None and (self._saving or self._tape.running):
                raise BodyDoubleError(f"already recording to {self._tape.path.name}; stop that first")
            stem = dated(datetime.now())
            tape = Tape(ready_folder(folder), stem, lambda: _info(live, self._pictures))
            self._tape, self._film, self._message = tape, film, ""
            self._stop_listening()
            self._stop_listening = live.listen(tape.put)
            return tape.path

    def stop(self, film: bool | None = None) -> Path:
        """End the recording and complete its take; returns its path. A film is then made beside what goes on.

        film: other than was said at the start. Raises BodyDoubleError when nothing is being recorded, when no frame
        came, and when the take could not be completed: what was recorded until then is kept and can be read.
        """
        with self._lock:
            tape = self._tape
            if tape is None or self._saving or not (tape.running or tape.fault):
                raise BodyDoubleError("nothing is being recorded")
            self._saving = True
            self._stop_listening()
        try:
            tape.end()
        finally:
            with self._lock:
                self._saving = False
        if tape.fault:
            self._message, tape.fault = _stopped(tape), ""
            raise BodyDoubleError(self._message)
        if not tape.paths:
            self._message = "nothing was recorded: no picture came from the camera meanwhile"
            raise BodyDoubleError(self._message)
        self._message = _note(tape)
        if self._film if film is None else film:
            for path in tape.paths:
                self._filming.make(path)
        return tape.paths[0]

    @property
    def report(self) -> RecordingState:
        """How it goes."""
        tape, filming = self._tape, self._filming.state
        state = RecordingState(
            message=filming.message or self._message, film=filming.film, unfilmed=self._filming.cancelled
        )
        if tape is None:
            return state
        message = _stopped(tape) if tape.fault else _note(tape) if tape.running else state.message
        recording = tape.running
        return RecordingState(
            state="recording" if recording else "saving" if self._saving or filming.busy else "off",
            path=tape.path if recording or not tape.paths else tape.paths[-1],
            seconds=tape.seconds,
            frames=tape.frames,
            progress=0.0 if recording else filming.progress,
            message=message,
            film=state.film,
            unfilmed=state.unfilmed,
        )

    def close(self) -> None:
        """Complete a recording that is going on, cancel films. Closing twice is allowed."""
        self._stop_listening()
        tape = self._tape
        if tape is not None:
            tape.end()
        self._filming.close()


def recover_all(folder: Path) -> list[Recovered]:
    """Make takes of recordings in `folder` that a crash or a kill interrupted; call it before recording anew there."""
    return recovery.recover_all(folder, wanted=is_live) if folder.is_dir() else []


def _info(live: Recorded, pictures: Path | None) -> TakeInfo:
    """What a take made now says of itself."""
    config, report = live.config, live.report()
    source = SourceInfo(
        name=report.source.name,
        size=report.source.size,
        rate=Fraction(report.source.fps).limit_denominator(1001),
    )
    settings = {"person": config.person, "smooth": "0", **to_settings(look_of(config, pictures))}
    return TakeInfo(
        source=source,
        skeleton=BLAZEPOSE_33.name,  # the tape says which it is
        model=report.model.name,
        provider=report.model.provider,
        fov=config.fov,
        settings=settings,
    )


def _stopped(tape: Tape) -> str:
    kept = f"; {KEPT} {tape.path.name}" if tape.frames and KEPT not in tape.fault else ""
    return f"the recording stopped by itself: {tape.fault}{kept}"


def _note(tape: Tape) -> str:
    """What is to be said of a recording that goes well or went well."""
    missed = f"the disk is too slow: {tape.missed} frames were not recorded" if tape.missed else ""
    return "; ".join(part for part in (tape.note, missed) if part)
