"""`bodydouble models`: what can be fetched, fetch it, and what is known of one file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from bodydouble.cli.export import export
from bodydouble.types import BodyDoubleError

if TYPE_CHECKING:
    from bodydouble.models import Progress

MEGABYTE = 1e6

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
app.command("export")(export)


@app.command("list")
def list_models() -> None:
    """The models and clips there are, and which of them are in the cache."""
    import shutil
    import sys

    from bodydouble import models

    rows: list[tuple[str, ...]] = [
        (name, card.kind, _size(card.whole_size), card.licence, models.status(name), card.about)
        for name, card in models.zoo().items()
    ]
    for name, combination in models.combinations().items():
        licences = " and ".join(sorted({models.card(one).licence for one in combination.models}))
        size = _size(sum(models.card(one).whole_size for one in combination.models))
        states = {models.status(one) for one in combination.models}
        rows.append((name, "set", size, licences, _state(states), combination.about))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in listing([("name", "kind", "size", "licence", "state", "what it is"), *rows], width):
        typer.echo(line)
    typer.echo(f"cache: {models.cache_dir()}")


@app.command("pull")
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="What to fetch (bodydouble models list).")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Fetch everything there is.")] = False,
) -> None:
    """Fetch models and clips into the cache; what is there already is only checked."""
    from bodydouble import models

    if bool(names) == everything:
        raise BodyDoubleError("say what to fetch, or --all: bodydouble models pull NAME... (bodydouble models list)")
    wanted = list(models.zoo()) if everything else list(dict.fromkeys(names or ()))
    wanted = [one for name in wanted for one in models.members(name)]  # an unknown name stops this before fetching
    for name in dict.fromkeys(wanted):
        with _bar() as progress:
            path = models.fetch(name, progress)
            if models.card(name).kind == "model":
                models.onnx_path(name, progress=progress)
        typer.echo(f"{name}: {path}")


@app.command("info")
def info(name: Annotated[str, typer.Argument(help="A name of bodydouble models list.")]) -> None:
    """All that is known of a model or clip: licence, origin, hash, where it is, its outputs by role."""
    from bodydouble import models

    if name in models.combinations():
        combination = models.combinations()[name]
        typer.echo(f"{'about':8} {combination.about}\n{'kind':8} a set of models")
        for one in combination.models:
            typer.echo(f"{'model':8} {one} ({models.status(one)}): {models.card(one).about}")
        return
    models.members(name)  # says all the names there are
    card = models.card(name)
    rows = [
        ("about", card.about),
        ("kind", card.kind),
        ("licence", f"{card.licence}, {card.author}"),
        ("size", f"{card.whole_size} bytes in all" if card.companions else f"{card.size} bytes"),
        ("SHA-256", card.sha256),
        *(("beside it", f"{one.name}, {one.size} bytes, SHA-256 {one.sha256}") for one in card.companions),
        *(("source", str(source)) for source in card.sources),
        ("state", models.status(name)),
        ("file", str(models.place(card))),
        *(("output", f"{role} ({tensor})") for role, tensor in card.outputs.items()),
    ]
    for label, text in rows:
        typer.echo(f"{label:8} {text}")


def listing(rows: Sequence[tuple[str, ...]], width: int | None) -> list[str]:
    """Rows in columns. width: letters of the terminal; the last column stands below its row where it does not fit."""
    import textwrap

    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    fits = width is None or sum(widths) + 2 * (len(widths) - 1) <= width
    lines = []
    for row in rows:
        cells = [cell.ljust(size) for cell, size in zip(row[:-1], widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]] if fits else cells).rstrip())
        if not fits and row is not rows[0]:  # its heading needs no line
            lines += textwrap.wrap(row[-1], width or 80, initial_indent="    ", subsequent_indent="    ")
    return lines


def _state(states: Collection[str]) -> str:
    """The state of a set: that of all, or in words what is missing."""
    return next(iter(states)) if len(states) == 1 else "partly cached"


def _size(count: int) -> str:
    return f"{count / MEGABYTE:.1f} MB"


@contextmanager
def _bar() -> Iterator[Progress]:
    """A progress bar on standard error that shows what models reports."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking in the cache", total=None)

        def progress(done: int, total: int | None, text: str) -> None:
            bar.update(task, completed=done, total=total, description=text)

        yield progress
