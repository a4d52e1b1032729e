"""Layers models of TensorFlow.js compute what it computes: every class of layer, and whole networks.

layers_models.tar.xz holds models, feeds and answers; benchmarks/layers_models.py --golden makes it (Node).
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from bodydouble.convert import to_onnx
from bodydouble.convert.keras.handlers import LAYERS
from bodydouble.types import BodyDoubleError

GOLDEN = Path(__file__).with_name("layers_models.tar.xz")
DTYPES = {"float32": np.float32, "int32": np.int32, "bool": np.bool_}
TOLERANCE = 2e-5  # of an output's range
Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layers-models")
    with tarfile.open(GOLDEN) as archive:
        archive.extractall(folder, filter="data")
    return folder


def names() -> list[str]:
    with tarfile.open(GOLDEN) as archive:
        return sorted({name.split("/")[0] for name in archive.getnames()})


def arrays(folder: Path, name: str) -> dict[str, np.ndarray]:
    (run,) = json.loads((folder / name).read_text())
    return {
        entry["name"]: np.fromfile(folder / entry["file"], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        for entry in run
    }


def answers(model: Path, feed: dict[str, np.ndarray], **options: Any) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(
        to_onnx(model, **options).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    outputs = [place.name for place in session.get_outputs()]
    return dict(zip(outputs, session.run(outputs, feed), strict=True))


def agree(got: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert list(got) == list(wanted)
    for name, values in wanted.items():
        scale = max(float(values.max(initial=0)) - float(values.min(initial=0)), 1e-3)
        assert got[name].shape == values.shape
        np.testing.assert_allclose(got[name], values, rtol=0, atol=TOLERANCE * scale, err_msg=name)


@pytest.mark.parametrize("name", names())
def test_computes_what_tensorflow_js_computes(golden: Path, name: str) -> None:
    folder = golden / name
    agree(answers(folder / "model.json", arrays(folder, "feeds.json")), arrays(folder, "outputs.json"))


def test_the_golden_models_have_every_class_of_layer(golden: Path) -> None:
    """Those that TensorFlow.js can make a model of; the rest are Keras's own, which it knows under no name."""
    text = "".join(path.read_text() for path in golden.glob("*/model.json"))
    absent = {kind for kind in LAYERS if f'"class_name":"{kind}"' not in text}
    of_keras = {f"{kind}{count}D" for kind in ("ZeroPadding", "Cropping", "UpSampling") for count in (1, 3)}
    of_keras |= {"Conv1DTranspose", "GlobalMaxPooling3D", "GlobalAveragePooling3D", "Subtract", "Identity"}
    of_keras |= {"SpatialDropout2D", "SpatialDropout3D", "ActivityRegularization"}
    of_others = {"MultiplyBeta", *(f"PixelShuffle{scale}x" for scale in (2, 3, 4, 8))}
    assert absent == of_keras | of_others | {"Resizing", "EinsumDense"}


def changed(folder: Path, target: Path, edit: Edit) -> Path:
    """A copy of a model whose topology was changed."""
    content = json.loads((folder / "model.json").read_text())
    edit(content)
    (target / "model.json").write_text(json.dumps(content))
    (target / "weights.bin").write_bytes((folder / "weights.bin").read_bytes())
    return target / "model.json"


def layers_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    return content["modelTopology"]["config"]["layers"]


def bare(content: dict[str, Any]) -> None:
    """No format, the configuration as text inside model_config: files of 2018."""
    del content["format"]
    content["modelTopology"] = {"model_config": content["modelTopology"], "keras_version": "2.1"}


def renamed_weights(content: dict[str, Any]) -> None:
    """The cell's name inside, the model's in front, a colon and zero behind: other converters."""
    for entry in content["weightsManifest"][0]["weights"]:
        layer, weight = entry["name"].rsplit("/", 1)
        entry["name"] = f"model/{layer}/{layer.split('_')[0]}_cell_3/{weight}:0"


def keras_3(content: dict[str, Any]) -> None:
    """Tensors among arguments, dtypes and activations as records, batch_shape."""
    for layer in layers_of(content):
        layer["module"] = "keras.layers"
        config = layer["config"]
        if "batch_input_shape" in config:
            config["batch_shape"] = config.pop("batch_input_shape")
        config["dtype"] = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}}
        if isinstance(config.get("activation"), str):
            config["activation"] = {"module": "builtins", "class_name": "function", "config": config["activation"]}
        layer["inbound_nodes"] = [
            {
                "args": [
                    {"class_name": "__keras_tensor__", "config": {"shape": [None], "keras_history": list(read[:3])}}
                    for read in call
                ],
                "kwargs": {"training": False},
            }
            for call in layer["inbound_nodes"]
        ]


