"""The token that a page from the network has to show, and patience with those who guess it.

128 random bits cannot be guessed; the delay and the limit are there so that guessing costs the guesser and not us. The
token is kept from run to run, so that an address put into OBS on another computer stays good.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import platformdirs

from bodydouble.models.cache import write_whole
from bodydouble.stage.folders import NAME

TOKEN_BYTES = 16  # 128 bits
DELAY = 0.5  # seconds before a wrong token is answered
MOST_WRONG = 10  # from one address within WINDOW; then it is refused at once, and more tersely
WINDOW = 60.0  # seconds
MOST_ADDRESSES = 1024  # remembered; the one not heard of for longest is forgotten
OTHERS = stat.S_IRWXG | stat.S_IRWXO  # file modes by which other users of this computer could read or change it
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")  # as new_token makes them


def new_token() -> str:
    """A token fit for an address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_path() -> Path:
    """Where the token is kept: in the user's data folder."""
    return Path(platformdirs.user_data_dir(NAME, appauthor=False)) / "token"


def kept_token(path: Path, *, anew: bool = False, tell: Callable[[str], None] = lambda line: None) -> str:
    """The token of the last run; a new one, which is kept, if there is none, if others could read it, or `anew`.

    tell: is told in one line if it cannot be kept; it then holds for this run.
    """
    kept = None if anew else _read(path)
    if kept is not None:
        return kept
    token = new_token()
    try:
        write_whole(path, f"{token}\n".encode(), mode=stat.S_IRUSR | stat.S_IWUSR)
    except OSError as error:
        tell(f"the token cannot be kept in {path} ({error.strerror or error}); the next run has another one")
    return token


def _read(path: Path) -> str | None:
    """The token in a file of the user's own; None if there is none that can be trusted."""
    try:
        with path.open(encoding="ascii") as file:
            mode = os.fstat(file.fileno()).st_mode
            token = file.read(1024).strip()
    except (OSError, UnicodeError):
        return None
    private = os.name == "nt" or not mode & OTHERS  # Windows keeps the user's folders from others by other means
    return token if private and _TOKEN.fullmatch(token) else None


def same(given: str, token: str) -> bool:
    """Whether two tokens are equal, in a time that does not tell how far they are."""
    return secrets.compare_digest(given.encode("utf-8", "surrogatepass"), token.encode())


class Patience:
    """Counts wrong tokens by the address that they came from."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()

    def wrong(self, address: str) -> float:
        """A wrong token came from `address`: seconds to wait before it is refused; infinity: refuse it at once."""
        now = self._clock()
        times = [time for time in self._wrong.pop(address, []) if now - time < WINDOW]
        if len(times) < MOST_WRONG:
            times.append(now)
        else:
            self._wrong[address] = times
            return float("inf")
        self._wrong[address] = times
        while len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)
        return DELAY
