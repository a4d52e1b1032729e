"""PoseNet here against the published detector in TensorFlow.js: keypoints on pictures and clips, decoding of made maps.

    python benchmarks/posenet_against_tfjs.py PICTURE_OR_CLIP... --modules NODE_MODULES [--model posenet.json]
        [--every 10] [--sizes 385x385 257x257] [--strides 16 8] [--untrimmed]
        [--golden tests/estimate/posenet.json --data FOLDER]

NODE_MODULES holds @tensorflow/tfjs and @tensorflow/tfjs-backend-wasm 4.22.0, @tensorflow-models/pose-detection 2.1.3.
Distances are means over a person's 17 points in percent of the person's size, the diagonal of the box around them.
People are told apart (at most five), or there is one ("single"). --golden writes what the tests compare with, of the
pictures given (below FOLDER) and of made maps.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bodydouble.estimate import posenet, posenet_graph
from bodydouble.models import fetch
from bodydouble.sources import open_source

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import made_maps

REFERENCE = Path(__file__).with_name("posenet_reference.mjs")
PEOPLE = 5
ALIKE = {"threshold": posenet_graph.DEFAULT.threshold, "radius": posenet_graph.DEFAULT.radius}
MADE = [  # kind, seed, rows, columns, stride, people
    ("crowd", 1, 25, 25, 16, 5),
    ("crowd", 2, 33, 33, 8, 8),
    ("crowd", 3, 13, 17, 32, 5),
    ("crowd", 4, 25, 25, 16, 1),
    ("noise", 5, 25, 25, 16, 10),
    ("noise", 6, 17, 12, 8, 6),
    ("noise", 7, 25, 25, 16, 1),
]
Job = dict[str, Any]
Person = dict[str, Any]


def published(jobs: list[Job], folder: Path, modules: str, model: str) -> list[list[Person]]:
    """What the published code finds in each job: score and keypoints of each person."""
    (folder / "jobs.json").write_text(json.dumps({"model": model, "jobs": jobs}))
    run = subprocess.run(["node", str(REFERENCE), modules, str(folder)], capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(run.stderr)
    return [json.loads(line) for line in run.stdout.splitlines()]


def pictures(paths: list[str], every: int) -> Iterator[tuple[str, np.ndarray]]:
    """Photographs by their paths, frames of clips as PATH#INDEX."""
    for path in paths:
        with open_source(path) as source:
            for frame in source:
                if frame.index % every == 0:
                    still = source.info.frames == 1 or not source.info.duration
                    yield path if still else f"{path}#{frame.index}", frame.image


def picture_jobs(named: list[tuple[str, np.ndarray]], folder: Path, sizes: list[str], strides: list[int]) -> list[Job]:
    jobs = []
    for number, (name, image) in enumerate(named):
        (folder / f"picture-{number}").write_bytes(image.tobytes())
        height, width = image.shape[:2]
        shared = {"name": name, "image": f"picture-{number}", "width": width, "height": height, **ALIKE}
        for size in sizes:
            for stride in strides:
                grid = {"input": [int(length) for length in size.split("x")], "stride": stride}
                jobs += [{**shared, **grid, "people": people} for people in (1, PEOPLE)]
    return jobs


def map_jobs(folder: Path) -> list[Job]:
    jobs = []
    for kind, seed, rows, columns, stride, people in MADE:
        maps = (
            made_maps.crowd(seed, rows, columns, stride, 7) if kind == "crowd" else made_maps.noise(seed, rows, columns)
        )
        name = f"{kind}-{seed}"
        planes = (maps.heatmap, maps.offsets, maps.forward, maps.backward)
        (folder / name).write_bytes(b"".join(plane.tobytes() for plane in planes))
        what = {"kind": kind, "seed": seed, "rows": rows, "columns": columns, "stride": stride, "people": people}
        jobs.append({**what, **ALIKE, "maps": name})
    return jobs


class Ours:
    """The estimator's graph for each size and stride; looks at a picture as the published detector does."""

    def __init__(self, trimmed: bool) -> None:
        self._trimmed = trimmed
        self._network = posenet_graph.load_network(posenet.MODELS[0])
        self._open: dict[tuple[int, int, int], posenet.Networks] = {}

    def __call__(self, job: Job, image: np.ndarray) -> list[Person]:
        """Everybody, as the published detector answers, without the least score that the estimator asks for."""
        key = (*job["input"], job["stride"])
        if key not in self._open:
            width, height, stride = key
            choices = posenet_graph.Choices(width, height, stride, trimmed=self._trimmed)
            self._open[key] = posenet.Networks(self._network, "cpu", PEOPLE, choices=choices)
        found = self._open[key].on(image).look_at_all(image)
        if job["people"] == 1:
            return [{"score": found.single_score, "keypoints": found.single}]
        return [{"score": score, "keypoints": one} for one, score in zip(found.people, found.scores, strict=True)]


