"""Which known board a machine is, or comes nearest to: by its name, its cores, or its instructions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgeslm.catalog.profile import Profile
    from edgeslm_agent.host import Host

# Of the words of both names, how many must be common: "Raspberry Pi 5 Model B Rev 1.0" is a Raspberry Pi 5, and
# "LENOVO 21CX" is nothing known.
COMMON = 0.5
_LOOK_ALIKES = (
    ("avx512_vnni", "x86-avx512-vnni-server"),
    ("avx2", "x86-avx2-generic"),
    ("asimddp", "raspberry-pi-5-8gb"),
    ("asimd", "raspberry-pi-4"),
)
_LAST_RESORT = "riscv-visionfive2"
_EMPTY = re.compile(r"\b(rev(ision)?\.? [\d.]+|model|b|developer|kit|board|cpu|processor|r|tm|\d+gb|\d+ gb)\b|\(.*?\)")


@dataclass(frozen=True)
class Likeness:
    """A known board and what made it the nearest."""

    profile: Profile
    by: Literal["name", "cores", "instructions"]


def nearest(host: Host, profiles: Sequence[Profile]) -> Likeness:
    """Return the profile that is this machine, or stands for it; among equals the one with the nearest memory."""
    alike = {profile.name: _common(host, profile) for profile in profiles}
    best = max(alike.values(), default=0.0)
    if best >= COMMON:
        return Likeness(_by_memory(host, [one for one in profiles if alike[one.name] == best]), "name")
    cores = sorted((cluster.type.lower(), cluster.count) for cluster in host.clusters)
    same = [one for one in profiles if sorted((group.type, group.count) for group in one.cores) == cores]
    if same:
        return Likeness(_by_memory(host, same), "cores")
    name = next((known for feature, known in _LOOK_ALIKES if feature in host.isa), _LAST_RESORT)
    return Likeness(next(one for one in profiles if one.name == name), "instructions")


def _common(host: Host, profile: Profile) -> float:
    """Return the largest share of common words between what the machine and the profile call themselves."""
    known = [_words(text) for text in (profile.name, profile.title.partition(",")[0], *profile.also)]
    seen = [words for text in (host.board, host.cpu) if (words := _words(text))]
    return max((len(one & other) / len(one | other) for one in seen for other in known), default=0.0)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", _EMPTY.sub(" ", text.lower().replace("-", " ").replace("+", " plus"))))


def _by_memory(host: Host, profiles: Iterable[Profile]) -> Profile:
    """Return the profile whose memory is nearest to what the kernel shows: a little less than is fitted."""
    fitted = host.memory_total // 2**20
    return min(profiles, key=lambda profile: abs(profile.memory_mb - fitted))
