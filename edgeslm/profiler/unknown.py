"""What a plan does not know, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgeslm.catalog import Profile
    from edgeslm.profiler.aim import Aim
    from edgeslm.profiler.candidate import Candidate


def unknowns(profile: Profile, aim: Aim, candidates: Sequence[Candidate]) -> Iterator[str]:
    """Yield what the estimates rest on where a fact is missing, and where a probe's record is used."""
    if profile.probed is not None:
        from edgeslm.profiler.reach import told

        yield told(profile.probed)
    if aim.objective == "energy" and any(candidate.estimate.energy_j is None for candidate in candidates):
        yield energy_unknown(profile.name)
    if aim.limits.kld_mean is not None:
        yield "divergence is not known before a variant is built: --max-divergence is held against it then"


def energy_unknown(board: str) -> str:
    """Return what an order by energy rests on where nobody knows the energy."""
    return f"the energy of an answer on {board} is unknown: ordered by the bytes a token reads, which cost most of it"
