"""The frozen description of a kind of board, as one file of profiles/devices/ says it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from edgeslm_exporters.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MIB = 1024 * 1024
Kind = Literal["board", "phone", "computer", "accelerator"]


@dataclass(frozen=True)
class Fact:
    """A figure with where it comes from; `verified` is false for what nobody looked up or tried, and `why` says so."""

    value: float | str
    source: str = ""
    verified: bool = True
    why: str = ""


@dataclass(frozen=True)
class Rate:
    """A speed the CPU reaches, with its range; `basis` as in a figure."""

    value: float
    low: float
    high: float
    basis: Literal["measured", "published", "estimated"]
    source: str = ""
    why: str = ""


@dataclass(frozen=True)
class Cores:
    """One cluster of equal cores."""

    type: str
    count: int
    max_mhz: int
    verified: bool = True
    why: str = ""


@dataclass(frozen=True)
class Measured:
    """A published memory test, in GB/s (10^9 bytes)."""

    test: str
    low_gb_s: float
    high_gb_s: float
    source: str


@dataclass(frozen=True)
class Memory:
    """The memory's kind and its bandwidth: the theoretical one, and what tests copied."""

    type: str
    measured: tuple[Measured, ...]
    theoretical_gb_s: Fact | None = None
    bus_bits: int | None = None
    shared_with_gpu: bool = False


@dataclass(frozen=True)
class MemoryOption:
    """Another memory size the board is sold with, and the budget it leaves, in MiB."""

    memory_mb: int
    app_budget_mb: int
    source: str = ""
    verified: bool = True
    why: str = ""


@dataclass(frozen=True)
class Speed:
    """What the CPU reaches with `threads`: 10^9 bytes of weights a second (decode), 10^9 multiply-adds (prefill)."""

    threads: int
    decode_gb_s: Rate
    prefill_gmac_s: Rate


@dataclass(frozen=True)
class Accelerator:
    """What sits beside the CPU. Nothing is planned for it yet; the profile says what it is."""

    type: str
    name: str = ""
    memory: str = ""
    note: str = ""
    figures: tuple[tuple[str, Fact], ...] = ()
    add_ons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Runtime:
    """The newest version of a runtime the board's system can install and run; `newest` is None when there is none."""

    newest: str | None
    how: str
    avoid: tuple[str, ...] = ()
    source: str = ""
    verified: bool = True
    why: str = ""


