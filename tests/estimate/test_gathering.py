"""Cells gathered before 1x1 convolutions: the same values, and only where nothing else reads the map."""

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
from onnx import numpy_helper

from bodydouble.estimate.gathering import gather_first

MAP = """
    <ir_version: 8, opset_import: ["": 17]>
    heads (float[1, 8, 6, 5] x, int64[n, {depth}] cells) => ({outputs})
    {{
        wide = Conv<kernel_shape = [1, 1]>(x, weights, bias)
        active = Relu(wide)
        narrow = Conv<kernel_shape = {kernel}, pads = {pads}>(active, {last})
        turned = Transpose<perm = {perm}>(narrow)
        picked = GatherND(turned, cells)
        {more}
    }}
"""


def heads(*, depth=3, kernel=1, perm="[0, 2, 3, 1]", more="", outputs="float[n, c] picked", half=False):
    random = np.random.default_rng(0)
    cast = "stored = Cast<to = 1>(last)\n" if half else ""
    pads = [kernel // 2] * 4
    text = MAP.format(
        depth=depth,
        kernel=[kernel, kernel],
        pads=pads,
        perm=perm,
        more=more,
        outputs=outputs,
        last="stored" if half else "last",
    ).replace("wide = Conv", f"{cast}        wide = Conv")
    model = onnx.parser.parse_model(text)
    for name, shape in (("weights", (16, 8, 1, 1)), ("bias", (16,)), ("last", (4, 16, kernel, kernel))):
        values = random.normal(size=shape).astype(np.float16 if half and name == "last" else np.float32)
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    onnx.checker.check_model(model)
    return model


def run(model, cells):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(1).normal(size=(1, 8, 6, 5)).astype(np.float32)
    return session.run(None, {"x": picture, "cells": np.array(cells)})


CELLS = [[0, 5, 4], [0, 0, 0], [0, 2, 3], [0, 2, 3]]


@pytest.mark.parametrize("half", [False, True])
def test_only_the_cells_are_computed_and_the_values_stay(half):
    model = heads(half=half)
    first = gather_first(model)
    assert [node.op_type for node in first.graph.node if node.op_type in ("Conv", "Gemm", "Relu")] == [
        "Gemm",
        "Relu",
        "Gemm",
    ]
    onnx.checker.check_model(first)
    np.testing.assert_allclose(run(first, CELLS)[0], run(model, CELLS)[0], rtol=1e-5, atol=1e-5)


def test_the_model_that_came_is_left_as_it_was():
    model = heads()
    before = model.SerializeToString()
    gather_first(model)
    assert model.SerializeToString() == before


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(
            heads(more="whole = Relu(narrow)", outputs="float[n, c] picked, float[1, 4, h, w] whole"), id="read"
        ),
        pytest.param(heads(kernel=3), id="3x3"),
        pytest.param(heads(perm="[0, 3, 2, 1]"), id="turned"),
        pytest.param(heads(depth=4, outputs="float[n] picked"), id="numbers"),
    ],
)
def test_what_is_no_list_of_cells_of_a_map_of_its_own_stays(model):
    assert gather_first(model) is model


def test_a_3x3_convolution_before_the_map_is_kept():
    model = heads()
    weights = next(tensor for tensor in model.graph.initializer if tensor.name == "weights")
    weights.CopyFrom(numpy_helper.from_array(np.ones((16, 8, 3, 3), np.float32), "weights"))
    del model.graph.node[0].attribute[:]
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("pads", [1, 1, 1, 1]))
    first = gather_first(model)
    assert [node.op_type for node in first.graph.node if node.op_type in ("Conv", "Gemm")] == ["Conv", "Gemm"]
    np.testing.assert_allclose(run(first, CELLS)[0], run(model, CELLS)[0], rtol=1e-4, atol=1e-4)
