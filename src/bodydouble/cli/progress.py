"""What a long run tells the user: one progress bar and, at the end, one line."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bodydouble.sources import SourceWarning


class Told:
    """Receives the news of a run (films.Told) and shows them with rich."""

    def __init__(self, bar: Progress) -> None:
        self.bar = bar
        self._task = bar.add_task("preparing", total=None)

    def step(self, done: int, total: int | None, text: str) -> None:
        """`done` of `total` (None: unknown) of what `text` names."""
        self.bar.update(self._task, completed=done, total=total, description=text)

    def say(self, line: str) -> None:
        """One line that stays on the screen."""
        self.bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def report() -> Iterator[Told]:
    """A progress bar on standard error while the block runs."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    before = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, SourceWarning):  # about the user's file: one line, no line of our code
            bar.console.print(f"note: {message}", markup=False, highlight=False, soft_wrap=True)
        else:
            before(message, category, filename, lineno, file, line)

    class Notes(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            bar.console.print(f"note: {record.getMessage()}", markup=False, highlight=False, soft_wrap=True)

    log, notes = logging.getLogger("bodydouble"), Notes(logging.WARNING)
    warnings.showwarning = show
    log.addHandler(notes)
    try:
        with bar:
            yield Told(bar)
    finally:
        warnings.showwarning = before
        log.removeHandler(notes)
