"""What stands on the stage: the character's file for the page, made beside the run, and the scene that names it.

Lives in the server's event loop. Motions of a character go out only once its scene has, as a page can do nothing with
the bones of another.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from bodydouble.stage import messages
from bodydouble.stage.desk import Desk
from bodydouble.stage.puppets import puppet_bytes, sharper
from bodydouble.types import BodyDoubleError

_log = logging.getLogger(__name__)

Later = Callable[[Callable[[], Any]], Awaitable[Any]]


class Scenery:
    """The scene in force, None before the first is made. later: does something in the thread of the commands.

    changed: is told of every new scene. revision: of the character that the scene shows.
    """

    def __init__(self, desk: Desk, later: Later, changed: Callable[[messages.Scene], None]) -> None:
        self.scene: messages.Scene | None = None
        self.revision = -1
        self._desk = desk
        self._later = later
        self._changed = changed
        self._puppets: dict[str, bytes] = {}  # by tag: that of the current character and of the one before
        self._making = False

    def puppet(self, tag: str) -> bytes | None:
        """The file of a character that was just on the stage, by its tag."""
        return self._puppets.get(tag)

    def outdated(self, revision: int) -> bool:
        """Whether another character plays by now, and `make` is to be called; True once for each."""
        if revision == self.revision or self._making:
            return False
        self._making = True
        return True

    async def make(self) -> None:
        """Make the character's file for the page, then tell of it."""
        live = self._desk.live
        revision, puppet = live.revision, live.puppet
        try:
            data, tag = await self._later(lambda: puppet_bytes(sharper(puppet)))
            name = await self._later(lambda: self._desk.wardrobe.name_of(puppet.path))
            self._puppets = {**dict(list(self._puppets.items())[-1:]), tag: data}
            self._set(self._desk.scene(name, f"/api/characters/{quote(name, safe='')}/puppet?v={tag}"))
        except BodyDoubleError as fault:
            _log.warning("%s", fault)  # the page goes on with the character before
        finally:
            self.revision = revision
            self._making = False

    def renew(self) -> None:
        """The settings changed: framing, background and shadow may have."""
        if self.scene is not None:
            self._set(self._desk.scene(self.scene.character, self.scene.puppet))

    def _set(self, scene: messages.Scene) -> None:
        if scene != self.scene:
            self.scene = scene
            self._changed(scene)
