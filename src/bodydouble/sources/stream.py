"""A stream's address in place of a camera: RTSP and HTTP cameras, MPEG-TS over UDP and SRT, HLS, films over HTTP.

Read over FFmpeg, with limits on every wait, connected again when it breaks. Live streams give each picture as it comes,
newest wins; a film that lies on a web server plays in real time and in a loop. What an address may hold of names and
passwords is never shown.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Generator
from fractions import Fraction
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import av

from bodydouble.sources.arrival import Arrival
from bodydouble.sources.live import SCHEMES, Clock, Condition
from bodydouble.sources.pace import Pace
from bodydouble.sources.playing import Picture, Playing
from bodydouble.sources.reopening import Fault, Rest, Shot
from bodydouble.sources.video import Converter, Stamps, orientation_of, square_size
from bodydouble.types import BodyDoubleError

# Seconds for connecting, and for each piece of data after that. An RTSP camera answers within one, a keyframe may take
# two; a wait cannot be broken off from outside, so this is also how long a closed source may keep its thread.
CONNECT_SECONDS, READ_SECONDS = 5.0, 4.0
_DECODERS = 2
_RATE = Fraction(30)  # of a film that does not say

# What FFmpeg may open on behalf of an address: a playlist must not make it read files.
_PROTOCOLS = ",".join((*SCHEMES, "tls", "crypto", "httpproxy", "data", "srtp"))
_OPTIONS = {
    "protocol_whitelist": _PROTOCOLS,
    "flags": "low_delay",  # not nobuffer: it drops the keyframe that was probed, and pictures start seconds later
    "probesize": "1000000",  # bytes, and microseconds: enough for size and codec, FFmpeg's own are five times as much
    "analyzeduration": "1000000",
}
_RTSP = {"rtsp_flags": "prefer_tcp"}  # over UDP lost packets smear the picture until the next keyframe
_UDP = {"overrun_nonfatal": "1"}


class Stream(Playing):
    """A LiveSource (live.py) of an address. timeout: seconds to connect, and to wait for data."""

    def __init__(
        self,
        address: str,
        *,
        clock: Clock = time.monotonic,
        timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
        rest: Rest | None = None,
    ) -> None:
        _check(address)
        self._address = address
        self._timeout = timeout
        self._connected = False  # pictures have come since it was last opened
        self._asked = 0.0  # real time at which the last wait for the network began
        name = shown(address)
        stalled = (Condition.WAITING, f"no picture comes from {name}; is the camera on, and the network up?")
        super().__init__(name, thread="bodydouble-stream", clock=clock, stalled=stalled, rest=rest)
        self._newest.trouble(Condition.OPENING, f"connecting to {name}")
        self._start()

    def _shots(self) -> Generator[Shot | None, None, None]:
        """Pictures until the connection breaks, which is a Fault."""
        pace: Pace | None = None
        self._connected = False
        while True:
            try:
                with self._opened() as container:
                    stream = self._video(container)
                    if _is_film(container, self._address):
                        pace = pace or Pace(float(1 / (stream.average_rate or _RATE)), self._clock())
                        yield from self._film(container, stream, pace)
                    else:
                        yield from self._live(container, stream)
            except (av.FFmpegError, OSError, ValueError) as error:
                raise self._fault(error) from error
            if pace is None:
                raise Fault(Condition.FAILED, f"{self._name} has ended; it is taken up again when it goes on")

    def _opened(self) -> Any:
        scheme = _scheme(self._address)
        more = _RTSP if scheme.startswith("rtsp") else _UDP if scheme == "udp" else {}
        self._asked = time.monotonic()
        return av.open(self._address, timeout=self._timeout, options={**_OPTIONS, **more}, metadata_errors="replace")

    def _video(self, container: Any) -> Any:
        """The stream of pictures, set to decode without delay."""
        stream = container.streams.best("video")
        if stream is None or stream.codec_context is None:
            raise Fault(Condition.FAILED, f"{self._name} holds no pictures that can be read; give a video's address")
        stream.thread_type = "SLICE"  # threads by frame would hold back as many pictures as there are threads
        stream.thread_count = _DECODERS
        return stream

    def _live(self, container: Any, stream: Any) -> Generator[Shot | None, None, None]:
        """Each picture as it comes."""
        arrival, convert = Arrival(), _Upright(stream)
        for packet in container.demux(stream):
            arrived = self._clock()
            for frame in _decoded(packet):
                if frame.is_corrupt:
                    yield Shot(None, arrived)
                    continue
                self._connected = True
                stamp = None if frame.pts is None else float(frame.pts * stream.time_base)
                yield Shot(convert(frame), arrival(stamp, arrived))
            yield None

    def _film(self, container: Any, stream: Any, pace: Pace) -> Generator[Shot | None, None, None]:
        """One pass through a film in real time."""
        step = 1 / (stream.average_rate or _RATE)
        stamps, convert = Stamps(stream.time_base, step), _Upright(stream)
        at, any_yet = 0.0, False
        for packet in container.demux(stream):
            for frame in _decoded(packet):
                at, any_yet = stamps(frame.pts), True
                picture: Picture = partial(convert, frame)
                for shot in self._paced(pace, at, picture, ""):
                    if shot is None:
                        return
                    yield shot
            yield None
        if not any_yet:
            raise Fault(Condition.FAILED, f"{self._name} holds no picture that can be decoded; give another address")
        pace.loops(at + float(step))

    def _fault(self, error: BaseException) -> Fault:
        """An FFmpeg error in words; none of them repeat the address, which may hold a password."""
        name = self._name
        reason = str(getattr(error, "strerror", None) or type(error).__name__).lower()
        silent = not self._connected and time.monotonic() - self._asked >= self._timeout[0]
        if silent or isinstance(error, av.error.ExitError | TimeoutError):
            return Fault(Condition.WAITING, f"{name} does not answer; is the camera on, and the network up?")
        if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError | PermissionError):
            what = f"{name} wants a name and password; give them in the address ({_scheme(name)}://NAME:PASSWORD@...)"
            return Fault(Condition.NO_PERMISSION, what)
        if isinstance(error, av.error.HTTPNotFoundError):
            return Fault(Condition.FAILED, f"nothing at {name}; check the path after the host's name")
        if self._connected:
            return Fault(Condition.WAITING, f"the connection to {name} broke ({reason}); it is tried again")
        if isinstance(error, av.error.InvalidDataError):
            return Fault(Condition.FAILED, f"{name} sends no video that can be read; check the address")
        if not _is_known_host(self._address):
            host = urlsplit(name).hostname
            return Fault(Condition.FAILED, f'no host "{host}" is known; check the address, and that the network is up')
        return Fault(Condition.FAILED, f"cannot connect to {name} ({reason}); it is tried again")


class _Upright:
    """Decoded frames to upright RGB; a stream may change its size on the way."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._stored = (0, 0)
        self._convert: Converter | None = None

    def __call__(self, frame: Any) -> Any:
        if self._convert is None or self._stored != (frame.width, frame.height):
            self._stored = frame.width, frame.height
            size = square_size(frame.width, frame.height, self._stream.sample_aspect_ratio)
            self._convert = Converter(size, orientation_of(frame))
        return self._convert(frame)


