"""A live run's characters as pictures of our own, for what is no page: snapshots and the virtual camera."""

from __future__ import annotations

from pathlib import Path

from bodydouble.live.config import LiveConfig
from bodydouble.live.look import background_of, opaque
from bodydouble.live.moment import LiveMoment
from bodydouble.outputs.colours import TRANSPARENT
from bodydouble.outputs.draw import Figure, Stage
from bodydouble.types import Image


class Drawing:
    """Draws moments as the stage page shows them, at a size of its own. One thread's.

    size: width, height in pixels. pictures: the folder of the backgrounds called "picture:NAME". instead: the colour
    that stands where the background is transparent, None keeps it so; also for a picture that is gone.
    """

    def __init__(self, size: tuple[int, int], *, pictures: Path | None, instead: str | None) -> None:
        self._size = size
        self._pictures = pictures
        self._instead = instead
        self._made_of: object = None
        self._stage: Stage | None = None

    def __call__(self, moment: LiveMoment, config: LiveConfig) -> Image:
        """(H, W, 3) RGB, or (H, W, 4) premultiplied RGBA where a transparent background is kept."""
        made_of = (moment.revision, config.background, config.framing, config.shadow)
        if self._stage is None or made_of != self._made_of:
            self._stage, self._made_of = self._made(config), made_of  # anew for another puppet: it lets go of the old
        return self._stage.render([Figure(moment.puppet, rig) for rig in moment.rigs.values()])

    def _made(self, config: LiveConfig) -> Stage:
        background = TRANSPARENT
        if self._instead is not None:
            background = opaque(background_of(config.background, self._pictures), self._instead)
        return Stage(self._size, background, shadow=config.shadow, framing=config.framing)
