"""What waits to be sent to one page: of every kind the newest only, answers in their order.

No I/O, no clock: hub.py asks `next()` whenever the page's socket has room. A page that sleeps finds, when it comes
back, the newest of everything and nothing older; what waits for it never grows.
"""

from __future__ import annotations

from collections import deque

MOST_AHEAD = 2  # motions beyond the last acknowledged one
MOST_UNHEARD = 90  # pictures and points since the page's last word: what two seconds hold, as often as a page pings
MOST_ANSWERS = 64  # of commands; a page may have half of that under way (hub.py)

# Text first, as it says what the frames are about; then what is looked at most.
ORDER = ("hello", "pong", "state", "choices", "scene", "status", "motion", "people", "preview", "feed")
LIMITED = ("people", "preview")


class Outbox:
    """The mailbox of one page."""

    def __init__(self) -> None:
        self._newest: dict[str, str | bytes] = {}
        self._answers: deque[str] = deque(maxlen=MOST_ANSWERS)
        self._sequence = 0  # of the motion that waits
        self._ahead: deque[int] = deque()  # sequences sent and not acknowledged
        self._unheard = 0
        self.overtaken = 0

    def put(self, kind: str, data: str | bytes) -> None:
        """The newest of a kind (one of ORDER); an older one that still waits is dropped."""
        if kind in self._newest:
            self.overtaken += 1
        self._newest[kind] = data

    def put_motion(self, sequence: int, data: bytes) -> None:
        """The newest motion, and the number that it will be acknowledged by."""
        self.put("motion", data)
        self._sequence = sequence

    def put_answer(self, text: str) -> None:
        """An answer; all are sent, in this order."""
        self._answers.append(text)

    def acknowledge(self, sequence: int) -> None:
        """The page took up this motion, and with it all before."""
        while self._ahead and self._ahead[0] <= sequence:
            self._ahead.popleft()

    def heard(self) -> None:
        """The page said something: it is awake."""
        self._unheard = 0

    def next(self) -> str | bytes | None:
        """What to send now; None if nothing waits, or the page has to answer for what it has first."""
        for kind in ORDER:
            if kind == "state" and self._answers:
                return self._answers.popleft()
            if kind not in self._newest or (kind in LIMITED and self._unheard >= MOST_UNHEARD):
                continue
            if kind == "motion":
                if len(self._ahead) >= MOST_AHEAD:
                    continue
                self._ahead.append(self._sequence)
            if kind in LIMITED:
                self._unheard += 1
            return self._newest.pop(kind)
        return None
