"""Which instructions the processor has beyond its base, named as in /proc/cpuinfo."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from edgeslm_agent.host.files import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# Bits of the auxiliary vector, by architecture and entry. Source: Linux, arch/arm64/include/uapi/asm/hwcap.h and
# arch/riscv/include/asm/hwcap.h (bit 21 is the letter V); the entries' numbers: include/uapi/linux/auxvec.h.
AT_HWCAP, AT_HWCAP2 = 16, 26
_BITS = {
    "aarch64": {
        AT_HWCAP: {1: "asimd", 8: "atomics", 9: "fphp", 10: "asimdhp", 20: "asimddp", 22: "sve"},
        AT_HWCAP2: {13: "i8mm", 14: "bf16", 23: "sme"},
    },
    "riscv64": {AT_HWCAP: {21: "rvv"}},
}


def instructions(cpuinfo: list[dict[str, str]], machine: str, root: Path = ROOT) -> frozenset[str]:
    """Return the features that every core has, in lower case (`flags` on x86, `Features` on Arm).

    What the kernel tells this process (the auxiliary vector) is added: RISC-V kernels list no features, and under
    user-mode emulation it is the only witness.
    """
    lists = [part.get("flags") or part.get("Features") for part in cpuinfo]
    sets = [frozenset(features.lower().split()) for features in lists if features]
    return (frozenset.intersection(*sets) if sets else frozenset()) | _told(machine, root)


def _told(machine: str, root: Path) -> frozenset[str]:
    words = _auxiliary_vector(root)
    known = _BITS.get(machine, {})
    return frozenset(
        name for entry, bits in known.items() for bit, name in bits.items() if words.get(entry, 0) >> bit & 1
    )


def _auxiliary_vector(root: Path) -> dict[int, int]:
    """Return the entries of a 64-bit process by number."""
    try:
        content = (root / "proc/self/auxv").read_bytes()
    except OSError:
        return {}
    return dict(struct.iter_unpack("=QQ", content[: len(content) // 16 * 16]))
