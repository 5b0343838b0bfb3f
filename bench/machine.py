"""What this machine is, for the results: processor, cores, memory, kernel and versions; no names, no paths."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import time
from pathlib import Path
from typing import Any

VERSIONS = """
import importlib.metadata as m, json, platform, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = m.version(name)
    except m.PackageNotFoundError:
        pass
print(json.dumps({"python": platform.python_version(), **found}))
"""


def describe() -> dict[str, Any]:
    """Return the machine's description."""
    return {
        "cpu": _cpu_model(),
        "isa": _notable_isa(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.system() + " " + ".".join(re.findall(r"\d+", platform.release())[:3]),
        "python": platform.python_version(),
    }


def idle_share(seconds: float = 1.0) -> float:
    """Return the share of processor time that nobody used during the next `seconds`, 0 to 1."""
    before = _cpu_times()
    time.sleep(seconds)
    spent = [after - start for start, after in zip(before, _cpu_times(), strict=True)]
    return (spent[3] + spent[4]) / max(1, sum(spent))  # idle and iowait


def _cpu_times() -> list[int]:
    return [int(count) for count in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]]


def slug() -> str:
    """Return the folder name of this machine's results, as in `amd-epyc-26-2-2cores`."""
    words = re.sub(r"\((r|tm)\)|cpu|processor|@.*", " ", _cpu_model().lower())
    return "-".join([*re.findall(r"[a-z0-9]+", words), f"{len(os.sched_getaffinity(0))}cores"])


def versions_in(python: Path, *packages: str) -> dict[str, str]:
    """Return the versions of Python and of `packages` in the environment of that interpreter."""
    found = subprocess.run([str(python), "-c", VERSIONS, *packages], check=True, capture_output=True, text=True)
    versions: dict[str, str] = json.loads(found.stdout)
    return versions


def _cpu_model() -> str:
    """Return the model's name; where it is only a brand, with family and model number, which tell the generation."""
    fields = _cpuinfo()
    name = fields.get("model name") or fields.get("Model") or fields.get("Hardware") or platform.machine()
    if re.search(r"\d", name) or "cpu family" not in fields:
        return name
    return f"{name} (family {fields['cpu family']}, model {fields['model']})"


def _notable_isa() -> list[str]:
    fields = _cpuinfo()
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    return sorted(flags & {"avx2", "avx_vnni", "avx512f", "avx512_vnni", "asimd", "asimddp", "i8mm", "sve"})


def _cpuinfo() -> dict[str, str]:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    lines = (line.partition(":") for line in text.split("\n\n", maxsplit=1)[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}
