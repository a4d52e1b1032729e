"""`bodydouble convert`: a model file of TensorFlow.js or TFLite as ONNX or as a PyTorch model."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bodydouble.cli.options import Force
from bodydouble.types import BodyDoubleError

if TYPE_CHECKING:
    import onnx

    from bodydouble.convert.check import Report, Tensor
    from bodydouble.convert.references import Place

MEGABYTE = 1e6
SUFFIXES = (".onnx", ".pt")
ONNX = ".onnx"

InputShapes = dict[str, tuple[int, ...]] | tuple[int, ...] | None
Quantized = Literal["qdq", "float"]
Step = Callable[[str], None]


def convert(
    source: Annotated[Path, typer.Argument(help="model.json of TensorFlow.js (weights beside it), .tflite or .onnx.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="What to write: .onnx, or .pt to train it in PyTorch.")],
    check: Annotated[
        bool,
        typer.Option("--check", help="Run it, and compare it with TensorFlow.js (Node) or LiteRT where there is one."),
    ] = False,
    opset: Annotated[int | None, typer.Option("--opset", help="Version of ONNX's operators (default 17).")] = None,
    float16: Annotated[
        bool | None,
        typer.Option("--float16/--float32", help="How floats are stored; without either, as in the file."),
    ] = None,
    input_shape: Annotated[
        list[str] | None,
        typer.Option("--input-shape", help="Fix an input's sizes: 1,257,257,3 or NAME=1,257,257,3; repeatable."),
    ] = None,
    outputs: Annotated[
        str | None, typer.Option("--outputs", help="Names of the tensors wanted, with commas; the rest is left out.")
    ] = None,
    quantized: Annotated[
        str, typer.Option("--quantized", help="Integers with a scale: qdq keeps them, float makes floats of them.")
    ] = "qdq",
    picture: Annotated[Path | None, typer.Option("--picture", help="A photograph to check with.")] = None,
    node_modules: Annotated[
        Path | None, typer.Option("--node-modules", help="Folder with @tensorflow/tfjs, for --check.")
    ] = None,
    force: Force = False,
) -> None:
    """Convert a TensorFlow.js or TFLite model to ONNX, or rebuild it in PyTorch. Needs no TensorFlow."""
    from bodydouble.outputs.files import check_output, written

    if out.suffix not in SUFFIXES:
        raise BodyDoubleError(f'"{out}" ends in "{out.suffix}"; wanted a name that ends in .onnx or .pt')
    if source.suffix == ONNX and out.suffix == ONNX:
        raise BodyDoubleError(f"{source} is ONNX already; give an output that ends in .pt to rebuild it in PyTorch")
    shapes, numbers = shapes_of(input_shape or []), quantized_of(quantized)
    names = [name.strip() for name in outputs.split(",") if name.strip()] if outputs is not None else None
    if names == []:
        raise BodyDoubleError("--outputs names nothing; give names with commas, such as --outputs heatmap,offsets")
    if out.suffix != ONNX and float16:
        raise BodyDoubleError("--float16 is for .onnx; a PyTorch network is trained in float32: leave it out")
    check_output(out, force)
    photograph = _photograph(picture)
    with _step(f"converting {source.name}") as step:
        if source.suffix == ONNX:
            if any(option is not None for option in (opset, float16, shapes, names)):
                raise BodyDoubleError(f"{source} is ONNX already: its opset, weights, shapes and outputs are given")
            model = _loaded(source)
        else:
            model = _converted(source, names, shapes, opset, float16, numbers)
        with written(out, force=force) as part:
            network: list[str] = []
            if out.suffix == ONNX:
                part.write_bytes(model.SerializeToString())
            else:
                step("rebuilding it in PyTorch")
                network = _write_torch(model, part, check)
            report = None
            if check:
                step("checking it")
                exact = _converted(source, names, shapes, opset, None, numbers) if float16 else None
                report = _checked(model, exact, source, photograph, node_modules)
    typer.echo("\n".join([*_described(source, out, model), *network, *_judged(report), _next(out, model, check)]))


def shapes_of(texts: Sequence[str]) -> InputShapes:
    """What --input-shape says: one shape, or shapes by the inputs' names; None for nothing."""
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, _, sizes = text.rpartition("=")
        parts = [part.strip() for part in sizes.split(",")]
        if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts) or name in shapes:
            raise BodyDoubleError(f'--input-shape "{text}"; wanted sizes such as 1,257,257,3 or NAME=1,257,257,3')
        shapes[name] = tuple(int(part) for part in parts)
    if "" in shapes and len(shapes) > 1:
        raise BodyDoubleError("--input-shape several times: give each its input's name, NAME=1,257,257,3")
    return shapes.get("", shapes) if shapes else None


def quantized_of(text: str) -> Quantized:
    """`qdq` or `float`."""
    if text == "qdq":
        return "qdq"
    if text == "float":
        return "float"
    raise BodyDoubleError(f'--quantized "{text}"; wanted qdq or float')


