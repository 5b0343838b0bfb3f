"""The responder over the real engine, with a toy bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm.fleet.client import Client
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.errors import Corrupt, Incompatible
from edgeslm_agent.link.memory import MemoryBroker
from edgeslm_agent.serving.responder import BundleResponder, ModelFacts, read_facts
from support.fleet import running_agent
from support.toy_graph import write_toy_bundle

if TYPE_CHECKING:
    from pathlib import Path


def test_bundle_answers_with_its_figures(tmp_path: Path) -> None:
    bundle = write_toy_bundle(tmp_path / "toy")
    responder = BundleResponder(bundle, threads=1)
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
        BundleResponder(bundle)


def test_agent_serves_a_bundle_and_refuses_what_does_not_fit(tmp_path: Path) -> None:
    bundle = write_toy_bundle(tmp_path / "toy")
    broker = MemoryBroker()
    with running_agent(broker, load=lambda: BundleResponder(bundle, 1)), Client(broker, "home/kitchen") as client:
        assert client.ask("Hello", max_tokens=4).state == "done"
        assert client.send("measure").figures["prefill_tps"] > 0.0
        failed = client.ask("x" * 500)
        assert failed.state == "failed"
        assert "do not fit" in (failed.error or "")
        assert client.send("embed", prompt="x").error == "embed is not supported by this model"
