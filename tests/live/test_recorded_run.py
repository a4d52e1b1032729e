"""A real run recorded: the engine's own moments go into the take, and what the character did comes out of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from standing import Hand, Model, standing

from bodydouble import characters, pipeline
from bodydouble.feeds import open_feed
from bodydouble.live.config import LiveConfig
from bodydouble.live.engine import Live
from bodydouble.live.look import from_settings
from bodydouble.live.moment import LiveMoment
from bodydouble.live.newest import Newest
from bodydouble.live.recording import Recorder
from bodydouble.live.snapshot import snapshot
from bodydouble.outputs.take import Take, read_take
from bodydouble.skeletons import COCO_17, skeleton
from bodydouble.types import Frame, Pose
from moved_live import MadeLive, person

PATIENCE = 60.0
LIFTED = 2.4  # radians that the left arm goes up, sideways


class Dance:
    """A model that sees an arm go up with every picture; the first pictures show nobody."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, list[Pose]]] = []
        self.skeleton = skeleton("blazepose-33")

    def __call__(self, frame: Frame) -> list[Pose]:
        count = len(self.seen)
        raised = min(1.0, max(0, count - 5) / 20) * LIFTED
        poses = [standing(frame.time, size=frame.size, raised=raised, skeleton=self.skeleton)] if count >= 3 else []
        self.seen.append((frame.time, poses))
        return poses


@pytest.fixture
def dance() -> Dance:
    return Dance()


@pytest.fixture
def hand() -> Hand:
    return Hand("Made Camera")


@pytest.fixture
def live(dance: Dance, hand: Hand, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    def load(model: str, **_: object) -> Model:
        return Model(model, dance, dance.skeleton)

    monkeypatch.setattr("bodydouble.live.engine.characters.load", partial(characters.load, pixels=240))
    monkeypatch.setattr("bodydouble.live.estimators.load", load)
    with Live(LiveConfig(model="blazepose-full", fps=60, background="#336699"), source=hand) as live:
        yield live


def show(live: Live, hand: Hand, count: int) -> None:
    """So many pictures, each seen before the next comes."""
    for _ in range(count):
        newest: Newest[LiveMoment] = Newest()
        stop = live.listen(newest.put)
        taken = hand.put()
        while True:
            moment = newest.take(PATIENCE)
            assert moment is not None, "no moment came"
            if moment.captured >= taken:
                break
        stop()


def ready(live: Live) -> None:
    """Wait for the model."""
    waited = threading.Event()
    while not live.report().model.name:
        assert not waited.wait(0.01)


def shoulder_to_wrist(take: Take) -> list[float]:
    """Pixels that the left wrist is above the shoulder, for each frame with somebody in it."""
    index = skeleton(take.info.skeleton).index
    people = [poses[0].points for _, _, poses in take if poses]
    return [float(points[index["left_shoulder"], 1] - points[index["left_wrist"], 1]) for points in people]


def test_the_arm_that_rose_rises(live: Live, hand: Hand, dance: Dance, tmp_path: Path) -> None:
    ready(live)
    recorder = Recorder()
    recorder.start(live, tmp_path)
    begin = len(dance.seen)
    show(live, hand, 30)
    path = recorder.stop()
    take = read_take(path)
    recorded = [(time, poses) for _, time, poses in take]
    seen = dance.seen[begin:]
    assert len(recorded) == len(seen) == 30
    np.testing.assert_allclose([time for time, _ in recorded], [time - seen[0][0] for time, _ in seen], atol=1e-6)
    assert [len(poses) for _, poses in recorded] == [len(poses) for _, poses in seen]
    assert recorded[-1][1][0].points == pytest.approx(seen[-1][1][0].points)  # as measured, to the last pixel
    heights = shoulder_to_wrist(take)
    assert heights[0] < -50 and heights[-1] > 50
    assert (take.info.model, take.info.source.name) == ("blazepose-full", "Made Camera")

    look = from_settings(take.info)
    puppet = live.puppet
    watched = ((time, index, poses, None) for index, time, poses in take)
    moments = list(pipeline.moments(watched, puppet.rig, look.config, take.info.source.size, alive=True))
    hands = [bone for bone, follows in enumerate(puppet.rig.follows) if follows == "right_forearm"]  # mirrored
    first, last = (next(iter(moment.rigs.values())).heads[hands[0], 1] for moment in (moments[0], moments[-1]))
    assert last < first - 10  # the character's arm, in its own pixels, y down
    recorder.close()


def test_another_model_goes_on_in_another_take(live: Live, hand: Hand, dance: Dance, tmp_path: Path) -> None:
    ready(live)
    recorder = Recorder()
    path = recorder.start(live, tmp_path)
    show(live, hand, 8)
    dance.skeleton = COCO_17
    show(live, hand, 4)
    recorder.stop()
    takes = [read_take(path.with_name(f"{path.stem}{ending}.parquet")) for ending in ("", "-2")]
    assert [take.info.skeleton for take in takes] == ["blazepose-33", "coco-17"]
    assert [len(take) for take in takes] == [8, 4]
    recorder.close()


def test_a_snapshot_of_the_run(live: Live, hand: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bodydouble.live.snapshot.PATIENCE", PATIENCE)
    ready(live)
    path = snapshot(live, tmp_path, False, size=(160, 96))  # it idles, no picture has come
    image = cv2.imread(str(path))
    assert image is not None and tuple(image[0, 0]) == (0x99, 0x66, 0x33) and image.std() > 10


def test_whoever_was_followed_is_replayed(tmp_path: Path) -> None:
    """Following somebody else in the middle of a recording, far away in the picture: a film goes over at once, too."""
    live = MadeLive()
    recorder = Recorder()
    recorder.start(live, tmp_path)
    for step in range(20):
        one = person(step / 30, number=1 if step < 10 else 2)
        far = replace(one, points=one.points / 2 + (40 * (step >= 10), 0))
        live.publish(live.moment(step / 30, [far]))
    path = recorder.stop()
    recorder.close()
    with ExitStack() as stack:
        feed = open_feed(path, pipeline.Config(), stack)
        assert [people[0].person for _, _, people, _ in feed.people(0)] == [1] * 10 + [2] * 10
