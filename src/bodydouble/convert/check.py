"""Is a converted model sound, and does it compute what its source does?

onnx.checker in full, a run in ONNX Runtime, and a comparison with the runtime that the source file was made for, where
that is installed. Loads ONNX Runtime only when a model is run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bodydouble.convert import references, tflite
from bodydouble.convert.compare import TOLERANCE, Difference, differences, partners
from bodydouble.convert.references import Feed, Place
from bodydouble.convert.samples import chosen, feeds, is_picture
from bodydouble.convert.tflite_quantized import scale_of
from bodydouble.types import BodyDoubleError

if TYPE_CHECKING:
    import onnx

Tensor = npt.NDArray[Any]

TORCH_TOLERANCE = 1e-4  # of an output's range
# How many times further than LiteRT's two sets of kernels are apart a model of integers may be from either: as far from
# the one as they are apart, and as far again for its own rounding.
ROUNDING = 2.0

# Operators that hand a list of row numbers on as it is.
_PASSING = frozenset({"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"})


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. reference: the runtime compared with, "" for none; missing: then why, and how to get it.

    rounding: how far weights that were stored in fewer bits on purpose move the outputs.
    """

    runs: int
    reference: str
    differences: tuple[Difference, ...] = ()
    missing: str = ""
    rounding: tuple[Difference, ...] = ()

    @property
    def worst(self) -> Difference | None:
        """The output that is furthest off."""
        return max(self.differences, key=lambda difference: difference.error, default=None)

    def within(self, limit: float) -> bool:
        """Whether every output agrees."""
        return all(difference.within(limit) for difference in self.differences)


def check(
    model: onnx.ModelProto,
    source: Path,
    *,
    exact: onnx.ModelProto | None = None,
    picture: Tensor | None = None,
    modules: Path | None = None,
) -> Report:
    """Check a converted model against the file it was made of.

    exact: the same with the file's own weights, if those of `model` were rounded on purpose: it is what has to agree,
    and the report says how far rounding moves the outputs. picture: (H, W, 3) uint8 RGB for inputs that take pictures;
    modules: the node_modules folder with TensorFlow.js.
    Raises BodyDoubleError, one line, if it is not valid ONNX, does not run, or is further off than TOLERANCE.
    """
    sound(model)
    content = model.SerializeToString()
    made = feeds_of(model, picture)
    answers = [run(content, feed) for feed in made]
    if exact is not None:
        report = check(exact, source, picture=picture, modules=modules)
        unrounded = exact.SerializeToString()
        return replace(report, rounding=tuple(differences([run(unrounded, feed) for feed in made], answers)))
    try:
        reference = references.reference(source, modules)
        found = _compared(reference, source, made, answers)
    except references.Unavailable as error:
        return Report(len(made), "", missing=str(error))
    report = Report(len(made), reference.name, tuple(found))
    worst, limit = report.worst, _limit(reference, source, made)
    if limit is None and not report.within(TOLERANCE):
        why = "LiteRT rounds integers with a scale in its own way, which leaves nothing to measure by; only run"
        return Report(len(made), "", missing=why)
    if limit is not None and worst is not None and not report.within(limit):
        raise BodyDoubleError(
            f"the converted {source.name} is not what {reference.name} computes: output {worst.output} is off by "
            f"{worst.error:.1e} of its range (at most {limit:.2g} is allowed); please report the model"
        )
    return report


def _limit(reference: references.Reference, source: Path, made: Sequence[Feed]) -> float | None:
    """How far off an output may be, as a part of its range; None where there is nothing to measure by.

    Of integers with a scale LiteRT's own sets of kernels, plain ones and XNNPACK's, differ from each other: so may the
    converted model, by ROUNDING times as much. There is nothing to measure by where they are one set (16 bits), nor
    where weights alone are integers: LiteRT then rounds what it multiplies them with, the converted model does not.
    """
    if not isinstance(reference, references.Litert):
        return TOLERANCE
    tensors = tflite.read(source).main.tensors
    if not any(tensor.quantization is not None for tensor in tensors):
        return TOLERANCE
    if not any(tensor.data is None and scale_of(tensor) is not None for tensor in tensors):
        return None
    others = references.Litert(source, delegates=True)
    fed_as = partners(
        [place.name for place in reference.inputs()], list(made[0]), references.aliases(source), some=True
    )
    given = [{name: feed[own] for name, own in fed_as.items()} for feed in made]
    apart = differences(reference.run(given), others.run(given))
    spread = max((difference.error for difference in apart), default=0.0)
    return max(TOLERANCE, ROUNDING * spread) if spread else None


