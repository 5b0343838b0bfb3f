"""What was observed lies beside the bundle, outside its id, and is replaced whole."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.bundle import EVIDENCE_MAX_BYTES, Bundle, open_bundle, read_evidence, write_evidence
from edgeslm_agent.errors import Corrupt, EnvironmentProblem, UsageError
from support.toy_graph import write_toy_bundle

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return open_bundle(write_toy_bundle(tmp_path_factory.mktemp("bundles") / "toy"))


def test_what_is_written_is_read_back(bundle: Bundle) -> None:
    file = write_evidence(bundle, "quality", {"kld_mean": 0.5, "data": "text é"})
    assert file == bundle.path / "evidence" / "quality.json"
    assert read_evidence(bundle, "quality") == {"kld_mean": 0.5, "data": "text é"}


def test_what_nobody_wrote_is_none(bundle: Bundle) -> None:
    assert read_evidence(bundle, "nothing") is None


def test_writing_leaves_the_id_and_no_other_file(bundle: Bundle) -> None:
    write_evidence(bundle, "quality", {})
    write_evidence(bundle, "quality", {"again": 1})
    assert open_bundle(bundle.path).bundle_id == bundle.bundle_id
    assert [file.name for file in (bundle.path / "evidence").iterdir()] == ["quality.json"]


def test_a_document_that_cannot_be_written_leaves_the_old_one(bundle: Bundle) -> None:
    write_evidence(bundle, "quality", {"old": 1})
    with pytest.raises(TypeError):
        write_evidence(bundle, "quality", {"new": object()})
    assert read_evidence(bundle, "quality") == {"old": 1}


def test_readers_beside_a_writer_see_whole_documents(bundle: Bundle) -> None:
    write_evidence(bundle, "busy", {"values": [0] * 1000})
    writer = threading.Thread(
        target=lambda: [write_evidence(bundle, "busy", {"values": [count] * 1000}) for count in range(20)]
    )
    writer.start()
    while writer.is_alive():
        document = read_evidence(bundle, "busy")
        assert document is not None
        assert len(set(document["values"])) == 1
    writer.join()


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "Upper", "a.json", "x" * 65])
def test_a_name_that_is_no_plain_name_is_a_usage_error(bundle: Bundle, name: str) -> None:
    with pytest.raises(UsageError, match="not a name of evidence"):
        write_evidence(bundle, name, {})
    with pytest.raises(UsageError, match="not a name of evidence"):
        read_evidence(bundle, name)


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, "\udcff"])
def test_evidence_that_is_no_json_object_is_corrupt_and_named(bundle: Bundle, text: str) -> None:
    write_evidence(bundle, "broken", {})
    (bundle.path / "evidence" / "broken.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(Corrupt, match=r"broken\.json"):
        read_evidence(bundle, "broken")


def test_evidence_without_end_is_not_read(bundle: Bundle) -> None:
    file = write_evidence(bundle, "huge", {})
    with file.open("r+b") as stream:
        stream.truncate(EVIDENCE_MAX_BYTES + 1)
    with pytest.raises(Corrupt, match="larger than"):
        read_evidence(bundle, "huge")
    file.unlink()


def test_a_disk_that_refuses_is_a_problem_of_the_machine(tmp_path: Path) -> None:
    bundle = open_bundle(write_toy_bundle(tmp_path / "toy"))
    (bundle.path / "evidence").write_text("a file where the folder belongs")
    with pytest.raises(EnvironmentProblem, match="cannot write"):
        write_evidence(bundle, "quality", {})
