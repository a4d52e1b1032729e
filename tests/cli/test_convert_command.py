"""bodydouble convert: what it writes and says, and one line for what it refuses, with nothing left behind."""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from bodydouble.cli import main
from bodydouble.cli.convert import shapes_of
from bodydouble.convert import check, references
from bodydouble.types import BodyDoubleError

GOLDEN = Path(__file__).parent.parent / "convert" / "layers_models.tar.xz"
Refused = Callable[..., str]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small network of pictures: conv2d, batch norm, pooling, dense."""
    with tarfile.open(GOLDEN) as archive:
        archive.extractall(tmp_path, [m for m in archive if m.name.startswith("sequential/")], filter="data")
    return tmp_path / "sequential" / "model.json"


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the command line and returns what it printed."""

    def run(*args: str | Path) -> str:
        with pytest.raises(SystemExit) as exit_:
            main(["convert", *map(str, args)])
        told = capsys.readouterr()
        assert exit_.value.code == 0, told.err
        return told.out

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs the command line, expects to be refused, returns the one line."""

    def run(*args: str | Path) -> str:
        with pytest.raises(SystemExit) as exit_:
            main(["convert", *map(str, args)])
        told = capsys.readouterr().err.strip()
        assert exit_.value.code == 2, told
        assert len(told.splitlines()) == 1, told
        return told

    return run


class Wrong:
    """A runtime that computes something else."""

    name = "Wrong"

    def __init__(self, model: Path, modules: Path | None = None) -> None:
        self.model = model

    def inputs(self) -> list[references.Place]:
        return check.inputs_of(onnx.load(self.model.with_name("out.onnx")))

    def run(self, feeds: list[references.Feed]) -> list[references.Feed]:
        return [{"dense_Dense": np.full((1, 5), 0.2, np.float32)} for _ in feeds]


def no_reference(model: Path, modules: Path | None = None) -> references.Reference:
    raise references.Unavailable("TensorFlow.js is not here: npm install @tensorflow/tfjs@4")


def test_writes_a_model_and_says_what_it_is(said: Callable[..., str], model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.onnx"
    lines = said(model, "-o", out).splitlines()
    onnx.checker.check_model(onnx.load(out), full_check=True)
    assert str(out) in lines[0]
    assert "opset 17" in lines[0]
    assert "? x 8 x 8 x 3" in lines[1]
    assert lines[1].startswith("  input")
    assert lines[2].startswith("  output")
    assert "--check" in lines[3]
    assert len(lines) == 4


def test_options_are_handed_on(said: Callable[..., str], model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.onnx"
    told = said(model, "-o", out, "--opset", "18", "--float16", "--input-shape", "2,8,8,3")
    assert "opset 18" in told
    assert "2 x 8 x 8 x 3" in told
    stored = {tensor.data_type for tensor in onnx.load(out).graph.initializer if tensor.dims[2:] == [3, 3]}
    assert stored == {onnx.TensorProto.FLOAT16}


def test_outputs_by_name(said: Callable[..., str], model: Path, tmp_path: Path) -> None:
    names = [layer["config"]["name"] for layer in json.loads(model.read_text())["modelTopology"]["config"]["layers"]]
    told = said(model, "-o", tmp_path / "out.onnx", "--outputs", f"{names[2]}, {names[-1]}")
    assert [line.split()[1] for line in told.splitlines() if line.startswith("  output")] == [names[2], names[-1]]


def test_check_without_a_reference_says_what_is_missing(
    said: Callable[..., str], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "reference", no_reference)
    told = said(model, "-o", tmp_path / "out.onnx", "--check").splitlines()
    assert told[-3].startswith("checked: valid ONNX, runs in ONNX Runtime")
    assert told[-2] == "not compared: TensorFlow.js is not here: npm install @tensorflow/tfjs@4"


def test_a_failed_check_leaves_no_file(
    refused: Refused, said: Callable[..., str], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = model.with_name("out.onnx")
    said(model, "-o", out)
    (output,) = check.outputs_of(onnx.load(out))
    monkeypatch.setattr(references, "reference", Wrong)
    monkeypatch.setattr(Wrong, "run", lambda self, feeds: [{output.name: np.full((1, 5), 0.2)} for _ in feeds])
    new = tmp_path / "new.onnx"
    assert "is not what Wrong computes" in refused(model, "-o", new, "--check")
    assert not new.exists()
    before = out.read_bytes()
    refused(model, "-o", out, "--check", "--force")
    assert out.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"sequential"}


def test_tflite_is_compared_with_litert(said: Callable[..., str], tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    sys.path.insert(0, str(GOLDEN.parent))
    from tiny_tflite import Tiny

    tiny = Tiny()
    x = tiny.input(1, 4, 6, 3)
    y = tiny.op("LOGISTIC", [x], (1, 4, 6, 3))
    (tmp_path / "tiny.tflite").write_bytes(tiny.finish(y))
    told = said(tmp_path / "tiny.tflite", "-o", tmp_path / "out.onnx", "--check")
    assert "agrees with LiteRT (3 runs)" in told
    assert f"  t{y}  off by" in told


def test_onnx_becomes_pytorch(said: Callable[..., str], model: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    said(model, "-o", tmp_path / "a.onnx")
    said(tmp_path / "a.onnx", "-o", tmp_path / "b.pt", "--check")
    said(model, "-o", tmp_path / "c.pt", "--check")
    (place,) = check.inputs_of(onnx.load(tmp_path / "a.onnx"))
    feed = np.random.default_rng(1).normal(size=(2, 8, 8, 3)).astype(np.float32)
    (wanted,) = check.run(str(tmp_path / "a.onnx"), {place.name: feed}).values()
    for name in ("b.pt", "c.pt"):
        (got,) = torch.load(tmp_path / name, weights_only=False)(torch.from_numpy(feed)).values()
        np.testing.assert_allclose(got.detach().numpy(), wanted, atol=1e-5)


def test_pytorch_that_is_missing(
    refused: Refused, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "bodydouble[train]" in refused(model, "-o", tmp_path / "out.pt")
    assert {path.name for path in tmp_path.iterdir()} == {"sequential"}


@pytest.mark.parametrize(
    "options",
    [
        ["-o", "out.bin"],
        ["-o", "missing/out.onnx"],
        ["-o", "out.onnx", "--opset", "3"],
        ["-o", "out.onnx", "--input-shape", "1,8"],
        ["-o", "out.onnx", "--input-shape", "8,8,3"],
        ["-o", "out.onnx", "--input-shape", "1,-8,8,3"],
        ["-o", "out.onnx", "--input-shape", "nobody=1,8,8,3"],
        ["-o", "out.onnx", "--input-shape", "1,8,8,3", "--input-shape", "1,8,8,3"],
        ["-o", "out.onnx", "--outputs", "nobody"],
        ["-o", "out.onnx", "--outputs", ","],
        ["-o", "out.onnx", "--quantized", "int8"],
        ["-o", "out.onnx", "--picture", "missing.jpg"],
    ],
    ids=" ".join,
)
def test_unusable_options(
    refused: Refused, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(model, *options)
    assert {path.name for path in tmp_path.iterdir()} == {"sequential"}


@pytest.mark.parametrize(
    "content", [None, b"", b"text", b"{}", b'{"format": "layers-model"}', b'{"modelTopology": {"node": ']
)
@pytest.mark.parametrize("name", ["model.json", "model.tflite", "model.onnx"])
def test_files_that_are_none(refused: Refused, tmp_path: Path, name: str, content: bytes | None) -> None:
    source = tmp_path / name
    if content is not None:
        source.write_bytes(content)
    assert name in refused(source, "-o", tmp_path / "out.pt")
    assert not (tmp_path / "out.pt").exists()


def test_onnx_to_onnx_is_refused(refused: Refused, tmp_path: Path) -> None:
    assert ".pt" in refused(tmp_path / "a.onnx", "-o", tmp_path / "b.onnx")


def test_an_output_that_exists_asks_for_force(refused: Refused, model: Path, tmp_path: Path) -> None:
    (tmp_path / "out.onnx").write_text("mine")
    assert "--force" in refused(model, "-o", tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx").read_text() == "mine"


def test_weights_that_are_missing(refused: Refused, model: Path, tmp_path: Path) -> None:
    model.with_name("weights.bin").unlink()
    assert "weights.bin" in refused(model, "-o", tmp_path / "out.onnx")


@pytest.mark.parametrize(
    ("texts", "shapes"),
    [
        ([], None),
        (["1,257,257,3"], (1, 257, 257, 3)),
        (["a=1,2"], {"a": (1, 2)}),
        (["a=1,2", "b:0=3"], {"a": (1, 2), "b:0": (3,)}),
        (["x=y=4"], {"x=y": (4,)}),
    ],
)
def test_shapes(texts: list[str], shapes: object) -> None:
    assert shapes_of(texts) == shapes


@pytest.mark.parametrize("texts", [["1,2", "a=3"], ["a=1", "a=2"], ["a="], ["1.5"], ["²"]])
def test_shapes_that_are_none(texts: list[str]) -> None:
    with pytest.raises(BodyDoubleError):
        shapes_of(texts)


def test_rounding_that_was_asked_for_is_told_and_no_fault(
    said: Callable[..., str], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "reference", no_reference)
    told = said(model, "-o", tmp_path / "half.onnx", "--check", "--float16")
    assert "by rounding" in told
    weights = onnx.load(tmp_path / "half.onnx").graph.initializer
    assert any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in weights)


def test_what_the_exact_model_gets_wrong_is_a_fault(
    refused: Refused, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object, **__: object) -> None:
        raise BodyDoubleError("is not what it computes")

    monkeypatch.setattr(check, "_compared", wrong)
    monkeypatch.setattr(references, "reference", lambda *_: None)
    assert "is not what it computes" in refused(model, "-o", tmp_path / "half.onnx", "--check", "--float16")
    assert not (tmp_path / "half.onnx").exists()


def test_pytorch_has_no_float16(refused: Refused, model: Path, tmp_path: Path) -> None:
    assert "float32" in refused(model, "-o", tmp_path / "x.pt", "--float16")


def test_a_picture_that_is_none(refused: Refused, model: Path, tmp_path: Path) -> None:
    assert "No such file" in refused(model, "-o", tmp_path / "x.onnx", "--check", "--picture", tmp_path / "no.jpg")
    (tmp_path / "text.jpg").write_text("no picture")
    assert "is no picture" in refused(model, "-o", tmp_path / "x.onnx", "--check", "--picture", tmp_path / "text.jpg")
