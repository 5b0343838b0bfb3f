"""A quality with its verdict: what evidence remembers of a decoder or an encoder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from edgeslm.profiler.gate import Verdict

Q = TypeVar("Q", bound="DataclassInstance")


@dataclass(frozen=True)
class Judged(Generic[Q]):
    """A quality and, when a gate was asked for, its verdict."""

    quality: Q
    verdict: Verdict | None

    @property
    def passed(self) -> bool:
        """Whether no gate objects."""
        return self.verdict is None or self.verdict.passed

    def document(self) -> dict[str, Any]:
        """Return the JSON object of `evidence/quality.json` and of `edgeslm eval --json`."""
        judged = {"gate": None, "reasons": []} if self.verdict is None else asdict(self.verdict)
        judged.pop("passed", None)
        status = "measured" if self.verdict is None else "passed" if self.verdict.passed else "failed"
        return {"status": status, **judged, **asdict(self.quality)}
