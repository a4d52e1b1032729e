"""What is wrong with a character, in words: errors (it cannot move) and warnings (it moves, but not as it should).

Every reader of a character file tells its faults to one Problems instead of stopping at the first. Imports only types.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bodydouble.types import BodyDoubleError


@dataclass(slots=True)
class Problems:
    """Errors and warnings in the order found; each is one line that names the file and the key."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def error(self, where: str, what: str) -> None:
        """Something without which the character cannot be used."""
        line = f"{where}: {what}"
        if line not in self.errors:
            self.errors.append(line)

    def warn(self, where: str, what: str) -> None:
        """Something that the maker will want to know."""
        line = f"{where}: {what}"
        if line not in self.warnings:
            self.warnings.append(line)

    def stop_on_error(self, path: object) -> None:
        """Raise BodyDoubleError with the first error, if there is one."""
        if not self.errors:
            return
        more = len(self.errors) - 1
        rest = f" (and {more} more: bodydouble characters check {path})" if more else ""
        raise BodyDoubleError(f"{path}: {self.errors[0]}{rest}")
