from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edgeslm.catalog.devices import shipped
from edgeslm.catalog.nearest import nearest
from edgeslm_agent.host import Cluster, Host, read_host
from support.fake_machine import hybrid_laptop

if TYPE_CHECKING:
    from pathlib import Path

GIB = 2**30


@pytest.fixture
def nobody(tmp_path: Path) -> Host:
    """A machine that says nothing."""
    return read_host(tmp_path, machine="aarch64")


@pytest.mark.parametrize(
    ("board", "memory", "profile"),
    [  # names as the kernels of these boards write them
        ("Raspberry Pi 5 Model B Rev 1.0", 8, "raspberry-pi-5"),
        ("Raspberry Pi 5 Model B Rev 1.1", 4, "raspberry-pi-5-4gb"),
        ("Raspberry Pi 5 Model B Rev 1.1", 16, "raspberry-pi-5-16gb"),
        ("Raspberry Pi 4 Model B Rev 1.4", 4, "raspberry-pi-4"),
        ("Raspberry Pi 3 Model B Plus Rev 1.3", 1, "raspberry-pi-3b-plus"),
        ("Raspberry Pi Zero 2 W Rev 1.0", 0.5, "raspberry-pi-zero-2-w"),
        ("NVIDIA Jetson Nano Developer Kit", 4, "jetson-nano"),
        ("NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super", 8, "jetson-orin-nano-super"),
        ("NVIDIA Jetson AGX Orin Developer Kit", 64, "jetson-agx-orin"),
        ("Orange Pi 5", 8, "rk3588"),
        ("StarFive VisionFive 2 v1.3B", 8, "riscv-visionfive2"),
    ],
)
def test_a_board_is_known_by_its_name(board: str, memory: float, profile: str, nobody: Host) -> None:
    like = nearest(replace(nobody, board=board, memory_total=int(memory * 0.96 * GIB)), shipped())
    assert (like.profile.name, like.by) == (profile, "name")


def test_a_board_of_another_name_is_known_by_its_cores(nobody: Host) -> None:
    cores = (Cluster("Cortex-A76", 4, 2300), Cluster("Cortex-A55", 4, 1800))
    like = nearest(replace(nobody, board="Acme Gateway", clusters=cores, memory_total=8 * GIB), shipped())
    assert (like.profile.name, like.by) == ("rk3588", "cores")


@pytest.mark.parametrize(
    ("isa", "profile"),
    [
        ({"avx2", "avx512_vnni"}, "x86-avx512-vnni-server"),
        ({"avx2"}, "x86-avx2-generic"),
        ({"asimd", "asimddp"}, "raspberry-pi-5-8gb"),
        ({"asimd"}, "raspberry-pi-4"),
        (set(), "riscv-visionfive2"),
    ],
)
def test_an_unknown_machine_is_judged_by_its_instructions(isa: set[str], profile: str, nobody: Host) -> None:
    like = nearest(replace(nobody, isa=frozenset(isa)), shipped())
    assert (like.profile.name, like.by) == (profile, "instructions")


def test_a_laptop_is_no_board(tmp_path: Path) -> None:
    assert nearest(read_host(hybrid_laptop(tmp_path), machine="x86_64"), shipped()).by == "instructions"
