"""Whether a runtime works on this machine, tried in a child process: a wheel for another processor ends its process.

python -m edgeslm_agent.engine.proof PACKAGE is the child; it prints what it found as JSON.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from edgeslm_agent.errors import EdgeSLMError

if TYPE_CHECKING:
    from collections.abc import Callable

# The smallest ONNX model that computes something: y = Neg(x) of one float, opset 13, IR version 8.
NEGATE = (
    b'\x08\x08:2\n\x0b\n\x01x\x12\x01y"\x03Neg\x12\x01gZ\x0f\n\x01x\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01b\x0f\n\x01y'
    b"\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\r"
)
_LONGEST_S = 120.0  # importing on a slow card takes seconds; a child that hangs is a finding too


@dataclass(frozen=True)
class Proof:
    """What came of loading a package: its version (None: not installed), whether it works, and what it said."""

    package: str
    version: str | None
    works: bool
    found: str


def prove(package: str, python: str = sys.executable) -> Proof:
    """Load `onnxruntime` or `ai-edge-litert` in a child and let it do what loading a model does first."""
    try:
        installed = version(package)
    except PackageNotFoundError:
        return Proof(package, None, works=False, found="not installed")
    command = [python, "-m", "edgeslm_agent.engine.proof", package]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return Proof(package, installed, works=False, found=f"loading it took longer than {_LONGEST_S:g} s")
    if ended.returncode < 0:
        how = signal.Signals(-ended.returncode).name
        return Proof(package, installed, works=False, found=f"loading it ends the process with {how}: {_why(how)}")
    if ended.returncode != 0:
        last = ended.stderr.strip().splitlines()[-1:] or ["no word"]
        return Proof(package, installed, works=False, found=f"loading it fails: {last[0]}")
    said = json.loads(ended.stdout.splitlines()[-1])
    return Proof(package, installed, works=said["works"], found=said["found"])


def _why(name: str) -> str:
    if name == "SIGILL":
        return "it was compiled for a newer processor; install another version"
    return "this version does not run on this machine; install another one"


def _onnxruntime() -> str:
    import numpy as np

    from edgeslm_agent.engine.runtime.onnx import load_onnxruntime

    ort = load_onnxruntime()
    session = ort.InferenceSession(NEGATE, providers=["CPUExecutionProvider"])
    (negated,) = session.run(None, {"x": np.ones(1, np.float32)})
    if negated.tolist() != [-1.0]:
        raise EdgeSLMError(f"it computes -1 as {negated.tolist()[0]}", "install another version")
    return f"runs; it was built with {', '.join(ort.get_available_providers())}"


def _litert() -> str:
    from edgeslm_agent.engine.runtime.litert import load_litert

    load_litert()
    return "loads"


_TRIES: dict[str, Callable[[], str]] = {"onnxruntime": _onnxruntime, "ai-edge-litert": _litert}
PACKAGES = tuple(_TRIES)


def main(package: str) -> None:
    """Try the package in this process, and print whether it works and what it said."""
    try:
        found, works = _TRIES[package](), True
    except EdgeSLMError as error:
        found, works = f"{error.message}; {error.hint}", False
    sys.stdout.write(json.dumps({"works": works, "found": found}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
