"""A file that litert-torch made becomes a bundle, and answers as our own export of the same checkpoint."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np
import pytest

from edgeslm.adopt import adopt
from edgeslm.cli.main import main
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.session import Session
from edgeslm_agent.errors import BadCheckpoint, Corrupt, Incompatible, UsageError
from edgeslm_exporters.checkpoint import open_checkpoint
from support.foreign_files import CONTEXT, FOLDER, foreign_checkpoint
from support.tflite_files import generated_model, opened, scored, written

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FILE, PACKED = FOLDER / "model.tflite", FOLDER / "model.litertlm"
IDS = [(7919 * (place + 1)) % 96 for place in range(140)]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return foreign_checkpoint(tmp_path / "checkpoint")


def our_logits(checkpoint: Path, out: Path) -> NDArray[np.float32]:
    """Return what our own export says of IDS in fp32."""
    artifact = written(open_checkpoint(checkpoint), "fp32", out, CONTEXT)
    runtime = opened(out / artifact.decoder.graph, artifact.decoder)
    logits = scored(runtime, IDS)
    runtime.close()
    return logits


def test_a_tflite_answers_as_our_export_of_its_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    ours = our_logits(checkpoint, tmp_path / "ours")
    bundle = adopt(FILE, tokenizer=checkpoint, out=tmp_path / "bundle")
    with Session.open(open_bundle(bundle.path), threads=1) as session:
        np.testing.assert_allclose(session.score(IDS), ours, atol=1e-3)
        answer = session.complete(IDS[:133], Generation(max_tokens=1, ignore_stop=True))  # a chunk of 128 and steps
    assert answer.token_ids == (int(ours[132].argmax()),)


def test_a_litertlm_brings_its_own_words(checkpoint: Path, tmp_path: Path) -> None:
    ours = our_logits(checkpoint, tmp_path / "ours")
    bundle = adopt(PACKED, out=tmp_path / "bundle")
    manifest = bundle.manifest
    assert (manifest.bos_token_id, manifest.stop_token_ids, manifest.context) == (1, (2,), CONTEXT)
    assert (manifest.variant, manifest.recipe) == ("model_foreign_tflite_160", "foreign")
    with Session.open(bundle, threads=1) as session:
        assert session.encode("w5 w6") == [1, 5, 6]
        talk = [
            {"role": "user", "content": "w5"},
            {"role": "assistant", "content": "w6"},
            {"role": "user", "content": "w7"},
        ]
        assert session.encode_prompt(talk) == [1, 5, 6, 2, 7]
        agreeing = session.score(IDS).argmax(1) == ours.argmax(1)
    assert agreeing.mean() > 0.9, "int8 against fp32"


def test_the_same_file_gives_the_same_bundle(tmp_path: Path) -> None:
    first, second = (adopt(PACKED, out=tmp_path / name) for name in ("one", "two"))
    assert first.bundle_id == second.bundle_id
    with pytest.raises(UsageError, match="holds another bundle"):
        adopt(FILE, tokenizer=foreign_checkpoint(tmp_path / "checkpoint"), out=tmp_path / "one")


def mixed_up(model: Any) -> None:  # noqa: ANN401  # generated code without types
    """Let the prefill signature write the keys of one layer into the cache of the other."""
    signature = next(entry for entry in model.signatureDefs if entry.signatureKey == b"prefill_128")
    for side in (signature.inputs, signature.outputs):
        found = {item.name: item for item in side}
        found[b"kv_cache_k_0"].name, found[b"kv_cache_k_1"].name = b"kv_cache_k_1", b"kv_cache_k_0"


def test_a_prefill_that_disagrees_with_the_steps_is_not_adopted(checkpoint: Path, tmp_path: Path) -> None:
    model = generated_model(FILE.read_bytes())
    mixed_up(model)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    (tmp_path / "wrong.tflite").write_bytes(bytes(builder.Output()))
    with pytest.raises(Incompatible, match="self-test failed"):
        adopt(tmp_path / "wrong.tflite", tokenizer=checkpoint, out=tmp_path / "bundle")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "wrong.tflite"]


def test_bad_input_is_named(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no tokenizer"):
        adopt(FILE, out=tmp_path / "bundle")
    with pytest.raises(UsageError, match="there is no file"):
        adopt(tmp_path / "absent.tflite", tokenizer=checkpoint)
    (tmp_path / "cut.litertlm").write_bytes(PACKED.read_bytes()[:70000])
    with pytest.raises(Corrupt, match="cut off"):
        adopt(tmp_path / "cut.litertlm", out=tmp_path / "bundle")
    shutil.copyfile(PACKED, tmp_path / "renamed.tflite")
    with pytest.raises(Corrupt, match="is not a"):
        adopt(tmp_path / "renamed.tflite", tokenizer=checkpoint, out=tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("content", [b"{}", b"no json"])
def test_a_spoilt_tokenizer_is_named(content: bytes, tmp_path: Path, checkpoint: Path) -> None:
    (checkpoint / "tokenizer.json").write_bytes(content)
    with pytest.raises(BadCheckpoint, match="is not a tokenizer"):
        adopt(FILE, tokenizer=checkpoint, out=tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_the_verb_says_where_the_bundle_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adopt", str(PACKED), "-o", str(tmp_path / "bundle"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == "edgeslm.adopt/1"
    assert said["id"] == open_bundle(said["path"]).bundle_id
    assert main(["adopt", str(FILE)]) == 2
    assert "--tokenizer" in capsys.readouterr().err
