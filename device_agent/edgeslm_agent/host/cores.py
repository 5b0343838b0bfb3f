"""Which processor this is and which of its cores this process may use."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.host.files import ROOT, cgroup_folders, read_int, read_text

if TYPE_CHECKING:
    from pathlib import Path

# A core counts as big from this share of the fastest one's capacity: favoured cores of one cluster differ by a few per
# cent (5.0 against 5.2 GHz), clusters by more (RK3588: A55 at 530 of the A76's 1024).
BIG_SHARE = 0.8
# Part numbers under "CPU implementer : 0x41" (Arm) of /proc/cpuinfo, which gives no name there. Source: the MIDR_EL1
# values in each core's technical reference manual.
ARM_PARTS = {
    0xD03: "Cortex-A53", 0xD04: "Cortex-A35", 0xD05: "Cortex-A55", 0xD07: "Cortex-A57", 0xD08: "Cortex-A72",
    0xD09: "Cortex-A73", 0xD0A: "Cortex-A75", 0xD0B: "Cortex-A76", 0xD0C: "Neoverse-N1", 0xD0D: "Cortex-A77",
    0xD40: "Neoverse-V1", 0xD41: "Cortex-A78", 0xD42: "Cortex-A78AE", 0xD44: "Cortex-X1", 0xD46: "Cortex-A510",
    0xD47: "Cortex-A710", 0xD49: "Neoverse-N2", 0xD4D: "Cortex-A715", 0xD80: "Cortex-A520", 0xD81: "Cortex-A720",
}  # fmt: skip


@dataclass(frozen=True)
class Core:
    """One logical processor: its number, the physical core it belongs to, and whether that is of the fast cluster."""

    number: int
    place: tuple[int, int]
    big: bool


@dataclass(frozen=True)
class Cluster:
    """Equal physical cores; `max_mhz` is 0 where the kernel does not tell."""

    type: str
    count: int
    max_mhz: int


def processors(root: Path = ROOT, machine: str = "") -> list[dict[str, str]]:
    """Return the paragraphs of /proc/cpuinfo as key -> value.

    They are left out when they speak of an x86 processor and this process runs on another one (`machine`): user-mode
    emulation shows the file of the machine below.
    """
    paragraphs = read_text(root / "proc/cpuinfo").split("\n\n")
    pairs = [[line.partition(":") for line in text.splitlines() if ":" in line] for text in paragraphs]
    found = [{key.strip(): value.strip() for key, _, value in lines} for lines in pairs if lines]
    foreign = machine not in ("", "x86_64", "i686") and any("flags" in part for part in found)
    return [] if foreign else found


def cpu_name(cpuinfo: list[dict[str, str]]) -> str:
    """Return the processor's name; for Arm the cores' names, each kind once, as in `Cortex-A55 + Cortex-A76`."""
    for key in ("model name", "Hardware", "cpu model"):
        # Old Arm kernels write "ARMv8 Processor rev 1 (v8l)", which names the architecture and not the core.
        found = [part[key] for part in cpuinfo if part.get(key) and not part[key].startswith("ARMv")]
        if found and key == "model name":
            return found[0]
        if found and not any("CPU part" in part for part in cpuinfo):
            return found[0]
    names = dict.fromkeys(_arm_name(part) for part in cpuinfo if "CPU part" in part)
    return " + ".join(names)


def _arm_name(part: dict[str, str]) -> str:
    implementer, number = part.get("CPU implementer", "?"), part["CPU part"]
    known = ARM_PARTS.get(int(number, 16)) if implementer == "0x41" and number.startswith("0x") else None
    return known or f"implementer {implementer} part {number}"


def clusters(cores: list[Core], cpuinfo: list[dict[str, str]], root: Path = ROOT) -> tuple[Cluster, ...]:
    """Return the physical cores among `cores` by kind and clock, the fastest cluster first."""
    names = {part["processor"]: cpu_name([part]) for part in cpuinfo if part.get("processor", "").isdigit()}
    firsts = {core.place: core for core in reversed(cores)}.values()
    kinds = Counter(
        (core.big, _max_mhz(root / f"sys/devices/system/cpu/cpu{core.number}"), names.get(str(core.number), ""))
        for core in firsts
    )
    return tuple(Cluster(name, kinds[big, mhz, name], mhz) for big, mhz, name in sorted(kinds, reverse=True))


def _max_mhz(folder: Path) -> int:
    return (read_int(folder / "cpufreq/cpuinfo_max_freq") or 0) // 1000


def usable_cores(root: Path = ROOT) -> list[Core]:
    """Return the processors this process may run on, by number."""
    folder = root / "sys/devices/system/cpu"
    numbers = parse_cpu_list(_allowed_list(root)) or parse_cpu_list(read_text(folder / "online"))
    numbers = numbers or list(range(os.cpu_count() or 1))
    capacities = [_capacity(folder / f"cpu{number}") for number in numbers]
    fastest = max(capacities)
    return [
        Core(number, _place(folder / f"cpu{number}", number), capacity >= BIG_SHARE * fastest)
        for number, capacity in zip(numbers, capacities, strict=True)
    ]


def parse_cpu_list(text: str) -> list[int]:
    """Read the kernel's list of processors: `0-3,6` -> [0, 1, 2, 3, 6]; [] when it is not one."""
    numbers: list[int] = []
    for item in text.split(","):
        first, _, last = item.strip().partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            return []
        numbers.extend(range(int(first), min(int(last or first), int(first) + 4095) + 1))
    return numbers


def cpu_quota(root: Path = ROOT) -> float | None:
    """Return how many processors' worth of time the tightest cgroup allows, or None without a bound."""
    shares = [share for folder in cgroup_folders(root, "cpu") if (share := _share(folder)) is not None]
    return min(shares, default=None)


def _share(folder: Path) -> float | None:
    words = read_text(folder / "cpu.max").split()  # version 2: "200000 100000" or "max 100000"
    if not words:
        words = [read_text(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
    if len(words) != 2 or not (words[0].isdigit() and words[1].isdigit()) or int(words[1]) == 0:
        return None  # version 1 writes -1 for no bound
    return int(words[0]) / int(words[1])


def _allowed_list(root: Path) -> str:
    for line in read_text(root / "proc/self/status").splitlines():
        if line.startswith("Cpus_allowed_list:"):
            return line.partition(":")[2]
    return ""


def _capacity(folder: Path) -> int:
    """Return the scheduler's capacity (Arm: 1024 for the fastest), else the top frequency, else 1 for all alike."""
    return read_int(folder / "cpu_capacity") or read_int(folder / "cpufreq/cpuinfo_max_freq") or 1


def _place(folder: Path, number: int) -> tuple[int, int]:
    package, core = (read_int(folder / f"topology/{name}") for name in ("physical_package_id", "core_id"))
    # Arm kernels without ACPI say package -1 or number the cores of each cluster from 0, and have no hyper-threads.
    siblings = parse_cpu_list(read_text(folder / "topology/thread_siblings_list"))
    if package is None or core is None or siblings == [number]:
        return (-1, number)
    return (package, core)
