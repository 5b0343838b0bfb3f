"""Accelerators that ship as files: what drives each, the form it needs, and what of our graphs it runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from edgeslm.catalog.folder import names_in, profiles_folder
from edgeslm.catalog.reader import read_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm.catalog.profile import Profile

Graph = Literal["onnx-blocks", "onnx-floats", "tflite"]
NOTHING = ("none", "cpu-extension")  # types of accelerator that no provider or delegate drives


@dataclass(frozen=True)
class Form:
    """The form an accelerator needs: named as a recipe and a format, `like` has weights of the same bytes."""

    recipe: str
    like: str
    format: str


@dataclass(frozen=True)
class Runs:
    """What of a graph written here runs there, and what falls back to the CPU for which reason."""

    share: Literal["part", "none"]
    why: str
    source: str = ""
    verified: bool = True


@dataclass(frozen=True)
class Takes:
    """The TFLite operators that run there with int8 values, and whether a graph may become several partitions."""

    partitions: Literal["one", "several"]
    operators: frozenset[str]
    source: str


@dataclass(frozen=True)
class Driver:
    """An execution provider, a delegate or a vendor's runtime. Kinds of graph that `runs` lacks, it cannot read.

    `takes` is None where no list of operators is known.
    """

    name: str
    title: str
    named: tuple[str, ...]
    precision: str
    shapes: str
    form: Form
    runs: Mapping[Graph, Runs]
    sources: Mapping[str, str]
    takes: Takes | None = None


@dataclass(frozen=True)
class Mention:
    """A driver as a profile mentions it: whether it works on the board, in the profile's own words."""

    driver: Driver
    works: bool
    says: str


def mentions(profile: Profile) -> tuple[Mention, ...]:
    """Return the drivers that a profile speaks of, by name; none for a board without an accelerator.

    Raises ConfigError for a file of profiles/accelerators with problems.
    """
    if profile.accelerator.type in NOTHING:
        return ()
    found = []
    for driver in drivers():
        for works, texts in ((True, profile.works), (False, profile.not_working)):
            said = next((text for text in texts if any(word in text for word in driver.named)), None)
            if said is not None:
                found.append(Mention(driver, works, said))
                break
    return tuple(found)


@cache
def drivers() -> tuple[Driver, ...]:
    """Return every driver that ships, by name."""
    return tuple(_driver(name) for name in names_in("accelerators"))


def _driver(name: str) -> Driver:
    document = read_document(profiles_folder() / "accelerators" / f"{name}.yaml", "accelerator")
    for graph, entry in document.values.get("runs", {}).items():
        source = entry.get("source")
        if source is not None and source not in document.values.get("sources", {}):
            document.problem(("runs", graph, "source"), f"'{source}' is not one of the sources below")
    document.raise_problems()
    values: dict[str, Any] = dict(document.values)
    runs = {graph: Runs(**entry) for graph, entry in values.pop("runs").items()}
    if "takes" in values:
        values["takes"] = Takes(**{**values["takes"], "operators": frozenset(values["takes"]["operators"])})
    return Driver(name, named=tuple(values.pop("named")), form=Form(**values.pop("form")), runs=runs, **values)
