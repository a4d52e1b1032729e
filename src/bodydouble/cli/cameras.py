"""`bodydouble cameras`: the cameras that are plugged in, by name, with the sizes and rates each offers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bodydouble.sources.camera import CameraInfo


def cameras(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list instead.")] = False,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe", help="Where the system does not say, switch each camera on and try the usual sizes (slow)."
        ),
    ] = False,
) -> None:
    """The cameras that are plugged in, by name, with the sizes and rates each offers."""
    from bodydouble.sources import camera
    from bodydouble.sources.devices import NOTHING

    found = camera.cameras(probe=probe)
    if as_json:
        typer.echo(json.dumps([_record(info) for info in found], indent=2, ensure_ascii=False))
        return
    if not found:
        typer.echo(NOTHING)
        return
    for info in found:
        typer.echo(info.label)
        for line in _lines(info, probe):
            typer.echo(f"  {line}")
    typer.echo(f'use one: bodydouble live --camera "{found[0].name}" (a part of the name is enough)')


def _lines(info: CameraInfo, probed: bool) -> list[str]:
    """What is known of a camera, one line a size."""
    rates: dict[tuple[int, int], list[float]] = {}
    for width, height, rate in info.modes:
        rates.setdefault((width, height), []).append(rate)
    lines = [f"not now: {info.trouble}"] if info.trouble else []
    for (width, height), offered in rates.items():
        known = ", ".join(f"{rate:g}" for rate in offered if rate > 0)
        lines.append(f"{f'{width}x{height}':11}{known} fps" if known else f"{width}x{height}, rates unknown")
    if not lines:
        more = "it did not open" if probed else "bodydouble cameras --probe switches it on and tries"
        lines.append(f"sizes and rates unknown: the system does not list them; {more}")
    return lines


def _record(info: CameraInfo) -> dict[str, object]:
    modes = [{"width": width, "height": height, "fps": rate} for width, height, rate in info.modes]
    return {"name": info.name, "label": info.label, "modes": modes, "trouble": info.trouble}
