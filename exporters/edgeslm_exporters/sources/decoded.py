"""What every source becomes: weights by their Hugging Face names, and what the user should know of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeslm_exporters.recipe import Quantization
    from edgeslm_exporters.weights import QuantizedWeights, Weights


@dataclass(frozen=True)
class Decoded:
    """`form` is that of most matrices where they came quantised, `notes` sentences for the plan and the export."""

    weights: Weights | QuantizedWeights
    form: Quantization | None = None
    notes: tuple[str, ...] = ()
