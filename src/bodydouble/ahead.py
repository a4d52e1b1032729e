"""Work ahead of its reader: an iterator run in a thread of its own, a few items in advance.

The parts of the pipeline spend their time in native code that lets other threads run (decoding, the model, drawing,
encoding), so putting `ahead` between them uses all cores without processes. Nothing grows: a full queue waits.
Imports nothing of ours.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from typing import Any, TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.1  # how soon a waiting thread sees that its reader has gone
_END = object()


def ahead(items: Iterable[T], depth: int = 3) -> Generator[T, None, None]:
    """The same items in the same order, made up to `depth` in advance.

    An error of `items` is raised at its place in the order. Closing the iterator (or leaving the loop) stops the
    thread and closes `items`.
    """
    ready: queue.Queue[Any] = queue.Queue(maxsize=depth)
    stopped = threading.Event()
    failure: list[BaseException] = []

    def put(item: object) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=POLL_SECONDS)
                return True
            except queue.Full:
                continue
        return False

    turn = threading.Lock()  # of whoever may touch `items`: Ctrl-C can come before the thread is known to have begun
    begun = threading.Event()

    def produce() -> None:
        with turn:
            if stopped.is_set():
                return
            begun.set()
            try:
                with ExitStack() as stack:
                    stack.callback(_close, iterator)
                    for item in iterator:
                        if not put(item):
                            break
            except BaseException as error:  # noqa: BLE001  whatever it is, it belongs to the reader
                failure.append(error)
        put(_END)

    iterator = iter(items)
    thread = threading.Thread(target=produce, name="bodydouble-ahead", daemon=True)
    try:
        thread.start()
        while (item := ready.get()) is not _END:
            yield item
    finally:
        stopped.set()
        with turn:
            if not begun.is_set():
                _close(iterator)
        if thread.is_alive():
            thread.join()
    if failure:
        raise failure[0]


def _close(iterator: Iterator[Any]) -> None:
    close = getattr(iterator, "close", None)
    if close is not None:
        close()
