"""The motion as OSC 1.0 over UDP: the fields of feed.py as messages below /bodydouble. Their table: docs/feeds.md.

One moment is a set of bundles, none larger than a datagram of an ordinary network holds. Numbers are float32 ("f") but
for counts and identities ("i"). Nothing waits: a receiver that is not there, or a full network, loses that moment.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pythonosc.parsing.osc_types import IMMEDIATELY, write_date, write_string

from bodydouble.types import BodyDoubleError

ROOT = "/bodydouble"
LARGEST = 1472  # bytes of a datagram that Ethernet carries in one piece: 1500 less 20 of IPv4 and 8 of UDP
_BUNDLE_HEAD = 16  # bytes: "#bundle" and its time (OSC 1.0)
_ENTRY_HEAD = 4  # bytes: the size before each message of a bundle
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]")  # space # * , / ? [ ] { } have a meaning in OSC addresses
_WANTED = "wanted HOST:PORT, such as 127.0.0.1:9000 or [::1]:9000"

Message = tuple[str, tuple[str | int | float, ...]]  # what comes after ROOT, and its values


def messages(motion: Mapping[str, Any], start: float) -> Iterator[Message]:
    """The messages of one moment, as feed.as_json gives it. start: what times are counted from, in seconds.

    People and characters are numbered from 1, whoever is followed first: a patch need not know identities.
    """
    delay = motion["ready"] - motion["captured"] if motion["captured"] else 0.0
    yield "moment", (int(motion["idle"]), motion["time"] - start, delay)
    people = sorted(motion["people"], key=lambda person: person["person"] != motion["followed"])
    yield "people", (len(people),)
    for number, person in enumerate(people, 1):
        root = f"person/{number}"
        yield f"{root}/id", (person["person"],)
        yield f"{root}/state", (person["state"],)
        yield f"{root}/score", (person["score"],)
        for name, point in person["keypoints"].items():
            yield f"{root}/point/{name}", (point["x"], point["y"], point["score"])
            if point["world"] is not None:
                yield f"{root}/world/{name}", tuple(point["world"])
    characters = sorted(motion["characters"], key=lambda character: character["person"] != motion["followed"])
    yield "characters", (len(characters),)
    for number, character in enumerate(characters, 1):
        root = f"character/{number}"
        place = character["placement"]
        yield f"{root}/id", (character["person"],)
        yield f"{root}/state", (character["state"],)
        yield f"{root}/placement", (place["x"], place["y"], place["size"])
        yield f"{root}/facing", (character["facing"],)
        yield f"{root}/blink", (character["blink"],)
        for name, bone in character["bones"].items():
            fit = _UNFIT.sub("_", name)
            yield f"{root}/bone/{fit}", tuple(bone[field] for field in ("angle", "direction", "length", "x", "y"))


def bundles(motion: Mapping[str, Any], start: float) -> list[bytes]:
    """One moment as datagrams of LARGEST bytes at most. Each begins with /bodydouble/bundle: sequence, number, all."""
    first = _BUNDLE_HEAD + _ENTRY_HEAD + len(_packed(("bundle", (0, 0, 0))))
    parts: list[list[bytes]] = []
    used = LARGEST + 1
    for message in messages(motion, start):
        packed = _packed(message)
        if used + _ENTRY_HEAD + len(packed) > LARGEST:
            parts.append([])
            used = first
        parts[-1].append(packed)
        used += _ENTRY_HEAD + len(packed)
    sequence = motion["sequence"] % 2**31  # what an OSC integer holds
    return [
        _bundle([_packed(("bundle", (sequence, number, len(parts)))), *part]) for number, part in enumerate(parts, 1)
    ]


def _bundle(parts: list[bytes]) -> bytes:
    """Messages as one bundle, to be taken at once."""
    head = write_string("#bundle") + write_date(IMMEDIATELY)
    return b"".join((head, *(piece for part in parts for piece in (struct.pack(">i", len(part)), part))))


def _packed(message: Message) -> bytes:
    """A message as OSC writes it."""
    name, values = message
    tags = "".join("s" if isinstance(value, str) else "i" if isinstance(value, int) else "f" for value in values)
    head = _head(name, tags)
    if "s" not in tags:  # nearly all; python-osc's own builder takes ten times as long over them
        return head + struct.pack(f">{tags}", *values)
    return head + b"".join(
        write_string(value) if isinstance(value, str) else struct.pack(f">{tag}", value)
        for tag, value in zip(tags, values, strict=True)
    )


@lru_cache(maxsize=4096)
def _head(name: str, tags: str) -> bytes:
    """Address and type tags."""
    return bytes(write_string(f"{ROOT}/{name}") + write_string(f",{tags}"))


def address_of(text: str) -> tuple[str, int]:
    """Host and port of "HOST:PORT"; an IPv6 address stands in brackets. Raises BodyDoubleError."""
    host, colon, port = text.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not host or (":" in host and not bracketed) or host == "[]":
        raise BodyDoubleError(f'OSC address "{text}"; {_WANTED}')
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise BodyDoubleError(f'OSC port "{port}" of "{text}"; wanted a number from 1 to 65535')
    return (host[1:-1] if bracketed else host), int(port)


class OscSocket:
    """A UDP socket that never waits.

    address: HOST:PORT. A name that has both is reached by IPv4, where most OSC programs listen. Raises BodyDoubleError
    for an address that cannot be, or a name that nobody knows.
    """

    def __init__(self, address: str) -> None:
        host, port = address_of(address)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BodyDoubleError(f'no host "{host}" for OSC ({reason}); give an address such as 127.0.0.1') from error
        family, kind, protocol, _, target = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        self._target: tuple[Any, ...] = target
        try:
            self._socket = socket.socket(family, kind, protocol)
        except OSError as error:
            raise BodyDoubleError(f"cannot send OSC to {address} ({error.strerror}); give another address") from error
        self._socket.setblocking(False)
        if family == socket.AF_INET:
            # One sender may reach every receiver of a network.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

    def send(self, datagrams: list[bytes]) -> str:
        """Send all, or as many as go out at once; returns why not all went, "" if they did."""
        try:
            for datagram in datagrams:
                self._socket.sendto(datagram, self._target)
        except (BlockingIOError, ConnectionError):  # busy; Windows' word for a receiver that is not there, but may come
            return ""
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def close(self) -> None:
        """Let go of the socket. Closing twice is allowed."""
        self._socket.close()
