"""`edgeslm doctor`: what is missing on this machine and what to run; exit code 4 when something needed is missing."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgeslm.cli import output

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

State = Literal["ok", "missing", "optional"]
NEED_MEMORY = 512 * 2**20  # an export holds at most 250 MB of its own, and the runtime that checks the result as much
NEED_DISK = 2**30
_PACKAGES = (
    ("onnxruntime", True, "runs and checks bundles", "pip install 'edgeslm[ort]'"),
    ("ai-edge-litert", False, "runs and checks .tflite bundles", "pip install 'edgeslm[litert]'"),
    ("onnx", False, "exports encoders", "pip install 'edgeslm[export]'"),
    ("jinja2", True, "reads chat templates", "pip install 'edgeslm[export]'"),
    ("huggingface-hub", False, "fetches models by their hub id", "pip install 'edgeslm[export]'"),
    ("tokenizers", True, "turns text into tokens", "pip install edgeslm"),
    ("paho-mqtt", True, "talks to the fleet", "pip install edgeslm"),
    ("cryptography", False, "makes the certificates of a fleet", "pip install 'edgeslm[fleet]'"),
    ("amqtt", False, "the demo's own broker", "pip install 'edgeslm[demo]'"),
)


@dataclass(frozen=True)
class Check:
    """One thing looked at: what was found, and what to run when it is missing."""

    name: str
    state: State
    found: str
    remedy: str = ""


def configure(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "--credentials", metavar="DIR", type=Path, help="also say when this certificate ends (EDGESLM_CREDENTIALS)"
    )
    parser.add_argument(
        "--device",
        choices=["here"],
        help="describe this machine as a profile instead: save what is printed as a FILE.yaml for any --device",
    )
    parser.epilog = "Looks at Python, packages, programs, memory and disk; changes nothing."


def run(options: Namespace) -> int:
    """Look at everything, show it, and answer 0 when nothing needed is missing."""
    if options.device:
        from edgeslm.cli import proposal

        return proposal.run(options)
    checks = [*_checks(), *_credentials(options.credentials)]
    missing = [check for check in checks if check.state == "missing"]
    if options.json:
        output.document("edgeslm.doctor/1", {"ok": not missing, "checks": [asdict(check) for check in checks]})
    else:
        output.table(("", "state", "found", "what to run"), [(c.name, c.state, c.found, c.remedy) for c in checks])
        output.result(
            "everything needed is there" if not missing else f"{len(missing)} missing: run what is shown above"
        )
    return 4 if missing else 0


def _checks() -> Iterator[Check]:
    python = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    yield Check("Python", "ok" if sys.version_info >= (3, 10) else "missing", python, "")
    yield from (_package(*package) for package in _PACKAGES)
    yield _program("mosquitto", "a broker of its own for the demo and the tests", "apt install mosquitto")
    yield from _machine()


def _package(name: str, needed: bool, purpose: str, remedy: str) -> Check:
    try:
        return Check(name, "ok", version(name))
    except PackageNotFoundError:
        return Check(name, "missing" if needed else "optional", f"not installed; {purpose}", remedy)


def _program(name: str, purpose: str, remedy: str) -> Check:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    return Check(name, "ok", path) if path else Check(name, "optional", f"not found; {purpose}", remedy)


def _credentials(folder: Path | None) -> Iterator[Check]:
    named = folder or os.environ.get("EDGESLM_CREDENTIALS")
    if named and (Path(named) / "cert.pem").exists():
        from edgeslm_agent.doctor import certificate

        found = certificate(Path(named))
        yield Check(found.name, "ok" if found.ok else "missing", found.detail, "" if found.ok else found.remedy)


def _machine() -> Iterator[Check]:
    from edgeslm_agent.host import read_host
    from edgeslm_agent.units import format_bytes

    host = read_host()
    free = shutil.disk_usage(Path.cwd()).free
    yield Check("processor", "ok", f"{host.cpu or host.architecture}, {host.default_threads} threads to use")
    for name, available, needed, remedy in (
        ("memory", host.memory_available, NEED_MEMORY, "stop other programs, or export on a larger machine"),
        ("disk here", free, NEED_DISK, "free some space, or work in another folder"),
    ):
        enough = available >= needed
        found = f"{format_bytes(available)} available" + ("" if enough else f", {format_bytes(needed)} wanted")
        yield Check(name, "ok" if enough else "missing", found, "" if enough else remedy)
