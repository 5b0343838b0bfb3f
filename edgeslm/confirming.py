"""Confirms a choice on a device: it measures the bundle it runs, the figures become evidence, the choice is redone.

A device holds one bundle. Those it does not run stay estimates, and the confirmation says so of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeslm.profiler.evidence import candidate_of, contender, devices_of, remember_there
from edgeslm.profiler.select import Selection, select
from edgeslm.profiler.there import There, doubts
from edgeslm_agent.errors import Incompatible, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm.catalog import Profile
    from edgeslm.fleet.remote import Reported
    from edgeslm.profiler.aim import Aim
    from edgeslm.profiler.gate import Gate
    from edgeslm_agent.bundle import Bundle
    from edgeslm_agent.contract.status import Status


@dataclass(frozen=True)
class Confirmation:
    """What was measured there, of which bundle, why the others were not, and the choice redone (None: no profile)."""

    bundle: Bundle
    there: There
    not_measured: tuple[tuple[str, str], ...]
    selection: Selection | None

    def document(self) -> dict[str, Any]:
        """Return the JSON of `edgeslm.measure/1`: plain numbers of the device in `on`, and the choice."""
        return {
            **self.there.document(),
            "variant": self.bundle.manifest.variant,
            "text": None,  # a device sends the figures of a measurement, not what it wrote
            "token_ids": None,
            "not_measured": [{"bundle": name, "reason": reason} for name, reason in self.not_measured],
            "selection": None if self.selection is None else self.selection.document(),
        }


def held_by(status: Status, device: str, bundles: Sequence[Bundle]) -> Bundle:
    """Return the bundle of these that the device runs.

    Raises Incompatible when it runs another one, or none that is ready.
    """
    found = next((bundle for bundle in bundles if bundle.bundle_id == status.bundle), None)
    if found is None:
        runs = "no bundle" if status.bundle is None else f"{status.variant} ({status.bundle[:16]})"
        hint = "name the bundle it runs, or start its agent with one of these: a device measures what it holds"
        raise Incompatible(f"{device} runs {runs}, which is none of those named", hint)
    if status.model_state != "ready":
        raise Incompatible(f"the model on {device} is {status.model_state}", "`edgeslm fleet status` says why")
    return found


def profile_named(named: str | None, reported: str | None, device: str) -> str | None:
    """Return the profile of a device: the one the user names, else its own.

    Raises UsageError when they differ.
    """
    if named is not None and reported is not None and named != reported:
        raise UsageError(f"{device} says it is a {reported}, not a {named}", "leave --device out, or name its profile")
    return named or reported


def confirm(
    reported: Reported, bundles: Sequence[Bundle], profile: Profile | None, aim: Aim, gate: Gate | None, *, gated: bool
) -> Confirmation:
    """Remember what a device measured as evidence of its bundle, and choose again among all bundles for its profile.

    Raises what reading a bundle and writing evidence raise.
    """
    held = next(bundle for bundle in bundles if bundle.bundle_id == reported.bundle)
    there = _there(reported, held, profile)
    remember_there(held, there)
    others = [bundle for bundle in bundles if bundle is not held]
    reason = f"{reported.device} does not hold it, and this version does not send bundles to devices"
    missing = tuple((str(bundle.path), reason) for bundle in others)
    if profile is None:
        return Confirmation(held, there, missing, None)
    contenders = [contender(bundle, profile, gate, aim) for bundle in bundles]
    chosen = select(contenders, profile, aim, gated=gated, devices=devices_of(bundles, profile))
    return Confirmation(held, there, missing, chosen)


def _there(reported: Reported, held: Bundle, profile: Profile | None) -> There:
    package = held.manifest.runtime.name.replace("-", "_")  # as it is imported, which is what agents report
    version = reported.runtimes.get(package, "")
    known = version[:1].isdigit()  # a package that is not loaded is only `installed`
    estimate = None if profile is None else candidate_of(held, profile).estimate
    against = [
        *(["it restarted while it measured"] if reported.boot_after != reported.boot else []),
        *(["it changed its bundle while it measured"] if reported.bundle_after != reported.bundle else []),
        *doubts(reported.figures, held.manifest.context, estimate),
    ]
    return There(
        on=reported.device,
        bundle=reported.bundle,
        profile=reported.profile if profile is None else profile.name,
        runtime=f"{package} {version}" if known else "",
        figures=reported.figures,
        doubts=tuple(against),
    )
