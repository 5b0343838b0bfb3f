"""The frozen facts of a board that writers and linters need; built by the catalog from a profile."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """`isa` holds lower-case features as the kernel names them (asimddp, i8mm, avx2, avx512_vnni, avx_vnni, ...).

    `runtimes` maps a format (onnx, tflite) to the newest runtime version the board's system can install; a format is
    left out where that is unknown: what nobody checked must not refuse a model.
    """

    name: str
    architecture: str
    isa: frozenset[str]
    runtimes: dict[str, str]

    @property
    def int8_dot_product(self) -> bool:
        """Whether the processor has the dot product that 8-bit MatMulNBits needs to be fast (asimddp, or x86 AVX2)."""
        return bool(self.isa & {"asimddp", "avx2", "avx512_vnni", "avx_vnni"})
