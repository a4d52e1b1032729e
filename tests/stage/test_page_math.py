"""The page poses and places figures as Python does: deform, draw order, framing and shots, number by number.

Python writes poses of several characters and what becomes of them; web/tests/golden.test.ts computes the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bodydouble.characters import Puppet, deform, draw_order, load
from bodydouble.outputs.framing import Place, Places, fit, keep_inside, place_points, reach
from bodydouble.outputs.shots import Shots, place_close, view
from bodydouble.stage.puppets import puppet_bytes
from bodydouble.types import Array, Rig, RigPose

WEB = Path(__file__).resolve().parents[2] / "web"
SIZES = [(640, 360), (360, 640), (1920, 1080), (200, 200)]
POSES = 7


def wild_pose(rig: Rig, rng: np.random.Generator, time: float, person: int) -> RigPose:
    """Anything a person could make of a rig, and more."""
    count = len(rig.names)
    angles, lengths = rng.normal(0, 0.9, count), rng.uniform(0.3, 1.3, count)
    heads = rig.posed_heads(angles, lengths, rig.heads + rng.normal(0, 20, 2))
    return RigPose(
        heads,
        angles,
        lengths,
        rng.normal(0, 0.1 * rig.height, count),
        time,
        offset=rng.normal(0, 0.3, 2) * [1, -0.3],
        size=float(rng.uniform(0.5, 1.6)),
        person=person,
        blink=float(rng.choice([0.0, 0.3, 0.7, 1.0])),
    )


def as_json(pose: RigPose) -> dict[str, Any]:
    return {
        "heads": pose.heads.ravel().tolist(),
        "angles": pose.angles.tolist(),
        "lengths": pose.lengths.tolist(),
        "nearness": pose.nearness.tolist(),
        "offset": pose.offset.tolist(),
        "size": pose.size,
        "blink": pose.blink,
        "person": pose.person,
        "time": pose.time,
    }


def corners(points: Array) -> list[float]:
    """What stands for all points of a figure: a few of them, and the box around them."""
    return [*points[::97].ravel().tolist(), *points.min(axis=0).tolist(), *points.max(axis=0).tolist()]


def golden(puppet: Puppet, seed: int) -> dict[str, Any]:
    """A run of pictures with one to three figures, each with all that the page has to find of it."""
    rng = np.random.default_rng(seed)
    orders: dict[int, Any] = {}
    places, shots = Places(), {framing: Shots() for framing in ("half", "head")}
    pictures = []
    for step in range(POSES):
        size = SIZES[step % len(SIZES)]
        people = [7, 3, 9][: 1 + step % 3]
        poses = [wild_pose(puppet.rig, rng, step / 20, person) for person in people]
        shares = places(poses)
        full = [fit(size, reach(puppet), centre=centre, share=share) for centre, share in shares]
        close = {
            framing: taken([view(puppet, framing)] * len(poses), [puppet] * len(poses), poses, shares, size)
            for framing, taken in shots.items()
        }
        figures = []
        for index, pose in enumerate(poses):
            points = np.concatenate([*deform(puppet, pose)])
            order = orders[pose.person] = draw_order(puppet, pose, orders.get(pose.person))
            placed = place_points(np.concatenate([points, pose.heads]), puppet, pose, full[index], size)
            figures.append(
                {
                    "pose": as_json(pose),
                    "points": points.ravel().tolist(),
                    "order": list(order.parts),
                    "full": corners(placed[: len(points)]),
                    "close": {
                        framing: corners(place_close(points, puppet, pose, found[index]))
                        for framing, found in close.items()
                    },
                }
            )
        pictures.append({"size": size, "shares": shares, "figures": figures})
        orders = {person: orders[person] for person in people}
    return {"pictures": pictures}


def kept_inside(seed: int) -> list[dict[str, Any]]:
    """Boxes of all shapes, at all places."""
    rng = np.random.default_rng(seed)
    cases = []
    for case in range(200):
        size = SIZES[case % len(SIZES)]
        box = np.array([*-rng.uniform(0, 1.2, 2) * size, *rng.uniform(-0.2, 0.9, 2) * size])
        box[[0, 2]], box[[1, 3]] = np.sort(box[[0, 2]]), np.sort(box[[1, 3]])
        foot, floor = rng.uniform(-0.3, 1.3, 2) * size, 0.92 * size[1]
        shrink, at = keep_inside(box, foot, floor, size)
        case_of = {"box": box.tolist(), "foot": foot.tolist(), "floor": floor, "size": size}
        cases.append(case_of | {"kept": [shrink, *at.tolist()]})
    return cases


@pytest.fixture(scope="module")
def node() -> str:
    path = shutil.which("node")
    if path is None or not (WEB / "node_modules" / "vitest").is_dir():
        pytest.fail("the page's tests need Node.js and its packages: make page")
    return path


def test_the_page_finds_the_same_numbers(node: str, tmp_path: Path, test_data: Path) -> None:
    names = {"fox": "fox", "mira": "mira", "drawing": test_data / "drawings" / "char2"}
    for seed, (name, path) in enumerate(names.items()):
        puppet = load(path)
        (tmp_path / f"{name}.puppet").write_bytes(puppet_bytes(puppet)[0])
        (tmp_path / f"{name}.json").write_text(json.dumps(golden(puppet, seed)))
    (tmp_path / "kept.json").write_text(json.dumps(kept_inside(5)))
    run = subprocess.run(
        [node, "node_modules/vitest/vitest.mjs", "run", "tests/golden.test.ts"],
        cwd=WEB,
        env={**os.environ, "BODYDOUBLE_GOLDEN": str(tmp_path), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert "skipped" not in run.stdout


def test_a_close_shot_follows_gently_and_never_loses_the_figure() -> None:
    puppet = load("mira")
    still = RigPose(puppet.rig.heads, *np.zeros((2, len(puppet.rig.names))), np.zeros(len(puppet.rig.names)), 0.0)
    still = replace(still, lengths=np.ones(len(puppet.rig.names)), person=1)
    seen = view(puppet, "half")
    shots = Shots()

    def drawn(time: float, x: float) -> tuple[Place, float]:
        pose = replace(still, time=time, offset=np.array([x, 0.0]))
        place = shots([seen], [puppet], [pose], [(0.5, 1.0)], (1280, 720))[0]
        head = place_close(puppet.rig.heads, puppet, pose, place)[puppet.rig.names.index("head")]
        return place, float(head[0])

    first = drawn(0.0, 0.0)[1]
    assert first == pytest.approx(640, abs=1)
    stepped = drawn(1 / 30, 0.05)[1]
    assert 10 < stepped - first < 0.12 * 720, "a step is seen as one"
    assert drawn(1 / 15, 5.0)[1] - first < 0.13 * 720, "but the figure is not lost"
    for step in range(90):
        later = drawn(0.1 + step / 30, 5.0)[1]
    assert later == pytest.approx(640, abs=8)
