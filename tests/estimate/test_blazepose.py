"""BlazePose with its weights: against MediaPipe's own answers, and on pictures of any kind."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from bodydouble import estimate
from bodydouble.estimate import blazepose, graph, region, ssd
from bodydouble.estimate.family import FAMILIES, family
from bodydouble.estimate.session import DEVICES, Session
from bodydouble.models import onnx_path
from bodydouble.skeletons import BLAZEPOSE_33
from bodydouble.sources import open_source
from bodydouble.types import BodyDoubleError, Frame

GOLDEN = json.loads(Path(__file__).with_name("mediapipe.json").read_text())["models"]
WANTED = 0.02  # of the torso's length: the mean distance to MediaPipe's points
AT = BLAZEPOSE_33.index


def test_an_unknown_model_lists_the_known():
    with pytest.raises(BodyDoubleError, match=r'no pose model "lite"; choose from .*blazepose-full'):
        estimate.load("lite")


def test_no_people_is_an_error():
    with pytest.raises(BodyDoubleError, match="0 people"):
        estimate.load("blazepose-full", people=0)


def test_a_family_registers_its_models_once():
    @family("test-model")
    def make(model, device, people, threads, progress):
        return (model, device, people, threads)

    try:
        assert estimate.load("test-model", device="cpu", people=3) == ("test-model", "cpu", 3, None)
        with pytest.raises(BodyDoubleError, match="registered twice"):
            family("test-model")(make)
    finally:
        del FAMILIES["test-model"]


@pytest.fixture(scope="module")
def pictures(test_data):
    """The golden pictures by name: RGB."""
    clip = "clips/pose_squats.mp4"
    names = next(iter(GOLDEN.values()))
    found = {}
    with open_source(test_data / clip) as source:
        for frame in source:
            if f"{clip}#{frame.index}" in names:
                found[f"{clip}#{frame.index}"] = frame.image
    for name in names:
        if name not in found:
            found[name] = cv2.imread(str(test_data / name))[:, :, ::-1].copy()
    return found


@pytest.fixture(scope="module")
def full():
    return estimate.load("blazepose-full", device="cpu")


def torso(points):
    shoulders = points[[AT["left_shoulder"], AT["right_shoulder"]], :2].mean(axis=0)
    return np.linalg.norm(shoulders - points[[AT["left_hip"], AT["right_hip"]], :2].mean(axis=0))


def apart(pose, golden):
    """Mean distance over the points that MediaPipe calls visible, in torso lengths."""
    visible = golden[:, 2] > 0.5
    return np.linalg.norm(pose.points - golden[:, :2], axis=1)[visible].mean() / torso(golden)


@pytest.mark.models
@pytest.mark.clips
@pytest.mark.parametrize("model", sorted(GOLDEN))
def test_single_pictures_agree_with_mediapipe(model, pictures):
    look = estimate.load(model, device="cpu")
    distances = {}
    for name, points in GOLDEN[model].items():
        look.reset()
        poses = look(Frame(pictures[name], 0.0, 0))
        assert len(poses) == 1, f"nobody found in {name}, where MediaPipe finds somebody"
        distances[name] = apart(poses[0], np.array(points))
    assert np.mean(list(distances.values())) <= WANTED, distances
    # Where people are half hidden, a region turned by 0.1 degree already moves the points by several percent.
    assert max(distances.values()) <= 2 * WANTED, distances


@pytest.mark.models
@pytest.mark.clips
def test_a_pose_is_whole(full, pictures):
    full.reset()
    pose = full(Frame(pictures["clips/pose_squats.mp4#0"], 1.5, 3))[0]
    assert (full.model, full.provider, full.skeleton) == ("blazepose-full", "cpu", BLAZEPOSE_33)
    assert pose.time == 1.5 and pose.skeleton == "blazepose-33" and pose.score > 0.9
    np.testing.assert_allclose(pose.scores, pose.visibility * pose.presence)
    world = {name: pose.world[AT[name]] for name in ("nose", "left_ankle", "left_shoulder", "right_shoulder")}
    assert world["nose"][1] > 0.4 > -0.4 > world["left_ankle"][1]  # +Y up, origin between the hips
    assert world["left_shoulder"][0] > world["right_shoulder"][0]  # she faces us: her left is at picture right
    assert world["nose"][2] > 0 > pose.depth[AT["nose"]]  # her face is nearer to us than her hips
    height = np.linalg.norm(pose.world[AT["left_shoulder"]] - pose.world[AT["left_ankle"]])
    assert 1.0 < height < 1.6  # metres


@pytest.mark.models
@pytest.mark.clips
def test_a_person_is_followed_without_looking_for_them_again(full, test_data, monkeypatch):
    searches = []
    detect = blazepose.Networks.detect
    monkeypatch.setattr(blazepose.Networks, "detect", lambda *args: searches.append(args) or detect(*args))
    full.reset()
    clip = "clips/pose_squats.mp4"
    distances = []
    with open_source(test_data / clip) as source:
        for frame in source:
            poses = full(frame)
            assert len(poses) == 1
            golden = GOLDEN["blazepose-full"].get(f"{clip}#{frame.index}")
            if golden:
                distances.append(apart(poses[0], np.array(golden)))
    assert len(searches) == 1
    assert len(distances) == 4 and max(distances) < 0.05, distances  # another region each frame than in single pictures


@pytest.mark.models
@pytest.mark.clips
def test_the_image_graph_and_the_crop_graph_agree(pictures):
    nets = {
        "detector": onnx.load(onnx_path(blazepose.DETECTOR, outputs=blazepose.DETECTOR_OUTPUTS.names)),
        "landmarks": onnx.load(onnx_path("blazepose-full", outputs=blazepose.LANDMARK_OUTPUTS.names)),
    }
    centres = ssd.anchors(blazepose.DETECTOR_INPUT.size, blazepose.DETECTOR_STRIDES)
    eyes = []
    for preparation in (graph.Preparation.IMAGE, graph.Preparation.CROP):
        detector = graph.detector_graph(
            nets["detector"], blazepose.DETECTOR_INPUT, blazepose.DETECTOR_OUTPUTS, centres, preparation
        )
        landmarks = graph.landmark_graph(
            nets["landmarks"], blazepose.LANDMARK_INPUT, blazepose.LANDMARK_OUTPUTS, preparation
        )
        eyes.append(
            blazepose.Networks(Session(detector, DEVICES["cpu"]), Session(landmarks, DEVICES["cpu"]), preparation)
        )
    image = pictures["clips/pose_squats.mp4#0"]
    places = [net.detect(image, region.whole_image(720, 1280))[0][0] for net in eyes]
    np.testing.assert_allclose(places[0].array(), places[1].array(), atol=0.5)
    sights = [net.look(image, replace(places[0], rotation=0.3)) for net in eyes]
    np.testing.assert_allclose(sights[0].points[:, :2], sights[1].points[:, :2], atol=0.5)  # pixels
    np.testing.assert_allclose(sights[0].world, sights[1].world, atol=0.002)  # metres


@pytest.mark.models
@pytest.mark.clips
def test_the_size_of_the_picture_does_not_matter(full, pictures):
    image = pictures["coco/000000000785.jpg"]
    full.reset()
    once = full(Frame(image, 0.0, 0))[0]
    large = cv2.resize(image, None, fx=12, fy=12, interpolation=cv2.INTER_LINEAR)  # 7680 pixels wide
    again = full(Frame(large, 0.1, 1))[0]  # another size in the middle of a stream
    assert np.linalg.norm(again.points / 12 - once.points, axis=1).mean() < 0.02 * torso(once.points)


@pytest.mark.models
@pytest.mark.parametrize("size", [(16, 16), (1, 1), (3, 400), (2, 2000)])
@pytest.mark.parametrize("people", [1, 4])
def test_a_tiny_or_narrow_picture_holds_nobody(size, people):
    look = estimate.load("blazepose-lite", device="cpu", people=people)
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert [look(Frame(image, i / 30, i)) for i in range(3)] == [[], [], []]


@pytest.mark.models
@pytest.mark.clips
def test_a_grey_or_strided_picture_works(full, pictures):
    image = pictures["coco/000000000785.jpg"]
    full.reset()
    colour = full(Frame(image, 0.0, 0))[0]
    grey = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)
    full.reset()
    assert apart(full(Frame(grey, 0.0, 0))[0], np.column_stack([colour.points, colour.visibility])) < 0.1
    full.reset()
    view = np.ascontiguousarray(image[:, ::-1])[:, ::-1]  # the same picture, each row stored backwards
    assert not view.flags.c_contiguous
    np.testing.assert_allclose(full(Frame(view, 0.0, 0))[0].points, colour.points)


@pytest.mark.models
@pytest.mark.clips
def test_several_people_are_found(pictures):
    look = estimate.load("blazepose-full", device="cpu", people=8)
    poses = look(Frame(pictures["coco/000000196141.jpg"], 0.0, 0))
    assert len(poses) == 4  # the batter, the catcher, and two small ones in the background
    hips = np.array([pose.points[[AT["left_hip"], AT["right_hip"]]].mean(axis=0) for pose in poses])
    between = np.linalg.norm(hips[:, None] - hips, axis=2)[~np.eye(4, dtype=bool)]
    assert between.min() > 50  # pixels
