"""The allocator of a run that lasts: set up where it is known, left alone elsewhere."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from bodydouble.live import memory

# Small blocks in eight threads, kept: each heap is a mapping of up to 64 MB of its own.
PROGRAM = """
import ctypes, sys, threading
from pathlib import Path
from bodydouble.live.memory import keep_memory
if sys.argv[1] == "kept":
    assert keep_memory()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
together = threading.Barrier(8)
def work():
    together.wait()
    found.add(library.malloc(5000) >> 26)
    together.wait()
found = set()
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(found))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has a heap for every few threads")
def test_threads_share_their_heaps() -> None:
    heaps = {
        how: int(
            subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True).stdout
        )
        for how in ("kept", "left")
    }
    assert heaps["kept"] <= memory.HEAPS < heaps["left"]


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert memory.keep_memory() is False
