"""Identities over a real Mosquitto, on the configuration of `fleet init`: what each may do, and every other way.

Mosquitto 2.0 grants every subscription and holds back what its subscriber may not read, so a thief is judged by what
arrives: a message of its own, sent after the others', is the fence.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import pytest

from edgeslm.fleet.fleet import Fleet
from edgeslm.fleet.identity import mosquitto, pki
from edgeslm.fleet.identity.authority import grant
from edgeslm.fleet.identity.revocation import revoke
from edgeslm.fleet.identity.rights import DEVICE
from edgeslm_agent.contract.topics import DeviceId
from edgeslm_agent.identity import enrolment as device_side
from edgeslm_agent.identity.folder import Record, install
from edgeslm_agent.link.address import parse_address
from edgeslm_agent.link.mqtt import MqttTransport
from edgeslm_agent.link.transport import Outgoing, SessionOptions
from edgeslm_agent.serving.responder import Echo
from support.fleet import rows, running_agent, running_collector
from support.identity import Site, foreign, site
from support.waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow  # a broker, TLS and certificates

KITCHEN, HALL = DeviceId("home", "kitchen"), DeviceId("home", "hall")
DAY_S = 86400.0


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as made:
        made.device("home/kitchen", made.authority.folder.parent / "kitchen")
        made.device("home/hall", made.authority.folder.parent / "hall")
        yield made


def folder_of(here: Site, name: str) -> Path:
    return here.authority.folder.parent / name


def everything(device: DeviceId) -> list[str]:
    return [device.topic(leaf) for leaf in (*DEVICE.write, *DEVICE.read)]


def test_device_writes_its_leaves_and_reads_its_orders(here: Site) -> None:
    operator = here.role("operator", ["edgeslm/v1/#"]).connected()
    collector = here.role("collector", ["edgeslm/v1/#"]).connected()
    device = here.client(folder_of(here, "kitchen"), [KITCHEN.topic(leaf) for leaf in DEVICE.read]).connected()
    for leaf in DEVICE.write:
        assert device.say(KITCHEN.topic(leaf), leaf.encode())
        (operator if leaf == "result" else collector).hears(KITCHEN.topic(leaf), leaf.encode())
    for leaf in ("desired", "command"):
        assert operator.say(KITCHEN.topic(leaf), b"do")
        device.hears(KITCHEN.topic(leaf), b"do")
    assert collector.say(KITCHEN.topic("ack"), b"kept")
    device.hears(KITCHEN.topic("ack"), b"kept")
    assert KITCHEN.topic("result") not in collector.topics  # it holds what people said to their device
    assert not collector.say(KITCHEN.topic("command"))
    assert not operator.say(KITCHEN.topic("ack"))
    viewer = here.role("viewer", ["edgeslm/v1/#"]).connected()
    assert not any(viewer.say(topic) for topic in everything(KITCHEN))
    for one in (operator, collector, device, viewer):
        one.endpoint.close()


def test_home_assistant_reads_devices_and_writes_only_its_own_topics(here: Site) -> None:
    folder = here.authority.folder.parent / "home-assistant"
    grant(here.authority, "home-assistant", folder)
    bridge = here.client(folder, operator=True).connected()
    reader = here.client(folder, ["homeassistant/#", KITCHEN.topic("status")], operator=True).connected()
    device = here.client(folder_of(here, "kitchen")).connected()
    assert bridge.say("homeassistant/sensor/kitchen/config", b"discovered")
    reader.hears("homeassistant/sensor/kitchen/config", b"discovered")
    assert device.say(KITCHEN.topic("status"), b"here")
    reader.hears(KITCHEN.topic("status"), b"here")
    assert not any(bridge.say(topic) for topic in everything(KITCHEN))
    assert not device.say("homeassistant/sensor/kitchen/config", b"forged")
    for one in (bridge, reader, device):
        one.endpoint.close()


@pytest.mark.parametrize(
    "topic",
    [
        *everything(HALL),
        *[KITCHEN.topic(leaf) for leaf in DEVICE.read],
        "edgeslm/v1/home/status",
        "edgeslm/v1/home/kitchen",
        "edgeslm/v1/home/kitchen/status/more",
        "edgeslm/v1/home/kitchen/other",
        "edgeslm/v1/work/kitchen/status",
        "edgeslm/v1//home/kitchen/status",
        "home/kitchen",
        "$SYS/broker/version",
        "anything",
    ],
)
def test_device_cannot_write_elsewhere(here: Site, topic: str) -> None:
    device = here.client(folder_of(here, "kitchen")).connected()
    assert not device.say(topic, b"forged", retain=True)
    device.endpoint.close()


@pytest.mark.parametrize(
    "filter_",
    ["#", "+/+/+/+/+", "edgeslm/v1/#", "edgeslm/v1/home/+/command", "edgeslm/v1/home/hall/#", "$SYS/#",
     "$share/x/edgeslm/v1/#"],
)  # fmt: skip
def test_device_hears_nothing_of_others(here: Site, filter_: str) -> None:
    owner = here.client(folder_of(here, "hall"), [HALL.topic("command")]).connected()
    operator = here.role("operator").connected()
    assert operator.say(HALL.topic("desired"), b"retained before the thief came", retain=True)
    thief = here.client(folder_of(here, "kitchen"), [filter_, KITCHEN.topic("ack")]).connected()
    for leaf in DEVICE.write:
        assert owner.say(HALL.topic(leaf), b"mine", retain=leaf == "status")
    assert operator.say(HALL.topic("command"), b"for the hall")
    owner.hears(HALL.topic("command"), b"for the hall")
    collector = here.role("collector").connected()
    assert collector.say(KITCHEN.topic("ack"), b"fence")
    thief.hears(KITCHEN.topic("ack"), b"fence")
    assert all(topic.startswith("edgeslm/v1/home/kitchen/") for topic in thief.topics), thief.topics
    for one in (owner, operator, collector, thief):
        one.endpoint.close()


def test_last_will_for_another_device_is_never_published(here: Site) -> None:
    operator = here.role("operator", [HALL.topic("status"), KITCHEN.topic("status")]).connected()
    for topic in (HALL.topic("status"), KITCHEN.topic("status")):
        will = SessionOptions("", will=Outgoing(topic, b"dead", retain=True))
        device = here.client(folder_of(here, "kitchen"), options=will).connected()
        # who takes over the client id ends the first connection without its goodbye, and the will is due
        here.client(folder_of(here, "kitchen")).connected().endpoint.close()
        device.endpoint.close()
    operator.hears(KITCHEN.topic("status"), b"dead")
    assert b"dead" not in [one.payload for one in operator.heard if one.topic == HALL.topic("status")]
    operator.endpoint.close()


def test_client_id_of_another_device_is_not_to_be_had(here: Site) -> None:
    own_name = SessionOptions("edgeslm-home-hall")
    owner = here.client(folder_of(here, "hall"), [HALL.topic("command")], options=own_name).connected()
    for name in ("home/hall", "edgeslm-home-hall"):
        thief = here.client(folder_of(here, "kitchen"), options=SessionOptions(name)).connected()
        assert not thief.say(HALL.topic("status"))
        thief.endpoint.close()
    operator = here.role("operator").connected()
    assert operator.say(HALL.topic("command"), b"still there")
    owner.hears(HALL.topic("command"), b"still there")
    assert owner.losses == []
    for one in (owner, operator):
        one.endpoint.close()


@pytest.mark.parametrize(
    "wrong",
    ["nothing", "foreign", "ended", "not begun", "device at the operators", "operator at the devices", "self-made"],
)
def test_wrong_certificate_is_refused(here: Site, wrong: str, tmp_path: Path) -> None:
    now = time.time()
    folder = tmp_path / "credentials"
    if wrong == "nothing":
        folder.mkdir()
        (folder / "ca.pem").write_bytes(here.authority.certificate())
    elif wrong == "foreign":
        foreign(folder, "home/kitchen", here.authority)
    elif wrong == "self-made":  # a device is no authority, whatever it signs
        kitchen = folder_of(here, "kitchen")
        pair = pki.Pair((kitchen / "cert.pem").read_bytes(), (kitchen / "key.pem").read_bytes())
        made = pki.new_client(pair, "home/hall", now)
        foreign(folder, "home/hall", here.authority)
        (folder / "cert.pem").write_bytes(made.certificate + pair.certificate)
        (folder / "key.pem").write_bytes(made.key)
    elif wrong == "ended":
        here.device("home/late", folder, now=now - pki.CLIENT_S - 60)
    elif wrong == "not begun":
        here.device("home/early", folder, now=now + pki.SLACK_S + 600)
    elif wrong == "device at the operators":
        folder = folder_of(here, "kitchen")
    else:
        folder = here.authority.folder / "operator"
    client = here.client(folder, operator=wrong == "device at the operators")
    client.refused()
    client.endpoint.close()


@pytest.mark.parametrize("hours", [-23, 23])
def test_clock_that_is_wrong_by_a_day_does_not_matter(here: Site, hours: int, tmp_path: Path) -> None:
    here.device("home/skewed", tmp_path / "skewed", now=time.time() + hours * 3600.0)
    here.client(tmp_path / "skewed").connected().endpoint.close()


def test_nobody_else_can_pose_as_the_broker(here: Site) -> None:
    """Not even with an operator's certificate, though the same authority signed it."""
    device, operator = folder_of(here, "kitchen"), here.authority.folder / "operator"
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(operator / "cert.pem", operator / "key.pem")
    client = ssl.create_default_context(cafile=str(device / "ca.pem"))
    client.check_hostname = False  # the name is wrong too; here the purpose shall decide
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    victim = client.wrap_bio(incoming, outgoing, server_hostname="localhost")
    impostor = server.wrap_bio(outgoing, incoming, server_side=True)
    for side in (victim, impostor):
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        victim.do_handshake()


