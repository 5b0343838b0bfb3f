"""Groups of devices that operators name in a file of theirs, `groups.yaml`:

    canary: [home/kitchen, plant/line-1-*]
    plant: [plant]

A device is not asked which groups it is in: what it says of itself must not decide what is shown of it or sent to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.catalog.reader import read_document
from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE = "groups.yaml"
_SCHEMA = "groups"


def members(names: Iterable[str], file: Path) -> tuple[str, ...]:
    """Return what is in any of the groups, as FLEET or FLEET/ID with `*` and `?`.

    Raises ConfigError with every problem of the file, UsageError for a group it does not have.
    """
    document = read_document(file, _SCHEMA)
    document.raise_problems()
    found: list[str] = []
    for name in names:
        if name not in document.values:
            known = ", ".join(sorted(document.values)) or "no group at all"
            raise UsageError(f"no group is called '{name}'", f"{file} has {known}")
        found += document.values[name]
    return tuple(found)
