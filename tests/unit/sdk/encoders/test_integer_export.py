"""An encoder exported in integers for boards with an accelerator: chosen, checked against its list, packed, served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm.catalog.accelerators import drivers
from edgeslm.encoders.export import export_encoder
from edgeslm.planning import plan
from edgeslm.profiler.dataset import Dataset
from edgeslm_agent.bundle import EncoderBundle, open_any, read_evidence
from edgeslm_agent.engine.encoder import EncoderSession
from edgeslm_exporters.tflite.schema import Op
from support.tiny_bert import VOCABULARY, states, tensors, write_bert
from support.tiny_bert_graph import float_graph_by_hand

if TYPE_CHECKING:
    from pathlib import Path

RANDOM = np.random.default_rng(9)
SENTENCES = [" ".join(f"w{number}" for number in RANDOM.integers(3, VOCABULARY, 8)) for _ in range(40)]
TEXT = Dataset("words", text="\n\n".join(SENTENCES))


def planned(folder: Path, board: str) -> dict[str, tuple[str, ...]]:
    found = plan(str(write_bert(folder)), device=board, formats=["tflite"], context=24)
    return {candidate.recipe: candidate.reasons for candidate in found.candidates}


@pytest.mark.parametrize(
    ("board", "kept"),
    [("coral-dev-board", "wi8-ai8"), ("nxp-imx93", "wi8-ai8"), ("stm32mp2", "wi8t-ai8")],
)
def test_the_board_decides_between_scales_by_channel_and_by_tensor(tmp_path: Path, board: str, kept: str) -> None:
    reasons = planned(tmp_path / "m", board)
    assert {recipe for recipe, why in reasons.items() if not why} == {kept}
    (dropped,) = (why for why in reasons.values() if why)
    assert f"needs {kept}" in dropped[0]


def test_without_an_accelerator_both_are_kept_and_floats_are_refused(tmp_path: Path) -> None:
    assert planned(tmp_path / "m", "raspberry-pi-5") == {"wi8-ai8": (), "wi8t-ai8": ()}
    found = plan(str(tmp_path / "m"), device="raspberry-pi-5", formats=["tflite"], recipes=["fp32"])
    assert found.candidates[0].reasons == ("fp32 of an encoder is not written as tflite: wi8-ai8, wi8t-ai8 are",)


def test_every_list_of_operators_names_some_that_are_written() -> None:
    lists = {driver.name: driver.takes for driver in drivers() if driver.takes is not None}
    assert set(lists) == {"edgetpu", "ethos-u", "vx-delegate"}
    for takes in lists.values():
        assert {"CONV_2D", "SOFTMAX", "RSQRT"} <= takes.operators
    assert {name for name, takes in lists.items() if "BATCH_MATMUL" in takes.operators} == {"ethos-u", "vx-delegate"}
    assert {op.name for op in Op} - lists["ethos-u"].operators >= {"EMBEDDING_LOOKUP"}


@pytest.mark.slow
def test_the_bundle_says_what_the_accelerator_takes_and_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    float_graph_by_hand(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = write_bert(tmp_path / "m")
    for board, share in (("nxp-imx93", 0.9), ("coral-dev-board", 0.0)):
        out = tmp_path / board
        result = export_encoder(
            str(model), device=board, out=out, formats=["tflite"], context=24, data=TEXT, measured=False
        )
        (found,) = result.accelerated
        assert share < found.placement.share < 1
        bundle = open_any(out)
        assert isinstance(bundle, EncoderBundle)
        assert (bundle.manifest.format, bundle.manifest.runtime.name) == ("tflite", "ai-edge-litert")
        evidence = read_evidence(bundle, "selection")
        assert evidence is not None
        assert evidence["accelerators"][0]["sentence"] == found.sentence()
        assert ("the file is one for the CPU" in found.sentence()) == (board == "coral-dev-board")
    served = open_any(tmp_path / "nxp-imx93")
    assert isinstance(served, EncoderBundle)
    with EncoderSession.open(served, threads=1) as session:
        for text in SENTENCES[:5]:
            vector = session.embed(text).vector
            expected = states([int(word[1:]) for word in text.split()], tensors()).mean(axis=0)
            assert vector @ expected / np.linalg.norm(vector) / np.linalg.norm(expected) > 0.98
