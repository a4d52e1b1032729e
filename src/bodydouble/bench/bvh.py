"""Motion capture files: BVH text -> joints by forward kinematics.

A file's own units and axes; seconds. Channel rotations in the listed order, each post-multiplied, OFFSETs at rest, as
the Wisconsin cs-838 page has it. Position channels take the place of a joint's OFFSET, as Blender reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bodydouble.types import Array, BodyDoubleError

AXES = "XYZ"
LEAST_FRAMES = 2


@dataclass(frozen=True, slots=True, eq=False)
class Bvh:
    """A motion: J joints, parents before children, at T times.

    name: the file's. times: (T,) seconds from 0. names: as in the file. parents: index of each joint's parent, -1 for
    the root. places: (T, J, 3). turns: (T, J, 3, 3), each joint's own axes as columns. ends: for a joint with an End
    Site where that is in the joint's own axes (3,).
    """

    name: str
    times: Array
    names: tuple[str, ...]
    parents: tuple[int, ...]
    places: Array
    turns: Array
    ends: dict[int, Array]

    def children(self, joint: int) -> list[int]:
        """The joints that hang on `joint`."""
        return [child for child, parent in enumerate(self.parents) if parent == joint]


@dataclass(slots=True)
class _Joint:
    """A joint while the hierarchy is read."""

    name: str
    parent: int
    offset: Array = field(default_factory=lambda: np.zeros(3))
    channels: tuple[str, ...] = ()
    end: Array | None = None


def read(path: Path) -> Bvh:
    """The motion of a BVH file. Raises BodyDoubleError for what is none: missing, torn, of other numbers."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BodyDoubleError(f"{path}: {error.strerror or error}; give a BVH file that can be read") from error
    head, found, motion = text.partition("MOTION")
    if not found or "HIERARCHY" not in head:
        raise BodyDoubleError(f"{path}: no HIERARCHY and MOTION in it; wanted a BVH file")
    try:
        joints = _hierarchy(head.partition("HIERARCHY")[2])
        step, values = _motion(motion, sum(len(joint.channels) for joint in joints))
    except IndexError as error:
        raise BodyDoubleError(
            f"{path}: its joints or its frames are torn; wanted a whole BVH file, export it again"
        ) from error
    except ValueError as error:
        raise BodyDoubleError(f"{path}: {error}; wanted a whole BVH file, export it again") from error
    places, turns = _posed(joints, values)
    return Bvh(
        path.name,
        np.arange(len(values), dtype=np.float64) * step,
        tuple(joint.name for joint in joints),
        tuple(joint.parent for joint in joints),
        places,
        turns,
        {row: joint.end for row, joint in enumerate(joints) if joint.end is not None},
    )


def _hierarchy(text: str) -> list[_Joint]:
    """The joints in the file's order. A name is the rest of its line: some have spaces."""
    joints: list[_Joint] = []
    open_blocks: list[tuple[int, bool]] = []  # joint, whether it is its End Site
    for line in text.replace("{", "\n{\n").replace("}", "\n}\n").splitlines():
        word, _, rest = line.strip().partition(" ") if " " in line.strip() else line.strip().partition("\t")
        if word in ("ROOT", "JOINT"):
            joints.append(_Joint(rest.strip(), open_blocks[-1][0] if open_blocks else -1))
            open_blocks.append((len(joints) - 1, False))
        elif word == "End":
            open_blocks.append((open_blocks[-1][0], True))
        elif word == "OFFSET":
            joint, end = open_blocks[-1]
            offset = np.array(rest.split(), dtype=np.float64)
            if offset.shape != (3,):
                raise ValueError(f"an OFFSET of {offset.size} numbers")
            if end:
                joints[joint].end = offset
            else:
                joints[joint].offset = offset
        elif word == "CHANNELS":
            joints[open_blocks[-1][0]].channels = _channels(rest.split())
        elif word == "}":
            open_blocks.pop()
        elif word not in ("", "{"):
            raise ValueError(f'unexpected "{word}" among the joints')
    if not joints or open_blocks:
        raise ValueError("its HIERARCHY has no end" if joints else "no joints")
    return joints


def _channels(words: list[str]) -> tuple[str, ...]:
    """The names of a joint's channels, after their number."""
    channels = tuple(words[1:])
    for channel in channels:
        if channel[:1].upper() not in AXES or channel[1:].lower() not in ("position", "rotation"):
            raise ValueError(f'unknown channel "{channel}"')
    if int(words[0]) != len(channels):
        raise ValueError(f"{words[0]} channels announced, {len(channels)} named")
    return channels


def _motion(text: str, columns: int) -> tuple[float, Array]:
    """Seconds between frames, and (T, columns) values."""
    words = text.replace(":", " ").split()
    if words[0] != "Frames" or words[2:4] != ["Frame", "Time"]:
        raise ValueError("its MOTION does not begin with Frames and Frame Time")
    count, step = int(words[1]), float(words[4])
    values = np.array(words[5:], dtype=np.float64)
    if values.size != count * columns:
        raise ValueError(f"{values.size} numbers for {count} frames of {columns} channels")
    if count < LEAST_FRAMES or not 0 < step < 1 or not np.isfinite(values).all():
        raise ValueError(f"{count} frames, one every {step:g} s, or numbers that are none")
    return step, values.reshape(count, columns)


def _posed(joints: list[_Joint], values: Array) -> tuple[Array, Array]:
    """(T, J, 3) places and (T, J, 3, 3) turns of all joints."""
    places = np.zeros((len(values), len(joints), 3))
    turns = np.zeros((len(values), len(joints), 3, 3))
    column = 0
    for row, joint in enumerate(joints):
        turn = np.tile(np.eye(3), (len(values), 1, 1))
        moved = np.tile(joint.offset, (len(values), 1))
        positions = [at for at, name in enumerate(joint.channels) if name.lower().endswith("position")]
        if positions and (joint.parent < 0 or np.abs(values[:, [column + at for at in positions]]).max() > 0):
            moved = np.zeros_like(moved)  # some files have position channels of zeros and mean the OFFSET
        for name in joint.channels:
            if name.lower().endswith("position"):
                moved[:, AXES.index(name[0].upper())] += values[:, column]
            else:
                turn = turn @ rotation(name[0].upper(), np.radians(values[:, column]))
            column += 1
        if joint.parent >= 0:
            moved = places[:, joint.parent] + (turns[:, joint.parent] @ moved[..., None])[..., 0]
            turn = turns[:, joint.parent] @ turn
        places[:, row], turns[:, row] = moved, turn
    return places, turns


def rotation(axis: str, angles: Array) -> Array:
    """(T, 3, 3) right-handed turns by (T,) radians about X, Y or Z."""
    c, s = np.cos(angles), np.sin(angles)
    i, j = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis]
    out = np.tile(np.eye(3), (len(angles), 1, 1))
    out[:, i, i], out[:, j, j], out[:, i, j], out[:, j, i] = c, c, -s, s
    return out
