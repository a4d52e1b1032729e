"""MediaPipe's legacy Pose as COCO results, to be judged beside our models; for an interpreter with mediapipe 0.10.21.

    python evaluate_mediapipe.py person_keypoints.json PICTURES --complexity 1 --crop gt -o mediapipe-full.json
    bodydouble eval --gt person_keypoints.json --images PICTURES --crop gt --model blazepose-full \\
        --results mediapipe-full.json

--crop gt gives it the annotated box with a margin as a picture of its own; detect the whole picture, where it finds one
person. Each picture on its own. Needs nothing of bodydouble.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import mediapipe
import numpy as np

MARGIN = 0.25  # of the box's sides, on each side: its detector wants some room
# COCO's 17 points among MediaPipe's 33.
COCO = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("gt", type=Path)
    options.add_argument("images", type=Path)
    options.add_argument("--complexity", type=int, default=1, choices=(0, 1, 2))
    options.add_argument("--crop", choices=("gt", "detect"), default="detect")
    options.add_argument("-o", "--out", type=Path, required=True)
    given = options.parse_args()
    truth = json.loads(given.gt.read_text())
    people = [one for one in truth["annotations"] if not one.get("iscrowd") and one.get("num_keypoints")]
    pose = mediapipe.solutions.pose.Pose(static_image_mode=True, model_complexity=given.complexity)
    results, seconds = [], []
    for picture in truth["images"]:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        image = cv2.cvtColor(cv2.imread(str(given.images / picture["file_name"]), flags), cv2.COLOR_BGR2RGB)
        height, width = image.shape[:2]
        boxes = [(None, (0, 0, width, height))]
        if given.crop == "gt":
            boxes = [
                (one["id"], around(one["bbox"], width, height)) for one in people if one["image_id"] == picture["id"]
            ]
        for person, (left, top, right, bottom) in boxes:
            begun = time.perf_counter()
            found = pose.process(np.ascontiguousarray(image[top:bottom, left:right])).pose_landmarks
            seconds.append(time.perf_counter() - begun)
            if found is None:
                continue
            points = np.array([(p.x, p.y, p.visibility) for p in found.landmark])[list(COCO)]
            points[:, :2] = points[:, :2] * (right - left, bottom - top) + (left, top)
            entry = {
                "image_id": picture["id"],
                "category_id": truth["categories"][0]["id"],
                "keypoints": points.round(3).ravel().tolist(),
                "score": round(float(points[:, 2].mean()), 5),
            }
            results.append(entry if person is None else {**entry, "annotation_id": person})
    given.out.write_text(json.dumps(results))
    print(f"{given.out.name}: {len(results)} people, {1000 * float(np.median(seconds)):.1f} ms each (median)")


def around(box: list[float], width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a box with its margin, inside the picture."""
    x, y, wide, high = box
    left, top = max(0, int(x - MARGIN * wide)), max(0, int(y - MARGIN * high))
    return left, top, min(width, int(x + (1 + MARGIN) * wide) + 1), min(height, int(y + (1 + MARGIN) * high) + 1)


if __name__ == "__main__":
    main()
