"""MediaPipe's BlazePose as a peer, run by an interpreter that has mediapipe 0.10.21.

    python mediapipe_peer.py FRAMES.npy COMPLEXITY

Tracks as it is set up by default, smoothing included. The same lines of JSON as bench/worker.py: ms, cpu, people.
"""

import json
import sys
import time

import mediapipe  # type: ignore[import-not-found]
import numpy as np


def main() -> None:
    """Serve until standard input ends."""
    frames = np.load(sys.argv[1], mmap_mode="r")
    begun = time.perf_counter()
    pose = mediapipe.solutions.pose.Pose(model_complexity=int(sys.argv[2]))
    found = pose.process(np.array(frames[0])).pose_landmarks
    tell(device="cpu", runtime="MediaPipe", threads=0, seconds=time.perf_counter() - begun, people=int(bool(found)))
    for line in sys.stdin:
        image = np.array(frames[int(line) % len(frames)])
        begun, cpu = time.perf_counter(), time.process_time()
        found = pose.process(image).pose_landmarks
        ms, cpu = 1e3 * (time.perf_counter() - begun), 1e3 * (time.process_time() - cpu)
        tell(ms=ms, cpu=cpu, people=int(bool(found)))


def tell(**values: object) -> None:
    """One line of JSON."""
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
