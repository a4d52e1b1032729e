"""Old-style control flow (Switch, Merge, Enter, Exit, NextIteration, LoopCond) lifted into functions."""

from __future__ import annotations

from bodydouble.convert.tfjs.records import Function


def lifted(function: Function) -> Function:
    """The same function."""
    return function
