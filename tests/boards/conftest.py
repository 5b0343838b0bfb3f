"""Each board laid out once and each bundle exported once: emulation is slow enough."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

import edgeslm
from boards.emulator import BOARDS, Board, Emulated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgeslm_agent.bundle import Bundle


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests out of the quick suite, should somebody run everything in one go."""
    for item in items:
        item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", params=BOARDS, ids=lambda board: board.profile)
def emulated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Emulated:
    """One board after the other."""
    board: Board = request.param
    return Emulated(board, tmp_path_factory.mktemp(board.profile))


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Bundle]:
    """Return what the built-in model becomes for a profile, by the profile's name and the format."""

    @cache
    def export(profile: str, format_: str) -> Bundle:
        out: Path = tmp_path_factory.mktemp("bundles") / f"{profile}-{format_}"
        return edgeslm.export(device=profile, formats=(format_,), out=out, measured=False).bundle

    return export
