"""From a bundle on disk to an answer, and what a bundle may be refused for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.contract.manifest import Probe, RuntimeRequirement
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.runtime.onnx import OnnxRuntime
from edgeslm_agent.engine.session import Session
from edgeslm_agent.errors import EdgeSLMError, Incompatible
from support.toy_graph import GRAPH, PROBE, one_shot_logits, write_toy_bundle

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("positions", [False, True])
def test_an_opened_bundle_scores_as_one_call_does_and_answers(tmp_path: Path, *, positions: bool) -> None:
    folder = write_toy_bundle(tmp_path / "toy", positions=positions)
    ids = np.random.default_rng(1).integers(0, 256, 50).tolist()
    with Session.open(open_bundle(folder), threads=1) as session:
        assert session.load_s > 0
        expected = one_shot_logits(folder / GRAPH, ids, positions=positions)
        np.testing.assert_allclose(session.score(ids), expected, atol=1e-5)
        first = session.complete(ids[:20], Generation(max_tokens=1, ignore_stop=True))
        assert first.token_ids == (int(expected[19].argmax()),)


def test_greedy_answers_are_repeated_to_the_token(tmp_path: Path) -> None:
    bundle = open_bundle(write_toy_bundle(tmp_path / "toy"))
    options = Generation(max_tokens=30, ignore_stop=True)
    with Session.open(bundle) as one, Session.open(bundle, threads=2) as other:
        answers = [session.complete("turn on", options).token_ids for session in (one, other, one)]
    assert answers[0] == answers[1] == answers[2]
    assert len(answers[0]) == 30


def test_a_probe_that_is_answered_differently_here_is_incompatible(tmp_path: Path) -> None:
    right = open_bundle(write_toy_bundle(tmp_path / "right")).manifest.probe.top_tokens
    for wrong in (right[1:], (*right[:-2], right[-1], right[-2])):
        folder = tmp_path / f"wrong-{len(wrong)}"
        bundle = open_bundle(write_toy_bundle(folder, probe=Probe(PROBE, wrong)))
        with pytest.raises(Incompatible, match=re.escape(f"first where the bundle expects {wrong}")):
            Session.open(bundle)
        Session.open(bundle, check_probe=False).close()


def test_weights_move_before_the_self_test_and_not_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, done = open_bundle(write_toy_bundle(tmp_path / "toy")), list[str]()
    monkeypatch.setattr(OnnxRuntime, "settle", lambda _runtime: done.append("settled"))
    monkeypatch.setattr(Session, "_self_test", lambda _session: done.append("tested"))
    Session.open(bundle, check_probe=False).close()
    assert done == []
    Session.open(bundle).close()
    assert done == ["settled", "tested"]


def test_a_format_without_a_runtime_is_incompatible(tmp_path: Path) -> None:
    bundle = open_bundle(write_toy_bundle(tmp_path / "toy", format="gguf"))
    with pytest.raises(Incompatible, match="format 'gguf'"):
        Session.open(bundle)


def test_a_bundle_for_a_later_runtime_is_incompatible(tmp_path: Path) -> None:
    bundle = open_bundle(write_toy_bundle(tmp_path / "toy", runtime=RuntimeRequirement("onnxruntime", "99.1")))
    with pytest.raises(Incompatible, match=r"needs onnxruntime 99\.1"):
        Session.open(bundle)


def test_a_closed_session_says_so(tmp_path: Path) -> None:
    session = Session.open(open_bundle(write_toy_bundle(tmp_path / "toy")))
    session.close()
    session.close()
    with pytest.raises(EdgeSLMError, match="closed"):
        session.complete("hi")
