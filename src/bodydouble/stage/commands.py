"""A command of a page, carried out at the desk, and what becomes of it: always an answer."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bodydouble.stage import messages
from bodydouble.stage.desk import Desk
from bodydouble.stage.text import FromPage
from bodydouble.types import BodyDoubleError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, and what all pages have to be told: settings, choices."""

    answer: messages.Answer
    settings: bool = False
    choices: bool = False


def carry_out(desk: Desk, command: FromPage) -> Outcome:
    """Do what a page asks; may take a while. A fault of ours is logged, told, and does not stop the run."""
    number = getattr(command, "id", 0)
    before = desk.settings
    try:
        message, path = _done(desk, command)
    except BodyDoubleError as fault:
        return Outcome(messages.Answer("answer", number, False, str(fault)))
    except Exception:  # noqa: BLE001
        _log.exception("%s failed", command.kind)
        words = "that failed by a fault of bodydouble's own; the terminal shows it"
        return Outcome(messages.Answer("answer", number, False, words))
    answer = messages.Answer("answer", number, True, message, path)
    return Outcome(answer, desk.settings != before, isinstance(command, messages.Refresh))


def _done(desk: Desk, command: FromPage) -> tuple[str, str]:
    """Do it; what to say, and the address of a file that was made."""
    match command:
        case messages.Change(settings=values):
            desk.change(values)
            return "", ""
        case messages.Calibrate(seconds=seconds):
            return desk.calibrate(seconds), ""
        case messages.Record(on=on, film=film):
            return desk.record(on, film)
        case messages.Snapshot(transparent=transparent):
            return desk.snapshot(transparent)
        case messages.VirtualCamera(on=on):
            return desk.virtual_camera(on), ""
        case messages.Follow(x=x, y=y):
            return desk.follow(x, y), ""
        case messages.Refresh():
            desk.listing.refresh()
            return "", ""
    raise BodyDoubleError(f"{command.kind} is no command")
