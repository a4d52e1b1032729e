"""What interrupted recordings left behind in a folder: listed, and made whole takes of.

A journal that a process is writing at this moment is left alone; one that holds no frame is removed, as is the
half-made file of a take that was interrupted while it was completed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bodydouble.outputs import journal
from bodydouble.outputs.take import read_take, recover
from bodydouble.outputs.take_format import TakeInfo
from bodydouble.types import BodyDoubleError

SUFFIX = ".parquet"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of an interrupted recording. path: the take's. frames: that it has now, 0 if it could not be made.

    message: one sentence for people.
    """

    path: Path
    frames: int
    message: str


def interrupted(folder: Path) -> list[Path]:
    """The takes (as they would be called) in a folder that have a journal, by name; those being recorded included.

    Raises BodyDoubleError if the folder cannot be read.
    """
    try:
        names = sorted(folder.iterdir())
    except OSError as error:
        raise BodyDoubleError(f"cannot read {folder} ({error.strerror}); give a folder of takes") from error
    takes = [take for piece in names if piece.is_file() and (take := journal.take_of(piece)) is not None]
    return [take for take in dict.fromkeys(takes) if journal.place(take, 1).is_file()]


def recover_all(folder: Path, *, wanted: Callable[[TakeInfo], bool] = lambda info: True) -> list[Recovered]:
    """Make takes of all interrupted recordings in a folder. wanted: which of them, by what they say of themselves.

    One that fails does not keep the others from being tried: its message says why, and its journal stays.
    """
    found = []
    for take in interrupted(folder):
        info = journal.about(take)
        if journal.is_held(take) or (info is not None and not wanted(info)):
            continue
        try:
            done = _recovered(take, info)
        except BodyDoubleError as error:
            done = Recovered(take, 0, str(error))
        except OSError as error:
            done = Recovered(take, 0, f"cannot recover {take} ({error.strerror or error}); look after its folder")
        if done is not None:
            found.append(done)
    return found


def _recovered(take: Path, info: TakeInfo | None) -> Recovered | None:
    """What became of one journal, None if there was nothing in it."""
    for half in take.parent.glob(f".{_plain(take.name)}.*.part"):
        half.unlink(missing_ok=True)
    count = 0 if info is None else journal.done(take, info)[0]
    if count == 0:
        if info is not None or journal.place(take, 1).stat().st_size == 0:  # else it is damaged: not ours to remove
            journal.remove(take)
            return None
        raise BodyDoubleError(f"{journal.place(take, 1)} cannot be read; it is no journal of a take, or is damaged")
    if take.exists() and len(read_take(take)) == count:  # interrupted after the take was made
        journal.remove(take)
        return Recovered(take, count, f"{take.name} was complete: {count} frames")
    recover(take)
    return Recovered(take, count, f"{take.name} was interrupted; {count} frames of it are kept")


def _plain(name: str) -> str:
    """A name that stands for itself in a pattern."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
