"""Playing something that has its own times, in real time: what files and downloads have in common."""

from __future__ import annotations

from collections.abc import Callable, Generator

from bodydouble.sources.live import Clock, Condition
from bodydouble.sources.pace import Pace
from bodydouble.sources.reopening import Reopening, Rest, Shot
from bodydouble.types import Image

HELD_SECONDS = 0.5  # a picture that stands for longer is given again so often: whoever follows people sees it goes on

Picture = Callable[[], Image]


class Playing(Reopening):
    """A Reopening source whose pictures are due at times of their own."""

    def __init__(
        self, name: str, *, thread: str, clock: Clock, stalled: tuple[Condition, str], rest: Rest | None = None
    ) -> None:
        super().__init__(name, thread=thread, clock=clock, stalled=stalled, rest=rest)
        self._name = name
        self._last: Image | None = None

    def _paced(self, pace: Pace, at: float, picture: Picture, note: str) -> Generator[Shot | None, None, None]:
        """One picture when it is due; before that the last one again if it stands for long. None: closed."""
        now = self._clock()
        if not pace.shows(at, now):
            yield Shot(None, now)
            return
        image = picture()
        if pace.is_slow(now) and not note:
            note = f"{self._name} plays slower than it should, this machine is too slow for it; use a smaller one"
        due = pace.due(at)
        while (ahead := due - self._clock()) > 0:
            if self._rest(min(ahead, HELD_SECONDS)):
                yield None
                return
            if due - self._clock() > HELD_SECONDS / 2 and self._last is not None:
                yield Shot(self._last, self._clock(), message=note)
        self._last = image
        yield Shot(image, due, message=note)
