"""Steadiness measured: motion files of any names, the noise asked for, the other filters, lag, tables, Ctrl-C."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import made_motions
from bodydouble.bench import bvh, filters, landmarks, smooth, smooth_report, steadiness, trials
from bodydouble.bench.landmarks import View
from bodydouble.cli import app
from bodydouble.films import Silent
from bodydouble.skeletons import BLAZEPOSE_33
from bodydouble.types import BodyDoubleError

INDEX = BLAZEPOSE_33.index
VIEW = View()


def points_of(path: Path) -> np.ndarray:
    return landmarks.keypoints(bvh.read(path), VIEW.fps)[1]


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    return made_motions.written(tmp_path / "walk.bvh", made_motions.walk(seconds=2.5))


@pytest.mark.parametrize("style", made_motions.STYLES)
def test_the_same_motion_under_any_names_gives_the_same_points(tmp_path: Path, walk: Path, style: str) -> None:
    other = made_motions.written(tmp_path / "other.bvh", made_motions.walk(seconds=2.5), style=style)
    assert np.allclose(points_of(other), points_of(walk), atol=1e-5)


@pytest.mark.parametrize("unit", [1.0, 0.001, 0.0254])
def test_the_unit_is_told_from_the_body(tmp_path: Path, walk: Path, unit: float) -> None:
    other = made_motions.written(tmp_path / "other.bvh", made_motions.walk(seconds=2.5), unit=unit)
    assert np.allclose(points_of(other), points_of(walk), atol=1e-3)


def test_sides_proportions_and_what_is_up(walk: Path) -> None:
    points = points_of(walk)
    length = np.linalg.norm(points[:, INDEX["left_knee"]] - points[:, INDEX["left_hip"]], axis=1)
    assert np.allclose(length, 0.42, atol=1e-4)
    pose = landmarks.poses(bvh.read(walk), VIEW)[10]
    assert pose.points[INDEX["left_hip"], 0] > pose.points[INDEX["right_hip"], 0]  # faces the camera
    assert pose.points[INDEX["nose"], 1] < pose.points[INDEX["left_hip"], 1] < pose.points[INDEX["left_heel"], 1]
    assert pose.world is not None
    assert pose.world[INDEX["nose"], 2] > pose.world[INDEX["left_ear"], 2]  # the nose is in front
    assert pose.world[INDEX["left_foot_index"], 2] > pose.world[INDEX["left_heel"], 2]


def test_an_upright_axis_of_z(tmp_path: Path, walk: Path) -> None:
    """The root lies down and its person with it: the file's up is Z."""
    made = made_motions.walk(seconds=2.5)
    made.turn("hips", x=90.0)
    made.hips = made.hips[:, [0, 2, 1]]
    points = points_of(made_motions.written(tmp_path / "z.bvh", made))
    assert np.ptp(points[0, :, 1]) > 1.4
    assert points[0, INDEX["nose"], 1] > points[0, INDEX["left_heel"], 1]


@pytest.mark.parametrize("drop", [("toe",), ("wrist",), ("toe", "wrist")])
def test_feet_and_hands_that_a_file_lacks_are_made(tmp_path: Path, walk: Path, drop: tuple[str, ...]) -> None:
    points, whole = points_of(made_motions.written(tmp_path / "o.bvh", made_motions.walk(seconds=2.5), drop=drop)), None
    whole = points_of(walk)
    assert np.linalg.norm(points - whole, axis=-1).max() < 0.13
    assert np.allclose(points[:, INDEX["left_wrist"]], whole[:, INDEX["left_wrist"]], atol=1e-4)


def test_between_frames_the_way_is_smooth(walk: Path) -> None:
    fine = landmarks.keypoints(bvh.read(walk), 240.0)[1]
    assert np.abs(np.diff(fine, 3, axis=0)).max() < 2e-3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nothing", "wanted a BVH file"),
        ("HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\n", "wanted a BVH file"),
        ("HIERARCHY\nROOT a\n{\nOFFSET 0 0\n}\nMOTION\nFrames: 2\nFrame Time: .1\n", "export it again"),
        ("HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 1 Wrot\n}\nMOTION\nFrames: 2\nFrame Time: .1\n", "Wrot"),
        ("HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\n}\nMOTION\nFrames: 9\nFrame Time: .1\n1", "9 fr"),
        ("HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\n}\nMOTION\n", "export it again"),
        ("HIERARCHY\n}\nMOTION\n", "its joints or its frames are torn"),
    ],
)
def test_what_is_no_motion_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.bvh"
    path.write_text(text)
    with pytest.raises(BodyDoubleError, match=says) as told:
        smooth.measure_smoothing([path], Silent())
    assert "\n" not in str(told.value)


def test_a_body_without_arms_and_a_short_motion_are_refused(tmp_path: Path, walk: Path) -> None:
    torn = tmp_path / "torn.bvh"
    torn.write_text(walk.read_text().replace("LeftHand", "Box").replace("LeftForeArm", "Lid"))
    with pytest.raises(BodyDoubleError, match="no left wrist"):
        smooth.measure_smoothing([torn], Silent())
    short = made_motions.written(tmp_path / "short.bvh", made_motions.walk(seconds=1))
    with pytest.raises(BodyDoubleError, match="wanted 2 s"):
        smooth.measure_smoothing([short], Silent())
    with pytest.raises(BodyDoubleError, match="can be read"):
        smooth.measure_smoothing([tmp_path / "none.bvh"], Silent())


