"""`edgeslm list devices|models|recipes`: what ships with edgeslm."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edgeslm.cli import output

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("what", choices=["devices", "models", "recipes"])


def run(options: Namespace) -> int:
    """Show one kind of thing as a table, or as `{"devices": [...]}`."""
    columns, entries = {"devices": _devices, "models": _models, "recipes": _recipes}[options.what]()
    if options.json:
        output.document(f"edgeslm.{options.what}/1", {options.what: entries})
    else:
        output.table(list(columns), [[_cell(entry[key]) for key in columns.values()] for entry in entries])
    return 0


Listing = tuple[dict[str, str], list[dict[str, Any]]]


def _devices() -> Listing:
    from edgeslm.catalog import device, devices

    columns = {
        "device": "name",
        "what it is": "title",
        "memory MB": "memory_mb",
        "for the app MB": "app_budget_mb",
        "decode GB/s": "decode_gb_s",
        "basis": "basis",
    }
    entries = []
    for profile in map(device, devices()):
        rate = profile.speed.decode_gb_s
        described = {key: getattr(profile, key) for key in ("name", "title", "kind", "memory_mb", "app_budget_mb")}
        entries.append({**described, "decode_gb_s": rate.value, "basis": rate.basis, "also": list(profile.also)})
    return columns, entries


def _models() -> Listing:
    from edgeslm.catalog import models

    columns = {"model": "name", "parameters": "parameters", "source": "source", "licence": "licence", "note": "note"}
    return columns, [asdict(card) for card in models()]


def _recipes() -> Listing:
    from edgeslm.catalog import recipes

    columns = {"recipe": "name", "what it is": "description", "when": "when"}
    return columns, [{key: getattr(card, key) for key in columns.values()} for card in recipes()]


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:,}".replace(",", " ") if isinstance(value, int) else str(value)
