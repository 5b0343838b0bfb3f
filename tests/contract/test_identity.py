"""PROTOCOL.md, section I: a device and a desk over HTTPS; what a broker makes of it is in the integration tests."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.fleet.identity import enrolment, pki
from edgeslm.fleet.identity.desk import Desk, serving
from edgeslm.fleet.identity.revocation import revoke
from edgeslm.fleet.identity.rights import DEVICE, ROLES
from edgeslm.fleet.identity.tokens import LONGEST_S, check_token
from edgeslm_agent.contract.enrolment import MAX_BYTES, parse_token, write_token
from edgeslm_agent.contract.topics import LEAVES
from edgeslm_agent.errors import ConfigError, EdgeSLMError, Refused, Unreachable, UsageError
from edgeslm_agent.identity import enrolment as device_side
from edgeslm_agent.identity.exchange import trust
from edgeslm_agent.identity.openssl import validity
from support.clauses import clauses
from support.hostile import HOSTILE
from support.identity import Site, site
from support.waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow  # certificates, and a desk over TLS

NOW = time.time()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site"), broker=False) as made:
        yield made


@pytest.fixture(scope="module")
def token(here: Site) -> str:
    return invite(here, "home/altered")


def invite(here: Site, device: str, *, now: float | None = None, lifetime_s: float = 3600.0) -> str:
    return enrolment.invite(here.authority, device, time.time() if now is None else now, lifetime_s)[1]


def enroll(here: Site, text: str, folder: Path) -> Path:
    device_side.enroll(text, here.authority.folder / "ca.pem", folder)
    return folder


def post(
    here: Site, path: str, body: bytes, *, length: int | None = None, method: str = "POST"
) -> tuple[int, dict[str, str]]:
    settings = here.authority.settings
    context = trust(here.authority.folder / "ca.pem")
    connection = http.client.HTTPSConnection("localhost", settings.desk_port, context=context, timeout=60)
    try:
        connection.request(method, path, body, {"Content-Length": str(len(body) if length is None else length)})
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    return response.status, json.loads(text) if response.headers["Content-Type"] == "application/json" else {}


@clauses("I1", "I5")
def test_token_is_exchanged_for_a_certificate_and_the_key_stays(here: Site, tmp_path: Path) -> None:
    folder = enroll(here, invite(here, "home/kitchen"), tmp_path / "kitchen")
    made = pki.read_certificate((folder / "cert.pem").read_bytes())
    assert made.name == "home/kitchen"
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(folder / "cert.pem", folder / "key.pem")
    key = (folder / "key.pem").read_bytes().splitlines()[1]
    assert all(key not in file.read_bytes() for file in here.authority.folder.rglob("*") if file.is_file())


@clauses("I1")
def test_name_that_no_certificate_holds_is_refused_before_anything_is_made(here: Site) -> None:
    assert len("a" * 31 + "/" + "b" * 32) == 64
    invite(here, "a" * 31 + "/" + "b" * 32)
    for name in ("a" * 32 + "/" + "b" * 32, "home", "home/a/b", "home/+", "home/#", "../x", "home/%u"):
        with pytest.raises(UsageError):
            invite(here, name)


@clauses("I2", "I3")
def test_every_leaf_has_one_writer(here: Site) -> None:
    sides = [DEVICE.write, ROLES["operator"].write, ROLES["collector"].write, ROLES["viewer"].write]
    assert sorted(leaf for side in sides for leaf in side) == sorted(LEAVES)
    assert sorted(DEVICE.write + DEVICE.read) == sorted(LEAVES)
    assert [name for name, rights in ROLES.items() if "result" in rights.read] == ["operator"]
    acl = (here.authority.broker / "acl").read_text(encoding="utf-8")
    assert all("%u" in line for line in acl.splitlines() if line.startswith("pattern"))
    conf = (here.authority.broker / "mosquitto.conf").read_text(encoding="utf-8")
    devices, operators = conf.partition("# operators")[::2]
    assert "use_username_as_clientid true" in devices
    assert "devices.pem" in devices
    assert "devices.pem" not in operators


@clauses("I4")
def test_token_says_what_the_protocol_says(here: Site, token: str) -> None:
    word, payload, mac = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert word == "edgeslm1"
    assert len(base64.urlsafe_b64decode(mac + "==")) == 32
    assert said.keys() == {"v", "device", "desk", "broker", "authority", "nonce", "ends"}
    assert (said["device"], said["desk"], said["broker"]) == (
        "home/altered", here.authority.desk_url, here.authority.broker_url,
    )  # fmt: skip


@clauses("I4")
@given(data=st.data())
def test_altered_token_is_refused(here: Site, token: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("AZaz09-_.") | st.characters(codec="utf-8"))
    altered = token[:place] + letter + token[place + 1 :]
    if _means_the_same(token, altered):
        return
    with pytest.raises((UsageError, Refused)):
        check_token(here.authority, altered, time.time())


def _means_the_same(token: str, altered: str) -> bool:
    """The last letter of base64 has bits that nobody reads, and blanks around a token are a slip of the hand."""
    try:
        one, other = parse_token(token), parse_token(altered)
    except UsageError:
        return False
    return (one.payload, one.mac) == (other.payload, other.mac)


@clauses("I4")
@given(
    st.text(max_size=100)
    | st.binary(max_size=100).map(lambda data: "edgeslm1." + base64.urlsafe_b64encode(data).decode() + ".x")
)
def test_anything_for_a_token_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_token(text)


@clauses("I4")
def test_token_of_another_authority_and_a_wrong_ca_are_told_apart(here: Site, tmp_path: Path) -> None:
    with site(tmp_path, broker=False, desk=False) as other:
        foreign = invite(other, "home/kitchen")
        with pytest.raises(Refused, match="another authority"):
            check_token(here.authority, foreign, time.time())
        with pytest.raises(ConfigError, match="not the authority"):
            device_side.enroll(foreign, here.authority.folder / "ca.pem", tmp_path / "device")
        impostor = Desk(other.authority, "127.0.0.1")
        with serving(impostor):
            signed = parse_token(invite(here, "home/kitchen"))
            redirected = write_token(
                type(signed.token)(**{**vars(signed.token), "desk": other.authority.desk_url}), signed.mac
            )
            with pytest.raises(Unreachable, match="cannot be trusted"):
                device_side.enroll(redirected, here.authority.folder / "ca.pem", tmp_path / "device")


@clauses("I5")
def test_desk_answers_what_it_cannot_read_and_goes_on(here: Site, tmp_path: Path) -> None:
    for path in ("/v1/enroll", "/v1/renew", "/", "/v1/enroll/../../ledger.sqlite"):
        for payload in HOSTILE:
            if len(payload) <= MAX_BYTES:
                status, answer = post(here, path, payload)
                assert status in (400, 403), answer
                assert answer["error"]
    assert post(here, "/v1/enroll", b"", length=MAX_BYTES + 1)[0] == 400
    assert post(here, "/v1/enroll", b"", length=-1)[0] == 400
    assert post(here, "/v1/enroll", b"", method="GET")[0] == 501
    text = invite(here, "home/hostile")
    for request in ("", "x", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"):
        assert post(here, "/v1/enroll", json.dumps({"token": text, "request": request}).encode())[0] == 400
    assert post(here, "/v1/renew", json.dumps({"request": "x"}).encode())[0] == 403
    enroll(here, text, tmp_path / "device")


@clauses("I5")
def test_visitors_who_say_nothing_hold_up_nobody_else(here: Site, tmp_path: Path) -> None:
    address = ("127.0.0.1", here.authority.settings.desk_port)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(address)) for _ in range(20)]
        enroll(here, invite(here, "home/patient"), tmp_path / "patient")
        silent += [stack.enter_context(socket.create_connection(address)) for _ in range(20)]
        silent[-1].settimeout(PATIENCE_S)
        assert silent[-1].recv(1) == b""  # one too many: the desk hangs up at once
        with pytest.raises(Unreachable):
            enroll(here, invite(here, "home/late"), tmp_path / "late")
    text = invite(here, "home/later")
    eventually(lambda: enrolled(here, text, tmp_path / "later"), "the desk has room again")


def enrolled(here: Site, text: str, folder: Path) -> bool:
    with contextlib.suppress(Unreachable):
        enroll(here, text, folder)
        return True
    return False


@clauses("I6")
def test_request_for_another_name_is_refused(here: Site, tmp_path: Path) -> None:
    request = device_side.request("home/hall", tmp_path / "hall")
    with pytest.raises(Refused, match="not for home/kitchen"):
        enrolment.redeem(here.authority, invite(here, "home/kitchen"), request, time.time())
    with pytest.raises(Refused, match="not for home/kitchen"):
        enrolment.sign(here.authority, "home/kitchen", request, time.time())
    folder = here.device("home/here", tmp_path / "here", now=time.time() - 0.9 * pki.CLIENT_S)
    der = ssl.PEM_cert_to_DER_cert((folder / "cert.pem").read_text(encoding="ascii"))
    with pytest.raises(Refused, match="not for home/here"):
        enrolment.renew(here.authority, der, request, time.time())


@clauses("I7")
def test_token_is_for_one_key_and_the_same_key_may_ask_again(here: Site, tmp_path: Path) -> None:
    text = invite(here, "home/once")
    request = device_side.request("home/once", tmp_path / "one")
    first = enrolment.redeem(here.authority, text, request, time.time())
    assert enrolment.redeem(here.authority, text, request, time.time()) == first
    with pytest.raises(Refused, match="used already"):
        enroll(here, text, tmp_path / "two")
    revoke(here.authority, "home/once")
    with pytest.raises(Refused, match="used already"):
        enrolment.redeem(here.authority, text, request, time.time())


@clauses("I7")
def test_token_ends_by_the_desk_s_clock_and_voids_with_a_revocation(here: Site, tmp_path: Path) -> None:
    ended = invite(here, "home/late", now=NOW - 7200.0)
    with pytest.raises(Refused, match="has ended"):
        enroll(here, ended, tmp_path / "late")
    for lifetime_s in (0.0, -1.0, LONGEST_S + 1):
        with pytest.raises(UsageError):
            invite(here, "home/late", lifetime_s=lifetime_s)
    ahead = invite(here, "home/late", now=NOW + 30 * 86400.0)  # made before the desk's clock was set back
    with pytest.raises(Refused, match="longer than any should"):
        enroll(here, ahead, tmp_path / "late")
    void = invite(here, "home/late")
    assert revoke(here.authority, "home/late").tokens >= 1
    with pytest.raises(Refused, match="taken back"):
        enroll(here, void, tmp_path / "late")
    with pytest.raises(UsageError, match="no such certificate"):
        revoke(here.authority, "home/late")


@clauses("I8")
def test_renewal_is_due_in_the_last_third_and_makes_a_new_key(here: Site, tmp_path: Path) -> None:
    folder = here.device("home/old", tmp_path / "old", now=NOW - 0.7 * pki.CLIENT_S)
    before = {name: (folder / name).read_bytes() for name in ("key.pem", "cert.pem", "ca.pem")}
    held = validity(folder / "cert.pem")
    third = held.ends - (held.ends - held.begins) / 3
    assert not device_side.renew(folder, now=third - 1)
    assert device_side.renew(folder, now=third + 1)
    after = {name: (folder / name).read_bytes() for name in before}
    assert [name for name in before if before[name] != after[name]] == ["key.pem", "cert.pem"]
    assert pki.read_certificate(after["cert.pem"]).name == "home/old"
    assert validity(folder / "cert.pem").ends > held.ends


@clauses("I8")
@pytest.mark.parametrize(
    ("age", "revoked", "reason"),
    [(0.2, False, "need not be renewed"), (0.9, True, "was revoked"), (1.1, False, "has ended")],
)
def test_certificate_that_may_not_renews_nothing(
    here: Site, age: float, revoked: bool, reason: str, tmp_path: Path
) -> None:
    name = f"home/age-{age}"
    folder = here.device(name, tmp_path / "device", now=NOW - age * pki.CLIENT_S)
    if revoked:
        revoke(here.authority, name)
    before = (folder / "cert.pem").read_bytes()
    with pytest.raises(Refused, match=reason):
        device_side.renew(folder, anyway=True)
    assert (folder / "cert.pem").read_bytes() == before


@clauses("I8")
def test_certificate_the_ledger_does_not_know_renews_nothing(here: Site, tmp_path: Path) -> None:
    """Made by the right authority, but not here: a copy of the key is somewhere."""
    request = device_side.request("home/ghost", tmp_path / "ghost")
    unknown = pki.certify(here.authority.signer("devices"), pki.read_request(request), NOW - 0.9 * pki.CLIENT_S)
    der = ssl.PEM_cert_to_DER_cert(unknown.pem.decode())
    with pytest.raises(Refused):
        enrolment.renew(here.authority, der, request, NOW)


@clauses("I9")
def test_certificate_begins_a_day_before_it_is_made_and_is_listed_when_revoked(here: Site, tmp_path: Path) -> None:
    folder = here.device("home/young", tmp_path / "young", now=NOW)
    assert validity(folder / "cert.pem").begins == int(NOW) - 86400
    assert openssl_verifies(here, folder)
    revoke(here.authority, "home/young")
    assert not openssl_verifies(here, folder)
    revoke(here.authority, "home/young")  # once more does no harm
    assert not openssl_verifies(here, folder)


def openssl_verifies(here: Site, folder: Path) -> bool:
    """Ask somebody else: the chain, the revocation list, and RFC 5280 to the letter."""
    broker = here.authority.broker
    lists = ("-crl_check", "-CRLfile", str(broker / "devices.crl"), "-CAfile", str(broker / "devices.pem"))
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslclient", *lists, str(folder / "cert.pem")]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_identity_without_a_desk_is_renewed_by_hand(here: Site, tmp_path: Path) -> None:
    request = tmp_path / "request.csr"
    request.write_bytes(device_side.request("home/far", tmp_path / "far"))
    made = enrolment.sign(here.authority, "home/far", request.read_bytes(), time.time())
    (tmp_path / "cert.pem").write_bytes(made.pem)
    device_side.accept("home/far", tmp_path / "cert.pem", here.authority.folder / "ca.pem", tmp_path / "far")
    with pytest.raises(EdgeSLMError, match="no identity that a desk can renew"):
        device_side.renew(tmp_path / "far")
