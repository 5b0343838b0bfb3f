"""The responder over the real engine, with a toy bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm.fleet.client import Client
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.errors import Corrupt, Incompatible
from edgeslm_agent.link.memory import MemoryBroker
from edgeslm_agent.serving.responder import ModelFacts, open_responder, read_facts
from support.fleet import running_agent
from support.toy_encoder import LABELS, expected_output, write_toy_encoder
from support.toy_graph import BOS, EOS, write_toy_bundle

if TYPE_CHECKING:
    from pathlib import Path


def test_bundle_answers_with_its_figures(tmp_path: Path) -> None:
    bundle = write_toy_bundle(tmp_path / "toy")
    responder = open_responder(bundle, threads=1)
    opened = open_bundle(bundle)
    assert responder.facts == ModelFacts(opened.bundle_id, opened.manifest.model.name, opened.manifest.variant)
    answer = responder.answer("Hello", 5)
    assert responder.answer("Hello", 5).text == answer.text
    assert answer.figures["completion_tokens"] <= 5
    assert {"prompt_tokens", "first_token_s", "prefill_tps"} <= answer.figures.keys()
    assert {"decode_tps", "load_s"} <= responder.measure().keys()
    with pytest.raises(Incompatible):
        responder.answer("x" * 500, 5)
    responder.close()


def test_facts_are_read_without_weights_and_absent_when_there_is_no_bundle(tmp_path: Path) -> None:
    bundle = write_toy_bundle(tmp_path / "toy")
    facts = read_facts(bundle)
    assert facts
    assert facts.bundle == open_bundle(bundle).bundle_id
    assert read_facts(tmp_path / "absent") is None
    graph = bundle / "artifacts/model.onnx"
    graph.write_bytes(bytes(len(graph.read_bytes())))
    assert read_facts(bundle) == facts
    with pytest.raises(Corrupt):
        open_responder(bundle)


def test_agent_serves_a_bundle_and_refuses_what_does_not_fit(tmp_path: Path) -> None:
    bundle = write_toy_bundle(tmp_path / "toy")
    broker = MemoryBroker()
    with running_agent(broker, load=lambda: open_responder(bundle, 1)), Client(broker, "home/kitchen") as client:
        assert client.ask("Hello", max_tokens=4).state == "done"
        assert client.send("measure").figures["prefill_tps"] > 0.0
        failed = client.ask("x" * 500)
        assert failed.state == "failed"
        assert "do not fit" in (failed.error or "")
        assert client.send("embed", prompt="x").error == "embed is not supported by this model"


def test_encoder_bundle_embeds_or_classifies_with_its_figures(tmp_path: Path) -> None:
    responder = open_responder(write_toy_encoder(tmp_path / "embed"), threads=1)
    assert responder.facts.purpose == ("embed",)
    answer = responder.answer("Hello", None)
    assert answer.text is None
    assert answer.embedding == pytest.approx(expected_output("embed", [BOS, *b"Hello", EOS]), abs=1e-6)
    assert {"prompt_tokens", "dropped_tokens", "answer_s", "prefill_tps"} == answer.figures.keys()
    assert {"answer_s", "prefill_tps", "load_s"} <= responder.measure().keys()
    responder.close()
    responder = open_responder(write_toy_encoder(tmp_path / "classify", "classify"), threads=1)
    scores = expected_output("classify", [BOS, *b"Hello", EOS])
    answer = responder.answer("Hello", None)
    assert (answer.text, answer.embedding) == (LABELS[int(scores.argmax())], ())
    assert answer.figures["score"] == pytest.approx(scores.max(), abs=1e-5)


def test_agent_serves_an_encoder_like_a_decoder(tmp_path: Path) -> None:
    bundle = write_toy_encoder(tmp_path / "toy")
    broker = MemoryBroker()
    with running_agent(broker, load=lambda: open_responder(bundle, 1)), Client(broker, "home/kitchen") as client:
        answer = client.send("embed", prompt="Hello")
        assert answer.embedding == pytest.approx(expected_output("embed", [BOS, *b"Hello", EOS]), abs=1e-6)
        assert answer.figures["queue_s"] >= 0.0
        assert client.send("measure").figures["answer_s"] > 0.0
        assert client.send("embed").error == "embed needs a prompt"
        assert client.ask("Hello").error == "generate is not supported by this model"
        assert client.send("classify", prompt="x").error == "classify is not supported by this model"
