"""The speed of our models against TensorFlow.js (WebAssembly), LiteRT and MediaPipe, as a Markdown table.

    python benchmarks/models_against_peers.py [CLIP] [--models all] [--threads 2 1] [--peers litert tfjs mediapipe]
        [--peer-modules FOLDER] [--mediapipe-python PYTHON] [--tflite movenet-lightning=FILE ...] [--rounds 10]

All look at the same frames in turns (bodydouble.bench.speed). The ratios are medians over frames, ours over theirs, on
the clock and of CPU time; on a machine that others use too, the second with one thread is the one to trust. LiteRT runs
the bare network on the letterboxed picture and decodes nothing. docs/speed.md keeps what this printed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bodydouble.bench.contenders import PEERS, Tools
from bodydouble.bench.report import name_of
from bodydouble.bench.speed import Plan, Results, chosen_models, measure_models, peers_of, ratio
from bodydouble.films import Silent
from bodydouble.types import BodyDoubleError


def rows(results: Results) -> list[str]:
    """A row a pair of ours and a peer."""
    lines = []
    for one in results.measured:
        if one.contender.peer:
            continue
        for other in peers_of(one, results.measured):
            figures = [one.typical("ms"), other.typical("ms"), ratio(one, other)]
            figures += [one.typical("cpu"), other.typical("cpu"), ratio(one, other, "cpu")]
            cells = [one.contender.model, name_of(one), name_of(other), str(results.threads)]
            cells += [f"{value:.1f}" if index % 3 < 2 else f"{value:.2f}" for index, value in enumerate(figures)]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--models", default="all")
    parser.add_argument("--devices", nargs="+", default=["cpu"])
    parser.add_argument("--threads", nargs="+", type=int, default=[2, 1])
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--peer-modules", type=Path, default=Path())
    parser.add_argument("--mediapipe-python", type=Path)
    parser.add_argument("--tflite", nargs="+", default=[])
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    tflite = {name: Path(file) for name, file in (given.split("=") for given in options.tflite)}
    told = False
    for threads in options.threads:
        for name in options.peers:  # one peer at a time: two that spin would take each other's cores
            python = options.mediapipe_python if name == "mediapipe" else None
            tools = Tools(modules=options.peer_modules, tflite=tflite, **({"python": python} if python else {}))
            plan = Plan(
                chosen_models(options.models),
                tuple(options.devices),
                (name,),
                threads=threads,
                rounds=options.rounds,
                tools=tools,
            )
            try:
                results = measure_models(options.clip, plan, Silent())
            except BodyDoubleError as fault:
                print(f"{name}: {fault}")
                continue
            if not told:
                print(f"{results.clip}, {results.size[0]}x{results.size[1]}; {results.machine}\n")
                print("| model | on | peer | threads | ours ms | peer ms | ratio | ours CPU | peer CPU | ratio |")
                print("|---|---|---|---|---|---|---|---|---|---|")
                told = True
            print("\n".join([*rows(results), *(f"not measured: {fault}" for fault in results.faults)]), flush=True)


if __name__ == "__main__":
    main()
