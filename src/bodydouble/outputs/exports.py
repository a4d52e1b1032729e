"""Keypoints in other people's formats: CSV, OpenPose JSON, COCO results JSON; and takes, by the output's suffix.

.parquet: a take (take.py). .csv: one row a person and frame. .json: COCO keypoint results. A name without a suffix: a
folder of OpenPose JSON files, one a frame. Image points are pixels of the upright source frame, as in Pose. Takes lose
nothing, the others round their numbers. Everything is written beside its name and renamed when complete.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

import numpy as np

from bodydouble.outputs.files import Pending, check_output, is_folder_name, write_error
from bodydouble.outputs.take import TakeWriter
from bodydouble.outputs.take_format import TakeFrame, TakeInfo
from bodydouble.skeletons import BODY_25, COCO_17, Skeleton, select, skeleton
from bodydouble.types import Array, BodyDoubleError, Pose

SUFFIXES = (".parquet", ".csv", ".json")
# Decimals: a hundredth of a pixel and of a millimetre are finer than any model.
_PIXEL_DECIMALS, _METRE_DECIMALS, _SCORE_DECIMALS = 2, 5, 4


class Recorder(Protocol):
    """Takes frames of people in order; complete when closed, nothing (or a take's journal) after an exception."""

    def write(self, frame: int, time: float, poses: list[Pose]) -> None:
        """Add one frame. frame: its index in the source. time: seconds. poses: [] for nobody."""
        ...

    def close(self) -> None:
        """Complete the output."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def check_recording(path: str | Path, *, force: bool = False) -> None:
    """Find out, before any work, whether this output can be made. Raises BodyDoubleError, one line."""
    path = Path(path)
    if not is_folder_name(path) and path.suffix.lower() not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise BodyDoubleError(
            f'no keypoint output "{path.suffix}"; choose from {known}, or a name without a suffix for OpenPose JSON'
        )
    check_output(path, force)


def open_recorder(path: str | Path, info: TakeInfo, *, force: bool = False, resume: bool = False) -> Recorder:
    """The recorder for an output, chosen by its suffix. resume: of a take only, see TakeWriter.

    Raises BodyDoubleError, one line, for a suffix that is not known or an output that cannot be written.
    """
    path = Path(path)
    check_recording(path, force=force)
    if is_folder_name(path):
        return OpenPoseFolder(path, info, force=force)
    if path.suffix.lower() == ".parquet":
        return TakeWriter(path, info, force=force, resume=resume)
    return (Csv if path.suffix.lower() == ".csv" else CocoResults)(path, info, force=force)


def export(frames: Iterable[TakeFrame], path: str | Path, info: TakeInfo, *, force: bool = False) -> None:
    """Write a take's frames, or any others, to `path`."""
    with open_recorder(path, info, force=force) as recorder:
        for frame in frames:
            recorder.write(*frame)


class _Whole:
    """What the exports share: an output that is complete when closed and nothing after an exception."""

    def __init__(self, path: Path, info: TakeInfo, *, force: bool = False) -> None:
        self._skeleton = skeleton(info.skeleton)
        self._pending = Pending(path, force=force)
        self._closed = False

    def write(self, frame: int, time: float, poses: list[Pose]) -> None:
        """Add one frame."""
        if self._closed:
            raise BodyDoubleError(f"{self._pending.path.name} is closed; open it again to write it")
        for pose in poses:
            if pose.skeleton != self._skeleton.name:
                raise BodyDoubleError(
                    f'a pose with skeleton "{pose.skeleton}", not "{self._skeleton.name}"; keep one model'
                )
        try:
            self._add(frame, time, poses)
        except OSError as error:
            raise write_error(self._pending.path, error) from error

    def close(self) -> None:
        """Complete the output. Closing twice is allowed."""
        if self._closed:
            return
        self._closed = True
        try:
            self._finish()
        except OSError as error:
            self._pending.discard()
            raise write_error(self._pending.path, error) from error
        self._pending.commit()

    def _add(self, frame: int, time: float, poses: list[Pose]) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        """Whatever is left to write."""

    def _stop(self) -> None:
        """Let go of what is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        elif not self._closed:
            self._closed = True
            self._stop()
            self._pending.discard()


class _OneFile(_Whole):
    """An export that is one text file."""

    def __init__(self, path: Path, info: TakeInfo, *, force: bool = False) -> None:
        super().__init__(path, info, force=force)
        try:
            self._file: TextIO = self._pending.temporary.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise write_error(path, error) from error

    def _finish(self) -> None:
        self._file.close()

    def _stop(self) -> None:
        try:
            self._file.close()
        except OSError:  # the disk is full; the file goes anyway
            return


class Csv(_OneFile):
    """A table: frame, time, person, state, score, then x, y, score and, where the model has them, depth and world of
    every point by name. A frame with nobody has no row.
    """

    def __init__(self, path: Path, info: TakeInfo, *, force: bool = False) -> None:
        super().__init__(path, info, force=force)
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._parts: list[str] | None = None

    def _add(self, frame: int, time: float, poses: list[Pose]) -> None:
        for pose in poses:
            if self._parts is None:
                self._begin(pose)
            numbers = np.concatenate([_column(pose, part) for part in self._parts or []], axis=1)
            known = [frame, f"{time:.6f}", pose.person, pose.state.value, round(pose.score, _SCORE_DECIMALS)]
            self._rows.writerow([*known, *("" if np.isnan(v) else v for v in numbers.ravel().tolist())])

    def _begin(self, pose: Pose | None) -> None:
        """The header; the first pose tells what the model gives."""
        self._parts = ["points", "scores"]
        self._parts += [name for name in ("depth", "world") if pose is not None and getattr(pose, name) is not None]
        names = [name for part in self._parts for name in _CSV_NAMES[part]]
        self._rows.writerow(
            ["frame", "time", "person", "state", "score"]
            + [f"{point}_{name}" for point in self._skeleton.points for name in names]
        )

    def _finish(self) -> None:
        if self._parts is None:
            self._begin(None)
        super()._finish()


_CSV_NAMES = {
    "points": ("x", "y"),
    "scores": ("score",),
    "depth": ("depth",),
    "world": ("world_x", "world_y", "world_z"),
}
_CSV_DECIMALS = {
    "points": _PIXEL_DECIMALS,
    "scores": _SCORE_DECIMALS,
    "depth": _PIXEL_DECIMALS,
    "world": _METRE_DECIMALS,
}


def _column(pose: Pose, part: str) -> Array:
    """(K, D) rounded numbers of a pose, NaN where it lacks them."""
    value = getattr(pose, part)
    if value is None:
        return np.full((len(pose.points), len(_CSV_NAMES[part])), np.nan)
    return np.asarray(np.round(value.reshape(len(pose.points), -1), _CSV_DECIMALS[part]), dtype=np.float64)


class CocoResults(_OneFile):
    """COCO keypoint results: a list of {image_id, category_id, keypoints, score}, one a person and frame.

    image_id is the frame's index. keypoints: x, y, v of the 17 points; v is 1, a missing point is 0, 0, 0.
    Source: cocodataset.org, format-results.
    """

    _CATEGORY = 1  # person

    def __init__(self, path: Path, info: TakeInfo, *, force: bool = False) -> None:
        super().__init__(path, info, force=force)
        self._empty = True

    def _add(self, frame: int, time: float, poses: list[Pose]) -> None:
        for pose in poses:
            points = _flat(self._skeleton, COCO_17, pose)
            points[:, 2] = points[:, 2] > 0
            result = {
                "image_id": frame,
                "category_id": self._CATEGORY,
                "keypoints": points.ravel().tolist(),
                "score": round(pose.score, _SCORE_DECIMALS),
            }
            self._file.write(("[\n" if self._empty else ",\n") + json.dumps(result))
            self._empty = False

    def _finish(self) -> None:
        self._file.write("[]\n" if self._empty else "\n]\n")
        super()._finish()


class OpenPoseFolder(_Whole):
    """A folder of OpenPose's JSON files, BODY_25, one a frame, those with nobody included.

    NAME_000000000000_keypoints.json, NAME being the source's and the number the frame's index. Points are pixels
    (keypoint_scale 0); what the model lacks, the small toes of BlazePose, is 0, 0, 0. person_id is -1 when untracked.
    Source: openpose doc/02_output.md and peopleJsonSaver.
    """

    _VERSION = 1.1
    _EMPTY = (
        *("face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d"),
        *("pose_keypoints_3d", "face_keypoints_3d", "hand_left_keypoints_3d", "hand_right_keypoints_3d"),
    )

    def __init__(self, path: Path, info: TakeInfo, *, force: bool = False) -> None:
        super().__init__(path, info, force=force)
        self._name = Path(info.source.name).stem or "frame"

    def _add(self, frame: int, time: float, poses: list[Pose]) -> None:
        people = [self._person(pose) for pose in poses]
        target = self._pending.temporary / f"{self._name}_{frame:012d}_keypoints.json"
        target.write_text(json.dumps({"version": self._VERSION, "people": people}), encoding="utf-8")

    def _person(self, pose: Pose) -> dict[str, Any]:
        points = _flat(self._skeleton, BODY_25, pose).ravel().tolist()
        return {"person_id": [pose.person], "pose_keypoints_2d": points, **{name: [] for name in self._EMPTY}}


def _flat(source: Skeleton, target: Skeleton, pose: Pose) -> Array:
    """(K, 3) x, y, score of a pose in another layout, rounded; missing points are all 0."""
    points, scores = select(source, target.points, pose.points, pose.scores)
    scores = np.round(scores, _SCORE_DECIMALS)
    return np.column_stack([np.where(scores[:, None] > 0, np.round(points, _PIXEL_DECIMALS), 0.0), scores])
