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


# 200 MB in blocks that are freed but for the last, which keeps the heap from becoming shorter.
HOLES = """
import ctypes
from pathlib import Path
from bodydouble.live.memory import give_back, keep_memory
keep_memory()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) // 256
blocks = [library.malloc(100_000) for _ in range(2000)]
for block in blocks:
    ctypes.memset(block, 1, 100_000)
for block in blocks[:-1]:
    library.free(block)
full = resident()
given = give_back()
print(given, full - resident())
"""

only_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator is known")


@only_glibc
def test_free_memory_between_what_is_used_goes_back_to_the_system() -> None:
    said = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True).stdout.split()
    assert said[0] == "True" and int(said[1]) > 150


@only_glibc
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
    assert memory.give_back() is False
