"""Layers models that TensorFlow.js makes by the hundred, converted and compared with what it computes with them.

    python benchmarks/layers_models.py [--random 200] [--seed 1] [--node-modules FOLDER] [--folder FOLDER]

Every class of layer in its variants, and random networks (layers_models.mjs); weights of float32, float16, uint8 or
uint16. Each is run with one and with three items in the batch. Errors are largest differences over the range of the
reference's values, 0 counted in. Exits with 1 if one fails or is off by more than 1e-4.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from conversion_sets import node_modules
from rich.console import Console
from rich.progress import track

from bodydouble.convert import check, compare, to_onnx
from bodydouble.types import BodyDoubleError

SCRIPT = Path(__file__).with_suffix(".mjs")
TOLERANCE = 1e-4
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=200, help="how many random networks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--node-modules", type=Path, help="a folder with @tensorflow/tfjs (default: npm installs it)")
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
