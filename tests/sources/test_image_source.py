"""Images and folders of images as sources."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodydouble.sources import open_source
from bodydouble.sources.images import images_in
from bodydouble.sources.upright import degrees, from_exif, swaps_sides, turned
from bodydouble.types import BodyDoubleError, Frame, SourceInfo
from made_clips import picture

RGB = picture((60, 40))
# How each Exif orientation stores the upright picture (2.32, 4.6.5).
STORED = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, 1),
    7: lambda image: image.swapaxes(0, 1)[::-1, ::-1],
    8: lambda image: np.rot90(image, -1),
}


def read(path: Path) -> tuple[SourceInfo, list[Frame]]:
    with open_source(path) as source:
        return source.info, list(source)


def is_near(got: np.ndarray, want: np.ndarray, levels: int) -> bool:
    """Whether nine pixels of ten agree to `levels`: JPEG smears edges."""
    return got.shape == want.shape and float(np.percentile(np.abs(got.astype(int) - want), 90)) <= levels


def encoded(suffix: str, image: np.ndarray, *options: int) -> bytes:
    """An image file from RGB, RGBA or grey."""
    code = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    stored = cv2.cvtColor(image, code[image.shape[2]]) if image.ndim == 3 else image
    return bytes(cv2.imencode(suffix, stored, list(options))[1].tobytes())


def tiff_block(orientation: int, order: str) -> bytes:
    head = b"II*\0" if order == "<" else b"MM\0*"
    other = struct.pack(order + "HHI4s", 0x010F, 2, 3, b"me\0\0")
    return head + struct.pack(order + "IH", 8, 2) + other + struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)


def with_exif(data: bytes, block: bytes) -> bytes:
    if data[:2] == b"\xff\xd8":
        body = b"Exif\0\0" + block
        return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]
    if data[:4] == b"RIFF":
        chunk = b"EXIF" + struct.pack("<I", len(block)) + block + b"\0" * (len(block) % 2)
        return data[:4] + struct.pack("<I", len(data) - 8 + len(chunk)) + data[8:] + chunk
    after_header = 8 + 25
    chunk = b"eXIf" + block
    piece = struct.pack(">I", len(block)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:after_header] + piece + data[after_header:]


@pytest.mark.parametrize("suffix, levels", [(".png", 0), (".webp", 4), (".jpg", 4), (".bmp", 0), (".tiff", 0)])
def test_an_image_is_a_source_of_one_frame(tmp_path: Path, suffix: str, levels: int) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encoded(suffix, RGB))
    info, frames = read(path)
    assert info == SourceInfo(path.name, (60, 40), frames=1)
    assert [(f.index, f.time) for f in frames] == [(0, 0.0)]
    assert is_near(frames[0].image, RGB, levels)
    assert frames[0].image.flags.c_contiguous


def test_the_suffix_may_be_wrong(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(".png", RGB))
    assert np.array_equal(read(tmp_path / "a.jpg")[1][0].image, RGB)


def test_grey_becomes_rgb(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(".png", RGB[..., 0]))
    assert np.array_equal(read(tmp_path / "a.png")[1][0].image, np.dstack([RGB[..., 0]] * 3))


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3)])
def test_sixteen_bits_become_eight(tmp_path: Path, shape: tuple[int, ...]) -> None:
    deep = np.linspace(0, 65535, int(np.prod(shape))).reshape(shape).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(encoded(".png", deep))
    want = np.rint(deep / 257).astype(int)
    got = read(tmp_path / "a.png")[1][0].image
    assert np.abs(got - (want if deep.ndim == 3 else want[..., None])).max() <= 0


@pytest.mark.parametrize("deep", [False, True])
def test_transparent_parts_are_white(tmp_path: Path, deep: bool) -> None:
    alpha = np.tile(np.linspace(0, 255, 60).astype(np.uint8), (40, 1))
    rgba = np.dstack([RGB, alpha])
    (tmp_path / "a.png").write_bytes(encoded(".png", rgba.astype(np.uint16) * 257 if deep else rgba))
    share = alpha[..., None] / 255
    want = RGB * share + 255 * (1 - share)
    assert np.abs(read(tmp_path / "a.png")[1][0].image - want).max() <= 1


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_orientation_tag_is_applied(tmp_path: Path, suffix: str, orientation: int, order: str) -> None:
    stored = np.ascontiguousarray(STORED[orientation](RGB))
    options = [cv2.IMWRITE_WEBP_QUALITY, 101] if suffix == ".webp" else []
    path = tmp_path / f"a{suffix}"
    path.write_bytes(with_exif(encoded(suffix, stored, *options), tiff_block(orientation, order)))
    info, frames = read(path)
    assert info.size == (60, 40) == frames[0].size
    assert is_near(frames[0].image, RGB, 4)
    if suffix == ".jpg":  # OpenCV turns these itself when asked to
        theirs = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
        assert is_near(frames[0].image, cv2.cvtColor(theirs, cv2.COLOR_BGR2RGB), 1)


def test_webp_may_name_its_exif_block_twice(tmp_path: Path) -> None:
    """Some writers put JPEG's own heading into WebP's chunk."""
    data = with_exif(encoded(".webp", np.rot90(RGB)), b"Exif\0\0" + tiff_block(6, "<"))
    (tmp_path / "a.webp").write_bytes(data)
    assert read(tmp_path / "a.webp")[0].rotation == 90


@given(st.binary(max_size=80))
def test_a_damaged_orientation_tag_counts_as_none(block: bytes) -> None:
    data = with_exif(encoded(".png", RGB), block)
    orientation = from_exif(data)
    assert turned(RGB, orientation).shape[:2] == ((60, 40) if swaps_sides(orientation) else (40, 60))
    assert degrees(orientation) % 90 == 0
    for end in range(0, len(data), 7):
        from_exif(data[:end])


@pytest.mark.parametrize("size", [(16, 16), (1, 1), (7680, 4320)])
def test_smallest_and_largest(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    (tmp_path / "a.png").write_bytes(encoded(".png", np.full((height, width, 3), 77, np.uint8)))
    info, frames = read(tmp_path / "a.png")
    assert info.size == size == frames[0].size
    assert (frames[0].image == 77).all()


def test_a_folder_counts_by_value_at_its_rate(tmp_path: Path) -> None:
    for number in (1, 2, 3, 10, 11, 20):
        (tmp_path / f"dance_{number}.png").write_bytes(encoded(".png", np.full((8, 8, 3), number, np.uint8)))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden.png").write_text("not an image")
    with open_source(tmp_path, rate=Fraction(12)) as source:
        frames = list(source)
        again = list(source)
    assert source.info == SourceInfo(tmp_path.name, (8, 8), Fraction(12), 0.5, 6)
    assert [int(f.image[0, 0, 0]) for f in frames] == [1, 2, 3, 10, 11, 20]
    assert [f.time for f in frames] == [k / 12 for k in range(6)]
    assert [f.index for f in again] == list(range(6))


def test_names_without_numbers_sort_too(tmp_path: Path) -> None:
    for name in ("b.png", "A.png", "10.png", "9.png", "a2.png", "a10.png", "²3.png"):
        (tmp_path / name).touch()
    names = [path.name for path in images_in(tmp_path)]
    assert names[:2] == ["9.png", "10.png"]
    assert names.index("a2.png") < names.index("a10.png")


def fails(path: Path) -> str:
    with pytest.raises(BodyDoubleError) as caught, open_source(path) as source:
        list(source)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    assert "no images in the folder" in fails(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_not_an_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    assert "a.png" in fails(tmp_path / "a.png")


def test_a_broken_image_in_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(encoded(".png", RGB))
    (tmp_path / "2.png").write_bytes(b"broken")
    assert "2.png" in fails(tmp_path)


def test_an_impossible_rate(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(encoded(".png", RGB))
    with pytest.raises(BodyDoubleError, match="rate 0"):
        open_source(tmp_path, rate=Fraction(0))
