from __future__ import annotations

import json
from typing import Any

import pytest

from edgeslm.catalog import devices
from edgeslm.cli.main import main


def document(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    loaded: dict[str, Any] = json.loads(capsys.readouterr().out)
    return loaded


def test_list_devices_shows_every_profile(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "devices"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in devices())


def test_list_devices_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    listed = document(["list", "devices"], capsys)
    assert listed["schema"] == "edgeslm.devices/1"
    nano = next(entry for entry in listed["devices"] if entry["name"] == "jetson-nano")
    assert (nano["memory_mb"], nano["app_budget_mb"]) == (4096, 2800)


@pytest.mark.parametrize(("what", "name"), [("models", "home"), ("recipes", "wi4b32-afp32")])
def test_list_models_and_recipes(what: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert name in [entry["name"] for entry in document(["list", what], capsys)[what]]
    assert main(["list", what]) == 0
    assert name in capsys.readouterr().out


def test_show_device_gives_every_figure_with_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "device", "jetson-nano"]) == 0
    printed = capsys.readouterr().out
    assert "25.6 GB/s in theory [datasheet]" in printed
    assert "2800 MB (unverified: headless" in printed
    assert "[kreier]" in printed
    assert "1.28.0" in printed


@pytest.mark.parametrize("name", [*devices(), "here"])
def test_show_device_works_for_every_profile(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "device", name]) == 0
    assert capsys.readouterr().out.startswith(f"{name}: ")


def test_show_device_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    shown = document(["show", "device", "raspberry-pi-4", "--memory", "2GB"], capsys)
    assert shown["schema"] == "edgeslm.device/1"
    assert (shown["memory_mb"], shown["app_budget_mb"]) == (2048, 1400)
    assert shown["speed"]["decode_gb_s"]["basis"] == "published"


@pytest.mark.parametrize("arguments", [["show", "device", "jetson-nan"], ["plan", "--device", "jetson-nan"]])
def test_unknown_device_is_exit_2_with_the_nearest(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "jetson-nano" in captured.err
