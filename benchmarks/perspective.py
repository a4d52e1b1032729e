"""What perspective does to the angles read off a picture, and how much of it is left when the camera is known.

    python benchmarks/perspective.py [FOLDER_OF_BVH]

A person of the motion-capture clips stands 0.8 m to the left and right of the axis of a 50-degree camera, 3 m away.
Errors are degrees of the bones' angles in the picture against the bones' own directions before the camera: `raw` over
all 18 bones and frames, mean and 95th percentile; `weighted` by how much of a bone is drawn (the angle of a bone that
points at the camera means nothing); `drawn` 95th percentile over bones drawn at half their length or more. Rows: how
the world points lie (along the camera's axis, or along the ray to the person, as of a network that sees only a crop),
with the noise of a pose model (1 cm across, 3 cm in depth, 2 pixels), without any world points. The jitter table is the
change of angles from frame to frame beyond the clean motion's, in degrees.
"""

from __future__ import annotations

import argparse
import math
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))

import mocap  # noqa: E402
from bodydouble.retarget.calibration import Calibration  # noqa: E402
from bodydouble.retarget.joints import ENDS, INDEX, STARTS, joints  # noqa: E402
from bodydouble.retarget.posture import posture  # noqa: E402
from bodydouble.retarget.sight import looking_along  # noqa: E402
from bodydouble.smooth import Smoother  # noqa: E402
from bodydouble.types import Array, Camera, Pose  # noqa: E402

CLIPS = ("jesse_dance.bvh", "wave_hello.bvh")
SIDES = (0.8, -0.8)
DISTANCE = 3.0
ACROSS, DEEP, PIXELS = 0.01, 0.03, 2.0  # noise: metres, metres, pixels
SIZE = (1280, 720)
CAMERAS = {
    "50 degrees across": Camera(SIZE, math.radians(50)),
    "50 degrees up": Camera(SIZE, 2 * math.atan(math.tan(math.radians(25)) * SIZE[0] / SIZE[1])),
}


def ray_aligned(pose: Pose, camera: Camera) -> Pose:
    """World points in axes along the ray to the hips."""
    x, y = joints(pose).points[INDEX["hip"]]
    ray = np.array([x - camera.size[0] / 2, y + camera.size[1] / 2, -camera.focal])
    return replace(pose, world=world(pose) @ looking_along(ray))


def noisy(pose: Pose, rng: np.random.Generator) -> Pose:
    return replace(
        pose,
        world=world(pose) + rng.normal(size=(len(pose.points), 3)) * [ACROSS, ACROSS, DEEP],
        points=pose.points + rng.normal(size=pose.points.shape) * PIXELS,
    )


def world(pose: Pose) -> Array:
    if pose.world is None:
        raise ValueError("a pose without world points")
    return pose.world


def bare(pose: Pose) -> Pose:
    return replace(pose, world=None, depth=None)


def read(poses: list[Pose], camera: Camera | None) -> Array:
    """(T, 18) radians, with the lengths as known after the clip."""
    calibration = Calibration()
    for pose in poses:
        body = calibration.update(pose)
    return np.array([posture(pose, body, camera).angles for pose in poses])


def true(poses: list[Pose]) -> tuple[Array, Array]:
    """(T, 18) angles of the bones themselves, and how much of each is drawn without perspective, 0..1."""
    bones = np.array([joints(pose).world for pose in poses])
    bones = bones[:, ENDS] - bones[:, STARTS]
    drawn = np.hypot(bones[..., 0], bones[..., 1]) / np.linalg.norm(bones, axis=-1)
    return np.arctan2(bones[..., 1], bones[..., 0]), drawn


def degrees(angle: Array) -> Array:
    return np.degrees((angle + np.pi) % (2 * np.pi) - np.pi)


def row(name: str, error: Array, drawn: Array) -> str:
    error = np.abs(error)
    weighted = (error * drawn).sum() / drawn.sum()
    p95, seen = np.percentile(error, 95), np.percentile(error[drawn >= 0.5], 95)
    return f"  {name:32s}{error.mean():7.2f}{p95:8.2f}{weighted:10.2f}{seen:8.2f}"


