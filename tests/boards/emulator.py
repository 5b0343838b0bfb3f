"""A board of another architecture as a process of this machine: its processor, its files of the kernel, its Python.

`qemu-aarch64-static -cpu MODEL -L ROOT` gives the processor; what lies below ROOT hides what this machine has there. So
ROOT holds Debian's /usr, and /proc/cpuinfo, the board's name and its sensors as the board's own kernel writes them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.catalog import device
from edgeslm_agent.host.cores import ARM_PARTS
from support.boards import board_files
from support.fake_machine import lay_out

if TYPE_CHECKING:
    from edgeslm.catalog import Profile

REPOSITORY = Path(__file__).parents[2]
SET_UP = REPOSITORY / ".cache" / "boards"
QEMU = "qemu-aarch64-static"
_HOW = "run `make test-boards`, which installs the emulator and unpacks a system for it"
_LONGEST_S = 900.0  # for a machine with ten times the work; a process takes about 20 s


@dataclass(frozen=True)
class Board:
    """A profile, the emulator's processor for it, and the name in its device tree.

    `sensors` names the board's tree in tests/support/boards.
    """

    profile: str
    cpu: str
    model: str
    sensors: str

    def facts(self) -> Profile:
        """Return what the catalog says of it."""
        return device(self.profile)


BOARDS = (
    Board("jetson-nano", "cortex-a57", "NVIDIA Jetson Nano Developer Kit", "jetson-nano"),
    Board("raspberry-pi-4", "cortex-a72", "Raspberry Pi 4 Model B Rev 1.4", "raspberry-pi-4"),
    Board("raspberry-pi-5", "cortex-a76", "Raspberry Pi 5 Model B Rev 1.0", "raspberry-pi-5"),
    Board("rk3588", "cortex-a76", "Orange Pi 5", "rk3588"),
)


class Emulated:
    """A board laid out below `place`; `python` is its interpreter: a program that this machine can start."""

    def __init__(self, board: Board, place: Path, *, mended: bool = True) -> None:
        """Lay it out; `mended` is false for ai-edge-litert as the wheel brings it, on a board without atomics."""
        assert shutil.which(QEMU), f"{QEMU} is missing: {_HOW}"
        assert (SET_UP / "made").exists(), f"{SET_UP} is missing: {_HOW}"
        self.board = board
        self.root = place / "root"
        self.root.mkdir(parents=True)
        for folder in ("usr", "lib"):
            (self.root / folder).symlink_to(SET_UP / "root" / folder)
        lay_out(self.root, {**_kernel_files(board), **board_files(board.sensors)})
        older = [SET_UP / "without-atomics"] if mended and "atomics" not in features(board.facts()) else []
        packages = ":".join(map(str, [*older, SET_UP / "packages", REPOSITORY / "device_agent", REPOSITORY]))
        program = next((SET_UP / "root/usr/bin").glob("python3.[0-9]*"))
        self.python = place / "python"
        self.python.write_text(
            f"#!/bin/sh\nexec env PYTHONHOME={self.root}/usr PYTHONPATH={packages} PYTHONDONTWRITEBYTECODE=1 "
            f'{QEMU} -cpu {board.cpu} -L {self.root} -0 "$0" {program} "$@"\n',
            encoding="utf-8",
        )
        self.python.chmod(0o755)

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run its Python to the end; the caller judges how it went."""
        command = [str(self.python), *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_LONGEST_S, check=False, env=_plain()
        )


def features(profile: Profile) -> set[str]:
    """Return the `Features` of a profile's cores; cores with the dot product have the atomics of Armv8.1 too."""
    return {*profile.isa, *({"atomics"} if "asimddp" in profile.isa else ())}


def _kernel_files(board: Board) -> dict[str, str]:
    parts = {name.lower(): number for number, name in ARM_PARTS.items()}
    words = " ".join(["fp", *sorted(features(board.facts()))])
    cores = [
        f"processor\t: {number}\nFeatures\t: {words}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        f"CPU variant\t: 0x1\nCPU part\t: {parts[board.cpu]:#x}\nCPU revision\t: 0\n"
        for number in range(os.cpu_count() or 1)
    ]
    return {"proc/cpuinfo": "\n".join(cores), "proc/device-tree/model": board.model}


def _plain() -> dict[str, str]:
    """Return this environment without what would lead the board's Python to our packages."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
