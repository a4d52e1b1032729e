"""Pose -> Posture: directions of the body's bones, free of place, size, proportions and, given a camera, perspective.

A bone's angle in the picture is taken from the image points, which are good to a degree or two; how far it leans out of
the picture from its drawn length over its own calibrated length, and from the world points, each by its noise; the sign
of that lean from the world points or depth, else from anatomy. Radians; +Y up, +Z to the camera. Why:
docs/decisions/perspective.md
"""

from __future__ import annotations

import math

import numpy as np

from bodydouble.retarget.calibration import Body
from bodydouble.retarget.joints import ENDS, INDEX, SEEN, STARTS, Joints, dot, joints
from bodydouble.retarget.sight import Sight, sight
from bodydouble.skeletons import BODY_BONES, BONE_INDEX, skeleton
from bodydouble.types import Array, Camera, Pose, Posture

NAMES = tuple(bone.name for bone in BODY_BONES)

# Errors assumed of the two readings of a lean, in metres for a body of STATURE. A point of a pose model is taken to be
# good to 1 cm across the view and 3 cm along it, and a bone has two.
DRAWN_ERROR = 0.017
DRAWN_RATIO_ERROR = 0.04  # of the calibrated length and the frame's scale together
WORLD_ERROR = 0.045
DEPTH_ERROR = 0.09  # depth without world points (pixels of the image model) is about half as good
STATURE = 1.70

