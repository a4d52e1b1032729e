"""`bodydouble bench`: how long each stage takes on a clip, and against a peer in the same run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodydouble.cli import options


def bench(
    clip: Annotated[Path | None, typer.Argument(help="A video; default: the demo's clip.")] = None,
    character: Annotated[str, typer.Option("--character", help="Who is drawn.")] = "fox",
    model: options.Model = "blazepose-full",
    device: options.Device = "auto",
    size: Annotated[str, typer.Option("--size", help="WIDTHxHEIGHT of the picture drawn.")] = "1280x720",
    against: Annotated[
        str, typer.Option("--against", help="mediapipe: its time on the same frames, and the ratio.")
    ] = "",
    peer_python: Annotated[
        Path | None, typer.Option("--peer-python", help="A Python that has the peer; default: this one.")
    ] = None,
    threads: Annotated[int, typer.Option("--threads", help="Threads of the model; 0: as when animating.")] = 0,
) -> None:
    """Milliseconds a frame for decode, estimate, smooth, retarget, draw and encode (p50, p95), and peak memory."""
    from bodydouble.bench import measure

    measure(
        clip,
        character=character,
        model=model,
        device=device,
        size=options.size_of(size),
        against=against,
        peer_python=peer_python,
        threads=threads or None,
    )
