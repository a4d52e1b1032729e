"""Installs PyTorch for the tests, unless that would bring CUDA's libraries, which are gigabytes.

Run by the Makefile with the virtual environment's Python. Where PyTorch is left out its tests are skipped, and say so.
"""

import importlib.util
import json
import subprocess
import sys

PIP = (sys.executable, "-m", "pip", "install", "--quiet", "--constraint", "constraints.txt")
CUDA = ("nvidia", "cuda", "triton")  # how the packages are named that a build for GPUs needs


def main() -> None:
    if importlib.util.find_spec("torch"):
        return
    plan = subprocess.run([*PIP, "--dry-run", "--report", "-", "torch"], capture_output=True, text=True, check=False)
    if plan.returncode:
        print(f"PyTorch cannot be had here: {plan.stderr.strip().splitlines()[-1]}; its tests will be skipped")
        return
    names = [entry["metadata"]["name"].lower() for entry in json.loads(plan.stdout)["install"]]
    if any(name.startswith(CUDA) for name in names):
        print(
            f"PyTorch would bring {len(names)} packages with CUDA here; its tests will be skipped. "
            "To run them: pip install a CPU build of torch into the virtual environment"
        )
        return
    subprocess.run([*PIP, "torch"], check=True)


if __name__ == "__main__":
    main()
