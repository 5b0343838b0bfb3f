"""What this machine is and what this process takes, read from /proc and /sys.

Every reader takes the root of the file system, so that a test can lay out a Raspberry Pi or a Jetson in a folder.
Nothing here raises because a file is missing: an unknown fact is '', None or the nearest thing that is known.
"""

from __future__ import annotations

import math
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.host.cores import Cluster, clusters, cpu_name, cpu_quota, processors, usable_cores
from edgeslm_agent.host.files import ROOT, read_text
from edgeslm_agent.host.instructions import instructions
from edgeslm_agent.host.memory import available_bytes, meminfo, memory_limit
from edgeslm_agent.host.process import PeakAnonymous, anonymous_bytes, peak_rss_bytes, pss_bytes, rss_bytes

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Cluster",
    "Host",
    "PeakAnonymous",
    "anonymous_bytes",
    "available_bytes",
    "peak_rss_bytes",
    "pss_bytes",
    "read_host",
    "rss_bytes",
]

_PLACEHOLDERS = ("to be filled", "default string", "system product", "system manufacturer", "not specified", "none")


@dataclass(frozen=True)
class Host:
    """One machine. `isa` holds the features all its cores share, as the kernel names them (asimddp, avx512_vnni, ...).

    `cores` counts logical processors, `physical_cores` leaves hyper-threads out, `big_cores` the slow clusters too; all
    among those this process may use. `clusters` are its physical cores by kind, fastest first. `cpu_quota` is the
    cgroup's bound in processors. Memory is in bytes; `memory_limit` is the cgroup's, `memory_available` what can be had
    now without swapping, under that limit.
    """

    board: str
    cpu: str
    architecture: str
    cores: int
    physical_cores: int
    big_cores: int
    clusters: tuple[Cluster, ...]
    cpu_quota: float | None
    isa: frozenset[str]
    memory_total: int
    memory_limit: int | None
    memory_available: int
    kernel: str
    system: str
    python: str

    @property
    def default_threads(self) -> int:
        """How many threads a decoder should use: the big physical cores, within the quota.

        Decoding waits for memory, so slow cores and hyper-threads only hold the fast ones up at every barrier.
        """
        quota = math.ceil(self.cpu_quota) if self.cpu_quota else self.big_cores
        return max(1, min(self.big_cores, quota))


def read_host(root: Path = ROOT, *, machine: str | None = None) -> Host:
    """Return the facts of the machine whose file system is `root`; `machine` overrides its architecture."""
    machine = machine or platform.machine()
    cpuinfo = processors(root, machine)
    cores = usable_cores(root)
    total = meminfo(root).get("MemTotal", 0)
    limit = memory_limit(root)
    return Host(
        board=_board(root, cpuinfo),
        cpu=cpu_name(cpuinfo),
        architecture=machine,
        cores=len(cores),
        physical_cores=len({core.place for core in cores}),
        big_cores=len({core.place for core in cores if core.big}),
        clusters=clusters(cores, cpuinfo, root),
        cpu_quota=cpu_quota(root),
        isa=instructions(cpuinfo, machine, root),
        memory_total=total,
        memory_limit=limit if limit is not None and limit < total else None,
        memory_available=available_bytes(root),
        kernel=read_text(root / "proc/sys/kernel/osrelease"),
        system=_system(root),
        python=platform.python_version(),
    )


def _board(root: Path, cpuinfo: list[dict[str, str]]) -> str:
    """Return the name of the board: the device tree's model, or the firmware's vendor and product."""
    model = read_text(root / "proc/device-tree/model")
    models = [model, *(part["Model"] for part in cpuinfo if "Model" in part)]  # Raspberry Pi kernels write both
    if named := next(filter(None, models), ""):
        return named
    names = [read_text(root / f"sys/class/dmi/id/{key}") for key in ("sys_vendor", "product_name")]
    return " ".join(name for name in names if name and not name.lower().startswith(_PLACEHOLDERS))


def _system(root: Path) -> str:
    for line in read_text(root / "etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip().strip("\"'")
    return ""
