"""What every source of frames offers, and the warning for one that is damaged.

Frames are uint8 RGB, upright, with times in seconds that start at 0 and increase. A file's source ends; a camera's does
not. Files may be read again from the start by iterating again; one iteration at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from bodydouble.types import Frame, SourceInfo


class SourceWarning(UserWarning):
    """Part of a source could not be read. One line: what is missing; the frames that could be read were given."""


class Source(Protocol):
    """Frames in order, one held at a time. Closing twice is allowed; reading after closing raises BodyDoubleError."""

    @property
    def info(self) -> SourceInfo:
        """What is known before the frames are read."""
        ...

    def __iter__(self) -> Iterator[Frame]:
        """Each frame once, from the first."""
        ...

    def close(self) -> None:
        """Let go of the file or device."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
