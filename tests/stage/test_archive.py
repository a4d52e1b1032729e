"""Uploads: characters come in; tricks with paths, types and sizes do not, and nothing is written outside."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodydouble.characters import samples
from bodydouble.stage.archive import LARGEST_TOTAL, MOST_FILES, checked_path, files_of
from bodydouble.stage.backgrounds import SIZES, add_backgrounds, backgrounds
from bodydouble.stage.wardrobe import Wardrobe
from bodydouble.types import BodyDoubleError


def png(width: int = 2, height: int = 2) -> bytes:
    """A PNG of this size by its header; its pixels are not looked at here."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body)) + bytes(12)


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content, compress_type=method)
    return file.getvalue()


def fox() -> list[tuple[str, bytes]]:
    folder = samples()["fox"]
    return [(path.name, path.read_bytes()) for path in sorted(folder.iterdir()) if path.is_file()]


def refused(name: str, content: bytes, words: str = ".") -> None:
    """Refused alike as a file of a folder and within a zip."""
    with pytest.raises(BodyDoubleError, match=words) as caught:
        files_of([(name, content)])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    with pytest.raises(BodyDoubleError):
        files_of([("a.zip", zipped((name, content)))])


@pytest.mark.parametrize(
    "name",
    [
        "../evil.png",
        "a/../../evil.png",
        "/etc/evil.png",
        "a//b.png",
        "./a.png",
        "..",
        "C:/evil.png",
        "C:evil.png",
        "\\\\server\\evil.png",
        "..\\evil.png",
        "a\\..\\..\\evil.png",
        "CON.png",
        "nul.txt",
        "a/aux/b.png",
        "COM1.svg",
        "lpt9 .png",
        ".hidden.png",
        "a/.ssh/b.txt",
        "~/b.png",
        "b.png ",
        " b.png",
        "folder./b.png",
        "a\x00.png",
        "a\nb.png",
        "a\u202egnp.exe.png",
        "what?.png",
        "star*.png",
        "pipe|.png",
        "x" * 101 + ".png",
        "a/b/c/d/e/f.png",
    ],
)
def test_paths_that_lead_elsewhere_are_refused(name: str) -> None:
    refused(name, png())


@pytest.mark.parametrize(
    "name", ["run.sh", "a.exe", "page.html", "a.png.exe", "a.js", "noending", "inner.zip.gz", "a.gif"]
)
def test_other_types_are_refused(name: str) -> None:
    refused(name, b"hello", "no file of a character")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.png", b"not a picture", "no PNG"),
        ("a.png", b"", "no PNG"),
        ("a.jpg", png(), "no JPEG"),
        ("a.png", png(5001, 4000), "million"),
        ("a.png", png(2**31, 2**31), "million"),
        ("a.txt", b"a\0b", "no text"),
        ("a.toml", b"#" * ((1 << 18) + 1), "larger than 256 KB"),
        ("a.svg", b'<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg/>', "DOCTYPE"),
    ],
)
def test_content_that_is_not_what_its_name_says_is_refused(name: str, content: bytes, words: str) -> None:
    refused(name, content, words)


def test_links_in_a_zip_are_refused() -> None:
    for mode in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO):
        entry = zipfile.ZipInfo("link.png")
        entry.create_system = 3
        entry.external_attr = (mode | 0o777) << 16
        with pytest.raises(BodyDoubleError, match="link"):
            files_of([("a.zip", zipped((entry, b"/etc/passwd")))])


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zipped(*((f"{number}.svg", b" " * (8 << 20)) for number in range(5)))
    assert len(bomb) < 1 << 20
    with pytest.raises(BodyDoubleError, match="32 MB unpacked"):
        files_of([("bomb.zip", bomb)])


def test_a_zip_that_lies_about_its_sizes_is_found_out() -> None:
    honest = bytearray(zipped(("a.svg", b"<svg/>" * 100_000)))
    for sign, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = honest.index(sign) + at
        honest[place : place + 4] = struct.pack("<I", 6)
    with pytest.raises(BodyDoubleError, match="damaged"):
        files_of([("a.zip", bytes(honest))])


