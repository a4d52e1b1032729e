"""One plain sentence when tracking is poor, and why."""

from __future__ import annotations


class Hints:
    """Says what to do when tracking is poor."""

    def __init__(self) -> None:
        self._hint = ""

    @property
    def hint(self) -> str:
        """The sentence, "" when all is well."""
        return self._hint
