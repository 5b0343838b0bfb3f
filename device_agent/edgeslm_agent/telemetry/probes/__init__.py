"""One file per source of facts. A probe module has `FIGURES` (their names) and `probe(root) -> Source`.

`root` is `/`, or a folder that looks like it. A source that is absent contributes nothing, for ever. Two sources
may give the same figure: the greater one counts (the hottest sensor, any sign of throttling).
Adding a source is adding a file and its name to NAMES.
"""

from __future__ import annotations

NAMES = (
    "cpu",
    "memory",
    "process",
    "thermal",
    "hwmon",
    "cooling",
    "raspberry_pi",
    "tegra",
    "rockchip",
    "rapl",
    "intel_throttle",
    "disk",
    "uptime",
)
