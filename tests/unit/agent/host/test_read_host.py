"""The facts of a machine, read from boards laid out in a folder."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.host import Cluster, read_host
from edgeslm_agent.host.cores import parse_cpu_list
from support.fake_machine import hybrid_laptop, jetson_nano, lay_out, raspberry_pi_5, rk3588

if TYPE_CHECKING:
    from pathlib import Path


def test_a_raspberry_pi_5_is_four_equal_cores(tmp_path: Path) -> None:
    host = read_host(raspberry_pi_5(tmp_path), machine="aarch64")
    assert (host.board, host.cpu, host.architecture) == ("Raspberry Pi 5 Model B Rev 1.0", "Cortex-A76", "aarch64")
    assert (host.cores, host.physical_cores, host.big_cores, host.default_threads) == (4, 4, 4, 4)
    assert "asimddp" in host.isa
    assert (host.memory_total, host.memory_limit, host.memory_available) == (8256688 << 10, None, 7 << 30)
    assert (host.kernel, host.system) == ("6.6.31+rpt-rpi-2712", "Debian GNU/Linux 12 (bookworm)")


def test_a_jetson_nano_has_no_dot_product(tmp_path: Path) -> None:
    host = read_host(jetson_nano(tmp_path))
    assert (host.board, host.cpu) == ("NVIDIA Jetson Nano Developer Kit", "Cortex-A57")
    assert "asimd" in host.isa
    assert "asimddp" not in host.isa


def test_a_container_of_cgroup_v1_bounds_memory_and_threads(tmp_path: Path) -> None:
    host = read_host(jetson_nano(tmp_path))
    assert host.memory_limit == 2 << 30
    assert host.memory_available == (2 << 30) - (500 << 20)
    assert (host.cpu_quota, host.default_threads) == (1.5, 2)


def test_cgroup_v1_without_a_limit_is_no_limit(tmp_path: Path) -> None:
    jetson_nano(tmp_path)
    lay_out(
        tmp_path,
        {
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        },
    )
    host = read_host(tmp_path)
    assert (host.memory_limit, host.cpu_quota, host.memory_available) == (None, None, 3 << 30)


def test_a_limit_above_the_memory_is_no_limit(tmp_path: Path) -> None:
    jetson_nano(tmp_path)
    lay_out(tmp_path, {"sys/fs/cgroup/memory/memory.limit_in_bytes": f"{1 << 50}\n"})
    assert read_host(tmp_path).memory_limit is None


def test_slow_clusters_do_not_decode(tmp_path: Path) -> None:
    host = read_host(rk3588(tmp_path))
    assert (host.cpu, host.cores, host.big_cores, host.default_threads) == ("Cortex-A55 + Cortex-A76", 8, 4, 4)


def test_only_the_cores_this_process_may_use_count(tmp_path: Path) -> None:
    rk3588(tmp_path)
    lay_out(tmp_path, {"proc/self/status": "Cpus_allowed_list:\t0-1,4\n"})
    host = read_host(tmp_path)
    assert (host.cores, host.big_cores) == (3, 1)


def test_slow_cores_are_big_where_nothing_else_is_allowed(tmp_path: Path) -> None:
    rk3588(tmp_path)
    lay_out(tmp_path, {"proc/self/status": "Cpus_allowed_list:\t0-3\n"})
    assert read_host(tmp_path).default_threads == 4


def test_hyper_threads_and_efficiency_cores_do_not_decode(tmp_path: Path) -> None:
    host = read_host(hybrid_laptop(tmp_path))
    assert (host.cores, host.physical_cores, host.big_cores) == (12, 10, 2)
    assert (host.board, host.cpu) == ("LENOVO 21CX", "Intel(R) Core(TM) i5-1235U")


def test_a_limit_on_an_outer_cgroup_of_version_2_counts(tmp_path: Path) -> None:
    host = read_host(hybrid_laptop(tmp_path))
    assert host.memory_limit == 1 << 30
    assert host.memory_available == (1 << 30) - (200 << 20)
    assert host.cpu_quota is None


def test_a_share_of_one_processor_of_version_2_is_one_thread(tmp_path: Path) -> None:
    hybrid_laptop(tmp_path)
    lay_out(tmp_path, {"sys/fs/cgroup/user.slice/cpu.max": "50000 100000\n"})
    host = read_host(tmp_path)
    assert (host.cpu_quota, host.default_threads) == (0.5, 1)


def test_features_that_one_core_lacks_are_not_shared(tmp_path: Path) -> None:
    assert read_host(hybrid_laptop(tmp_path)).isa == {"fpu", "sse2", "avx2"}


def auxiliary_vector(root: Path, **entries: int) -> None:
    """Lay out what the kernel tells a process: pairs of 64-bit words."""
    file = root / "proc/self/auxv"
    file.parent.mkdir(parents=True, exist_ok=True)
    numbers = {"pagesz": 6, "hwcap": 16, "hwcap2": 26}
    pairs = [(numbers[name], value) for name, value in entries.items()]
    file.write_bytes(b"".join(struct.pack("=QQ", *pair) for pair in [*pairs, (0, 0)]))


@pytest.mark.parametrize(
    ("hwcap", "dot_product"),
    [(0x8FB, False), (0x119FFB, True)],  # recorded: cortex-a57 and cortex-a76 of qemu 7.2
)
def test_an_emulated_arm_process_is_not_its_host(hwcap: int, dot_product: bool, tmp_path: Path) -> None:
    hybrid_laptop(tmp_path)
    auxiliary_vector(tmp_path, pagesz=4096, hwcap=hwcap, hwcap2=0)
    host = read_host(tmp_path, machine="aarch64")
    assert ("asimddp" in host.isa) is dot_product
    assert "asimd" in host.isa
    assert not host.isa & {"avx2", "sse2"}
    assert host.cpu == ""


def test_a_newer_arm_core_tells_its_matrix_instructions(tmp_path: Path) -> None:
    auxiliary_vector(tmp_path, hwcap=1 << 1 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 20, hwcap2=1 << 13 | 1 << 14)
    told = {"asimd", "atomics", "fphp", "asimdhp", "asimddp", "i8mm", "bf16"}
    assert read_host(tmp_path, machine="aarch64").isa == told


def test_a_riscv_core_tells_its_vectors_by_a_letter(tmp_path: Path) -> None:
    auxiliary_vector(tmp_path, hwcap=1 << (ord("V") - ord("A")))
    assert read_host(tmp_path, machine="riscv64").isa == {"rvv"}


def test_a_torn_auxiliary_vector_says_nothing(tmp_path: Path) -> None:
    lay_out(tmp_path, {"proc/self/auxv": "torn"})
    assert read_host(tmp_path, machine="aarch64").isa == frozenset()


def test_clusters_come_fastest_first(tmp_path: Path) -> None:
    assert read_host(rk3588(tmp_path), machine="aarch64").clusters == (
        Cluster("Cortex-A76", 4, 0),
        Cluster("Cortex-A55", 4, 0),
    )


def test_clusters_count_physical_cores_with_their_clock(tmp_path: Path) -> None:
    name = "Intel(R) Core(TM) i5-1235U"
    assert read_host(hybrid_laptop(tmp_path), machine="x86_64").clusters == (
        Cluster(name, 2, 4400),
        Cluster(name, 8, 3300),
    )


def test_an_unknown_arm_core_is_named_by_its_numbers(tmp_path: Path) -> None:
    lay_out(tmp_path, {"proc/cpuinfo": "processor : 0\nCPU implementer : 0x61\nCPU part : 0x022\n"})
    assert read_host(tmp_path).cpu == "implementer 0x61 part 0x022"


def test_placeholders_of_the_firmware_are_no_name(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        {
            "sys/class/dmi/id/sys_vendor": "To Be Filled By O.E.M.\n",
            "sys/class/dmi/id/product_name": "Default string\n",
        },
    )
    assert read_host(tmp_path).board == ""


def test_a_machine_that_says_nothing_still_has_a_thread(tmp_path: Path) -> None:
    host = read_host(tmp_path)
    assert (host.board, host.cpu, host.isa, host.memory_total) == ("", "", frozenset(), 0)
    assert host.default_threads >= 1


def test_this_machine_is_read() -> None:
    host = read_host()
    assert host.memory_total >= host.memory_available > 0
    assert 1 <= host.default_threads <= host.cores


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0-3,6", [0, 1, 2, 3, 6]), ("5", [5]), ("", []), ("a-b", []), ("0-", [0]), ("3-x", []), ("2-1", [])],
)
def test_lists_of_processors(text: str, numbers: list[int]) -> None:
    assert parse_cpu_list(text) == numbers
