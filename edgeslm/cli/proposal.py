"""`edgeslm doctor --device here`: this machine as a profile, its runtimes tried in a child process each."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edgeslm.cli import output

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from edgeslm.catalog.nearest import Likeness
    from edgeslm_agent.engine.proof import Proof
    from edgeslm_agent.host import Host

# What a profile's `read` calls the figures that sensors stand behind.
_READ = {"temperature": "temperature_c", "power": "power_w", "throttle": "throttled"}


def run(options: Namespace) -> int:
    """Read the machine, try its runtimes, and print a profile as YAML, or all that was found as JSON."""
    from edgeslm.catalog.devices import shipped
    from edgeslm.catalog.here import described
    from edgeslm.catalog.nearest import nearest
    from edgeslm_agent.engine.proof import PACKAGES, prove
    from edgeslm_agent.host import read_host
    from edgeslm_agent.host.files import ROOT
    from edgeslm_agent.telemetry.sampler import probes, sensors

    host = read_host()
    like = nearest(host, shipped())
    proofs = [prove(package) for package in PACKAGES]
    named = sensors(probes(ROOT))
    values = described(host, like, proofs, {what: named[figure] for what, figure in _READ.items() if figure in named})
    if options.json:
        output.document("edgeslm.doctor.device/1", _body(host, like, proofs, values))
        return 0
    for line in _said(host, like, proofs, values):
        output.story(line)
    output.result(as_yaml(values, like))
    return 0


def as_yaml(values: dict[str, Any], like: Likeness) -> str:
    """Return the values as the text of a profile's file."""
    import yaml

    head = (
        f"# Proposed by `edgeslm doctor --device here`. Nearest known board: {like.profile.name}, by its {like.by}.\n"
    )
    return head + yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)


def _body(host: Host, like: Likeness, proofs: Sequence[Proof], values: dict[str, Any]) -> dict[str, Any]:
    return {
        "nearest": {"profile": like.profile.name, "by": like.by},
        "limits": {"memory_bytes": host.memory_limit, "processors": host.cpu_quota},
        "runtimes": [asdict(proof) for proof in proofs],
        "profile": values,
    }


def _said(host: Host, like: Likeness, proofs: Sequence[Proof], values: dict[str, Any]) -> list[str]:
    from edgeslm_agent.units import format_bytes

    memory = f"at most {format_bytes(host.memory_limit)}" if host.memory_limit else "no limit"
    processors = f"at most {host.cpu_quota:g}" if host.cpu_quota else "no limit"
    lines = [f"nearest known board: {like.profile.name} ({like.profile.title}), by its {like.by}"]
    if like.by == "name":
        lines.append(f"its own profile knows more than can be read here: --device {like.profile.name}")
    lines.append(f"cgroup: memory {memory}, processors {processors}")
    lines += [f"{proof.package} {proof.version or ''}: {proof.found}".replace(" :", ":") for proof in proofs]
    unread = [what for what in _READ if what not in values["read"]]
    return [*lines, f"cannot be read here: {', '.join(unread)}"] if unread else lines
