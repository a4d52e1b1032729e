"""MoveNet here against the published detector in TensorFlow.js, on photographs and clips: mean distance of keypoints.

    python benchmarks/movenet_against_tfjs.py PICTURE_OR_CLIP... --modules NODE_MODULES [--frames 12] [--every 6]
        [--backend wasm|cpu] [--golden tests/estimate/movenet.json --data FOLDER]

NODE_MODULES holds @tensorflow/tfjs and @tensorflow/tfjs-backend-wasm 4.22.0, @tensorflow-models/pose-detection 2.1.3.
Both follow each clip by the published rules (a photograph is looked at three times, as a camera that stands still):
centred square, then the crop of the frame before. Distances are means over a person's 17 points in
percent of the person's size, the diagonal of the box around them; people are compared in the order of both. "way" is
where the crop is made (graph_input.Preparation). --golden writes what the tests compare with, of files below FOLDER.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bodydouble.estimate import graph, load, movenet_several
from bodydouble.estimate.movenet_published import MIN_PERSON, Published
from bodydouble.models import fetch
from bodydouble.sources import open_source

REFERENCE = Path(__file__).with_name("movenet_reference.mjs")
KINDS = {
    "movenet-lightning": "SinglePose.Lightning",
    "movenet-thunder": "SinglePose.Thunder",
    "movenet-multipose": "MultiPose.Lightning",
}
STILL = 3  # looks at a photograph
Stream = list[dict[str, Any]]


def streams(paths: list[str], folder: Path, every: int, most: int) -> list[Stream]:
    """Frames of each file as raw bytes in a folder, described as movenet_reference.mjs wants them."""
    found = []
    for number, path in enumerate(paths):
        stream: Stream = []
        with open_source(Path(path)) as source:
            for frame in source:
                if frame.index % every or len(stream) == most:
                    continue
                name = f"{number}-{frame.index}"
                (folder / name).write_bytes(np.ascontiguousarray(frame.image).tobytes())
                height, width = frame.image.shape[:2]
                stream.append(
                    {"image": name, "width": width, "height": height, "time": frame.time, "frame": frame.index}
                )
        found.append(stream * STILL if len(stream) == 1 else stream)
    return found


def published(kind: str, model: Path, frames: list[Stream], folder: Path, modules: str, backend: str) -> list[Stream]:
    """What the published detector answers to each frame of each stream."""
    (folder / "jobs.json").write_text(json.dumps({"model": str(model), "kind": kind, "streams": frames}))
    command = ["node", str(REFERENCE), modules, str(folder), backend]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(run.stderr)
    return [json.loads(line) for line in run.stdout.splitlines()]


def ours(model: str, frames: list[Stream], folder: Path) -> list[list[list[np.ndarray]]]:
    """Points (17, 3) of each person in each frame of each stream, by the published rules."""
    estimate = load(model, device="cpu", people=6)
    answers = []
    for stream in frames:
        follow = None if model == movenet_several.FINDER else Published(estimate._networks.points)
        answers.append([])
        for frame in stream:
            image = np.frombuffer((folder / frame["image"]).read_bytes(), np.uint8)
            image = image.reshape(frame["height"], frame["width"], 3)
            if follow is None:
                points, _, scores = estimate._look(image)
                answers[-1].append([points[row] for row in range(len(scores)) if scores[row] >= MIN_PERSON])
            else:
                found = follow(image)
                answers[-1].append([] if found is None else [found[0]])
    return answers


def distances(theirs: list[Stream], mine: list[list[list[np.ndarray]]]) -> tuple[list[list[float]], int]:
    """Of each stream the people's distances in shares of their size; frames with another number of people."""
    apart: list[list[float]] = []
    missed = 0
    for answers, own in zip(theirs, mine, strict=True):
        apart.append([])
        for answer, people in zip(answers, own, strict=True):
            if len(people) != len(answer["people"]):
                missed += 1
                continue
            for one, other in zip(people, answer["people"], strict=True):
                points = np.array(other["keypoints"])[:, :2]
                size = np.hypot(*np.ptp(points, axis=0))
                apart[-1].append(float(np.linalg.norm(one[:, :2] - points, axis=1).mean() / size))
    return apart, missed


def golden(paths: list[str], data: Path, frames: list[Stream], theirs: dict[str, list[Stream]]) -> dict[str, Any]:
    """What the tests compare with: of each file the frames' numbers, and each model's people and crops."""
    kept: dict[str, Any] = {}
    for number, path in enumerate(paths):
        entry: dict[str, Any] = {"frames": [frame["frame"] for frame in frames[number]]}
        for model, answers in theirs.items():
            entry[model] = [
                {
                    "people": [np.round(one["keypoints"], 3).tolist() for one in answer["people"]],
                    "scores": [round(one["score"], 4) for one in answer["people"]],
                    "region": None if answer["region"] is None else np.round(answer["region"], 3).tolist(),
                }
                for answer in answers[number]
            ]
        kept[str(Path(path).resolve().relative_to(data.resolve()))] = entry
    return kept


def main() -> None:
    """Prints a line a model, file and way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--modules", required=True)
    parser.add_argument("--models", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--ways", nargs="+", default=["resize"], choices=[way.value for way in graph.Preparation])
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--every", type=int, default=6)
    parser.add_argument("--backend", default="wasm", choices=["wasm", "cpu"])
    parser.add_argument("--golden", type=Path)
    parser.add_argument("--data", type=Path)
    asked = parser.parse_args()
    answers: dict[str, list[Stream]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frames = streams(asked.files, folder, asked.every, asked.frames)
        for model in asked.models:
            theirs = published(KINDS[model], fetch(model), frames, folder, asked.modules, asked.backend)
            answers[model] = theirs
            for way in asked.ways:
                movenet_several.PREPARATIONS["cpu"] = graph.Preparation(way)
                apart, missed = distances(theirs, ours(model, frames, folder))
                for path, values in zip(asked.files, apart, strict=True):
                    middle, worst = np.mean(values or [0]) * 100, max(values, default=0) * 100
                    print(
                        f"{model:18} {way:7} {Path(path).name:24} mean {middle:.3f} %, worst {worst:.2f} %", flush=True
                    )
                every_one = [value for values in apart for value in values]
                print(f"{model:18} {way:7} {'all':24} mean {np.mean(every_one) * 100:.3f} %, {missed} frames of others")
    if asked.golden:
        asked.golden.write_text(json.dumps(golden(asked.files, asked.data, frames, answers)) + "\n")


if __name__ == "__main__":
    main()
