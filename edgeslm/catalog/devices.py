"""Finds a profile: by the name of a file that ships, as a FILE.yaml of the user's own, or `here`, this machine."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeslm.catalog.folder import names_in, profiles_folder
from edgeslm.catalog.probes import probe_of
from edgeslm.catalog.profile import Profile, profile_from
from edgeslm.catalog.reader import Document, read_document, schema_named
from edgeslm_agent.errors import UsageError
from edgeslm_agent.units import parse_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = "here"
SCHEMA = "device"


def devices() -> tuple[str, ...]:
    """Return the names of all profiles that ship, in alphabetical order."""
    return names_in("devices")


def shipped() -> tuple[Profile, ...]:
    """Return all profiles that ship, in alphabetical order."""
    return tuple(_profile(name) for name in devices())


def device(name: str, *, memory: str | None = None) -> Profile:
    """Return the profile named `name`, read from `name` when it is a FILE.yaml, or of this machine when it is `here`.

    `memory` (for example "2GB") is the memory fitted, when the board has another size than the profile says.
    Raises UsageError for an unknown name (naming the nearest) or size, ConfigError for a file with problems.
    """
    profile = _with_probe(_profile(name))
    if memory is None:
        return profile
    size = parse_bytes(memory)
    if size < 1024 * 1024:
        raise UsageError(f"--memory {memory} is less than a megabyte", "write it as 512MB or 2GB")
    return profile.with_memory(size // (1024 * 1024))


def _profile(name: str) -> Profile:
    if name == HERE:
        from edgeslm.catalog.here import profile_of_this_machine

        return profile_of_this_machine(shipped())
    if name.endswith((".yaml", ".yml")) or "/" in name:
        return _read(Path(name))
    if name in devices():
        return _read(profiles_folder() / "devices" / f"{name}.yaml")
    raise UsageError(f"there is no device '{name}'", _nearest(name))


def _with_probe(profile: Profile) -> Profile:
    record = probe_of(profile.name)
    return replace(profile, probed=record) if record.is_file() else profile


def _read(file: Path) -> Profile:
    document = read_document(file, SCHEMA, required=())
    if "based_on" in document.values:
        document = _completed(document)
    else:
        document.require(schema_named(SCHEMA)["required"])
    _check_meaning(document)
    document.raise_problems()
    return profile_from(file.stem, document.values)


def _completed(document: Document) -> Document:
    """Complete a profile that is based on another one: keys it leaves out come from there, `sources` from both."""
    document.require(("title", "memory_mb", "app_budget_mb"))
    document.raise_problems()
    base = document.values["based_on"]
    if base not in devices():
        document.problem(("based_on",), f"'{base}' is not a profile that ships; {_nearest(str(base))}")
        document.raise_problems()
    origin = read_document(profiles_folder() / "devices" / f"{base}.yaml", SCHEMA)
    origin.raise_problems()  # a base that is itself based on another one lacks keys, and is refused by this
    budget = document.values.get("app_budget_mb")
    if budget != origin.values["app_budget_mb"] and "app_budget" not in document.values:
        document.problem(("app_budget_mb",), f"is not that of {base}: say where it comes from, with 'app_budget'")
    sources = {**origin.values["sources"], **document.values.get("sources", {})}
    document.values = {**origin.values, **document.values, "sources": sources}
    return document


def _check_meaning(document: Document) -> None:
    """Add what a schema cannot say: sources that are not listed, ranges upside down, a budget above the memory."""
    values = document.values
    sources = values.get("sources", {})
    for place, mapping in _mappings(values, ()):
        source = mapping.get("source")
        if isinstance(source, str) and isinstance(sources, dict) and source not in sources:
            near = difflib.get_close_matches(source, list(sources), n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            document.problem((*place, "source"), f"'{source}' is not one of the sources below{hint}")
        numbers = [n for n in map(mapping.get, ("low", "value", "high")) if isinstance(n, (int, float))]
        if len(numbers) == 3 and numbers != sorted(numbers):
            document.problem(place, "low, value and high are not in rising order")
    memory, budget = values.get("memory_mb"), values.get("app_budget_mb")
    if isinstance(memory, int) and isinstance(budget, int) and budget > memory:
        document.problem(("app_budget_mb",), f"{budget} is more than the memory fitted, {memory}")


def _mappings(value: object, place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    if isinstance(value, dict):
        yield place, value
        for key, entry in value.items():
            yield from _mappings(entry, (*place, key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _mappings(entry, (*place, index))


def _nearest(name: str) -> str:
    """Return a hint that names the nearest profiles: by name, or by a product a profile also describes."""
    wanted = name.lower().replace("_", "-").replace(" ", "-")
    products = {product: profile for profile in devices() for product in _also(profile)}
    if wanted in products:
        return f"{name} is described by --device {products[wanted]}"
    near = difflib.get_close_matches(wanted, [*devices(), *products], n=3, cutoff=0.5)
    near = list(dict.fromkeys([*near, *(known for known in devices() if known.startswith(wanted))]))[:5]
    known = ", ".join(f"{entry} ({products[entry]})" if entry in products else entry for entry in near)
    return (f"the nearest are {known}; " if known else "") + "`edgeslm list devices` shows all"


def _also(name: str) -> tuple[str, ...]:
    return tuple(
        read_document(profiles_folder() / "devices" / f"{name}.yaml", SCHEMA, required=()).values.get("also", ())
    )
