"""The agent's configuration: all problems at once, with their lines; the command line wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeslm_agent.config import Config, default_spool, load_config, override
from edgeslm_agent.errors import ConfigError


def test_file_is_read_and_the_command_line_wins(tmp_path: Path) -> None:
    file = tmp_path / "agent.json"
    file.write_text('{"id": "home/kitchen", "interval_s": 5, "bundle": "/models/home", "queue": 0}', encoding="utf-8")
    config = load_config(file)
    assert config == Config(id="home/kitchen", interval_s=5, bundle=Path("/models/home"), queue=0)
    assert override(config, {"interval_s": 2.5, "bundle": None}) == Config(
        id="home/kitchen", interval_s=2.5, bundle=Path("/models/home"), queue=0
    )


def test_all_problems_are_reported_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "agent.json"
    file.write_text(
        '{\n "intervall_s": 5,\n "interval_s": -1,\n "queue": 2.5,\n "threads": true,\n "broker": 7\n}',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    lines = [problem.removeprefix(f"{file}:").split(":")[0] for problem in caught.value.problems]
    assert lines == ["2", "3", "4", "5", "6"]
    assert "known are" in caught.value.problems[0]


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, '"x"', " " * 70_000])
def test_file_that_holds_no_object_is_a_config_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "agent.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        load_config(file)
    with pytest.raises(ConfigError):
        load_config(tmp_path / "absent.json")


def test_command_line_out_of_bounds_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="interval_s"):
        override(Config(), {"interval_s": 0.0})


def test_state_lies_where_the_system_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/given:/other")
    assert default_spool("home/kitchen") == Path("/var/lib/given/home_kitchen")
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/me/.state")
    assert default_spool("home/kitchen") == Path("/home/me/.state/edgeslm-agent/home_kitchen")
