from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm import pack
from edgeslm_agent.bundle import Bundle, open_bundle
from edgeslm_agent.errors import Corrupt, EnvironmentProblem, UsageError
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.export import convert
from edgeslm_exporters.recipe import parse_recipe
from support.checkpoints import CASES, build_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_checkpoint(CASES[0], tmp_path_factory.mktemp("checkpoint"))


def build(folder: Path, out: Path, recipe: str = "wi4b32-afp32", *, force: bool = False, genai: bool = False) -> Bundle:
    checkpoint = open_checkpoint(folder)
    with pack.staging(out) as staged:
        artifact = convert(checkpoint, parse_recipe(recipe), 64, staged, genai=genai)
        return pack.publish(pack.seal(staged, checkpoint, "folder:tiny", artifact, "tiny"), out, force=force)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_opens_verified_and_nothing_else_is_left(folder: Path, tmp_path: Path) -> None:
    bundle = build(folder, tmp_path / "b")
    assert open_bundle(tmp_path / "b").bundle_id == bundle.bundle_id
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert bundle.manifest.probe.top_tokens


def test_equal_inputs_give_equal_bytes(folder: Path, tmp_path: Path) -> None:
    build(folder, tmp_path / "a")
    build(folder, tmp_path / "b")
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_what_onnxruntime_genai_reads_is_listed_and_verified_like_the_rest(folder: Path, tmp_path: Path) -> None:
    plain = build(folder, tmp_path / "plain")
    bundle = build(folder, tmp_path / "b", genai=True)
    assert open_bundle(tmp_path / "b").bundle_id == bundle.bundle_id != plain.bundle_id
    assert bundle.weights_bytes == plain.weights_bytes
    for name in ("genai.onnx", "genai_config.json"):
        file = tmp_path / "b" / "artifacts" / name
        kept = file.read_bytes()
        file.write_bytes(kept[:-1] + b"?")
        with pytest.raises(Corrupt, match=name):
            open_bundle(tmp_path / "b")
        file.write_bytes(kept)


def test_the_same_bundle_may_be_written_again_another_only_by_force(folder: Path, tmp_path: Path) -> None:
    first = build(folder, tmp_path / "b")
    build(folder, tmp_path / "b")
    with pytest.raises(UsageError, match="another bundle"):
        build(folder, tmp_path / "b", "wi8-afp32")
    assert open_bundle(tmp_path / "b").bundle_id == first.bundle_id
    second = build(folder, tmp_path / "b", "wi8-afp32", force=True)
    assert open_bundle(tmp_path / "b").bundle_id == second.bundle_id != first.bundle_id
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_folder_that_is_not_a_bundle_is_never_removed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not a bundle"):
        build(folder, tmp_path / "b", force=True)
    assert (tmp_path / "b" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError, MemoryError])
def test_an_interruption_leaves_nothing(tmp_path: Path, interruption: type[BaseException]) -> None:
    def interrupted() -> None:
        with pack.staging(tmp_path / "b") as staged:
            (staged / "half").write_bytes(b"written")
            raise interruption

    with pytest.raises(interruption):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_environment_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(EnvironmentProblem), pack.staging(tmp_path / "file" / "b"):
        pass


def test_the_manifest_does_not_depend_on_where_the_checkpoint_lies(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "x" / folder.name
    shutil.copytree(folder, elsewhere)
    one, two = build(folder, tmp_path / "a"), build(elsewhere, tmp_path / "b")
    assert one.manifest == two.manifest


def test_a_probe_is_the_first_prompt_with_a_clear_answer_and_later_ones_are_not_asked() -> None:
    prompts, asked = [(1,), (2,), (3,)], []

    def answers() -> Iterator[NDArray[np.float32]]:
        for logits in ([0.0, 1.0, 0.9], [2.0, 0.0, 1.0], [0.0, 0.0, 5.0]):
            asked.append(logits)
            yield np.array(logits, np.float32)

    probe = pack.best_probe(prompts, answers())
    assert (probe.token_ids, probe.top_tokens) == ((2,), (0, 2))
    assert len(asked) == 2


def test_where_every_answer_is_in_doubt_the_first_prompt_is_the_probe() -> None:
    doubtful = [np.array(logits, np.float32) for logits in ([0.0, 1.0, 0.9], [0.9, 0.0, 1.0])]
    probe = pack.best_probe([(1,), (2,)], doubtful)
    assert (probe.token_ids, probe.top_tokens) == ((1,), (1,))
