"""What a device measured, as a bundle's evidence: kept whatever it is, counted only where nothing speaks against it.

A device may lie, restart in between, or run something else. Its figures are stored with every doubt; a figure with a
doubt stays in the evidence and decides nothing.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from edgeslm.profiler.task import usual_task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edgeslm.profiler.estimate import Estimate
    from edgeslm.profiler.figure import Figure

SPEEDS = ("first_token_s", "prefill_tps", "decode_tps")
FIGURES = (*SPEEDS, "load_s", "peak_rss_bytes", "prompt_tokens")
FAR = 8.0  # times the range of an estimate: published speeds of one board differ by less
APART = 2.0  # how far a first token may be from its prompt at the rate of prefill


@dataclass(frozen=True)
class There:
    """Figures of one device: as it sent them, with the runtime (`onnxruntime 1.20.1`, '' unknown) and its profile.

    `doubts` say why they do not count; none means they do.
    """

    on: str
    bundle: str
    profile: str | None
    runtime: str
    figures: Mapping[str, float]
    doubts: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the JSON object of `evidence/devices.json` and of `edgeslm measure --on`."""
        body = asdict(self)
        return {**body.pop("figures"), **body, "doubts": list(self.doubts)}


def there_from(document: Mapping[str, Any]) -> There:
    """Read an object of `evidence/devices.json`; what it lacks is unknown."""
    figures = {name: float(document[name]) for name in FIGURES if isinstance(document.get(name), (int, float))}
    return There(
        on=str(document.get("on", "")),
        bundle=str(document.get("bundle", "")),
        profile=document.get("profile"),
        runtime=str(document.get("runtime") or ""),
        figures=figures,
        doubts=tuple(map(str, document.get("doubts", ()))),
    )


def doubts(figures: Mapping[str, float], context: int, estimate: Estimate | None) -> tuple[str, ...]:
    """Return why figures cannot be what they claim: missing, absurd, at odds with each other or with physics."""
    wrong = tuple(_absurd(figures))
    if wrong:
        return wrong
    return (*_at_odds(figures, context), *(() if estimate is None else _beyond(figures, estimate)))


def _absurd(figures: Mapping[str, float]) -> Iterator[str]:
    for name in (*SPEEDS, "prompt_tokens"):
        value = figures.get(name)
        if value is None:
            yield f"it did not say {name}"
        elif not (0 < value < math.inf):
            yield f"{name} of {value:g} cannot be"


def _at_odds(figures: Mapping[str, float], context: int) -> Iterator[str]:
    prompt = usual_task(context).prompt
    if figures["prompt_tokens"] != prompt:
        yield f"it was timed with a prompt of {figures['prompt_tokens']:.0f} tokens instead of {prompt}: an older agent"
    reading = figures["prompt_tokens"] / figures["prefill_tps"]
    if not reading / APART <= figures["first_token_s"] <= reading * APART:
        told = f"{figures['first_token_s']:.3g} s to the first token of {figures['prompt_tokens']:.0f}"
        yield f"{told} does not go with reading {figures['prefill_tps']:.3g} tokens/s"


def _beyond(figures: Mapping[str, float], estimate: Estimate) -> Iterator[str]:
    expected: dict[str, Figure] = {"decode_tps": estimate.decode_tps, "prefill_tps": estimate.prefill_tps}
    for name, figure in expected.items():
        if not figure.low / FAR <= figures[name] <= figure.high * FAR:
            yield f"{name} of {figures[name]:.3g} is far from anything expected ({figure.low:.3g} to {figure.high:.3g})"
