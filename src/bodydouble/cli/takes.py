"""`bodydouble takes`: the takes of a folder, and what interrupted recordings left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodydouble.cli.options import typed
from bodydouble.types import BodyDoubleError

FAULTY = 2  # exit code when something could not be recovered

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command("list")
def list_takes(
    folder: Annotated[Path, typer.Argument(help="A folder; default: this one.", show_default=False)] = Path(),
) -> None:
    """The takes in FOLDER, and the recordings that were interrupted."""
    from bodydouble.outputs.recovery import SUFFIX, interrupted

    left = interrupted(folder)  # says so if there is no such folder
    found = sorted({*left, *(path for path in folder.iterdir() if path.suffix.lower() == SUFFIX and path.is_file())})
    for path in found:
        typer.echo(f"{path.name:40} {_line(path)}")
    if not found:
        typer.echo(f"no takes in {folder.resolve()}")


@app.command("recover")
def recover_takes(
    path: Annotated[Path, typer.Argument(help="A take that was interrupted (NAME.parquet), or a folder of them.")],
) -> None:
    """Make whole takes of what interrupted recordings left. `bodydouble animate` reads them without, too."""
    from bodydouble.outputs import journal
    from bodydouble.outputs.recovery import recover_all
    from bodydouble.outputs.take import recover

    if not path.is_dir():
        take = journal.take_of(path) or path
        typer.echo(f"{take}: {_frames(recover(take))}")
        return
    done = recover_all(path)
    for one in done:
        typer.echo(one.message)
    if not done:
        typer.echo(f"no interrupted recordings in {path.resolve()}")
    if any(not one.frames for one in done):
        raise typer.Exit(FAULTY)


def _line(path: Path) -> str:
    """What a take is, in one line."""
    from bodydouble.outputs import journal
    from bodydouble.outputs.take import Take

    try:
        take = Take(path)
        count, seconds = len(take), take.info.source.duration
        if take.interrupted:
            held = journal.is_held(path)
            note = "is being recorded" if held else f"interrupted: {typed('bodydouble', 'takes', 'recover', str(path))}"
        else:
            note = f"{take.info.model}, {take.info.source.name}"
    except BodyDoubleError as error:
        return str(error)
    return f"{_frames(count)}{f', {seconds:.1f} s' if seconds else ''}, {note}"


def _frames(count: int) -> str:
    return f"{count} frame" if count == 1 else f"{count} frames"
