"""What MediaPipe computes with a TFLite file that has its own operators; for an interpreter with mediapipe 0.10.21.

Arguments: the .tflite file, how many outputs it has, a .npy file of pictures (N, H, W, 3) uint8, and a folder to write
output-RUN-NUMBER.npy to: the numbers of each output, flat. Pictures go in as 0 to 1. Used by conversions.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import mediapipe
import numpy as np
from mediapipe.python import packet_creator, packet_getter

GRAPH = """
input_stream: "image"
node {{
  calculator: "ImageToTensorCalculator" input_stream: "IMAGE:image" output_stream: "TENSORS:given"
  options {{ [mediapipe.ImageToTensorCalculatorOptions.ext] {{
    output_tensor_width: {width} output_tensor_height: {height} keep_aspect_ratio: false
    output_tensor_float_range {{ min: 0.0 max: 1.0 }} }} }}
}}
node {{
  calculator: "TfLiteCustomOpResolverCalculator" output_side_packet: "OP_RESOLVER:operators"
  node_options: {{ [type.googleapis.com/mediapipe.TfLiteCustomOpResolverCalculatorOptions] {{ use_gpu: false }} }}
}}
node {{
  calculator: "InferenceCalculator" input_stream: "TENSORS:given" input_side_packet: "OP_RESOLVER:operators"
  output_stream: "TENSORS:answer"
  options {{ [mediapipe.InferenceCalculatorOptions.ext] {{ model_path: "{model}" delegate {{ tflite {{}} }} }} }}
}}
node {{
  calculator: "SplitTensorVectorCalculator" input_stream: "answer" {streams}
  options {{ [mediapipe.SplitVectorCalculatorOptions.ext] {{ {ranges} }} }}
}}
"""
FLOATS = """
node {{ calculator: "TensorsToFloatsCalculator" input_stream: "TENSORS:part{0}" output_stream: "FLOATS:numbers{0}" }}
"""


def answers(model: str, count: int, picture: np.ndarray) -> dict[int, np.ndarray]:
    height, width = picture.shape[:2]
    streams = " ".join(f'output_stream: "part{n}"' for n in range(count))
    ranges = " ".join(f"ranges: {{ begin: {n} end: {n + 1} }}" for n in range(count))
    text = GRAPH.format(width=width, height=height, model=model, streams=streams, ranges=ranges)
    graph = mediapipe.CalculatorGraph(graph_config=text + "".join(FLOATS.format(n) for n in range(count)))
    found: dict[int, np.ndarray] = {}

    def keep(name: str, packet: mediapipe.Packet) -> None:
        found[int(name.removeprefix("numbers"))] = np.array(packet_getter.get_float_list(packet), np.float32)

    for number in range(count):
        graph.observe_output_stream(f"numbers{number}", keep)
    graph.start_run()
    frame = packet_creator.create_image_frame(data=picture, image_format=mediapipe.ImageFormat.SRGB)
    graph.add_packet_to_input_stream("image", frame.at(0))
    graph.close_all_packet_sources()
    graph.wait_until_done()
    return found


def main() -> None:
    model, count, pictures, folder = sys.argv[1:]
    for run, picture in enumerate(np.load(pictures)):
        for number, values in answers(model, int(count), np.ascontiguousarray(picture)).items():
            np.save(Path(folder) / f"output-{run}-{number}.npy", values)


if __name__ == "__main__":
    main()
