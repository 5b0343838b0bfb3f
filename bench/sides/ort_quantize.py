"""onnxruntime's own dynamic quantisation, per channel, of our fp32 graph; takes GRAPH and OUT, in the peer's Python."""

from __future__ import annotations

import sys

from onnxruntime.quantization import QuantType, quantize_dynamic

if __name__ == "__main__":
    quantize_dynamic(sys.argv[1], sys.argv[2], per_channel=True, weight_type=QuantType.QInt8)
