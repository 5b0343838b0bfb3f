from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgeslm_agent.engine.runtime.onnx import OnnxRuntime
from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator, UsageError
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.quantized_rows import Blocks
from support.checkpoints import build_checkpoint, case_named
from support.quantized_layouts import draw, gptq, write_quantized, write_stored
from support.references import TESTS
from support.tiny import converted, tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeslm_exporters.checkpoint import Checkpoint

ADAPTERS = TESTS / "references" / "adapters"
CASES = {"plain": "llama-untied-bf16-sharded", "patterns": "llama-untied-bf16-sharded", "turned": "gpt2"}
Q = "model.layers.0.self_attn.q_proj"


def write_adapter(folder: Path, tensors: dict[str, NDArray[np.float32]], **settings: object) -> Path:
    """Write an adapter folder; names are without PEFT's prefix."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, **settings}
    (folder / "adapter_config.json").write_text(json.dumps(said))
    stored = {f"base_model.model.{name}": ("F32", values) for name, values in tensors.items()}
    write_stored(folder / "adapter_model.safetensors", stored)
    return folder


def factors(module: str, shape: tuple[int, int] = (64, 64), rank: int = 2) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(7)
    return {
        f"{module}.lora_A.weight": rng.standard_normal((rank, shape[1])).astype(np.float32),
        f"{module}.lora_B.weight": rng.standard_normal((shape[0], rank)).astype(np.float32),
    }


def logits(checkpoint: Checkpoint, out: Path, prompt: list[int]) -> NDArray[np.float32]:
    """Return what the fp32 export computes for every token of a prompt."""
    artifact = converted(checkpoint, "fp32", out)
    graph = out / artifact.decoder.graph
    rows = len(prompt)
    runtime = OnnxRuntime(graph, artifact.decoder, min_version="1.20", threads=1, prefill_rows=rows, score_rows=rows)
    return runtime.score(prompt, 0)


@pytest.mark.parametrize("name", CASES)
def test_merged_logits_are_those_peft_computes_unmerged(tmp_path: Path, name: str) -> None:
    case = case_named(CASES[name])
    checkpoint = open_checkpoint(build_checkpoint(case, tmp_path / "c"), adapter=ADAPTERS / name)
    with np.load(ADAPTERS / name / "logits.npz") as committed:
        expected = committed["logits"]
    assert np.abs(logits(checkpoint, tmp_path / "merged", case.prompt()) - expected).max() < 1e-4
    assert np.abs(logits(open_checkpoint(tmp_path / "c"), tmp_path / "bare", case.prompt()) - expected).max() > 0.1


def test_a_merged_row_is_the_weight_and_the_low_rank_sum(tmp_path: Path) -> None:
    base = tiny_checkpoint(tmp_path / "c")
    drawn = factors(Q)
    adapter = write_adapter(tmp_path / "a", drawn)
    merged = open_checkpoint(tmp_path / "c", adapter=adapter)
    expected = base.rows(f"{Q}.weight", 0, 64) + 2 * drawn[f"{Q}.lora_B.weight"] @ drawn[f"{Q}.lora_A.weight"]
    found = np.concatenate([merged.rows(f"{Q}.weight", at, at + 16) for at in range(0, 64, 16)])
    assert np.abs(found - expected).max() < 1e-5
    other = "model.layers.1.self_attn.q_proj.weight"
    assert (merged.rows(other, 0, 64) == base.rows(other, 0, 64)).all()


def test_the_adapter_belongs_to_name_and_digest(tmp_path: Path) -> None:
    base = tiny_checkpoint(tmp_path / "c")
    merged = open_checkpoint(tmp_path / "c", adapter=write_adapter(tmp_path / "a", factors(Q)))
    other = open_checkpoint(tmp_path / "c", adapter=write_adapter(tmp_path / "b", factors(Q), lora_alpha=5))
    assert merged.name == "c+a"
    assert len({base.digest(), merged.digest(), other.digest()}) == 3


def test_what_an_adapter_leaves_alone_keeps_its_codes(tmp_path: Path) -> None:
    up, truth = "model.layers.0.mlp.up_proj", draw((160, 64), 4, 32, symmetric=True)
    layers = {up: gptq(up, truth, 4), Q: gptq(Q, draw((64, 64), 4, 32, symmetric=True), 4)}
    folder = write_quantized(tmp_path / "c", {"quant_method": "gptq", "bits": 4, "group_size": 32}, layers)
    merged = open_checkpoint(folder, adapter=write_adapter(tmp_path / "a", factors(Q)))
    form = Blocks(4, 32, symmetric=True, per_row=False)
    assert merged.quantized_rows(f"{Q}.weight", 0, 64, form) is None
    rows = merged.quantized_rows(f"{up}.weight", 0, 160, form)
    assert rows is not None
    assert (rows.dequantize(4, 64) == truth.weights).all()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"peft_type": "LOHA"}, "LOHA"),
        ({"init_lora_weights": "pissa_niter_4"}, "pissa_niter_4"),
        ({"lora_bias": True, "use_qalora": True}, "use_qalora.*lora_bias"),
    ],
)
def test_an_adapter_that_is_no_plain_sum_is_refused_by_name(
    tmp_path: Path, settings: dict[str, Any], named: str
) -> None:
    tiny_checkpoint(tmp_path / "c")
    with pytest.raises(UnsupportedOperator, match=named) as raised:
        open_checkpoint(tmp_path / "c", adapter=write_adapter(tmp_path / "a", factors(Q), **settings))
    assert "merge" in raised.value.hint


@pytest.mark.parametrize(
    ("tensors", "named"),
    [
        (factors(Q, (64, 80)), r"q_proj\.weight is \[64, 80\] there and \[64, 64\] here"),
        (factors("model.layers.7.mlp.up_proj", (172, 64)), "missing here"),
        ({"lm_head.weight": np.ones((99, 64), np.float32)}, r"lm_head\.weight is \[99, 64\]"),
        ({f"{Q}.lora_magnitude_vector.weight": np.ones(64, np.float32)}, "lora_magnitude_vector"),
    ],
)
def test_an_adapter_for_another_model_is_refused(
    tmp_path: Path, tensors: dict[str, NDArray[np.float32]], named: str
) -> None:
    tiny_checkpoint(tmp_path / "c")
    with pytest.raises(BadCheckpoint, match=named):
        open_checkpoint(tmp_path / "c", adapter=write_adapter(tmp_path / "a", tensors))


def test_a_factor_without_the_other_and_ranks_that_disagree_are_refused(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path / "c")
    drawn = factors(Q)
    alone = {name: values for name, values in drawn.items() if "lora_A" in name}
    with pytest.raises(BadCheckpoint, match="one of the two factors"):
        open_checkpoint(tmp_path / "c", adapter=write_adapter(tmp_path / "a", alone))
    drawn[f"{Q}.lora_B.weight"] = np.ones((64, 3), np.float32)
    with pytest.raises(BadCheckpoint, match="do not go together"):
        open_checkpoint(tmp_path / "c", adapter=write_adapter(tmp_path / "b", drawn))


def test_an_embedding_that_shares_its_table_is_refused(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path / "c", tiny_case(tie_word_embeddings=True))
    rng = np.random.default_rng(0)
    tensors = {
        "model.embed_tokens.lora_embedding_A": rng.standard_normal((2, 97)).astype(np.float32),
        "model.embed_tokens.lora_embedding_B": rng.standard_normal((64, 2)).astype(np.float32),
    }
    with pytest.raises(UnsupportedOperator, match="share one table"):
        open_checkpoint(tmp_path / "c", adapter=write_adapter(tmp_path / "a", tensors))


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_config_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    tiny_checkpoint(tmp_path / "c")
    adapter = write_adapter(tmp_path / "a", factors(Q))
    (adapter / "adapter_config.json").write_text(text)
    with pytest.raises(BadCheckpoint, match=r"adapter_config\.json is not"):
        open_checkpoint(tmp_path / "c", adapter=adapter)


@pytest.mark.parametrize("alpha", ["8", None])
def test_a_scale_that_is_no_number_is_refused(tmp_path: Path, alpha: object) -> None:
    tiny_checkpoint(tmp_path / "c")
    with pytest.raises(BadCheckpoint, match="lora_alpha"):
        open_checkpoint(tmp_path / "c", adapter=write_adapter(tmp_path / "a", factors(Q), lora_alpha=alpha))


def test_a_folder_without_adapter_and_a_truncated_one_are_refused(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path / "c")
    with pytest.raises(UsageError, match=r"no adapter_config\.json and no adapter_model\.safetensors"):
        open_checkpoint(tmp_path / "c", adapter=tmp_path)
    adapter = Path(shutil.copytree(ADAPTERS / "plain", tmp_path / "a"))
    file = adapter / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(BadCheckpoint, match="truncated"):
        open_checkpoint(tmp_path / "c", adapter=adapter)
