"""An fp32 .tflite computes what `transformers` computes, for every dense case of support/cases/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_agent.errors import UnsupportedOperator
from edgeslm_exporters.checkpoint import open_checkpoint
from support.checkpoints import CASES, GREEDY_TOKENS, PROMPT_TOKENS, Case, build_checkpoint, case_named
from support.references import HOME, read_reference
from support.tflite_files import opened, scored, written

if TYPE_CHECKING:
    from pathlib import Path

TOLERANCE = 1e-4  # max-abs on logits; seen: 2e-5
CONTEXT = PROMPT_TOKENS + GREEDY_TOKENS
DENSE = [case for case in CASES if not case.name.startswith("mixtral")]


@pytest.mark.slow
@pytest.mark.parametrize("case", DENSE, ids=lambda case: case.name)
def test_logits_and_greedy_tokens_are_those_of_transformers(case: Case, tmp_path: Path) -> None:
    checkpoint = open_checkpoint(build_checkpoint(case, tmp_path / "checkpoint"))
    artifact = written(checkpoint, "fp32", tmp_path / "out", CONTEXT)
    runtime = opened(tmp_path / "out" / artifact.decoder.graph, artifact.decoder)
    for answer in read_reference(case.name).answers:
        logits = scored(runtime, answer.prompt)
        assert np.abs(logits[list(answer.positions)] - answer.logits).max() < TOLERANCE
        assert np.abs(runtime.prefill(answer.prompt, 0) - answer.logits[-1]).max() < TOLERANCE
        tokens = [int(logits[-1].argmax())]
        while len(tokens) < len(answer.greedy):
            tokens.append(int(runtime.step(tokens[-1], len(answer.prompt) + len(tokens) - 1).argmax()))
        assert tuple(tokens) == answer.greedy


def test_the_built_in_model_computes_what_transformers_computes(tmp_path: Path) -> None:
    artifact = written(open_checkpoint(str(HOME)), "fp32", tmp_path / "out", 256)
    runtime = opened(tmp_path / "out" / artifact.decoder.graph, artifact.decoder)
    for answer in read_reference("home").answers:
        found = scored(runtime, answer.prompt)[list(answer.positions)]
        assert np.abs(found - answer.logits).max() < TOLERANCE


def test_experts_are_refused_by_name(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(build_checkpoint(case_named("mixtral"), tmp_path / "checkpoint"))
    with pytest.raises(UnsupportedOperator, match="mixtral: experts"):
        written(checkpoint, "fp32", tmp_path / "out")
