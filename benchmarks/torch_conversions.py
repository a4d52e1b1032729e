"""Turns model files into PyTorch networks and compares them with ONNX Runtime on the ONNX models they are made of.

    python benchmarks/torch_conversions.py [MODEL ...] [--picture PHOTO] [--cache FOLDER] [--dynamo PARAMETERS]

MODEL: .json of a TFJS model, .tflite or .onnx; without any, the known set of conversions.py, and the table is written
into docs/torch.md. Columns: largest difference over an output's range (random values and a photograph) of PyTorch
from ONNX Runtime, and of each from the same network in float64; parameters, and those without a gradient from any
output; heads that became outputs for that; whether any number of pictures goes through at once; the difference after
torch.onnx.export (TorchScript and dynamo exporter). The dynamo exporter takes minutes for large networks: it is tried
for those of at most --dynamo parameters.
"""

from __future__ import annotations

import argparse
import io
import sys
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import torch
from conversion_sets import FEEDS, SHAPES, known_set
from rich.console import Console

from bodydouble.convert import check, compare, samples, to_onnx, to_torch, torch_check
from bodydouble.types import BodyDoubleError

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = REPOSITORY / "docs" / "torch.md"
MARK = "<!-- table: benchmarks/torch_conversions.py -->"
HEAD = (
    "| model | from ONNX Runtime | PyTorch from float64 | ONNX Runtime from float64 | parameters | without gradient "
    "| heads added | batch | exported, TorchScript | exported, dynamo |"
)
Feed = dict[str, Any]


def worst(wanted: list[Feed], got: list[Feed]) -> float:
    return max(difference.error for difference in compare.differences(wanted, got))


def unreached(network: torch.nn.Module, feed: Feed) -> int:
    """How many parameters get no gradient."""
    outputs = network(*(torch.from_numpy(np.array(values)) for values in feed.values())).values()
    total = sum((y.float() * torch.rand(y.shape)).sum() for y in outputs if y.requires_grad)
    if isinstance(total, torch.Tensor):
        total.backward()
    return sum(parameter.grad is None for parameter in network.parameters())


def exported(network: torch.nn.Module, feed: Feed, wanted: Feed, dynamo: bool) -> str:
    tensors = tuple(torch.from_numpy(np.array(values)) for values in feed.values())
    file = io.BytesIO()
    with torch.no_grad():
        names = list(network(*tensors))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if dynamo:
                program = torch.onnx.export(network, tensors, dynamo=True, verbose=False)
                content = program.model_proto.SerializeToString()
            else:
                options: Any = {"input_names": list(feed), "output_names": names, "dynamo": False}
                torch.onnx.export(network, tensors, file, **options)
                content = file.getvalue()
        inputs = [place.name for place in onnx.load_from_string(content).graph.input]
        # By name where the names are ours: an input that became a constant (a ratio of sizes) is left out.
        given = feed if set(inputs) <= set(feed) else dict(zip(inputs, feed.values(), strict=True))
        got = check.run(content, given)
    except Exception as error:  # noqa: BLE001 - an exporter fails in its own ways; the table says so
        return f"fails ({type(error).__name__})"
    answered = dict(zip(names, got.values(), strict=True))
    return f"{worst([wanted], [{name: answered[name] for name in wanted}]):.0e}"


def row(path: Path, picture: np.ndarray, most: int) -> str:
    model = onnx.load(path) if path.suffix == ".onnx" else to_onnx(path)
    network = to_torch(model)
    given = SHAPES.get(path.stem, {})
    feeds = samples.feeds(check.inputs_of(model), given=given, limits=check.row_limits(model), picture=picture)
    if path.stem in FEEDS:
        shape = given.get("src", (1, 256, 320, 3))
        shown = samples.picture_values(picture, shape, np.dtype(np.float32), 0.0, 1.0)
        feeds = [FEEDS[path.stem](number, shown) for number in range(3)]
    names = [place.name for place in check.inputs_of(model)]
    feeds = [{name: feed[name] for name in names} for feed in feeds]
    content = model.SerializeToString()
    wanted = [check.run(content, feed) for feed in feeds]
    exact, names = torch_check.in_float64(network), list(wanted[0])
    got = [torch_check.answers(network, feed, names) for feed in feeds]
    double = [torch_check.answers(exact, feed, names) for feed in feeds]
    cells = [worst(wanted, got), worst(double, got), worst(double, wanted)]
    lost, count = unreached(network, feeds[1]), len(list(network.parameters()))
    again = [exported(network, feeds[1], wanted[1], dynamo=False)]
    again.append(exported(network, feeds[1], wanted[1], dynamo=True) if count <= most else "not tried")
    rest = [count, lost, len(network.about["heads"]), "any" if network.about["batch"] else 1, *again]
    return " | ".join([f"| {path.stem}", *(f"{n:.0e}" for n in cells), *map(str, rest)]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL")
    photograph = REPOSITORY.parent / "shared" / "data" / "coco" / "000000000785.jpg"
    parser.add_argument("--picture", type=Path, default=photograph)
    parser.add_argument("--dynamo", type=int, default=80, metavar="PARAMETERS")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "bodydouble-benchmarks")
    options = parser.parse_args()
    read = cv2.imread(str(options.picture))
    if read is None:
        sys.exit(f"no picture at {options.picture}: give one with --picture")
    picture = cv2.cvtColor(read, cv2.COLOR_BGR2RGB)
    lines, console = [HEAD, "|" + " --- |" * (HEAD.count("|") - 1)], Console(soft_wrap=True)
    for path in options.models or known_set(options.cache):
        try:
            lines.append(row(path, picture, options.dynamo))
        except (BodyDoubleError, RuntimeError, TypeError, ValueError) as error:
            lines.append(f"| {path.stem} | {str(error).splitlines()[0][:120]} |" + " |" * (HEAD.count("|") - 3))
        console.print(lines[-1], markup=False)
    if not options.models:
        before = PAGE.read_text().split(MARK)[0]
        PAGE.write_text(before + MARK + "\n\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
