"""`edgeslm show device NAME`: one profile, every figure with its source, unverified ones marked."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from edgeslm.cli import output

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from edgeslm.catalog import Fact, Profile, Rate
    from edgeslm.catalog.profile import Cores, Runtime


def configure(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("what", choices=["device"])
    parser.add_argument("name", metavar="NAME", help="a name of `edgeslm list devices`, a FILE.yaml, or here")
    parser.add_argument("--memory", metavar="SIZE", help="memory fitted, such as 2GB, when it is not the profile's")


def run(options: Namespace) -> int:
    """Show the profile as text, or all of it as JSON."""
    from edgeslm.catalog import device

    profile = device(options.name, memory=options.memory)
    if options.json:
        output.document("edgeslm.device/1", asdict(profile))
        return 0
    output.result(f"{profile.name}: {profile.title}")
    for label, text in _lines(profile):
        output.result(f"  {label:<18} {text}")
    return 0


def _lines(profile: Profile) -> Iterator[tuple[str, str]]:
    """Yield label and text of every line below the title."""
    if profile.also:
        yield "also", ", ".join(profile.also)
    yield from _chip(profile)
    yield from _memory(profile)
    yield "decodes at", _rate(profile.speed.decode_gb_s, "GB/s of weights")
    yield "prefills at", _rate(profile.speed.prefill_gmac_s, "GMAC/s")
    yield from _software(profile)
    yield from (("power mode", mode) for mode in profile.power_modes)
    yield from ((name.replace("_", " "), _fact(fact)) for name, fact in (*profile.power, *profile.thermal))
    yield from (("note", note) for note in (profile.power_note, profile.thermal_note) if note)
    yield from ((f"read {what}", where) for what, where in profile.read)
    yield from (("caveat", caveat) for caveat in profile.caveats)
    yield from ((f"[{name}]", citation) for name, citation in profile.sources)


def _chip(profile: Profile) -> Iterator[tuple[str, str]]:
    yield "chip", f"{profile.soc} ({profile.architecture}): {', '.join(map(_cluster, profile.cores))}"
    yield "instructions", ", ".join(sorted(profile.isa)) or "none of those that matter here"
    accelerator = profile.accelerator
    if accelerator.type != "none":
        yield "accelerator", f"{accelerator.type}: {accelerator.name}".rstrip(": ")
        yield from ((name.replace("_", " "), _fact(fact)) for name, fact in accelerator.figures)


def _cluster(cores: Cores) -> str:
    doubt = "" if cores.verified else f" (unverified: {cores.why})"
    return f"{cores.count} x {cores.type} up to {cores.max_mhz} MHz{doubt}"


def _memory(profile: Profile) -> Iterator[tuple[str, str]]:
    yield "memory", f"{profile.memory_mb} MB, {profile.memory.type}"
    yield "for the app", _fact(profile.app_budget, "MB")
    for option in profile.memory_options:
        yield "also sold with", f"{option.memory_mb} MB: {option.app_budget_mb} MB for the app"
    if profile.memory.theoretical_gb_s is not None:
        yield "bandwidth", _fact(profile.memory.theoretical_gb_s, "GB/s in theory")
    for test in profile.memory.measured:
        span = f"{test.low_gb_s:g}" + ("" if test.low_gb_s == test.high_gb_s else f" to {test.high_gb_s:g}")
        yield "measured", f"{span} GB/s, {test.test} [{test.source}]"


def _software(profile: Profile) -> Iterator[tuple[str, str]]:
    system = profile.system
    versions = [
        f"{what} {version}" for what, version in (("glibc", system.glibc), ("Python", system.python)) if version
    ]
    yield "system", "; ".join([system.os, *versions])
    yield from _runtime("onnxruntime", profile.onnxruntime)
    if profile.litert is not None:
        yield from _runtime("ai-edge-litert", profile.litert)
    yield from (("works", what) for what in profile.works)
    yield from (("does not work", what) for what in profile.not_working)
    yield from (("note", note) for note in system.notes)


def _runtime(package: str, runtime: Runtime) -> Iterator[tuple[str, str]]:
    mark = f" [{runtime.source}]" if runtime.source else "" if runtime.verified else f" (unverified: {runtime.why})"
    yield package, f"{runtime.newest or 'none'}: {runtime.how}{mark}"
    yield from (("avoid", f"{package} {version}") for version in runtime.avoid)


def _fact(fact: Fact, unit: str = "") -> str:
    value = f"{fact.value} {unit}".rstrip()
    if not fact.verified:
        return f"{value} (unverified: {fact.why})"
    return value + (f" ({fact.why})" if fact.why else "") + (f" [{fact.source}]" if fact.source else "")


def _rate(rate: Rate, unit: str) -> str:
    origin = f"{rate.basis}: {rate.why}" if rate.why else rate.basis
    source = f" [{rate.source}]" if rate.source else ""
    return f"{rate.value:g} {unit} ({rate.low:g} to {rate.high:g}; {origin}){source}"
