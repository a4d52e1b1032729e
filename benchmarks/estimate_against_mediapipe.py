"""BlazePose here against MediaPipe 0.10.21 on the same frames in the same run: time, agreement, finding.

    python benchmarks/estimate_against_mediapipe.py CLIP_OR_IMAGES... --peer PYTHON [--models full] [--frames 60]

PYTHON is an interpreter with mediapipe 0.10.21 (its lite and heavy models must lie where it looks for them). Frames are
taken in turn by both, so that a busy machine slows both alike; times are medians in milliseconds, on the clock and of
CPU. Distances are ratios of the torso's length, means over points that MediaPipe calls visible (above 0.5), against its
landmarks without its smoothing.
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

    def __call__(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Milliseconds on the clock and of CPU time, and (33, 4) points, None if nobody is seen."""
        print(index, file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        points = None if answer["points"] is None else np.array(answer["points"])
        return np.array([answer["milliseconds"], answer["cpu"]]), points

    def close(self) -> None:
        """Ends the process."""
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
        start = np.array([time.perf_counter(), time.process_time()])
        found = estimate(Frame(image, index / 30, index))  # MediaPipe takes frames to be 1/30 s apart
        spent = (np.array([time.perf_counter(), time.process_time()]) - start) * 1e3
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
    clock, cpu = np.array(ours).T
    peer_clock, peer_cpu = np.array(theirs).T
    return {
        "ours": np.median(clock),
        "ours_p95": np.percentile(clock, 95),
        "theirs": np.median(peer_clock),
        "ratio": np.median(clock / peer_clock),
        "cpu": np.median(cpu),
        "peer_cpu": np.median(peer_cpu),
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
    columns = ("ours", "p95", "peer", "ratio", "cpu", "peer cpu", "apart", "median", "max", "missed")
    print(f"{'clip':20} {'model':6} {'mode':8}" + "".join(f"{column:>9}" for column in columns))
    for source in options.sources:
        frames = read(source, options.frames)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "frames.npy"
            np.save(path, frames)
            for model in options.models:
                for mode in options.modes:
                    got = compare(frames, path, model, mode, options.peer, options.device)
                    apart = got["apart"] if len(got["apart"]) else np.array([np.nan])
                    times = [got[name] for name in ("ours", "ours_p95", "theirs", "ratio", "cpu", "peer_cpu")]
                    distances = [apart.mean(), np.median(apart), apart.max()]
                    print(
                        f"{Path(source).name[:20]:20} {model:6} {mode:8}"
                        + "".join(f"{value:9.2f}" for value in times)
                        + "".join(f"{value:9.4f}" for value in distances)
                        + f"{got['missed']:9}"
                    )


if __name__ == "__main__":
    main()
