"""Motion files made for tests: BVH text of a seeded person who walks, kicks, waves or squats, under several names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bodydouble.types import Array

FPS = 60.0

# Joint, its parent, OFFSET in metres of a plain adult (+Y up, +Z forward, left is +X).
BONES = (
    ("hips", "", (0.0, 0.95, 0.0)),
    ("spine", "hips", (0.0, 0.12, 0.0)),
    ("chest", "spine", (0.0, 0.2, 0.0)),
    ("neck", "chest", (0.0, 0.2, 0.0)),
    ("head", "neck", (0.0, 0.09, 0.02)),
    *(
        (f"{side}_{name}", parent if parent in ("hips", "chest") else f"{side}_{parent}", (sign * x, y, z))
        for side, sign in (("left", 1), ("right", -1))
        for name, parent, (x, y, z) in (
            ("collar", "chest", (0.04, 0.16, 0.0)),
            ("shoulder", "collar", (0.14, 0.0, 0.0)),
            ("elbow", "shoulder", (0.28, 0.0, 0.0)),
            ("wrist", "elbow", (0.26, 0.0, 0.0)),
            ("hip", "hips", (0.09, -0.03, 0.0)),
            ("knee", "hip", (0.0, -0.42, 0.0)),
            ("ankle", "knee", (0.0, -0.41, 0.0)),
            ("toe", "ankle", (0.0, -0.06, 0.14)),
        )
    ),
)
LIMB = {"collar": "Collar", "shoulder": "Shoulder", "elbow": "Elbow", "wrist": "Wrist"}
LIMB |= {"hip": "Hip", "knee": "Knee", "ankle": "Ankle", "toe": "Toe"}
MIXAMO = {"collar": "Shoulder", "shoulder": "Arm", "elbow": "ForeArm", "wrist": "Hand"}
MIXAMO |= {"hip": "UpLeg", "knee": "Leg", "ankle": "Foot", "toe": "ToeBase"}
UNREAL = {"collar": "clavicle", "shoulder": "upperarm", "elbow": "lowerarm", "wrist": "hand"}
UNREAL |= {"hip": "thigh", "knee": "calf", "ankle": "foot", "toe": "ball"}
BIPED = {"collar": "Clavicle", "shoulder": "UpperArm", "elbow": "Forearm", "wrist": "Hand"}
BIPED |= {"hip": "Thigh", "knee": "Calf", "ankle": "Foot", "toe": "Toe0"}
CMU = {"collar": "clavicle", "shoulder": "humerus", "elbow": "radius", "wrist": "wrist"}
CMU |= {"hip": "femur", "knee": "tibia", "ankle": "foot", "toe": "toes"}
SMPL = {"collar": "Collar", "shoulder": "Shoulder", "elbow": "Elbow", "wrist": "Wrist"}
SMPL |= {"hip": "Hip", "knee": "Knee", "ankle": "Ankle", "toe": "Foot"}
STYLES: dict[str, Callable[[str, str], str]] = {
    "biovision": lambda side, part: side.title() + LIMB[part],
    "mixamo": lambda side, part: f"mixamorig:{side.title()}{MIXAMO[part]}",
    "unreal": lambda side, part: f"{UNREAL[part]}_{side[0]}",
    "biped": lambda side, part: f"Bip01 {side[0].upper()} {BIPED[part]}",
    "cmu": lambda side, part: side[0] + CMU[part],
    "smpl": lambda side, part: f"{side[0].upper()}_{SMPL[part]}",
}


def named(joint: str, style: str) -> str:
    """A joint's name as one program writes it."""
    side, _, part = joint.partition("_")
    return STYLES[style](side, part) if part else joint.title()


@dataclass
class Made:
    """Degrees of each joint over time, (T, 3) about Z, X and Y, and where the hips are, (T, 3) metres."""

    seconds: float
    turns: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.times = np.arange(round(self.seconds * FPS)) / FPS
        self.hips = np.tile([0.0, 0.95, 0.0], (len(self.times), 1))
        for side, down in (("left", -75.0), ("right", 75.0)):
            self.turn(f"{side}_shoulder", z=down)

    def turn(self, joint: str, z: Array | float = 0.0, x: Array | float = 0.0, y: Array | float = 0.0) -> None:
        """Set a joint's angles."""
        columns = [np.broadcast_to(np.asarray(value, dtype=np.float64), self.times.shape) for value in (z, x, y)]
        self.turns[joint] = np.stack(columns, axis=1)


