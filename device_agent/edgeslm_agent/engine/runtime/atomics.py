"""A library of ai-edge-litert that ends the process on older Arm cores, found before it is loaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.host import read_host

if TYPE_CHECKING:
    from edgeslm_agent.host import Host

LIBRARY = "libLiteRtWebGpuAccelerator.so"


def check_atomics(host: Host | None = None) -> None:
    """Raise EnvironmentProblem where loading a model would end the process with SIGILL.

    The package loads LIBRARY with every model, also for the CPU alone. It is compiled for the atomic instructions of
    Armv8.1, which Cortex-A53, A57 and A72 lack, and aborts without them (google-ai-edge/LiteRT issue 5675). When the
    file is not there, the package goes on without it.
    """
    host = host or read_host()
    package = find_spec("ai_edge_litert")
    if host.architecture != "aarch64" or "atomics" in host.isa or package is None or package.origin is None:
        return
    library = Path(package.origin).with_name(LIBRARY)
    if library.exists():
        raise EnvironmentProblem(
            f"{LIBRARY} of ai-edge-litert would end this process: {host.cpu or 'this processor'} has no atomics",
            f"nothing here uses it: rm {library}",
        )
