"""to_onnx as a whole: names, outputs, float16, what is left in the graph, and files that cannot be converted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import tflite
from test_tflite_operators import CASES, PICTURE, RELU6, VALID, convolve
from tiny_tflite import Tiny, litert

from bodydouble.convert import to_onnx
from bodydouble.types import BodyDoubleError


def written(folder: Path, content: bytes) -> Path:
    path = folder / "tiny.tflite"
    path.write_bytes(content)
    return path


def operators(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def block(tiny: Tiny, x: int) -> int:
    """A residual block as pose models have them: pad, depthwise, 1x1, sum, activation."""
    padded = CASES["pad-picture"](tiny, x)
    thin = CASES["depthwise-valid-stride1-dilation1"](tiny, padded)
    back = convolve(tiny, thin, kernel=(1, 1), out=tiny.shapes[x][3])
    shape = tiny.shapes[back]
    return tiny.op("ADD", [back, tiny.noise(*shape)], shape, "AddOptions", FusedActivationFunction=RELU6)


def test_what_channels_last_needs_is_gone(tmp_path: Path) -> None:
    """One Transpose of the input is left, one of the output, and no Pad."""
    tiny = Tiny()
    y = block(tiny, block(tiny, tiny.input(*PICTURE)))
    found = operators(to_onnx(written(tmp_path, tiny.finish(y))))
    assert found["Transpose"] == 2
    assert found["Pad"] == 0
    assert found["Clip"] == 2


def test_a_transpose_of_one_pixel_is_none(tmp_path: Path) -> None:
    tiny = Tiny()
    x = tiny.input(1, 3, 3, 4)
    y = convolve(tiny, x, padding=VALID)
    y = tiny.op("RESHAPE", [y, tiny.constant([1, 6], "int32")], (1, 6))
    found = operators(to_onnx(written(tmp_path, tiny.finish(y))))
    assert found["Transpose"] == 1
    assert found["Reshape"] == 1


def test_enlarging_comes_after_a_1x1_convolution(tmp_path: Path) -> None:
    tiny = Tiny()
    y = CASES["resize-then-1x1"](tiny, tiny.input(*PICTURE))
    kinds = [node.op_type for node in to_onnx(written(tmp_path, tiny.finish(y))).graph.node]
    assert kinds.index("Conv") < kinds.index("Resize") < kinds.index("Clip")


def test_an_enlarged_picture_that_is_read_twice_is_enlarged_once(tmp_path: Path) -> None:
    tiny = Tiny()
    large = CASES["resize-14x20-centers"](tiny, tiny.input(*PICTURE))
    ends = [convolve(tiny, large, kernel=(1, 1)) for _ in range(2)]
    assert operators(to_onnx(written(tmp_path, tiny.finish(*ends))))["Resize"] == 1


def test_names_and_layout_stay(tmp_path: Path) -> None:
    tiny = Tiny()
    x = tiny.input(*PICTURE)
    y = convolve(tiny, x)
    model = to_onnx(written(tmp_path, tiny.finish(y)))
    assert [place.name for place in model.graph.input] == [f"t{x}"]
    assert [place.name for place in model.graph.output] == [f"t{y}"]
    assert [n.dim_value for n in model.graph.input[0].type.tensor_type.shape.dim] == list(PICTURE)
    assert [n.dim_value for n in model.graph.output[0].type.tensor_type.shape.dim] == [1, 7, 10, 6]


@pytest.mark.parametrize("which", [(0,), (1,), (1, 0), (2, 1, 0)])
def test_only_the_outputs_asked_for(tmp_path: Path, which: tuple[int, ...]) -> None:
    """In the order asked for, between values and the file's own outputs alike; the rest of the network goes."""
    tiny = Tiny()
    first = convolve(tiny, tiny.input(*PICTURE))
    second = convolve(tiny, first)
    third = convolve(tiny, first, kernel=(1, 1))
    wanted = [(first, second, third)[index] for index in which]
    path = written(tmp_path, tiny.finish(second, third))
    model = to_onnx(path, outputs=[f"t{number}" for number in wanted])
    assert [place.name for place in model.graph.output] == [f"t{number}" for number in wanted]
    assert operators(model)["Conv"] == len({0, *which})
    feed = np.random.default_rng(1).normal(size=PICTURE).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    got = dict(zip([f"t{n}" for n in wanted], session.run(None, {"t0": feed}), strict=True))
    for name, values in litert(path.read_bytes(), [feed]).items():
        if name in got:
            np.testing.assert_allclose(got[name], values, rtol=1e-4, atol=1e-4)


def test_an_output_that_is_read_again(tmp_path: Path) -> None:
    tiny = Tiny()
    x = tiny.input(*PICTURE)
    y = tiny.op("RELU", [x], PICTURE)
    z = tiny.op("NEG", [y], PICTURE)
    session = onnxruntime.InferenceSession(to_onnx(written(tmp_path, tiny.finish(y, z))).SerializeToString())
    feed = np.random.default_rng(1).normal(size=PICTURE).astype(np.float32)
    once, twice = session.run(None, {f"t{x}": feed})
    np.testing.assert_array_equal(once, np.maximum(feed, 0))
    np.testing.assert_array_equal(twice, -once)


