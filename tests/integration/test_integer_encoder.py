"""An encoder in integers behind a real Mosquitto: the agent answers what a session answers, and as the floats would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgeslm.cli.main import main
from edgeslm.encoders.export import export_encoder
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
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edgeslm_agent.bundle import EncoderBundle
    from edgeslm_agent.engine.encoder import Classification

pytestmark = pytest.mark.slow

RANDOM = np.random.default_rng(9)
SENTENCES = [" ".join(f"w{number}" for number in RANDOM.integers(3, VOCABULARY, 8)) for _ in range(40)]
CONTEXT = 24
CLEAR = 0.1  # between the two likeliest labels of the floats; rounding moves scores of so small a model by 0.02


@dataclass(frozen=True)
class Served:
    """One model twice: in integers, behind an agent that `ask` asks, and in floats."""

    integers: EncoderBundle
    floats: EncoderBundle
    ask: Callable[..., tuple[int, dict[str, Any]]]


def exported(task: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[EncoderBundle, EncoderBundle]:
    float_graph_by_hand(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
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


@pytest.fixture
def served(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Served]:
    integers, floats = exported(request.param, tmp_path, monkeypatch)

    def ask(op: str, text: str = "") -> tuple[int, dict[str, Any]]:
        code = main(["fleet", "command", "home/kitchen", text, "--op", op, "--json"])
        return code, json.loads(capsys.readouterr().out)

    with mosquitto(tmp_path) as broker:
        monkeypatch.setenv("EDGESLM_BROKER", broker.url)
        transport = MqttTransport(parse_address(broker.url))
        with running_agent(transport, load=lambda: open_responder(integers.path, 1)):
            yield Served(integers, floats, ask)


@pytest.mark.parametrize("served", ["embed"], indirect=True)
def test_embeddings_over_mqtt_are_those_of_the_session_and_nearly_those_of_the_floats(served: Served) -> None:
    with (
        EncoderSession.open(served.integers, threads=1) as session,
        EncoderSession.open(served.floats, threads=1) as exact,
    ):
        for text in SENTENCES[:5]:
            code, answer = served.ask("embed", text)
            assert (code, answer["state"], answer["text"]) == (0, "done", None)
            found = session.embed(text)
            assert answer["embedding"] == [float(f"{value:.7g}") for value in found.vector]
            assert answer["figures"]["prompt_tokens"] == found.figures.prompt_tokens
            expected = exact.embed(text).vector
            similar = found.vector @ expected / np.linalg.norm(found.vector) / np.linalg.norm(expected)
            assert 0.99 < similar < 1
        _, cut = served.ask("embed", " ".join(SENTENCES[:5]))
        assert (cut["figures"]["prompt_tokens"], cut["figures"]["dropped_tokens"]) == (CONTEXT, 40 - CONTEXT)
    assert served.ask("measure")[1]["figures"]["answer_s"] > 0
    code, refused = served.ask("classify", SENTENCES[0])
    assert (code, refused["error"]) == (1, "classify is not supported by this model")


@pytest.mark.parametrize("served", ["classify"], indirect=True)
def test_labels_over_mqtt_are_those_of_the_session_and_of_the_floats(served: Served) -> None:
    with (
        EncoderSession.open(served.integers, threads=1) as session,
        EncoderSession.open(served.floats, threads=1) as exact,
    ):
        told = [(text, exact.classify(text)) for text in SENTENCES]
        clear = [(text, found.label) for text, found in told if lead(found) >= CLEAR][:12]
        assert len({label for _, label in clear}) > 1
        for text, label in clear:
            code, answer = served.ask("classify", text)
            assert (code, answer["embedding"]) == (0, [])
            found = session.classify(text)
            assert answer["text"] == found.label == label
            assert answer["figures"]["score"] == float(f"{found.score:.6g}")


def lead(found: Classification) -> float:
    """Return how far the likeliest label is ahead."""
    *_, second, first = sorted(found.scores.values())
    return first - second
