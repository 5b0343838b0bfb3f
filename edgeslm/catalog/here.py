"""The profile of the machine this runs on: what was read here, and the speed of the known board that is nearest."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from edgeslm.catalog.nearest import nearest
from edgeslm.catalog.profile import MIB, profile_from
from edgeslm.catalog.reader import schema_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgeslm.catalog.nearest import Likeness
    from edgeslm.catalog.profile import Profile, Rate, Runtime
    from edgeslm_agent.engine.proof import Proof
    from edgeslm_agent.host import Host

# A machine nobody described may be this many times slower or faster than the one that stands for it.
DOUBT = 2.5
READ_HERE = "here"
_PACKAGES = {"onnxruntime": "onnxruntime", "litert": "ai-edge-litert"}


def profile_of_this_machine(profiles: Sequence[Profile], host: Host | None = None) -> Profile:
    """Describe `host` (this machine when left out); its budget is the memory available now, cgroup limits included.

    Runtimes count as their packages say; `edgeslm doctor --device here` tries them.
    """
    from edgeslm_agent.host import read_host

    host = host or read_host()
    return profile_from("here", described(host, nearest(host, profiles), _installed(), {}))


def described(host: Host, like: Likeness, proofs: Sequence[Proof], sensors: Mapping[str, str]) -> dict[str, Any]:
    """Return a machine as the values of a profile's file: what was read on it, and the rest from the nearest board.

    `sensors` says where temperature, power and throttling are read.
    """
    budget = host.memory_available // MIB
    return {
        "title": host.board or host.cpu or "this machine",
        "kind": "computer" if host.architecture == "x86_64" else "board",
        "architecture": host.architecture,
        "soc": host.cpu or "unknown",
        "cores": _cores(host, like.profile),
        "isa": sorted(host.isa & set(schema_named("device")["properties"]["isa"]["items"]["enum"])),
        "memory_mb": max(min(host.memory_total, host.memory_limit or host.memory_total) // MIB, 1),
        "app_budget_mb": budget,
        "app_budget": {"source": READ_HERE, "why": "MemAvailable when it was read, within the cgroup's limit"},
        "memory": {"type": "not looked up", "measured": []},
        "speed": _speed(host, like),
        **_accelerator(like),
        "runtimes": _runtimes(like.profile, proofs),
        "system": {
            "os": host.system or "unknown",
            "glibc": platform.libc_ver()[1],
            "python": host.python,
            "notes": [f"kernel {host.kernel}"],
        },
        "read": dict(sensors),
        "caveats": [f"The speeds are those of {_reason(like)}; `edgeslm measure` gives the real ones."],
        "sources": {READ_HERE: f"read on the machine itself: {host.system}, kernel {host.kernel}"},
    }


def _cores(host: Host, like: Profile) -> list[dict[str, Any]]:
    cores = []
    for cluster in host.clusters:
        entry: dict[str, Any] = {"type": cluster.type or host.cpu or "unknown", "count": cluster.count}
        if cluster.max_mhz:
            cores.append({**entry, "max_mhz": cluster.max_mhz})
        else:
            why = f"the kernel does not tell; that of {like.name}"
            cores.append({**entry, "max_mhz": like.cores[0].max_mhz, "verified": False, "why": why})
    return cores


def _speed(host: Host, like: Likeness) -> dict[str, Any]:
    speed = like.profile.speed
    return {
        "threads": max(host.default_threads, 1),
        "decode_gb_s": _rate(speed.decode_gb_s, like),
        "prefill_gmac_s": _rate(speed.prefill_gmac_s, like),
    }


def _rate(rate: Rate, like: Likeness) -> dict[str, Any]:
    """Return the nearest board's rate: with its own range on the same board, with a wider one on another."""
    doubt = 1.0 if like.by == "name" else DOUBT
    return {
        "value": rate.value, "low": rate.low / doubt, "high": rate.high * doubt, "basis": "estimated",
        "why": f"not measured here: that of {_reason(like)}",
    }  # fmt: skip


def _reason(like: Likeness) -> str:
    return f"{like.profile.name}, which has the same {like.by}"


def _accelerator(like: Likeness) -> dict[str, Any]:
    """Return what sits beside the CPU where the board is known by its name; figures stay with their sources there."""
    known = like.profile.accelerator
    if like.by != "name" or known.type == "none":
        return {}
    texts = {"name": known.name, "memory": known.memory, "note": f"as {like.profile.name} has it"}
    return {"accelerator": {"type": known.type, **{key: text for key, text in texts.items() if text}}}


def _runtimes(like: Profile, proofs: Sequence[Proof]) -> dict[str, Any]:
    tried = {proof.package: proof for proof in proofs}
    usual = {"onnxruntime": like.onnxruntime, "litert": like.litert}
    return {
        "works": [f"{proof.package} {proof.version}: {proof.found}" for proof in proofs if proof.works],
        "not_working": [
            f"{proof.package} {proof.version}: {proof.found}" for proof in proofs if proof.version and not proof.works
        ],
        **{key: _runtime(tried[package], usual[key]) for key, package in _PACKAGES.items()},
    }


def _runtime(proof: Proof, usual: Runtime | None) -> dict[str, Any]:
    if proof.works:
        return {"newest": proof.version, "how": "installed in this Python", "source": READ_HERE}
    if proof.version is not None:
        return {"newest": None, "how": proof.found, "avoid": [proof.version], "source": READ_HERE}
    return {
        "newest": usual.newest if usual else None,
        "how": f"not installed here: `pip install {proof.package}`",
        "verified": False,
        "why": "what the nearest known board installs",
    }


def _installed() -> list[Proof]:
    """Return the packages that are installed, believed to work."""
    return [_believed(package) for package in _PACKAGES.values()]


def _believed(package: str) -> Proof:
    from edgeslm_agent.engine.proof import Proof

    try:
        return Proof(package, version(package), works=True, found="installed")
    except PackageNotFoundError:
        return Proof(package, None, works=False, found="not installed")
