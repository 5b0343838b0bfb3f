"""Holds an encoder in integers against the operators that a board's accelerator takes, before it ships.

Nothing here runs on an accelerator: the lists are their makers', and the agent runs the file on the CPU.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from edgeslm.catalog.accelerators import mentions
from edgeslm_exporters.tflite.placement import Placement, placed

if TYPE_CHECKING:
    from edgeslm.catalog import Profile
    from edgeslm.catalog.accelerators import Takes
    from edgeslm_agent.bundle import EncoderBundle

MOST = 0.5  # of the multiply-adds; below that the accelerator is not what makes the board fast


@dataclass(frozen=True)
class Accelerated:
    """What one of the board's accelerators takes of a file, by its maker's list."""

    driver: str
    title: str
    takes: Takes
    placement: Placement

    def sentence(self) -> str:
        """Return what would run where, in words."""
        found, takes = self.placement, self.takes
        left = ", ".join(f"{count} {name}" for name, count in found.left.items())
        prefix = ", one partition: what runs there is the first row of them" if takes.partitions == "one" else ""
        share = f"{100 * found.share:.1f} % of the multiply-adds"
        verdict = "" if found.share >= MOST else "; so the file is one for the CPU"
        return (
            f"{self.title} takes {found.taken} of {found.total} operators and {share}"
            f"{prefix}{verdict} (by its list, not run); on the CPU: {left}"
        )

    def document(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        found = asdict(self.placement)
        return {"driver": self.driver, **found, "left": dict(found["left"]), "sentence": self.sentence()}


def accelerated(bundle: EncoderBundle, profile: Profile) -> tuple[Accelerated, ...]:
    """Return what each accelerator of a board, of which a list of operators is known, takes of a .tflite bundle."""
    if bundle.manifest.format != "tflite":
        return ()
    found = []
    for mention in mentions(profile):
        takes = mention.driver.takes
        if takes is not None:
            graph = bundle.file(bundle.manifest.graph)
            placement = placed(graph, takes.operators, one_partition=takes.partitions == "one")
            found.append(Accelerated(mention.driver.name, mention.driver.title, takes, placement))
    return tuple(found)
