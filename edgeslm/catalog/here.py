"""The profile of the machine this runs on: its memory, cores and runtime, and the speed of its look-alike."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from edgeslm.catalog.folder import profiles_folder
from edgeslm.catalog.profile import MIB, Cores, Fact, Memory, Profile, Rate, Runtime, Speed, System, profile_from
from edgeslm.catalog.reader import read_document

if TYPE_CHECKING:
    from edgeslm_agent.host import Host

# A machine nobody described may be this many times slower or faster than the one that stands for it.
DOUBT = 2.5
_LOOK_ALIKES = (
    ("avx512_vnni", "x86-avx512-vnni-server"),
    ("avx2", "x86-avx2-generic"),
    ("asimddp", "raspberry-pi-5-8gb"),
    ("asimd", "raspberry-pi-4"),
)


def profile_of_this_machine(host: Host | None = None) -> Profile:
    """Describe `host` (this machine when left out); its budget is the memory available now, cgroup limits included."""
    from edgeslm_agent.host import read_host

    host = host or read_host()
    like = _look_alike(host.isa)
    budget = host.memory_available // MIB
    return replace(
        like,
        name="here",
        title=host.board or host.cpu or "this machine",
        kind="computer",
        also=(),
        architecture=host.architecture,
        soc=host.cpu or "unknown",
        cores=(Cores(host.cpu or "unknown", max(host.big_cores, 1), like.cores[0].max_mhz, False, _like(like)),),
        isa=host.isa,
        memory_mb=min(host.memory_total, host.memory_limit or host.memory_total) // MIB,
        app_budget_mb=budget,
        app_budget=Fact(budget, why="MemAvailable at this moment, within the cgroup's limit"),
        memory_options=(),
        memory=Memory("not looked up", ()),
        speed=_doubted(like, max(host.default_threads, 1)),
        onnxruntime=_installed("onnxruntime", "edgeslm[ort]", like.onnxruntime),
        litert=_installed("ai-edge-litert", "edgeslm[litert]", like.litert),
        system=System(host.system or "unknown", python=host.python, notes=(f"kernel {host.kernel}",)),
        power_modes=(),
        power=(),
        power_note="",
        thermal=(),
        thermal_note="",
        caveats=("The speeds are those of another machine; `edgeslm measure` gives the real ones.",),
    )


def _look_alike(isa: frozenset[str]) -> Profile:
    name = next((profile for feature, profile in _LOOK_ALIKES if feature in isa), "riscv-visionfive2")
    document = read_document(profiles_folder() / "devices" / f"{name}.yaml", "device")
    document.raise_problems()
    return profile_from(name, document.values)


def _doubted(like: Profile, threads: int) -> Speed:
    return Speed(threads, _wider(like.speed.decode_gb_s, like), _wider(like.speed.prefill_gmac_s, like))


def _wider(rate: Rate, like: Profile) -> Rate:
    return Rate(rate.value, rate.low / DOUBT, rate.high * DOUBT, "estimated", why=_like(like))


def _like(like: Profile) -> str:
    return f"not looked up: that of {like.name}, which has the same instructions"


def _installed_runtime(like: Profile) -> Runtime:
    try:
        return Runtime(version("onnxruntime"), "installed in this Python", why="as its package says")
    except PackageNotFoundError:
        return replace(like.onnxruntime, how="not installed here: `pip install 'edgeslm[ort]'`", verified=False)
