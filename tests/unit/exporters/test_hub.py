from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_agent.errors import BadCheckpoint, Unreachable, UsageError
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.hub import HubFolder
from simulators.hub import COMMIT, Hub, Repository, running
from support.checkpoints import build_checkpoint, case_named
from support.tiny import converted, tiny_case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "owner/tiny"
SHARDED = case_named("llama-untied-bf16-sharded")
WEIGHTS = "model.safetensors"

pytestmark = pytest.mark.slow  # servers and downloads


def tell(monkeypatch: pytest.MonkeyPatch, **environment: str) -> None:
    """Set variables and have the library imported anew: it reads them then."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in [name for name in sys.modules if name.partition(".")[0] == "huggingface_hub"]:
        monkeypatch.delitem(sys.modules, name)
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)  # what is written, and kept, at a time


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a tiny checkpoint as owner/tiny, a sharded one as owner/shards, a gated one; an empty cache looks there."""
    tiny = Repository.of_folder(build_checkpoint(tiny_case(), tmp_path / "tiny"))
    tiny.files |= {"README.md": b"---\nlicense: mit\n---\n", "pytorch_model.bin": b"no", "onnx.onnx": b"no"}
    shards = Repository.of_folder(build_checkpoint(SHARDED, tmp_path / "shards"))
    repositories = {NAME: tiny, "owner/shards": shards, "owner/gated": Repository({}, gated=True)}
    monkeypatch.setattr("time.sleep", lambda _seconds: None)  # the library waits before it tries again
    with running(Hub(repositories)) as served:
        tell(monkeypatch, HF_ENDPOINT=served.url, HF_HUB_CACHE=str(tmp_path / "cache"), HF_HUB_OFFLINE="0")
        yield served


def test_opening_reads_headers_and_fetches_no_weights(hub: Hub) -> None:
    checkpoint = open_checkpoint(NAME)
    assert (checkpoint.name, checkpoint.revision, checkpoint.licence) == ("tiny", COMMIT, "mit")
    assert checkpoint.shapes["lm_head.weight"] == (97, 64)
    asked = hub.asked(WEIGHTS)
    assert [request.range for request in asked] == ["bytes=0-100000"]


