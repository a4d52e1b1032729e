"""One plain sentence when tracking is poor, and why: from what the last second of frames was like.

Every cause has two levels, one to be told and one to be over, and must have held for a while; of several the first in
CAUSES is told. Shares are of the picture's size. Pure: a Look is all that is known of a frame. Seconds.
The levels were chosen on the test clips cropped, shrunk and darkened: docs/decisions/live.md
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bodydouble.skeletons import skeleton
from bodydouble.types import Image, Pose, State

AVERAGING = 0.8  # seconds over which a cause is averaged
TELL, OVER = 0.7, 0.3  # share of late frames that show it: told from here, over from there
FRESH = 12.0  # seconds after somebody was taken in which it is told that others might have been meant
SHOWN = 3.0  # seconds for which a sentence stays at least, so that it can be read
ALONE_AFTER = 3.0  # seconds without anybody until that is told: people come and go

DARK = (45.0, 60.0)  # median brightness 0..255: 160 in a lit room; the models lose people below 15
BRIGHT = (235.0, 225.0)
NEAR = (1.0, 0.85)  # trunk's height in picture heights; head and shoulders fill a picture at 0.75
WIDE = (0.70, 0.60)  # shoulders' width in picture widths
FAR = (0.06, 0.075)  # trunk's height: a whole person is 3.4 of it, so 0.2 picture heights
ASIDE = (0.20, 0.12)  # share of the points beyond the left or the right edge
POOR = (0.55, 0.70)  # confidence
DOUBTED = 0.85  # confidence above which darkness does no harm
SLOW = (1.10, 1.0)  # what a frame takes over what there is
CAMERA = (0.75, 0.85)  # share of the rate asked for that the camera gives
COARSE = 16  # every so many pixels are looked at for brightness

ARMS = ("shoulder", "elbow", "wrist", "hip")
LEGS = ("knee", "ankle")


@dataclass(frozen=True, slots=True)
class Look:
    """What one frame was like.

    brightness: median, 0..255. people: in sight, or who were when the one followed was taken. one: "largest" is
    followed. pose: of who moves the character, as measured, None for nobody. size: of the picture. whole: the whole
    character is shown. took: seconds that a frame takes in all. period: seconds there are. rate, asked: of the camera,
    0 unknown. model: in use. lightest: nothing quicker can be had. lighter: what to choose instead, "" for
    none. automatic: the program chooses the model. own: the picture comes from the page's own camera.
    """

    time: float
    brightness: float
    people: int
    pose: Pose | None
    size: tuple[int, int]
    one: bool = True
    whole: bool = True
    took: float = 0.0
    period: float = 1 / 30
    rate: float = 0.0
    asked: float = 30.0
    model: str = ""
    lightest: bool = False
    lighter: str = ""
    automatic: bool = False
    own: bool = False


def brightness(image: Image) -> float:
    """Median of green, 0..255: about what an eye sees, and a lamp in the picture does not change it."""
    return float(np.median(image[::COARSE, ::COARSE, 1]))


def confidence(pose: Pose | None) -> float:
    """0..1, how surely the points that move a character are seen; 0 for nobody."""
    if pose is None:
        return 0.0
    parts = (*ARMS, *LEGS) if pose.state is State.TRACKED else ARMS
    index = skeleton(pose.skeleton).index
    rows = [index[f"{side}_{part}"] for part in parts for side in ("left", "right")]
    return float(pose.scores[rows].mean())


@dataclass(frozen=True, slots=True)
class Seen:
    """A Look, measured. All 0 but `look` when nobody is there. fresh: whoever is followed has not been so for long."""

    look: Look
    confidence: float
    trunk: float
    shoulders: float
    beside: float
    headless: bool
    legless: bool
    fresh: bool = False


def measured(look: Look) -> Seen:
    """How large and how far aside the person of a look is."""
    pose = look.pose
    if pose is None:
        return Seen(look, 0.0, 0.0, 0.0, 0.0, False, False)
    index = skeleton(pose.skeleton).index
    width, height = look.size
    points = pose.points
    left, right = points[index["left_shoulder"]], points[index["right_shoulder"]]
    hips = (points[index["left_hip"]] + points[index["right_hip"]]) / 2
    x = points[:, 0]
    nose = points[index["nose"]]
    return Seen(
        look=look,
        confidence=confidence(pose),
        trunk=float(np.hypot(*((left + right) / 2 - hips))) / height,
        shoulders=float(np.hypot(*(left - right))) / width,
        beside=float(max((x < 0).mean(), (x > width).mean())),
        headless=bool(nose[1] < 0),
        legless=pose.state is State.UPPER_BODY,
    )


def _under(value: float, levels: tuple[float, float], told: bool) -> bool:
    return value < levels[told]


def _over(value: float, levels: tuple[float, float], told: bool) -> bool:
    return value > levels[told]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why tracking may be poor. shows: whether a frame shows it, given whether it is told. after: seconds it lasts."""

    name: str
    shows: Callable[[Seen, bool], bool]
    says: Callable[[Seen], str]
    after: float = 0.0


def _always(sentence: str) -> Callable[[Seen], str]:
    return lambda seen: sentence


