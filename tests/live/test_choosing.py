"""A click chooses whom to follow: with a model that sees one person, with one that sees all, and in a real clip."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import av
import pytest
from standing import SIZE, Hand, Model, frame, standing

from bodydouble import characters
from bodydouble.live.choosing import NOBODY, Choosing, box
from bodydouble.live.config import LiveConfig
from bodydouble.live.engine import Live
from bodydouble.live.models import Models
from bodydouble.live.moment import LiveMoment
from bodydouble.live.performance import Performance
from bodydouble.models import fetch
from bodydouble.pipeline import Config
from bodydouble.tracking import Tracker, beside
from bodydouble.types import Array, Frame, Image, Pose

LONG = 60.0
LEFT, RIGHT = 0.3, 0.7


class Follower(Model):
    """A model that follows one of two people, as it is told."""

    def __init__(self, model: str = "made") -> None:
        super().__init__(model, self._see)
        self.middle, self.others = LEFT, 1

    def _see(self, picture: Frame) -> list[Pose]:
        return [standing(picture.time, tall=0.6, middle=self.middle)]

    def follow(self, picture: Frame, around: Array) -> bool:
        share = (around[0] + around[2] / 2) / picture.size[0]
        self.middle = LEFT if abs(share - LEFT) < 0.1 else RIGHT
        return True

    def take_over(self, before: object) -> bool:
        return False


def both(picture: Frame) -> list[Pose]:
    return [standing(picture.time, tall=0.6, middle=share) for share in (LEFT, RIGHT)]


class Given(Models):
    """Models that are there already."""

    def __init__(self, people: int) -> None:
        super().__init__(LiveConfig(model="blazepose-full"))
        self.given = people

    @property
    def people(self) -> int:
        return 8 if self._several else self.given


@pytest.fixture
def performance() -> Performance:
    return Performance(characters.load("fox", pixels=100), Config())


@pytest.fixture
def choosing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Choosing]:
    monkeypatch.setattr("bodydouble.live.choosing.load", lambda *_, **__: Model(sees=both))
    choosing = Choosing()
    yield choosing
    choosing.close()


def stepped(
    choosing: Choosing, performance: Performance, models: Models, until: Callable[[list[Pose], str], bool]
) -> str:
    """Frames until something is true of the people seen and what is said."""
    wait = threading.Event()
    for i in range(2000):
        picture = frame(10 + i / 30)
        shown = performance.frame(picture, 0.0, picture.time)
        said = choosing.step(picture, performance, models, picture.time)
        if until(shown.seen, said):
            return said
        wait.wait(0.005)  # the search has a thread of its own
    raise AssertionError("it never came")


def middle(people: list[Pose]) -> float:
    return float(people[0].points[:, 0].mean() / SIZE[0]) if people else 0.0


def test_a_model_that_follows_one_is_pointed_at_another(choosing: Choosing, performance: Performance) -> None:
    performance.estimate_with(Follower())
    models = Given(1)
    stepped(choosing, performance, models, lambda people, said: abs(middle(people) - LEFT) < 0.05)
    choosing.ask(RIGHT, 0.6)
    stepped(choosing, performance, models, lambda people, said: abs(middle(people) - RIGHT) < 0.05)
    choosing.ask(0.5, 0.05)
    assert stepped(choosing, performance, models, lambda people, said: bool(said)) == NOBODY
    stepped(choosing, performance, models, lambda people, said: abs(middle(people) - RIGHT) < 0.05)


def test_a_model_that_cannot_be_pointed_sees_all_and_the_tracker_chooses(
    choosing: Choosing, performance: Performance
) -> None:
    performance.estimate_with(Model(sees=both))
    models = Given(1)
    stepped(choosing, performance, models, lambda people, said: bool(people))
    for share in (RIGHT, LEFT, RIGHT):
        choosing.ask(share, 0.6)
        stepped(choosing, performance, models, lambda people, said, at=share: abs(middle(people) - at) < 0.05)  # type: ignore[misc]
    assert models.people == 8


def test_the_tracker_locks_on_to_whoever_is_at_a_point() -> None:
    tracker = Tracker("largest")
    people = tracker(both(frame(0.0)), SIZE, 0.0)
    assert len(people) == 1
    assert not tracker.choose(5, 5)
    assert tracker.choose(RIGHT * SIZE[0], 0.6 * SIZE[1])
    assert abs(middle(tracker(both(frame(0.1)), SIZE, 0.1)) - RIGHT) < 0.05
    tracker.release()
    assert len(tracker(both(frame(0.2)), SIZE, 0.2)) == 1


def test_the_box_holds_the_points() -> None:
    pose = standing()
    x, y, width, height = box(pose)
    assert (pose.points >= (x, y)).all()
    assert (pose.points <= (x + width + 1e-6, y + height + 1e-6)).all()
    assert beside(pose, x + width / 2, y + height / 2) == 0
    assert beside(pose, x - 300, y) > 100


@pytest.mark.models
def test_two_people_in_a_real_clip() -> None:
    """A man at picture left is the larger one; a click on the woman in the middle makes her the one, and she stays."""
    with av.open(str(fetch("people-two"))) as container:
        image: Image = next(container.decode(video=0)).to_ndarray(format="rgb24")
    height, width = image.shape[:2]
    hand, came, newest = Hand(), threading.Condition(), list[LiveMoment]()

    def heard(moment: LiveMoment) -> None:
        with came:
            newest.append(moment)
            came.notify_all()

    with Live(LiveConfig(model="blazepose-lite"), source=hand) as live:
        live.listen(heard)

        def until(middle: float, count: int) -> None:
            """Frames until so many in a row were of the person in that place."""

            def now() -> bool:
                hand.put(image)
                late = [moment for moment in newest[-count:] if moment.seen]
                return len(late) == count and all(
                    abs(moment.seen[0].points[:, 0].mean() / width - middle) < 0.05 for moment in late
                )

            with came:
                assert came.wait_for(now, LONG)

        until(0.19, 1)
        assert live.follow(0.52, 0.36)
        until(0.52, 10)
        assert not live.follow(1.5, 0.5)
        assert height > width
