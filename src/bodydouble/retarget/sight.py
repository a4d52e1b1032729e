"""How a body's bones lie before the camera: what is drawn of each, along which ray, and its world vector.

Camera axes: x right, y up, z towards the camera, which looks along -z. With a camera, points are seen along rays that
spread; without one all rays are parallel (the orthographic reading). Lengths are in the body's unit.
Why: docs/decisions/perspective.md
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bodydouble.retarget.calibration import Body, drawn_scale
from bodydouble.retarget.joints import ENDS, SEEN, STARTS, Joints, dot
from bodydouble.types import Array, Camera

POINT_ERROR = (
    0.02  # metres: error of a world point against its image point across the view (taken as 1 cm each and some shared)
)
OUTLIER = 2.5  # errors beyond this many POINT_ERRORs count less and less
# Radians: how far the world's axes may be turned from where a crop around the person would have them. Half a webcam's
# view is 30 degrees, which is the most that camera-aligned axes differ.
TURN_ERROR = 0.15
LEAST_DRAWN = 1e-9  # units of length: below this a bone has no angle in the picture
FEWEST = 4  # points that a fit needs
AHEAD = np.tile([0.0, 0.0, 1.0], (len(STARTS), 1))
PLANE = np.eye(2)[:, :, None]
HELD = np.diag([1.0 / TURN_ERROR**2] * 3 + [0.0] * 3)


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """Every body bone as the camera sees it, in camera axes and the body's unit of length.

    towards: (B, 3) unit vectors from the bone to the camera. flat: (B, 3) unit vectors of the part of the bone across
    that line, as measured in the image; drawn: (B,) that part's length. world: (B, 3) the bone as the model's world
    points have it, or None. scale: pixels per unit at the hips' distance, 0 = unknown.
    """

    towards: Array
    flat: Array
    drawn: Array
    world: Array | None
    scale: float


def sight(seen: Joints, body: Body, camera: Camera | None) -> Sight:
    """How the bones of a pose lie before `camera`, or before none (parallel rays)."""
    scale = pixels_per_unit(seen, body)
    world = None
    if seen.world is not None:
        world = seen.world.take(ENDS, axis=0) - seen.world.take(STARTS, axis=0)
    if camera is None or scale <= 0:
        line = np.zeros((len(STARTS), 3))
        line[:, :2] = (seen.points.take(ENDS, axis=0) - seen.points.take(STARTS, axis=0)) / (
            scale if scale > 0 else 1.0
        )
        return Sight(AHEAD, *_measured(line), world, scale)
    width, height = camera.size
    slopes = (seen.points - np.array([width / 2, -height / 2])) / camera.focal
    distance = camera.focal / scale
    far = np.full(len(slopes), distance)
    good = np.where(seen.scores >= SEEN, seen.scores, 0.0)
    if seen.world is not None and np.count_nonzero(good) >= FEWEST:
        turned, distance = _fit(seen.world, slopes, good, distance)
        far = np.maximum(distance - turned[:, 2], 0.1 * distance)
        world = turned.take(ENDS, axis=0) - turned.take(STARTS, axis=0)
    rays = np.full((len(slopes), 3), -1.0)
    rays[:, :2] = slopes
    start, end = rays.take(STARTS, axis=0), rays.take(ENDS, axis=0)
    towards = -(start + end)
    towards /= np.sqrt(dot(towards, towards))[:, None]
    line = 0.5 * (far.take(STARTS) + far.take(ENDS))[:, None] * (end - start)
    line -= dot(line, towards)[:, None] * towards
    return Sight(towards, *_measured(line), world, camera.focal / distance)


def _measured(line: Array) -> tuple[Array, Array]:
    """Unit vectors and lengths of (B, 3) vectors; one without length points to the right."""
    long: Array = np.sqrt(dot(line, line))
    if long.min() > LEAST_DRAWN:
        return line / long[:, None], long
    some = long > LEAST_DRAWN
    return np.where(some[:, None], line / np.where(some, long, 1.0)[:, None], [1.0, 0.0, 0.0]), long


@lru_cache(maxsize=4)  # posture and placement ask about the same frame
def pixels_per_unit(seen: Joints, body: Body) -> float:
    """Pixels per unit, by world points against image points, or by bone lengths without them; 0 = unknown."""
    if seen.world is None:
        line = seen.points[ENDS] - seen.points[STARTS]
        drawn: Array = np.hypot(line[:, 0], line[:, 1])
        return drawn_scale(drawn, body.lengths, np.where(seen.bone_scores >= SEEN, 1.0, 0.0))
    weights = np.where(seen.scores >= SEEN, seen.scores, 0.0)
    both = np.concatenate((seen.world[:, :2], seen.points), axis=1).T
    scale = 0.0
    for again in (False, True):
        total = float(weights.sum())
        if total <= 0:
            return 0.0
        middle = both - (both @ weights / total)[:, None]
        weighted = middle[:2] * weights
        spread = float(np.vdot(weighted, middle[:2]))
        scale = float(np.vdot(weighted, middle[2:])) / spread if spread > 0 else 0.0
        if scale <= 0 or again:
            break
        error = middle[2:] / scale - middle[:2]
        weights = weights * _trust(error)
    return max(scale, 0.0)


def _trust(error: Array) -> Array:
    """(N,) Huber's weights of (2, N) errors in metres."""
    limit = OUTLIER * POINT_ERROR
    return np.asarray(limit / np.maximum(np.sqrt(error[0] ** 2 + error[1] ** 2), limit))


