"""What the small files of a checkpoint become, and what is refused by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from edgeslm_agent.contract.manifest import EncoderSizes
from edgeslm_agent.errors import BadCheckpoint, EdgeSLMError, UnsupportedArchitecture, UnsupportedOperator
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.encoder.modules import Dense, Modules, with_module_files
from edgeslm_exporters.encoder.spec import describe_encoder, is_encoder
from support.hf_layout import write_safetensors
from support.traced_encoder import HIDDEN, INNER, LONGEST, VOCABULARY, weights, write_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.contract.manifest import Task
    from edgeslm_exporters.encoder.spec import EncoderSpec

POOL = ("Pooling", "1_Pooling")


def described(folder: Path) -> EncoderSpec:
    return describe_encoder(open_checkpoint(folder))


def change_config(folder: Path, **changes: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def write_side(folder: Path, name: str, document: object) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(document))


def test_plain_checkpoint_is_pooled_by_the_mean_and_not_normalised(tmp_path: Path) -> None:
    spec = described(write_checkpoint(tmp_path / "m"))
    assert spec.modules == Modules("mean", (), normalized=False)
    assert (spec.model_type, spec.task, spec.labels) == ("bert", "embed", ())
    assert spec.sizes == EncoderSizes(layers=2, hidden=HIDDEN, inner=INNER, heads=2)
    assert (spec.vocab, spec.max_tokens, spec.parameters) == (VOCABULARY, LONGEST, VOCABULARY * HIDDEN)


def test_modules_of_sentence_transformers_are_followed(tmp_path: Path) -> None:
    kinds = [("Transformer", ""), POOL, ("Dense", "2_Dense"), ("Normalize", "3_Normalize")]
    folder = write_checkpoint(tmp_path / "m", modules=kinds)
    write_side(folder, "1_Pooling/config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    write_side(folder, "2_Dense/config.json", {"activation_function": "torch.nn.modules.activation.Tanh"})
    write_safetensors(folder / "2_Dense/model.safetensors", {"linear.weight": weights().head.T.copy()}, "F32")
    write_side(folder, "sentence_bert_config.json", {"max_seq_length": 20, "do_lower_case": False})
    spec = described(folder)
    assert spec.modules == Modules("cls", (Dense("2_Dense/model.safetensors", "Tanh"),), normalized=True)
    assert spec.max_tokens == 20


def test_digest_covers_the_files_of_the_modules(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m", modules=[("Transformer", ""), POOL])
    write_side(folder, "1_Pooling/config.json", {"pooling_mode_mean_tokens": True})
    before = with_module_files(open_checkpoint(folder)).digest()
    assert with_module_files(open_checkpoint(folder)).digest() == before
    write_side(folder, "1_Pooling/config.json", {"pooling_mode_max_tokens": True})
    assert with_module_files(open_checkpoint(folder)).digest() != before


def test_newer_spelling_of_the_pooling_is_read(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m", modules=[POOL])
    write_side(folder, "1_Pooling/config.json", {"pooling_mode": "max"})
    assert described(folder).modules.pooling == "max"


@pytest.mark.parametrize(
    ("told", "expected"), [({"model_max_length": 10}, 10), ({"model_max_length": 1e30}, LONGEST), ({}, LONGEST)]
)
def test_longest_text_is_what_tokenizer_and_positions_allow(
    tmp_path: Path, told: dict[str, object], expected: int
) -> None:
    folder = write_checkpoint(tmp_path / "m")
    write_side(folder, "tokenizer_config.json", told)
    assert described(folder).max_tokens == expected


def test_positions_behind_the_padding_token_are_not_all_usable(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    change_config(folder, model_type="xlm-roberta", max_position_embeddings=514, pad_token_id=1)
    assert described(folder).max_tokens == 512


def test_classifier_has_its_labels_in_order(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m", "classify")
    change_config(folder, id2label={"2": "c", "0": "a", "1": "b"}, problem_type="multi_label_classification")
    spec = described(folder)
    assert (spec.task, spec.labels, spec.several_labels) == ("classify", ("a", "b", "c"), True)


@pytest.mark.parametrize(
    ("task", "changes", "error", "message"),
    [
        ("embed", {"architectures": ["BertForTokenClassification"]}, UnsupportedArchitecture, "ForTokenClassification"),
        ("embed", {"hidden_size": None}, BadCheckpoint, "hidden_size is missing"),
        ("classify", {"id2label": {"0": "only"}}, UnsupportedArchitecture, "one number"),
        ("classify", {"problem_type": "regression"}, UnsupportedArchitecture, "one number"),
        ("classify", {"id2label": {"0": "a", "1": "a"}}, BadCheckpoint, "different names"),
        ("classify", {"id2label": {"0": "a", "7": "b"}}, BadCheckpoint, "different names"),
    ],
)
def test_config_that_cannot_be_exported_is_refused(
    tmp_path: Path, task: Task, changes: dict[str, Any], error: type[EdgeSLMError], message: str
) -> None:
    folder = write_checkpoint(tmp_path / "m", task)
    change_config(folder, **changes)
    with pytest.raises(error, match=message):
        described(folder)


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ({"modules.json": [{"type": "x.WordWeights", "path": "1"}]}, UnsupportedOperator, "WordWeights"),
        ({"modules.json": [{"type": "x.Normalize", "path": "1"}]}, UnsupportedOperator, "no Pooling"),
        ({"modules.json": {}}, BadCheckpoint, "not a list"),
        (
            {"1_Pooling/config.json": {"pooling_mode_lasttoken": True}},
            UnsupportedOperator,
            "pooling_mode_lasttoken",
        ),
        (
            {"1_Pooling/config.json": {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}},
            UnsupportedOperator,
            "pooling_mode_cls_token, pooling_mode_mean_tokens",
        ),
        ({"sentence_bert_config.json": {"do_lower_case": True}}, UnsupportedOperator, "do_lower_case"),
        ({"config_sentence_transformers.json": {"default_prompt_name": "query"}}, UnsupportedOperator, "prompt"),
        ({"sentence_bert_config.json": []}, BadCheckpoint, "not an object"),
    ],
)
def test_module_that_has_no_form_is_refused_by_name(
    tmp_path: Path, files: dict[str, object], error: type[EdgeSLMError], message: str
) -> None:
    folder = write_checkpoint(tmp_path / "m", modules=[("Transformer", ""), POOL])
    write_side(folder, "1_Pooling/config.json", {"pooling_mode_mean_tokens": True})
    for name, document in files.items():
        write_side(folder, name, document)
    with pytest.raises(error, match=message):
        described(folder)


def test_decoders_are_not_encoders() -> None:
    assert is_encoder({"model_type": "t5"})
    assert not is_encoder({"model_type": "llama"})
    assert not is_encoder({})