@dataclass(frozen=True)
class System:
    """The operating system whose packages decide what can be installed."""

    os: str
    glibc: str = ""
    python: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """A kind of board. `memory_mb` is fitted, `app_budget_mb` is left for the agent and its model (both MiB).

    `isa` holds features as /proc/cpuinfo names them; `sources` maps the short names used by facts to citations;
    `litert` is None where nothing is known of it. `probed` is the record of a probe taken on such a board.
    """

    name: str
    title: str
    kind: Kind
    also: tuple[str, ...]
    architecture: str
    soc: str
    cores: tuple[Cores, ...]
    isa: frozenset[str]
    memory_mb: int
    app_budget_mb: int
    app_budget: Fact
    memory_options: tuple[MemoryOption, ...]
    memory: Memory
    speed: Speed
    accelerator: Accelerator
    works: tuple[str, ...]
    not_working: tuple[str, ...]
    onnxruntime: Runtime
    litert: Runtime | None
    system: System
    power_modes: tuple[str, ...]
    power: tuple[tuple[str, Fact], ...]
    power_note: str
    thermal: tuple[tuple[str, Fact], ...]
    thermal_note: str
    read: tuple[tuple[str, str], ...]
    caveats: tuple[str, ...]
    sources: tuple[tuple[str, str], ...]
    probed: Path | None = None

    @property
    def budget_bytes(self) -> int:
        """The app budget in bytes."""
        return self.app_budget_mb * MIB

    def target(self) -> Target:
        """Return what writers and linters need to know of the board."""
        runtime = self.onnxruntime
        known = {"onnx": runtime.newest} if runtime.newest is not None and runtime.verified else {}
        return Target(self.name, self.architecture, self.isa, known)

    def with_memory(self, memory_mb: int) -> Profile:
        """Return the profile of the same board with another memory fitted.

        A size the profile lists has its own budget. Otherwise the system keeps the share it has here, but no more than
        half: a system on a smaller board is set up smaller.
        """
        known = {option.memory_mb: option for option in self.memory_options}.get(memory_mb)
        if known is not None:
            fact = Fact(known.app_budget_mb, known.source, known.verified, known.why)
            return replace(self, memory_mb=memory_mb, app_budget_mb=known.app_budget_mb, app_budget=fact)
        share = self.memory_mb - self.app_budget_mb
        floor = min(memory_mb // 2, memory_mb * self.app_budget_mb // self.memory_mb)
        budget = self.app_budget_mb if memory_mb == self.memory_mb else max(memory_mb - share, floor)
        why = f"{self.memory_mb - self.app_budget_mb} MB for the system, as with {self.memory_mb} MB, but at most half"
        return replace(
            self, memory_mb=memory_mb, app_budget_mb=budget, app_budget=Fact(budget, verified=False, why=why)
        )


def profile_from(name: str, values: Mapping[str, Any]) -> Profile:
    """Build a profile from a document that passed its schema."""
    runtimes, power, thermal = values["runtimes"], values.get("power", {}), values.get("thermal", {})
    return Profile(
        name=name,
        title=values["title"],
        kind=values["kind"],
        also=tuple(values.get("also", ())),
        architecture=values["architecture"],
        soc=values["soc"],
        cores=tuple(Cores(**entry) for entry in values["cores"]),
        isa=frozenset(values["isa"]),
        memory_mb=values["memory_mb"],
        app_budget_mb=values["app_budget_mb"],
        app_budget=Fact(value=values["app_budget_mb"], **values["app_budget"]),
        memory_options=tuple(MemoryOption(**entry) for entry in values.get("memory_options", ())),
        memory=_memory(values["memory"]),
        speed=_speed(values["speed"]),
        accelerator=_accelerator(values.get("accelerator", {"type": "none"})),
        works=tuple(runtimes["works"]),
        not_working=tuple(runtimes["not_working"]),
        onnxruntime=_runtime(runtimes["onnxruntime"]),
        litert=_runtime(runtimes["litert"]) if "litert" in runtimes else None,
        system=_system(values["system"]),
        power_modes=tuple(power.get("modes", ())),
        power=_facts(power),
        power_note=power.get("note", ""),
        thermal=_facts(thermal),
        thermal_note=thermal.get("note", ""),
        read=tuple(values["read"].items()),
        caveats=tuple(values.get("caveats", ())),
        sources=tuple(values["sources"].items()),
    )


def _memory(values: Mapping[str, Any]) -> Memory:
    theoretical = values.get("theoretical_gb_s")
    return Memory(
        type=values["type"],
        measured=tuple(Measured(**entry) for entry in values["measured"]),
        theoretical_gb_s=None if theoretical is None else Fact(**theoretical),
        bus_bits=values.get("bus_bits"),
        shared_with_gpu=values.get("shared_with_gpu", False),
    )


def _speed(values: Mapping[str, Any]) -> Speed:
    return Speed(values["threads"], Rate(**values["decode_gb_s"]), Rate(**values["prefill_gmac_s"]))


def _accelerator(values: Mapping[str, Any]) -> Accelerator:
    texts = {key: values[key] for key in ("name", "memory", "note") if key in values}
    figures = tuple((key, Fact(**fact)) for key, fact in values.get("figures", {}).items())
    return Accelerator(values["type"], **texts, figures=figures, add_ons=tuple(values.get("add_ons", ())))


def _runtime(values: Mapping[str, Any]) -> Runtime:
    return Runtime(**{**values, "avoid": tuple(values.get("avoid", ()))})


def _system(values: Mapping[str, Any]) -> System:
    return System(**{**values, "notes": tuple(values.get("notes", ()))})


def _facts(values: Mapping[str, Any]) -> tuple[tuple[str, Fact], ...]:
    return tuple((key, Fact(**fact)) for key, fact in values.items() if isinstance(fact, dict))
