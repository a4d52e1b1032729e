"""The law of the one-file models: on pictures they find whom the estimators find, with points that agree."""

import itertools

import numpy as np
import onnxruntime
import pytest

from bodydouble.estimate import fused, load
from bodydouble.sources import open_source
from bodydouble.types import Frame

FAMILIES = ["blazepose-lite", "movenet-lightning", "movenet-multipose", "posenet-mobilenet"]
SHARE = 0.01  # of a person's size, between the points of the file and of the estimator
SAME = 0.1  # the same, from which on it is somebody else


def images(folder):
    """A clear person, one from the side, a crowd, and a frame of a clip."""
    for name, number in (
        ("coco/000000000785.jpg", 0),
        ("coco/000000197388.jpg", 0),
        ("clips/pose_squats.mp4", 20),
    ):
        with open_source(folder / name) as source:
            yield next(itertools.islice(source, number, None)).image


def crowd(folder):
    with open_source(folder / "coco/000000196141.jpg") as source:
        yield next(iter(source)).image


def apart(points, pose):
    """Mean distance from a pose, in sizes of that person."""
    return np.linalg.norm(points[..., :2] - pose.points, axis=-1).mean(axis=-1) / np.hypot(*np.ptp(pose.points, axis=0))


@pytest.mark.models
@pytest.mark.clips
@pytest.mark.parametrize("model", FAMILIES)
@pytest.mark.parametrize(("people", "pictures"), [(1, images), (6, crowd)])
def test_one_file_finds_whom_the_estimator_finds(model, people, pictures, test_data, capfd):
    made = fused.fused(model, people).SerializeToString()
    session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
    estimate = load(model, device="cpu", people=people)
    for image in pictures(test_data):
        keypoints, scores = session.run(["keypoints", "scores"], {"image": image})
        estimate.reset()
        poses = estimate(Frame(image, 0.0, 0))
        rows = set(np.flatnonzero(scores).tolist())
        assert len(poses) == len(rows)
        distances = []
        for pose in poses:
            row = min(rows, key=lambda row, pose=pose: apart(keypoints[row], pose))
            rows.remove(row)
            distances.append(apart(keypoints[row], pose))
            assert distances[-1] < SAME
            assert scores[row] == pytest.approx(pose.score, abs=0.05)
        assert np.mean(distances) < SHARE
        assert not keypoints[scores == 0].any()
    assert "onnxruntime" not in capfd.readouterr().err


@pytest.mark.models
@pytest.mark.clips
@pytest.mark.parametrize("model", ["blazepose-lite", "movenet-lightning"])
def test_people_are_followed_through_a_clip_by_their_regions(model, test_data):
    session = onnxruntime.InferenceSession(fused.fused(model, 2, regions=True).SerializeToString())
    regions = np.zeros((2, 4), np.float32)
    estimate = load(model, device="cpu", people=1)
    with open_source(test_data / "clips/pose_squats.mp4") as source:
        for frame in itertools.islice(source, 12):
            answers = session.run(["keypoints", "scores", "next_regions"], {"image": frame.image, "regions": regions})
            keypoints, scores, regions = answers
            (pose,) = estimate(frame)
            assert np.flatnonzero(scores).tolist() == [0]
            assert apart(keypoints[0], pose) < 0.03  # the estimator steadies where it looks
    assert regions[0, 2] > 0
    assert not regions[1].any()
