"""Moves the points of a puppet with its bones.

Character pixels, y down; points as complex numbers x + iy, so that a turn by an angle a is a product with exp(ia).

A bone first stretches what belongs to it along its own axis, in the rest pose, then moves it as a rigid body. Between
bones the stretched points are averaged and the rigid motions are blended as unit dual complex numbers (Matsuda, Kaji
and Ochiai 2014, "Anti-commutative dual complex numbers and 2D rigid transformation"): a blend of turns about one point
is a turn about that point, so a bent elbow keeps its thickness where averaged matrices collapse. Half angles are taken
of unwrapped angles, so a blend never goes the long way round. Closed form a point; a vertex shader can do the same:

    a_i = exp(i angle_i / 2)                     b_i = (head_i - a_i^2 rest_i) conj(a_i)
    v   = sum w_i (rest_i + S_i(p - h_i))        S_i(d) = d + (length_i - 1) (d . u_i) u_i
    A   = sum w_i a_i,  B = sum w_i b_i          p' = (A^2 v + A B) / |A|^2

with h_i the bone's head at rest, u_i its unit direction at rest, rest_i its head in the rest pose with all bones at
their drawn lengths, head_i where it is now.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodydouble.characters.puppet import ALWAYS, HALF_SHUT, LEAST_LID, LID, OPEN, Part, Puppet
from bodydouble.types import Array, BodyDoubleError, Rig, RigPose

Complex = npt.NDArray[np.complex128]

# Shares of the character's height that a limb has to be behind the hips to be drawn behind the body, and to come back.
# Depth is the least certain thing a pose model says: arms that hang at rest waver within 0.04.
GOES_BEHIND = -0.09
COMES_BACK = -0.04
LEAST_NORM = 1e-9


@dataclass(frozen=True, slots=True)
class DrawOrder:
    """parts: indices of the parts that are drawn, hindmost first. behind: of all parts, which are behind the body."""

    parts: tuple[int, ...]
    behind: tuple[bool, ...]


def deform(puppet: Puppet, pose: RigPose) -> tuple[Array, ...]:
    """The points of every part, (V, 2) character pixels, with the puppet's bones as `pose` says.

    Raises BodyDoubleError if the pose was made for a rig with another number of bones.
    """
    rig = puppet.rig
    if len(pose.heads) != len(rig.names):
        raise BodyDoubleError(
            f"the pose has {len(pose.heads)} bones, {puppet.name} has {len(rig.names)}; make it with this puppet's rig"
        )
    heads, units = _complex(rig.heads), _directions(rig)
    lengthened = pose.lengths - 1.0
    rest = stretched_heads(rig, pose.lengths)
    turns = np.exp(0.5j * pose.angles)
    moves = (_complex(pose.heads) - turns * turns * rest) * turns.conj()

    skin = puppet.skin
    at, weights = skin.columns, skin.weights
    at_rest = skin.points if skin.drop is None else skin.points - 1j * (1.0 - pose.blink) * skin.drop
    away = at_rest[:, None] - heads[at]
    unit = units[at]
    along = (away.real * unit.real + away.imag * unit.imag) * lengthened[at]
    stretched = (weights * (rest[at] + away + along * unit)).sum(axis=1)
    turn = (weights * turns[at]).sum(axis=1)
    move = (weights * moves[at]).sum(axis=1)
    norm = np.maximum(turn.real**2 + turn.imag**2, LEAST_NORM)
    moved = turn * (turn * stretched + move) / norm
    points = np.stack([moved.real, moved.imag], axis=1)
    return tuple(np.split(points, skin.ends[:-1]))


def stretched_heads(rig: Rig, lengths: Array) -> Complex:
    """(B,) heads in the rest pose with every bone at its drawn length: each bone carries its children along."""
    heads, units = _complex(rig.heads), _directions(rig)
    rest = heads.copy()
    for bone, parent in enumerate(rig.parents):
        if parent < 0:
            continue
        away = heads[bone] - heads[parent]
        along = (away * units[parent].conjugate()).real * (lengths[parent] - 1.0)
        rest[bone] = rest[parent] + away + along * units[parent]
    return rest


def draw_order(puppet: Puppet, pose: RigPose, previous: DrawOrder | None = None) -> DrawOrder:
    """Which part is drawn after which.

    A part with a `behind` order takes it when its limb is well behind the hips and keeps it until it is clearly back
    (`previous` is the order of the frame before), so that a limb at the border does not flicker. Parts that the pose's
    blink hides are left out.
    """
    far, near = GOES_BEHIND * puppet.rig.height, COMES_BACK * puppet.rig.height
    behind = []
    for index, part in enumerate(puppet.parts):
        if part.behind is None:
            behind.append(False)
            continue
        limb = part.bones[1:] or part.bones  # the first bone stays at the trunk
        nearness = float(pose.nearness[list(limb)].mean())
        was = previous is not None and previous.behind[index]
        behind.append(nearness < (near if was else far))
    depth = [
        part.behind if hidden and part.behind is not None else part.order
        for part, hidden in zip(puppet.parts, behind, strict=True)
    ]
    drawn = [index for index, part in enumerate(puppet.parts) if is_shown(part, pose.blink)]
    parts = sorted(drawn, key=lambda index: (depth[index], index))
    return DrawOrder(tuple(parts), tuple(behind))


def is_shown(part: Part, blink: float) -> bool:
    """Whether a part is drawn while the eyes are shut as far as `blink` (0 open .. 1); see Part.shown."""
    if part.shown == ALWAYS:
        return True
    if part.shown == LID:
        return blink >= LEAST_LID
    return (blink < HALF_SHUT) == (part.shown == OPEN)


def rest_pose(rig: Rig, time: float = 0.0) -> RigPose:
    """The rig as it was drawn."""
    count = len(rig.names)
    return RigPose(rig.heads, np.zeros(count), np.ones(count), np.zeros(count), time)


def _complex(points: Array) -> Complex:
    return np.asarray(points[:, 0] + 1j * points[:, 1], dtype=np.complex128)


def _directions(rig: Rig) -> Complex:
    along = _complex(rig.tails - rig.heads)
    return np.asarray(along / np.maximum(np.abs(along), LEAST_NORM), dtype=np.complex128)
