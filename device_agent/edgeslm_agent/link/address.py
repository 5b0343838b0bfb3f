"""The address of a broker: `mqtt://[user[:password]@]host[:port]`, or `mqtts://` for TLS.

`?version=3.1.1` or `?version=5` fixes the version of MQTT; without it 5 is tried first. It saves the wait for brokers
that neither understand nor refuse MQTT 5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from edgeslm_agent.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

_DEFAULT_PORT = {"mqtt": 1883, "mqtts": 8883}
_VERSIONS = {"": None, "version=5": 5, "version=3.1.1": 4}  # the numbers of the protocol level in CONNECT
_MAX_SECRET_BYTES = 4096
_HINT = "write mqtt://host:1883, or mqtts://host:8883 for TLS; user:password@ before the host when the broker asks"


@dataclass(frozen=True)
class Credentials:
    """Secrets of one client: a login and the files of a TLS identity; whatever is None is not used."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True)
class Address:
    """Where a broker listens and how to present oneself. `str()` never shows the password."""

    host: str
    port: int
    tls: bool = False
    version: int | None = None
    credentials: Credentials = Credentials()

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_address(url: str, credentials: Path | None = None) -> Address:
    """Read a broker's URL and, when given, a folder of credentials; a login in the URL wins over the folder's.

    Raises UsageError for the URL, ConfigError for the folder.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"'{url}' is not the URL of a broker: {error}", _HINT) from error
    if parts.scheme not in _DEFAULT_PORT or not parts.hostname or parts.path.strip("/") or parts.query not in _VERSIONS:
        raise UsageError(f"'{_without_login(url)}' is not the URL of a broker", _HINT)
    secrets = read_credentials(credentials) if credentials else Credentials()
    if parts.username:
        password = unquote(parts.password) if parts.password is not None else None
        secrets = Credentials(unquote(parts.username), password, secrets.ca, secrets.certificate, secrets.key)
    return Address(
        parts.hostname, port or _DEFAULT_PORT[parts.scheme], parts.scheme == "mqtts", _VERSIONS[parts.query], secrets
    )


def read_credentials(folder: Path) -> Credentials:
    """Read a folder of credentials: `login` (user:password on one line), `ca.pem`, `cert.pem`, `key.pem`; all optional.

    Raises ConfigError when the folder is missing, holds none of them, or half an identity.
    """
    if not folder.is_dir():
        raise ConfigError(
            f"no folder of credentials at {folder}", "name a folder with login, ca.pem, cert.pem or key.pem"
        )
    found = {name: folder / name for name in ("login", "ca.pem", "cert.pem", "key.pem") if (folder / name).is_file()}
    if not found:
        raise ConfigError(
            f"{folder} holds no credentials", "it may hold login (user:password), ca.pem, cert.pem, key.pem"
        )
    if ("cert.pem" in found) != ("key.pem" in found):
        raise ConfigError(f"{folder} holds half of a TLS identity", "put both cert.pem and key.pem there, or neither")
    user, password = _login(found["login"]) if "login" in found else (None, None)
    return Credentials(user, password, found.get("ca.pem"), found.get("cert.pem"), found.get("key.pem"))


def _login(path: Path) -> tuple[str, str | None]:
    try:
        with path.open(encoding="utf-8") as file:
            line = file.read(_MAX_SECRET_BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}", "it holds user:password on one line") from error
    user, colon, password = line.partition(":")
    if not user or "\n" in line:
        raise ConfigError(f"{path} holds no login", "it holds user:password on one line")
    return user, password if colon else None


def _without_login(url: str) -> str:
    return url.rpartition("@")[2] if "@" in url else url
