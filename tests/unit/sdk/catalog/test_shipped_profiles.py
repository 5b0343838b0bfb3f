"""Every file under profiles/ loads, and says the same as the facts it was made from (where those are at hand)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from edgeslm.catalog import Profile, device, devices
from edgeslm.catalog.folder import profiles_folder
from edgeslm.catalog.reader import read_document

FACTS = Path(__file__).parents[5] / "shared" / "data" / "device-facts.yaml"
NAMES_IN_PROC = {"neon": "asimd", "fp16_arith": "asimdhp", "dotprod": "asimddp", "rvv": "rvv"}


@pytest.mark.parametrize("name", devices())
def test_profile_loads_and_is_consistent(name: str) -> None:
    profile = device(name)
    assert profile.name == name
    assert 0 < profile.app_budget_mb < profile.memory_mb
    assert profile.speed.threads <= sum(cores.count for cores in profile.cores)
    assert all(option.memory_mb != profile.memory_mb for option in profile.memory_options)
    assert all(option.app_budget_mb < option.memory_mb for option in profile.memory_options)


@pytest.mark.parametrize("name", devices())
def test_memory_figures_are_plain_integers_in_the_file(name: str) -> None:
    document = yaml.safe_load((profiles_folder() / "devices" / f"{name}.yaml").read_text("utf-8"))
    assert type(document["memory_mb"]) is int
    assert type(document["app_budget_mb"]) is int


@pytest.mark.parametrize("name", devices())
def test_every_listed_source_is_a_citation_and_estimates_say_why(name: str) -> None:
    profile = device(name)
    assert all(len(citation) > 10 for _, citation in profile.sources)
    for rate in (profile.speed.decode_gb_s, profile.speed.prefill_gmac_s):
        assert rate.why
        assert rate.source or rate.basis == "estimated"


def test_decode_never_exceeds_the_theoretical_bandwidth() -> None:
    for name in devices():
        profile = device(name)
        theory = profile.memory.theoretical_gb_s
        if theory is not None and isinstance(theory.value, (int, float)):
            assert profile.speed.decode_gb_s.high < theory.value, name


def test_boards_without_a_dot_product_say_so() -> None:
    without = {name for name in devices() if not device(name).target().int8_dot_product}
    assert {"jetson-nano", "raspberry-pi-4", "raspberry-pi-zero-2-w", "coral-dev-board", "rk3576"} <= without
    assert not without & {"raspberry-pi-5", "rk3588", "jetson-orin-nano-8gb", "intel-n100"}


def test_jetson_nano_installs_the_runtime_its_glibc_allows() -> None:
    assert device("jetson-nano").target().runtimes == {"onnx": "1.28.0"}


def test_riscv_has_no_runtime_to_install() -> None:
    assert device("riscv-visionfive2").target().runtimes == {}


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    if not FACTS.exists():
        pytest.skip(f"{FACTS} is not on this machine: profiles are compared with it where it is")
    loaded: dict[str, Any] = yaml.safe_load(FACTS.read_text("utf-8"))["devices"]
    return loaded


def test_every_known_board_has_a_profile(facts: dict[str, Any]) -> None:
    assert set(devices()) == set(facts) | {"raspberry-pi-5", "raspberry-pi-4"}


def test_plain_figures_agree_with_the_facts(facts: dict[str, Any]) -> None:
    for name, board in facts.items():
        profile = device(name)
        _agree_on_processor(profile, board)
        _agree_on_memory(profile, board)


def _agree_on_processor(profile: Profile, board: dict[str, Any]) -> None:
    if not isinstance(board.get("cpu"), dict):
        return  # an accelerator: its host's processor
    for feature, there in board["cpu"]["isa"].items():
        if isinstance(there, bool) and (kernel := NAMES_IN_PROC.get(feature, feature)) in {
            *NAMES_IN_PROC.values(), "i8mm", "bf16", "sve", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512_vnni",
        }:  # fmt: skip
            assert (kernel in profile.isa) is there, f"{profile.name}: {feature}"
    cores = board["cpu"].get("cores")
    if isinstance(cores, list) and all(isinstance(cluster["max_mhz"], int) for cluster in cores) and len(cores) > 0:
        if profile.name == "apple-silicon-mac-mini":
            return  # the facts name the cores after the chip's generation
        assert [(c.type, c.count, c.max_mhz) for c in profile.cores] == [
            (c["type"], c["count"], c["max_mhz"]) for c in cores
        ]


def _agree_on_memory(profile: Profile, board: dict[str, Any]) -> None:
    memory = board.get("memory", {})
    theory = memory.get("theoretical_gb_s")
    if isinstance(theory, (int, float)) and profile.kind != "accelerator":
        assert profile.memory.theoretical_gb_s is not None
        assert profile.memory.theoretical_gb_s.value == theory
    if isinstance(memory.get("options_gb"), list) and profile.kind != "accelerator":
        assert profile.memory_mb / 1024 in memory["options_gb"], profile.name
        assert all(option.memory_mb / 1024 in memory["options_gb"] for option in profile.memory_options), profile.name
    budget = memory.get("app_budget_mb")
    if isinstance(budget, dict) and isinstance(budget["value"], int):
        assert profile.app_budget_mb == budget["value"], profile.name
        if budget.get("verified") is False:
            assert not profile.app_budget.verified, profile.name


def test_schemas_know_only_what_the_checker_knows() -> None:
    for kind in ("devices", "recipes", "models"):
        for file in sorted((profiles_folder() / kind).glob("*.yaml")):
            read_document(file, kind.removesuffix("s"), required=()).raise_problems()