def test_revoked_device_is_thrown_out_and_stays_out_until_it_enrols_again(here: Site, tmp_path: Path) -> None:
    first = here.client(here.device("home/lost", tmp_path / "lost")).connected()
    second = here.client(here.device("home/stolen", tmp_path / "stolen")).connected()
    bystander = here.client(folder_of(here, "hall")).connected()
    for name, client in (("home/lost", first), ("home/stolen", second)):  # two lists within a second
        done = revoke(here.authority, name)
        assert (len(done.serials), done.reloaded, done.disconnected) == (1, True, True)
        client.lost()
        client.endpoint.close()
        again = here.client(tmp_path / name.partition("/")[2])
        again.refused()
        again.endpoint.close()
    assert bystander.losses == []
    bystander.endpoint.close()
    here.client(here.device("home/lost", tmp_path / "found")).connected().endpoint.close()
    stale = here.client(tmp_path / "lost")
    stale.refused()
    stale.endpoint.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_revoked_device_cannot_resume_an_old_session(here: Site, version: ssl.TLSVersion, tmp_path: Path) -> None:
    name = f"home/resuming-{version.name}"
    folder = here.device(name, tmp_path / "credentials")
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    context.maximum_version = version

    def connect(session: ssl.SSLSession | None) -> tuple[ssl.SSLSession | None, bool]:
        raw = socket.create_connection(("localhost", here.authority.settings.port))
        with context.wrap_socket(raw, server_hostname="localhost", session=session) as link:
            link.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x")
            assert link.recv(4) == b"\x20\x02\x00\x00"  # CONNACK, accepted
            return link.session, bool(link.session_reused)

    session, _ = connect(None)
    assert connect(session)[1], "the broker resumes sessions; else this test proves nothing"
    revoke(here.authority, name)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(session)


