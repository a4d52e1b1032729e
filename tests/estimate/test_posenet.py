"""PoseNet with its weights against the published detector in TensorFlow.js, and whom it follows."""

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from bodydouble import estimate
from bodydouble.estimate import fused, graph
from bodydouble.estimate.posenet import MIN_SCORE, Networks, PoseNet
from bodydouble.estimate.posenet_decode import Decoding
from bodydouble.estimate.posenet_graph import Choices, letterbox, load_network, posenet_graph, wanted_input
from bodydouble.estimate.posenet_lock import PATIENCE, Lock
from bodydouble.sources import open_source
from bodydouble.types import BodyDoubleError, Frame
from made_maps import body

MODEL = "posenet-mobilenet"
GOLDEN = json.loads(Path(__file__).with_name("posenet.json").read_text())["pictures"]
WANTED = 1.0  # percent of a person's size
EXACT = 0.05  # pixels; the golden file has two digits, and TensorFlow.js sums in another order
PEOPLE = 5

models = pytest.mark.models


@cache
def network():
    return load_network(MODEL)


@cache
def networks(people=PEOPLE, **choices):
    return Networks(network(), "cpu", people, choices=Choices(**choices))


@cache
def inside(choices):
    """The graph that takes whole images."""
    model = posenet_graph(network(), choices, Decoding(PEOPLE, True), graph.Preparation.IMAGE)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def pictures(test_data):
    """The golden pictures by name: RGB."""
    names = {case["name"] for case in GOLDEN}
    clips = {name.split("#")[0] for name in names if "#" in name}
    found = {name: cv2.imread(str(test_data / name))[:, :, ::-1].copy() for name in names if "#" not in name}
    for clip in clips:
        with open_source(test_data / clip) as source:
            found |= {f"{clip}#{frame.index}": frame.image for frame in source if f"{clip}#{frame.index}" in names}
    return found


def choices_of(case):
    width, height = case["input"]
    return Choices(width, height, case["stride"], case["threshold"], case["radius"], trimmed=False)


def name_of(case):
    return "-".join(str(case[key]) for key in ("name", "input", "stride", "people"))


def alone(name):
    """Whether the published detector sees one person only: else its single pose mixes people."""
    cases = [case for case in GOLDEN if case["name"] == name and case["people"] > 1]
    return all(sum(person["score"] >= MIN_SCORE for person in case["found"]) == 1 for case in cases)


def apart(points, want):
    """Mean distance in percent of the person's size."""
    size = np.linalg.norm(np.ptp(want[:, :2], axis=0))
    return np.linalg.norm(points[:, :2] - want[:, :2], axis=1).mean() / size * 100


@models
@pytest.mark.parametrize(
    "case", GOLDEN, ids=lambda case: "-".join(str(case[key]) for key in ("name", "input", "stride", "people"))
)
def test_the_whole_graph_answers_as_the_published_detector(case, pictures):
    image, choices = pictures[case["name"]], choices_of(case)
    where = letterbox(image.shape[1], image.shape[0], wanted_input(network(), choices))
    session = inside(choices)
    names = [value.name for value in session.get_outputs()]
    values = dict(zip(names, session.run(None, {"image": image, "region": where.array()}), strict=True))
    want = np.array([person["keypoints"] for person in case["found"]])
    kind = "single" if case["people"] == 1 else "keypoints"
    got = values[kind][: len(want)]
    assert values["count"] == len(want) or case["people"] == 1
    np.testing.assert_allclose(got[..., :2], want[..., :2], atol=EXACT)
    np.testing.assert_allclose(got[..., 2], want[..., 2], atol=1e-3)


@models
@pytest.mark.parametrize("name", sorted({case["name"] for case in GOLDEN}))
def test_the_estimator_answers_within_one_percent_of_the_published_detector(name, pictures):
    image = pictures[name]
    for case in GOLDEN:
        if case["name"] != name or case["input"] != [385, 385] or case["stride"] != 16:
            continue
        if case["people"] == 1 and not alone(name):
            continue
        poses = PoseNet(MODEL, networks(case["people"]), case["people"])(Frame(image, 0.0, 0))
        wanted = [np.array(person["keypoints"]) for person in case["found"] if person["score"] >= 0.3]
        away = [min(apart(pose.points, want) for pose in poses) for want in wanted]
        assert np.mean(away) <= WANTED


@models
def test_one_person_is_chosen_of_several(pictures):
    """The published single pose would take one's nose and another's eye."""
    image = next(picture for name, picture in sorted(pictures.items()) if not alone(name))
    (pose,) = estimate.load(MODEL, device="cpu")(Frame(image, 0.0, 0))
    several = networks().on(image).look_at_all(image).people
    assert min(apart(pose.points, person) for person in several) == 0


@models
def test_nobody_is_nobody():
    for people in (1, 4):
        estimator = estimate.load(MODEL, device="cpu", people=people)
        assert estimator(Frame(np.full((480, 640, 3), 90, np.uint8), 0.0, 0)) == []


