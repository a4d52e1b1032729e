"""The table of handlers, filled by the modules beside it."""

from __future__ import annotations

from collections.abc import Callable

from bodydouble.convert.tflite_graph import Handler

HANDLERS: dict[str, Handler] = {}


def handles(*kinds: str) -> Callable[[Handler], Handler]:
    """Register a handler for TFLite operators, by their names in schema.fbs or their custom code."""

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            if kind in HANDLERS:
                raise ValueError(f"two handlers for {kind}")
            HANDLERS[kind] = handler
        return handler

    return register