def looking_along(ray: Array) -> Array:
    """(3, 3) shortest rotation that carries the view's axis (0, 0, -1) onto a ray (3,) of any length."""
    x, y, z = ray.tolist()
    long = math.sqrt(x * x + y * y + z * z)
    x, y, z = x / long, y / long, z / long
    c = 1.0 - z  # 1 + cosine of the angle; rays lie before the camera, so it is above 1
    return np.array([[1 - x * x / c, -x * y / c, -x], [-x * y / c, 1 - y * y / c, -y], [x, y, -z]])


def _fit(world: Array, slopes: Array, scores: Array, far: float) -> tuple[Array, float]:
    """World points turned into the camera's axes, and the hips' distance.

    world: (N, 3). slopes: (N, 2) image points over the focal length. scores: (N,) weights. far: first guess of the
    distance. Finds rotation R and shift t for which R world + t projects onto the image. R starts, and is softly held,
    where the ray to the person would have it, as a network that sees only the crop around the person has its axes along
    that ray; axes aligned with the camera are found from the data. One damped Gauss-Newton step with Huber weights: a
    second changes the angles of bones by 0.1 degrees (benchmarks/perspective.py).
    """
    share = scores / scores.sum()
    middle = share @ slopes
    turned = looking_along(np.array([*middle, -1.0])) @ world.T
    away = np.maximum(far - turned[2], 0.1 * far)
    place = turned[:2] + (middle * far - turned[:2] @ share)[:, None]
    seen = place / away
    error = place - slopes.T * away  # metres across the view
    weight = scores * _trust(error) / POINT_ERROR**2
    # place = turned + shift, d place = turn x turned + d shift, d error = d place across + seen * d place along
    across = np.empty((6, 2, len(world)))
    across[0] = seen * turned[1]
    across[0, 1] -= turned[2]
    across[1] = -seen * turned[0]
    across[1, 0] += turned[2]
    across[2, 0] = -turned[1]
    across[2, 1] = turned[0]
    across[3:5] = PLANE
    across[5] = seen
    flat, weighted = across.reshape(6, -1), (across * weight).reshape(6, -1)
    step = -np.linalg.solve(weighted @ flat.T + HELD, weighted @ error.ravel())
    distance = min(max(far - float(step[5]), far / 3.0), 3.0 * far)
    return (_rotation(step[:3]) @ turned).T, distance


def _rotation(vector: Array) -> Array:
    """(3, 3) rotation by a vector's length in radians about it (Rodrigues)."""
    x, y, z = vector.tolist()
    angle = math.sqrt(x * x + y * y + z * z)
    s = math.sin(angle) / angle if angle > 0 else 1.0
    h = 0.5 * (math.sin(angle / 2) / (angle / 2)) ** 2 if angle > 0 else 0.5  # (1 - cos) / angle^2
    return np.array(
        [
            [1 - h * (y * y + z * z), h * x * y - s * z, h * x * z + s * y],
            [h * x * y + s * z, 1 - h * (x * x + z * z), h * y * z - s * x],
            [h * x * z - s * y, h * y * z + s * x, 1 - h * (x * x + y * y)],
        ]
    )
