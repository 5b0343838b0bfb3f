"""The wheel that ships, not the folder that is edited."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as `make wheel` does, without asking the network for the build backend."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Unpack the wheel into a folder that comes before everything else; return the environment to run it in."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return {**os.environ, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}


def run(environment: dict[str, str], cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=600
    )


def test_holds_three_packages_profiles_and_the_model_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {
        "edgeslm",
        "edgeslm_agent",
        "edgeslm_exporters",
    }
    for needed in (
        "edgeslm/_profiles/devices/jetson-nano.yaml",
        "edgeslm/_profiles/recipes/wi4b32-afp32.yaml",
        "edgeslm/_profiles/schema/device.json",
        "edgeslm/builtin/home/model.safetensors",
        "edgeslm/builtin/home/tokenizer.json",
        "edgeslm/builtin/home/tasks/free.jsonl",
        "edgeslm/profiler/default_text.txt",
        "edgeslm/fleet/deployment/compose.yaml",
        "edgeslm/fleet/history/migrations/env.py",
        "edgeslm/fleet/history/migrations/versions/v0001_first.py",
        "edgeslm_exporters/architectures/llama.py",
    ):
        assert needed in names
    assert not [name for name in names if "training" in name or name.endswith((".pyc", ".npz")) or "tests/" in name]


def test_stays_under_eight_megabytes(wheel: Path) -> None:
    assert wheel.stat().st_size < 8 * 2**20


def test_has_both_commands_and_the_licence(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (entry_points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert {"edgeslm", "edgeslm-agent"} <= {
        line.split(" ")[0] for line in archive.read(entry_points).decode().splitlines() if "=" in line
    }
    assert [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]


def test_plans_from_the_installed_files_alone(installed: dict[str, str], tmp_path: Path) -> None:
    code = "import edgeslm.catalog as c; print(c.__file__)"
    assert installed["PYTHONPATH"] in run(installed, tmp_path, "-c", code).stdout
    done = run(installed, tmp_path, "-m", "edgeslm", "plan", "--device", "jetson-nano", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["schema"] == "edgeslm.plan/1"


def test_exports_and_answers_from_the_installed_files_alone(installed: dict[str, str], tmp_path: Path) -> None:
    installed = {**installed, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    out = str(tmp_path / "bundle")
    done = run(installed, tmp_path, "-m", "edgeslm", "export", "--device", "jetson-nano", "--gate", "none", "-o", out)
    assert done.returncode == 0, done.stderr
    answered = run(installed, tmp_path, "-m", "edgeslm", "run", out, "turn on the kitchen light", "--greedy")
    assert json.loads(answered.stdout)["action"] == "turn_on"
