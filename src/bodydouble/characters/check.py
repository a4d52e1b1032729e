"""Looks a character over for its maker: what is wrong with it, in words, and a picture of its joints and bones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bodydouble.characters.library import SHARP_AT, find, read
from bodydouble.characters.problems import Problems
from bodydouble.characters.puppet import Puppet
from bodydouble.characters.sketch import joints_picture
from bodydouble.types import Image


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What `check` found. errors: why the character cannot be used; warnings: what its maker will want to know.

    puppet: the character, None if there are errors. Each problem is one line naming the file and key.
    """

    path: Path
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    puppet: Puppet | None

    @property
    def ok(self) -> bool:
        """Whether the character can be used."""
        return self.puppet is not None

    def picture(self, *, mesh: bool = False) -> Image | None:
        """The joints and bones over the character, and its triangles if asked, (H, W, 3) RGB; None without a puppet."""
        return None if self.puppet is None else joints_picture(self.puppet, mesh=mesh)


def check(name_or_path: str | Path) -> Report:
    """Everything that is wrong with a character: a sample's name or a folder.

    Raises BodyDoubleError only if there is no such folder or it holds no character at all.
    """
    folder = find(name_or_path)
    problems = Problems()
    puppet = read(folder, SHARP_AT, problems)
    return Report(folder, tuple(problems.errors), tuple(problems.warnings), None if problems.errors else puppet)
