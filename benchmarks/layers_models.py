"""Layers models that TensorFlow.js makes by the hundred, converted and compared with what it computes with them.

    python benchmarks/layers_models.py [--random 200] [--seed 1] [--node-modules FOLDER] [--folder FOLDER]
    python benchmarks/layers_models.py --golden tests/convert/layers_models.tar.xz

Every class of layer in its variants, and random networks (layers_models.mjs); weights of float32, float16, uint8 or
uint16. Each is run with one and with three items in the batch. Errors are largest differences over the range of the
reference's values, 0 counted in. Exits with 1 if one fails or is off by more than 1e-4. --golden keeps some of them,
with what TensorFlow.js computes, for the tests.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from conversion_sets import node_modules
from rich.console import Console
from rich.progress import track

from bodydouble.convert import check, compare, to_onnx
from bodydouble.types import BodyDoubleError

SCRIPT = Path(__file__).with_suffix(".mjs")
TOLERANCE = 1e-4
# Of the variants, those that the tests keep: one or two of each class of layer, and a few random networks.
GOLDEN = (
    r"activation-.*|dense-(3d-no-bias|4d|softmax)|conv\dd-(same-stride2|dilated|open-same-stride2|first-valid-stride2)|"
    r"depthwise(-first)?-same-stride2|separable-same-stride2|transpose\dd(-open)?-(same|valid)-stride2(-2|-3)?|transpose2d-same-stride3-2|"
    r"(max|average)\dd-(same|open-same)-stride2|global-.*|batch-norm.*|layer-norm.*|flatten.*|reshape.*|permute|repeat.*|"
    r"embedding.*|relu.*|leaky|prelu.*|elu|thresholded|softmax|.*ropout.*|gaussian-noise|zero-.*|cropping.*|up-sampling-.*|"
    r"center-crop.*|rescaling|category-.*|masking|time-.*|(simpleRNN|gru|lstm)-(sequences|last|open|swish|no-bias).*|"
    r"bidirectional-(gru-ave-true|lstm-concat-true|simpleRNN-mul-false|lstm-masked|gru-turned|state-lstm)|cells?-.*|"
    r"state-.*|initial-.*|conv-lstm-(same-true|strides)|(add|multiply|maximum|minimum|average)-(three|broadcast)|concatenate-.*|dot-.*|"
    r"sequential.*|model-in-model|shared-layer|random-[26789]"
)
DTYPES = {"float32": np.float32, "int32": np.int32, "bool": np.bool_}


def records(folder: Path, name: str) -> list[dict[str, np.ndarray]]:
    """feeds.json or outputs.json as arrays by name, run by run."""
    runs = json.loads((folder / name).read_text(encoding="utf-8"))
    return [
        {
            entry["name"]: np.fromfile(folder / entry["file"], DTYPES[entry["dtype"]]).reshape(entry["shape"])
            for entry in run
        }
        for run in runs
    ]


def examine(folder: Path) -> tuple[float, str]:
    """The worst error of a model's outputs, or what is wrong."""
    feeds, wanted = records(folder, "feeds.json"), records(folder, "outputs.json")
    try:
        content = to_onnx(folder / "model.json").SerializeToString()
        got = [check.run(content, feed) for feed in feeds]
    except BodyDoubleError as error:
        return np.inf, str(error)
    for answer, other in zip(wanted, got, strict=True):
        if set(answer) != set(other):
            return np.inf, f"outputs {sorted(other)} where TensorFlow.js has {sorted(answer)}"
        shapes = {name: (value.shape, other[name].shape) for name, value in answer.items()}
        if any(a != b for a, b in shapes.values()):
            return np.inf, f"shapes {shapes}"
    found = compare.differences(wanted, got)
    worst = max(found, key=lambda difference: difference.error)
    return worst.error, worst.output


def keep(models: Sequence[Path], target: Path) -> None:
    """The models of GOLDEN in one file, each with its last run; the same file for the same models."""
    with tarfile.open(target, "w:xz", preset=9) as archive:
        for model in models:
            if not re.fullmatch(GOLDEN, model.name):
                continue
            contents = {name: (model / name).read_bytes() for name in ("model.json", "weights.bin")}
            for name in ("feeds.json", "outputs.json"):
                run = json.loads((model / name).read_text(encoding="utf-8"))[-1]
                contents[name] = json.dumps([run]).encode()
                contents |= {entry["file"]: (model / entry["file"]).read_bytes() for entry in run}
            for name, content in contents.items():
                entry = tarfile.TarInfo(f"{model.name}/{name}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=200, help="how many random networks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--node-modules", type=Path, help="a folder with @tensorflow/tfjs (default: npm installs it)")
    parser.add_argument("--golden", type=Path, help="write the file of the tests")
    parser.add_argument("--folder", type=Path, help="keep the models here")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "bodydouble-benchmarks")
    given = parser.parse_args()
    modules = given.node_modules or node_modules(given.cache)
    console = Console()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        command = ["node", str(SCRIPT), str(modules), str(folder), str(given.random), str(given.seed)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        refused = json.loads(told.strip().splitlines()[-1])["refused"]
        models = sorted(path.parent for path in folder.glob("*/model.json"))
        if given.golden:
            keep(models, given.golden)
        classes: Counter[str] = Counter()
        worst, faults = 0.0, 0
        for model in track(models, "comparing", console=console, disable=not console.is_terminal):
            text = (model / "model.json").read_text(encoding="utf-8")
            classes.update(part.split('"')[0] for part in text.split('"class_name":"')[1:])
            error, what = examine(model)
            if error > TOLERANCE:
                faults += 1
                console.print(f"{model.name}: {error:.1e} {what}", markup=False, highlight=False)
            else:
                worst = max(worst, error)
    for line in refused:
        console.print(f"TensorFlow.js itself refuses {line}", markup=False, highlight=False)
    layers = {name for name in classes if name[0].isupper()}
    console.print(
        f"{len(models) - faults} of {len(models)} agree to {TOLERANCE:g}, worst {worst:.1e}; {len(layers)} classes"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
