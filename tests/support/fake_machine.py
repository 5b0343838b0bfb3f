"""Boards as files: the parts of /proc and /sys that tell one machine from another, laid out in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PI5_CORE = """processor : {number}
BogoMIPS : 108.00
Features : fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer : 0x41
CPU architecture: 8
CPU part : 0xd0b
"""
_NANO_CORE = """processor : {number}
model name : ARMv8 Processor rev 1 (v8l)
Features : fp asimd evtstrm aes pmull sha1 sha2 crc32
CPU implementer : 0x41
CPU part : 0xd07
"""
_X86_CORE = """processor : {number}
vendor_id : GenuineIntel
model name : Intel(R) Core(TM) i5-1235U
flags : fpu sse2 avx2 {extra}
"""


def lay_out(root: Path, files: dict[str, str]) -> Path:
    """Write each file below `root`."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def raspberry_pi_5(root: Path) -> Path:
    """Lay out an 8 GB Raspberry Pi 5: one cluster of four Cortex-A76."""
    tail = "\nRevision : d04170\nSerial : 0\nModel : Raspberry Pi 5 Model B Rev 1.0\n"
    cores = [_PI5_CORE.format(number=number) for number in range(4)]
    return lay_out(
        root,
        {
            "proc/cpuinfo": "\n".join(cores) + tail,
            "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
            "proc/meminfo": "MemTotal:        8256688 kB\nMemFree:  5000000 kB\nMemAvailable:    7340032 kB\n",
            "proc/self/status": "Name:\tpython\nCpus_allowed_list:\t0-3\n",
            "proc/sys/kernel/osrelease": "6.6.31+rpt-rpi-2712\n",
            "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
            "sys/devices/system/cpu/online": "0-3\n",
            **{f"sys/devices/system/cpu/cpu{n}/cpufreq/cpuinfo_max_freq": "2400000\n" for n in range(4)},
        },
    )


def jetson_nano(root: Path) -> Path:
    """Lay out a 4 GB Jetson Nano on JetPack 4.6, inside a container of cgroup v1 with 2 GB and one and a half CPUs."""
    return lay_out(
        root,
        {
            "proc/cpuinfo": "\n".join(_NANO_CORE.format(number=number) for number in range(4)),
            "proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\0",
            "proc/meminfo": "MemTotal:        4059712 kB\nMemAvailable:    3145728 kB\n",
            "proc/self/status": "Cpus_allowed_list:\t0-3\n",
            "proc/self/cgroup": "9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 << 30}\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{600 << 20}\n",
            "sys/fs/cgroup/memory/memory.stat": f"cache 1\ninactive_file 5\ntotal_inactive_file {100 << 20}\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "proc/sys/kernel/osrelease": "4.9.253-tegra\n",
        },
    )


def rk3588(root: Path) -> Path:
    """Lay out an Orange Pi 5: four Cortex-A55 and four Cortex-A76 in three clusters."""
    parts = ["0xd05"] * 4 + ["0xd0b"] * 4
    cores = [
        f"processor : {n}\nFeatures : asimd asimddp\nCPU implementer : 0x41\nCPU part : {p}\n"
        for n, p in enumerate(parts)
    ]
    capacity = dict(enumerate([530] * 4 + [1024, 1024, 990, 990]))
    return lay_out(
        root,
        {
            "proc/cpuinfo": "\n".join(cores),
            "proc/device-tree/model": "Orange Pi 5\0",
            "proc/meminfo": "MemTotal: 8000000 kB\nMemAvailable: 6000000 kB\n",
            "proc/self/status": "Cpus_allowed_list:\t0-7\n",
            **{f"sys/devices/system/cpu/cpu{n}/cpu_capacity": f"{value}\n" for n, value in capacity.items()},
        },
    )


def hybrid_laptop(root: Path) -> Path:
    """Lay out a PC with two fast cores of two threads each and eight slow ones, under cgroup v2 with 1 GiB."""
    pairs = {0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}
    cpu = "sys/devices/system/cpu"
    files = {
        "proc/cpuinfo": "\n".join(_X86_CORE.format(number=n, extra="avx_vnni" if n < 11 else "") for n in range(12)),
        "proc/meminfo": "MemTotal: 16000000 kB\nMemAvailable: 9000000 kB\n",
        "proc/self/status": "Cpus_allowed_list:\t0-11\n",
        "proc/self/cgroup": "0::/user.slice/edgeslm.service\n",
        "sys/fs/cgroup/user.slice/memory.max": f"{1 << 30}\n",
        "sys/fs/cgroup/user.slice/memory.current": f"{256 << 20}\n",
        "sys/fs/cgroup/user.slice/memory.stat": f"anon 5\ninactive_file {56 << 20}\n",
        "sys/fs/cgroup/user.slice/edgeslm.service/memory.max": "max\n",
        "sys/fs/cgroup/user.slice/edgeslm.service/cpu.max": "max 100000\n",
        "sys/class/dmi/id/sys_vendor": "LENOVO\n",
        "sys/class/dmi/id/product_name": "21CX\n",
    }
    for n in range(12):
        files[f"{cpu}/cpu{n}/cpufreq/cpuinfo_max_freq"] = "4400000" if n < 4 else "3300000"
        files[f"{cpu}/cpu{n}/topology/physical_package_id"] = "0"
        files[f"{cpu}/cpu{n}/topology/core_id"] = str(n // 2 if n < 4 else n)
        files[f"{cpu}/cpu{n}/topology/thread_siblings_list"] = pairs.get(n, str(n))
    return lay_out(root, files)
