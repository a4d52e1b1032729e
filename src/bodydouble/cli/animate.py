"""`bodydouble animate`: a video of a person, or a take, becomes a moving character."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodydouble.cli import options


def animate(
    source: Annotated[Path, typer.Argument(help="Video, image, folder of images, or a take (.parquet).")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help=".mp4; with transparency .webm or a folder of PNG files; .png for one image."),
    ],
    character: Annotated[
        str, typer.Option("--character", help="A name (bodydouble characters list) or a character's folder.")
    ] = "fox",
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Show the source with its skeleton beside the character.")
    ] = False,
    mirror: Annotated[bool, typer.Option("--mirror", help="The character is the person's mirror image.")] = False,
    model: options.Model = "blazepose-full",
    device: options.Device = "auto",
    background: Annotated[
        str, typer.Option("--background", help="A colour (white, #20304a), a picture's path, or transparent.")
    ] = "#f4f1ea",
    size: Annotated[
        str, typer.Option("--size", help="WIDTHxHEIGHT of the character's picture; default: as the source.")
    ] = "",
    fps: Annotated[
        float, typer.Option("--fps", help="Pictures a second; default: the source's own time stamps.")
    ] = 0.0,
    person: options.Person = "largest",
    place: Annotated[
        str, typer.Option("--place", help="stay: on the spot; follow: where the person goes; or a gain such as 0.5.")
    ] = "stay",
    smooth: Annotated[float, typer.Option("--smooth", help="0: as the model saw it .. 1: steadiest.")] = 0.5,
    fov: options.Fov = 60.0,
    take: Annotated[Path | None, typer.Option("--take", help="Also keep the keypoints in this .parquet file.")] = None,
    force: options.Force = False,
) -> None:
    """Make a video of CHARACTER moving as the person in SOURCE moves."""
    from bodydouble.cli.progress import report
    from bodydouble.films import Look, film
    from bodydouble.pipeline import Config

    config = Config(
        model=model,
        device=device,
        person=options.person_of(person),
        smooth=options.share_of(smooth, "--smooth"),
        place=options.place_of(place),
        mirror=mirror,
        fov=options.fov_of(fov),
    )
    look = Look(
        background=background,
        size=options.size_of(size) if size else None,
        rate=options.rate_of(fps),
        side_by_side=side_by_side,
    )
    with report() as told:
        film(source, character, out, config, look, take=take, force=force, told=told)
