"""How a body's bones lie before the camera: what is drawn of each, along which ray, and its world vector.

Camera axes: x right, y up, z towards the camera, which looks along -z. With a camera, points are seen along rays that
spread; without one all rays are parallel (the orthographic reading). Lengths are in the body's unit.
Why: docs/decisions/perspective.md
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodydouble.retarget.calibration import Body, drawn_scale
from bodydouble.retarget.joints import ENDS, SEEN, STARTS, Joints
from bodydouble.types import Array, Camera

ITERATIONS = 3  # damped Gauss-Newton steps; more change directions by less than 0.01 degrees
POINT_ERROR = 0.02  # metres: error of a world point against its image point across the view (1 to 3 cm on BlazePose)
OUTLIER = 2.5  # errors beyond this many POINT_ERRORs count less and less
# Radians: how far the world's axes may be turned from where a crop around the person would have them. Half a webcam's
# view is 30 degrees, which is the most that camera-aligned axes differ.
TURN_ERROR = 0.15
FEWEST = 4  # points that a fit needs


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """Every body bone as the camera sees it, in camera axes and the body's unit of length.

    towards: (B, 3) unit vectors from the bone to the camera. drawn: (B, 3) the part of the bone across that line, as
    measured in the image. world: (B, 3) the bone as the model's world points have it, or None. scale: pixels per unit
    at the hips' distance, 0 = unknown.
    """

    towards: Array
    drawn: Array
    world: Array | None
    scale: float


def sight(seen: Joints, body: Body, camera: Camera | None) -> Sight:
    """How the bones of a pose lie before `camera`, or before none (parallel rays)."""
    good = seen.scores >= SEEN
    scale = _scale(seen, body, good)
    world = None if seen.world is None else seen.world[ENDS] - seen.world[STARTS]
    if camera is None or scale <= 0:
        drawn = np.zeros((len(STARTS), 3))
        drawn[:, :2] = (seen.points[ENDS] - seen.points[STARTS]) / (scale if scale > 0 else 1.0)
        return Sight(np.tile([0.0, 0.0, 1.0], (len(STARTS), 1)), drawn, world, scale)
    width, height = camera.size
    slopes = (seen.points - np.array([width / 2, -height / 2])) / camera.focal
    distance = camera.focal / scale
    far = np.full(len(slopes), distance)
    if seen.world is not None and good.sum() >= FEWEST:
        turned, distance = _fit(seen.world, slopes, np.where(good, seen.scores, 0.0), distance)
        far = np.maximum(distance - turned[:, 2], 0.1 * distance)
        world = turned[ENDS] - turned[STARTS]
    rays = np.concatenate((slopes, np.full((len(slopes), 1), -1.0)), axis=1)
    start, end = rays[STARTS], rays[ENDS]
    towards = -(start + end)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    drawn = 0.5 * (far[STARTS] + far[ENDS])[:, None] * (end - start)
    drawn -= (drawn * towards).sum(axis=1)[:, None] * towards
    return Sight(towards, drawn, world, camera.focal / distance)


def _scale(seen: Joints, body: Body, good: npt.NDArray[np.bool_]) -> float:
    """Pixels per unit, by world points against image points, or by bone lengths without them; 0 = unknown."""
    if seen.world is None:
        line = seen.points[ENDS] - seen.points[STARTS]
        drawn: Array = np.hypot(line[:, 0], line[:, 1])
        return drawn_scale(drawn, body.lengths, np.where(seen.bone_scores >= SEEN, 1.0, 0.0))
    if good.sum() < 2:
        return 0.0
    weights = np.where(good, seen.scores, 0.0)
    scale = 0.0
    flat = seen.world[:, :2]
    for _ in range(2):
        share = weights / weights.sum()
        world = flat - share @ flat
        image = seen.points - share @ seen.points
        spread = float(share @ (world * world).sum(axis=1))
        if spread <= 0:
            return 0.0
        scale = max(float(share @ (world * image).sum(axis=1)) / spread, 0.0)
        if scale <= 0:
            return 0.0
        weights = weights * _trust(np.linalg.norm(image / scale - world, axis=1))
    return scale


def _trust(error: Array) -> Array:
    """Huber's weights of errors in metres."""
    limit = OUTLIER * POINT_ERROR
    return limit / np.maximum(error, limit)


def looking_along(ray: Array) -> Array:
    """(..., 3, 3) shortest rotations that carry the view's axis (0, 0, -1) onto rays (..., 3)."""
    x, y, z = np.moveaxis(ray / np.linalg.norm(ray, axis=-1, keepdims=True), -1, 0)
    c = 1.0 - z  # 1 + cosine of the angle; rays lie before the camera, so it is above 1
    rows = [[1 - x * x / c, -x * y / c, -x], [-x * y / c, 1 - y * y / c, -y], [x, y, -z]]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def _fit(world: Array, slopes: Array, scores: Array, far: float) -> tuple[Array, float]:
    """World points turned into the camera's axes, and the hips' distance.

    world: (N, 3). slopes: (N, 2) image points over the focal length. scores: (N,) weights. far: first guess of the
    distance. Finds rotation R and shift t for which R world + t projects onto the image. R starts, and is softly held,
    where the ray to the person would have it, as a network that sees only the crop around the person has its axes along
    that ray; axes aligned with the camera are found from the data. Damped Gauss-Newton with Huber weights.
    """
    share = scores / scores.sum()
    turned = world @ looking_along(np.append(share @ slopes, -1.0)).T
    shift = np.append(share @ slopes * far - share @ turned[:, :2], -far)
    swerve = np.zeros(3)  # rotation from the start, as a vector
    for _ in range(ITERATIONS):
        place = turned + shift
        away = np.maximum(-place[:, 2], 0.1 * far)
        seen = place[:, :2] / away[:, None]
        error = (seen - slopes) * away[:, None]  # metres across the view
        weight = scores * _trust(np.linalg.norm(error, axis=1)) / POINT_ERROR**2
        x, y, z = turned.T
        u, v = seen.T
        one, none = np.ones_like(x), np.zeros_like(x)
        # derivatives of `error` by a turn about x, y, z and a shift along them (d place = turn x turned + shift)
        across_x = np.stack((u * y, z - u * x, -y, one, none, u))
        across_y = np.stack((v * y - z, -v * x, x, none, one, v))
        normal = (across_x * weight) @ across_x.T + (across_y * weight) @ across_y.T
        slope = (across_x * weight) @ error[:, 0] + (across_y * weight) @ error[:, 1]
        normal[:3, :3] += np.eye(3) / TURN_ERROR**2
        slope[:3] += swerve / TURN_ERROR**2
        step = -np.linalg.solve(normal, slope)
        turned = turned @ _rotation(step[:3]).T
        swerve += step[:3]
        shift += step[3:]
        shift[2] = np.clip(shift[2], -3.0 * far, -far / 3.0)
    return turned, float(-shift[2])


def _rotation(vector: Array) -> Array:
    """(3, 3) rotation by a vector's length in radians about it (Rodrigues)."""
    angle = float(np.sqrt(vector @ vector))
    x, y, z = vector
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(
        np.eye(3) + np.sinc(angle / np.pi) * cross + 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * (cross @ cross)
    )