def test_one_certificate_of_a_role_is_revoked_and_the_others_stay(here: Site, tmp_path: Path) -> None:

    made = grant(here.authority, "viewer", tmp_path / "guest")
    guest = here.client(tmp_path / "guest", operator=True).connected()
    guest.endpoint.close()
    assert revoke(here.authority, "viewer", serial=made.serial).serials == (made.serial,)
    guest = here.client(tmp_path / "guest", operator=True)
    guest.refused()
    guest.endpoint.close()
    here.role("viewer").connected().endpoint.close()


def test_revocation_returns_when_the_broker_knows_and_not_before(here: Site, tmp_path: Path) -> None:
    made = grant(here.authority, "viewer", tmp_path / "guest")
    assert here.broker is not None
    listed = here.authority.broker / "fleet.crl"
    before = listed.read_bytes()
    here.broker.send_signal(signal.SIGSTOP)
    with ThreadPoolExecutor() as pool:
        done = pool.submit(revoke, here.authority, "viewer", serial=made.serial)
        try:
            eventually(lambda: listed.read_bytes() != before, "the list is written")
            assert wait([done], 0.5).done == set()  # the signal waits with the broker
        finally:
            here.broker.send_signal(signal.SIGCONT)
        assert done.result(PATIENCE_S).reloaded
    guest = here.client(tmp_path / "guest", operator=True)
    guest.refused()
    guest.endpoint.close()


