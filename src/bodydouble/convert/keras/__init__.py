"""TensorFlow.js layers models (Keras topology): topology.py reads model.json, networks.py walks its layers, the other
modules have a handler for each class of layer (LAYERS in calls.py), straight to ONNX's operators.

Where TensorFlow.js and Keras in Python differ, the file's own runtime is followed: TensorFlow.js. What it refuses to
load although Keras has a meaning for it (GRU with reset_after) means what Keras means.
"""
