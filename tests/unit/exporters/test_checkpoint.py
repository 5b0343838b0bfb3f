from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_agent.errors import BadCheckpoint, MissingExtra, UsageError
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.quantized_rows import Blocks
from support.checkpoints import build_checkpoint, case_named
from support.hf_layout import write_safetensors
from support.tiny import tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

SHARDED = case_named("llama-untied-bf16-sharded")


def test_a_folder_is_named_after_itself_and_has_no_revision(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "my-model")
    assert (checkpoint.name, checkpoint.revision) == ("my-model", "")
    assert checkpoint.config["model_type"] == "llama"


def test_shards_together_hold_every_tensor(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(build_checkpoint(SHARDED, tmp_path / "c"))
    assert len([file for file in checkpoint.list_files() if file.suffix == ".safetensors"]) == 3
    assert {"model.norm.weight", "lm_head.weight"} <= checkpoint.shapes.keys()


def test_the_digest_follows_the_content_and_not_the_place(tmp_path: Path) -> None:
    one, two = (tiny_checkpoint(tmp_path / name) for name in ("one", "two"))
    assert one.digest() == two.digest()
    (tmp_path / "two" / "config.json").write_text(json.dumps({**two.config, "extra": 1}))
    assert open_checkpoint(tmp_path / "two").digest() != one.digest()


def test_a_changed_weight_changes_the_digest(tmp_path: Path) -> None:
    before = tiny_checkpoint(tmp_path / "c").digest()
    file = tmp_path / "c" / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert open_checkpoint(tmp_path / "c").digest() != before


def test_not_a_folder_and_not_a_hub_id_is_a_usage_error(tmp_path: Path) -> None:
    for source in ("nonsense", "a/b/c", "./missing", "owner/missing.gguf", tmp_path / "missing"):
        with pytest.raises(UsageError, match=r"neither a folder, nor a \.gguf file, nor a hub id"):
            open_checkpoint(source)


def test_a_hub_id_without_the_hub_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(MissingExtra) as raised:
        open_checkpoint("owner/name")
    assert "edgeslm[export]" in raised.value.hint


def test_opening_a_folder_does_not_import_the_hub_library(tmp_path: Path) -> None:
    loaded = "huggingface_hub" in sys.modules
    tiny_checkpoint(tmp_path / "c")
    assert ("huggingface_hub" in sys.modules) == loaded


def test_missing_weights_are_named(tmp_path: Path) -> None:
    folder = build_checkpoint(tiny_case(), tmp_path / "c")
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadCheckpoint, match=r"neither model\.safetensors nor model\.safetensors\.index\.json"):
        open_checkpoint(folder)


def test_missing_config_is_named(tmp_path: Path) -> None:
    folder = build_checkpoint(tiny_case(), tmp_path / "c")
    (folder / "config.json").unlink()
    with pytest.raises(BadCheckpoint, match=r"has no config\.json"):
        open_checkpoint(folder)


def test_missing_tokenizer_is_named_when_it_is_asked_for(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c")
    (tmp_path / "c" / "tokenizer.json").unlink()
    with pytest.raises(BadCheckpoint, match=r"has no tokenizer\.json"):
        checkpoint.tokenizer_json  # noqa: B018  # the property is what raises


def test_a_tokenizer_that_is_none_is_refused(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c")
    (tmp_path / "c" / "tokenizer.json").write_text('{"model": {}}')
    with pytest.raises(BadCheckpoint, match="is not a tokenizer"):
        checkpoint.tokenizer  # noqa: B018  # the property is what raises


def test_an_index_naming_missing_shards_names_them_all(tmp_path: Path) -> None:
    folder = build_checkpoint(SHARDED, tmp_path / "c")
    shards = sorted(folder.glob("*.safetensors"))
    for shard in shards[1:]:
        shard.unlink()
    with pytest.raises(BadCheckpoint) as raised:
        open_checkpoint(folder)
    assert all(shard.name in raised.value.message for shard in shards[1:])


def test_an_index_pointing_outside_the_folder_is_refused(tmp_path: Path) -> None:
    folder = build_checkpoint(SHARDED, tmp_path / "c")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "../secret.safetensors"}}))
    with pytest.raises(BadCheckpoint, match="outside the folder"):
        open_checkpoint(folder)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_config_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    folder = build_checkpoint(tiny_case(), tmp_path / "c")
    (folder / "config.json").write_text(text)
    with pytest.raises(BadCheckpoint, match=r"config\.json is not"):
        open_checkpoint(folder)


def test_weights_of_another_type_are_refused_by_name(tmp_path: Path) -> None:
    folder = build_checkpoint(tiny_case(), tmp_path / "c")
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes().replace(b'"F32"', b'"I32"', 1))
    checkpoint = open_checkpoint(folder)
    with pytest.raises(BadCheckpoint, match=r"model\.embed_tokens\.weight is stored as I32"):
        checkpoint.rows("model.embed_tokens.weight", 0, 1)


def test_an_infinite_weight_is_refused_with_tensor_and_rows(tmp_path: Path) -> None:
    folder = build_checkpoint(tiny_case(), tmp_path / "c")
    values = np.ones((4, 2), np.float32)
    values[3, 1] = np.inf
    write_safetensors(folder / "model.safetensors", {"bad.weight": values}, "F16")
    with pytest.raises(BadCheckpoint, match=r"bad\.weight holds NaN or infinity in rows 2 to 3"):
        open_checkpoint(folder).rows("bad.weight", 2, 4)


def test_a_checkpoint_as_published_in_floats_has_no_codes_and_no_recipe_of_its_own(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c")
    form = Blocks(4, 32, symmetric=True, per_row=False)
    assert checkpoint.quantized_rows("model.norm.weight", 0, 1, form) is None
    assert (checkpoint.own_recipe, checkpoint.notes) == (None, ())


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: apache-2.0\ntags:\n- x\n---\n# Model\n", "apache-2.0"),
        ("---\r\nlicense: 'mit'\r\n---\r\n", "mit"),
        ("---\nlicense: other\nlicense_name: llama3.2 # see the file\n---\n", "llama3.2"),
        ("---\ntags: [x]\nlicense:\n- mit\n---\n", "mit"),
        ("---\ntags: [x]\n---\nlicense: mit\n", ""),
        ("license: mit\n", ""),
    ],
)
def test_the_licence_is_what_the_model_card_says(tmp_path: Path, card: str, licence: str) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c")
    assert checkpoint.licence == ""
    (tmp_path / "c" / "README.md").write_bytes(card.encode())
    assert open_checkpoint(tmp_path / "c").licence == licence
