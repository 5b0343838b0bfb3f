"""The authority's folder: made whole by `edgeslm fleet init`, for its owner alone (folders 0700, files 0600).

authority.json            host names and ports
ledger.sqlite             tokens given, certificates made and revoked
keys/fleet.{pem,key}      signs the broker and the operator's side; after `init` its key may be kept elsewhere
keys/devices.{pem,key}    signs devices and nothing else: who steals it can pose as a device, not as the broker
keys/tokens.key           makes and checks tokens
keys/group                the name under which collectors share a subscription; a copy lies beside their certificates
broker/                   mosquitto.conf, acl, broker.pem, and for each authority its certificate and revocations
operator/ collector/ viewer/   folders for --credentials
ca.pem                    what a device needs beside its token
"""

from __future__ import annotations

import ipaddress
import json
import os
import pwd
import re
import secrets
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.fleet import group
from edgeslm.fleet.identity import mosquitto
from edgeslm.fleet.identity.ledger import open_ledger
from edgeslm.fleet.identity.pki import Pair, new_authority, new_broker, new_client, read_certificate, revocation_list
from edgeslm.fleet.identity.rights import FIRST_ROLES, ROLES, acl
from edgeslm_agent.errors import ConfigError, UsageError
from edgeslm_agent.host.durable import make_private_folder, sync_folder, write_durable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm.fleet.identity.pki import Certificate

_SCHEMA = "edgeslm.authority/1"
_SETTINGS = "authority.json"
_GROUP = "keys/group"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_SIGNERS = ("fleet", "devices")


@dataclass(frozen=True)
class Settings:
    """Where the broker and the desk are: names or addresses that devices may use (the first is told to them), ports."""

    hosts: tuple[str, ...]
    port: int = 8883
    operator_port: int = 8884
    desk_port: int = 8885


@dataclass(frozen=True)
class Authority:
    """An authority on disk."""

    folder: Path
    settings: Settings

    @property
    def broker_url(self) -> str:
        """Where devices connect."""
        return f"mqtts://{_bracketed(self.settings.hosts[0])}:{self.settings.port}"

    @property
    def operator_url(self) -> str:
        """Where operators, collectors and viewers connect."""
        return f"mqtts://{_bracketed(self.settings.hosts[0])}:{self.settings.operator_port}"

    @property
    def desk_url(self) -> str:
        """Where devices exchange tokens and renew."""
        return f"https://{_bracketed(self.settings.hosts[0])}:{self.settings.desk_port}"

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.folder / "ledger.sqlite"

    @property
    def broker(self) -> Path:
        """The broker's folder."""
        return self.folder / "broker"

    def token_key(self) -> bytes:
        """Return the key that makes and checks tokens."""
        return _read(self.folder / "keys/tokens.key")

    def certificate(self) -> bytes:
        """Return the certificate (PEM) by which devices know broker and desk."""
        return _read(self.folder / "ca.pem")

    def signer(self, name: str) -> Pair:
        """Return the authority `fleet` or `devices`. Raises ConfigError when its key is not here."""
        keys = self.folder / "keys"
        return Pair(_read(keys / f"{name}.pem"), _read(keys / f"{name}.key"))


def default_folder() -> Path:
    """Return the folder that is meant when none is named: EDGESLM_AUTHORITY, or one below the user's data."""
    if named := os.environ.get("EDGESLM_AUTHORITY"):
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "edgeslm/authority"


