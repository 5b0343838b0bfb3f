"""The authority's folder: whole, private, and changed without losing anybody."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from edgeslm.fleet.group import read_group
from edgeslm.fleet.identity import enrolment, pki
from edgeslm.fleet.identity.authority import Authority, Settings, grant, init, open_authority
from edgeslm.fleet.identity.ledger import open_ledger
from edgeslm.fleet.identity.revocation import publish, revoke
from edgeslm_agent.errors import ConfigError, UsageError
from support.identity import Site
from support.interruption import interruptions

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # keys, again and again

HERE = Settings(("broker.example.org", "192.0.2.1", "2001:db8::1"))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        authority = init(tmp_path / "new/authority", HERE)
        grant(authority, "viewer", tmp_path / "guest")
        Site(authority).device("home/kitchen", tmp_path / "new/devices/kitchen")
        revoke(authority, "home/kitchen")
    finally:
        os.umask(before)
    for top in (tmp_path / "new", tmp_path / "guest"):
        for path in (top, *top.rglob("*")):
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_authority_is_whole_or_not_there_wherever_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, stops = tmp_path / "authority", 0
    for stops in interruptions(lambda: init(folder, HERE), monkeypatch):  # noqa: B007 - counted
        if folder.exists():
            check_whole(open_authority(folder))
            shutil.rmtree(folder)
    assert stops > 80
    check_whole(open_authority(folder))


def check_whole(authority: Authority) -> None:
    """Every certificate holds for its purpose, by the word of openssl at its strictest."""
    folder = authority.folder
    verify(folder, "fleet", "sslserver", "broker/broker.pem")
    for role in ("operator", "collector", "viewer"):
        verify(folder, "fleet", "sslclient", f"{role}/cert.pem")
    assert len(authority.token_key()) == 32
    assert (folder / "ca.pem").read_bytes() == (folder / "keys/fleet.pem").read_bytes()


def verify(folder: Path, signer: str, purpose: str, certificate: str) -> None:
    command = ["openssl", "verify", "-x509_strict", "-crl_check", "-purpose", purpose]
    command += ["-CAfile", f"broker/{signer}.pem", "-CRLfile", f"broker/{signer}.crl", certificate]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_init_again_keeps_everybody_and_changes_the_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "authority"
    before = files(init(folder, HERE).folder)
    changed = Settings(("other.example.org",), port=1)
    for _ in interruptions(lambda: init(folder, changed), monkeypatch):
        assert open_authority(folder).settings in (HERE, changed)
        verify(folder, "fleet", "sslserver", "broker/broker.pem")
    after = files(folder)
    differ = {name for name in before if before[name] != after[name]}
    assert differ == {"authority.json", "broker/broker.pem", "broker/mosquitto.conf"}
    assert open_authority(folder).settings == changed


def test_credentials_are_granted_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = init(tmp_path / "authority", HERE)
    for _ in interruptions(lambda: grant(authority, "operator", tmp_path / "new"), monkeypatch):
        if (tmp_path / "new").exists():
            assert set(files(tmp_path / "new")) == {"ca.pem", "cert.pem", "key.pem"}
            shutil.rmtree(tmp_path / "new")
    with pytest.raises(UsageError, match="exists"):
        grant(authority, "operator", tmp_path / "new")


def test_revocation_interrupted_anywhere_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = init(tmp_path / "authority", HERE)
    folder = Site(authority).device("home/kitchen", tmp_path / "kitchen")
    for _ in interruptions(lambda: revoke(authority, "home/kitchen"), monkeypatch):
        verify(authority.folder, "devices", "any", "broker/devices.pem")  # the list can be read
    with pytest.raises(AssertionError, match="revoked"):
        verify(authority.folder, "devices", "sslclient", str(folder / "cert.pem"))


def test_each_revocation_list_begins_later_than_the_last(tmp_path: Path) -> None:
    """OpenSSL takes the later of two; three within a second, and one after the clock went back, are told apart."""
    authority = init(tmp_path / "authority", HERE)
    begins = []
    for now in (time.time(), time.time(), time.time(), time.time() - 86400.0):
        publish(authority, now)
        told = subprocess.run(
            ["openssl", "crl", "-in", str(authority.broker / "devices.crl"), "-noout", "-lastupdate"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        begins.append(told.stdout)
    assert len(set(begins)) == 4


def test_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(UsageError, match="something else"):
        init(tmp_path, HERE)
    with pytest.raises(UsageError, match="no authority"):
        open_authority(tmp_path)
    (tmp_path / "authority.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError):
        open_authority(tmp_path)


@pytest.mark.parametrize("host", ["", "a b", "https://host", "host/", "-x", "x\nacl_file /dev/null", "a:b"])
def test_impossible_host_is_a_usage_error(host: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        init(tmp_path / "authority", Settings((host,)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ports", [(0, 1, 2), (1, 2, 65536), (8883, 8883, 8885)])
def test_impossible_ports_are_a_usage_error(ports: tuple[int, int, int], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ports"):
        init(tmp_path / "authority", Settings(("localhost",), *ports))


def test_two_at_a_time_give_one_certificate_for_one_token(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    authority = init(tmp_path / "authority", HERE)
    text = enrolment.invite(authority, "home/kitchen", time.time())[1]
    from edgeslm_agent.identity import enrolment as device_side

    requests = [device_side.request("home/kitchen", tmp_path / str(number)) for number in range(4)]

    def redeem(request: bytes) -> str | None:
        from edgeslm_agent.errors import Refused

        try:
            return enrolment.redeem(authority, text, request, time.time()).serial
        except Refused:
            return None

    with ThreadPoolExecutor(4) as pool:
        serials = list(pool.map(redeem, requests))
    assert sum(serial is not None for serial in serials) == 1
    with open_ledger(authority.ledger) as ledger:
        assert len(ledger.held_by("home/kitchen", time.time())) == 1


def test_certificate_never_outlives_its_authority(tmp_path: Path) -> None:
    authority = init(tmp_path / "authority", HERE)
    late = time.time() + pki.AUTHORITY_S - 10
    made = pki.read_certificate(pki.new_client(authority.signer("fleet"), "viewer", late).certificate)
    assert made.ends == pki.read_certificate(authority.certificate()).ends


def test_collectors_of_a_fleet_have_one_secret_group(tmp_path: Path) -> None:
    authority = init(tmp_path / "authority", HERE)
    grant(authority, "collector", tmp_path / "second")
    grant(authority, "viewer", tmp_path / "guest")
    name = read_group(tmp_path / "authority/collector")
    assert read_group(tmp_path / "second") == name
    assert name != read_group(init(tmp_path / "other", HERE).folder / "collector")
    assert not (tmp_path / "guest/group").exists()
    for path in (authority.folder / "keys/group", authority.folder / "collector/group"):  # as an authority of before
        path.unlink()
    init(authority.folder, HERE)
    assert read_group(authority.folder / "collector") == (authority.folder / "keys/group").read_text().strip()
