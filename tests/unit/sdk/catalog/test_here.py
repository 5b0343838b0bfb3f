from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm.catalog import device
from edgeslm.catalog.devices import shipped
from edgeslm.catalog.here import described, profile_of_this_machine
from edgeslm.catalog.nearest import nearest
from edgeslm.cli.proposal import as_yaml
from edgeslm_agent.engine.proof import Proof
from edgeslm_agent.host import Cluster, Host, read_host
from support.fake_machine import jetson_nano, raspberry_pi_5, rk3588

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def host(isa: frozenset[str], *, limit: int | None = None) -> Host:
    return Host(
        board="Acme Board 3",
        cpu="Acme Core",
        architecture="aarch64",
        cores=8,
        physical_cores=8,
        big_cores=4,
        clusters=(Cluster("Acme Core", 4, 2000), Cluster("Acme Small", 4, 1500)),
        cpu_quota=None,
        isa=isa,
        memory_total=8 * 2**30,
        memory_limit=limit,
        memory_available=3 * 2**30,
        kernel="6.6",
        system="Debian",
        python="3.11.7",
    )


def test_this_machine_has_its_own_memory_and_the_speed_of_its_look_alike() -> None:
    profile = profile_of_this_machine(shipped(), host(frozenset({"asimd", "asimddp"})))
    assert (profile.name, profile.title, profile.architecture) == ("here", "Acme Board 3", "aarch64")
    assert (profile.memory_mb, profile.app_budget_mb) == (8192, 3072)
    assert profile.speed.threads == 4
    like = device("raspberry-pi-5").speed.decode_gb_s
    mine = profile.speed.decode_gb_s
    assert mine.basis == "estimated"
    assert mine.low < like.low < like.high < mine.high


def test_cgroup_limit_is_the_memory() -> None:
    assert profile_of_this_machine(shipped(), host(frozenset({"asimd"}), limit=2**30)).memory_mb == 1024


def test_machine_without_known_instructions_still_has_a_profile() -> None:
    assert not profile_of_this_machine(shipped(), host(frozenset())).target().int8_dot_product


def test_real_machine_can_be_described() -> None:
    profile = device("here")
    assert profile.name == "here"
    assert profile.app_budget_mb <= profile.memory_mb


@pytest.mark.parametrize("lay", [raspberry_pi_5, jetson_nano, rk3588])
def test_described_board_loads_as_a_file_of_its_own(lay: Callable[[Path], Path], tmp_path: Path) -> None:
    board = read_host(lay(tmp_path / "root"), machine="aarch64")
    like = nearest(board, shipped())
    proofs = [
        Proof("onnxruntime", "1.31.1", works=False, found="loading it ends the process with SIGSEGV"),
        Proof("ai-edge-litert", None, works=False, found="not installed"),
    ]
    values = described(board, like, proofs, {"temperature": "thermal zones"})
    file = tmp_path / "mine.yaml"
    file.write_text(as_yaml(values, like), encoding="utf-8")
    profile = device(str(file))
    assert (profile.title, like.by) == (board.board, "name")
    assert profile.target().int8_dot_product == like.profile.target().int8_dot_product
    assert profile.memory_mb == min(board.memory_total, board.memory_limit or board.memory_total) // 2**20
    assert profile.onnxruntime.newest is None
    assert profile.onnxruntime.avoid == ("1.31.1",)
    assert profile.litert is not None
    assert not profile.litert.verified
    assert profile.speed.decode_gb_s.value == like.profile.speed.decode_gb_s.value
    assert dict(profile.read) == {"temperature": "thermal zones"}
