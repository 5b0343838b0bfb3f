"""A bundle is opened only when it is whole: every case names the file at fault."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from edgeslm_agent.bundle import MANIFEST_MAX_BYTES, file_digest, open_bundle
from edgeslm_agent.errors import BundleError, Corrupt, EnvironmentProblem, TooNew
from support.toy_graph import GRAPH, TOKENIZER, edit_manifest, write_toy_bundle


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_bundle(tmp_path_factory.mktemp("bundles") / "toy")


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "toy"))


def test_a_sound_bundle_opens_with_the_digest_of_its_manifest_as_id(folder: Path) -> None:
    bundle = open_bundle(folder)
    assert bundle.bundle_id == hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert bundle.bundle_id == bundle.manifest.bundle_id
    assert bundle.path == folder
    assert bundle.file(bundle.manifest.decoder.graph).is_file()


def test_its_size_is_that_of_its_files(folder: Path) -> None:
    assert open_bundle(folder).total_bytes == sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_evidence_is_no_part_of_it(folder: Path) -> None:
    before = open_bundle(folder)
    (folder / "evidence").mkdir()
    (folder / "evidence" / "anything.json").write_text("{}")
    assert open_bundle(folder) == before


def test_a_link_to_the_bundle_is_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(folder)
    assert open_bundle(tmp_path / "current").path == folder


@pytest.mark.parametrize("name", [GRAPH, TOKENIZER])
def test_a_changed_byte_is_corrupt_and_the_file_named(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(Corrupt, match=f"{name} has changed"):
        open_bundle(folder)
    assert open_bundle(folder, verify=False).path == folder


@pytest.mark.parametrize("verify", [True, False])
def test_a_missing_file_is_corrupt_and_named(folder: Path, *, verify: bool) -> None:
    (folder / GRAPH).unlink()
    with pytest.raises(Corrupt, match=f"{GRAPH} is missing"):
        open_bundle(folder, verify=verify)


@pytest.mark.parametrize("verify", [True, False])
def test_a_truncated_file_is_corrupt_and_named(folder: Path, *, verify: bool) -> None:
    os.truncate(folder / GRAPH, 10)
    with pytest.raises(Corrupt, match=f"{GRAPH} has 10 bytes"):
        open_bundle(folder, verify=verify)


@pytest.mark.parametrize("name", ["artifacts/extra.bin", "tokenizer/.hidden", "artifacts/deep/er.bin"])
def test_a_file_that_nobody_listed_is_corrupt_and_named(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")
    with pytest.raises(Corrupt, match=f"{name} is in the bundle but not"):
        open_bundle(folder)


@pytest.mark.parametrize(
    "path",
    [
        "../outside",
        "artifacts/../../outside",
        "/etc/passwd",
        "artifacts/./x",
        "artifacts//x",
        "artifacts/",
        "artifacts",
        "manifest.json",
        "evidence/x.json",
        "artifacts\\x",
        "artifacts/x\0y",
        "",
    ],
)
def test_a_listed_path_that_is_not_plainly_inside_is_refused(folder: Path, path: str) -> None:
    (folder.parent / "outside").write_bytes(b"x")
    edit_manifest(folder, files=[*_entries(folder), {"path": path, "bytes": 1, "sha256": "0" * 64}])
    with pytest.raises(Corrupt, match="not a path inside"):
        open_bundle(folder)


def test_a_link_that_leads_out_is_refused_even_when_the_content_is_right(folder: Path, tmp_path: Path) -> None:
    shutil.move(folder / GRAPH, tmp_path / "elsewhere.onnx")
    (folder / GRAPH).symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(Corrupt, match="leads out of the bundle"):
        open_bundle(folder)


def test_a_folder_that_is_a_link_leading_out_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.move(folder / "artifacts", tmp_path / "elsewhere")
    (folder / "artifacts").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Corrupt, match="leads out of the bundle"):
        open_bundle(folder)


def test_a_linked_folder_that_nobody_listed_is_corrupt(folder: Path) -> None:
    (folder / "artifacts" / "more").symlink_to(folder.parent)
    with pytest.raises(Corrupt, match="artifacts/more is in the bundle but not"):
        open_bundle(folder)


def test_a_link_in_a_circle_is_corrupt_and_not_a_crash(folder: Path) -> None:
    (folder / GRAPH).unlink()
    (folder / GRAPH).symlink_to("model.onnx")
    with pytest.raises((Corrupt, EnvironmentProblem)):
        open_bundle(folder)


def test_a_folder_or_a_pipe_in_the_place_of_a_file_is_corrupt(folder: Path) -> None:
    (folder / GRAPH).unlink()
    os.mkfifo(folder / GRAPH)
    with pytest.raises(Corrupt, match="not a regular file"):
        open_bundle(folder)
    (folder / GRAPH).unlink()
    (folder / GRAPH).mkdir()
    with pytest.raises(Corrupt, match="not a regular file"):
        open_bundle(folder)


def test_a_file_listed_twice_is_corrupt(folder: Path) -> None:
    edit_manifest(folder, files=_entries(folder) * 2)
    with pytest.raises(Corrupt, match="lists a file twice"):
        open_bundle(folder)


def test_a_graph_or_a_tokenizer_that_is_not_listed_is_corrupt(folder: Path) -> None:
    edit_manifest(folder, files=[entry for entry in _entries(folder) if entry["path"] != TOKENIZER])
    with pytest.raises(Corrupt, match=f"does not list {TOKENIZER}"):
        open_bundle(folder)


def test_a_later_format_is_too_new(folder: Path) -> None:
    edit_manifest(folder, format_version=99)
    with pytest.raises(TooNew):
        open_bundle(folder)


def test_a_manifest_without_end_is_not_read_whole(folder: Path) -> None:
    os.truncate(folder / "manifest.json", MANIFEST_MAX_BYTES + 1)
    with pytest.raises(Corrupt, match="larger than"):
        open_bundle(folder)


def test_a_folder_that_is_no_bundle_is_said_to_be_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(BundleError, match="is not a bundle"):
            open_bundle(path)


def test_a_file_that_may_not_be_read_is_a_problem_of_the_machine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: Path) -> str:  # taking the permission away would not stop a test that runs as root
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr("edgeslm_agent.bundle.file_digest", refuse)
    with pytest.raises(EnvironmentProblem, match=GRAPH):
        open_bundle(folder)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_a_digest_by_blocks_is_the_digest(tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    (tmp_path / "data").write_bytes(data)
    assert file_digest(tmp_path / "data") == hashlib.sha256(data).hexdigest()


def _entries(folder: Path) -> list[dict[str, object]]:
    return [
        {"path": entry.path, "bytes": entry.bytes, "sha256": entry.sha256}
        for entry in open_bundle(folder).manifest.files
    ]