def test_locked_odd_and_nested_zips_are_refused() -> None:
    locked = bytearray(zipped(("a.txt", b"secret")))
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(sign) + at] |= 1
    with pytest.raises(BodyDoubleError, match="password"):
        files_of([("a.zip", bytes(locked))])
    with pytest.raises(BodyDoubleError, match="unusual"):
        files_of([("a.zip", zipped(("a.txt", b"x"), method=zipfile.ZIP_LZMA))])
    with pytest.raises(BodyDoubleError, match="no file of a character"):
        files_of([("a.zip", zipped(("inner.zip", zipped(("a.txt", b"x")))))])
    with pytest.raises(BodyDoubleError, match="came with other files"):
        files_of([("a.zip", zipped(("a.txt", b"x"))), ("b.txt", b"")])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_the_same_somewhere_are_refused() -> None:
    with pytest.raises(BodyDoubleError, match="twice"):
        files_of([("a.zip", zipped(("Fox.txt", b"1"), ("fox.TXT", b"2")))])
    with pytest.raises(BodyDoubleError, match="twice"):
        files_of([("a.zip", zipped(("a.txt", b"1"), ("a.txt", b"2")))])


def test_a_file_without_a_name_is_refused() -> None:
    with pytest.raises(BodyDoubleError, match="leads out"):
        files_of([("", png())])
    nameless = bytearray(zipped(("a", b"x")))
    for sign, length, name in ((b"PK\x03\x04", 26, 30), (b"PK\x01\x02", 28, 46)):
        place = nameless.index(sign)
        nameless[place + length : place + length + 2] = b"\0\0"
        del nameless[place + name]
        if name == 30:
            end = nameless.index(b"PK\x05\x06")
            start = int.from_bytes(nameless[end + 16 : end + 20], "little") - 1
            nameless[end + 16 : end + 20] = start.to_bytes(4, "little")
        else:
            end = nameless.index(b"PK\x05\x06")
            size = int.from_bytes(nameless[end + 12 : end + 16], "little") - 1
            nameless[end + 12 : end + 16] = size.to_bytes(4, "little")
    with pytest.raises(BodyDoubleError, match="no name"):
        files_of([("a.zip", bytes(nameless))])


