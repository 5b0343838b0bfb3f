from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import gguf
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeslm_agent.errors import BadCheckpoint, ExportError, UnsupportedArchitecture, UnsupportedOperator
from edgeslm_exporters.architectures import describe
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.quantized_rows import Blocks
from support.checkpoints import build_checkpoint, case_named
from support.gguf_files import write_gguf
from support.hf_layout import word_tokenizer, write_json
from support.tiny import converted, tiny_case

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.checkpoints import Case

Q = "model.layers.0.self_attn.q_proj.weight"
DOWN = "model.layers.1.mlp.down_proj.weight"
LLAMA = tiny_case(intermediate_size=160)
# Blocks of 256 need rows of that size.
WIDE = tiny_case(hidden_size=256, intermediate_size=256)


@pytest.mark.parametrize("storage", ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"])
def test_every_tensor_is_what_llama_cpp_would_compute_with(tmp_path: Path, storage: str) -> None:
    expected = write_gguf(tmp_path / "m.gguf", LLAMA, {"": storage})
    checkpoint = open_checkpoint(tmp_path / "m.gguf")
    for name, values in expected.items():
        rows = len(values) if values.ndim == 2 else 1
        assert (checkpoint.rows(name, 0, rows) == values.reshape(rows, -1)).all(), name
    assert (checkpoint.rows(Q, 5, 41) == expected[Q][5:41]).all()  # inside heads


@pytest.mark.parametrize(
    ("case", "architecture"),
    [(LLAMA, "llama"), (case_named("qwen2-head32"), "qwen2"), (case_named("qwen3-tied"), "qwen3")],
)
def test_an_export_is_that_of_the_checkpoint_it_was_made_from(tmp_path: Path, case: Case, architecture: str) -> None:
    write_gguf(tmp_path / "m.gguf", case, architecture=architecture)
    source = open_checkpoint(build_checkpoint(replace(case, dtype="F32"), tmp_path / "c"))
    converted(source, "fp32", tmp_path / "one")
    converted(open_checkpoint(tmp_path / "m.gguf"), "fp32", tmp_path / "two")
    data = "artifacts/model.onnx.data"
    assert (tmp_path / "one" / data).read_bytes() == (tmp_path / "two" / data).read_bytes()


@pytest.mark.parametrize(
    ("storage", "form"), [("Q4_0", Blocks(4, 32, False, False)), ("Q8_0", Blocks(8, 32, True, False))]
)
def test_codes_of_q4_0_and_q8_0_are_taken_to_the_bit(tmp_path: Path, storage: str, form: Blocks) -> None:
    expected = write_gguf(tmp_path / "m.gguf", LLAMA, {"": storage})
    checkpoint = open_checkpoint(tmp_path / "m.gguf")
    for name, start, stop in ((DOWN, 0, 64), (Q, 0, 64), (Q, 17, 30)):
        rows = checkpoint.quantized_rows(name, start, stop, form)
        assert rows is not None
        assert (rows.dequantize(form.bits, expected[name].shape[1]) == expected[name][start:stop]).all()


@pytest.mark.parametrize(
    ("storage", "recipe"),
    [({"": "Q4_0"}, "wu4b32-afp32-hi8b32"), ({"": "Q8_0"}, "wi8b32-afp32"), ({"": "Q4_1"}, None), ({"": "F16"}, None)],
)
def test_the_own_recipe_is_that_of_most_matrices(tmp_path: Path, storage: dict[str, str], recipe: str | None) -> None:
    write_gguf(tmp_path / "m.gguf", LLAMA, storage)
    assert open_checkpoint(tmp_path / "m.gguf").own_recipe == recipe


def test_what_is_rounded_again_is_said(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf", LLAMA, {"": "Q4_0", "v_proj": "Q4_1", "down_proj": "Q5_0"})
    (note,) = open_checkpoint(tmp_path / "m.gguf").notes
    assert "2 Q4_1" in note
    assert "2 Q5_0" in note
    assert "Q4_0" not in note


@pytest.mark.parametrize("kind", ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"])
def test_k_quants_are_read_and_rounded_again(tmp_path: Path, kind: str) -> None:
    raw = np.random.default_rng(0).integers(0, 64, (256, gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]][1]))
    raw = raw.astype(np.uint8)

    def add(writer: gguf.GGUFWriter) -> None:
        writer.add_tensor("blk.2.ffn_down.weight", raw, raw_dtype=gguf.GGMLQuantizationType[kind])

    write_gguf(tmp_path / "m.gguf", WIDE, more=add)
    checkpoint = open_checkpoint(tmp_path / "m.gguf")
    name = "model.layers.2.mlp.down_proj.weight"
    expected = gguf.quants.dequantize(raw, gguf.GGMLQuantizationType[kind])
    assert (checkpoint.rows(name, 3, 200) == expected[3:200]).all()
    assert checkpoint.quantized_rows(name, 0, 256, Blocks(4, 32, False, False)) is None
    assert kind in checkpoint.notes[0]


def test_llama_3_scaling_is_recovered_from_its_factors(tmp_path: Path) -> None:
    case = case_named("llama-head64-llama3-rope")
    wavelength = 2 * np.pi * 500000.0 ** (np.arange(32) / 32)
    share = np.clip((8192 / wavelength - 1) / 3, 0, 1)
    factors = (1 / (share + (1 - share) / 32)).astype(np.float32)

    def add(writer: gguf.GGUFWriter) -> None:
        writer.add_tensor("rope_freqs.weight", factors)

    write_gguf(tmp_path / "m.gguf", case, more=add)
    rope = open_checkpoint(tmp_path / "m.gguf").config["rope_parameters"]
    assert rope["rope_type"] == "llama3"
    assert rope["factor"] == pytest.approx(32)
    factors *= np.linspace(1, 1.5, 32, dtype=np.float32)
    write_gguf(tmp_path / "other.gguf", case, more=add)
    with pytest.raises(UnsupportedOperator, match="stretches positions"):
        open_checkpoint(tmp_path / "other.gguf")


def test_linear_scaling_and_licence_come_from_the_metadata(tmp_path: Path) -> None:
    def add(writer: gguf.GGUFWriter) -> None:
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(2.0)
        writer.add_license("apache-2.0")
        writer.add_eot_token_id(5)
        writer.add_chat_template("{{ messages[0].content }}")

    write_gguf(tmp_path / "m.gguf", LLAMA, more=add)
    checkpoint = open_checkpoint(tmp_path / "m.gguf")
    assert checkpoint.config["rope_parameters"] == {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}
    assert checkpoint.licence == "apache-2.0"
    assert checkpoint.generation_config == {"eos_token_id": [2, 5]}
    assert checkpoint.tokenizer_config["chat_template"] == "{{ messages[0].content }}"


def test_a_tokenizer_beside_the_file_is_used_and_belongs_to_the_digest(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf", LLAMA)
    before = open_checkpoint(tmp_path / "m.gguf").digest()
    write_json(tmp_path / "tokenizer.json", word_tokenizer(97))
    checkpoint = open_checkpoint(tmp_path / "m.gguf")
    assert checkpoint.tokenizer_json == (tmp_path / "tokenizer.json").read_bytes()
    assert checkpoint.digest() != before


@pytest.mark.parametrize(
    ("change", "error", "named"),
    [
        (lambda writer: writer.add_uint32("llama.expert_count", 8), UnsupportedOperator, "has experts"),
        (lambda writer: writer.add_uint32("llama.rope.dimension_count", 8), UnsupportedOperator, "a part of each head"),
        (lambda writer: writer.add_string("llama.rope.scaling.type", "yarn"), UnsupportedOperator, "stretches"),
        (lambda writer: writer.add_uint16("split.count", 3), UnsupportedOperator, "one of 3 parts"),
        (lambda writer: writer.add_tensor("blk.0.odd.weight", np.ones(4, np.float32)), UnsupportedOperator, "odd"),
        (lambda writer: writer.add_string("general.alignment", "x"), BadCheckpoint, "general.alignment"),
    ],
)
def test_what_has_no_form_is_refused_by_name(
    tmp_path: Path, change: Callable[[gguf.GGUFWriter], None], error: type[Exception], named: str
) -> None:
    write_gguf(tmp_path / "m.gguf", LLAMA, more=change)
    with pytest.raises(error, match=named):
        open_checkpoint(tmp_path / "m.gguf")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 255))
def test_a_changed_byte_opens_or_is_refused_as_an_error_of_ours(tmp_path: Path, at: int, change: int) -> None:
    if not (tmp_path / "whole.gguf").exists():
        write_gguf(tmp_path / "whole.gguf", LLAMA)
    data = bytearray((tmp_path / "whole.gguf").read_bytes())
    header = data.index(b"blk.0.attn_norm") + 4000  # metadata and entries: what opening reads
    data[at % header] ^= change
    (tmp_path / "m.gguf").write_bytes(data)
    with suppress(ExportError):  # anything else is a bug
        checkpoint = open_checkpoint(tmp_path / "m.gguf")
        describe(checkpoint.config, checkpoint.shapes)
        checkpoint.tokenizer  # noqa: B018  # the property is what reads


def test_an_architecture_without_names_is_refused(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf", LLAMA, architecture="mamba")
    with pytest.raises(UnsupportedArchitecture, match="'mamba'"):
        open_checkpoint(tmp_path / "m.gguf")
