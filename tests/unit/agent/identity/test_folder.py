"""Credentials in the making: whatever interrupts them, what is in use fits together, and the next try succeeds."""

from __future__ import annotations

import itertools
import shutil
import ssl
import time
from typing import TYPE_CHECKING

import pytest

from edgeslm.fleet.identity import enrolment, pki
from edgeslm.fleet.identity.authority import Settings, init
from edgeslm_agent.errors import ConfigError, MissingExtra
from edgeslm_agent.identity import enrolment as device_side
from edgeslm_agent.identity import openssl
from edgeslm_agent.identity.folder import read_record, settle
from support.identity import Site
from support.interruption import interrupted, interruptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.slow  # keys, again and again


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """An authority whose desk is a function call away."""
    site = Site(init(tmp_path / "authority", Settings(("localhost",))))

    def ask(_desk: str, path: str, body: Mapping[str, str], _context: object) -> bytes:
        request = body["request"].encode()
        if path == "/v1/enroll":
            return enrolment.redeem(site.authority, body["token"], request, time.time()).pem
        present = ssl.PEM_cert_to_DER_cert((tmp_path / "device/cert.pem").read_text(encoding="ascii"))
        return enrolment.renew(site.authority, present, request, time.time()).pem

    monkeypatch.setattr("edgeslm_agent.identity.exchange.ask", ask)
    return site


def pair_fits(folder: Path) -> bool:
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return True


def test_enrolment_interrupted_anywhere_is_finished_by_the_same_token(
    here: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = enrolment.invite(here.authority, "home/kitchen", time.time())[1]
    fresh, authority = tmp_path / "device", here.authority.folder / "ca.pem"
    stops = 0
    for stop in interruptions(lambda: device_side.enroll(text, authority, fresh), monkeypatch):
        stops = stop
        if fresh.exists():
            settle(fresh)
            assert not (fresh / "cert.pem").exists() or pair_fits(fresh)
    assert stops > 15
    assert pair_fits(fresh)
    record = read_record(fresh)
    assert record is not None
    assert record.device == "home/kitchen"
    assert not (fresh / "next").exists()


def test_renewal_interrupted_anywhere_leaves_one_identity_or_the_other(
    here: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, folder = tmp_path / "kept", tmp_path / "device"
    here.device("home/old", kept, now=time.time() - 0.9 * pki.CLIENT_S)
    old = (kept / "cert.pem").read_bytes()
    seen = set()
    for count in itertools.count():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(kept, folder)
        if not interrupted(lambda: device_side.renew(folder), count, monkeypatch):
            break
        settle(folder)
        assert pair_fits(folder)
        seen.add((folder / "cert.pem").read_bytes() == old)
    assert seen == {True, False}


def test_validity_knows_when_it_is_due(tmp_path: Path) -> None:
    held = openssl.Validity(1000.0, 4000.0)
    assert [held.due(now) for now in (0.0, 2999.0, 3001.0, 5000.0)] == [False, False, True, True]
    with pytest.raises(ConfigError, match="x509"):
        openssl.validity(tmp_path / "absent")


def test_machine_without_openssl_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(MissingExtra) as caught:
        openssl.new_key()
    assert "apt-get install openssl" in caught.value.hint


def test_broken_record_is_a_config_error(tmp_path: Path) -> None:
    for text in ("{", "[]", "{}", '{"device": 1, "desk": null}', '{"device": "x", "desk": null}'):
        (tmp_path / "identity.json").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError):
            read_record(tmp_path)