def _slow_words(seen: Seen) -> str:
    look = seen.look
    rate = 1 / look.period
    if look.lightest:
        return (
            f"This computer is too busy for {rate:.0f} pictures a second; close other programs or choose a lower rate"
        )
    named = f"choose {look.lighter} or auto" if look.lighter else "choose auto"
    cure = "a lighter one is being taken" if look.automatic else named
    return f"{look.model} takes {1e3 * look.took:.0f} ms for a picture, too long for {rate:.0f} a second; {cure}"


def _camera_words(seen: Seen) -> str:
    """A camera is slow in the dark or at a large size; where a model cannot do more, the computer is the brake."""
    look = seen.look
    few = f"{look.rate:.0f} of {look.asked:.0f} pictures a second"
    if look.took * look.asked > SLOW[0]:
        return f"Only {few} come: this computer is too busy for more; close other programs or choose a lower rate"
    if look.own:
        return (
            f"Only {few} come from the browser's camera: a busy computer, a slow network or little light holds it up; "
            "close other programs and pages, or choose a smaller size"
        )
    return f"The camera gives only {few}; more light or a smaller size makes it quicker"


CAUSES = (
    Cause(
        "dark",
        lambda seen, told: _under(seen.look.brightness, DARK, told) and seen.confidence < DOUBTED,
        _always("It is too dark to see you well; turn on a light or face a window"),
    ),
    Cause(
        "bright",
        lambda seen, told: _over(seen.look.brightness, BRIGHT, told) and seen.confidence < DOUBTED,
        _always("The picture is too bright to see you well; turn away from the light or lower the camera's exposure"),
    ),
    Cause(
        "nobody",
        lambda seen, told: seen.look.pose is None,
        _always("Nobody is in the picture; step in front of the camera"),
        ALONE_AFTER,
    ),
    Cause(
        "near",
        lambda seen, told: _over(seen.trunk, NEAR, told) or _over(seen.shoulders, WIDE, told),
        _always("You are too near; move back until your head and both arms are in the picture"),
    ),
    Cause(
        "aside",
        lambda seen, told: _over(seen.beside, ASIDE, told),
        _always("You are partly out of the picture at the side; move towards its middle"),
    ),
    Cause(
        "headless",
        lambda seen, told: seen.headless,
        _always("Your head is out of the picture; tilt the camera up or step back"),
    ),
    Cause(
        "far",
        lambda seen, told: seen.look.pose is not None and _under(seen.trunk, FAR, told),
        _always("You are far away and small in the picture; come nearer"),
    ),
    Cause(
        "slow",
        lambda seen, told: _over(seen.look.took / seen.look.period, SLOW, told),
        _slow_words,
        4.0,  # the governor has mended it by then if it can
    ),
    Cause(
        "poor",
        lambda seen, told: seen.look.pose is not None and _under(seen.confidence, POOR, told),
        _always("You are hard to make out; even light and clothes unlike the background help"),
    ),
    Cause(
        "legs",
        lambda seen, told: seen.legless and seen.look.whole,
        _always("Your legs are out of the picture, so the character's just stand; step back, or show half of it"),
        2.0,
    ),
    Cause(
        "several",
        lambda seen, told: seen.look.people > 1 and seen.look.one and seen.fresh,
        _always("Several people are in the picture; click on the one to follow"),
        1.0,
    ),
    Cause(
        "camera",
        lambda seen, told: 0 < seen.look.rate < CAMERA[told] * seen.look.asked,
        _camera_words,
        3.0,
    ),
)


class Hints:
    """Listens to looks; `hint` is what to say. Times that run backwards start afresh."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self.hint = ""
        self.confidence = 0.0
        self._told = ""
        self._since = -math.inf
        self._time: float | None = None
        self._person: int | None = None  # who was followed last, and since when
        self._taken = -math.inf
        self._share = dict.fromkeys((cause.name for cause in CAUSES), 0.0)
        self._began: dict[str, float] = {}

    def update(self, look: Look) -> str:
        """Take in one frame; the sentence to show, "" when all is well."""
        if self._time is not None and look.time < self._time:
            self.reset()
        step = 0.0 if self._time is None else look.time - self._time
        self._time = look.time
        fresh = -math.expm1(-step / AVERAGING)
        seen = self._aged(measured(look))
        self.confidence += fresh * (seen.confidence - self.confidence)
        for cause in CAUSES:
            shown = cause.shows(seen, cause.name in self._began)
            self._share[cause.name] += fresh * (shown - self._share[cause.name])
            if cause.name not in self._began and self._share[cause.name] > TELL:
                self._began[cause.name] = look.time
            elif self._share[cause.name] < OVER:
                self._began.pop(cause.name, None)
        self._say(seen)
        return self.hint

    def _aged(self, seen: Seen) -> Seen:
        """With whether the person has only just been taken."""
        look = seen.look
        if look.pose is not None and (self._person is None or look.pose.person != self._person):
            self._person, self._taken = look.pose.person, look.time
        return replace(seen, fresh=look.time - self._taken < FRESH)

    def _say(self, seen: Seen) -> None:
        """Choose among the causes that hold; one that is told stays for SHOWN seconds."""
        time = seen.look.time
        due = [c for c in CAUSES if c.name in self._began and time - self._began[c.name] >= c.after]
        told = due[0].name if due else ""
        if told != self._told and time - self._since >= SHOWN:
            self._told, self._since = told, time
            self.hint = due[0].says(seen) if due else ""
