"""Where a live run keeps what is the user's own: characters, background pictures, recordings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

NAME = "bodydouble"


@dataclass(frozen=True, slots=True)
class Folders:
    """characters, backgrounds: read and written by the user. recordings: takes, films and snapshots."""

    characters: Path
    backgrounds: Path
    recordings: Path

    @classmethod
    def usual(cls, recordings: Path | None = None) -> Folders:
        """The system's own places; recordings in the user's folder of videos unless told otherwise."""
        data = Path(platformdirs.user_data_dir(NAME, appauthor=False))
        videos = Path(platformdirs.user_videos_dir()) / NAME
        return cls(data / "characters", data / "backgrounds", (recordings or videos).absolute())
