"""A live run made by hand: what it publishes is what a test says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bodydouble.characters import Puppet, load
from bodydouble.live.config import LiveConfig
from bodydouble.live.moment import LiveMoment, LiveReport, ModelState
from bodydouble.skeletons import SKELETONS
from bodydouble.sources.live import Condition, Health
from bodydouble.types import Frame, Pose
from posing import posed

START = 5000.0  # seconds on the clock at which runs begin: clocks do not start at 0


def person(
    time: float, *, skeleton: str = "coco-17", size: tuple[int, int] = (64, 48), number: int = 1, raised: float = 0.0
) -> Pose:
    """Somebody who stands in the middle of the picture, facing it. raised: 0..1, the left arm from down to up."""
    table = SKELETONS[skeleton]
    middle, turn = {"nose": (0.5, 0.2), "hip": (0.5, 0.55)}, np.pi * raised
    for side, sign in (("left", 1), ("right", -1)):
        arm = turn if side == "left" else 0.0
        shoulder = np.array([0.5 + 0.06 * sign, 0.3])
        down = np.array([sign * 0.5 * np.sin(arm) * size[1] / size[0] * 1.3, np.cos(arm)])
        middle |= {f"{side}_eye": (0.5 + 0.01 * sign, 0.18), f"{side}_ear": (0.5 + 0.03 * sign, 0.19)}
        middle |= {f"{side}_shoulder": tuple(shoulder), f"{side}_elbow": tuple(shoulder + 0.12 * down)}
        middle |= {f"{side}_wrist": tuple(shoulder + 0.22 * down), f"{side}_hip": (0.5 + 0.04 * sign, 0.55)}
        middle |= {f"{side}_knee": (0.5 + 0.04 * sign, 0.75), f"{side}_ankle": (0.5 + 0.04 * sign, 0.93)}
    points = np.array([middle.get(name, (0.0, 0.0)) for name in table.points]) * size
    scores = np.array([0.9 if name in middle else 0.0 for name in table.points])
    world = np.concatenate([(points / size[1] - 0.55) * (2, -2), np.zeros((len(table), 1))], axis=1)
    return Pose(skeleton, points, scores, 0.9, time, world=world, person=number)


class MadeLive:
    """Publishes what it is told to, in the thread that tells it."""

    def __init__(self, character: str | Path = "fox", **config: object) -> None:
        self.config = LiveConfig(character=character, **config)  # type: ignore[arg-type]
        self.puppet: Puppet = load(character, pixels=240)
        self.listeners: list[Callable[[LiveMoment], None]] = []
        self.count = 0
        self.revision = 1
        self.source = "made camera"
        self.model = "made-model"

    def listen(self, callback: Callable[[LiveMoment], None]) -> Callable[[], None]:
        self.listeners.append(callback)

        def stop() -> None:
            if callback in self.listeners:
                self.listeners.remove(callback)

        return stop

    def report(self) -> LiveReport:
        health = Health(Condition.LIVE, "", (64, 48), 30.0, self.count, 0, self.source)
        return LiveReport(START, health, ModelState(self.model, "cpu"))

    def moment(
        self,
        time: float,
        seen: list[Pose] | None = None,
        *,
        size: tuple[int, int] = (64, 48),
        turns: dict[str, float] | None = None,
        captured: float | None = None,
        index: int | None = None,
    ) -> LiveMoment:
        """A moment at START + time; seen: None for nobody. captured: 0 for one without a frame."""
        at = START + time if captured is None else captured
        self.count += 1
        people = seen or []
        followed = people[0].person if people else -1
        frame = Frame(np.zeros((size[1], size[0], 3), np.uint8), at, self.count if index is None else index)
        pose = posed(self.puppet.rig, turns, person=followed)
        return LiveMoment(
            sequence=self.count,
            captured=at,
            time=START + time + 0.01,
            ready=START + time + 0.02,
            people=people,
            seen=people,
            rigs={followed: pose},
            frame=frame if at else None,
            followed=followed,
            idle=not people,
            model=self.model,
            puppet=self.puppet,
            revision=self.revision,
        )

    def publish(self, moment: LiveMoment) -> None:
        for listener in list(self.listeners):
            listener(moment)

    def play(self, seconds: float, *, start: float = 0.0, rate: float = 30.0, **more: object) -> None:
        """The left arm goes up once in so many seconds."""
        for step in range(round(seconds * rate)):
            time = start + step / rate
            self.publish(self.moment(time, [person(time, raised=min(1.0, step / rate / seconds), **more)]))  # type: ignore[arg-type]
