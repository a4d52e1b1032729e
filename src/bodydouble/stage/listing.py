"""What there is to choose from: cameras, characters and backgrounds as they were found last.

Looked for in the thread of the commands; what was found may be read beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from bodydouble.sources.live import kind_of
from bodydouble.stage import reports
from bodydouble.stage.backgrounds import backgrounds
from bodydouble.stage.wardrobe import Wardrobe
from bodydouble.types import BodyDoubleError

BROWSER = reports.CameraChoice("browser", "This page's camera", kind="browser")
_PASSWORD = re.compile(r"//[^/@]*@")  # of an address: not for everybody who looks at the page


def cameras() -> list[reports.CameraChoice]:
    """The cameras of this computer, with what each offers."""
    from bodydouble.sources.camera import cameras as found

    return [
        reports.CameraChoice(
            camera.name, camera.label, [reports.CameraMode(int(w), int(h), float(fps)) for w, h, fps in camera.modes]
        )
        for camera in found()
    ]


class Listing:
    """The lists. given: the camera of the command line or the last run: may be a file or an address."""

    def __init__(
        self, wardrobe: Wardrobe, pictures: Path, given: str, find_cameras: Callable[[], list[reports.CameraChoice]]
    ) -> None:
        self.find_cameras = find_cameras
        self.characters: list[reports.CharacterChoice] = []
        self.backgrounds: list[str] = []
        self._wardrobe = wardrobe
        self._pictures = pictures
        self._given = given
        self._found: list[reports.CameraChoice] = []
        self._whole = False  # whether the folders were looked through as a whole

    @property
    def cameras(self) -> list[reports.CameraChoice]:
        """The browser's camera, those of this computer, and what was given if it is none of them."""
        listed = [BROWSER, *self._found]
        if self._given and self._given not in [camera.name for camera in listed]:
            label = _PASSWORD.sub("//", self._given)
            listed.append(reports.CameraChoice(self._given, label, kind=kind_of(self._given)))
        return listed

    def refresh(self) -> None:
        """List cameras, characters and backgrounds anew. Raises BodyDoubleError if cameras cannot be listed."""
        self.refresh_folders()
        self._found = self.find_cameras()

    def refresh_folders(self) -> None:
        """List characters and backgrounds anew."""
        self.characters = self._wardrobe.choices()
        self.backgrounds = list(backgrounds(self._pictures))
        self._whole = True

    def bit_by_bit(self) -> Iterator[None]:
        """Refresh for the first time, as there may be much to look at: whenever it yields, more is known.

        Commands may come between. Raises BodyDoubleError at the end if cameras cannot be listed.
        """
        self.backgrounds = list(backgrounds(self._pictures))
        fault: BodyDoubleError | None = None
        try:
            self._found = self.find_cameras()
        except BodyDoubleError as error:
            fault = error
        listed = {one.name: one for one in self._wardrobe.unseen()}
        self.characters = list(listed.values())
        yield
        for name in list(listed):
            if self._whole:  # a command was quicker, and knows of what it changed
                break
            try:
                listed[name] = self._wardrobe.choice(name)
            except BodyDoubleError:
                del listed[name]
            self.characters = list(listed.values())
            yield
        if fault is not None:
            raise fault