def errors(folder: Path, camera: Camera) -> None:
    for clip in CLIPS:
        middle = mocap.poses(folder / clip, camera=camera, place=(0, 0, DISTANCE))
        for side in SIDES:
            rng = np.random.default_rng(0)
            poses = mocap.poses(folder / clip, camera=camera, place=(side, 0, DISTANCE))
            truth, drawn = true(poses)
            print(f"{clip}, {side:+.1f} m{'raw mean':>22s}{'p95':>8s}{'weighted':>10s}{'drawn':>8s}")
            walked = degrees(read(poses, None) - read(middle, None))
            print(row("none: against the middle", walked, drawn))
            rays = [ray_aligned(pose, camera) for pose in poses]
            spoilt, spoilt_rays = ([noisy(pose, rng) for pose in p] for p in (poses, rays))
            cases: list[tuple[str, list[Pose], Camera | None]] = [
                ("none: against the bones", poses, None),
                ("ours, world along the camera", poses, camera),
                ("ours, world along the ray", rays, camera),
                ("none, noise", spoilt, None),
                ("ours, along the camera, noise", spoilt, camera),
                ("ours, along the ray, noise", spoilt_rays, camera),
                ("ours, picture alone", [bare(p) for p in poses], camera),
                ("ours, picture alone, noise", [bare(p) for p in spoilt], camera),
            ]
            for name, seen, given in cases:
                print(row(name, degrees(read(seen, given) - truth), drawn))


def jitter(folder: Path, camera: Camera) -> None:
    """Noise of the image and world points as it comes through, as seen and after the smoother of the pipeline."""
    print(f"\njitter, degrees a frame{'none':>16s}{'ours':>8s}{'none, smoothed':>16s}{'ours, smoothed':>16s}")
    for clip in CLIPS:
        for side in (0.0, *SIDES):
            rng = np.random.default_rng(0)
            poses = mocap.poses(folder / clip, camera=camera, place=(side, 0, DISTANCE))
            drawn = true(poses)[1][1:] >= 0.5
            clean = [ray_aligned(pose, camera) for pose in poses]
            spoilt = [noisy(pose, rng) for pose in clean]
            moved = []
            for sight, seen in ((clean, spoilt), (steadied(clean), steadied(spoilt))):
                for given in (None, camera):
                    beyond = np.diff(degrees(read(seen, given) - read(sight, given)), axis=0)
                    moved.append(np.sqrt((degrees(np.radians(beyond))[drawn] ** 2).mean()))
            print(f"  {clip:18s}{side:+.1f} m{moved[0]:13.2f}{moved[1]:8.2f}{moved[2]:16.2f}{moved[3]:16.2f}")


def steadied(poses: list[Pose]) -> list[Pose]:
    smoother = Smoother()
    return [smoother(pose) for pose in poses]


def cost(folder: Path, camera: Camera) -> None:
    """Milliseconds for a posture, the least of five runs of each frame (a busy machine only adds)."""
    poses = mocap.poses(folder / CLIPS[0], camera=camera, place=(0.8, 0, DISTANCE))
    calibration = Calibration()
    for pose in poses:
        body = calibration.update(pose)
    readings: dict[str, Callable[[Pose], object]] = {
        "orthographic": lambda pose: posture(pose, body, None),
        "with a camera": lambda pose: posture(pose, body, camera),
    }
    for name, reading in readings.items():
        least = np.full(len(poses), np.inf)
        for _ in range(5):
            for i, pose in enumerate(poses):
                start = time.perf_counter()
                reading(pose)
                least[i] = min(least[i], time.perf_counter() - start)
        print(f"  posture, {name:16s}{np.median(least) * 1e3:8.3f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=REPOSITORY.parent / "shared" / "data" / "mocap")
    folder = parser.parse_args().folder
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=REPOSITORY)
    print(f"{platform.machine()}, Python {platform.python_version()}, commit {commit.stdout.strip() or 'unknown'}")
    for name, camera in CAMERAS.items():
        print(f"\ncamera: {name}")
        errors(folder, camera)
    jitter(folder, CAMERAS["50 degrees across"])
    print()
    cost(folder, CAMERAS["50 degrees across"])


if __name__ == "__main__":
    main()
