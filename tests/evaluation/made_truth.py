"""Annotation files made up for tests: people who are grids of points."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from bodydouble.skeletons import COCO_17
from bodydouble.types import Frame, Pose

NAMES = list(COCO_17.points)


def grid(x: float, y: float, size: float = 100.0, count: int = 17) -> np.ndarray:
    """(K, 2) points of a made-up body with its top-left corner at x, y."""
    numbers = np.arange(count)
    return np.column_stack([x + size * (numbers % 4) / 4, y + size * (numbers // 4) / 4]).astype(float)


def annotation(number: int, picture: int, points: np.ndarray, visible=2, area: float = 10000.0, **more) -> dict:
    """An annotation of these points. visible: one number or one a point."""
    seen = np.broadcast_to(np.asarray(visible), len(points))
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    return {
        "id": number,
        "image_id": picture,
        "category_id": 1,
        "bbox": [*low.tolist(), *extent.tolist()],
        "area": area,
        "iscrowd": 0,
        "num_keypoints": int((seen > 0).sum()),
        "keypoints": np.column_stack([points, seen]).ravel().tolist(),
        **more,
    }


def document(annotations: list[dict], pictures: int = 2, size=(320, 240), names=NAMES, **more) -> dict:
    """An annotation file of pictures 1, 2, ... called 1.png, 2.png, ..."""
    images = [{"id": i, "file_name": f"{i}.png", "width": size[0], "height": size[1]} for i in range(1, pictures + 1)]
    category = {"id": 1, "name": "person", "keypoints": list(names), "skeleton": []}
    return {"images": images, "annotations": annotations, "categories": [category], **more}


def write(folder: Path, content: dict) -> Path:
    """The annotation file, and a grey picture for each of its images."""
    folder.mkdir(parents=True, exist_ok=True)
    for image in content["images"]:
        grey = np.full((image["height"], image["width"], 3), 90, np.uint8)
        cv2.imwrite(str(folder / image["file_name"]), grey)
    path = folder / "person_keypoints.json"
    path.write_text(json.dumps(content))
    return path


class Finder:
    """An estimator that answers with fixed poses, by the picture's number written in its first pixel's red."""

    model = "finder"
    skeleton = COCO_17
    provider = "cpu"

    def __init__(self, answers: dict[int, list[np.ndarray]] | None = None) -> None:
        self.answers = answers or {}
        self.calls = 0
        self.resets = 0
        self.fail_at: int | None = None

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self.fail_at:
            raise KeyboardInterrupt

    def __call__(self, frame: Frame) -> list[Pose]:
        self._count()
        found = self.answers.get(int(frame.image[0, 0, 0]), [])
        return [pose(points, 0.9 - 0.1 * number) for number, points in enumerate(found)]

    def reset(self) -> None:
        self.resets += 1


class Pointer(Finder):
    """The same, and in a box it finds a body whose top-left corner is the box's."""

    def estimate_in(self, frame: Frame, box: np.ndarray) -> Pose | None:
        self._count()
        return pose(grid(box[0], box[1]), 0.8)


def pose(points: np.ndarray, score: float, scores=1.0) -> Pose:
    """A COCO-17 pose."""
    return Pose("coco-17", points, np.broadcast_to(np.asarray(scores, dtype=float), len(points)), score, 0.0)


def number_pictures(folder: Path, content: dict) -> None:
    """Writes each picture's number into its pixels, for Finder."""
    for image in content["images"]:
        shape = (image["height"], image["width"], 3)
        cv2.imwrite(str(folder / image["file_name"]), np.full(shape, image["id"], np.uint8))
