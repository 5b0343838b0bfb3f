from __future__ import annotations

import subprocess
import sys

import pytest

import edgeslm

HEAVY = {
    "numpy",
    "onnx",
    "onnxruntime",
    "tokenizers",
    "yaml",
    "rich",
    "paho",
    "torch",
    "transformers",
    "jinja2",
    "huggingface_hub",
}


@pytest.mark.parametrize("name", edgeslm.__all__)
def test_every_public_name_loads_from_its_home(name: str) -> None:
    assert getattr(edgeslm, name).__name__.lower() == name.lower()


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_like_this"):
        _ = edgeslm.nothing_like_this


def loaded_by(code: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has loaded after `code`."""
    probe = f"{code}\nimport sys; print(*sorted({{n.split('.')[0] for n in sys.modules}}), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded_by("import edgeslm") & HEAVY


def test_help_loads_nothing_heavy() -> None:
    assert not loaded_by("from edgeslm.cli.main import main; main([])") & HEAVY


@pytest.mark.parametrize("verb", ["export", "plan", "eval", "run", "fleet", "telemetry", "demo"])
def test_help_of_a_verb_loads_nothing_heavy(verb: str) -> None:
    code = f"from edgeslm.cli.main import main\ntry: main(['{verb}', '--help'])\nexcept SystemExit: pass"
    assert not loaded_by(code) & HEAVY
