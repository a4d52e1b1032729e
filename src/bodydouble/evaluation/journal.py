"""The journal of a run: what was found in each picture so far, so that an interrupted run goes on.

Beside the results, .NAME.journal: lines of JSON, the first about the run, then one a picture; a last line that was cut
off is not read. It goes when the whole command is done: results with a journal are those of an unfinished one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from bodydouble.evaluation.results import Result, as_entry, from_entry
from bodydouble.evaluation.truth import Truth
from bodydouble.outputs.files import beside, write_error
from bodydouble.types import BodyDoubleError


@dataclass(frozen=True, slots=True)
class Looked:
    """One picture done. seconds: of each look (each box, or the whole picture)."""

    results: tuple[Result, ...]
    seconds: tuple[float, ...]


def journal_of(results: Path) -> Path:
    """Where the journal of a results file lies."""
    return beside(results, "journal")


class Journal:
    """Pictures done by their id; keeps each on disk if there is a path.

    path: of the results that the journal lies beside, None to keep nothing. about: what must be the same for a run to
    go on: model, crop, annotations. foreign: what the journal on disk was about instead, and was therefore replaced.
    """

    def __init__(self, path: Path | None, truth: Truth, about: dict[str, Any]) -> None:
        self._truth = truth
        self._about = about
        self._path = None if path is None else journal_of(path)
        self._file: TextIO | None = None
        self.foreign: dict[str, Any] | None = None
        self.done: dict[int, Looked] = {}
        if self._path is not None:
            self._begin(self._path)

    def add(self, picture: int, looked: Looked) -> None:
        """Keep what was found in a picture."""
        self.done[picture] = looked
        if self._file is not None and self._path is not None:
            line = {
                "picture": picture,
                "seconds": looked.seconds,
                "results": [as_entry(result, self._truth) for result in looked.results],
            }
            self._write(self._file, self._path, line)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self, path: Path) -> None:
        lines = _whole_lines(path)
        about = lines[0] if lines else None
        if about != self._about:
            self.foreign, lines = about, []
        for line in lines[1:]:
            results = tuple(from_entry(entry, self._truth, path.name) for entry in line["results"])
            self.done[int(line["picture"])] = Looked(results, tuple(line["seconds"]))
        anew = path.with_name(f"{path.name}.part")  # without a line that was cut off: it must not join the next one
        try:
            with anew.open("w", encoding="utf-8") as file:
                for line in [self._about, *lines[1:]]:
                    self._write(file, path, line)
            anew.replace(path)
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise write_error(path, error) from error

    def _write(self, file: TextIO, path: Path, line: dict[str, Any]) -> None:
        try:
            file.write(json.dumps(line) + "\n")
            file.flush()
        except OSError as error:
            raise write_error(path, error, kept="what is in the journal is kept") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal up to the first that is cut off; [] if there is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BodyDoubleError(f"cannot read {path} ({error.strerror}); remove it to start again") from error
    lines: list[dict[str, Any]] = []
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except json.JSONDecodeError:
            break
        if not isinstance(value, dict):
            break
        lines.append(value)
    return lines