def sound(model: onnx.ModelProto) -> None:
    """Raises BodyDoubleError where ONNX's own checker, with shape inference, finds fault."""
    import onnx

    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise BodyDoubleError(f"not a valid ONNX model: {str(error).splitlines()[0]}") from error


def inputs_of(model: onnx.ModelProto) -> list[Place]:
    """What an ONNX model is fed; sizes that have a name are unknown."""
    return [_place(value) for value in model.graph.input]


def outputs_of(model: onnx.ModelProto) -> list[Place]:
    """What an ONNX model answers."""
    return [_place(value) for value in model.graph.output]


def _place(value: onnx.ValueInfoProto) -> Place:
    from onnx import helper

    tensor = value.type.tensor_type
    sizes = tuple(size.dim_value if size.HasField("dim_value") else -1 for size in tensor.shape.dim)
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    return Place(value.name, sizes if tensor.HasField("shape") else None, dtype)


def feeds_of(model: onnx.ModelProto, picture: Tensor | None = None) -> list[Feed]:
    """What to try a model with: samples.feeds of its inputs, of sizes that ONNX Runtime takes together where it can be.

    Inputs may depend on each other (the state of a recurrent network on the picture's size). So where sizes are open
    and the first feed does not run, every open size but a picture's is 1, which goes with any other.
    """
    places, limits = inputs_of(model), row_limits(model)
    made = feeds(places, limits=limits, picture=picture)
    ones = {
        place.name: [1 if size < 0 else size for size in place.shape]
        for place in places
        if place.shape and min(place.shape) < 0 and not is_picture(chosen(place, {}))
    }
    if not ones:
        return made
    small = feeds(places, given=ones, limits=limits, picture=picture)
    content = model.SerializeToString()
    for candidate in (made, small):
        try:
            run(content, candidate[0])
        except BodyDoubleError:
            continue
        return candidate
    return made


def row_limits(model: onnx.ModelProto) -> dict[str, int]:
    """Of inputs that number the rows of a table (words of an embedding): how many rows the table has."""
    sizes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    source = {value.name: value.name for value in model.graph.input}
    limits: dict[str, int] = {}
    for node in model.graph.node:
        first = node.input[0] if node.input else ""
        if node.op_type in _PASSING and first in sizes:
            sizes[node.output[0]] = sizes[first]
        elif node.op_type in _PASSING and first in source:
            source[node.output[0]] = source[first]
        elif node.op_type == "Gather" and first in sizes and node.input[1] in source:
            axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
            name = source[node.input[1]]
            limits[name] = min(limits.get(name, sizes[first][axis]), sizes[first][axis])
    return limits


def _compared(
    reference: references.Reference, source: Path, made: Sequence[Feed], answers: Sequence[Feed]
) -> list[Difference]:
    """Differences by the ONNX model's names; only outputs that it has kept are compared."""
    aliases = references.aliases(source)
    fed_as = partners([place.name for place in reference.inputs()], list(made[0]), aliases, some=True)
    wanted = reference.run([{name: feed[own] for name, own in fed_as.items()} for feed in made])
    answered_as = partners(list(wanted[0]), list(answers[0]), aliases, some=True)
    if not answered_as:
        raise references.Unavailable(
            f"{reference.name} does not answer {', '.join(answers[0])}, which is inside the network; not compared"
        )
    renamed = [{own: answer[name] for name, own in answered_as.items()} for answer in wanted]
    return differences(renamed, answers)


def run(model: bytes | str, feed: Mapping[str, Tensor], threads: int = 1) -> Feed:
    """The outputs of an ONNX model (its bytes or its path) in ONNX Runtime on the CPU, by name.

    Raises BodyDoubleError, one line, if ONNX Runtime cannot.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised, too
    options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        names = [place.name for place in session.get_outputs()]
        wanted = {place.name for place in session.get_inputs()}
        values = session.run(names, {name: value for name, value in feed.items() if name in wanted})
    except Exception as error:
        if not type(error).__module__.startswith("onnxruntime") and not isinstance(error, (ValueError, RuntimeError)):
            raise
        raise BodyDoubleError(f"ONNX Runtime cannot run it: {' '.join(str(error).split())}") from error
    return dict(zip(names, values, strict=True))
