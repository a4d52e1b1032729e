"""LiteRT with XNNPACK as a peer: a network on the whole picture, letterboxed; its raw outputs are not decoded.

    python litert_peer.py FRAMES.npy MODEL.tflite THREADS SCALE OFFSET

SCALE, OFFSET: value = SCALE x byte + OFFSET where the network takes floats. From uint8 image to the network's outputs:
less work than finding keypoints, so a time that is hard to beat. The same lines of JSON as bench/worker.py: ms, cpu,
graph.
"""

import json
import sys
import time

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped,import-not-found,unused-ignore]


def main() -> None:
    """Serve until standard input ends."""
    path, model, threads, scale, offset = sys.argv[1:6]
    frames = np.load(path, mmap_mode="r")
    begun = time.perf_counter()
    interpreter = Interpreter(model, num_threads=int(threads))
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]
    outputs = [output["index"] for output in interpreter.get_output_details()]
    side = int(entry["shape"][1])
    crop = np.zeros((side, side, 3), np.uint8)

    def look(image: np.ndarray) -> float:
        """Seconds in the network."""
        ratio = side / max(image.shape[:2])
        width, height = (round(ratio * length) for length in image.shape[1::-1])
        crop[:height, :width] = cv2.resize(image, (width, height))
        values = crop[None].astype(entry["dtype"])
        if entry["dtype"] == np.float32:
            values *= np.float32(scale)
            values += np.float32(offset)
        before = time.perf_counter()
        interpreter.set_tensor(entry["index"], values)
        interpreter.invoke()
        for output in outputs:
            interpreter.get_tensor(output)
        return time.perf_counter() - before

    look(np.array(frames[0]))
    seconds = time.perf_counter() - begun
    tell(device="cpu", runtime="LiteRT", threads=int(threads), seconds=seconds, people=0)
    for line in sys.stdin:
        image = np.array(frames[int(line) % len(frames)])
        begun, cpu = time.perf_counter(), time.process_time()
        network = look(image)
        ms, cpu = 1e3 * (time.perf_counter() - begun), 1e3 * (time.process_time() - cpu)
        tell(ms=ms, cpu=cpu, graph=1e3 * network)


def tell(**values: object) -> None:
    """One line of JSON."""
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
