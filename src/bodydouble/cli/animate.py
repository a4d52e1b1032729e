"""`bodydouble animate`: a video of a person, or a take, becomes a moving character."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodydouble.cli import options
from bodydouble.types import BodyDoubleError

if TYPE_CHECKING:
    from bodydouble.films import Look
    from bodydouble.pipeline import Config
    from bodydouble.retarget.neutral import Neutral


def animate(
    context: typer.Context,
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
    as_live: Annotated[
        bool,
        typer.Option("--as-live", help="A take of `bodydouble live` as it was shown, but for options given."),
    ] = False,
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
    neutral = None
    if as_live:
        character, config, look, neutral = _as_live(source, context, character, config, look)
    with report() as told:
        film(
            source,
            character,
            out,
            config,
            look,
            take=take,
            force=force,
            neutral=neutral,
            alive=as_live,
            told=told,
        )


def _as_live(
    source: Path, context: typer.Context, character: str, config: Config, look: Look
) -> tuple[str, Config, Look, Neutral | None]:
    """Character, config, look and calibration of a live recording, but for what the command line gives itself."""
    from bodydouble.feeds import TAKE_SUFFIX
    from bodydouble.live.look import from_settings
    from bodydouble.outputs.take import Take

    def given(*names: str) -> set[str]:
        sources = {name: context.get_parameter_source(name) for name in names}
        return {name for name, where in sources.items() if where is not None and where.name != "DEFAULT"}

    if source.suffix.lower() != TAKE_SUFFIX:
        raise BodyDoubleError(
            f"--as-live wants a take of `bodydouble live` ({TAKE_SUFFIX}), not {source.name}; leave it out"
        )
    shown = from_settings(Take(source).info)
    own = given("character", "person", "smooth", "place", "mirror", "fov", "background", "fps")
    kept = {name: getattr(shown.config, name) for name in {"person", "smooth", "place", "mirror", "fov"} - own}
    look = replace(look, framing=shown.framing, shadow=shown.shadow)
    if "background" not in own:
        look = replace(look, background=shown.background)
    if "fps" not in own:
        look = replace(look, rate=shown.fps)
    return character if "character" in own else shown.character, replace(config, **kept), look, shown.calibration