def test_broker_reads_its_new_certificate_without_a_restart(tmp_path: Path) -> None:
    from edgeslm.fleet.identity.authority import init

    with site(tmp_path, desk=False) as here:
        folder = here.device("home/kitchen", tmp_path / "kitchen")
        old = (here.authority.broker / "broker.pem").read_bytes()
        init(here.authority.folder, here.authority.settings)
        assert (here.authority.broker / "broker.pem").read_bytes() != old
        assert mosquitto.reload(here.authority.broker)
        here.client(folder).connected().endpoint.close()
    assert not mosquitto.reload(here.authority.broker)


def test_agent_renews_under_way_and_goes_on_with_the_new_certificate(tmp_path: Path) -> None:
    """The whole path: enrolled long ago, renewed by the desk with a new key, connected with it."""
    with site(tmp_path) as here:
        old = time.time() - 0.9 * pki.CLIENT_S
        folder = here.device("home/kitchen", tmp_path / "kitchen", now=old)
        transport = MqttTransport(parse_address(here.authority.broker_url, folder))
        collector = MqttTransport(parse_address(here.authority.operator_url, here.authority.folder / "collector"))
        before = [(folder / name).read_bytes() for name in ("key.pem", "cert.pem")]
        with running_collector(collector, tmp_path / "db"), running_agent(transport, load=Echo):
            fleet = Fleet(here.authority.operator_url, here.authority.folder / "operator")
            assert fleet.ask("home/kitchen", "hello").text == "hello"
            assert device_side.renew(folder)
            assert not device_side.renew(folder)
            after = [(folder / name).read_bytes() for name in ("key.pem", "cert.pem")]
            assert all(one != other for one, other in zip(before, after, strict=True))
            old_serial = pki.read_certificate(before[1]).serial
            assert revoke(here.authority, "home/kitchen", serial=old_serial).disconnected
            assert fleet.ask("home/kitchen", "still here").text == "still here"
            eventually(lambda: rows(tmp_path / "db", "SELECT count(*) FROM samples")[0][0])


def test_certificate_for_another_key_is_never_installed(here: Site, tmp_path: Path) -> None:
    from edgeslm_agent.errors import ConfigError

    device_side.request("home/kitchen", tmp_path / "new")
    certificate = (folder_of(here, "kitchen") / "cert.pem").read_bytes()
    with pytest.raises(ConfigError, match="not for the key"):
        install(tmp_path / "new", certificate, here.authority.certificate(), Record("home/kitchen"))
    assert not (tmp_path / "new/cert.pem").exists()
