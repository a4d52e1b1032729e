"""What a page uploads, checked before a byte of it is written: one zip, or the files of a folder, as names and bytes.

Refused in one sentence: names that lead elsewhere, links, locked or lying archives, other types than a character's, and
whatever is too large or too many, counted by what comes out of the archive, not by what it claims.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from bodydouble.stage.picture_sizes import size_of_photo, size_of_png
from bodydouble.types import BodyDoubleError

Files = dict[PurePosixPath, bytes]

LARGEST_TOTAL = 32 << 20  # bytes, unpacked
LARGEST_TEXT = 1 << 18  # bytes of a .toml, .yaml or .txt; the samples' have 5 KB
MOST_FILES = 200
MOST_PIXELS = 20_000_000  # of one picture
MOST_DEPTH = 4  # folders within folders
LONGEST_NAME = 100  # characters of one part of a path; file systems take 255 bytes
PICTURES = (".png", ".jpg", ".jpeg", ".svg")
TEXTS = (".toml", ".yaml", ".yml", ".txt")
LEFT_OUT = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")  # what systems add by themselves
# Names that Windows keeps for devices, with any suffix (Microsoft, Naming Files, Paths, and Namespaces).
RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{digit}" for name in ("com", "lpt") for digit in "0123456789¹²³")}
FORBIDDEN = set('<>:"|?*\\')
_BLOCK = 1 << 16


def files_of(uploads: Sequence[tuple[str, bytes]]) -> Files:
    """The files of an upload, by their checked paths: of one zip, or as they are.

    uploads: (name, content); a name may have folders in it. Raises BodyDoubleError for what is refused.
    """
    if not uploads:
        raise BodyDoubleError("nothing was sent; choose a zip or the files of a character")
    zips = [name for name, _ in uploads if name.lower().endswith(".zip")]
    if zips and len(uploads) > 1:
        raise BodyDoubleError(f'"{shown(zips[0])}" came with other files; send one zip, or files without a zip')
    pieces = _unzipped(uploads[0][1]) if zips else uploads
    files: Files = {}
    taken: set[str] = set()
    total = 0
    for name, content in pieces:
        path = checked_path(name)
        if path is None:
            continue
        total += len(content)
        if len(files) >= MOST_FILES:
            raise BodyDoubleError(f"more than {MOST_FILES} files; a character needs a handful")
        if total > LARGEST_TOTAL:
            raise BodyDoubleError(f"more than {LARGEST_TOTAL >> 20} MB unpacked; make the pictures smaller")
        if str(path).casefold() in taken:
            raise BodyDoubleError(f'"{shown(name)}" is there twice; rename one')
        taken.add(str(path).casefold())
        check_content(path, content)
        files[path] = content
    if not files:
        raise BodyDoubleError("the upload holds no file; choose a zip or the files of a character")
    return _without_common_folder(files)


def checked_path(name: str) -> PurePosixPath | None:
    """The path of a file within the character's folder; None for what systems add by themselves.

    Raises BodyDoubleError for a name that leads elsewhere or that some system cannot hold.
    """
    parts = name.split("/")
    if any(part in LEFT_OUT for part in parts) or parts[-1].startswith("._"):
        return None
    if name.startswith("/") or any(part in ("", ".", "..") for part in parts):
        raise BodyDoubleError(
            f'"{shown(name)}" leads out of the folder; names are refused that begin with / or hold ..'
        )
    for part in parts:
        check_name(part)
    if len(parts) > MOST_DEPTH + 1:
        raise BodyDoubleError(
            f'"{shown(name)}" lies too deep; at most {MOST_DEPTH} folders within each other are taken'
        )
    path = PurePosixPath(name)
    if path.suffix.lower() not in PICTURES + TEXTS:
        wanted = ", ".join(PICTURES + TEXTS)
        raise BodyDoubleError(f'"{shown(name)}" is no file of a character; taken are {wanted}')
    return path


def check_name(name: str) -> None:
    """Raises BodyDoubleError for the name of a file or folder that is not fit for every system."""
    if (
        not name.isprintable()
        or FORBIDDEN & set(name)
        or len(name) > LONGEST_NAME
        or name != name.strip(" ")
        or name.endswith(".")
        or name.startswith((".", "~"))
        or name.partition(".")[0].rstrip(" ").casefold() in RESERVED
    ):
        raise BodyDoubleError(
            f'"{shown(name)}" is no name that every system can hold; rename it with letters and digits'
        )


def check_content(path: PurePosixPath, content: bytes) -> None:
    """Raises BodyDoubleError for a file that is not what its name says, or larger than it may be."""
    suffix = path.suffix.lower()
    if suffix in TEXTS and len(content) > LARGEST_TEXT:
        raise BodyDoubleError(f'"{shown(str(path))}" is larger than {LARGEST_TEXT >> 10} KB')
    if suffix in TEXTS or suffix == ".svg":
        if b"\0" in content:
            raise BodyDoubleError(f'"{shown(str(path))}" is no text')
        if suffix == ".svg" and (b"<!DOCTYPE" in content or b"<!ENTITY" in content):
            raise BodyDoubleError(f'"{shown(str(path))}" declares a DOCTYPE; save it as plain SVG')
        return
    try:
        check_pixels(size_of_png(content) if suffix == ".png" else size_of_photo(content))
    except BodyDoubleError as fault:
        raise BodyDoubleError(f'"{shown(str(path))}": {fault}') from fault


def check_pixels(size: tuple[int, int]) -> None:
    """Raises BodyDoubleError for a picture of no or of too many pixels. size: width, height."""
    width, height = size
    if not 0 < width * height <= MOST_PIXELS:
        raise BodyDoubleError(
            f"it has {width}x{height} pixels; at most {MOST_PIXELS // 1_000_000} million are taken: make it smaller"
        )


def _unzipped(content: bytes) -> Iterable[tuple[str, bytes]]:
    """The files of a zip, unpacked no further than LARGEST_TOTAL."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as fault:
        raise BodyDoubleError("the zip is damaged; make it anew") from fault
    if len(archive.filelist) > 4 * MOST_FILES:  # folders and what systems add count here, too
        raise BodyDoubleError(f"the zip has {len(archive.filelist)} entries; a character needs a handful")
    left = LARGEST_TOTAL
    for entry in archive.filelist:
        if not entry.filename or entry.orig_filename != entry.filename or "\\" in entry.orig_filename:
            raise BodyDoubleError(f'"{shown(entry.orig_filename)}" is no name that every system can hold; rename it')
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise BodyDoubleError(f'"{shown(entry.filename)}" is a link or a device; put the file itself into the zip')
        if entry.is_dir():
            continue
        if entry.flag_bits & 1:
            raise BodyDoubleError("the zip is locked by a password; make it without one")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BodyDoubleError("the zip is packed in an unusual way; make it with your system's own zip")
        if checked_path(entry.filename) is None:
            continue
        content = _entry(archive, entry, left)
        left -= len(content)
        yield entry.filename, content


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """One file of a zip; no more than `most` bytes are ever unpacked."""
    pieces, size = [], 0
    try:
        with archive.open(entry) as file:
            while piece := file.read(_BLOCK):
                size += len(piece)
                if size > most:
                    raise BodyDoubleError(f"more than {LARGEST_TOTAL >> 20} MB unpacked; make the pictures smaller")
                pieces.append(piece)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, RuntimeError) as fault:
        raise BodyDoubleError(f'"{shown(entry.filename)}" in the zip is damaged; make the zip anew') from fault
    return b"".join(pieces)


def _without_common_folder(files: Files) -> Files:
    """Files that all lie in the same folder, without it: that is how systems zip a folder."""
    while len({path.parts[0] for path in files}) == 1 and all(len(path.parts) > 1 for path in files):
        files = {PurePosixPath(*path.parts[1:]): content for path, content in files.items()}
    return files


def shown(name: str) -> str:
    """A name as it may be told back: printable and short."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    return plain if len(plain) <= 60 else plain[:59] + "…"
