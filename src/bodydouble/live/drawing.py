"""A live run's characters as pictures of our own, for what is no page: snapshots and the virtual camera."""

from __future__ import annotations

import math
from pathlib import Path

from bodydouble.characters import Puppet
from bodydouble.characters.finer import finer
from bodydouble.live.background import Worker
from bodydouble.live.config import LiveConfig
from bodydouble.live.look import background_of, opaque
from bodydouble.live.moment import LiveMoment
from bodydouble.outputs.colours import TRANSPARENT
from bodydouble.outputs.draw import Figure, Stage
from bodydouble.outputs.framing import fit, reach
from bodydouble.outputs.shots import FULL, shot_scale, view
from bodydouble.types import Image

ENLARGED = 1.1  # by which textures may be drawn larger than they are before finer ones are loaded: nobody sees that


class Drawing:
    """Draws moments as the stage page shows them, at a size of its own. One thread's; close() it.

    size: width, height in pixels. pictures: the folder of the backgrounds called "picture:NAME". instead: the colour
    that stands where the background is transparent, None keeps it so; also for a picture that is gone. patient: waits
    up to a second for the finer textures that a close framing may want, rather than draw with coarser ones until then.
    """

    def __init__(
        self, size: tuple[int, int], *, pictures: Path | None, instead: str | None, patient: bool = False
    ) -> None:
        self._size = size
        self._pictures = pictures
        self._instead = instead
        self._patient = patient
        self._made_of: object = None
        self._stage: Stage | None = None
        self._puppet: Puppet | None = None  # as it is drawn
        self._sharp_for: tuple[int, int] | None = None  # revision, and pixels of height that textures are for
        self._textures: Worker[Puppet] = Worker("textures")

    def __call__(self, moment: LiveMoment, config: LiveConfig) -> Image:
        """(H, W, 3) RGB, or (H, W, 4) premultiplied RGBA where a transparent background is kept."""
        made_of = (moment.revision, config.background, config.framing, config.shadow)
        if self._stage is None or made_of != self._made_of:
            self._stage, self._made_of = self._made(config), made_of  # anew for another puppet: it lets go of the old
        puppet = self._sharp(moment, config.framing)
        return self._stage.render([Figure(puppet, rig) for rig in moment.rigs.values()])

    def close(self) -> None:
        """Wait for what is being loaded. Closing twice is allowed."""
        self._textures.close()

    def _made(self, config: LiveConfig) -> Stage:
        background = TRANSPARENT
        if self._instead is not None:
            background = opaque(background_of(config.background, self._pictures), self._instead)
        return Stage(self._size, background, shadow=config.shadow, framing=config.framing)

    def _sharp(self, moment: LiveMoment, framing: str) -> Puppet:
        """The moment's puppet with textures that suit the framing, as soon as they are there."""
        key = (moment.revision, pixels_for(moment.puppet, framing, self._size))
        if key != self._sharp_for or self._puppet is None:
            self._sharp_for, self._puppet = key, moment.puppet
            if key[1] and self._patient:
                self._puppet = finer(moment.puppet, key[1])
            elif key[1]:
                self._textures.ask(key, lambda: finer(moment.puppet, key[1]))
        outcome = self._textures.take()
        if outcome is not None and outcome.key == key and outcome.value is not None:
            self._puppet = outcome.value
        return self._puppet


def pixels_for(puppet: Puppet, framing: str, size: tuple[int, int]) -> int:
    """Pixels of height that a puppet's textures must be sharp at for a stage of `size`; 0 where they are already."""
    scale = fit(size, reach(puppet)).scale if framing == FULL else shot_scale(view(puppet, framing), size)
    return math.ceil(scale * puppet.rig.height) if scale > ENLARGED * puppet.scale else 0