# Which way a bone leans out of the picture when a person who faces the camera bends it, for poses without any depth:
# hips and elbows send thighs, arms and feet forward, knees send shins back; the others lean either way.
WAYS = {"upper_arm": 1.0, "forearm": 1.0, "thigh": 1.0, "shin": -1.0, "foot": 1.0}
FORWARD = np.array([WAYS.get(name.partition("_")[2], 0.0) for name in NAMES])
GUESSED_ERROR = 0.35  # radians: a lean as small as this, read off a drawn length alone, is as likely none
SIDEWAYS = np.array([("clavicle" in n or "pelvis" in n) * (1.0 if "left" in n else -1.0) for n in NAMES])
LEFT_CLAVICLE, RIGHT_CLAVICLE = BONE_INDEX["left_clavicle"], BONE_INDEX["right_clavicle"]
SPINE, HEAD = BONE_INDEX["spine"], BONE_INDEX["head"]
FACE_TURN = 0.35  # nose out of the ears' middle, as a share of the head bone, at which a face is surely turned aside
TRUNK = np.array([INDEX[name] for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")])
# Body heights outside of the picture up to which a point is believed, and from which it is not: hips just below the
# lower edge are still found well (clips of people cut off by it), what is farther out is made up.
OUTSIDE = (0.03, 0.10)
# Shares of the picture's width or height outside of it from which an arm's bone that begins there is doubted, and from
# which it is not followed: a forearm whose elbow is in the picture is told well, wherever the hand is; with the elbow
# outside it is a guess, and no less sure (docs/decisions/feel.md has the figures).
BEGINS_OUTSIDE = (0.0, 0.06)
ARMS = np.array([name.endswith(("upper_arm", "forearm", "hand")) for name in NAMES])
# Distance of the ears in the picture across the head, over the head bone's length, from which a face begins to tell its
# tilt, and from which it tells it wholly: 0.75 of who faces us, half of it at a yaw of 50 degrees.
EARS_APART = (0.20, 0.45)
FRONT_TURN = 0.3  # drawn shoulder width, as a share of its own, at which the chest surely faces the camera or away


def posture(pose: Pose, body: Body, camera: Camera | None = None) -> Posture:
    """What the body does in `pose`.

    body: the person's own lengths (Calibration). camera: undoes its perspective, so that where the person stands does
    not change the posture; None reads the picture as an orthographic one. A bone with an unseen end has score 0, and
    so has one that ends outside of the camera's picture while the trunk leaves it, or an arm's that begins outside:
    models go on guessing there.
    """
    seen = joints(pose)
    view = sight(seen, body, camera)
    scores = seen.bone_scores
    scores = scores * (scores >= SEEN) if view.scale > 0 else np.zeros_like(scores)
    if camera is not None and view.scale > 0:
        inside = _inside(seen.points, camera, view.scale * body.height)
        if inside is not None:
            scores = scores * np.minimum(inside[STARTS], inside[ENDS])
        scores = scores * _begun(seen.points, camera)
    lean = _lean(pose, seen, view, body)
    directions = np.cos(lean)[:, None] * view.flat + np.sin(lean)[:, None] * view.towards
    directions /= np.sqrt(dot(directions, directions))[:, None]
    directions[scores == 0] = [0.0, -1.0, 0.0]
    yaw = facing(directions, scores)
    return Posture(NAMES, directions, scores, yaw, *_tilt(pose, view, body, camera))


def _inside(points: Array, camera: Camera, tall: float) -> Array | None:
    """(N,) 1 for points within the picture .. 0 for those well outside, of a body whose trunk is leaving it, else None.

    points: (N, 2) pixels, y up. tall: body height in pixels.
    """
    width, height = camera.size
    edge = OUTSIDE[0] * tall
    if all(-edge <= x <= width + edge and -edge <= -y <= height + edge for x, y in points[TRUNK].tolist()):
        return None
    x, y = points.T
    out = np.maximum(np.maximum(-x, x - width), np.maximum(y, -height - y)) / tall
    gone = np.clip((out - OUTSIDE[0]) / (OUTSIDE[1] - OUTSIDE[0]), 0.0, 1.0)
    return np.asarray(1.0 - gone[TRUNK].max() * gone)


def _begun(points: Array, camera: Camera) -> Array:
    """(B,) 1 .. 0 for bones of arms that begin outside of the picture, 1 for others. points: (N, 2) pixels, y up."""
    (width, height), (x, y) = camera.size, points[STARTS].T
    out = np.maximum(np.maximum(-x, x - width) / width, np.maximum(y, -height - y) / height)
    low, high = BEGINS_OUTSIDE
    return np.asarray(1.0 - ARMS * np.minimum(np.maximum((out - low) / (high - low), 0.0), 1.0))


def _lean(pose: Pose, seen: Joints, view: Sight, body: Body) -> Array:
    """(B,) radians that each bone leans out of the picture to the camera.

    The drawn length gives the size of the lean: well for a bone that points at us, badly for one that lies in the
    picture. World points (or depth) give size and sign, and are trusted the more the longer the bone. The two are
    averaged by their variances; where the sign is in doubt, the drawn size counts for that much less, so that nothing
    flips.
    """
    ratio = np.minimum(view.drawn / body.lengths, 1.0)
    size = np.arccos(ratio)
    unit = body.height / STATURE
    ratio_error = np.hypot(DRAWN_ERROR * unit / body.lengths, DRAWN_RATIO_ERROR * ratio)
    drawn_variance = ratio_error**2 / (np.sin(size) ** 2 + ratio_error)
    if view.world is not None:
        height, error = dot(view.world, view.towards), WORLD_ERROR
        aside = view.world - height[:, None] * view.towards
        across = np.sqrt(dot(aside, aside))
    elif seen.depth is not None and view.scale > 0:
        height, error = (seen.depth[ENDS] - seen.depth[STARTS]) / view.scale, DEPTH_ERROR
        across = np.sqrt(np.maximum(body.lengths**2 - height**2, 0.0))
    else:
        return _guessed_lean(pose, view, body, size)
    deep = np.arctan2(height, across)
    deep_error = error * unit / body.lengths
    sign = np.tanh(1.2 * deep / deep_error)  # mean sign of a value with this error
    share = deep_error**2 / (deep_error**2 + drawn_variance)
    return np.asarray(share * sign * size + (1.0 - share) * deep)


def _guessed_lean(pose: Pose, view: Sight, body: Body, size: Array) -> Array:
    """(B,) radians of lean in a picture without depth. size: (B,) radians, as the drawn lengths would have it.

    The way is by anatomy. A bone whose way is not known, or that is drawn nearly whole, is taken as upright before the
    camera, which is how most of a body is most of the time.
    """
    right = view.flat[:, 0] * view.drawn
    shoulders = float(right[LEFT_CLAVICLE] - right[RIGHT_CLAVICLE])
    width = float(body.lengths[LEFT_CLAVICLE] + body.lengths[RIGHT_CLAVICLE])
    front = math.tanh(shoulders / width / FRONT_TURN)
    sign = FORWARD * front - SIDEWAYS * _face_turn(pose, view, body)
    trust = size**2 / (size**2 + GUESSED_ERROR**2)
    level = np.arctan2(-view.flat[:, 2], view.towards[:, 2])
    return np.asarray(trust * sign * size + (1.0 - trust * np.abs(sign)) * level)


def _face_turn(pose: Pose, view: Sight, body: Body) -> float:
    """-1..1: where the nose points from between the ears, 1 = picture right; 0 where the face is not seen."""
    index = skeleton(pose.skeleton).index
    face = [index[name] for name in ("nose", "left_ear", "right_ear") if name in index]
    if len(face) < 3 or view.scale <= 0 or float(pose.scores[face].min()) < SEEN:
        return 0.0
    nose, left, right = pose.points[face, 0]
    aside = (nose - (left + right) / 2) / (view.scale * body.lengths[HEAD])
    return math.tanh(aside / FACE_TURN)


def _tilt(pose: Pose, view: Sight, body: Body, camera: Camera | None) -> tuple[float, float]:
    """Radians that the face is tilted to picture right, and how surely that is seen, 0..1.

    By the line from ear to ear and from eye to eye: the head bone, which ends between the ears, leans far aside in the
    picture as soon as a head that is held forward, or seen from above, turns a little.
    """
    index = skeleton(pose.skeleton).index
    if "left_ear" not in index or "left_eye" not in index or view.scale <= 0:
        return 0.0, 0.0
    left, right = [index["left_ear"], index["left_eye"]], [index["right_ear"], index["right_eye"]]
    score = float(min(pose.scores[left].min(), pose.scores[right].min()))
    if score < SEEN:
        return 0.0, 0.0
    x, y = (pose.points[left] - pose.points[right]).sum(axis=0).tolist()
    if camera is not None and pose.world is not None:
        # what is nearer to the camera is seen farther from the middle of its picture
        nearer = float((pose.world[left] - pose.world[right])[:, 2].sum()) * view.scale
        middle = pose.points[left + right].mean(axis=0) - np.array(camera.size) / 2
        x, y = (np.array([x, y]) - middle / camera.focal * nearer).tolist()
    up = view.flat[HEAD, :2]
    apart = (x * float(up[1]) + y * float(up[0])) / (1.5 * view.scale * float(body.lengths[HEAD]))
    low, high = EARS_APART
    sure = min(max((apart - low) / (high - low), 0.0), 1.0)
    return math.atan2(y, x), sure * min((score - SEEN) / SEEN, 1.0)


def facing(directions: Array, scores: Array) -> float:
    """Yaw of the chest: its normal, across shoulders and spine. 0 (facing us) where either is unseen."""
    if min(scores[LEFT_CLAVICLE], scores[RIGHT_CLAVICLE]) == 0:
        return 0.0
    x, y, z = directions[LEFT_CLAVICLE] - directions[RIGHT_CLAVICLE]
    sx, sy, sz = directions[SPINE] if scores[SPINE] > 0 else (0.0, 1.0, 0.0)
    return math.atan2(y * sz - z * sy, x * sy - y * sx)