def camel(content: dict[str, Any]) -> None:
    """TensorFlow.js's own spelling of options."""
    for layer in layers_of(content):
        layer["config"] = {
            key.split("_")[0] + "".join(part.title() for part in key.split("_")[1:]): value
            for key, value in layer["config"].items()
        }


@pytest.mark.parametrize("edit", [bare, renamed_weights, keras_3, camel], ids=lambda edit: edit.__name__)
@pytest.mark.parametrize("name", ["gru-sequences", "conv2d-same-stride2", "dense-4d"])
def test_other_spellings_mean_the_same(golden: Path, tmp_path: Path, name: str, edit: Edit) -> None:
    folder = golden / name
    path = changed(folder, tmp_path, edit)
    agree(answers(path, arrays(folder, "feeds.json")), arrays(folder, "outputs.json"))


def test_numbered_weights(golden: Path, tmp_path: Path) -> None:
    """Files saved by Keras 3 count the weights of a layer."""

    def edit(content: dict[str, Any]) -> None:
        seen: dict[str, int] = {}
        for entry in content["weightsManifest"][0]["weights"]:
            layer = entry["name"].rsplit("/", 1)[0]
            entry["name"] = f"{layer}/vars/{seen.setdefault(layer, 0)}"
            seen[layer] += 1

    folder = golden / "batch-norm"
    path = changed(folder, tmp_path, edit)
    agree(answers(path, arrays(folder, "feeds.json")), arrays(folder, "outputs.json"))


def test_any_layer_can_be_asked_for(golden: Path) -> None:
    folder = golden / "sequential"
    names_ = [layer["config"]["name"] for layer in layers_of(json.loads((folder / "model.json").read_text()))]
    got = answers(folder / "model.json", arrays(folder, "feeds.json"), outputs=[names_[2], names_[-1]])
    assert list(got) == [names_[2], names_[-1]]
    assert got[names_[2]].shape == (3, 4, 4, 4)
    np.testing.assert_allclose(got[names_[-1]], arrays(folder, "outputs.json")[names_[-1]], atol=1e-6)


def test_open_sizes_stay_open_or_are_fixed(golden: Path) -> None:
    folder = golden / "conv2d-open-same-stride2"
    (place,) = to_onnx(folder / "model.json").graph.input
    assert [size.dim_param for size in place.type.tensor_type.shape.dim] == ["batch", "height", "width", ""]
    (place,) = to_onnx(folder / "model.json", input_shapes=(1, 9, 11, 3)).graph.input
    assert [size.dim_value for size in place.type.tensor_type.shape.dim] == [1, 9, 11, 3]
    with pytest.raises(BodyDoubleError, match="4 axes"):
        to_onnx(folder / "model.json", input_shapes=(9, 11, 3))


def one_layer_model(
    target: Path, kind: str, shapes: list[list[int]], config: dict[str, Any], weights: dict[str, np.ndarray]
) -> Path:
    """A model of one layer of a class that TensorFlow.js has not."""
    inputs = [f"in{at}" for at in range(len(shapes))]
    layers = [
        {"class_name": "InputLayer", "name": name, "config": {"batch_input_shape": [None, *shape]}, "inbound_nodes": []}
        for name, shape in zip(inputs, shapes, strict=True)
    ]
    call = [[name, 0, 0, {}] for name in inputs]
    layers.append({"class_name": kind, "name": "it", "config": config, "inbound_nodes": [call]})
    ends = {"input_layers": [[name, 0, 0] for name in inputs], "output_layers": [["it", 0, 0]]}
    manifest = [{"name": f"it/{name}", "shape": value.shape, "dtype": "float32"} for name, value in weights.items()]
    content = {
        "modelTopology": {"class_name": "Functional", "config": {"name": "m", "layers": layers, **ends}},
        "weightsManifest": [{"paths": ["weights.bin"], "weights": manifest}],
    }
    (target / "model.json").write_text(json.dumps(content))
    (target / "weights.bin").write_bytes(b"".join(value.astype(np.float32).tobytes() for value in weights.values()))
    return target / "model.json"


KERNEL = np.random.default_rng(8).normal(size=(3, 2, 4)).astype(np.float32)
TABLE = np.random.default_rng(9).normal(size=(2, 5, 3)).astype(np.float32)


