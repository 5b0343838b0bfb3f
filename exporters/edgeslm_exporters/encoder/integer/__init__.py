"""Encoders in integers alone: int8 activations with calibrated ranges, for accelerators that compute nothing else.

checkpoint -> parts -> graph of operators -> floats (numpy) read a text -> ranges -> model.tflite
"""
