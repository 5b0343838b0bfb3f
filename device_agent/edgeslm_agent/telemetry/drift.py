"""Drift: how fast the model is here, against what its bundle claims for this kind of board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_agent.errors import EdgeSLMError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_agent.bundle import Bundle, EncoderBundle


def claims(bundle: Bundle | EncoderBundle) -> dict[str, float]:
    """Return the tokens per second that `evidence/selection.json` states for the bundle's variant, by profile.

    A measurement on the board wins over an estimate for it. Evidence that is absent or broken claims nothing.
    """
    from edgeslm_agent.bundle import read_evidence  # an agent without a model never needs it

    try:
        winner = _mapping((read_evidence(bundle, "selection") or {}).get("winner"))
    except (EdgeSLMError, OSError):
        return {}
    if winner.get("variant") != bundle.manifest.variant:
        return {}
    stated = [_mapping(_mapping(winner.get(part)).get("decode_tps")) for part in ("estimate", "measured")]
    return {str(one["on"]): float(one["value"]) for one in stated if _is_claim(one)}


def drift(decode_tps: float | None, claimed: Mapping[str, float], profile: str | None) -> dict[str, float]:
    """Return `decode_drift` where there is a speed and a claim for the profile that the operator named."""
    claim = claimed.get(profile or "")
    return {} if decode_tps is None or claim is None else {"decode_drift": float(f"{decode_tps / claim:.4g}")}


def _is_claim(figure: Mapping[str, Any]) -> bool:
    value = figure.get("value")
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1e9 and "on" in figure


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
