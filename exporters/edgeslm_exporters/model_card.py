"""The licence of a checkpoint, from the front matter of its model card (README.md)."""

from __future__ import annotations

import re

_FRONT = re.compile(r"\A---\s*\n(?P<front>.*?)\n---\s*(\n|\Z)", re.DOTALL)
_LICENCE = re.compile(r"^(?P<key>license|license_name):[ \t]*(\n-[ \t]+)?(?P<value>[^\n#]+)", re.MULTILINE)


def licence_of(card: str) -> str:
    """Return the licence a model card names, or ''. Where it says `other`, the name beside that is the licence."""
    front = _FRONT.match(card)
    found = {
        match["key"]: match["value"].strip(" \t\r\"'") for match in _LICENCE.finditer(front["front"] if front else "")
    }
    named = found.get("license", "")
    return found.get("license_name", named) if named in {"", "other"} else named
