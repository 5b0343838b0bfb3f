"""What this machine lacks to run an agent, each finding with the command that helps."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edgeslm_agent.config import default_spool, with_credentials
from edgeslm_agent.engine.proof import PACKAGES, prove
from edgeslm_agent.errors import EdgeSLMError
from edgeslm_agent.host import read_host
from edgeslm_agent.identity.folder import CERTIFICATE
from edgeslm_agent.identity.openssl import validity

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.config import Config

_BROKER_S = 10.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is in order, what was seen, and what to run when it is not."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def examine(config: Config) -> list[Finding]:
    """Return the findings; broker and bundle are looked at only when the configuration names them."""
    findings = [
        _machine(),
        _package("paho-mqtt", "paho.mqtt"),
        _package("numpy", "numpy"),
        _package("tokenizers", "tokenizers"),
    ]
    findings += [_runtime(), _sqlite(), _folder(config)]
    if config.bundle:
        findings.append(_bundle(config.bundle))
    credentials = with_credentials(config).credentials
    if credentials is not None and (credentials / CERTIFICATE).exists():
        findings.append(certificate(credentials))
    if config.broker:
        findings.append(_broker(config.broker, credentials))
    return findings


def _machine() -> Finding:
    host = read_host()
    return Finding("machine", True, f"{host.board or 'unknown board'}, {host.cores} cores, Python {host.python}")


def _package(name: str, module: str) -> Finding:
    found = find_spec(module.split(".", maxsplit=1)[0]) is not None
    return Finding(name, found, "installed" if found else "not installed", f"pip install {name}")


def _runtime() -> Finding:
    proofs = [proof for proof in map(prove, PACKAGES) if proof.version is not None]
    detail = "; ".join(f"{proof.package} {proof.version} {proof.found}" for proof in proofs)
    works = any(proof.works for proof in proofs)
    remedy = "pip install 'edgeslm[ort]', or 'edgeslm[litert]' for .tflite"
    return Finding("runtime", works, detail or "none for models; the agent can only report", remedy)


def _sqlite() -> Finding:
    ok = sqlite3.sqlite_version_info >= (3, 24)
    return Finding("sqlite", ok, sqlite3.sqlite_version, "use a Python built with SQLite 3.24 or later")


def _folder(config: Config) -> Finding:
    folder = config.spool or (default_spool(config.id) if config.id else default_spool("any").parent)
    nearest = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        return Finding(
            "spool", False, f"{nearest} is not writable: {error.strerror}", "name a writable folder with --spool"
        )
    return Finding("spool", True, f"{folder} can be written")


def _bundle(path: Path) -> Finding:
    from edgeslm_agent.bundle import open_any

    try:
        bundle = open_any(path)
    except EdgeSLMError as error:
        return Finding("bundle", False, error.message, error.hint)
    return Finding("bundle", True, f"{bundle.manifest.variant}, whole")


def certificate(folder: Path, now: float | None = None) -> Finding:
    """Return until when the certificate in a folder of credentials holds, and whether that is long enough."""
    moment = time.time() if now is None else now
    try:
        held = validity(folder / CERTIFICATE)
    except EdgeSLMError as error:
        return Finding("certificate", False, error.message, error.hint)
    day = time.strftime("%Y-%m-%d", time.gmtime(held.ends))
    if moment < held.begins:
        return Finding("certificate", False, "it has not begun: the clock of this machine is wrong", "set the clock")
    if moment >= held.ends:
        return Finding("certificate", False, f"ended {day}", "enrol again with a new token")
    detail = f"ends {day}, in {(held.ends - moment) / 86400:.0f} days"
    return Finding("certificate", not held.due(moment), detail, "edgeslm-agent enroll --renew, or a new token")


def _broker(url: str, credentials: Path | None) -> Finding:
    from edgeslm_agent.link.address import parse_address
    from edgeslm_agent.link.endpoint import Endpoint
    from edgeslm_agent.link.mqtt import MqttTransport
    from edgeslm_agent.link.transport import Connected, Lost, SessionOptions

    try:
        endpoint = Endpoint(MqttTransport(parse_address(url, credentials)), SessionOptions("", keepalive_s=30))
    except EdgeSLMError as error:
        return Finding("broker", False, error.message, error.hint)
    deadline = time.monotonic() + _BROKER_S
    try:
        while time.monotonic() < deadline:
            happening = endpoint.poll(deadline - time.monotonic())
            if isinstance(happening, Connected):
                return Finding("broker", True, "answers")
            if isinstance(happening, Lost):
                return Finding("broker", False, happening.error.message, happening.error.hint)
    finally:
        endpoint.close()
    return Finding("broker", False, "did not answer in time", "is it an MQTT broker?")
