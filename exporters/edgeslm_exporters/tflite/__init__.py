"""Decoder spec and quantised tensors become a .tflite file: no TensorFlow, no torch, weights streamed."""
