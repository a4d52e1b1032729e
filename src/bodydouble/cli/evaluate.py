"""`bodydouble eval`: models judged on annotated pictures, as a table, COCO results and an HTML report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodydouble.cli import options
from bodydouble.types import BodyDoubleError


def evaluate(
    gt: Annotated[Path, typer.Option("--gt", help="COCO keypoint annotations (person_keypoints.json).")],
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder of the annotated pictures; not needed for --results alone.")
    ] = None,
    model: Annotated[list[str] | None, typer.Option("--model", help="Pose model; give it again to compare.")] = None,
    results: Annotated[
        list[Path] | None, typer.Option("--results", help="COCO results to judge, of any program; may be repeated.")
    ] = None,
    crop: Annotated[
        str,
        typer.Option("--crop", help="detect: the model looks for people itself; gt: it gets the annotated boxes."),
    ] = "detect",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="COCO results: NAME.json, NAME-MODEL.json for several. Interrupted, it goes on."
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="HTML report, one file.")] = None,
    figures: Annotated[Path | None, typer.Option("--figures", help="All figures as JSON.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="Only the first N pictures; 0: all.")] = 0,
    device: options.Device = "auto",
    force: options.Force = False,
) -> None:
    """Judge models on annotated pictures: COCO's AP and AR, mean OKS, PCK and the error of every point."""
    if not model and not results:
        raise BodyDoubleError("nothing to judge; name a --model or a file of --results")
    if limit < 0:
        raise BodyDoubleError(f"--limit {limit}; wanted the number of pictures to look at, or 0 for all")
    from bodydouble.cli.progress import report as telling
    from bodydouble.evaluation.judging import Wanted, judge_all

    wanted = Wanted(
        gt=gt,
        images=images,
        models=tuple(model or ()),
        results=tuple(results or ()),
        crop=crop,
        out=out,
        report=report,
        figures=figures,
        limit=limit or None,
        device=device,
        force=force,
    )
    with telling() as told:
        judge_all(wanted, told)
