"""`edgeslm verify BUNDLE`: check every byte of a bundle against its manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import output

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")


def run(options: Namespace) -> int:
    """Verify; a changed or missing byte is a Corrupt error that names the file."""
    from edgeslm_agent.bundle import open_any

    bundle = open_any(options.bundle, verify=True)
    total = sum(entry.bytes for entry in bundle.manifest.files)
    if options.json:
        body = {
            "id": bundle.bundle_id,
            "variant": bundle.manifest.variant,
            "files": len(bundle.manifest.files),
            "bytes": total,
        }
        output.document("edgeslm.verify/1", body)
    else:
        output.result(
            f"{bundle.manifest.variant}: {len(bundle.manifest.files)} files, {total} bytes agree with the manifest"
        )
        output.result(f"id {bundle.bundle_id}")
    return 0
