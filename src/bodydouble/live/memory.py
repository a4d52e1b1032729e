"""Keeps the memory of a run that lasts for hours at what it needs, where the system's allocator would let it grow.

glibc gives every few threads a heap of their own, and after large blocks were freed it takes as large ones from those
heaps: sources, characters and models that come and go leave holes in them that nobody can fill. Cameras exchanged
48 times, with heaps and thresholds set like this from outside: 458 to 469 MB, and 590 to 650 MB without
(benchmarks/live_soak.py looks at a whole run). Other systems'
allocators are left as they are.
"""

from __future__ import annotations

import ctypes
import sys

HEAPS = 2  # the main thread's and one for all others: what they allocate is large and seldom, so they hardly wait
# Bytes from which a block is given back to the system when it is freed: a 720p picture (2.8 MB) is used again for the
# next one, a character's textures are not.
LARGE = 4 << 20
SPARE = 16 << 20  # free bytes that a heap may keep at its end
# Parameters of mallopt(3), malloc.h of glibc.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def keep_memory() -> bool:
    """Set the allocator up; to be called before threads are started. Returns whether there was anything to set."""
    library = _glibc()
    if library is None:
        return False
    options = ((_ARENA_MAX, HEAPS), (_MMAP_THRESHOLD, LARGE), (_TRIM_THRESHOLD, SPARE))
    done = [library.mallopt(parameter, value) == 1 for parameter, value in options]  # all of them, whatever one says
    return all(done)


def give_back() -> bool:
    """Give the system the free pages between what is used; takes some milliseconds. Returns whether there were any.

    For after something large was let go of: a model, a character, a camera. Once a soak of two minutes had come to
    rest, 190 of 510 MB were such pages.
    """
    library = _glibc()
    return library is not None and library.malloc_trim(0) == 1


def _glibc() -> ctypes.CDLL | None:
    """The C library, if it is one whose allocator is known here."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version") or not hasattr(library, "mallopt"):
        return None  # musl has one heap, and gives back what is free
    return library
