from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_agent.errors import UsageError
from edgeslm_exporters.architectures import describe
from edgeslm_exporters.calibrate import CHECK_ROWS, TOKENS, calibrate, windows
from support.checkpoints import CASES
from support.tiny import converted, tiny_case, tiny_checkpoint, weights_of

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.quantize.inputs import Inputs
    from support.checkpoints import Case

TEXTS = [[int(token) for token in np.random.default_rng(7).integers(3, 97, count)] for count in (64, 40, 200)]


def calibrated(checkpoint: Checkpoint, workspace: Path, done: list[int] | None = None) -> dict[str, Inputs]:
    workspace.mkdir()
    spec = describe(checkpoint.config, checkpoint.shapes)
    advance = (lambda _by: None) if done is None else done.append
    return calibrate(checkpoint, spec, TEXTS, workspace, threads=1, advance=advance)


def test_the_first_product_reads_the_normed_embeddings(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c")
    weights = weights_of(checkpoint)
    found = calibrated(checkpoint, tmp_path / "w")["layers.0.qkv"]
    pieces = windows(TEXTS, 128)
    seen = np.concatenate([weights["model.embed_tokens.weight"][list(p[: len(p) - len(p) // 8])] for p in pieces])
    seen = seen / np.sqrt((seen**2).mean(-1, keepdims=True) + 1e-5) * weights["model.layers.0.input_layernorm.weight"]
    assert np.allclose(found.moments, seen.T @ seen / len(seen), atol=1e-4)
    assert np.allclose(found.magnitudes, np.abs(seen).mean(0), atol=1e-4)
    held_out = np.concatenate([weights["model.embed_tokens.weight"][list(p[len(p) - len(p) // 8 :])] for p in pieces])
    held_out = held_out / np.sqrt((held_out**2).mean(-1, keepdims=True) + 1e-5)
    held_out *= weights["model.layers.0.input_layernorm.weight"]
    assert np.allclose(found.checks, held_out, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_product_of_every_family_is_seen(tmp_path: Path, case: Case) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c", case)
    spec = describe(checkpoint.config, checkpoint.shapes)
    texts = [[token % spec.vocab for token in text] for text in TEXTS]
    (tmp_path / "w").mkdir()
    found = calibrate(checkpoint, spec, texts, tmp_path / "w", threads=1, advance=lambda _by: None)
    head = spec.embedding if spec.tied else spec.head
    wanted = {projection.name: projection.columns for projection in (*spec.projections(), head)}
    assert {name: len(inputs.magnitudes) for name, inputs in found.items()} == wanted
    assert all(np.isfinite(inputs.moments).all() for inputs in found.values())


def test_products_that_read_the_same_share_what_was_seen(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c")
    found = calibrated(checkpoint, tmp_path / "w")
    assert len(list((tmp_path / "w").glob("*.moments"))) == len({id(inputs) for inputs in found.values()})


def test_long_texts_are_cut_and_bounded() -> None:
    pieces = windows([range(10 * TOKENS)], 64)
    assert {len(piece) for piece in pieces} == {64}
    assert sum(map(len, pieces)) == TOKENS


def test_the_rows_held_out_are_bounded(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c", tiny_case(max_position_embeddings=16))
    (tmp_path / "w").mkdir()
    spec = describe(checkpoint.config, checkpoint.shapes)
    text = [int(token) for token in np.random.default_rng(1).integers(3, 97, 16 * 700)]
    found = calibrate(checkpoint, spec, [text], tmp_path / "w", threads=1, advance=lambda _by: None)
    assert len(found["layers.1.down"].checks) == CHECK_ROWS


@pytest.mark.parametrize("texts", [[], [[1, 2, 3]]])
def test_a_text_too_short_is_refused(texts: list[list[int]]) -> None:
    with pytest.raises(UsageError, match="too short"):
        windows(texts, 256)


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["search", "hqq", "awq", "gptq", "rot", "rotgptq"])
def test_a_calibrated_conversion_repeats_to_the_byte_and_leaves_nothing_behind(tmp_path: Path, algorithm: str) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "c")
    plain = converted(checkpoint, "wi4b32-afp32", tmp_path / "plain")
    first, second = (
        converted(checkpoint, f"wi4b32-afp32-{algorithm}", tmp_path / name, calibration=TEXTS)
        for name in ("one", "two")
    )
    assert first.files == second.files
    assert first.files != plain.files
    assert first.layout.weights_bytes == plain.layout.weights_bytes
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["artifacts"]


def test_a_calibrated_recipe_needs_a_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="calibration text is too short"):
        converted(tiny_checkpoint(tmp_path / "c"), "wi4b32-afp32-gptq", tmp_path / "out")
