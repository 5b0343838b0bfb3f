"""What to build until one passes the gate, when nobody named a recipe: few bits first, more where they did not do.

    the plan's best (4 bits where speed or memory count) -> 4 bits, head and down projection in 8 -> 8 bits -> floats

The middle step spends its bits where public mixed formats do (llama.cpp's Q4_K_M: the table and what closes the MLP);
where one model needs them, only measuring tells (`--recipe mixed`). A board that runs no 8 bits gets the most exact
4-bit form instead of the two middle steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_exporters.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgeslm.profiler.candidate import Candidate

FOUR, EIGHT, MIXED, FLOATS = frozenset({4}), frozenset({8}), frozenset({4, 8}), frozenset({16, 32})


def escalation(kept: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return what to build, each step with more bits a weight than the one before; `kept` are in the plan's order."""
    steps: list[Candidate] = []
    for candidate in _steps([(candidate, parse_recipe(candidate.recipe).bits) for candidate in kept]):
        if not steps or candidate.effective_bits > steps[-1].effective_bits:
            steps.append(candidate)
    return tuple(steps)


def _steps(kept: Sequence[tuple[Candidate, frozenset[int]]]) -> Iterator[Candidate]:
    yield from (candidate for candidate, _ in kept[:1])
    mixed = [candidate for candidate, bits in kept if bits == MIXED]
    eight = [candidate for candidate, bits in kept if bits == EIGHT]
    four = [candidate for candidate, bits in kept if bits == FOUR]
    middle = mixed or (four if not eight else [])
    if middle:
        yield min(middle, key=lambda candidate: candidate.weight_error)
    yield from eight[:1]
    yield from [candidate for candidate, bits in kept if bits <= FLOATS][:1]
