"""Does an export for a board answer there as it does on this machine?

For each emulated board (tests/boards) and both formats: the built-in model is exported for the board, and the agent's
engine reads tasks with their answers and answers some freely, on the emulated processor and here. Counted are positions
with the same likeliest token: in the answers, which is what `eval` scores, and over all, the user's words included.
Needs what `make test-boards` installs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import edgeslm
from bench import machine
from bench.harness import Target, publish
from boards import answers
from boards.emulator import BOARDS, Emulated
from boards.running import answers_there

if TYPE_CHECKING:
    from bench.harness import Figures
    from boards.emulator import Board

CASES = 240  # with 14 positions of answer each
FORMATS = ("onnx", "tflite")
AGREEING = 99.0  # per cent


def main() -> None:
    """Compare every board with this machine and publish."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    samples: dict[str, list[Figures]] = {}
    promises: list[Target] = []
    for board in BOARDS:
        for format_ in FORMATS:
            name = f"{board.profile} ({board.cpu}), {format_}"
            figures = measure(board, format_)
            samples[name] = [figures]
            promises += [
                Target(f"{name}: same in the answers", figures["answers_percent"], AGREEING, at_least=True, unit=" %"),
                Target(f"{name}: greedy answers equal", figures["greedy_percent"], 100, at_least=True, unit=" %"),
            ]
            print(f"{name}: {figures}", file=sys.stderr)
    versions = {
        "edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "onnxruntime", "ai-edge-litert", "numpy")
    }
    publish("boards", samples, promises, versions, {"cases": CASES})


def measure(board: Board, format_: str) -> Figures:
    """Return how far an emulated board and this machine agree on one export for it."""
    with tempfile.TemporaryDirectory(prefix="edgeslm-boards-") as folder:
        place = Path(folder)
        bundle = edgeslm.export(
            device=board.profile, formats=(format_,), out=place / "bundle", measured=False
        ).bundle.path
        cases = answers.held_out_cases(CASES)
        there = answers_there(Emulated(board, place / "board"), bundle, cases, place)
        here = answers.answers(bundle, cases)
    same, positions = answers.agreeing(there, here, whole=False)
    same_whole, all_positions = answers.agreeing(there, here, whole=True)
    written = [one == other for one, other in zip(there["written"], here["written"], strict=True)]
    return {
        "answers_percent": 100 * same / positions,
        "answers_positions": positions,
        "everywhere_percent": 100 * same_whole / all_positions,
        "everywhere_positions": all_positions,
        "greedy_percent": 100 * sum(written) / len(written),
    }


if __name__ == "__main__":
    main()
