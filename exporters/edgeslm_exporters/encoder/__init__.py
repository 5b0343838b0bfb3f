"""Encoders: a float graph from optimum, with pooling or scores behind it, quantised in numpy.

checkpoint -> spec -> float graph (via_optimum) -> head -> fp32, or int8 (dynamic or calibrated) -> artifacts/
"""
