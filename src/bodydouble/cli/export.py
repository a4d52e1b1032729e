"""`bodydouble models export`: a pose model as an ONNX file for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodydouble.cli import options
from bodydouble.types import BodyDoubleError

if TYPE_CHECKING:
    import onnx

    from bodydouble.models import Progress

MEGABYTE = 1e6
SUFFIX = ".onnx"


def export(
    name: Annotated[str, typer.Argument(help="A pose model (bodydouble models list).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write, NAME.onnx.")],
    fused: Annotated[
        bool, typer.Option("--fused", help="From camera image to keypoints in one file; without it the bare network.")
    ] = False,
    people: Annotated[int, typer.Option("--people", help="With --fused: the most people that are found.")] = 1,
    regions: Annotated[
        bool,
        typer.Option(
            "--regions", help="With --fused: follow people from frame to frame by an input and an output more."
        ),
    ] = False,
    force: options.Force = False,
) -> None:
    """Write a model as an ONNX file that runs in ONNX Runtime, onnxruntime-web, OpenVINO, ... without bodydouble.

    --fused: `image` (H, W, 3) uint8 RGB of any size in; `keypoints` (people, K, 3) x, y in pixels and score out.
    """
    from bodydouble.cli.progress import report
    from bodydouble.outputs.files import check_output, written

    if output.suffix != SUFFIX:
        raise BodyDoubleError(f"{output} does not end in {SUFFIX}; an ONNX file is written: give it that suffix")
    if not fused and (regions or people != 1):
        raise BodyDoubleError("--people and --regions are for --fused; the bare network has neither: add --fused")
    check_output(output, force)
    with report() as told:
        model = _fused(name, people, regions, told.step) if fused else _bare(name, told.step)
    with written(output, force=force) as temporary:
        temporary.write_bytes(model.SerializeToString())
    typer.echo(f"{output}: {output.stat().st_size / MEGABYTE:.1f} MB, opset {model.opset_import[0].version}")
    for label, values in (("in ", model.graph.input), ("out", model.graph.output)):
        for value in values:
            typer.echo(f"  {label} {value.name:13} {_kind(value)}")
    facts = {entry.key: entry.value for entry in model.metadata_props}
    if "keypoints" in facts:
        typer.echo(f"  keypoints in order: {', '.join(json.loads(facts['keypoints']))}")


def _fused(name: str, people: int, regions: bool, progress: Progress) -> onnx.ModelProto:
    from bodydouble.estimate.fused import fused

    return fused(name, people, regions=regions, progress=progress)


def _bare(name: str, progress: Progress) -> onnx.ModelProto:
    import onnx

    from bodydouble import models

    return onnx.load(models.onnx_path(name, progress=progress))


def _kind(value: onnx.ValueInfoProto) -> str:
    """float32 (1, 33, 3): what a value holds."""
    from onnx.helper import tensor_dtype_to_np_dtype

    tensor = value.type.tensor_type
    shape = ", ".join(d.dim_param or str(d.dim_value) for d in tensor.shape.dim)
    return f"{tensor_dtype_to_np_dtype(tensor.elem_type)} ({shape})"