def causal(x: np.ndarray) -> np.ndarray:
    padded = np.pad(x, ((0, 0), (4, 0), (0, 0)))  # kernel 3, dilation 2
    return sum(padded[:, 2 * at : 2 * at + x.shape[1]] @ KERNEL[at] for at in range(3))


OF_KERAS: dict[str, tuple[str, list[list[int]], dict[str, Any], dict[str, np.ndarray], Callable[..., np.ndarray]]] = {
    "causal": (
        "Conv1D",
        [[7, 2]],
        {"filters": 4, "kernel_size": [3], "padding": "causal", "dilation_rate": [2], "use_bias": False},
        {"kernel": KERNEL},
        causal,
    ),
    "einsum": (
        "EinsumDense",
        [[4, 2]],
        {"equation": "abc,cde->abde", "output_shape": [None, 5, 3], "bias_axes": "e"},
        {"kernel": TABLE, "bias": TABLE[0, 0]},
        lambda x: np.einsum("abc,cde->abde", x, TABLE) + TABLE[0, 0],
    ),
    "subtract": ("Subtract", [[4], [4]], {}, {}, lambda a, b: a - b),
    "zero-padding-1d": (
        "ZeroPadding1D",
        [[4, 3]],
        {"padding": [1, 2]},
        {},
        lambda x: np.pad(x, ((0, 0), (1, 2), (0, 0))),
    ),
    "zero-padding-3d": (
        "ZeroPadding3D",
        [[2, 3, 2, 1]],
        {"padding": [[1, 0], [0, 2], [1, 1]]},
        {},
        lambda x: np.pad(x, ((0, 0), (1, 0), (0, 2), (1, 1), (0, 0))),
    ),
    "cropping-1d": ("Cropping1D", [[6, 3]], {"cropping": [1, 2]}, {}, lambda x: x[:, 1:-2]),
    "cropping-3d": ("Cropping3D", [[4, 3, 5, 1]], {"cropping": [1, 0, 2]}, {}, lambda x: x[:, 1:-1, :, 2:-2]),
    "up-sampling-1d": ("UpSampling1D", [[4, 3]], {"size": 3}, {}, lambda x: x.repeat(3, 1)),
    "up-sampling-3d": ("UpSampling3D", [[2, 3, 2, 1]], {"size": [2, 1, 2]}, {}, lambda x: x.repeat(2, 1).repeat(2, 3)),
    "global-3d": ("GlobalAveragePooling3D", [[2, 3, 4, 2]], {}, {}, lambda x: x.mean((1, 2, 3))),
    "global-max-3d": ("GlobalMaxPooling3D", [[2, 3, 4, 2]], {}, {}, lambda x: x.max((1, 2, 3))),
    "batch-norm-axis-1": (
        "BatchNormalization",
        [[2, 3, 4]],
        {"axis": [1], "epsilon": 0.01, "scale": False},
        {"beta": KERNEL[0, :, 0], "moving_mean": KERNEL[0, :, 1], "moving_variance": KERNEL[1, :, 0] ** 2},
        lambda x: (
            (x - KERNEL[0, :, 1].reshape(-1, 1, 1)) / np.sqrt(KERNEL[1, :, 0].reshape(-1, 1, 1) ** 2 + 0.01)
            + KERNEL[0, :, 0].reshape(-1, 1, 1)
        ),
    ),
    "resizing-nearest": (
        "Resizing",
        [[3, 2, 1]],
        {"height": 6, "width": 4, "interpolation": "nearest"},
        {},
        lambda x: x.repeat(2, 1).repeat(2, 2),
    ),
    "multiply-beta": ("MultiplyBeta", [[3, 2]], {"beta": 0.3}, {}, lambda x: x * np.float32(0.3)),
    "pixel-shuffle": (
        "PixelShuffle2x",
        [[2, 3, 8]],
        {"scale": 2},
        {},
        lambda x: x.reshape(-1, 2, 3, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 4, 6, 2),
    ),
    "dropout": ("SpatialDropout2D", [[3, 2, 1]], {"rate": 0.3}, {}, lambda x: x),
}


@pytest.mark.parametrize("name", OF_KERAS)
def test_layers_that_only_keras_has(tmp_path: Path, name: str) -> None:
    """Those that TensorFlow.js cannot make, or gets wrong on the plain backend, against numpy."""
    kind, shapes, config, weights, means = OF_KERAS[name]
    random = np.random.default_rng(4)
    feed = {f"in{at}": random.normal(size=(2, *shape)).astype(np.float32) for at, shape in enumerate(shapes)}
    (got,) = answers(one_layer_model(tmp_path, kind, shapes, config, weights), feed).values()
    np.testing.assert_allclose(got, means(*feed.values()), atol=1e-5)


