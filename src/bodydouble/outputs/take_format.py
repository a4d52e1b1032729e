"""What a take file holds: its columns, its description, and the way from poses to rows and back.

One row a person and frame, in order of frames; a frame with nobody has one row whose `person` and all after it are
null, so that every frame's number and time are there. All numbers are float64, as poses are: reading back loses
nothing. Units are those of Pose; lists run over the skeleton's points in its order, x0 y0 x1 y1 ... where a point has
several numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from bodydouble.skeletons import SKELETONS, skeleton
from bodydouble.types import Array, BodyDoubleError, Pose, SourceInfo, State

# Raised when a column changes its meaning, or one is added that a reader must not miss.
SCHEMA_VERSION = 1
_KEY = b"bodydouble"
# Lists of numbers, and how many a point has; the second group may be null in a row with a person.
_NEEDED = {"points": 2, "scores": 1}
_OPTIONAL = {"depth": 1, "world": 3, "visibility": 1, "presence": 1}
LISTS = {**_NEEDED, **_OPTIONAL}


class TakeFrame(NamedTuple):
    """The people in one frame.

    frame: its index in the source. time: seconds from the source's first frame. poses: [] means nobody is there.
    """

    frame: int
    time: float
    poses: list[Pose]


def _version() -> str:
    return metadata.version("bodydouble")


@dataclass(frozen=True)
class TakeInfo:
    """Where a take comes from.

    source: what was tracked; path: its file, "" if none. skeleton: of every pose. model: its name. provider: what ran
    it. fov: the camera's, radians across the longer side, if one was given. settings: whatever else changes the poses.
    version: of bodydouble.
    """

    source: SourceInfo
    skeleton: str
    path: str = ""
    model: str = ""
    provider: str = ""
    fov: float | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    version: str = field(default_factory=_version)


def schema(info: TakeInfo, frames: int | None = None) -> pa.Schema:
    """The columns, with the description as metadata. frames: how many the take holds, if known."""
    skeleton(info.skeleton)
    described = asdict(info)
    described["source"]["rate"] = str(info.source.rate)
    described |= {"schema": SCHEMA_VERSION, "keypoints": SKELETONS[info.skeleton].points, "frames": frames}
    fields = [
        pa.field("frame", pa.int64(), nullable=False),
        pa.field("time", pa.float64(), nullable=False),
        pa.field("person", pa.int64()),
        pa.field("state", pa.string()),
        pa.field("score", pa.float64()),
        *(pa.field(name, pa.list_(pa.float64())) for name in LISTS),
    ]
    return pa.schema(fields, metadata={_KEY: json.dumps(described).encode()})


def described(columns: pa.Schema, name: str) -> tuple[TakeInfo, int | None]:
    """The description and number of frames in a file's metadata. name: of the file, for what goes wrong.

    Raises BodyDoubleError for a file that is no take, or a take of another schema.
    """
    raw = (columns.metadata or {}).get(_KEY)
    if raw is None:
        raise BodyDoubleError(f"{name} is no take; make one with: bodydouble track VIDEO -o {name}")
    try:
        values = json.loads(raw)
        found = values.pop("schema")
        if found != SCHEMA_VERSION:
            raise BodyDoubleError(
                f"{name} is a take of schema {found}, this bodydouble reads {SCHEMA_VERSION}; update it or track again"
            )
        points, frames = values.pop("keypoints"), values.pop("frames")
        source = values.pop("source")
        source["rate"], source["size"] = Fraction(source["rate"]), tuple(source["size"])
        info = TakeInfo(source=SourceInfo(**source), **values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BodyDoubleError(f"{name} has a damaged description ({error}); track again") from error
    if list(skeleton(info.skeleton).points) != points:
        raise BodyDoubleError(f'{name} has other points than "{info.skeleton}" has here; track again')
    missing = [column for column in schema(info).names if column not in columns.names]
    if missing:
        raise BodyDoubleError(f"{name} lacks the column {missing[0]}; track again")
    return info, frames


def rows(frames: Sequence[TakeFrame], columns: pa.Schema) -> pa.RecordBatch:
    """Frames as rows."""
    people: list[tuple[TakeFrame, Pose | None]] = []
    for frame in frames:
        people.extend((frame, pose) for pose in frame.poses)
        if not frame.poses:
            people.append((frame, None))
    poses = [pose for _, pose in people]
    arrays = [
        pa.array([frame.frame for frame, _ in people], pa.int64()),
        pa.array([frame.time for frame, _ in people], pa.float64()),
        pa.array([None if pose is None else pose.person for pose in poses], pa.int64()),
        pa.array([None if pose is None else pose.state.value for pose in poses], pa.string()),
        pa.array([None if pose is None else pose.score for pose in poses], pa.float64()),
        *(_lists([None if pose is None else getattr(pose, name) for pose in poses]) for name in LISTS),
    ]
    return pa.record_batch(arrays, schema=columns)


def _lists(arrays: Sequence[Array | None]) -> pa.Array:
    """One list a row from arrays of any shape, null for None."""
    flat = [np.empty(0) if array is None else array.ravel() for array in arrays]
    offsets = np.concatenate([[0], np.cumsum([len(values) for values in flat])])
    null = np.array([*(array is None for array in arrays), False])
    values = np.concatenate(flat) if flat else np.empty(0)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32(), mask=null), pa.array(values, pa.float64()))


def frames(batches: Iterator[pa.RecordBatch], info: TakeInfo) -> Iterator[TakeFrame]:
    """Rows as frames; a frame may run over from one batch into the next."""
    current: TakeFrame | None = None
    for batch in batches:
        columns = _columns(batch, len(skeleton(info.skeleton)))
        index, times, people, states, scores = (batch.column(name).to_pylist() for name in batch.schema.names[:5])
        for row in range(batch.num_rows):
            if current is None or current.frame != index[row]:
                if current is not None:
                    yield current
                current = TakeFrame(index[row], times[row], [])
            if people[row] is None:
                continue
            current.poses.append(
                Pose(
                    skeleton=info.skeleton,
                    score=scores[row],
                    time=times[row],
                    person=people[row],
                    state=State(states[row]),
                    **{name: column[row] for name, column in columns.items()},
                )
            )
    if current is not None:
        yield current


def _columns(batch: pa.RecordBatch, count: int) -> dict[str, list[Any]]:
    """For each list column one (K,) or (K, D) array a row, None where null."""
    found: dict[str, list[Any]] = {}
    for name, width in LISTS.items():
        column = batch.column(name)
        values, offsets = column.values.to_numpy(), column.offsets.to_numpy()
        shape = (count,) if width == 1 else (count, width)
        found[name] = [
            None if null else values[start:end].reshape(shape)
            for null, start, end in zip(column.is_null().to_pylist(), offsets[:-1], offsets[1:], strict=True)
        ]
    return found
