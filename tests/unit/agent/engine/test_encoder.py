"""The encoder session over a graph written by hand, against its definition in numpy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_agent.bundle import EncoderBundle, open_any, open_bundle
from edgeslm_agent.engine.encoder import EncoderSession
from edgeslm_agent.errors import Corrupt, EdgeSLMError, Incompatible, UsageError
from support.toy_encoder import LABELS, LONGEST, expected_output, toy_encoder_manifest, write_toy_encoder
from support.toy_graph import BOS, EOS, GRAPH, VOCABULARY

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.contract.manifest import Task


def opened(folder: Path, task: Task = "embed", **changes: object) -> EncoderBundle:
    bundle = open_any(write_toy_encoder(folder, task, **changes))
    assert isinstance(bundle, EncoderBundle)
    return bundle


def framed(text: str) -> list[int]:
    return [BOS, *text.encode(), EOS]


@pytest.mark.parametrize("text", ["a", "Hello", "grüß 日本", " spaces  "])
def test_embedding_is_that_of_the_definition(tmp_path: Path, text: str) -> None:
    with EncoderSession.open(opened(tmp_path / "toy"), threads=1) as session:
        answer = session.embed(text)
    ids = framed(text)
    assert len(ids) <= LONGEST
    np.testing.assert_allclose(answer.vector, expected_output("embed", ids), atol=1e-6)
    assert answer.vector.dtype == np.float32
    assert answer.figures.prompt_tokens == len(ids)
    assert answer.figures.prefill_tps == pytest.approx(len(ids) / answer.figures.answer_s)


def test_classification_gives_every_label_its_score_and_names_the_likeliest(tmp_path: Path) -> None:
    with EncoderSession.open(opened(tmp_path / "toy", "classify"), threads=1) as session:
        answers = [session.classify(text) for text in ("good", "bad", "abc", "xyz")]
    for text, answer in zip(("good", "bad", "abc", "xyz"), answers, strict=True):
        expected = expected_output("classify", framed(text))
        np.testing.assert_allclose(list(answer.scores.values()), expected, atol=1e-6)
        assert tuple(answer.scores) == LABELS
        assert answer.label == LABELS[int(expected.argmax())]
        assert answer.score == max(answer.scores.values())
    assert len({answer.label for answer in answers}) > 1


def test_long_text_is_cut_with_its_last_special_token_kept_and_the_loss_is_said(tmp_path: Path) -> None:
    text = "abcdefghij" * 5
    with EncoderSession.open(opened(tmp_path / "toy"), threads=1) as session:
        answer = session.embed(text)
    kept = [BOS, *text.encode()[: LONGEST - 2], EOS]
    np.testing.assert_allclose(answer.vector, expected_output("embed", kept), atol=1e-6)
    assert answer.figures.prompt_tokens == LONGEST
    assert answer.figures.dropped_tokens == len(text) - (LONGEST - 2)


def test_task_that_the_model_is_not_for_is_refused(tmp_path: Path) -> None:
    with EncoderSession.open(opened(tmp_path / "e"), threads=1) as session:
        with pytest.raises(Incompatible, match="cannot classify"):
            session.classify("x")
        with pytest.raises(UsageError, match="empty"):
            session.embed("  ")
        with pytest.raises(UsageError, match="vocabulary"):
            session.run([VOCABULARY])
    with pytest.raises(EdgeSLMError, match="closed"):
        session.embed("x")
    classifier = EncoderSession.open(opened(tmp_path / "c", "classify"), threads=1)
    with pytest.raises(Incompatible, match="cannot embed"):
        classifier.embed("x")


def test_self_test_refuses_a_graph_that_answers_otherwise(tmp_path: Path) -> None:
    probe = toy_encoder_manifest().probe
    bundle = opened(tmp_path / "toy", probe=replace(probe, largest=(probe.largest + 1) % 8))
    with pytest.raises(Incompatible, match="self-test"):
        EncoderSession.open(bundle, threads=1)
    EncoderSession.open(bundle, threads=1, check_probe=False).close()


def test_graph_that_is_not_the_manifests_is_refused(tmp_path: Path) -> None:
    shape = toy_encoder_manifest().encoder
    bundle = opened(tmp_path / "inputs", encoder=replace(shape, inputs=("input_ids",)))
    with pytest.raises(Incompatible, match="attention_mask"):
        EncoderSession.open(bundle, threads=1)
    with pytest.raises(Incompatible, match="gguf"):
        EncoderSession.open(opened(tmp_path / "format", format="gguf"), threads=1)
    (tmp_path / "inputs" / GRAPH).write_bytes(b"nonsense")
    with pytest.raises(Corrupt):
        EncoderSession.open(bundle, threads=1)


def test_decoders_door_refuses_an_encoder_by_name(tmp_path: Path) -> None:
    folder = write_toy_encoder(tmp_path / "toy")
    with pytest.raises(Incompatible, match="toy_fp32_onnx_16 is an encoder: it can embed"):
        open_bundle(folder)
