"""Keypoints of a picture by a one-file model: only onnxruntime, numpy and an image reader (OpenCV); docs/fused.md

python examples/run_fused.py pose.onnx picture.jpg [drawn.jpg]
"""

import json
import sys

import cv2
import numpy as np
import onnxruntime

image = cv2.cvtColor(cv2.imread(sys.argv[2]), cv2.COLOR_BGR2RGB)
session = onnxruntime.InferenceSession(sys.argv[1])
inputs = {"image": image}
if len(session.get_inputs()) > 1:  # made with --regions: zeros look for people, next_regions follows them
    inputs["regions"] = np.zeros(session.get_inputs()[1].shape, np.float32)
keypoints, scores = session.run(["keypoints", "scores"], inputs)
names = json.loads(session.get_modelmeta().custom_metadata_map["keypoints"])
for person, score in zip(keypoints[scores > 0], scores[scores > 0], strict=True):
    print(f"somebody, {score:.2f} sure")
    for name, (x, y, sure) in zip(names, person, strict=True):
        print(f"  {name:20} {x:8.2f} {y:8.2f}  {sure:.2f}")
        cv2.circle(image, (round(float(x)), round(float(y))), 4, (255, 60, 60) if sure > 0.3 else (120, 120, 120), -1)
if len(sys.argv) > 3:
    cv2.imwrite(sys.argv[3], cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
