"""The character as it is now, as a PNG."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bodydouble.live.config import LiveConfig
from bodydouble.live.drawing import Drawing
from bodydouble.live.moment import LiveMoment
from bodydouble.live.newest import Newest
from bodydouble.outputs.files import beside, write_error
from bodydouble.outputs.names import dated, ready_folder, settle
from bodydouble.outputs.pictures import OnePicture
from bodydouble.types import BodyDoubleError

SIZE = (1920, 1080)
BACKGROUND = "#f4f1ea"  # where a background is wanted and the stage's is transparent; that of films
PATIENCE = 3.0  # seconds to wait for the character, which moves ten times a second at least, idle or not


class Pictured(Protocol):
    """What is wanted of a live run here."""

    @property
    def config(self) -> LiveConfig: ...  # noqa: D102

    def listen(self, callback: Callable[[LiveMoment], None]) -> Callable[[], None]: ...  # noqa: D102


def snapshot(
    live: Pictured,
    folder: Path,
    transparent: bool = True,
    *,
    pictures: Path | None = None,
    size: tuple[int, int] = SIZE,
) -> Path:
    """Save the character as it is at the next moment; returns the picture's path. Takes up to a second.

    folder: made if need be; nothing in it is replaced. transparent: without the background. pictures: the folder of the
    backgrounds called "picture:NAME". Raises BodyDoubleError if nothing moves yet, or the file cannot be written.
    """
    folder = ready_folder(folder)
    newest: Newest[LiveMoment] = Newest()
    stop_listening = live.listen(newest.put)
    try:
        moment = newest.take(PATIENCE)
    finally:
        stop_listening()
    if moment is None:
        raise BodyDoubleError("the character is not there yet; take the snapshot again when it moves")
    instead = None if transparent else BACKGROUND
    with closing(Drawing(size, pictures=pictures, instead=instead, patient=True)) as drawing:
        picture = drawing(moment, live.config)
    stem = dated(datetime.now())
    temporary = beside(folder / f"{stem}.png", f"{os.getpid()}-{threading.get_ident()}.part")
    try:
        OnePicture(temporary, temporary.name, transparent=transparent).write(picture, 0.0)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise write_error(folder / f"{stem}.png", error) from error
    return settle(temporary, folder, stem, ".png")
