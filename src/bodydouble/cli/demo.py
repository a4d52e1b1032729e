"""`bodydouble demo`: fetch a model and a clip, and make a video of the fox beside the person it copies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodydouble.types import BodyDoubleError

CLIP = "walk-front"
NAME = "demo.mp4"


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for demo.mp4; made if missing.")] = Path(),
    character: Annotated[str, typer.Option("--character", help="Who moves.")] = "fox",
) -> None:
    """Make demo.mp4: a person on a real clip, and the character moving as they move. Replaces an earlier demo.mp4."""
    from bodydouble import models
    from bodydouble.cli.progress import report
    from bodydouble.films import Look, film
    from bodydouble.pipeline import Config

    with report() as told:
        clip = models.fetch(CLIP, progress=told.step)
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BodyDoubleError(
                f"cannot make the folder {out} ({error.strerror}); give another with --out"
            ) from error
        film(clip, character, out / NAME, Config(), Look(side_by_side=True, rate=30.0), force=True, told=told)
        told.say(f"Next: bodydouble animate YOUR-VIDEO.mp4 --character {character} -o {character}.mp4")