@models
@pytest.mark.parametrize("shape", [(720, 1280), (1280, 720), (300, 300), (50, 1000)])
def test_border_is_left_off_and_the_picture_stays_on_its_cells(shape, pictures):
    image = cv2.resize(next(iter(pictures.values())), shape[::-1])
    choices = Choices()
    fitting = choices.on(shape[1], shape[0])
    assert fitting.width % 32 == 1
    assert fitting.height % 32 == 1
    whole, part = (wanted_input(network(), one) for one in (choices, fitting))
    origins = []
    for wanted in (whole, part):
        where = letterbox(shape[1], shape[0], wanted)
        scale = where.size / wanted.width
        origins.append((np.array([where.x, where.y]) / scale - np.array([wanted.width, wanted.height]) / 2, scale))
    strides = (origins[1][0] - origins[0][0]) / choices.stride
    np.testing.assert_allclose(strides, np.round(strides), atol=1e-9)
    assert origins[0][1] == pytest.approx(origins[1][1])
    assert networks().on(image).wanted == part


@models
def test_the_person_in_a_box_is_the_one_whom_it_fits(pictures):
    name, image = next((name, picture) for name, picture in sorted(pictures.items()) if not alone(name))
    case = next(c for c in GOLDEN if c["name"] == name and c["people"] > 1)
    estimator = PoseNet(MODEL, networks(), PEOPLE)
    for person in case["found"]:
        if person["score"] < 0.6:
            continue
        want = np.array(person["keypoints"])
        low = want[:, :2].min(axis=0)
        pose = estimator.estimate_in(Frame(image, 1.5, 0), np.array([*low, *np.ptp(want[:, :2], axis=0)]))
        assert pose.time == 1.5
        assert apart(pose.points, want) < 10
    assert estimator.estimate_in(Frame(image, 0.0, 0), np.array([-50.0, -50.0, 20.0, 20.0])) is None


@models
@pytest.mark.parametrize("people", [1, 4])
def test_one_file_answers_as_the_estimator(people, pictures):
    model = fused.fused(MODEL, people)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for image in pictures.values():
        keypoints, scores = session.run(["keypoints", "scores"], {"image": image})
        poses = PoseNet(MODEL, networks(people, trimmed=False), people)(Frame(image, 0.0, 0))
        assert len(poses) == np.count_nonzero(scores)
        for pose, points in zip(poses, keypoints[scores > 0], strict=True):
            assert apart(points, np.hstack([pose.points, pose.scores[:, None]])) < WANTED or pose.score < 0.5
        assert not keypoints[scores == 0].any()
    with pytest.raises(BodyDoubleError, match="takes no regions"):
        fused.fused(MODEL, people, regions=True)


@pytest.mark.parametrize(
    ("wrong", "words"), [({"threshold": 1.5}, "threshold of 1.5"), ({"radius": 0.0}, "radius of 0")]
)
def test_choices_that_make_no_sense_are_errors(wrong, words):
    with pytest.raises(BodyDoubleError, match=words):
        Choices(**wrong)


def person(x, y, height, score=0.9):
    points = body(np.array([y, x]), height, 0.0)[:, ::-1]
    return np.hstack([points, np.full((17, 1), score)])


def test_the_largest_is_followed_where_they_go():
    lock, small = Lock(), person(100, 50, 120)
    scores = np.array([0.9, 0.8])
    for step in range(20):
        large = person(400 - 15 * step, 60, 300)
        order = [small, large] if step % 2 else [large, small]
        assert lock(np.stack(order), scores, step / 25) == (1 if step % 2 else 0)


def test_a_smaller_one_is_followed_once_locked():
    lock = Lock()
    assert lock(np.stack([person(100, 50, 200)]), np.ones(1), 0.0) == 0
    people = np.stack([person(400, 20, 400), person(105, 50, 200)])
    assert lock(people, np.ones(2), 0.04) == 1


def test_somebody_smaller_is_not_taken_while_points_of_the_followed_one_are_mixed_up():
    lock = Lock()
    lock(np.stack([person(300, 50, 500)]), np.ones(1), 0.0)
    torn = person(300, 50, 500)
    torn[::2, 0] += 260
    bystander = person(380, 120, 250)
    assert lock(np.stack([bystander, torn]), np.ones(2), 0.04) == 1


def test_nobody_else_is_taken_until_patience_ends():
    lock = Lock()
    lock(np.stack([person(100, 50, 200)]), np.ones(1), 0.0)
    others = np.stack([person(900, 20, 200), person(1200, 50, 220)])
    assert lock(others, np.ones(2), PATIENCE / 2) is None
    assert lock(others[:1], np.ones(1), PATIENCE / 2) is None
    assert lock(others, np.ones(2), PATIENCE * 1.1) == 1
    lock.reset()
    assert lock(others[:1], np.ones(1), 0.0) == 0