def test_a_header_longer_than_the_first_request_is_read_whole(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    file = hub.repositories[NAME].files[WEIGHTS]
    length = int.from_bytes(file[:8], "little") + 200_000
    padded = (
        length.to_bytes(8, "little") + file[8 : length - 200_000 + 8] + b" " * 200_000 + file[length - 200_000 + 8 :]
    )
    monkeypatch.setitem(hub.repositories[NAME].files, WEIGHTS, padded)
    assert open_checkpoint(NAME).rows("model.norm.weight", 0, 1).shape == (1, 64)


def test_an_export_is_that_of_the_folder_and_fetches_what_it_needs(hub: Hub, tmp_path: Path) -> None:
    converted(open_checkpoint(NAME), "wi4b32-afp32", tmp_path / "out")
    converted(open_checkpoint(tmp_path / "tiny"), "wi4b32-afp32", tmp_path / "local")
    graph = "artifacts/model.onnx.data"
    assert (tmp_path / "out" / graph).read_bytes() == (tmp_path / "local" / graph).read_bytes()
    assert open_checkpoint(NAME).digest() == open_checkpoint(tmp_path / "tiny").digest()
    assert {request.file for request in hub.requests} & {"pytorch_model.bin", "onnx.onnx"} == set()


def test_only_the_shards_that_are_read_are_fetched(hub: Hub) -> None:
    checkpoint = open_checkpoint("owner/shards")
    checkpoint.rows("model.embed_tokens.weight", 0, 2)
    whole = [request.file for request in hub.requests if request.method == "GET" and request.range is None]
    assert [file for file in whole if file.endswith(".safetensors")] == ["model-00001-of-00003.safetensors"]


@pytest.mark.parametrize("revision", ["v1.0", COMMIT])
def test_a_revision_stands_for_its_commit(hub: Hub, revision: str) -> None:
    assert open_checkpoint(f"{NAME}@{revision}").revision == COMMIT
    assert hub.requests


def test_a_download_that_broke_off_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    hub.broken_after[WEIGHTS] = 20_000
    with pytest.raises(Unreachable, match="fetching 'owner/tiny' failed") as raised:
        open_checkpoint(NAME).rows("model.norm.weight", 0, 1)
    assert "what was fetched is kept" in raised.value.hint
    hub.mend()
    hub.requests.clear()
    values = open_checkpoint(NAME).rows("model.norm.weight", 0, 1)
    assert (values == open_checkpoint(tmp_path / "tiny").rows("model.norm.weight", 0, 1)).all()
    assert "bytes=20000-" in [request.range for request in hub.asked(WEIGHTS)]


def test_bytes_that_are_not_what_the_hub_announced_are_removed(hub: Hub, tmp_path: Path) -> None:
    hub.broken_after[WEIGHTS] = 20_000
    with pytest.raises(Unreachable):
        open_checkpoint(NAME).rows("model.norm.weight", 0, 1)
    partial = next((tmp_path / "cache").rglob("*.partial"))
    partial.write_bytes(b"x" * 20_000)
    hub.mend()
    with pytest.raises(Unreachable, match="not what the hub announced"):
        open_checkpoint(NAME).rows("model.norm.weight", 0, 1)
    assert np.isfinite(open_checkpoint(NAME).rows("model.norm.weight", 0, 1)).all()


def test_what_is_cached_opens_offline(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    online = open_checkpoint(NAME).digest()
    hub.requests.clear()
    tell(monkeypatch, HF_HUB_OFFLINE="1")
    assert open_checkpoint(NAME).digest() == online
    assert not hub.requests


def test_what_is_not_cached_says_so_offline(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    open_checkpoint(NAME)
    tell(monkeypatch, HF_HUB_OFFLINE="1")
    with pytest.raises(Unreachable, match="not in the hub's cache") as raised:
        open_checkpoint("owner/shards")
    assert "HF_HUB_OFFLINE" in raised.value.hint
    with pytest.raises(Unreachable):  # its headers were read, its weights never fetched
        open_checkpoint(NAME)
    assert hub.url


@pytest.mark.usefixtures("hub")
def test_a_hub_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        tell(monkeypatch, HF_ENDPOINT=f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(Unreachable, match="does not answer"):
            open_checkpoint(NAME)


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("owner/nothing", "the hub has no 'owner/nothing' for you"),
        ("owner/gated", "'owner/gated' is gated"),
        (f"{NAME}@v9", "has no revision 'v9'"),
    ],
)
def test_what_the_hub_refuses_is_told_with_what_to_do(hub: Hub, name: str, named: str) -> None:
    with pytest.raises(BadCheckpoint, match=named) as raised:
        open_checkpoint(name)
    assert raised.value.hint
    assert hub.requests


def test_a_repository_without_config_or_weights_is_no_checkpoint(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    files = hub.repositories[NAME].files
    monkeypatch.delitem(files, WEIGHTS)
    with pytest.raises(BadCheckpoint, match=r"neither model\.safetensors nor"):
        open_checkpoint(NAME)
    monkeypatch.delitem(files, "config.json")
    with pytest.raises(BadCheckpoint, match=r"no config\.json") as raised:
        open_checkpoint(f"{NAME}@v1.0")
    assert ".gguf" in raised.value.hint


def test_a_damaged_header_is_refused(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(hub.repositories[NAME].files, WEIGHTS, (60).to_bytes(8, "little") + b"{" * 60)
    with pytest.raises(BadCheckpoint, match="without readable header"):
        open_checkpoint(NAME)


def test_a_name_the_hub_cannot_have_is_a_usage_error(hub: Hub) -> None:
    with pytest.raises(UsageError, match="no hub id"):
        open_checkpoint("owner/..bad--name..")
    assert not hub.requests


def test_a_file_another_process_is_fetching_is_left_to_it(hub: Hub, tmp_path: Path) -> None:
    import fcntl
    import hashlib

    tag = hashlib.sha256(hub.repositories[NAME].files[WEIGHTS]).hexdigest()
    blobs = tmp_path / "cache" / "models--owner--tiny" / "blobs"
    blobs.mkdir(parents=True)
    with (blobs / f"{tag}.edgeslm.partial").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        path = HubFolder(NAME, COMMIT).path(WEIGHTS)
    assert path is not None
    assert path.read_bytes() == hub.repositories[NAME].files[WEIGHTS]