def walk(seed: int = 0, seconds: float = 5.0) -> Made:
    """Walks on the spot, or nearly: arms and legs swing."""
    rng = np.random.default_rng(seed)
    made = Made(seconds)
    phase = 2 * np.pi * rng.uniform(0.8, 1.1) * made.times + rng.uniform(0, 6)
    for side, sign, down in (("left", 1, -75), ("right", -1, 75)):
        swing = sign * np.sin(phase)
        made.turn(f"{side}_hip", x=-28 * swing)
        made.turn(f"{side}_knee", x=30 + 28 * np.sin(sign * np.pi / 2 + phase + np.pi))
        made.turn(f"{side}_shoulder", z=down, x=25 * swing)
        made.turn(f"{side}_elbow", y=-sign * 25)
    made.hips[:, 1] += 0.02 * np.cos(2 * phase)
    return made


def kick(seed: int = 0, seconds: float = 5.0) -> Made:
    """Kicks forward, one leg after the other, a fifth of a second up."""
    rng = np.random.default_rng(seed)
    made = Made(seconds)
    for side, start in (("left", 0.0), ("right", 1.0)):
        since = (made.times - start - rng.uniform(0.6, 0.9)) % 2.0
        up = np.exp(-(((since - 0.3) / 0.11) ** 2))
        made.turn(f"{side}_hip", x=-95 * up)
        made.turn(f"{side}_knee", x=90 * np.exp(-(((since - 0.15) / 0.1) ** 2)))
    return made


def wave(seed: int = 0, seconds: float = 5.0) -> Made:
    """Waves one hand fast, high up."""
    rng = np.random.default_rng(seed)
    made = Made(seconds)
    made.turn("right_shoulder", z=-20 + 8 * np.sin(2 * np.pi * 0.4 * made.times))
    made.turn("right_elbow", z=-60 + 35 * np.sin(2 * np.pi * rng.uniform(2, 3) * made.times))
    return made


def squat(seed: int = 0, seconds: float = 6.0) -> Made:
    """Goes down and up."""
    rng = np.random.default_rng(seed)
    made = Made(seconds)
    down = (1 - np.cos(2 * np.pi * made.times / rng.uniform(1.8, 2.6))) / 2
    for side in ("left", "right"):
        made.turn(f"{side}_hip", x=-80 * down)
        made.turn(f"{side}_knee", x=110 * down)
        made.turn(f"{side}_ankle", x=-30 * down)
    made.turn("spine", x=25 * down)
    made.hips[:, 1] -= 0.4 * down
    return made


MOTIONS = {"walk": walk, "kick": kick, "wave": wave, "squat": squat}


def written(
    path: Path, made: Made, *, style: str = "mixamo", unit: float = 0.01, size: float = 1.0, drop: tuple[str, ...] = ()
) -> Path:
    """The motion as a BVH file. unit: metres a file unit; size: of the person; drop: parts left out (toe, wrist)."""
    bones = [bone for bone in BONES if bone[0].rpartition("_")[2] not in drop]
    lines, order = ["HIERARCHY"], []

    def emit(name: str, indent: str) -> None:
        parent, offset = next((parent, offset) for joint, parent, offset in bones if joint == name)
        lines.append(f"{indent}{'JOINT' if parent else 'ROOT'} {named(name, style)}")
        numbers = " ".join(f"{value * size / unit:.5f}" for value in offset)
        channels = "3" if parent else "6 Xposition Yposition Zposition"
        lines.extend((f"{indent}{{", f"{indent}  OFFSET {numbers}"))
        lines.append(f"{indent}  CHANNELS {channels} Zrotation Xrotation Yrotation")
        order.append(name)
        below = [joint for joint, parent, _ in bones if parent == name]
        for joint in below:
            emit(joint, indent + "  ")
        if not below:
            gone = next((o for joint, parent, o in BONES if parent == name), (0.0, 0.0, 0.08))
            numbers = " ".join(f"{value * size / unit:.5f}" for value in gone)
            lines.extend((f"{indent}  End Site", f"{indent}  {{", f"{indent}    OFFSET {numbers}", f"{indent}  }}"))
        lines.append(f"{indent}}}")

    emit("hips", "")
    lines += ["MOTION", f"Frames: {len(made.times)}", f"Frame Time: {1 / FPS:.7f}"]
    rest = np.zeros((len(made.times), 3))
    columns = [made.hips * size / unit, *(made.turns.get(name, rest) for name in order)]
    lines += [" ".join(f"{value:.5f}" for value in row) for row in np.concatenate(columns, axis=1)]
    path.write_text("\n".join(lines) + "\n")
    return path
