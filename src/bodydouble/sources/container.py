"""Opening a video file, decoding it, and finding out what is wrong with it, over FFmpeg.

Frames and streams here are PyAV's. What is wrong with a file as a whole raises BodyDoubleError; damage further on is
collected, one reason each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import av

from bodydouble.types import BodyDoubleError

# FFmpeg reads any text file whose name ends in .txt, .ans and the like as "ANSI art".
_NOT_VIDEO = frozenset({"tty"})
# Seconds that the last picture may stand without the file counting as cut.
_LONGEST_LAST = 1.0


@contextmanager
def opened(path: Path, threads: int) -> Iterator[tuple[Any, Any]]:
    """(container, video stream) of a file; BodyDoubleError says what is wrong with it, in one line."""
    try:
        container = av.open(f"file:{path}", metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        wanted = "wanted a whole MP4, MOV, MKV, WebM, AVI or similar file"
        raise BodyDoubleError(f"cannot read {path.name} as a video ({_reason(error)}); {wanted}") from error
    with container:
        yield container, _video_stream(container, path.name, threads)


def _video_stream(container: Any, name: str, threads: int) -> Any:
    """The stream to decode, its threads set."""
    if container.format.name in _NOT_VIDEO:
        raise BodyDoubleError(f"cannot read {name} as a video (it is a text file); give a video, image or folder")
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not streams:
        what = "only sound" if container.streams.audio else "no pictures"
        raise BodyDoubleError(f"{name} holds {what}; give a video, image or folder of images")
    best = container.streams.best("video")
    stream = best if best is not None and not _is_cover(best) else streams[0]
    if stream.codec_context is None:
        raise BodyDoubleError(f"no decoder here for the pictures in {name}; convert it to H.264 in MP4")
    stream.thread_type = "AUTO"
    stream.thread_count = threads
    return stream


def decoded(container: Any, stream: Any, damage: list[str]) -> Iterator[tuple[Any, int | None]]:
    """Whole decoded frames in order of presentation, and their time stamps.

    For each frame that could not be read, or only in part, a reason goes into `damage`: no pose is better than one of a
    smear. AVI has times of decoding only: the frames get them in order.
    """
    decoding_times: list[int] = []
    only_decoding_times = container.format.name == "avi"
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.FFmpegError, OSError) as error:
            damage.append(_reason(error))
            packet = None
        if packet is None:
            break
        if packet.is_corrupt:
            damage.append("a piece of it is missing")
        if only_decoding_times and packet.dts is not None:
            heappush(decoding_times, packet.dts)
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            if not isinstance(error, EOFError):
                damage.append(_reason(error))
            continue
        for frame in frames:
            pts = heappop(decoding_times) if decoding_times else frame.pts
            if frame.is_corrupt:
                damage.append("part of a picture is missing")
            else:
                yield frame, pts


def _is_cover(stream: Any) -> bool:
    """Whether it is the cover picture of a piece of music."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def duration(container: Any, stream: Any) -> float:
    """Seconds that the pictures take, 0 if the file does not say."""
    tagged = _tagged_duration(stream)
    if tagged:
        return tagged
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    if container.duration is not None:
        return float(container.duration / av.time_base)
    return 0.0


def _tagged_duration(stream: Any) -> float:
    """Seconds by the tag with each stream's end that FFmpeg writes into Matroska, 0 if there is none."""
    tag = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if not tag:
        return 0.0
    start = float(stream.start_time * stream.time_base) if stream.start_time else 0.0
    return max(0.0, int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3]) - start)


def is_cut(container: Any, stream: Any, last: float) -> bool:
    """Whether the file's tail is missing: its index names pictures past its end, or it ends before its own duration.

    last: seconds of the last picture that was read.
    """
    if _tagged_duration(stream) > last + _LONGEST_LAST:
        return True
    entries = stream.index_entries
    if not len(entries) or container.size <= 0:
        return False
    end = max(entries[i].pos + entries[i].size for i in range(len(entries)))
    return bool(end > container.size)


def _reason(error: BaseException) -> str:
    """An FFmpeg error in a few words."""
    return str(getattr(error, "strerror", None) or error).split("\n")[0].rstrip(".").lower() or type(error).__name__
