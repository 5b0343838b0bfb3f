"""A Rockchip board's GPU, NPU and memory clock. Sources: devfreq; debugfs for the NPU, which only root may read.

The maker's kernels have these files; mainline kernels have other drivers and none of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edgeslm_agent.host.files import read_text
from edgeslm_agent.telemetry.source import Source, found, number

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = ("gpu_percent", "npu_percent", "dram_mhz")
_GPU_LOAD = re.compile(r"(\d{1,3})@\d+Hz")  # "43@300000000Hz"
_NPU_LOAD = re.compile(r"(\d{1,3})%")  # "NPU load:  Core0:  0%, Core1: 12%, Core2:  0%," or "NPU load:  7%"


def probe(root: Path) -> Source:
    """Return the reader; the GPU's file is looked up once."""
    gpus = found(root, "sys/class/devfreq/*.gpu/load")

    def read() -> dict[str, float]:
        figures: dict[str, float] = {}
        if gpus and (busy := _GPU_LOAD.fullmatch(read_text(gpus[0]))):
            figures["gpu_percent"] = int(busy[1])
        if cores := _NPU_LOAD.findall(read_text(root / "sys/kernel/debug/rknpu/load")):
            figures["npu_percent"] = round(sum(map(int, cores)) / len(cores), 1)
        if (hertz := number(root / "sys/class/devfreq/dmc/cur_freq")) is not None:
            figures["dram_mhz"] = hertz / 1e6
        return figures

    return Source(read)
