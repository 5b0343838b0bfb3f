"""What a board's processor can do decides what is exported for it, and the agent there sees the same processor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import edgeslm
from boards import answers
from boards.emulator import BOARDS, Board, Emulated
from edgeslm.catalog import recipes
from edgeslm_agent.engine.runtime.atomics import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgeslm_agent.bundle import Bundle

READ_HOST = """
import json
from edgeslm_agent.host import read_host
host = read_host()
print(json.dumps([host.board, host.cpu, host.architecture, sorted(host.isa)]))
"""
PROVE = """
import json
from edgeslm_agent.engine.proof import PACKAGES, prove
print(json.dumps({package: (proof := prove(package)).works or proof.found for package in PACKAGES}))
"""
WITHOUT = [board for board in BOARDS if not board.facts().target().int8_dot_product]


def test_the_agent_sees_the_boards_processor_and_not_this_machines(emulated: Emulated) -> None:
    ran = emulated.run("-c", READ_HOST)
    assert ran.returncode == 0, ran.stderr
    board, cpu, architecture, isa = json.loads(ran.stdout)
    assert (board, cpu.lower(), architecture) == (emulated.board.model, emulated.board.cpu, "aarch64")
    assert ("asimddp" in isa) == ("asimddp" in emulated.board.facts().isa)
    assert not {"avx2", "sse2"} & set(isa)


def test_the_processor_is_known_without_its_file_of_the_kernel(emulated: Emulated) -> None:
    (emulated.root / "proc/cpuinfo").rename(emulated.root / "hidden")
    try:
        *_, isa = json.loads(emulated.run("-c", READ_HOST).stdout)
    finally:
        (emulated.root / "hidden").rename(emulated.root / "proc/cpuinfo")
    assert ("asimddp" in isa) == ("asimddp" in emulated.board.facts().isa)
    assert not {"avx2", "sse2"} & set(isa)


@pytest.mark.parametrize("board", WITHOUT, ids=lambda board: board.profile)
def test_no_8_bit_weights_are_planned_for_a_board_without_the_dot_product(board: Board) -> None:
    """In ONNX; XNNPACK multiplies 8-bit rows with fp32 and needs no such instruction."""
    plan = edgeslm.plan(device=board.profile, recipes=[card.name for card in recipes()], formats=("onnx",))
    eight = [candidate for candidate in plan.candidates if "i8" in candidate.recipe and candidate.format == "onnx"]
    assert len(eight) >= 4
    assert not any(candidate.kept for candidate in eight)
    assert all(any("no int8 dot product" in reason for reason in candidate.reasons) for candidate in eight)


@pytest.mark.parametrize("board", WITHOUT, ids=lambda board: board.profile)
def test_no_8_bit_product_is_in_an_export_for_a_board_without_the_dot_product(
    board: Board, exported: Callable[[str, str], Bundle]
) -> None:
    import onnx

    bundle = exported(board.profile, "onnx")
    graph = onnx.load(bundle.file(bundle.manifest.decoder.graph), load_external_data=False).graph
    products = [node for node in graph.node if node.op_type == "MatMulNBits"]
    bits = {attribute.i for node in products for attribute in node.attribute if attribute.name == "bits"}
    assert bits == {4}


@pytest.mark.parametrize("board", WITHOUT, ids=lambda board: board.profile)
def test_a_wheel_that_would_kill_the_agent_is_refused_with_the_file_to_delete(
    board: Board, exported: Callable[[str, str], Bundle], tmp_path: Path
) -> None:
    as_installed = Emulated(board, tmp_path / "board", mended=False)
    asked, out = tmp_path / "cases.json", tmp_path / "answers.json"
    asked.write_text("[]", encoding="utf-8")
    ran = as_installed.run(Path(answers.__file__), exported(board.profile, "tflite").path, asked, out)
    assert ran.returncode == 1, ran.stderr
    assert f"{LIBRARY} of ai-edge-litert would end this process" in ran.stderr


@pytest.mark.parametrize("emulated", [BOARDS[0], BOARDS[-1]], indirect=True, ids=lambda board: board.profile)
def test_the_wheels_of_a_board_prove_themselves_in_a_child_process(emulated: Emulated) -> None:
    ran = emulated.run("-c", PROVE)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"onnxruntime": True, "ai-edge-litert": True}
