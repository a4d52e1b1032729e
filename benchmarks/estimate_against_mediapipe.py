"""BlazePose here against MediaPipe 0.10.21 on the same frames in the same run: time, agreement, finding.

    python benchmarks/estimate_against_mediapipe.py CLIP_OR_IMAGES... --peer PYTHON [--models full] [--frames 60]

PYTHON is an interpreter with mediapipe 0.10.21 (its lite and heavy models must lie where it looks for them). Frames are
taken in turn by both, so that a busy machine slows both alike. Distances are ratios of the torso's length, means over
points that MediaPipe calls visible (above 0.5), against its landmarks without its smoothing.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from bodydouble.estimate import load
from bodydouble.skeletons import BLAZEPOSE_33
from bodydouble.sources import open_source
from bodydouble.types import Frame

COMPLEXITY = {"lite": "0", "full": "1", "heavy": "2"}
PEER = Path(__file__).with_name("mediapipe_peer.py")
WARM_UP = 5  # frames


class Peer:
    """The peer's process and its answers."""

    def __init__(self, python: str, frames: Path, model: str, mode: str) -> None:
        command = [python, str(PEER), str(frames), COMPLEXITY[model], mode]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def __call__(self, index: int) -> tuple[float, np.ndarray | None]:
        """Milliseconds and (33, 4) points, None if nobody is seen."""
        print(index, file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        return answer["milliseconds"], None if answer["points"] is None else np.array(answer["points"])

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def torso(points: np.ndarray) -> float:
    at = BLAZEPOSE_33.index
    shoulders = points[[at["left_shoulder"], at["right_shoulder"]], :2].mean(axis=0)
    hips = points[[at["left_hip"], at["right_hip"]], :2].mean(axis=0)
    return float(np.linalg.norm(shoulders - hips))


def compare(frames: np.ndarray, path: Path, model: str, mode: str, peer_python: str, device: str) -> dict:
    """Both on all frames in turn; times of the frames after the first few."""
    estimate = load(f"blazepose-{model}", device=device)
    peer = Peer(peer_python, path, model, mode)
    ours, theirs, apart, missed = [], [], [], 0
    for index, image in enumerate(frames):
        if mode == "static":
            estimate.reset()
        start = time.perf_counter()
        found = estimate(Frame(image, index / 30, index))  # MediaPipe takes frames to be 1/30 s apart
        spent = (time.perf_counter() - start) * 1e3
        peer_spent, points = peer(index)
        if index >= WARM_UP or len(frames) <= WARM_UP:
            ours.append(spent)
            theirs.append(peer_spent)
        if points is None:
            continue
        if not found:
            missed += 1
            continue
        visible = points[:, 3] > 0.5
        distance = np.linalg.norm(found[0].points - points[:, :2], axis=1)[visible].mean()
        apart.append(distance / torso(points))
    peer.close()
    return {
        "ours": np.median(ours),
        "ours_p95": np.percentile(ours, 95),
        "theirs": np.median(theirs),
        "ratio": np.median(np.array(ours) / np.array(theirs)),
        "apart": np.array(apart),
        "missed": missed,
        "provider": estimate.provider,
    }


def read(path: str, most: int) -> np.ndarray:
    with open_source(path) as source:
        images = []
        for frame in source:
            images.append(frame.image)
            if len(images) == most:
                break
    return np.stack(images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--peer", required=True)
    parser.add_argument("--models", nargs="+", default=["full"], choices=list(COMPLEXITY))
    parser.add_argument("--modes", nargs="+", default=["static", "tracked"], choices=["static", "tracked"])
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    print(platform.platform(), platform.processor())
    print("clip                 model  mode     ours p50   p95  peer p50  ratio | apart mean  median     max  missed")
    for source in options.sources:
        frames = read(source, options.frames)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "frames.npy"
            np.save(path, frames)
            for model in options.models:
                for mode in options.modes:
                    got = compare(frames, path, model, mode, options.peer, options.device)
                    apart = got["apart"] if len(got["apart"]) else np.array([np.nan])
                    print(
                        f"{Path(source).name[:20]:20} {model:6} {mode:8} {got['ours']:8.2f} {got['ours_p95']:5.1f}"
                        f" {got['theirs']:9.2f} {got['ratio']:6.2f} | {apart.mean():10.4f} {np.median(apart):7.4f}"
                        f" {apart.max():7.4f} {got['missed']:7}"
                    )


if __name__ == "__main__":
    main()