def test_a_gru_that_resets_after(golden: Path, tmp_path: Path) -> None:
    """TensorFlow.js refuses it; without biases it is the sum over the gates, checked by hand."""
    folder = golden / "gru-last"

    def edit(content: dict[str, Any]) -> None:
        layers_of(content)[1]["config"] |= {"reset_after": True, "recurrent_activation": "sigmoid"}
        weights = content["weightsManifest"][0]["weights"]
        for entry in weights:
            entry.pop("quantization", None)
        next(entry for entry in weights if entry["name"].endswith("bias"))["shape"] = [2, 12]

    path = changed(folder, tmp_path, edit)
    random = np.random.default_rng(3)
    kernel, recurrent, bias = (random.normal(size=size).astype(np.float32) for size in ((3, 12), (4, 12), (2, 12)))
    (tmp_path / "weights.bin").write_bytes(b"".join(array.tobytes() for array in (kernel, recurrent, bias)))
    x = arrays(folder, "feeds.json")
    (values,) = x.values()
    h = np.zeros((3, 4))
    for step in range(values.shape[1]):
        given, kept = values[:, step] @ kernel + bias[0], h @ recurrent + bias[1]
        z, r = (1 / (1 + np.exp(-(given + kept)[:, a : a + 4])) for a in (0, 4))
        h = z * h + (1 - z) * np.tanh(given[:, 8:] + r * kept[:, 8:])
    (got,) = answers(path, x).values()
    np.testing.assert_allclose(got, h, atol=1e-5)


def stateful(content: dict[str, Any]) -> None:
    layers_of(content)[1]["config"]["stateful"] = True


def unknown(content: dict[str, Any]) -> None:
    layers_of(content)[1]["class_name"] = "Mystery"


def no_weight(content: dict[str, Any]) -> None:
    content["weightsManifest"][0]["weights"][0]["name"] = "elsewhere/kernel"


def no_source(content: dict[str, Any]) -> None:
    layers_of(content)[1]["inbound_nodes"] = [[["nobody", 0, 0, {}]]]


def endless(content: dict[str, Any]) -> None:
    content["modelTopology"]["config"]["output_layers"] = [["it", float("inf"), 0]]


def no_layers(content: dict[str, Any]) -> None:
    del content["modelTopology"]["config"]["layers"]


def one_layer(content: dict[str, Any]) -> None:
    content["modelTopology"] = layers_of(content)[1]


def activation(content: dict[str, Any]) -> None:
    layers_of(content)[1]["config"]["activation"] = "crelu"


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (stateful, "stateful"),
        (unknown, r"layers that are not supported: Mystery \(1\)"),
        (no_weight, 'no weight "gru_GRU'),
        (no_source, "reads what no layer gives"),
        (endless, "no sound layers model"),
        (no_layers, "no sound layers model"),
        (one_layer, "wanted a model of layers"),
        (activation, "activation crelu"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_cannot_be_converted_is_one_line(golden: Path, tmp_path: Path, edit: Edit, says: str) -> None:
    path = changed(golden / "gru-last", tmp_path, edit)
    with pytest.raises(BodyDoubleError, match=says) as caught:
        to_onnx(path)
    assert "\n" not in str(caught.value)


def test_damaged_topologies_never_give_a_traceback(golden: Path, tmp_path: Path) -> None:
    """Any part of the configuration replaced by something else: it converts, or one line says why not."""
    folder = golden / "model-in-model"
    text = json.loads((folder / "model.json").read_text())
    random = np.random.default_rng(2)
    refused = 0

    def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        return [spot for key, value in entries for spot in [(*path, key), *places(value, (*path, key))]]

    spots = places(text["modelTopology"])
    for at in random.choice(len(spots), 150, replace=False):
        content = json.loads(json.dumps(text))
        node = content["modelTopology"]
        for key in spots[at][:-1]:
            node = node[key]
        node[spots[at][-1]] = [None, 7, "seven", [], {}, [[1]]][int(random.integers(6))]
        (tmp_path / "model.json").write_text(json.dumps(content))
        (tmp_path / "weights.bin").write_bytes((folder / "weights.bin").read_bytes())
        try:
            to_onnx(tmp_path / "model.json")
        except BodyDoubleError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 30
