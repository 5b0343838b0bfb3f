"""Turns a bundle and what was observed of it into a contender: its plan for a board, its measurements, its quality.

Evidence is read leniently: a file that is missing or lacks a figure leaves that figure unknown. What only some evidence
needs is imported where it is used: every export comes by here.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_args

from edgeslm.profiler.aim import FASTEST
from edgeslm.profiler.contender import NOT_MEASURED, Contender, Observed, QualityEvidence, QualityStatus
from edgeslm.profiler.figure import Figure, exact
from edgeslm.profiler.gate import Gate, judge_model
from edgeslm.profiler.plan import plan
from edgeslm.profiler.there import There, there_from
from edgeslm_agent.bundle import read_evidence, write_evidence
from edgeslm_exporters.read_back import spec_of_graph

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edgeslm.catalog import Profile
    from edgeslm.profiler.aim import Aim
    from edgeslm.profiler.candidate import Candidate
    from edgeslm_agent.bundle import Bundle, EncoderBundle

DEVICES = "devices"  # the evidence of what devices measured
_MEASURED = {
    "peak_bytes": ("peak_rss_bytes", "bytes"),
    "decode_tps": ("decode_tps", "tokens/s"),
    "prefill_tps": ("prefill_tps", "tokens/s"),
    "first_token_s": ("first_token_s", "s"),
    "energy_per_token_j": ("energy_per_token_j", "J"),
}


def contender(bundle: Bundle, profile: Profile, gate: Gate | None = None, aim: Aim = FASTEST) -> Contender:
    """Describe a bundle for a board; `gate` judges its measured quality anew, else the verdict found in it stands.

    Raises Corrupt when the bundle's graph cannot be read.
    """
    document = read_evidence(bundle, "quality")
    quality = quality_from(document) if gate is None else judged_again(document, gate, bundle.manifest.model.parameters)
    return Contender(candidate_of(bundle, profile, aim), _observed(bundle, profile), quality, label=str(bundle.path))


def encoder_contender(
    bundle: EncoderBundle, profile: Profile, gate: Gate | None = None, aim: Aim = FASTEST
) -> Contender:
    """Describe an encoder's bundle for a board, as `contender` does a decoder's."""
    from edgeslm.profiler.encoder_plan import EncoderModel, plan_encoder

    manifest = bundle.manifest
    shape = manifest.encoder
    model = EncoderModel(
        manifest.model.name, shape.sizes, shape.vocab_size, manifest.model.parameters, manifest.context
    )
    planned = plan_encoder(model, profile, recipes=[manifest.recipe], formats=[manifest.format], aim=aim)
    observed = observed_from(read_evidence(bundle, "measure"))
    quality = encoder_quality_from(read_evidence(bundle, "quality"), gate)
    return Contender(planned.candidates[0], observed, quality, label=str(bundle.path))


def _observed(bundle: Bundle, profile: Profile) -> Observed:
    """Return what was measured on such a board, on the slowest of several; where nothing was, what this machine saw."""
    there = [seen for seen in _there(bundle) if seen.profile == profile.name and not seen.doubts]
    if not there:
        return observed_from(read_evidence(bundle, "measure"))
    return observed_from(min(there, key=lambda seen: seen.figures["decode_tps"]).document())


def devices_of(bundles: Iterable[Bundle], profile: Profile) -> frozenset[str]:
    """Return the devices (FLEET/ID) of that profile that measured one of the bundles."""
    return frozenset(seen.on for bundle in bundles for seen in _there(bundle) if seen.profile == profile.name)


def remember_there(bundle: Bundle, there: There) -> None:
    """Add what a device measured to `evidence/devices.json`, in place of what it measured before."""
    others = {seen.on: seen.document() for seen in _there(bundle)}
    write_evidence(bundle, DEVICES, {"devices": {**others, there.on: there.document()}})


def _there(bundle: Bundle) -> list[There]:
    document = (read_evidence(bundle, DEVICES) or {}).get("devices", {})
    found = [there_from({"on": on, **seen}) for on, seen in document.items() if isinstance(seen, dict)]
    return [seen for seen in found if seen.bundle == bundle.bundle_id]


def encoder_quality_from(document: Mapping[str, Any] | None, gate: Gate | None) -> QualityEvidence:
    """Return the verdict of an encoder's `evidence/quality.json`, or that of `gate` on its figures."""
    document = document or {}
    if document.get("status") not in get_args(QualityStatus):
        return NOT_MEASURED
    if gate is None:
        return QualityEvidence(document["status"], document.get("gate"), tuple(document.get("reasons", ())))
    from edgeslm.profiler.encoder_quality import EncoderQuality, judge_encoder

    names = {field.name for field in fields(EncoderQuality)}
    verdict = judge_encoder(EncoderQuality(**{key: document[key] for key in names & document.keys()}), gate)
    return QualityEvidence("passed" if verdict.passed else "failed", verdict.gate, verdict.reasons)


def observed_from(document: Mapping[str, Any] | None) -> Observed:
    """Return the figures of `evidence/measure.json`, each on the machine it names."""
    document = document or {}
    on = str(document.get("on", "host"))
    figures: dict[str, Figure] = {
        name: exact(float(document[key]), unit, "measured", on)
        for name, (key, unit) in _MEASURED.items()
        if isinstance(document.get(key), (int, float))
    }
    return Observed(**figures, runtime=str(document.get("runtime") or ""))


def quality_from(document: Mapping[str, Any] | None) -> QualityEvidence:
    """Return the verdict of `evidence/quality.json`."""
    document = document or {}
    kld = document.get("kld_mean")
    if kld is None or document.get("status") not in get_args(QualityStatus):
        return NOT_MEASURED
    return QualityEvidence(document["status"], document.get("gate"), tuple(document.get("reasons", ())), float(kld))


def judged_again(document: Mapping[str, Any] | None, gate: Gate, parameters: int) -> QualityEvidence:
    """Return the verdict of `gate`, as strict as `eval` would apply it, on the figures of `evidence/quality.json`."""
    found = quality_from(document)
    if document is None or found == NOT_MEASURED:
        return found
    from edgeslm.profiler.quality import Quality

    quality = Quality(**{field.name: document[field.name] for field in fields(Quality) if field.name in document})
    verdict = judge_model(quality, gate, parameters)
    return QualityEvidence("passed" if verdict.passed else "failed", verdict.gate, verdict.reasons, found.kld_mean)


def candidate_of(bundle: Bundle, profile: Profile, aim: Aim = FASTEST) -> Candidate:
    """Return the bundle's variant as planned for a board. Raises Corrupt when its graph cannot be read."""
    manifest = bundle.manifest
    spec = spec_of_graph(bundle.file(manifest.decoder.graph), manifest.decoder)
    planned = plan(
        manifest.model.name,
        spec,
        profile,
        recipes=[manifest.recipe],
        formats=[manifest.format],
        context=manifest.context,
        aim=aim,
    )
    return planned.candidates[0]
