"""`bodydouble track`: keypoints of a video to a take, CSV, OpenPose JSON or COCO results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodydouble.cli import options


def track(
    source: Annotated[Path, typer.Argument(help="Video, image or folder of images.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="take.parquet, .csv, .json (COCO results) or a folder (OpenPose JSON, a file a frame)."
        ),
    ],
    model: options.Model = "blazepose-full",
    device: options.Device = "auto",
    person: options.Person = "largest",
    smooth: Annotated[float, typer.Option("--smooth", help="0: as the model saw it .. 1: steadiest.")] = 0.0,
    force: options.Force = False,
) -> None:
    """Write the keypoints of the people in SOURCE, without a character. An interrupted take goes on."""
    from bodydouble.cli.progress import report
    from bodydouble.films import record
    from bodydouble.pipeline import Config

    config = Config(
        model=model, device=device, person=options.person_of(person), smooth=options.share_of(smooth, "--smooth")
    )
    with report() as told:
        record(source, out, config, force=force, told=told)
