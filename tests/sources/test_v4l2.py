"""What Linux says of cameras, from made answers to its ioctls; the sizes of the structures as the kernel has them."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bodydouble.sources import v4l2
from bodydouble.sources.v4l2 import modes, modes_of, users_of, why_not

MJPG, YUYV, H264 = (int.from_bytes(name, "little") for name in (b"MJPG", b"YUYV", b"H264"))


class Driver:
    """Answers as a driver does, from {format: {size: [(numerator, denominator), ...]}}; a size may be bounds."""

    def __init__(self, offers: dict[int, dict[tuple[int, ...], list[tuple[int, ...]]]]) -> None:
        self.offers = offers

    def __call__(self, request: int, data: bytearray) -> int:
        index = struct.unpack_from("=I", data)[0]
        if request == v4l2.ENUM_FMT:
            assert len(data) == 64
            assert struct.unpack_from("=I", data, 4)[0] == 1  # video capture
            struct.pack_into("=I", data, 44, self.of(list(self.offers), index))
        elif request == v4l2.ENUM_FRAMESIZES:
            assert len(data) == 44
            size = self.of(list(self.offers[struct.unpack_from("=I", data, 4)[0]]), index)
            kind = 1 if len(size) == 2 else 3
            struct.pack_into(f"=I{len(size)}I", data, 8, kind, *size)
        elif request == v4l2.ENUM_FRAMEINTERVALS:
            assert len(data) == 52
            pixels, width, height = struct.unpack_from("=III", data, 4)
            rates = self.offers[pixels].get((width, height)) or next(iter(self.offers[pixels].values()))
            rate = self.of(rates, index)
            struct.pack_into(f"=I{len(rate)}I", data, 16, 1 if len(rate) == 2 else 3, *rate)
        else:
            raise OSError(errno.ENOTTY, "no such request")
        return 0

    @staticmethod
    def of(entries: list, index: int):
        if index >= len(entries):
            raise OSError(errno.EINVAL, "past the end")
        return entries[index]


def test_requests_are_numbered_as_the_kernel_does() -> None:
    """_IOWR('V', number, structure): direction 3, size, type, number (asm-generic/ioctl.h)."""
    for request, number, size in [
        (v4l2.ENUM_FMT, 2, v4l2._FMT.size),
        (v4l2.ENUM_FRAMESIZES, 74, v4l2._SIZE.size),
        (v4l2.ENUM_FRAMEINTERVALS, 75, v4l2._INTERVAL.size),
        (v4l2.REQBUFS, 8, v4l2._BUFFERS.size),
    ]:
        assert request == 3 << 30 | size << 16 | ord("V") << 8 | number


def test_a_webcam() -> None:
    offers = {
        YUYV: {(640, 480): [(1, 30), (1, 15)], (1280, 720): [(1, 10)]},
        MJPG: {(640, 480): [(1, 30)], (1280, 720): [(1, 30), (1001, 30000)]},
        H264: {(1920, 1080): [(1, 60)]},  # OpenCV does not decode it
    }
    assert modes(Driver(offers)) == (
        (1280, 720, 30.0),
        (1280, 720, 29.97),
        (1280, 720, 10.0),
        (640, 480, 30.0),
        (640, 480, 15.0),
    )


def test_a_driver_that_names_bounds() -> None:
    bounds = (2, 2000, 2, 2, 1100, 2)
    offers = {YUYV: {bounds: [(1, 60, 1, 10, 1, 600)]}}
    found = modes(Driver(offers))
    assert found[0] == (2000, 1100, 60.0)
    assert (1280, 720, 15.0) in found
    assert (1920, 1080, 30.0) in found
    assert all(width % 2 == 0 and 10 <= rate <= 60 for width, _, rate in found)


def test_a_driver_without_rates_or_with_odd_ones() -> None:
    assert modes(Driver({YUYV: {(640, 480): [(0, 0)]}})) == ((640, 480, 0.0),)
    assert modes(Driver({YUYV: {}})) == ()
    assert modes(Driver({})) == ()


def test_a_driver_that_never_ends_is_not_believed() -> None:
    asked = []

    def endless(request: int, data: bytearray) -> int:
        asked.append(request)
        if request == v4l2.ENUM_FMT and struct.unpack_from("=I", data)[0]:
            raise OSError(errno.EINVAL, "past the end")
        struct.pack_into("=III", data, 8, 1, 640, 480) if request == v4l2.ENUM_FRAMESIZES else None
        return 0

    assert modes(endless) == ((640, 480, 0.0),)
    assert asked.count(v4l2.ENUM_FRAMESIZES) == 256


@pytest.mark.parametrize("path, code", [("/dev/video99", errno.ENOENT), ("/", errno.EISDIR)])
def test_a_real_path_that_is_no_camera(path: str, code: int) -> None:
    assert modes_of(path) == ()
    assert why_not(path) == code


def test_a_file_that_is_no_device_hinders_nothing() -> None:
    """Drivers refuse for reasons of their own; only EBUSY tells of another program."""
    assert why_not(os.devnull) == 0
    assert modes_of(os.devnull) == ()


@pytest.mark.parametrize("code, want", [(errno.EBUSY, errno.EBUSY), (errno.EINVAL, 0), (None, 0)])
def test_taken_buffers_mean_busy(code: int | None, want: int) -> None:
    asked = []

    @contextmanager
    def device(path: str) -> Iterator[object]:
        def ask(request: int, data: bytearray) -> None:
            asked.append((request, data[0]))
            if code is not None:
                raise OSError(code, "made")

        yield ask

    assert why_not("/dev/made", device) == want
    if code is None:  # what was taken for the question is given back
        assert asked == [(v4l2.REQBUFS, 1), (v4l2.REQBUFS, 0)]


def test_the_programs_that_have_it_open_are_named(tmp_path: Path) -> None:
    camera = tmp_path / "video0"
    camera.touch()
    for process, name, opened in [
        ("11", "zoom", camera),
        ("12", "cat", tmp_path),
        ("13", "", camera),
        ("14", "x", None),
    ]:
        folder = tmp_path / "proc" / process
        (folder / "fd").mkdir(parents=True)
        if opened is not None:
            (folder / "comm").write_text(f"{name}\n")
            (folder / "fd" / "7").symlink_to(opened)
    (tmp_path / "proc" / str(os.getpid()) / "fd").mkdir(parents=True)
    assert users_of(str(camera), tmp_path / "proc") == ["zoom"]
