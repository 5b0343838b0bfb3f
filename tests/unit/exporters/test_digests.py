"""Digests begun early are those of the files as they are when somebody asks."""

from __future__ import annotations

import hashlib
from mmap import ALLOCATIONGRANULARITY
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_exporters import digests

if TYPE_CHECKING:
    from pathlib import Path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("begun", [True, False])
def test_a_digest_is_the_same_whether_begun_or_not(begun: bool, tmp_path: Path) -> None:
    contents = {"a.safetensors": b"first" * 1000, "b.safetensors": b"", "config.json": b"{}"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    for _ in range(2 * begun):  # a second time begins nothing
        digests.begin(str(tmp_path))
    for name, content in contents.items():
        assert digests.digest_of(tmp_path / name) == sha256(content)


def test_a_file_that_changed_since_is_hashed_again(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"before")
    digests.begin(str(file))
    assert digests.digest_of(file) == sha256(b"before")
    file.write_bytes(b"after, and longer")
    assert digests.digest_of(file) == sha256(b"after, and longer")


@pytest.mark.parametrize("source", ["", "no such folder", "owner/name@revision"])
def test_what_is_no_checkpoint_here_is_nothing_to_do(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    digests.begin(source)


def test_a_file_that_cannot_be_read_is_an_error_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"weights")

    def refused(_stream: object) -> str:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(digests, "_digest", refused)
    digests.begin(str(tmp_path))
    with pytest.raises(PermissionError):
        digests.digest_of(file)


@pytest.mark.parametrize("size", [0, 1, ALLOCATIONGRANULARITY, 3 * ALLOCATIONGRANULARITY + 5])
def test_a_file_of_several_windows_has_one_digest(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "WINDOW_BYTES", ALLOCATIONGRANULARITY)
    data = np.random.default_rng(size).bytes(size)
    (tmp_path / "model.safetensors").write_bytes(data)
    assert digests.digest_of(tmp_path / "model.safetensors") == sha256(data)


def test_a_file_that_cannot_be_opened_is_an_error_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"weights")

    def refused(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(file), "open", refused)
    digests.begin(str(file))
    with pytest.raises(PermissionError):
        digests.digest_of(file)
