"""Reads a TFLite file into plain records, without TensorFlow.

`read` turns the flatbuffer into subgraphs of tensors and operators, checked against each other, so that nothing later
meets a damaged file. tflite_schema.py reads the tables; tflite_graph.py says the operators in ONNX's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tflite

from bodydouble.convert import tflite_schema as schema
from bodydouble.convert.graph import Shape, Tensor
from bodydouble.convert.sparsity import Sparsity
from bodydouble.convert.tflite_schema import DAMAGE, Quantization
from bodydouble.types import BodyDoubleError

IDENTIFIER = b"TFL3"  # bytes 4 to 8 of every TFLite file
UNKNOWN = -1  # a size in a shape signature that is known only at run time


@dataclass(frozen=True, slots=True, eq=False)
class TensorRecord:
    """A tensor as the file has it. data: stored bytes' values, None if computed; flat where `sparsity` lays it out.

    shape: with the sizes that the file was made with; signature: the same with -1 where any size will do.
    dtype: None for what numpy has not (text). variable: it keeps its value from run to run.
    """

    name: str
    shape: Shape
    signature: Shape
    dtype: np.dtype[Any] | None
    data: Tensor | None
    sparsity: Sparsity | None
    quantization: Quantization | None
    variable: bool


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """One operator. inputs, outputs: tensor numbers, -1 for one left out. options: the schema's fields by name."""

    kind: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any]
    custom: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Subgraph:
    """Operators in running order over tensors. inputs, outputs: tensor numbers."""

    tensors: tuple[TensorRecord, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A file. subgraphs: the first is run, the others are bodies of its control flow."""

    name: str
    subgraphs: tuple[Subgraph, ...]

    @property
    def main(self) -> Subgraph:
        """The subgraph that is run."""
        return self.subgraphs[0]

    def pruned(self, outputs: Sequence[str] | None) -> Model:
        """Only the operators that the named outputs need, in the order asked for; None keeps all outputs.

        Any tensor's name will do. Raises BodyDoubleError for a name that the file has not, listing its outputs.
        """
        main = self.main
        wanted = main.outputs
        if outputs is not None:
            numbers = {tensor.name: number for number, tensor in reversed(list(enumerate(main.tensors)))}
            given = {main.tensors[number].name for number in main.inputs}
            unknown = [name for name in outputs if name not in numbers or name in given]
            if unknown or not outputs:
                known = ", ".join(main.tensors[number].name for number in main.outputs)
                asked = ", ".join(f'"{name}"' for name in unknown) or "nothing"
                raise BodyDoubleError(f"{self.name} has no output {asked}; choose from {known}")
            wanted = tuple(numbers[name] for name in outputs)
        needed, kept = set(wanted), []
        for operator in reversed(main.operators):
            if needed.intersection(operator.outputs) or not _pure(operator, main):
                kept.append(operator)
                needed.update(operator.inputs)
        pruned = replace(main, operators=tuple(reversed(kept)), outputs=wanted)
        return replace(self, subgraphs=(pruned, *self.subgraphs[1:]))

    def kinds(self) -> Counter[str]:
        """How many operators of each kind there are, bodies of control flow included."""
        return Counter(operator.kind for subgraph in self.subgraphs for operator in subgraph.operators)


def _pure(operator: Operator, graph: Subgraph) -> bool:
    """Whether an operator does nothing but compute its outputs (others fill variables)."""
    if operator.kind in ("ASSIGN_VARIABLE", "CALL_ONCE"):
        return False
    return not any(graph.tensors[number].variable for number in operator.inputs if number >= 0)


def read(path: Path) -> Model:
    """The records of a TFLite file.

    Raises BodyDoubleError, in one line, for a file that cannot be read, is no TFLite or is damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BodyDoubleError(f"cannot read the model {path}: {error.strerror}") from error
    if not data:
        raise BodyDoubleError(f"{path} is empty; wanted a TFLite model: fetch it again")
    if data[4:8] != IDENTIFIER:
        raise BodyDoubleError(f"{path} is no TFLite model (no {IDENTIFIER.decode()} mark); wanted a .tflite file")
    try:
        return _model(path.name, data)
    except DAMAGE as error:
        raise BodyDoubleError(
            f"{path} is a damaged TFLite model ({len(data)} bytes, perhaps cut short): fetch it again"
        ) from error


def _model(name: str, data: bytes) -> Model:
    root = tflite.Model.GetRootAs(data, 0)
    if root.SubgraphsLength() < 1:
        raise BodyDoubleError(f"{name} has {root.SubgraphsLength()} subgraphs; wanted a TFLite model with one or more")
    codes = [root.OperatorCodes(number) for number in range(root.OperatorCodesLength())]
    kinds = [(schema.kind(code), int(code.Version())) for code in codes]
    subgraphs = []
    for number in range(root.SubgraphsLength()):
        subgraph = _subgraph(root, data, root.Subgraphs(number), kinds)
        _check_order(subgraph, main=number == 0)
        subgraphs.append(subgraph)
    return Model(name, tuple(subgraphs))


def _subgraph(root: Any, data: bytes, graph: Any, kinds: Sequence[tuple[str, int]]) -> Subgraph:
    tensors = tuple(_tensor(root, data, graph.Tensors(n), n) for n in range(graph.TensorsLength()))
    operators = []
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        kind, version = kinds[operator.OpcodeIndex()]
        custom = bytes(operator.CustomOptionsAsNumpy()) if operator.CustomOptionsLength() else b""
        inputs, outputs = schema.numbers(operator, "Inputs"), schema.numbers(operator, "Outputs")
        operators.append(Operator(kind, version, inputs, outputs, schema.options(operator), custom))
    return Subgraph(tensors, tuple(operators), schema.numbers(graph, "Inputs"), schema.numbers(graph, "Outputs"))


# Operators that are there for what they do to variables.
_SILENT = {"ASSIGN_VARIABLE", "CALL_ONCE", "HASHTABLE_IMPORT"}


def _check_order(graph: Subgraph, *, main: bool) -> None:
    """Every tensor that is read is an input, a constant, a variable or the output of an operator before."""
    there = {-1, *graph.inputs}
    there.update(n for n, tensor in enumerate(graph.tensors) if tensor.data is not None or tensor.variable)
    # An empty constant has no bytes, so that nothing tells it from a tensor that is missing, but its shape.
    there.update(n for n, tensor in enumerate(graph.tensors) if 0 in tensor.shape)
    for operator in graph.operators:
        if not (operator.outputs or operator.kind in _SILENT) or not there.issuperset(operator.inputs):
            raise ValueError(f"{operator.kind} reads a tensor that is not there")
        there.update(operator.outputs)
    if (main and not graph.outputs) or not there.issuperset(graph.outputs):
        raise ValueError("an output is not there")
    if not there <= {*range(-1, len(graph.tensors))}:
        raise ValueError("a tensor is not there")


def _tensor(root: Any, file: bytes, tensor: Any, number: int) -> TensorRecord:
    shape = schema.numbers(tensor, "Shape")
    if any(size < 0 for size in shape):
        raise ValueError("a size below zero")
    signature = schema.numbers(tensor, "ShapeSignature")
    sparsity = schema.sparsity(tensor.Sparsity(), shape)
    return TensorRecord(
        name=schema.text(tensor.Name()) or f"tensor_{number}",
        shape=shape,
        signature=signature if len(signature) == len(shape) else shape,
        dtype=schema.DTYPES.get(tensor.Type()),
        data=schema.stored(root, file, tensor, shape, sparsity is not None),
        sparsity=sparsity,
        quantization=schema.quantization(tensor),
        variable=bool(tensor.IsVariable()),
    )
