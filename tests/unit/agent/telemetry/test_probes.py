"""Probes on folders that look like boards, and on an empty one."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from edgeslm_agent.contract.fields import is_figure_name
from edgeslm_agent.telemetry import probes as package
from edgeslm_agent.telemetry.probes import NAMES, cpu, memory, process, raspberry_pi, tegra, thermal, uptime
from edgeslm_agent.telemetry.sampler import Sampler, probes


def write(root: Path, path: str, text: str) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_every_file_is_listed_and_names_its_figures() -> None:
    files = {path.stem for path in Path(package.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(NAMES)
    figures = [name for module in NAMES for name in import_module(f"{package.__name__}.{module}").FIGURES]
    assert len(figures) == len(set(figures))
    assert all(is_figure_name(name) for name in figures)


def test_every_figure_stands_in_the_protocol() -> None:
    text = (Path(__file__).parents[4] / "device_agent/PROTOCOL.md").read_text(encoding="utf-8")
    for module in NAMES:
        for name in import_module(f"{package.__name__}.{module}").FIGURES:
            assert f"`{name}`" in text


def test_machine_without_anything_contributes_nothing_but_the_disk(tmp_path: Path) -> None:
    readers = probes(tmp_path, [name for name in NAMES if name != "disk"])
    for _ in range(2):
        assert [reader() for reader in readers] == [{}] * len(readers)


@pytest.mark.parametrize(
    "garbage", ["", "\n", "x", "cpu", "cpu a b c d e f g h", "9" * 400, "\x00\xff", "-1 -2 -3", "1e9 nan"]
)
def test_garbage_in_every_file_contributes_at_most_numbers(tmp_path: Path, garbage: str) -> None:
    for path in (
        "proc/stat", "proc/loadavg", "proc/meminfo", "proc/self/statm", "proc/self/stat", "proc/uptime",
        "sys/class/thermal/thermal_zone0/temp", "sys/class/thermal/thermal_zone0/type", "sys/devices/gpu.0/load",
        "sys/devices/platform/soc/soc:firmware/get_throttled",
    ):  # fmt: skip
        write(tmp_path, path, garbage)
    sampler = Sampler(probes(tmp_path))
    for _ in range(2):
        assert all(isinstance(value, (int, float)) for value in sampler.read().values())


def test_real_machine_has_the_basics() -> None:
    figures = Sampler(probes(Path("/"))).read()
    assert {"memory_available_bytes", "rss_bytes", "uptime_s", "disk_free_bytes", "load_1m"} <= figures.keys()
    assert figures["rss_bytes"] > 1_000_000


def test_cpu_is_the_busy_share_between_two_looks(tmp_path: Path) -> None:
    write(tmp_path, "proc/stat", "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 1 1 1\n")
    write(tmp_path, "proc/loadavg", "0.42 0.30 0.20 1/100 1234\n")
    read = cpu.probe(tmp_path)
    assert read() == {"load_1m": 0.42}
    write(tmp_path, "proc/stat", "cpu  120 0 110 750 120 0 0 0 0 0\n")
    assert read() == {"load_1m": 0.42, "cpu_percent": 30.0}


def test_memory_in_bytes(tmp_path: Path) -> None:
    write(
        tmp_path,
        "proc/meminfo",
        "MemTotal: 2000 kB\nMemAvailable: 1000 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\nHugePages_Total: 0\n",
    )
    assert memory.probe(tmp_path)() == {"memory_available_bytes": 1024000, "swap_used_bytes": 30720}


def test_process_with_a_strange_name(tmp_path: Path) -> None:
    write(tmp_path, "proc/self/statm", "1000 500 100 1 0 100 0\n")
    write(tmp_path, "proc/self/stat", "12 (a ) b) S 1 1 1 0 -1 4194304 1 0 0 0 250 50 0 0 20 0\n")
    figures = process.probe(tmp_path)()
    assert figures["rss_bytes"] >= 500 * 4096
    assert figures["agent_cpu_percent"] == 0.0


def test_uptime(tmp_path: Path) -> None:
    write(tmp_path, "proc/uptime", "1234.56 999.00\n")
    assert uptime.probe(tmp_path)() == {"uptime_s": 1235.0}


def test_hottest_believable_zone_counts(tmp_path: Path) -> None:
    for number, (kind, temp) in enumerate(
        [
            ("CPU-therm", "51500"),
            ("GPU-therm", "62000"),
            ("PMIC-Die", "100000"),
            ("off", "-256000"),
            ("zero", "0"),
            ("mad", "999000"),
        ]
    ):
        write(tmp_path, f"sys/class/thermal/thermal_zone{number}/type", kind + "\n")
        write(tmp_path, f"sys/class/thermal/thermal_zone{number}/temp", temp + "\n")
    assert thermal.probe(tmp_path)() == {"temperature_c": 62.0}


@pytest.mark.parametrize(
    ("word", "throttled", "under_voltage"),
    [("0\n", 0.0, 0.0), ("50005\n", 1.0, 1.0), ("50000\n", 0.0, 0.0), ("8\n", 1.0, 0.0), ("1", 0.0, 1.0)],
)
def test_raspberry_pi_firmware_word(tmp_path: Path, word: str, throttled: float, under_voltage: float) -> None:
    write(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", word)
    assert raspberry_pi.probe(tmp_path)() == {"throttled": throttled, "under_voltage": under_voltage}


def test_raspberry_pi_5_has_only_the_voltage_alarm(tmp_path: Path) -> None:
    write(tmp_path, "sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    write(tmp_path, "sys/class/hwmon/hwmon0/in0_lcrit_alarm", "1\n")
    write(tmp_path, "sys/class/hwmon/hwmon2/name", "rpi_volt\n")
    write(tmp_path, "sys/class/hwmon/hwmon2/in0_lcrit_alarm", "1\n")
    assert raspberry_pi.probe(tmp_path)() == {"under_voltage": 1.0}


def test_jetson_orin_power_and_gpu(tmp_path: Path) -> None:
    for channel, (label, millivolts, milliamperes) in enumerate(
        [("VDD_IN", 5000, 1200), ("VDD_CPU_GPU_CV", 5000, 400)], 1
    ):
        write(tmp_path, f"sys/class/hwmon/hwmon1/in{channel}_label", label + "\n")
        write(tmp_path, f"sys/class/hwmon/hwmon1/in{channel}_input", f"{millivolts}\n")
        write(tmp_path, f"sys/class/hwmon/hwmon1/curr{channel}_input", f"{milliamperes}\n")
    write(tmp_path, "sys/devices/platform/gpu.0/load", "455\n")
    assert tegra.probe(tmp_path)() == {"power_w": 6.0, "gpu_percent": 45.5}


def test_first_jetson_nano_power_through_iio(tmp_path: Path) -> None:
    folder = "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0"
    write(tmp_path, f"{folder}/rail_name_0", "POM_5V_IN\n")
    write(tmp_path, f"{folder}/in_power0_input", "2450\n")
    write(tmp_path, f"{folder}/rail_name_1", "POM_5V_GPU\n")
    write(tmp_path, f"{folder}/in_power1_input", "100\n")
    write(tmp_path, "sys/devices/gpu.0/load", "0\n")
    assert tegra.probe(tmp_path)() == {"power_w": 2.45, "gpu_percent": 0.0}


def test_reader_that_fails_is_counted_and_the_others_are_heard() -> None:
    def broken() -> dict[str, float]:
        raise OSError("driver gone")

    sampler = Sampler([broken, lambda: {"a": 1.0, "b": float("nan")}])
    assert sampler.read() == {"a": 1.0, "probe_failures": 1}
    assert sampler.read()["probe_failures"] == 2
