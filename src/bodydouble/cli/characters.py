"""`bodydouble characters`: list the characters there are; say what is wrong with one, and show its joints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodydouble.types import BodyDoubleError, Image

FAULTY = 2  # exit code of a check that found errors

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command("list")
def list_characters() -> None:
    """The characters that come with bodydouble."""
    from bodydouble.characters import load, samples

    for name, folder in samples().items():
        puppet = load(folder)
        by = f"by {puppet.author}, " if puppet.author else ""
        typer.echo(f"{name:12} {len(puppet.rig.names)} bones, {by}{puppet.licence or 'no licence stated'}")
    typer.echo("or a folder with a puppet.toml or, from Animated Drawings, a char_cfg.yaml in it")


@app.command("check")
def check_character(
    path: Annotated[str, typer.Argument(help="A character's name or its folder.", metavar="PATH")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write a picture of the joints and bones there (PNG).")
    ] = None,
    mesh: Annotated[bool, typer.Option("--mesh", help="Show the triangles in the picture, too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a picture that is already there.")] = False,
) -> None:
    """What is wrong with a character, in words, with a picture of its joints."""
    from bodydouble.characters import check

    if output is not None and output.exists() and not force:
        raise BodyDoubleError(f"{output} is already there; use --force to replace it")
    report = check(path)
    for line in report.errors:
        typer.echo(f"error: {line}")
    for line in report.warnings:
        typer.echo(f"warning: {line}")
    if report.puppet is None:
        typer.echo(f"{path}: {_count(len(report.errors), 'error')}; it cannot be used yet")
        raise typer.Exit(FAULTY)
    puppet = report.puppet
    points = sum(len(part.points) for part in puppet.parts)
    typer.echo(
        f"{puppet.name}: {_count(len(puppet.rig.names), 'bone')}, {_count(len(puppet.parts), 'part')}, "
        f"{_count(points, 'mesh point')}, {_count(len(report.warnings), 'warning')}"
    )
    picture = report.picture(mesh=mesh)
    if output is not None and picture is not None:
        _write(output, picture)
        typer.echo(f"joints: {output}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number or 'no'} {what}s"


def _write(path: Path, picture: Image) -> None:
    import cv2

    from bodydouble.outputs.files import written

    if path.suffix.lower() != ".png":
        raise BodyDoubleError(f"{path} does not end in .png; the picture is a PNG")
    _, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    with written(path, force=True) as temporary:
        temporary.write_bytes(data.tobytes())


if __name__ == "__main__":
    app()
