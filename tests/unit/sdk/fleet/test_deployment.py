"""The deployment's files: what one of them names, another one has. No container is started here."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

import edgeslm.fleet
from edgeslm.cli.main import main

FOLDER = Path(edgeslm.fleet.__file__).with_name("deployment")
SERVICE_KEYS = {
    "build", "command", "depends_on", "deploy", "environment", "healthcheck", "image", "ports", "restart", "shm_size",
    "user", "volumes",
}  # fmt: skip


def read(name: str) -> Any:  # noqa: ANN401 - whatever the YAML holds
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


def services() -> dict[str, Any]:
    found: dict[str, Any] = read("compose.yaml")["services"]
    return found


def test_every_service_has_an_image_and_only_keys_of_the_specification() -> None:
    for name, service in services().items():
        assert service.keys() <= SERVICE_KEYS, name
        assert "image" in service, name
        assert not service["image"].endswith(":latest"), name


def test_volumes_and_dependencies_exist() -> None:
    document = read("compose.yaml")
    for name, service in document["services"].items():
        assert set(service.get("depends_on", {})) <= document["services"].keys(), name
        for volume in service.get("volumes", ()):
            source = volume.rsplit(":", 2 if volume.endswith(":ro") else 1)[0]
            if source.startswith("."):
                assert (FOLDER / source).resolve().is_file(), volume
            elif not source.startswith("$"):
                assert source in document["volumes"], volume


def test_variables_are_demanded_and_the_readme_sets_each() -> None:
    text = (FOLDER / "compose.yaml").read_text("utf-8")
    named = set(re.findall(r"\$\{(\w+)", text))
    assert named == set(re.findall(r"\$\{(\w+):\?", text))
    assert all(f"{name}=" in (FOLDER / "README.md").read_text("utf-8") for name in named)


@pytest.mark.parametrize("service", ["collector", "metrics"])
def test_our_commands_take_their_options(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = services()[service]["command"]
    with pytest.raises(SystemExit) as left:
        main([*words, "--help"])  # argparse reads what stands before
    assert left.value.code == 0
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    shown = capsys.readouterr().out
    assert all(option in shown for option in options)


def test_collectors_are_three_that_share() -> None:
    collector = services()["collector"]
    assert collector["deploy"]["replicas"] == 3
    assert "--shared" in collector["command"]
    assert not any(word.startswith("--name") for word in collector["command"])  # each makes its own


def test_addresses_lead_to_services() -> None:
    hosts = services().keys()
    (target,) = read("prometheus.yaml")["scrape_configs"][0]["static_configs"][0]["targets"]
    assert target == "metrics:9464"
    sources = {source["type"]: source for source in read("grafana-sources.yaml")["datasources"]}
    urls = [sources["prometheus"]["url"].removeprefix("http://"), sources["postgres"]["url"], target]
    for word in services()["collector"]["command"]:
        urls += re.findall(r"(?:mqtts|postgresql)://(?:\w+@)?(\w+)", word)
    assert {url.partition(":")[0] for url in urls} <= hosts
    assert sources["postgres"]["user"] == services()["database"]["environment"]["POSTGRES_USER"]


def test_dashboard_is_where_grafana_looks() -> None:
    (folder,) = (provider["options"]["path"] for provider in read("grafana-dashboards.yaml")["providers"])
    mounted = [volume.split(":") for volume in services()["grafana"]["volumes"]]
    (source,) = (source for source, target, *_ in mounted if target.startswith(f"{folder}/"))
    assert json.loads((FOLDER / source).read_text("utf-8"))["title"]


def test_image_installs_the_wheel_with_the_fleet_extra() -> None:
    lines = services()["collector"]["build"]["dockerfile_inline"].splitlines()
    assert [shlex.split(line)[0] for line in lines] == ["FROM", "COPY", "RUN", "ENTRYPOINT"]
    assert "[fleet]" in lines[2]
