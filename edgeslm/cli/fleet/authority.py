"""The option that names the authority's folder, for the verbs that need it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm_agent.errors import MissingExtra

if TYPE_CHECKING:
    import argparse

    from edgeslm.fleet.identity.authority import Authority


def add_authority_option(parser: argparse.ArgumentParser) -> None:
    """Add --authority."""
    parser.add_argument(
        "--authority",
        metavar="DIR",
        type=Path,
        help="the folder made by `edgeslm fleet init` (EDGESLM_AUTHORITY, ~/.local/share/edgeslm/authority)",
    )


def authority_folder(options: argparse.Namespace) -> Path:
    """Return the folder that the options mean. Raises MissingExtra when its verbs cannot work here."""
    if find_spec("cryptography") is None:
        raise MissingExtra("certificates need the package cryptography", "pip install 'edgeslm[fleet]'")
    from edgeslm.fleet.identity.authority import default_folder

    folder: Path | None = options.authority
    return folder or default_folder()


def authority_of(options: argparse.Namespace) -> Authority:
    """Open the authority that the options mean. Raises UsageError when there is none."""
    folder = authority_folder(options)
    from edgeslm.fleet.identity.authority import open_authority

    return open_authority(folder)
