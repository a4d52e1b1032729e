"""The memory of this process."""

from __future__ import annotations

import sys
from pathlib import Path

STATUS = Path("/proc/self/status")  # Linux: its resource usage also counts the process that started this one


def peak_megabytes() -> float:
    """Peak resident memory of this process so far; 0 where the system does not tell."""
    if STATUS.is_file():
        lines = [line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:")]
        if lines:
            return int(lines[0].split()[1]) / (1 << 10)
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def resident_megabytes() -> float:
    """Resident memory of this process now; where the system does not tell, its peak so far."""
    if STATUS.is_file():
        lines = [line for line in STATUS.read_text().splitlines() if line.startswith("VmRSS:")]
        if lines:
            return int(lines[0].split()[1]) / (1 << 10)
    return peak_megabytes()