def test_too_many_files_are_refused() -> None:
    with pytest.raises(BodyDoubleError, match="more than 200 files"):
        files_of([(f"{number}.txt", b"x") for number in range(MOST_FILES + 1)])
    with pytest.raises(BodyDoubleError, match="entries"):
        files_of([("a.zip", zipped(*((f"{number}/", b"") for number in range(5 * MOST_FILES))))])
    with pytest.raises(BodyDoubleError, match="32 MB"):
        files_of([(f"{number}.svg", bytes(1)[:0] + b" " * (LARGEST_TOTAL // 4)) for number in range(5)])


@given(st.binary(max_size=300))
def test_any_bytes_are_files_or_refused(data: bytes) -> None:
    for content in (data, zipped(("a.txt", b"hello"))[:-30] + data, b"PK\x05\x06" + data):
        try:
            files_of([("a.zip", content)])
        except BodyDoubleError as fault:
            assert "\n" not in str(fault)


@given(st.text(max_size=60))
def test_a_path_that_is_taken_stays_within_its_folder(name: str) -> None:
    try:
        path = checked_path(name)
    except BodyDoubleError:
        return
    if path is not None:
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert (Path("/base") / path).resolve().is_relative_to("/base")


def test_what_systems_add_is_left_out_and_the_common_folder_too() -> None:
    content = zipped(
        ("my fox/", b""),
        ("my fox/puppet.toml", b"x"),
        ("my fox/parts/a.png", png()),
        ("my fox/.DS_Store", b"junk"),
        ("__MACOSX/my fox/._puppet.toml", b"junk"),
    )
    assert set(files_of([("f.zip", content)])) == {PurePosixPath("puppet.toml"), PurePosixPath("parts/a.png")}


# ---- backgrounds -----------------------------------------------------------------------------------------------------


def test_backgrounds_are_kept_by_name_and_none_is_replaced(tmp_path: Path) -> None:
    pictures = {}
    for name in ("beach.png", "beach.jpg", "beach.webp"):
        done, data = cv2.imencode(Path(name).suffix, np.full((30, 40, 3), 99, np.uint8))
        assert done
        pictures[name] = data.tobytes()
        assert SIZES[Path(name).suffix](pictures[name]) == (40, 30)
        assert add_backgrounds(tmp_path, [(name, pictures[name])]) == name
    assert add_backgrounds(tmp_path, [("beach.jpg", pictures["beach.jpg"] + b"a film behind it")]) == "beach-2.jpg"
    assert set(backgrounds(tmp_path)) == {*pictures, "beach-2.jpg"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("../a.png", png()),
        ("a/b.png", png()),
        ("/a.png", png()),
        ("a.svg", b"<svg/>"),
        ("a.png", b"<svg/>"),
        ("a.jpg", png()),
        ("a.webp", png()),
        ("a.png", png(9000, 9000)),
        ("a.png", png(0, 5)),
        ("nul.png", png()),
        ("a.html", b"<html>"),
        ("", png()),
    ],
)
def test_backgrounds_that_are_none_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(BodyDoubleError):
        add_backgrounds(tmp_path / "new", [("good.png", png()), (name, content)])
    assert not (tmp_path / "new").exists(), "none is kept"


@given(st.binary(max_size=60))
def test_any_bytes_have_a_size_or_are_refused(data: bytes) -> None:
    for start in (b"", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"):
        for size in SIZES.values():
            try:
                width, height = size(start + data)
            except BodyDoubleError:
                continue
            assert width >= 0 and height >= 0


# ---- the wardrobe ----------------------------------------------------------------------------------------------------


def test_an_upload_becomes_a_character(tmp_path: Path) -> None:
    wardrobe = Wardrobe(tmp_path / "own")
    name, _ = wardrobe.add([("whatever.zip", zipped(*fox()))])
    assert name == "fox-2", "a sample's name is never taken"
    listed = {choice.name: choice for choice in wardrobe.choices()}
    assert listed["fox-2"].own
    assert not listed["fox"].own
    assert wardrobe.thumbnail("fox-2").startswith(b"\x89PNG")
    wardrobe.remove("fox-2")
    assert "fox-2" not in wardrobe.folders()
    assert not list((tmp_path / "own").iterdir())


def test_a_drawing_becomes_a_character(tmp_path: Path, test_data: Path) -> None:
    drawing = next(path.parent for path in sorted((test_data / "drawings").rglob("char_cfg.yaml")))
    files = [(f"{drawing.name}/{path.name}", path.read_bytes()) for path in drawing.iterdir() if path.is_file()]
    wanted = [file for file in files if file[0].endswith((".png", ".yaml"))]
    wardrobe = Wardrobe(tmp_path / "own")
    assert wardrobe.add(wanted)[0] == drawing.name.lower()
    loose = [(name.rpartition("/")[2], content) for name, content in wanted]
    assert [wardrobe.add(loose)[0] for _ in range(2)] == ["drawing", "drawing-2"]
    assert wardrobe.add([("My cat.zip", zipped(*loose))])[0] == "my-cat"
    labels = {choice.name: choice.label for choice in wardrobe.choices()}
    assert (labels["drawing"], labels["drawing-2"], labels["my-cat"]) == ("Drawing", "Drawing 2", "My cat")


def test_what_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    wardrobe = Wardrobe(tmp_path / "own")
    toml = next(content for name, content in fox() if name == "puppet.toml")
    for upload, words in (
        ([("puppet.toml", b"name = ")], "puppet.toml"),
        ([("readme.txt", b"hello")], "no character"),
        ([("puppet.toml", toml)], "fox.svg"),
        ([("char_cfg.yaml", b"&a [*a, *a]"), ("texture.png", png())], r"\S"),
    ):
        with pytest.raises(BodyDoubleError, match=words) as caught:
            wardrobe.add(upload)
        assert str(tmp_path) not in str(caught.value), "a page is not told paths"
        assert not list((tmp_path / "own").glob("*"))


def test_parts_that_are_too_much_together_are_refused(tmp_path: Path) -> None:
    parts = "".join(f'[[parts]]\nname = "p{n}"\nimage = "a.png"\nbones = ["spine"]\n' for n in range(60))
    toml = f'name = "Big"\nsize = [4000, 4000]\n[joints]\n{parts}'
    with pytest.raises(BodyDoubleError, match=r"million pixels together|puppet\.toml|joints"):
        Wardrobe(tmp_path / "own").add([("puppet.toml", toml.encode()), ("a.png", png(4000, 4000))])


def test_too_many_parts_are_refused(tmp_path: Path) -> None:
    parts = "".join(f'[[parts]]\nname = "p{n}"\nimage = "a.png"\nbones = ["spine"]\n' for n in range(201))
    toml = next(content for name, content in fox() if name == "puppet.toml") + parts.encode()
    with pytest.raises(BodyDoubleError, match="parts and"):
        Wardrobe(tmp_path / "own").add([*fox()[:1], ("puppet.toml", toml), ("a.png", png())])


def test_samples_and_given_characters_stay(tmp_path: Path) -> None:
    wardrobe = Wardrobe(tmp_path / "own", str(samples()["mira"]))
    for name in ("fox", "mira", "..", "nobody", "../own", ""):
        with pytest.raises(BodyDoubleError):
            wardrobe.remove(name)
    assert samples()["fox"].is_dir()
    with pytest.raises(BodyDoubleError, match="choose from fox"):
        wardrobe.find("../../etc")


def test_what_a_killed_upload_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".upload-123").mkdir()
    (tmp_path / ".upload-123" / "puppet.toml").write_text("x")
    assert set(Wardrobe(tmp_path).folders()) == set(samples())
    assert not list(tmp_path.iterdir())