def test_float16_stays_float16_and_costs_nothing_when_run(tmp_path: Path) -> None:
    """In the file as stored; ONNX Runtime folds the Cast into the convolution's weights when it opens the model."""
    tiny = Tiny()
    y = CASES["dequantize"](tiny, tiny.input(*PICTURE))
    model = to_onnx(written(tmp_path, tiny.finish(y)))
    stored = {tensor.data_type for tensor in model.graph.initializer if tensor.raw_data and len(tensor.dims) == 4}
    assert stored == {onnx.TensorProto.FLOAT16}
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    assert "Cast" in operators(model)
    assert "Cast" not in operators(onnx.load(tmp_path / "optimised.onnx"))


UNSUPPORTED = ("LSH_PROJECTION (1)", "MadeUpOperator (1)", "SKIP_GRAM (2)", "BITCAST from float32 to int32")


def test_all_unsupported_operators_are_listed_once(tmp_path: Path) -> None:
    tiny = Tiny()
    x = convolve(tiny, tiny.input(*PICTURE))
    for kind in ("LSH_PROJECTION", "SKIP_GRAM", "MadeUpOperator", "SKIP_GRAM"):
        x = tiny.op(kind, [x], tiny.shapes[x])
    x = convolve(tiny, x)
    x = tiny.op("BITCAST", [x], PICTURE, dtype="int32")
    path = written(tmp_path, tiny.finish(x))
    with pytest.raises(BodyDoubleError) as caught:
        to_onnx(path)
    text = str(caught.value)
    assert "\n" not in text
    assert "tiny.tflite" in text
    assert all(text.count(part) == 1 for part in UNSUPPORTED)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "is empty"), (b"a text file, and a long one", "is no TFLite model"), (b"\xff\xff\0\0TFL3", "damaged")],
)
def test_a_file_that_is_none(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(BodyDoubleError, match=says) as caught:
        to_onnx(written(tmp_path, content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "next_step"),
    [(b"\x89HDF\r\n\x1a\n", "--input_format keras"), (b"PK\x03\x04 and so on", r"torch\.onnx\.export")],
)
def test_a_file_of_another_program_is_told_what_makes_one_of_ours(
    tmp_path: Path, content: bytes, next_step: str
) -> None:
    with pytest.raises(BodyDoubleError, match=next_step):
        to_onnx(written(tmp_path, content))


def test_a_folder_or_an_address_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(BodyDoubleError, match="it is a folder"):
        to_onnx(tmp_path)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(BodyDoubleError, match=r"such as model\.json"):
        to_onnx(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    for path in (tmp_path, tmp_path / "saved_model.pb"):
        with pytest.raises(BodyDoubleError, match=r"SavedModel: tf\.lite\.TFLiteConverter"):
            to_onnx(path)
    with pytest.raises(BodyDoubleError, match=r"it is an address; download the model\.json"):
        to_onnx("https://example.org/model.json")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BodyDoubleError, match="cannot read"):
        to_onnx(tmp_path / "missing.tflite")


@pytest.mark.parametrize("name", ["heatmap", "t0"])
def test_an_output_that_is_not_there(tmp_path: Path, name: str) -> None:
    tiny = Tiny()
    y = convolve(tiny, tiny.input(*PICTURE))
    path = written(tmp_path, tiny.finish(y))
    with pytest.raises(BodyDoubleError, match=f'no output "{name}"; choose from t{y}'):
        to_onnx(path, outputs=[name])


def damaged_files() -> list[bytes]:
    """A sound file cut short anywhere, and with bytes changed."""
    tiny = Tiny()
    content = tiny.finish(block(tiny, tiny.input(*PICTURE)))
    random = np.random.default_rng(5)
    files = [content[:length] for length in random.integers(8, len(content), 60)]
    for _ in range(300):
        changed = np.frombuffer(content, np.uint8).copy()
        changed[random.integers(8, len(content), 8)] = random.integers(0, 256, 8)
        files.append(changed.tobytes())
    return files


def test_a_damaged_file_is_one_line_or_converts(tmp_path: Path) -> None:
    """Never a traceback: changed weights cannot be noticed here (the zoo's hash does), everything else is."""
    refused = 0
    for content in damaged_files():
        try:
            to_onnx(written(tmp_path, content))
        except BodyDoubleError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 60


def test_one_subgraph_only(tmp_path: Path) -> None:
    tiny = Tiny()
    content = tiny.finish(convolve(tiny, tiny.input(*PICTURE)))
    model = tflite.Model.GetRootAs(content, 0)
    vector = model._tab.Vector(model._tab.Offset(8)) - 4  # field 2 of Model, its length before it
    changed = bytearray(content)
    changed[vector : vector + 4] = (0).to_bytes(4, "little")
    with pytest.raises(BodyDoubleError, match="0 subgraphs"):
        to_onnx(written(tmp_path, bytes(changed)))
