"""What this device tells about itself: the machine, the runtimes installed, the operations it answers."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edgeslm_agent.contract.fields import MAX_LABEL
from edgeslm_agent.contract.status import Capability
from edgeslm_agent.host import read_host
from edgeslm_agent.serving.desk import ALWAYS_SERVED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_RUNTIMES = ("onnxruntime", "ai_edge_litert", "tflite_runtime")


def capability(
    profile: str | None, purpose: Sequence[str], sensors: Mapping[str, str], root: Path | None = None
) -> Capability:
    """Return the facts of this machine; `purpose` are the operations its model is for (none: it answers ping only)."""
    host = read_host(root) if root else read_host()
    return Capability(
        board=_label(host.board),
        cpu=_label(host.cpu),
        cores=max(host.cores, 1),
        memory_bytes=min(host.memory_total, host.memory_limit or host.memory_total),
        system=_label(f"{host.system} {host.kernel}"),
        python=host.python,
        operations=(*purpose, *ALWAYS_SERVED) if purpose else ("ping",),
        runtimes={name: _version(name) for name in _RUNTIMES if find_spec(name)},
        sensors={figure: _label(sensor) for figure, sensor in sensors.items()},
        profile=profile,
    )


def _version(name: str) -> str:
    """Return the version of a runtime that is loaded; importing one only to ask would cost tens of megabytes."""
    return _label(getattr(sys.modules.get(name), "__version__", "installed"))


def _label(text: str) -> str:
    clean = "".join(letter for letter in text if letter.isprintable()).strip()
    return clean[:MAX_LABEL] or "unknown"
