"""Dims and dtypes of a node's outputs, by ONNX's own inference, one node at a time.

Small integer constants are handed over as values, for operators that take sizes or axes as inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from bodydouble.convert import OPSET
from bodydouble.convert.graph import Dim, Tensor, Value
from bodydouble.types import BodyDoubleError

# Constants up to this many elements are told to the inference: sizes, axes, pads.
TOLD = 32
_IMPORTS = [helper.make_opsetid("", OPSET)]


@cache
def _schema(op: str) -> onnx.defs.OpSchema:
    return onnx.defs.get_schema(op, OPSET, "")


@cache
def tensor_type(dtype: np.dtype[Any]) -> int:
    """ONNX's number of a dtype; object stands for strings."""
    if dtype.hasobject:
        return int(onnx.TensorProto.STRING)
    return int(helper.np_dtype_to_tensor_dtype(dtype))


@cache
def _dtype(number: int) -> np.dtype[Any]:
    return np.dtype(object) if number == onnx.TensorProto.STRING else np.dtype(helper.tensor_dtype_to_np_dtype(number))


@cache
def _type(value: Value) -> onnx.TypeProto:
    kind = helper.make_tensor_type_proto(tensor_type(value.dtype), value.dims)
    return helper.make_sequence_type_proto(kind) if value.sequence else kind


def inferred(
    op: str,
    inputs: Sequence[Value | None],
    names: Sequence[str],
    attributes: Mapping[str, Any],
    constants: Mapping[str, Tensor],
) -> list[Value]:
    """What the outputs will be. Sizes that cannot be said are "".

    inputs: None for one left out. names: of the outputs. constants: stored arrays by value name.
    Raises BodyDoubleError where the inputs do not fit the operator.
    """
    given = [value.name if value else "" for value in inputs]
    node = helper.make_node(op, given, list(names), **attributes)
    types = {value.name: _type(value) for value in inputs if value}
    told = {
        name: numpy_helper.from_array(constants[name], name)
        for name in given
        if name in constants and constants[name].size <= TOLD and constants[name].dtype.kind in "if"
    }
    try:
        found = onnx.shape_inference.infer_node_outputs(
            _schema(op), node, types, input_data=told, opset_imports=_IMPORTS
        )
    except (onnx.shape_inference.InferenceError, onnx.defs.SchemaError, RuntimeError) as error:
        shapes = ", ".join(str(value.dims) for value in inputs if value)
        raise BodyDoubleError(f"{op} of {shapes} ({str(error).strip().splitlines()[-1][:120]})") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise BodyDoubleError(f"{op} whose result has no known type")
    return [_value(name, found[name]) for name in names]


def _value(name: str, kind: onnx.TypeProto) -> Value:
    sequence = kind.HasField("sequence_type")
    tensor = kind.sequence_type.elem_type.tensor_type if sequence else kind.tensor_type
    dims: tuple[Dim, ...] | None = None
    if tensor.HasField("shape"):
        dims = tuple(size.dim_value if size.HasField("dim_value") else size.dim_param for size in tensor.shape.dim)
    return Value(name, dims, _dtype(tensor.elem_type), sequence)
