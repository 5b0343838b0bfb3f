from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm.catalog import device, devices
from edgeslm.catalog.folder import profiles_folder
from edgeslm_agent.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("jetson-nan", "jetson-nano"),
        ("Raspberry Pi 5", "raspberry-pi-5"),
        ("rasberry-pi-4", "raspberry-pi-4"),
        ("n100", "intel-n100"),
        ("jetson", "jetson-orin-nano-super"),
        ("rock-5b", "rk3588"),
        ("", "edgeslm list devices"),
    ],
)
def test_unknown_device_names_the_nearest(wrong: str, nearest: str) -> None:
    with pytest.raises(UsageError) as caught:
        device(wrong)
    assert nearest in caught.value.hint


def test_raspberry_pi_names_are_the_8_gb_and_the_4_gb_board() -> None:
    assert device("raspberry-pi-5").memory_mb == 8192
    assert device("raspberry-pi-5").name == "raspberry-pi-5"
    assert device("raspberry-pi-4").memory_mb == 4096


def test_memory_of_a_listed_size_has_its_own_budget() -> None:
    board = device("raspberry-pi-4", memory="2GB")
    assert (board.memory_mb, board.app_budget_mb) == (2048, 1400)


def test_memory_of_another_size_keeps_the_systems_share() -> None:
    board = device("raspberry-pi-4", memory="6GB")
    assert board.app_budget_mb == 6144 - (4096 - 3400)
    assert not board.app_budget.verified


def test_small_memory_leaves_at_least_half_and_never_more_than_it_has() -> None:
    board = device("jetson-nano", memory="512MB")
    assert 0 < board.app_budget_mb <= 256


def test_memory_as_fitted_changes_nothing() -> None:
    assert device("jetson-nano", memory="4GB").app_budget_mb == device("jetson-nano").app_budget_mb


@pytest.mark.parametrize("size", ["much", "-2GB", "4kb", "0"])
def test_memory_that_is_no_size_is_a_usage_error(size: str) -> None:
    with pytest.raises(UsageError):
        device("jetson-nano", memory=size)


def test_own_file_may_complete_a_shipped_profile(tmp_path: Path) -> None:
    file = tmp_path / "my-nano.yaml"
    file.write_text(
        "title: our Nano\nbased_on: jetson-nano\nmemory_mb: 4096\napp_budget_mb: 3000\n"
        "app_budget: {source: us}\nsources: {us: measured in our rack}\n"
    )
    board = device(str(file))
    assert (board.name, board.title, board.app_budget_mb) == ("my-nano", "our Nano", 3000)
    assert board.isa == device("jetson-nano").isa
    assert dict(board.sources)["us"] == "measured in our rack"


def test_own_whole_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "copy.yaml"
    file.write_bytes((profiles_folder() / "devices" / "jetson-nano.yaml").read_bytes())
    assert device(str(file)).soc == device("jetson-nano").soc


@pytest.mark.parametrize(
    ("change", "line", "what"),
    [
        ("value: 3.4, low: 3.3", "value: 3.4, low: 9.9", "not in rising order"),
        ("source: kreier", "source: kraier", "did you mean 'kreier'?"),
        ("app_budget_mb: 2800", "app_budget_mb: 9000", "more than the memory fitted"),
        ("memory_mb: 4096", "memory_mb: 4.1", "a whole number"),
        ("isa: [asimd]", "isa: [asimd, sse9]", "must be one of"),
        ("verified: false, why: 'headless;", "why: 'headless;", "needs 'source', or 'verified' with 'why'"),
        ("soc:", "sock:", "unknown key 'sock'; did you mean 'soc'?"),
    ],
)
def test_mistake_in_a_profile_is_named_with_file_and_line(change: str, line: str, what: str, tmp_path: Path) -> None:
    text = (profiles_folder() / "devices" / "jetson-nano.yaml").read_text("utf-8")
    assert change in text
    wrong = text.replace(change, line, 1)
    file = tmp_path / "nano.yaml"
    file.write_text(wrong, encoding="utf-8")
    number = next(n for n, content in enumerate(wrong.splitlines(), 1) if line in content)
    with pytest.raises(ConfigError) as caught:
        device(str(file))
    assert any(problem.startswith(f"{file}:{number}: ") and what in problem for problem in caught.value.problems)


def test_several_mistakes_come_at_once(tmp_path: Path) -> None:
    text = (profiles_folder() / "devices" / "jetson-nano.yaml").read_text("utf-8")
    wrong = (
        text.replace("memory_mb: 4096", "memory_mb: lots")
        .replace("source: kreier", "source: nobody")
        .replace("kind: board", "kind: sofa")
    )
    file = tmp_path / "nano.yaml"
    file.write_text(wrong, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        device(str(file))
    assert len(caught.value.problems) == 4  # two figures cite kreier


def test_base_that_does_not_exist_or_has_a_base_itself_is_a_config_error(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("title: x\nbased_on: jetson-nan\nmemory_mb: 1\napp_budget_mb: 1\n")
    with pytest.raises(ConfigError, match="jetson-nano"):
        device(str(file))
    file.write_text("title: x\nbased_on: raspberry-pi-5\nmemory_mb: 1\napp_budget_mb: 1\n")
    with pytest.raises(ConfigError, match="lacks"):
        device(str(file))


def test_other_budget_than_the_bases_must_say_where_it_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("title: x\nbased_on: jetson-nano\nmemory_mb: 4096\napp_budget_mb: 3000\n")
    with pytest.raises(ConfigError) as caught:
        device(str(file))
    assert caught.value.problems == (
        f"{file}:4: app_budget_mb: is not that of jetson-nano: say where it comes from, with 'app_budget'",
    )


def test_missing_file_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        device("./nowhere.yaml")


def test_names_are_sorted_and_at_least_sixteen() -> None:
    assert len(devices()) >= 16
    assert list(devices()) == sorted(devices())
