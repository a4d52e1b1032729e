"""Makes TFLite files of a few operators, with the schema's own builder functions, and runs them in LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import onnxruntime
import tflite
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from bodydouble.convert import to_onnx

TYPES = {
    "float32": tflite.TensorType.FLOAT32,
    "float16": tflite.TensorType.FLOAT16,
    "int64": tflite.TensorType.INT64,
    "int32": tflite.TensorType.INT32,
    "int16": tflite.TensorType.INT16,
    "int8": tflite.TensorType.INT8,
    "uint8": tflite.TensorType.UINT8,
    "bool": tflite.TensorType.BOOL,
    "int4": tflite.TensorType.INT4,
    "resource": tflite.TensorType.RESOURCE,
    "complex64": tflite.TensorType.COMPLEX64,
}


@dataclass(frozen=True)
class Scale:
    """real = step * (stored - zero); lists for one a channel along an axis."""

    step: Any
    zero: Any = 0
    axis: int = 0


class Tiny:
    """A model in the making: every method answers a tensor's number."""

    def __init__(self, seed: int = 0) -> None:
        self.builder = flatbuffers.Builder()
        self.random = np.random.default_rng(seed)
        self.shapes: list[tuple[int, ...]] = []
        self.tensors: list[int] = []
        self.buffers: list[int] = [self._buffer(None)]  # number 0 is "no data", by convention
        self.codes: list[int] = []
        self.operators: list[int] = []
        self.inputs: list[int] = []
        self.feeds: dict[int, np.ndarray] = {}
        self.graphs: list[int] = []

    def input(
        self,
        *shape: int,
        dtype: str = "float32",
        feed: Any = None,
        signature: Sequence[int] | None = None,
        scale: Scale | None = None,
    ) -> int:
        """feed: what it is tried with; normal numbers if None. signature: the shape with -1 where any size will do."""
        number = self._tensor(shape, dtype, 0, signature=signature, scale=scale)
        self.inputs.append(number)
        if feed is not None:
            self.feeds[number] = np.asarray(feed, dtype)
        elif dtype != "float32":
            low, high = {"bool": (0, 2), "int8": (-128, 128), "uint8": (0, 256)}.get(dtype, (-9, 10))
            self.feeds[number] = np.random.default_rng(1).integers(low, high, shape).astype(dtype)
        return number

    def constant(self, array: Any, dtype: str = "float32", scale: Scale | None = None) -> int:
        if dtype == "int4":
            flat = np.asarray(array, np.int8).ravel()
            low, high = np.resize(flat, flat.size + flat.size % 2).reshape(-1, 2).T
            data, shape = ((high << 4) | (low & 15)).astype(np.int8).tobytes(), np.shape(array)
        else:
            array = np.asarray(array, dtype)
            data, shape = array.tobytes(), array.shape
        self.buffers.append(self._buffer(data))
        return self._tensor(shape, dtype, len(self.buffers) - 1, scale=scale)

    def noise(self, *shape: int, dtype: str = "float32") -> int:
        """A constant of normal numbers."""
        return self.constant(self.random.normal(size=shape), dtype)

    def sparse(self, values: Any, shape: tuple[int, ...], traversal: Any, blocks: Any, levels: Any) -> int:
        """A float16 constant laid out sparsely. levels: (size,) for a dense one, else (segments, indices)."""
        b = self.builder
        tables = []
        for level in levels:
            if len(level) == 1:
                tflite.DimensionMetadataStart(b)
                tflite.DimensionMetadataAddFormat(b, tflite.DimensionType.DENSE)
                tflite.DimensionMetadataAddDenseSize(b, int(level[0]))
            else:
                vectors = [self._index_vector(numbers) for numbers in level]
                tflite.DimensionMetadataStart(b)
                tflite.DimensionMetadataAddFormat(b, tflite.DimensionType.SPARSE_CSR)
                tflite.DimensionMetadataAddArraySegmentsType(b, tflite.SparseIndexVector.Int32Vector)
                tflite.DimensionMetadataAddArraySegments(b, vectors[0])
                tflite.DimensionMetadataAddArrayIndicesType(b, tflite.SparseIndexVector.Int32Vector)
                tflite.DimensionMetadataAddArrayIndices(b, vectors[1])
            tables.append(tflite.DimensionMetadataEnd(b))
        vectors = [self._ints(traversal), self._ints(blocks), self._tables(tables)]
        tflite.SparsityParametersStart(b)
        tflite.SparsityParametersAddTraversalOrder(b, vectors[0])
        tflite.SparsityParametersAddBlockMap(b, vectors[1])
        tflite.SparsityParametersAddDimMetadata(b, vectors[2])
        sparsity = tflite.SparsityParametersEnd(b)
        self.buffers.append(self._buffer(np.asarray(values, "float16").tobytes()))
        return self._tensor(shape, "float16", len(self.buffers) - 1, sparsity)

    def op(
        self,
        kind: str,
        inputs: Sequence[int],
        shape: Sequence[int],
        options: str = "",
        *,
        dtype: str = "float32",
        custom: bytes = b"",
        scale: Scale | None = None,
        version: int = 1,
        **fields: Any,
    ) -> int:
        """An operator of one output. options: name of its option table, and its fields. kind may be a custom code."""
        outputs = [(tuple(shape), dtype, scale)]
        return self.ops(kind, inputs, outputs, options, custom=custom, version=version, **fields)[0]

    def ops(
        self,
        kind: str,
        inputs: Sequence[int],
        made: Sequence[tuple[Any, ...]],
        options: str = "",
        *,
        custom: bytes = b"",
        version: int = 1,
        **fields: Any,
    ) -> list[int]:
        """An operator of any number of outputs: (shape, dtype) or (shape, dtype, scale) each."""
        b = self.builder
        second = hasattr(tflite.BuiltinOptions2, options)
        table = 0
        if options:
            vectors = {key: self._field(options, key, value) for key, value in fields.items()}
            getattr(tflite, f"{options}Start")(b)
            for key, value in fields.items():
                getattr(tflite, f"{options}Add{key}")(b, value if vectors[key] is None else vectors[key])
            table = getattr(tflite, f"{options}End")(b)
        outputs = [self._tensor(m[0], m[1], 0, scale=m[2] if len(m) > 2 else None) for m in made]
        code = self._code(kind, version)
        vectors_in, vectors_out = self._ints(inputs), self._ints(outputs)
        extra = b.CreateByteVector(custom) if custom else 0
        tflite.OperatorStart(b)
        tflite.OperatorAddOpcodeIndex(b, code)
        tflite.OperatorAddInputs(b, vectors_in)
        tflite.OperatorAddOutputs(b, vectors_out)
        if second:
            tflite.OperatorAddBuiltinOptions2Type(b, getattr(tflite.BuiltinOptions2, options))
            tflite.OperatorAddBuiltinOptions2(b, table)
        elif options:
            tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, options))
            tflite.OperatorAddBuiltinOptions(b, table)
        if custom:
            tflite.OperatorAddCustomOptions(b, extra)
        self.operators.append(tflite.OperatorEnd(b))
        return outputs

    def _field(self, options: str, key: str, value: Any) -> int | None:
        """The offset of a field that is a vector or text, None for a number."""
        if isinstance(value, str):
            return int(self.builder.CreateString(value))
        if not isinstance(value, list):
            return None
        if options.startswith("Stablehlo"):
            return int(self.builder.CreateNumpyVector(np.asarray(value, np.int64)))
        kind = np.float32 if any(isinstance(n, float) for n in value) else np.int32
        return int(self.builder.CreateNumpyVector(np.asarray(value, kind)))

    def subgraph(self, *outputs: int) -> None:
        """End the subgraph so far and begin another; the first begun is the one that is run."""
        b = self.builder
        vectors = [
            self._tables(self.tensors),
            self._ints(self.inputs),
            self._ints(outputs),
            self._tables(self.operators),
        ]
        tflite.SubGraphStart(b)
        tflite.SubGraphAddTensors(b, vectors[0])
        tflite.SubGraphAddInputs(b, vectors[1])
        tflite.SubGraphAddOutputs(b, vectors[2])
        tflite.SubGraphAddOperators(b, vectors[3])
        self.graphs.append(tflite.SubGraphEnd(b))
        if len(self.graphs) == 1:
            self.main = (self.inputs, self.shapes)
        self.tensors, self.operators, self.inputs, self.shapes = [], [], [], []

    def finish(self, *outputs: int) -> bytes:
        """The file."""
        b = self.builder
        if self.operators or not self.graphs:
            self.subgraph(*outputs)
        self.inputs, self.shapes = self.main
        graphs = self._tables(self.graphs)
        codes, buffers = self._tables(self.codes), self._tables(self.buffers)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, 3)
        tflite.ModelAddOperatorCodes(b, codes)
        tflite.ModelAddSubgraphs(b, graphs)
        tflite.ModelAddBuffers(b, buffers)
        b.Finish(tflite.ModelEnd(b), b"TFL3")
        return bytes(b.Output())

    def _tensor(
        self,
        shape: Sequence[int],
        dtype: str,
        buffer: int,
        sparsity: int = 0,
        *,
        signature: Sequence[int] | None = None,
        scale: Scale | None = None,
        variable: bool = False,
    ) -> int:
        b = self.builder
        name, sizes = b.CreateString(f"t{len(self.tensors)}"), self._ints(shape)
        any_size = self._ints(signature) if signature is not None else 0
        quantization = self._scale(scale) if scale is not None else 0
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, sizes)
        tflite.TensorAddType(b, TYPES[dtype])
        tflite.TensorAddBuffer(b, buffer)
        tflite.TensorAddName(b, name)
        if sparsity:
            tflite.TensorAddSparsity(b, sparsity)
        if any_size:
            tflite.TensorAddShapeSignature(b, any_size)
        if quantization:
            tflite.TensorAddQuantization(b, quantization)
        if variable:
            tflite.TensorAddIsVariable(b, True)
        self.tensors.append(tflite.TensorEnd(b))
        self.shapes.append(tuple(shape))
        return len(self.tensors) - 1

    def variable(self, *shape: int, dtype: str = "float32", scale: Scale | None = None) -> int:
        """A tensor that an operator keeps from run to run."""
        return self._tensor(shape, dtype, 0, scale=scale, variable=True)

    def _scale(self, scale: Scale) -> int:
        b = self.builder
        steps = np.atleast_1d(np.asarray(scale.step, np.float32))
        zeros = np.broadcast_to(np.asarray(scale.zero, np.int64), steps.shape).copy()
        vectors = b.CreateNumpyVector(steps), b.CreateNumpyVector(zeros)
        tflite.QuantizationParametersStart(b)
        tflite.QuantizationParametersAddScale(b, vectors[0])
        tflite.QuantizationParametersAddZeroPoint(b, vectors[1])
        tflite.QuantizationParametersAddQuantizedDimension(b, scale.axis)
        return int(tflite.QuantizationParametersEnd(b))

    def _buffer(self, data: bytes | None) -> int:
        content = self.builder.CreateByteVector(data) if data else 0
        tflite.BufferStart(self.builder)
        if data:
            tflite.BufferAddData(self.builder, content)
        return tflite.BufferEnd(self.builder)

    def _code(self, kind: str, version: int = 1) -> int:
        b = self.builder
        number = getattr(tflite.BuiltinOperator, kind, tflite.BuiltinOperator.CUSTOM)
        name = b.CreateString(kind) if number == tflite.BuiltinOperator.CUSTOM else 0
        tflite.OperatorCodeStart(b)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(number, 127))
        tflite.OperatorCodeAddBuiltinCode(b, number)
        tflite.OperatorCodeAddVersion(b, version)
        if name:
            tflite.OperatorCodeAddCustomCode(b, name)
        self.codes.append(tflite.OperatorCodeEnd(b))
        return len(self.codes) - 1

    def _index_vector(self, numbers: Any) -> int:
        values = self._ints(numbers)
        tflite.Int32VectorStart(self.builder)
        tflite.Int32VectorAddValues(self.builder, values)
        return tflite.Int32VectorEnd(self.builder)

    def _ints(self, numbers: Any) -> int:
        return self.builder.CreateNumpyVector(np.asarray(numbers, np.int32).reshape(-1))

    def _tables(self, offsets: list[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()


def litert(content: bytes, feeds: list[np.ndarray], *, delegates: bool = False) -> dict[str, np.ndarray]:
    """What LiteRT computes, by the outputs' names; with its plain kernels unless delegates are asked for."""
    resolver = OpResolverType.AUTO if delegates else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    for place, feed in zip(interpreter.get_input_details(), feeds, strict=True):
        if tuple(place["shape"]) != feed.shape:
            interpreter.resize_tensor_input(place["index"], feed.shape)
    interpreter.allocate_tensors()
    interpreter.reset_all_variables()
    for place, feed in zip(interpreter.get_input_details(), feeds, strict=True):
        interpreter.set_tensor(place["index"], feed)
    interpreter.invoke()
    return {place["name"]: interpreter.get_tensor(place["index"]).copy() for place in interpreter.get_output_details()}


def feeds_of(tiny: Tiny) -> list[np.ndarray]:
    """What the inputs are tried with."""
    random = np.random.default_rng(1)
    noise = [np.asarray(random.normal(size=tiny.shapes[n]) * 2, np.float32) for n in tiny.inputs]
    return [np.asarray(tiny.feeds.get(n, values)) for n, values in zip(tiny.inputs, noise, strict=True)]


def agree(
    tiny: Tiny,
    outputs: list[int],
    folder: Path,
    *,
    delegates: bool = False,
    steps: int = 0,
    **options: Any,
) -> onnxruntime.InferenceSession:
    """The converted model gives what LiteRT gives, to a part of 10000 of the output's range; integers to some steps."""
    content = tiny.finish(*outputs)
    path = folder / "tiny.tflite"
    path.write_bytes(content)
    feeds = feeds_of(tiny)
    wanted = litert(content, feeds, delegates=delegates)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(to_onnx(path, **options).SerializeToString(), settings)
    got = session.run(None, {place.name: feed for place, feed in zip(session.get_inputs(), feeds, strict=True)})
    for place, values in zip(session.get_outputs(), got, strict=True):
        expected = wanted[place.name]
        assert values.shape == expected.shape
        assert values.dtype == expected.dtype
        if values.dtype.kind in "iub":
            apart = np.abs(values.astype(np.int64) - expected.astype(np.int64))
            assert apart.max(initial=0) <= steps, f"{place.name}: {values} instead of {expected}"
        else:
            close = 1e-5 + 1e-4 * float(np.ptp(expected)) if expected.size else 0
            np.testing.assert_allclose(values, expected, rtol=1e-4, atol=close)
    return session
