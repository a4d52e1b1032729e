"""The token that a page from the network has to show, and patience with those who guess it.

128 random bits cannot be guessed; the delay and the limit are there so that guessing costs the guesser and not us.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable

TOKEN_BYTES = 16  # 128 bits
DELAY = 0.5  # seconds before a wrong token is answered
MOST_WRONG = 10  # from one address within WINDOW; then it is refused at once, and more tersely
WINDOW = 60.0  # seconds
MOST_ADDRESSES = 1024  # remembered; the one not heard of for longest is forgotten


def new_token() -> str:
    """A token fit for an address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


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
