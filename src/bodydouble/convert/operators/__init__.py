"""TensorFlow's operators said in ONNX's, shared by every reader of a file that TensorFlow wrote.

Functions take a Builder, the names of their inputs (channels-last, as in the file) and plain arguments, append nodes
and answer the name of the output (channels-last again).
conv: neighbouring pixels; elementwise: activations; weights: as files store them; sizes: known and open ones.
"""
