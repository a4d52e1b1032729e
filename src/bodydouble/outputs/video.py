"""Video files and pictures by their suffix, with the source's sound and time stamps.

.mp4 .m4v .mov .mkv: H.264. .webm: VP9, with transparency if asked. .png: one picture. A name without a suffix: a
folder of PNG pictures. Everything is written beside its name and renamed when complete.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import av

from bodydouble.outputs.files import Pending, check_output, is_folder_name, write_error
from bodydouble.outputs.movie import KINDS, Movie
from bodydouble.outputs.pictures import OnePicture, Pictures
from bodydouble.types import BodyDoubleError, Image

# x264's speed. Measured on drawn 720p characters, two threads, milliseconds of one core a frame: ultrafast 3.9,
# superfast 8.7, veryfast 13.5; veryfast's files are half the size, but decoding, model and drawing need the cores more.
PRESET = "superfast"


class _Sink(Protocol):
    """What writes the pictures: Movie, Pictures or OnePicture."""

    def write(self, image: Image, time: float) -> None: ...

    def finish(self) -> None: ...

    def abort(self) -> None: ...


def check_video_output(path: str | Path, *, transparent: bool = False, force: bool = False) -> None:
    """Find out, before any work, whether this output can be made. Raises BodyDoubleError, one line."""
    path = Path(path)
    suffix = path.suffix.lower()
    if not is_folder_name(path):
        if suffix not in (*KINDS, ".png"):
            known = ", ".join((*KINDS, ".png"))
            raise BodyDoubleError(f'no output "{suffix}"; choose from {known}, or a name without a suffix for a folder')
        if transparent and suffix in KINDS and suffix != ".webm":
            raise BodyDoubleError(
                f"{suffix} has no transparency; choose .webm, .png, or a name without a suffix for a folder of pictures"
            )
    check_output(path, force)


class VideoWriter:
    """Pictures to a file or folder, complete or not at all.

    path: its suffix decides the format. size: width, height of every picture. rate: frames a second of a steady rate;
    None keeps the source's time stamps. source: the video that gives sound and clock, or None. transparent: keep the
    alpha of (H, W, 4) pictures. force: replace what exists. threads: for encoding, 0 for as many as there are cores.

    As a context manager it removes what it wrote when an exception passes, Ctrl-C too. May be used from one thread that
    is not the one that made it. Raises BodyDoubleError, one line, for all that the user can mend, a full disk included.
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int],
        *,
        rate: Fraction | None = None,
        source: Path | None = None,
        transparent: bool = False,
        force: bool = False,
        threads: int = 0,
        preset: str = PRESET,
    ) -> None:
        path = Path(path)
        check_video_output(path, transparent=transparent, force=force)
        self._size = size
        self._path = path
        self._count = 0
        self._closed = False
        self._pending = Pending(path, force=force)
        temporary = self._pending.temporary
        kind = KINDS.get(path.suffix.lower(), "")
        try:
            self._sink: _Sink
            if is_folder_name(path):
                self._sink = Pictures(temporary, transparent=transparent)
            elif not kind:
                self._sink = OnePicture(temporary, path.name, transparent=transparent)
            else:
                self._sink = Movie(
                    temporary,
                    kind,
                    size,
                    rate=rate,
                    source=source,
                    transparent=transparent,
                    threads=threads,
                    preset=preset,
                )
        except OSError as error:
            self._pending.discard()
            raise write_error(path, error) from error
        except BaseException:
            self._pending.discard()
            raise

    def write(self, image: Image, time: float) -> None:
        """Add a picture that is shown from `time` seconds on.

        image: (H, W, 3) RGB, or (H, W, 4) RGBA with premultiplied alpha; without `transparent` its alpha is left out.
        """
        if self._closed:
            raise BodyDoubleError(f"{self._path.name} is closed; make another VideoWriter")
        width, height = self._size
        if image.shape[:2] != (height, width) or image.ndim != 3 or image.shape[2] not in (3, 4):
            raise BodyDoubleError(f"a picture of shape {image.shape}; wanted ({height}, {width}, 3 or 4)")
        try:
            self._sink.write(image, time)
        except OSError as error:
            raise write_error(self._path, error) from error
        except av.FFmpegError as error:
            raise BodyDoubleError(
                f"cannot encode {self._path.name} ({error}); choose another format or size"
            ) from error
        self._count += 1

    def close(self) -> None:
        """Complete the output and give it its name. Closing twice is allowed."""
        if self._closed:
            return
        if self._count == 0:
            self.discard()
            raise BodyDoubleError(f"no picture was written to {self._path.name}; nothing is kept")
        self._closed = True
        try:
            self._sink.finish()
        except OSError as error:
            self._abandon()
            raise write_error(self._path, error) from error
        except av.FFmpegError as error:
            self._abandon()
            raise BodyDoubleError(f"cannot complete {self._path.name} ({error}); choose another format") from error
        except BaseException:
            self._abandon()
            raise
        self._pending.commit()

    def discard(self) -> None:
        """Remove what was written; what had the name before stays."""
        if not self._closed:
            self._closed = True
            self._abandon()

    def _abandon(self) -> None:
        self._sink.abort()
        self._pending.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()
