"""What of the web server's own words a user has to know: the terminal is no log of who asked for what."""

from __future__ import annotations

import asyncio
import logging

MALFORMED = ("Invalid HTTP request", "Unsupported upgrade request")  # as uvicorn's warnings about those begin


class Sayings(logging.Filter):
    """A filter for uvicorn's log. malformed: requests that were no HTTP, counted in place of a line each."""

    def __init__(self) -> None:
        super().__init__()
        self.malformed = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to say it: that what a page still waited for was cut off at the end is no error either."""
        words = str(record.msg)
        if words.startswith(MALFORMED):
            self.malformed += 1
            return False
        cut = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
        cut = cut or words.rstrip().endswith(asyncio.CancelledError.__name__)  # a trace as text: Ctrl-C, pressed twice
        return not (cut or words.startswith("Cancel %s running task(s)"))
