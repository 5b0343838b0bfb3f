"""A short form of bench/cgroup.py, which holds 300 random runs against their bound. It needs root, as CI has it."""

from __future__ import annotations

import os

import pytest

from bench.cgroup import CGROUPS, Run, outcome
from bench.memory import HOME, Cell

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def writable_cgroups() -> None:
    """Fail, rather than skip unseen, where nothing can be limited."""
    if not os.access(CGROUPS, os.W_OK):
        pytest.fail(
            f"{CGROUPS} is not writable: run as root with memory cgroups of version 1, or -k 'not memory_bound'"
        )


@pytest.mark.parametrize("form", ["onnx", "tflite"])
def test_a_bundle_lives_within_the_bound_of_its_plan(form: str) -> None:
    found = outcome(Run(Cell("narrow", form, "wi8-afp32", 256, 128), 200))  # a smaller one peaks while it starts
    assert not found.killed
    assert found.share > 75
    assert found.anonymous > 20e6


def test_half_of_the_bound_is_not_enough() -> None:
    run = Run(Cell(HOME, "onnx", "fp32", 256, 128), 200)
    assert outcome(run, limit=0.35 * run.parts.end(1).peak).killed
