"""An encoder in integers: its floats are the model's, its codes nearly so, and it says what an accelerator takes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_agent.contract.manifest import EncoderShape
from edgeslm_agent.engine.runtime.litert_encoder import LitertEncoder
from edgeslm_agent.errors import BadCheckpoint, Corrupt, Incompatible, UnsupportedArchitecture, UnsupportedOperator
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.encoder.integer.divisors import LARGEST_STEP, divisors
from edgeslm_exporters.encoder.integer.file import integer_file
from edgeslm_exporters.encoder.integer.floats import compute
from edgeslm_exporters.encoder.integer.flow import IDS, MASK, IntegerEncoder
from edgeslm_exporters.encoder.integer.parts import read_parts
from edgeslm_exporters.encoder.integer.ranges import observe, rounding
from edgeslm_exporters.encoder.spec import describe_encoder
from edgeslm_exporters.tflite.placement import placed
from edgeslm_exporters.tflite.schema import Op
from support import tiny_bert
from support.tiny_bert import HIDDEN, LABELS, LOUD, VOCABULARY, label_scores, states, tensors, write_bert

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_exporters.encoder.spec import EncoderSpec

LENGTH = 24
RANDOM = np.random.default_rng(8)
TEXTS = [RANDOM.integers(3, VOCABULARY, RANDOM.integers(4, LENGTH)).tolist() for _ in range(60)]
SEEN, UNSEEN = TEXTS[:40], TEXTS[40:]


def opened(folder: Path, task: str = "embed") -> tuple[IntegerEncoder, EncoderSpec]:
    checkpoint = open_checkpoint(str(write_bert(folder, task)))
    spec = describe_encoder(checkpoint)
    return IntegerEncoder(read_parts(checkpoint, spec, LENGTH), spec, {}), spec


def written(plain: IntegerEncoder, file: Path, *, per_channel: bool = True) -> bytes:
    encoder = IntegerEncoder(plain.parts, plain.spec, divisors(plain, SEEN))
    data = integer_file(encoder.graph(LENGTH), observe(encoder, SEEN), per_channel=per_channel)
    file.write_bytes(data)
    return data


def shape_of(spec: EncoderSpec) -> EncoderShape:
    width = HIDDEN if spec.task == "embed" else LABELS
    pooling = spec.modules.pooling
    return EncoderShape("g", spec.task, (IDS, MASK), width, spec.vocab, spec.sizes, pooling, False, spec.labels)


def loaded(file: Path, spec: EncoderSpec) -> LitertEncoder:
    return LitertEncoder(file, shape_of(spec), min_version="2.2.0", threads=1)


def cosine(left: np.ndarray, right: np.ndarray) -> float:
    return float(left @ right / np.linalg.norm(left) / np.linalg.norm(right))


def test_the_floats_are_those_of_the_model_whatever_is_divided(tmp_path: Path) -> None:
    plain, _ = opened(tmp_path / "m")
    divided = IntegerEncoder(plain.parts, plain.spec, divisors(plain, SEEN))
    for ids in UNSEEN[:5]:
        expected = states(ids, tensors()).mean(axis=0)
        row = np.array([ids], np.int32)
        for encoder in (plain, divided):
            found = compute(encoder.graph(len(ids)), {IDS: row, MASK: np.ones(row.shape, np.float32)})[-1][0]
            np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize(("per_channel", "least"), [(True, 0.99), (False, 0.985)])
def test_the_file_embeds_nearly_as_the_floats_of_texts_of_any_length(
    tmp_path: Path, per_channel: bool, least: float
) -> None:
    plain, spec = opened(tmp_path / "m")
    written(plain, tmp_path / "f.tflite", per_channel=per_channel)
    runtime = loaded(tmp_path / "f.tflite", spec)
    cosines = [cosine(runtime.run(ids), states(ids, tensors()).mean(axis=0)) for ids in UNSEEN]
    assert min(cosines) > least
    assert runtime.run(UNSEEN[0]).tolist() == runtime.run(UNSEEN[0]).tolist()
    runtime.close()


def test_the_file_classifies_as_the_floats(tmp_path: Path) -> None:
    plain, spec = opened(tmp_path / "m", "classify")
    written(plain, tmp_path / "f.tflite")
    runtime = loaded(tmp_path / "f.tflite", spec)
    for ids in UNSEEN:
        np.testing.assert_allclose(runtime.run(ids), label_scores(ids, tensors()), atol=0.06)


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    plain, _ = opened(tmp_path / "m")
    digests = {hashlib.sha256(written(plain, tmp_path / f"{turn}.tflite")).hexdigest() for turn in range(2)}
    assert len(digests) == 1


def test_a_loud_channel_is_divided_by_a_whole_number_whose_square_int8_holds(tmp_path: Path) -> None:
    plain, _ = opened(tmp_path / "m")
    steps = divisors(plain, SEEN)["layer0.fed.sum"]
    assert steps[LOUD] == steps.max() > 1
    assert (steps == np.rint(steps)).all()
    assert LARGEST_STEP**2 <= 127


def test_everything_between_the_table_and_the_pooling_is_int8(tmp_path: Path) -> None:
    plain, _ = opened(tmp_path / "m")
    written(plain, tmp_path / "f.tflite")
    found = placed(tmp_path / "f.tflite", {op.name for op in Op}, one_partition=False)
    assert found.share > 0.95  # the float ends are a hundredth of the work of so small a model
    assert found.left["EMBEDDING_LOOKUP"] == 1
    assert "SOFTMAX" not in found.left
    assert "GELU" not in found.left


def test_an_operator_off_the_list_stays_on_the_cpu_and_ends_the_one_partition(tmp_path: Path) -> None:
    plain, _ = opened(tmp_path / "m")
    written(plain, tmp_path / "f.tflite")
    known = {op.name for op in Op} - {"BATCH_MATMUL"}
    several = placed(tmp_path / "f.tflite", known, one_partition=False)
    one = placed(tmp_path / "f.tflite", known, one_partition=True)
    assert several.left["BATCH_MATMUL"] == 2 * tiny_bert.LAYERS + 2  # two more pool, in floats
    assert one.taken + sum(one.left.values()) == one.total == several.total
    assert 0 < one.share < several.share < 1
    assert placed(tmp_path / "f.tflite", set(), one_partition=True).taken == 0


@pytest.mark.parametrize("low_high", [(-3.0, 5.0), (0.0, 255 / 256), (-1.0, 127 / 128), (2.0, 6.0), (0.0, 0.0)])
def test_a_range_holds_zero_exactly_and_its_ends_nearly(low_high: tuple[float, float]) -> None:
    found = rounding(*low_high)
    assert -128 <= found.zero <= 127
    for value in (min(0.0, low_high[0]), 0.0, max(0.0, low_high[1])):
        code = np.clip(round(value / found.scale) + found.zero, -128, 127)
        assert abs((code - found.zero) * found.scale - value) <= found.scale * 1.01


def test_ranges_that_kernels_fix_are_theirs() -> None:
    assert rounding(0.0, 255 / 256) == replace(rounding(0, 1), scale=1 / 256, zero=-128)
    assert rounding(-1.0, 127 / 128) == replace(rounding(0, 1), scale=1 / 128, zero=0)


def test_what_has_no_form_is_refused_by_name(tmp_path: Path) -> None:
    mpnet = open_checkpoint(str(write_bert(tmp_path / "m", family="mpnet")))
    with pytest.raises(UnsupportedArchitecture, match="mpnet is not written in integers"):
        read_parts(mpnet, describe_encoder(mpnet), LENGTH)
    silu = open_checkpoint(str(write_bert(tmp_path / "s", hidden_act="silu")))
    with pytest.raises(UnsupportedOperator, match="silu"):
        read_parts(silu, describe_encoder(silu), LENGTH)
    plain, spec = opened(tmp_path / "p")
    with pytest.raises(UnsupportedOperator, match="pooling by max"):
        IntegerEncoder(plain.parts, replace(spec, modules=replace(spec.modules, pooling="max")), {})
    deeper = open_checkpoint(str(write_bert(tmp_path / "d", num_hidden_layers=3)))
    with pytest.raises(BadCheckpoint, match=r"encoder\.layer\.2"):
        read_parts(deeper, describe_encoder(deeper), LENGTH)


def test_a_file_that_is_not_the_manifests_is_refused(tmp_path: Path) -> None:
    plain, spec = opened(tmp_path / "m")
    data = written(plain, tmp_path / "f.tflite")
    shape = shape_of(spec)
    for wrong in (replace(shape, width=5), replace(shape, task="classify"), replace(shape, inputs=(IDS,))):
        with pytest.raises(Incompatible, match="the file"):
            LitertEncoder(tmp_path / "f.tflite", wrong, min_version="2.2.0", threads=1)
    runtime = loaded(tmp_path / "f.tflite", spec)
    with pytest.raises(Incompatible, match="25 tokens"):
        runtime.run([5] * (LENGTH + 1))
    (tmp_path / "cut.tflite").write_bytes(data[: len(data) // 2])
    with pytest.raises(Corrupt):
        loaded(tmp_path / "cut.tflite", spec)
