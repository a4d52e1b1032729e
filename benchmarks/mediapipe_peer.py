"""MediaPipe's BlazePose as a peer to measure against, run by an interpreter that has mediapipe 0.10.21.

Arguments: a .npy file of frames (N, H, W, 3) uint8 RGB, the model complexity 0..2, "static" or "tracked".
Reads frame numbers from standard input; answers each with one line of JSON: milliseconds, cpu (milliseconds too),
points (33, 4) x, y, z in pixels and visibility, or null if it sees nobody. Used by estimate_against_mediapipe.py.
"""

from __future__ import annotations

import json
import sys
import time

import mediapipe
import numpy as np


def main() -> None:
    frames = np.load(sys.argv[1], mmap_mode="r")
    height, width = frames.shape[1:3]
    pose = mediapipe.solutions.pose.Pose(
        static_image_mode=sys.argv[3] == "static", model_complexity=int(sys.argv[2]), smooth_landmarks=False
    )
    for line in sys.stdin:
        image = np.array(frames[int(line)])
        start, start_cpu = time.perf_counter(), time.process_time()
        found = pose.process(image).pose_landmarks
        spent, cpu = (time.perf_counter() - start) * 1e3, (time.process_time() - start_cpu) * 1e3
        points = found and [(p.x * width, p.y * height, p.z * width, p.visibility) for p in found.landmark]
        print(json.dumps({"milliseconds": spent, "cpu": cpu, "points": points}), flush=True)


if __name__ == "__main__":
    main()
