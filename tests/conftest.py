"""What holds for every test: hypothesis judges what comes out, and never how long a loaded machine took.

`server` is one PostgreSQL for all tests of a process; `address` is an empty database of either kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgeslm.fleet.history import Address
    from support.postgres import Postgres

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("unhurried"), max_examples=20)  # `make check`
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def no_probes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the records of probes that were taken on this machine: plans would differ from everybody else's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGESLM_PROBES", str(tmp_path_factory.mktemp("probes")))
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """Run a PostgreSQL."""
    from support.postgres import postgres

    with postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Address:
    """Return an empty database for a history, of each kind in turn."""
    if request.param == "sqlite":
        return tmp_path / "db"
    server: Postgres = request.getfixturevalue("server")
    return server.database()