def open_authority(folder: Path) -> Authority:
    """Open an authority. Raises UsageError when there is none, ConfigError when its settings cannot be read."""
    path = folder / _SETTINGS
    if not path.is_file():
        raise UsageError(f"there is no authority at {folder}", "make one: edgeslm fleet init --host NAME")
    try:
        found = json.loads(_read(path))
        settings = Settings(tuple(found["hosts"]), found["port"], found["operator_port"], found["desk_port"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read: {error!r}", "restore it, or run edgeslm fleet init again") from error
    return Authority(folder.absolute(), settings)


def init(folder: Path, settings: Settings, now: float | None = None) -> Authority:
    """Make an authority, or give an existing one new settings and its broker a new certificate.

    A new one appears whole or not at all; an existing one keeps its authorities, its ledger and everybody's
    certificates. Raises UsageError for hosts and ports that cannot be, and for a folder that holds something else.
    """
    folder = folder.absolute()
    _check(settings)
    moment = time.time() if now is None else now
    authority = Authority(folder, settings)
    if (folder / _SETTINGS).exists():
        _write_settings(authority, folder, moment)
        return authority
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds something else than an authority", "name an empty or a new folder")
    making = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        _make(authority, making, moment)
        making.replace(folder)  # the name of an empty folder is taken over
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return authority


def grant(authority: Authority, role: str, folder: Path, now: float | None = None) -> Certificate:
    """Make a folder of credentials for a role; it appears whole or not at all. Raises UsageError when it exists."""
    if role not in ROLES:
        raise UsageError(f"'{role}' is not a role", f"there are {', '.join(ROLES)}")
    if folder.exists():
        raise UsageError(f"{folder} exists", "name a new folder")
    folder = folder.absolute()
    making = folder.with_name(f".{folder.name}.{os.getpid()}")
    pair = new_client(authority.signer("fleet"), role, time.time() if now is None else now)
    made = read_certificate(pair.certificate)
    try:
        _write_credentials(making, authority.certificate(), pair)
        if role == "collector":
            _name_group(authority.folder)
            write_durable(making / group.FILE, _read(authority.folder / _GROUP))
        with open_ledger(authority.ledger) as ledger:
            ledger.add(made)
        making.replace(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return made


def write_revocations(authority: Authority, revoked: Mapping[str, list[tuple[str, int]]], now: float) -> None:
    """Write the broker's revocation lists: for each authority the serials (hex) and when they were taken back."""
    for signer, entries in revoked.items():
        path = authority.broker / f"{signer}.crl"
        write_durable(path, revocation_list(authority.signer(signer), entries, now, _read(path)))


def _check(settings: Settings) -> None:
    for host in settings.hosts:
        if not _HOST.fullmatch(host) and not _is_address(host):
            raise UsageError(f"'{host}' is not a host name or an address", "for example broker.example.org")
    ports = (settings.port, settings.operator_port, settings.desk_port)
    if len(set(ports)) < len(ports) or not all(0 < port < 65536 for port in ports):
        raise UsageError(f"the ports {ports} do not go together", "give three different ones from 1 to 65535")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _make(authority: Authority, making: Path, now: float) -> None:
    """Write a whole authority into `making`; what it says about places is about the folder it will be."""
    make_private_folder(making)
    for name in ("keys", "broker/state"):
        make_private_folder(making / name)
    signers = {name: new_authority(f"edgeslm {name} authority", now) for name in _SIGNERS}
    for name, pair in signers.items():
        write_durable(making / f"keys/{name}.pem", pair.certificate)
        write_durable(making / f"keys/{name}.key", pair.key)
        write_durable(making / f"broker/{name}.pem", pair.certificate)
        write_durable(making / f"broker/{name}.crl", revocation_list(pair, (), now))
    write_durable(making / "keys/tokens.key", secrets.token_bytes(32))
    write_durable(making / "ca.pem", signers["fleet"].certificate)
    write_durable(making / "ledger.sqlite", b"")  # SQLite gives its journal the rights of this file
    for role in FIRST_ROLES:
        pair = new_client(signers["fleet"], role, now)
        _write_credentials(making / role, signers["fleet"].certificate, pair)
        with open_ledger(making / "ledger.sqlite") as ledger:
            ledger.add(read_certificate(pair.certificate))
    _write_settings(authority, making, now)


def _write_settings(authority: Authority, folder: Path, now: float) -> None:
    """Write what follows from the settings, into the authority's folder or the one that will become it."""
    settings, broker = authority.settings, folder / "broker"
    pair = new_broker(Authority(folder, settings).signer("fleet"), settings.hosts, now)
    # one file for certificate and key: they change together
    write_durable(broker / "broker.pem", pair.certificate + pair.key)
    write_durable(broker / "acl", acl().encode())
    owner = pwd.getpwuid(os.geteuid()).pw_name
    text = mosquitto.configuration(
        authority.broker, port=settings.port, operator_port=settings.operator_port, user=owner
    )
    write_durable(broker / "mosquitto.conf", text.encode())
    _name_group(folder)
    write_durable(folder / _SETTINGS, json.dumps({"schema": _SCHEMA, **asdict(settings)}, indent=2).encode() + b"\n")


def _name_group(folder: Path) -> None:
    """Give the collectors of an authority's folder the name of their group; it is made once."""
    if not (folder / _GROUP).exists():
        write_durable(folder / _GROUP, group.new_group().encode() + b"\n")
    if (folder / "collector").is_dir():  # it may have been moved to where it is used
        write_durable(folder / "collector" / group.FILE, _read(folder / _GROUP))


def _write_credentials(folder: Path, authority: bytes, pair: Pair) -> None:
    make_private_folder(folder)
    write_durable(folder / "ca.pem", authority)
    write_durable(folder / "cert.pem", pair.certificate)
    write_durable(folder / "key.pem", pair.key)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}", "is the authority's folder whole, and yours?"
        ) from error


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