def shown(address: str) -> str:
    """An address without its name, password and query, for people to read."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # a port that is no number
        return address.split("://")[0] + "://..."
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"


def _check(address: str) -> None:
    """Raises BodyDoubleError for an address that can never work."""
    try:
        parts = urlsplit(address)
        complete = parts.port != 0 and (parts.hostname or parts.port)
    except ValueError:
        complete = False
    if not complete:
        raise BodyDoubleError(f'"{shown(address)}" is not a whole address; wanted one like rtsp://HOST:554/PATH')


def _is_known_host(address: str) -> bool:
    """Whether the host's name can be resolved; FFmpeg does not tell that apart from other faults."""
    try:
        socket.getaddrinfo(urlsplit(address).hostname or "localhost", None)
    except (OSError, UnicodeError):
        return False
    return True


def _scheme(address: str) -> str:
    return urlsplit(address).scheme.lower()


def _decoded(packet: Any) -> list[Any]:
    """The packet's frames; damage on the way is passed over, the next keyframe mends it."""
    try:
        return list(packet.decode())
    except av.FFmpegError:
        return []


def _is_film(container: Any, address: str) -> bool:
    """Whether it has an end, and comes as fast as it is read: to be played in real time."""
    return address.lower().startswith("http") and container.duration is not None and container.duration > 0
