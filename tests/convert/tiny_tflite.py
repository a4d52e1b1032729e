"""Makes TFLite files of a few operators, with the schema's own builder functions, and runs them in LiteRT."""

from __future__ import annotations

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
    "int32": tflite.TensorType.INT32,
    "int8": tflite.TensorType.INT8,
}


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

    def input(self, *shape: int) -> int:
        number = self._tensor(shape, "float32", 0)
        self.inputs.append(number)
        return number

    def constant(self, array: Any, dtype: str = "float32") -> int:
        array = np.asarray(array, dtype)
        self.buffers.append(self._buffer(array.tobytes()))
        return self._tensor(array.shape, dtype, len(self.buffers) - 1)

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
        inputs: list[int],
        shape: tuple[int, ...],
        options: str = "",
        *,
        dtype: str = "float32",
        custom: bytes = b"",
        **fields: Any,
    ) -> int:
        """An operator of one output. options: name of its option table, and its fields. kind may be a custom code."""
        b = self.builder
        table = 0
        if options:
            vectors = {key: self._ints(value) for key, value in fields.items() if isinstance(value, list)}
            getattr(tflite, f"{options}Start")(b)
            for key, value in fields.items():
                getattr(tflite, f"{options}Add{key}")(b, vectors.get(key, value))
            table = getattr(tflite, f"{options}End")(b)
        output = self._tensor(shape, dtype, 0)
        code = self._code(kind)
        vectors_in, vectors_out = self._ints(inputs), self._ints([output])
        extra = b.CreateByteVector(custom) if custom else 0
        tflite.OperatorStart(b)
        tflite.OperatorAddOpcodeIndex(b, code)
        tflite.OperatorAddInputs(b, vectors_in)
        tflite.OperatorAddOutputs(b, vectors_out)
        if options:
            tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, options))
            tflite.OperatorAddBuiltinOptions(b, table)
        if custom:
            tflite.OperatorAddCustomOptions(b, extra)
        self.operators.append(tflite.OperatorEnd(b))
        return output

    def finish(self, *outputs: int) -> bytes:
        """The file."""
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
        graphs = self._tables([tflite.SubGraphEnd(b)])
        codes, buffers = self._tables(self.codes), self._tables(self.buffers)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, 3)
        tflite.ModelAddOperatorCodes(b, codes)
        tflite.ModelAddSubgraphs(b, graphs)
        tflite.ModelAddBuffers(b, buffers)
        b.Finish(tflite.ModelEnd(b), b"TFL3")
        return bytes(b.Output())

    def _tensor(self, shape: tuple[int, ...], dtype: str, buffer: int, sparsity: int = 0) -> int:
        b = self.builder
        name, sizes = b.CreateString(f"t{len(self.tensors)}"), self._ints(shape)
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, sizes)
        tflite.TensorAddType(b, TYPES[dtype])
        tflite.TensorAddBuffer(b, buffer)
        tflite.TensorAddName(b, name)
        if sparsity:
            tflite.TensorAddSparsity(b, sparsity)
        self.tensors.append(tflite.TensorEnd(b))
        self.shapes.append(tuple(shape))
        return len(self.tensors) - 1

    def _buffer(self, data: bytes | None) -> int:
        content = self.builder.CreateByteVector(data) if data else 0
        tflite.BufferStart(self.builder)
        if data:
            tflite.BufferAddData(self.builder, content)
        return tflite.BufferEnd(self.builder)

    def _code(self, kind: str) -> int:
        b = self.builder
        number = getattr(tflite.BuiltinOperator, kind, tflite.BuiltinOperator.CUSTOM)
        name = b.CreateString(kind) if number == tflite.BuiltinOperator.CUSTOM else 0
        tflite.OperatorCodeStart(b)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(number, 127))
        tflite.OperatorCodeAddBuiltinCode(b, number)
        tflite.OperatorCodeAddVersion(b, 1)
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
    interpreter.allocate_tensors()
    for place, feed in zip(interpreter.get_input_details(), feeds, strict=True):
        interpreter.set_tensor(place["index"], feed)
    interpreter.invoke()
    return {place["name"]: interpreter.get_tensor(place["index"]).copy() for place in interpreter.get_output_details()}


def agree(tiny: Tiny, outputs: list[int], folder: Path, *, delegates: bool = False) -> onnxruntime.InferenceSession:
    """The converted model gives what LiteRT gives, to a part of 10000 of the output's range."""
    content = tiny.finish(*outputs)
    path = folder / "tiny.tflite"
    path.write_bytes(content)
    feeds = [np.random.default_rng(1).normal(size=tiny.shapes[n]).astype(np.float32) * 2 for n in tiny.inputs]
    wanted = litert(content, feeds, delegates=delegates)
    session = onnxruntime.InferenceSession(to_onnx(path).SerializeToString())
    got = session.run(None, {place.name: feed for place, feed in zip(session.get_inputs(), feeds, strict=True)})
    for place, values in zip(session.get_outputs(), got, strict=True):
        expected = wanted[place.name]
        assert values.shape == expected.shape
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5 + 1e-4 * float(np.ptp(expected)))
    return session
