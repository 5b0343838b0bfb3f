"""An encoder in integers behind a real Mosquitto: the agent answers what a session answers, and as the floats would."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm.encoders.export import export_encoder
from edgeslm.fleet.client import Client
from edgeslm.profiler.dataset import Dataset
from edgeslm_agent.engine.encoder import EncoderSession
from edgeslm_agent.link.address import parse_address
from edgeslm_agent.link.mqtt import MqttTransport
from edgeslm_agent.serving.responder import open_responder
from support.fleet import running_agent
from support.mosquitto import mosquitto
from support.tiny_bert import VOCABULARY, write_bert
from support.tiny_bert_graph import float_graph_by_hand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgeslm_agent.bundle import EncoderBundle
    from edgeslm_agent.engine.encoder import Classification

pytestmark = pytest.mark.slow

RANDOM = np.random.default_rng(9)
SENTENCES = [" ".join(f"w{number}" for number in RANDOM.integers(3, VOCABULARY, 8)) for _ in range(40)]
ASKED = SENTENCES[16:28]  # two labels are clear among them
CONTEXT = 24
CLEAR = 0.1  # how far the floats' label is ahead; rounding turned two near ties (0.01) of 60 sentences


@pytest.fixture
def by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    float_graph_by_hand(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def exported(task: str, folder: Path) -> tuple[EncoderBundle, EncoderBundle]:
    """Return one tiny model twice: in integers and in floats."""
    model = str(write_bert(folder / "m", task))
    data = Dataset("words", text="\n\n".join(SENTENCES))
    integers, floats = (
        export_encoder(
            model, device="nxp-imx93", out=folder / form, formats=[form], recipes=[recipe], context=CONTEXT, data=data,
            gate="none", measured=False,
        ).bundle
        for form, recipe in (("tflite", "wi8-ai8"), ("onnx", "fp32"))
    )  # fmt: skip
    return integers, floats


@contextlib.contextmanager
def asked(bundle: EncoderBundle, folder: Path) -> Iterator[Client]:
    """Serve a bundle by an agent on a broker of its own for the block."""
    with mosquitto(folder) as broker:
        transport = MqttTransport(parse_address(broker.url))
        with (
            running_agent(transport, load=lambda: open_responder(bundle.path, 1)),
            Client(transport, "home/kitchen") as client,
        ):
            yield client


def lead(found: Classification) -> float:
    """Return how far the likeliest label is ahead."""
    *_, second, first = sorted(found.scores.values())
    return first - second


@pytest.mark.usefixtures("by_hand")
def test_embeddings_over_mqtt_are_those_of_the_session_and_nearly_those_of_the_floats(tmp_path: Path) -> None:
    integers, floats = exported("embed", tmp_path)
    with (
        EncoderSession.open(integers, threads=1) as session,
        EncoderSession.open(floats, threads=1) as exact,
        asked(integers, tmp_path) as client,
    ):
        for text in ASKED:
            answer = client.send("embed", prompt=text)
            found, expected = session.embed(text), exact.embed(text).vector
            assert (answer.state, answer.text) == ("done", None)
            assert answer.embedding == tuple(float(f"{value:.7g}") for value in found.vector)
            assert answer.figures["prompt_tokens"] == found.figures.prompt_tokens
            similar = found.vector @ expected / np.linalg.norm(found.vector) / np.linalg.norm(expected)
            assert similar > 0.99
            assert found.vector.tolist() != expected.tolist()
        cut = client.send("embed", prompt=" ".join(SENTENCES[:5])).figures
        assert (cut["prompt_tokens"], cut["dropped_tokens"]) == (CONTEXT, 40 - CONTEXT)
        assert client.send("measure").figures["answer_s"] > 0
        assert client.send("classify", prompt="w5").error == "classify is not supported by this model"


@pytest.mark.usefixtures("by_hand")
def test_labels_over_mqtt_are_those_of_the_session_and_of_the_floats(tmp_path: Path) -> None:
    integers, floats = exported("classify", tmp_path)
    seen = []
    with (
        EncoderSession.open(integers, threads=1) as session,
        EncoderSession.open(floats, threads=1) as exact,
        asked(integers, tmp_path) as client,
    ):
        for text in ASKED:
            answer = client.send("classify", prompt=text)
            found, expected = session.classify(text), exact.classify(text)
            assert (answer.text, answer.embedding) == (found.label, ())
            assert answer.figures["score"] == float(f"{found.score:.6g}")
            if lead(expected) > CLEAR:
                assert answer.text == expected.label
                seen.append(answer.text)
    assert len(seen) > len(ASKED) / 2
    assert len(set(seen)) > 1
