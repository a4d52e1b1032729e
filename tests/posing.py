"""Poses made by hand for tests: turns of bones against their parents, in degrees, clockwise as drawn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bodydouble.types import Rig, RigPose


def posed(
    rig: Rig,
    turns: Mapping[str, float] | None = None,
    lengths: Mapping[str, float] | None = None,
    nearness: Mapping[str, float] | None = None,
    **rest: object,
) -> RigPose:
    """The rig with some bones turned against their parents (degrees) and shortened; what hangs from them goes along."""
    count = len(rig.names)
    own = np.array([np.radians((turns or {}).get(name, 0.0)) for name in rig.names])
    drawn = np.array([(lengths or {}).get(name, 1.0) for name in rig.names])
    angles = np.zeros(count)
    heads = rig.heads.copy()
    for bone, parent in enumerate(rig.parents):
        if parent < 0:
            angles[bone] = own[bone]
            continue
        angles[bone] = angles[parent] + own[bone]
        axis = rig.tails[parent] - rig.heads[parent]
        axis = axis / np.hypot(*axis)
        away = rig.heads[bone] - rig.heads[parent]
        away = away + (drawn[parent] - 1) * (away @ axis) * axis
        cos, sin = np.cos(angles[parent]), np.sin(angles[parent])
        heads[bone] = heads[parent] + np.array([[cos, -sin], [sin, cos]]) @ away
    near = np.array([(nearness or {}).get(name, 0.0) for name in rig.names])
    return RigPose(heads, angles, drawn, near, time=0.0, **rest)  # type: ignore[arg-type]
