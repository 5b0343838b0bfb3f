"""Three collectors of one group on a real Mosquitto with identities, and one PostgreSQL."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from edgeslm.cli.main import main
from edgeslm.fleet.group import read_group
from edgeslm_agent.contract.telemetry import Sample, Telemetry, parse_ack
from edgeslm_agent.contract.topics import DeviceId
from edgeslm_agent.link.address import parse_address
from edgeslm_agent.link.mqtt import MqttTransport
from support.fleet import deliver_the_rest, missing_numbers, rows, running_agent
from support.identity import Site, site
from support.postgres import postgres
from support.waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgeslm.fleet.history import Address
    from support.postgres import Postgres

pytestmark = pytest.mark.slow  # a broker, a server, processes
DEVICES = ("home/a", "home/b", "home/c")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site"), desk=False) as made:
        for device in DEVICES:
            made.device(device, made.authority.folder.parent / device)
        yield made


@contextlib.contextmanager
def collector_process(here: Site, database: Address) -> Iterator[subprocess.Popen[str]]:
    """Run `edgeslm fleet collect --shared` for the block, from when it is ready; it is killed hard at the end."""
    link = ["--broker", here.authority.operator_url, "--credentials", str(here.authority.folder / "collector")]
    command = [sys.executable, "-m", "edgeslm", "fleet", "collect", *link, "--db", str(database), "--shared", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout
            assert json.loads(started.stdout.readline())["state"] == "ready"
            yield started
        finally:
            started.kill()


def device_transport(here: Site, device: str) -> MqttTransport:
    return MqttTransport(parse_address(here.authority.broker_url, here.authority.folder.parent / device))


def stored(database: Address) -> int:
    return int(str(rows(database, "SELECT count(*) FROM samples")[0][0]))


def test_three_collectors_of_which_one_after_the_other_is_killed_lose_and_double_nothing(
    here: Site, server: Postgres, tmp_path: Path
) -> None:
    database = server.database()
    spools = {device: tmp_path / device.replace("/", "-") for device in DEVICES}
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(collector_process(here, database)) for _ in range(3)]
        with contextlib.ExitStack() as agents:
            for device, spool in spools.items():
                transport = device_transport(here, device)
                agents.enter_context(running_agent(transport, device, spool=spool, interval_s=0.01))
            for victim in running[:2]:
                _wait_for_more(database, 200)
                victim.kill()
                victim.wait(PATIENCE_S)
                _wait_for_more(database, 200)
                stack.enter_context(collector_process(here, database))
            _wait_for_more(database, 200)
        for device, spool in spools.items():
            deliver_the_rest(device_transport(here, device), device, spool)
    assert missing_numbers(database, *spools.values()) == {}
    assert stored(database) > 1000


def _wait_for_more(database: Address, number: int) -> None:
    before = stored(database)
    eventually(lambda: stored(database) >= before + number, "samples go on arriving")


def test_server_that_crashes_under_load_costs_nothing(here: Site, tmp_path: Path) -> None:
    with postgres() as server, contextlib.ExitStack() as stack:
        database, spool = server.database(), tmp_path / "spool"
        for _ in range(2):
            stack.enter_context(collector_process(here, database))
        with running_agent(device_transport(here, "home/a"), "home/a", spool=spool, interval_s=0.01):
            for _ in range(2):
                _wait_for_more(database, 100)
                server.stop("immediate")
                time.sleep(1.0)
                server.start()
            _wait_for_more(database, 100)
        deliver_the_rest(device_transport(here, "home/a"), "home/a", spool)
        assert missing_numbers(database, spool) == {}


def test_each_collector_gets_a_share_and_each_sample_is_committed_by_one(here: Site, server: Postgres) -> None:
    """Each writes a database of its own, so what one committed is seen to be missing at the others."""
    databases = [server.database() for _ in range(3)]
    kitchen = DeviceId("home", "a")
    device = here.client(here.authority.folder.parent / "home/a", [kitchen.topic("ack")]).connected()
    with contextlib.ExitStack() as stack:
        for database in databases:
            stack.enter_context(collector_process(here, database))
        for seq in range(1, 91):
            assert device.say(kitchen.topic("telemetry"), Telemetry("b1", (Sample(seq, 1.0, {}),)).payload())

        def acknowledged() -> list[int]:
            device.look()
            ranges = [one for heard in device.heard for one in parse_ack(heard.payload).ranges]
            return sorted(itertools.chain.from_iterable(range(first, last + 1) for first, last in ranges))

        eventually(lambda: len(acknowledged()) >= 90, "all are acknowledged")
    shares = [{int(str(seq)) for (seq,) in rows(database, "SELECT seq FROM samples")} for database in databases]
    assert all(len(share) >= 20 for share in shares)
    assert sorted(itertools.chain.from_iterable(shares)) == acknowledged() == list(range(1, 91))
    device.endpoint.close()


def test_stranger_who_guesses_a_group_gets_nothing_of_ours_and_costs_us_nothing(here: Site, server: Postgres) -> None:
    """Mosquitto 2.0.11 grants a device the subscription; under the secret name it would make samples vanish."""
    database = server.database()
    thief_name, device_name = DeviceId("home", "b"), DeviceId("home", "a")
    folder = here.authority.folder.parent
    filters = [f"$share/{guess}/edgeslm/v1/+/+/telemetry" for guess in ("edgeslm", "collectors", "edgeslm-collector")]
    thief = here.client(folder / str(thief_name), filters).connected()
    device = here.client(folder / str(device_name)).connected()
    with collector_process(here, database):
        for seq in range(1, 31):
            assert device.say(device_name.topic("telemetry"), Telemetry("b1", (Sample(seq, 1.0, {}),)).payload())
        eventually(lambda: stored(database) == 30, "the collector has them all")
    thief.look()
    assert thief.heard == []
    name = read_group(here.authority.folder / "collector")
    assert name not in filters
    for one in (thief, device):
        one.endpoint.close()


def test_status_and_capability_reach_every_collector_of_a_group(here: Site, server: Postgres, tmp_path: Path) -> None:
    databases = [server.database() for _ in range(2)]
    known = "SELECT device FROM devices WHERE status IS NOT NULL AND capability IS NOT NULL"
    agent = running_agent(device_transport(here, "home/a"), "home/a", spool=tmp_path / "spool")
    with agent, contextlib.ExitStack() as stack:
        for database in databases:  # retained, so also for one that comes later
            stack.enter_context(collector_process(here, database))
            eventually(lambda database=database: ("home/a",) in rows(database, known))  # type: ignore[misc]


def test_group_without_credentials_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["fleet", "collect", "--broker", "mqtt://127.0.0.1:1", "--db", str(tmp_path / "db"), "--shared"]
    assert main(words) == 2
    assert "fleet grant collector" in capsys.readouterr().err
    assert not (tmp_path / "db").exists()