def test_noise_and_faults_are_as_announced(walk: Path) -> None:
    truth = trials.sights(landmarks.poses(bvh.read(walk), VIEW) * 20)
    one = trials.trial(truth, VIEW, 0)
    again = trials.trial(truth, VIEW, 0)
    assert np.array_equal(one.bad.world, again.bad.world)
    assert np.allclose((one.good.world - truth.world).std(axis=(0, 1)), [0.01, 0.01, 0.03], rtol=0.03)
    off = one.good.points - truth.points
    assert np.allclose(off.std(), np.hypot(1.5, 2.0), rtol=0.05)
    assert np.allclose(np.diff(off, axis=0).std(), np.hypot(1.5 * np.sqrt(2), 2 * np.sqrt(2 / 30)), rtol=0.03)
    leaps = np.linalg.norm(one.bad.world - one.good.world, axis=-1)[~one.gaps]
    assert 0.008 < (leaps > 0.15).mean() < 0.025
    assert set(np.flatnonzero(one.gaps.any(axis=0))) == set(trials.VANISHING)
    assert (one.bad.scores[one.gaps] < 0.1).all()


def test_there_are_310_settings_and_each_calms_white_noise() -> None:
    noise = np.random.default_rng(0).standard_normal((200, 1, 2))
    settings = []
    for family in filters.families("world"):
        out = family.run(noise, 1 / 30, 1.0)
        assert out.shape == (len(family.settings), *noise.shape)
        assert (np.diff(out, 2, axis=1).std(axis=(1, 2, 3)) < np.diff(noise, 2, axis=0).std()).all()
        settings += [setting for setting in family.settings if setting.words != filters.MEDIAPIPE_WORDS]
    assert len(settings) == len(set(settings)) == 310


def test_savitzky_golay_keeps_a_parabola_and_kalman_a_steady_pace() -> None:
    times = np.arange(60.0)[:, None, None]
    out = filters.savgol([(7, 2, 0), (7, 2, 2)], times**2, 1.0, 1.0)
    assert np.allclose(out[0, 10:], times[10:] ** 2)
    assert np.allclose(out[1, 10:], (times[10:] - 2) ** 2)
    assert np.allclose(filters.kalman([5.0], times, 1.0, 1.0)[0, 30:], times[30:], atol=1e-3)


@pytest.mark.parametrize("late", [0.0, 0.012, 0.05])
def test_lag_is_what_it_is(late: float) -> None:
    times = np.arange(300) / 30

    def path(at: np.ndarray) -> np.ndarray:
        return np.stack([np.sin(3 * at), np.cos(2 * at)], axis=1)[:, None]

    lateness = steadiness.Lateness(path(times), 30, 30.0)
    assert lateness(path(times - late)[None])[0] == pytest.approx(1000 * late, abs=0.7)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four settings in place of 310."""
    monkeypatch.setattr(filters, "EMA_SHARES", (0.5,))
    monkeypatch.setattr(filters, "EURO_LEAST", (1.0,))
    monkeypatch.setattr(filters, "EURO_BETA", (1.0,))
    monkeypatch.setattr(filters, "KALMAN_PUSH", (5.0,))
    monkeypatch.setattr(filters, "SAVGOL_WINDOWS", (3,))


@pytest.mark.usefixtures("few")
def test_the_smoother_is_judged_and_shown(tmp_path: Path, walk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "REST_FRAMES", 90)
    chart = tmp_path / "chart.svg"
    arguments = ["bench", "--smooth", str(walk), "--seeds", "1", "--chart", str(chart)]
    run = CliRunner().invoke(app, arguments, env={"COLUMNS": "100"})
    assert run.exit_code == 0, run.output
    assert "least jitter at rest" in run.output and "bodydouble 0.5" in run.output
    circles = ET.fromstring(chart.read_text()).findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) >= 5 + 2 * len(smooth.AMOUNTS) + 8  # the key, ours in two panels, the others


@pytest.mark.usefixtures("few")
def test_what_was_measured_before_ctrl_c_is_kept(tmp_path: Path, walk: Path) -> None:
    seen = []

    class Stops(Silent):
        def step(self, done: int, total: int | None, text: str) -> None:
            seen.append(text)
            if done == 1:
                raise KeyboardInterrupt

    results = smooth.measure_smoothing([walk], Stops(), seeds=3, amounts=(0.5, 1.0))
    assert not results.complete and len(seen) == 2
    means = results.means("world")
    ours = smooth.best(means, 67.0, True)
    other = smooth.best(means, 67.0, False)
    assert ours is not None and other is not None
    assert means[ours].rest < means[other].rest / 2
    assert smooth.best(means, -50.0, False) is None
    picture = tmp_path / "chart.png"
    smooth_report.write_chart(results, picture)
    image = cv2.imread(str(picture))
    assert image.shape == (smooth_report.HEIGHT, smooth_report.WIDTH, 3)
    with pytest.raises(BodyDoubleError, match="svg or"):
        smooth_report.write_chart(results, tmp_path / "chart.gif")
