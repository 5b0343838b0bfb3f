"""The agent's configuration: a small JSON file and the command line above it.

Every problem of the file is reported at once, each as `file:line: what`; unknown keys are errors: a person wrote it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeslm_agent.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_FILE_BYTES = 64 * 1024
_HINT = "device_agent/README.md lists the keys with their units and bounds"


@dataclass(frozen=True)
class Config:
    """What an agent is told: who it is, where its broker is, what it runs, and its bounds.

    `interval_s` seconds between samples, `spool_mb` MB of telemetry kept on disk, `queue` requests that may wait,
    `threads` of the engine (None: the machine's big cores).
    """

    id: str | None = None
    broker: str | None = None
    bundle: Path | None = None
    credentials: Path | None = None
    spool: Path | None = None
    profile: str | None = None
    interval_s: float = 10.0
    spool_mb: int = 64
    queue: int = 8
    threads: int | None = None


_NUMBERS: dict[str, tuple[type, float, float]] = {
    "interval_s": (float, 0.1, 86400.0),
    "spool_mb": (int, 1, 65536),
    "queue": (int, 0, 64),
    "threads": (int, 1, 256),
}
_PATHS = ("bundle", "credentials", "spool")


def load_config(path: Path) -> Config:
    """Read a configuration file. Raises ConfigError with all its problems."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}", "give the path of a JSON file") from error
    if len(text) > _MAX_FILE_BYTES:
        raise ConfigError(f"{path} is larger than {_MAX_FILE_BYTES} bytes", _HINT)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}", 'an object such as {"interval_s": 10}') from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path} does not hold a JSON object", 'an object such as {"interval_s": 10}')
    problems = [f"{path}:{_line_of(name, text)}: {problem}" for name, problem in _problems(document)]
    if problems:
        raise ConfigError(f"{path} is wrong", _HINT, problems)
    values: dict[str, Any] = {name: _converted(name, value) for name, value in document.items()}
    return Config(**values)


def override(config: Config, values: Mapping[str, Any]) -> Config:
    """Return the configuration with what the command line says (None: it says nothing). Raises ConfigError."""
    given = {name: value for name, value in values.items() if value is not None}
    problems = [problem for _, problem in _problems({name: _plain(value) for name, value in given.items()})]
    if problems:
        raise ConfigError("the command line is out of bounds", _HINT, problems)
    return replace(config, **given)


def default_spool(identity: str) -> Path:
    """Return where an agent keeps its state: systemd's state directory, root's, or the user's."""
    name = identity.replace("/", "_")
    if directory := os.environ.get("STATE_DIRECTORY"):
        return Path(directory.split(":")[0]) / name
    if os.geteuid() == 0:
        return Path("/var/lib/edgeslm-agent") / name
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(base) / "edgeslm-agent" / name


def credentials_folder(config: Config, identity: str | None = None) -> Path | None:
    """Return the folder of credentials: the one that is named, or the one beside the agent's state.

    The second is where `enroll` puts them when nothing is named; it needs an id, and None is returned without one.
    """
    device = identity or config.id
    return config.credentials or (default_spool(device) / "credentials" if device else None)


def with_credentials(config: Config) -> Config:
    """Add the credentials that are there although nothing names them, and finish what an enrolment began.

    Raises EnvironmentProblem when that cannot be finished.
    """
    folder = credentials_folder(config)
    if folder is None or not folder.is_dir():
        return config
    from edgeslm_agent.identity.folder import CERTIFICATE, settle

    settle(folder)
    found = config.credentials or (folder / CERTIFICATE).exists()
    return replace(config, credentials=folder) if found else config


def _problems(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    known = {field.name for field in fields(Config)}
    found = []
    for name, value in document.items():
        if name not in known:
            found.append((name, f"unknown key '{name}'; known are {', '.join(sorted(known))}"))
        elif name in _NUMBERS:
            kind, low, high = _NUMBERS[name]
            allowed = (int, float) if kind is float else (int,)
            if not isinstance(value, allowed) or isinstance(value, bool) or not low <= value <= high:
                found.append((name, f"'{name}' must be a number from {low:g} to {high:g}, not {value!r}"))
        elif not isinstance(value, str) or not value:
            found.append((name, f"'{name}' must be a text, not {value!r}"))
    return found


def _converted(name: str, value: object) -> object:
    return Path(str(value)) if name in _PATHS else value


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _line_of(key: str, text: str) -> int:
    before, found, _ = text.partition(json.dumps(key))
    return before.count("\n") + 1 if found else 1
