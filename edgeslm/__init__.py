"""edgeslm: small language models on edge devices.

    import edgeslm

    board = edgeslm.device("jetson-nano")
    result = edgeslm.export(device="jetson-nano", out="home-nano")
    with edgeslm.open_bundle("home-nano").session() as session:
        print(session.chat("turn on the kitchen light").text)

Importing the package does nothing; every name below is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeslm.bundles import LocalBundle, open_bundle
    from edgeslm.catalog import device, devices
    from edgeslm.encoders.export import export_encoder
    from edgeslm.fleet.fleet import Fleet
    from edgeslm.pipeline import ExportResult, export
    from edgeslm.planning import plan
    from edgeslm.profiler.aim import Limits
    from edgeslm.profiler.task import Task
    from edgeslm_agent.engine.generation import Generation
    from edgeslm_agent.errors import EdgeSLMError

__all__ = [
    "EdgeSLMError",
    "ExportResult",
    "Fleet",
    "Generation",
    "Limits",
    "LocalBundle",
    "Task",
    "device",
    "devices",
    "export",
    "export_encoder",
    "open_bundle",
    "plan",
]

_HOMES = {
    "EdgeSLMError": "edgeslm_agent.errors",
    "ExportResult": "edgeslm.pipeline",
    "Fleet": "edgeslm.fleet.fleet",
    "Generation": "edgeslm_agent.engine.generation",
    "Limits": "edgeslm.profiler.aim",
    "LocalBundle": "edgeslm.bundles",
    "Task": "edgeslm.profiler.task",
    "device": "edgeslm.catalog",
    "devices": "edgeslm.catalog",
    "export": "edgeslm.pipeline",
    "export_encoder": "edgeslm.encoders.export",
    "open_bundle": "edgeslm.bundles",
    "plan": "edgeslm.planning",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the public names have different types
    """Load a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'edgeslm' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