def apart(ours: list[Person], theirs: list[Person]) -> list[float]:
    """Percent of their size between each of their people and the nearest of ours; a person we miss is 100 %."""
    found = []
    for person in theirs:
        points = np.array(person["keypoints"])[:, :2]
        size = float(np.linalg.norm(np.ptp(points, axis=0)))
        away = [np.linalg.norm(one["keypoints"][:, :2] - points, axis=1).mean() / size * 100 for one in ours]
        found.append(min(away, default=100.0))
    return found


def report(jobs: list[Job], answers: list[list[Person]], images: dict[str, np.ndarray], trimmed: bool) -> None:
    ours = Ours(trimmed)
    kinds: dict[tuple[str, int, str], list[tuple[float, str]]] = {}
    missed: dict[tuple[str, int, str], int] = {}
    for job, theirs in zip(jobs, answers, strict=True):
        mine = ours(job, images[job["name"]])
        key = ("x".join(map(str, job["input"])), job["stride"], "single" if job["people"] == 1 else f"{PEOPLE} people")
        sure = [person for person in theirs if person["score"] >= posenet.MIN_SCORE]
        kinds.setdefault(key, []).extend((away, job["name"]) for away in apart(mine, sure))
        missed[key] = missed.get(key, 0) + abs(len(mine) - len(theirs))
    print("input, stride, people: how many, mean distance in % of size: median, 90 %, worst (where); other counts")
    for key, found in kinds.items():
        away = [one for one, _ in found]
        worst, where = max(found)
        middle, most = np.percentile(away, [50, 90])
        print(*key, f"{len(found)}: {middle:.3f} {most:.3f} {worst:.3f} ({where}); {missed[key]}", sep="  ")


def golden(path: Path, jobs: list[Job], answers: list[list[Person]], data: str | None) -> None:
    """The file that tests/estimate compares with: pictures by their path below the test data, and made maps."""

    def rounded(people: list[Person], digits: int) -> list[Person]:
        return [
            {
                "score": round(one["score"], 6),
                "keypoints": [[round(x, digits), round(y, digits), round(s, 6)] for x, y, s in one["keypoints"]],
            }
            for one in people
        ]

    cases: dict[str, list[Job]] = {"pictures": [], "maps": []}
    for job, people in zip(jobs, answers, strict=True):
        kind = "maps" if "maps" in job else "pictures"
        kept = {name: value for name, value in job.items() if name not in ("maps", "image", "width", "height")}
        if kind == "pictures":
            kept["name"] = str(Path(kept["name"]).relative_to(data)) if data else kept["name"]
        cases[kind].append({**kept, "found": rounded(people, 3 if kind == "maps" else 2)})
    about = (
        "The published PoseNet detector (@tensorflow-models/pose-detection 2.1.3, TensorFlow.js 4.22.0, WebAssembly) "
        "on pictures of the test data (a clip's frame is CLIP#INDEX), and its decoder on maps of tests/made_maps.py: "
        "x, y in pixels, score. benchmarks/posenet_against_tfjs.py --golden wrote it."
    )
    lists = {kind: ",\n".join(json.dumps(case) for case in found) for kind, found in cases.items()}
    content = ",\n".join(f'"{kind}": [\n{found}\n]' for kind, found in lists.items())
    path.write_text(f'{{"about": {json.dumps(about)},\n{content}}}\n')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--modules", required=True)
    parser.add_argument("--model")
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--sizes", nargs="+", default=["385x385"])
    parser.add_argument("--strides", nargs="+", type=int, default=[16])
    parser.add_argument("--untrimmed", action="store_true", help="all of the border, as published")
    parser.add_argument("--golden", type=Path)
    parser.add_argument("--data")
    options = parser.parse_args()
    model = options.model or str(fetch(posenet.MODELS[0]))
    named = list(pictures(options.sources, options.every))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = picture_jobs(named, folder, options.sizes, options.strides)
        made = map_jobs(folder) if options.golden else []
        answers = published(jobs + made, folder, options.modules, model)
    report(jobs, answers[: len(jobs)], dict(named), not options.untrimmed)
    if options.golden:
        golden(options.golden, jobs + made, answers, options.data)


if __name__ == "__main__":
    main()
