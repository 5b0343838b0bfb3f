"""A decoder spec and quantised tensors become an ONNX file that onnxruntime runs fast on the CPU."""