def _converted(
    source: Path,
    outputs: Sequence[str] | None,
    shapes: InputShapes,
    opset: int | None,
    float16: bool | None,
    quantized: Quantized,
) -> onnx.ModelProto:
    from bodydouble.convert import OPSET, to_onnx

    weights: Literal["keep", "float16", "float32"] = "keep"
    if float16 is not None:
        weights = "float16" if float16 else "float32"
    return to_onnx(
        source,
        outputs=outputs,
        input_shapes=shapes,
        opset=OPSET if opset is None else opset,
        weights=weights,
        quantized=quantized,
    )


def _loaded(source: Path) -> onnx.ModelProto:
    import onnx

    protobuf = importlib.import_module("google.protobuf.message")  # it has no types
    try:
        model: onnx.ModelProto = onnx.load(source)
    except OSError as error:
        raise BodyDoubleError(f"cannot read the model {source}: {error.strerror}") from error
    except protobuf.DecodeError as error:
        raise BodyDoubleError(f"{source} is no ONNX model, or is damaged; fetch or make it again") from error
    if not model.graph.output:
        raise BodyDoubleError(f"{source} is empty; wanted an ONNX model: fetch or make it again")
    return model


def _write_torch(model: onnx.ModelProto, part: Path, check: bool) -> list[str]:
    """Write the network; answers what is to be said of it."""
    from bodydouble.convert import to_torch

    module = to_torch(model)
    judged = []
    if check:
        from bodydouble.convert import torch_check

        report = torch_check.check(module, model)
        off = report.worst.error if report.worst is not None else 0.0
        judged = [f"checked: PyTorch agrees with ONNX Runtime, off by {off:.1e} of an output's range at most"]
    from bodydouble.convert.torch_model import saved

    part.write_bytes(saved(module))
    about: dict[str, Any] = getattr(module, "about", {})
    lines = [f"  output  {name}  to train by: the others only choose by it" for name in about.get("heads", ())]
    lost = about.get("without gradient") or ()
    return lines + ([f"  without a gradient: {', '.join(lost)}"] if lost else []) + judged


def _checked(
    model: onnx.ModelProto,
    exact: onnx.ModelProto | None,
    source: Path,
    photograph: Tensor | None,
    modules: Path | None,
) -> Report | None:
    from bodydouble.convert import check

    if source.suffix == ONNX:
        check.sound(model)
        return None
    return check.check(model, source, exact=exact, picture=photograph, modules=modules)


def _photograph(path: Path | None) -> Tensor | None:
    if path is None:
        return None
    import cv2
    import numpy as np

    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise BodyDoubleError(f"--picture {path} cannot be read: {error.strerror}") from error
    image = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    if image is None:
        raise BodyDoubleError(f"--picture {path} is no picture; wanted a photograph such as .jpg or .png")
    rgb: Tensor = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return rgb


def _described(source: Path, out: Path, model: onnx.ModelProto) -> list[str]:
    """What was made: size, operators, and each input and output."""
    from bodydouble.convert.check import inputs_of, outputs_of
    from bodydouble.convert.references import files_of

    was = sum(path.stat().st_size for path in files_of(source)) / MEGABYTE
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    size = out.stat().st_size / MEGABYTE
    kind = f"operators of ONNX opset {opset}" if out.suffix == ONNX else "operators, as a PyTorch network"
    lines = [f"{out}: {size:.1f} MB (from {was:.1f} MB), {len(model.graph.node)} {kind}"]
    lines += [f"  input   {_shown(place)}" for place in inputs_of(model)]
    return lines + [f"  output  {_shown(place)}" for place in outputs_of(model)]


def _next(out: Path, model: onnx.ModelProto, checked: bool) -> str:
    """What may be done now."""
    if not checked:
        return f"next: the same with --check --force runs {out.name} and compares it with its source"
    if out.suffix == ONNX:
        feed = ", ".join(f'"{place.name}": ...' for place in model.graph.input)
        return f'next: onnxruntime.InferenceSession("{out.name}").run(None, {{{feed}}})'
    return f'next: torch.load("{out.name}", weights_only=False), which answers {{output: tensor}}'


def _shown(place: Place) -> str:
    sizes = "any shape" if place.shape is None else " x ".join("?" if n < 0 else str(n) for n in place.shape)
    return f"{place.name}  {sizes or 'a number'}  {place.dtype.name}"


def _judged(report: Report | None) -> list[str]:
    if report is None:
        return []
    moved = [f"  {found.output}  moved by {found.error:.1e} of its range by rounding" for found in report.rounding]
    if not report.reference:
        ran = f"checked: valid ONNX, runs in ONNX Runtime ({report.runs} runs)"
        return [ran, f"not compared: {report.missing}", *moved]
    rounded = ", before its weights were rounded to float16," if report.rounding else ","
    lines = [f"checked: valid ONNX, runs in ONNX Runtime{rounded} agrees with {report.reference} ({report.runs} runs)"]
    lines += [f"  {found.output}  off by {found.error:.1e} of its range" for found in report.differences]
    return lines + moved


@contextmanager
def _step(text: str) -> Iterator[Step]:
    """A line on standard error, on a terminal, that says what is being done."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status(text) as status:
        yield lambda now: status.update(now)
