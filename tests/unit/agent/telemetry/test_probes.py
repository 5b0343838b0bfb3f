"""Probes on boards laid out as files, on an empty machine, and on whatever a kernel's file may hold."""

from __future__ import annotations

import os
import tempfile
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm_agent.contract.figures import FIGURES
from edgeslm_agent.contract.telemetry import Sample, Telemetry, parse_telemetry
from edgeslm_agent.telemetry import probes as package
from edgeslm_agent.telemetry.probes import (
    NAMES,
    cpu,
    intel_throttle,
    memory,
    process,
    rapl,
    raspberry_pi,
    rockchip,
    tegra,
    thermal,
    uptime,
)
from edgeslm_agent.telemetry.sampler import Sampler, probes, sensors
from support.boards import BOARDS, board, board_files, origin
from support.fake_machine import lay_out

_NOT_THE_BOARDS = {"disk_free_bytes", "cpu_percent"}


def write(root: Path, path: str, text: str) -> None:
    lay_out(root, {path: text})


def sampler_of(root: Path) -> Sampler:
    return Sampler([source.read for source in probes(root)])


def test_every_file_is_listed_and_its_figures_are_of_the_contract() -> None:
    files = {path.stem for path in Path(package.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(NAMES)
    for module in NAMES:
        assert set(import_module(f"{package.__name__}.{module}").FIGURES) <= FIGURES.keys()


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_says_where_it_comes_from(name: str) -> None:
    assert ("Recorded on" in origin(name)) != ("Made from documentation, not recorded" in origin(name))


@pytest.mark.parametrize(
    ("name", "figures", "basis"),
    [
        (
            "virtual-machine",
            {"load_1m": 6.96, "memory_available_bytes": 22439924 * 1024, "uptime_s": 5882.0,
             "rss_bytes": 3387 * os.sysconf("SC_PAGE_SIZE"),
             "agent_cpu_percent": 0.0},
            {},
        ),
        (
            "raspberry-pi-4",
            {"load_1m": 0.12, "memory_available_bytes": 3339468 * 1024, "swap_used_bytes": 0, "uptime_s": 4124.0,
             "temperature_c": 81.8, "throttled": 1.0, "under_voltage": 0.0},
            {"temperature_c": "thermal zones", "throttled": "firmware get_throttled",
             "under_voltage": "firmware get_throttled"},
        ),
        (
            "raspberry-pi-5",
            {"load_1m": 0.0, "memory_available_bytes": 7340032 * 1024, "temperature_c": 52.9, "under_voltage": 1.0},
            {"temperature_c": "thermal zones", "under_voltage": "hwmon rpi_volt"},
        ),
        (
            "jetson-nano",
            {"temperature_c": 61.5, "throttled": 1.0, "power_w": 5.237, "gpu_percent": 45.5, "power_mode": 0},
            {"temperature_c": "thermal zones", "throttled": "cooling devices", "power_w": "INA3221 POM_5V_IN",
             "energy_per_token_j": "INA3221 POM_5V_IN, power at each sample"},
        ),
        (
            "jetson-orin-nano",
            {"temperature_c": 48.7, "throttled": 0.0, "throttle_events": 0, "power_w": 5.599, "gpu_percent": 0.0,
             "power_mode": 2},
            {"temperature_c": "thermal zones", "throttled": "cooling devices; over-current alarms",
             "power_w": "INA3221 VDD_IN", "energy_per_token_j": "INA3221 VDD_IN, power at each sample"},
        ),
        (
            "jetson-agx-orin",
            {"temperature_c": 44.5, "power_w": 9.0, "gpu_percent": 12.0},
            {"temperature_c": "thermal zones", "power_w": "INA3221, sum of rails",
             "energy_per_token_j": "INA3221, sum of rails, power at each sample"},
        ),
        (
            "rk3588",
            {"load_1m": 0.34, "temperature_c": 85.8, "throttled": 1.0, "gpu_percent": 43, "npu_percent": 31.3,
             "dram_mhz": 528.0},
            {"temperature_c": "thermal zones", "throttled": "cooling devices"},
        ),
        (
            "intel-n100",
            {"temperature_c": 64.0, "throttled": 0.0, "throttle_events": 0, "energy_j": 0.0, "power_w": 0.0},
            {"temperature_c": "thermal zones; hwmon coretemp", "throttled": "cooling devices; package throttle counts",
             "energy_j": "RAPL packages", "power_w": "RAPL packages", "energy_per_token_j": "RAPL packages"},
        ),
        ("amd-v3000", {"temperature_c": 55.1}, {"temperature_c": "hwmon k10temp"}),
    ],
)  # fmt: skip
def test_board_reports_what_it_has(tmp_path: Path, name: str, figures: dict[str, float], basis: dict[str, str]) -> None:
    sources = probes(board(tmp_path, name))
    found = Sampler([source.read for source in sources]).read()
    assert {key: value for key, value in found.items() if key not in _NOT_THE_BOARDS} == figures
    assert sensors(sources) == basis


def test_machine_without_anything_contributes_nothing_but_the_disk(tmp_path: Path) -> None:
    sources = probes(tmp_path, [name for name in NAMES if name != "disk"])
    for _ in range(2):
        assert [source.read() for source in sources] == [{}] * len(sources)
    assert sensors(sources) == {}


def test_real_machine_has_the_basics() -> None:
    figures = sampler_of(Path("/")).read()
    assert {"memory_available_bytes", "rss_bytes", "uptime_s", "disk_free_bytes", "load_1m"} <= figures.keys()
    assert figures["rss_bytes"] > 1_000_000


_GARBAGE = st.one_of(
    st.binary(max_size=64),
    st.integers(-(10**30), 10**30).map(lambda value: str(value).encode()),
    st.floats().map(lambda value: str(value).encode()),
    st.sampled_from(
        [b"", b"\n", b"9" * 5000, b"1e9 nan", b"cpu a b c d e f", b"MemAvailable: \xc2\xb2 kB", b"pmode:9999999"]
    ),
)  # fmt: skip


@pytest.mark.slow  # lays out a hundred boards
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_the_files_hold_a_sample_can_be_sent(data: st.DataObject) -> None:
    """Some files of a board are replaced before its probes look for sensors, others afterwards."""
    name = data.draw(st.sampled_from(BOARDS))
    spoiled = st.dictionaries(st.sampled_from(sorted(board_files(name))), st.one_of(_GARBAGE, st.none()), max_size=6)
    with tempfile.TemporaryDirectory() as folder:
        root = board(Path(folder), name)
        _spoil(root, data.draw(spoiled))
        sampler = sampler_of(root)
        for _ in range(2):
            figures = sampler.read()
            assert figures.keys() <= FIGURES.keys()
            sent = Telemetry("b", (Sample(1, 1.0, figures),))
            assert parse_telemetry(sent.payload()) == sent
            _spoil(root, data.draw(spoiled))


def _spoil(root: Path, files: dict[str, bytes | None]) -> None:
    """Overwrite files, or put a folder in their place: reading it fails as a closed sensor does."""
    for path, content in files.items():
        file = root / path
        if content is None and file.is_file():
            file.unlink()
            file.mkdir()
        elif content is not None and file.is_file():
            file.write_bytes(content)


def test_cpu_is_the_busy_share_between_two_looks(tmp_path: Path) -> None:
    write(tmp_path, "proc/stat", "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 1 1 1\n")
    write(tmp_path, "proc/loadavg", "0.42 0.30 0.20 1/100 1234\n")
    read = cpu.probe(tmp_path).read
    assert read() == {"load_1m": 0.42}
    write(tmp_path, "proc/stat", "cpu  120 0 110 750 120 0 0 0 0 0\n")
    assert read() == {"load_1m": 0.42, "cpu_percent": 30.0}


def test_memory_in_bytes(tmp_path: Path) -> None:
    write(
        tmp_path,
        "proc/meminfo",
        "MemTotal: 2000 kB\nMemAvailable: 1000 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\nHugePages_Total: 0\n",
    )
    assert memory.probe(tmp_path).read() == {"memory_available_bytes": 1024000, "swap_used_bytes": 30720}


def test_process_with_a_strange_name(tmp_path: Path) -> None:
    write(tmp_path, "proc/self/statm", "1000 500 100 1 0 100 0\n")
    write(tmp_path, "proc/self/stat", "12 (a ) b) S 1 1 1 0 -1 4194304 1 0 0 0 250 50 0 0 20 0\n")
    figures = process.probe(tmp_path).read()
    assert figures["rss_bytes"] >= 500 * 4096
    assert figures["agent_cpu_percent"] == 0.0


def test_uptime(tmp_path: Path) -> None:
    write(tmp_path, "proc/uptime", "1234.56 999.00\n")
    assert uptime.probe(tmp_path).read() == {"uptime_s": 1235.0}


def test_hottest_believable_zone_counts(tmp_path: Path) -> None:
    zones = [
        ("CPU-therm", "51500"),
        ("GPU-therm", "62000"),
        ("PMIC-Die", "100000"),
        ("off", "-256000"),
        ("zero", "0"),
        ("mad", "999000"),
    ]
    for number, (kind, temp) in enumerate(zones):
        write(tmp_path, f"sys/class/thermal/thermal_zone{number}/type", kind + "\n")
        write(tmp_path, f"sys/class/thermal/thermal_zone{number}/temp", temp + "\n")
    assert thermal.probe(tmp_path).read() == {"temperature_c": 62.0}


@pytest.mark.parametrize(
    ("word", "throttled", "under_voltage"),
    [("0\n", 0.0, 0.0), ("50005\n", 1.0, 1.0), ("50000\n", 0.0, 0.0), ("8\n", 1.0, 0.0), ("1", 0.0, 1.0)],
)
def test_raspberry_pi_firmware_word(tmp_path: Path, word: str, throttled: float, under_voltage: float) -> None:
    write(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", word)
    assert raspberry_pi.probe(tmp_path).read() == {"throttled": throttled, "under_voltage": under_voltage}


def test_raspberry_pi_mailbox_message() -> None:
    """The words of the property interface, in the order that the firmware's wiki gives them."""
    request = raspberry_pi.throttled_request()
    assert len(request) == 28
    assert memoryview(request).cast("I").tolist() == [28, 0, 0x30046, 4, 0, 0, 0]
    answer = memoryview(bytearray(request)).cast("I")
    answer[1], answer[4], answer[5] = 0x80000000, 0x80000004, 0x50005
    assert raspberry_pi.throttled_answer(bytes(answer)) == 0x50005
    answer[1] = 0x80000001
    assert raspberry_pi.throttled_answer(bytes(answer)) is None


def test_raspberry_pi_mailbox_wins_over_the_alarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = board(tmp_path, "raspberry-pi-5")
    (root / "dev").mkdir()
    (root / "dev/vcio").symlink_to("/dev/null")

    def firmware(_file: object, number: int, message: bytearray) -> None:
        assert number in (0xC0086400, 0xC0046400)  # _IOWR(100, 0, char *) on 64 and 32 bits
        words = memoryview(message).cast("I")
        words[1], words[4], words[5] = 0x80000000, 0x80000004, 0x4

    assert raspberry_pi.probe(root).read() == {"under_voltage": 1.0}  # /dev/null refuses the ioctl
    monkeypatch.setattr("fcntl.ioctl", firmware)
    source = raspberry_pi.probe(root)
    assert source.read() == {"throttled": 1.0, "under_voltage": 0.0}
    assert source.basis["throttled"] == "firmware mailbox"


def test_over_current_alarms_of_a_jetson_are_counted_from_the_start(tmp_path: Path) -> None:
    read = tegra.probe(board(tmp_path, "jetson-orin-nano")).read
    assert (read()["throttled"], read()["throttle_events"]) == (0.0, 0)
    write(tmp_path, "sys/class/hwmon/hwmon2/oc3_event_cnt", "40\n")
    figures = read()
    assert (figures["throttled"], figures["throttle_events"]) == (1.0, 3)
    figures = read()
    assert (figures["throttled"], figures["throttle_events"]) == (0.0, 3)
    write(tmp_path, "sys/class/hwmon/hwmon2/oc3_event_cnt", "2\n")
    assert read()["throttle_events"] == 3


def test_jetson_with_one_rail_unreadable_has_no_sum(tmp_path: Path) -> None:
    read = tegra.probe(board(tmp_path, "jetson-agx-orin")).read
    assert read()["power_w"] == 9.0
    (tmp_path / "sys/class/hwmon/hwmon4/curr2_input").unlink()
    assert "power_w" not in read()


def test_one_core_of_each_package_is_counted(tmp_path: Path) -> None:
    for core, package_id in enumerate("0011"):
        folder = f"sys/devices/system/cpu/cpu{core}"
        write(tmp_path, f"{folder}/topology/physical_package_id", package_id)
        write(tmp_path, f"{folder}/thermal_throttle/package_throttle_count", "5")
    read = intel_throttle.probe(tmp_path).read
    for core in range(4):
        write(tmp_path, f"sys/devices/system/cpu/cpu{core}/thermal_throttle/package_throttle_count", "7")
    assert read() == {"throttled": 1.0, "throttle_events": 4}


def test_number_without_end_silences_its_own_figure_only(tmp_path: Path) -> None:
    root = board(tmp_path, "rk3588")
    write(root, "sys/class/devfreq/dmc/cur_freq", "9" * 400)
    figures = sampler_of(root).read()
    assert (figures["gpu_percent"], figures["npu_percent"]) == (43, 31.3)
    assert not {"dram_mhz", "probe_failures"} & figures.keys()


def test_npu_of_one_core(tmp_path: Path) -> None:
    write(tmp_path, "sys/kernel/debug/rknpu/load", "NPU load:  7%\n")
    assert rockchip.probe(tmp_path).read() == {"npu_percent": 7.0}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def energy(root: Path, zone: str, microjoules: int) -> None:
    write(root, f"sys/class/powercap/{zone}/energy_uj", f"{microjoules}\n")


def test_rapl_adds_up_over_a_wraparound(tmp_path: Path) -> None:
    clock = Clock()
    read = rapl.probe(board(tmp_path, "intel-n100"), clock).read
    clock.now += 10.0
    energy(tmp_path, "intel-rapl:0", 262_143_328_850 - 28_850)  # 300 mJ more
    assert read() == {"energy_j": 0.3, "power_w": 0.03}
    clock.now += 10.0
    energy(tmp_path, "intel-rapl:0", 59_971_150)
    assert read() == {"energy_j": 60.3, "power_w": 6.0}


def test_rapl_that_may_have_wrapped_twice_says_nothing_and_goes_on(tmp_path: Path) -> None:
    clock = Clock()
    read = rapl.probe(board(tmp_path, "intel-n100"), clock).read
    clock.now += 263.0
    energy(tmp_path, "intel-rapl:0", 1_000_000)
    assert read() == {}
    clock.now += 1.0
    energy(tmp_path, "intel-rapl:0", 3_000_000)
    assert read() == {"energy_j": 2.0, "power_w": 2.0}


def test_rapl_takes_the_platform_or_the_sum_of_packages(tmp_path: Path) -> None:
    clock = Clock()
    for zone, name in (("intel-rapl:0", "package-0"), ("intel-rapl:1", "package-1"), ("intel-rapl:1:0", "dram")):
        write(tmp_path, f"sys/class/powercap/{zone}/name", name)
        write(tmp_path, f"sys/class/powercap/{zone}/max_energy_range_uj", "262143328850")
        energy(tmp_path, zone, 0)
    packages = rapl.probe(tmp_path, clock)
    write(tmp_path, "sys/class/powercap/intel-rapl:2/name", "psys")
    write(tmp_path, "sys/class/powercap/intel-rapl:2/max_energy_range_uj", "262143328850")
    energy(tmp_path, "intel-rapl:2", 0)
    platform = rapl.probe(tmp_path, clock)
    clock.now += 1.0
    for zone, joules in (("intel-rapl:0", 5), ("intel-rapl:1", 7), ("intel-rapl:1:0", 100), ("intel-rapl:2", 30)):
        energy(tmp_path, zone, joules * 1_000_000)
    assert packages.read() == {"energy_j": 12.0, "power_w": 12.0}
    assert platform.read() == {"energy_j": 30.0, "power_w": 30.0}
    assert platform.basis["energy_j"] == "RAPL psys"
